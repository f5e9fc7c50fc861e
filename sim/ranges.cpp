#include "sim/ranges.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

#include "sim/fields.h"
#include "sim/units.h"

namespace sim {
namespace {

struct Range {
    std::string before; ///< text between the previous range and this one
    unsigned first = 0;
    unsigned last = 0;
};

constexpr std::uint64_t kIndexMax = 99'999;

std::optional<Range> parse_range(std::string_view inside) {
    const std::size_t dots = inside.find("..");
    if (dots == std::string_view::npos) {
        return std::nullopt;
    }
    const auto first = parse_count(inside.substr(0, dots));
    const auto last = parse_count(inside.substr(dots + 2));
    if (!first || !last || *first > *last || *last > kIndexMax) {
        return std::nullopt;
    }
    return Range{{}, static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

/// What is wrong with the inside of a pair of braces.
struct TemplateFault {
    std::string message;
    std::string suggestion;
};

/// One step of the arithmetic. `value` and `operand` are at most `kIndexMax` each, so nothing wraps around.
tl::expected<std::uint64_t, TemplateFault> apply(std::uint64_t value, char op, std::uint64_t operand) {
    if ((op == '/' || op == '%') && operand == 0) {
        return tl::make_unexpected(TemplateFault{"divides by zero", {}});
    }
    if (op == '-' && operand > value) {
        return tl::make_unexpected(
            TemplateFault{fmt::format("is negative: {} - {}", value, operand), "begin the range with a larger number"});
    }
    const std::uint64_t result = op == '+'   ? value + operand
                                 : op == '-' ? value - operand
                                 : op == '*' ? value * operand
                                 : op == '/' ? value / operand
                                             : value % operand;
    if (result > kIndexMax) {
        return tl::make_unexpected(TemplateFault{fmt::format("gives {}", result), "at most 99999"});
    }
    return result;
}

/// The inside of a pair of braces: the number of a range, and what is to be done with its index.
tl::expected<std::uint64_t, TemplateFault> evaluate(std::string_view inside, const std::vector<unsigned>& indices) {
    constexpr std::string_view kOperators = "+-*/%";
    std::size_t at = inside.find_first_of(kOperators);
    const auto range = parse_count(inside.substr(0, at));
    if (!range || *range >= indices.size()) {
        return tl::make_unexpected(TemplateFault{"refers to no range of its key",
                                                 indices.empty()
                                                     ? "the key has no range such as [0..3]"
                                                     : fmt::format("write {{0}} to {{{}}}", indices.size() - 1)});
    }
    std::uint64_t value = indices[*range];
    bool added = false;
    while (at != std::string_view::npos) {
        const char op = inside[at];
        const std::size_t next = inside.find_first_of(kOperators, at + 1);
        const auto operand = parse_count(inside.substr(at + 1, next == std::string_view::npos ? next : next - at - 1));
        if (!operand || *operand > kIndexMax) {
            return tl::make_unexpected(TemplateFault{fmt::format("has no whole number behind \"{}\"", op),
                                                     "write such as {0/8}, {0%8} or {0*2+1}"});
        }
        const bool adds = op == '+' || op == '-';
        if (added && !adds) {
            return tl::make_unexpected(TemplateFault{"mixes its operators", "write * / % before + and -"});
        }
        added = added || adds;
        const auto step = apply(value, op, *operand);
        if (!step) {
            return step;
        }
        value = *step;
        at = next;
    }
    return value;
}

} // namespace

std::vector<RangeName> expand_ranges(const std::string& key, const Location& where, Diagnostics& diagnostics) {
    std::vector<Range> ranges;
    std::string_view rest = key;
    std::size_t total = 1;
    for (std::size_t open; (open = rest.find('[')) != std::string_view::npos;) {
        const std::size_t close = rest.find(']', open);
        auto range =
            close == std::string_view::npos ? std::nullopt : parse_range(rest.substr(open + 1, close - open - 1));
        if (!range) {
            diagnostics.error(where, fmt::format("{} is not a range", in_quotes(key)),
                              "write \"name[0..3]\", first to last");
            return {};
        }
        range->before = rest.substr(0, open);
        if (range->before.empty() && !ranges.empty()) {
            range->before = "-";
        }
        total *= range->last - range->first + 1;
        if (total > kRangeMax) {
            diagnostics.error(where, fmt::format("{} stands for more than {} names", in_quotes(key), kRangeMax));
            return {};
        }
        ranges.push_back(*range);
        rest.remove_prefix(close + 1);
    }
    std::vector<RangeName> names;
    for (std::size_t n = 0; n < total; ++n) {
        RangeName one;
        one.indices.resize(ranges.size());
        std::size_t left = n;
        for (std::size_t r = ranges.size(); r-- > 0;) {
            const std::size_t width = ranges[r].last - ranges[r].first + 1;
            one.indices[r] = ranges[r].first + static_cast<unsigned>(left % width);
            left /= width;
        }
        for (std::size_t r = 0; r < ranges.size(); ++r) {
            one.name += ranges[r].before + std::to_string(one.indices[r]);
        }
        one.name += rest;
        names.push_back(std::move(one));
    }
    return names;
}

YamlNode substitute_indices(const YamlNode& node, const std::vector<unsigned>& indices, Diagnostics& diagnostics) {
    YamlNode result = node;
    if (node.is_scalar()) {
        result.text.clear();
        std::string_view rest = node.text;
        for (std::size_t open; (open = rest.find('{')) != std::string_view::npos;) {
            const std::size_t close = rest.find('}', open);
            const auto value = close == std::string_view::npos
                                   ? tl::make_unexpected(
                                         TemplateFault{"refers to no range of its key", "close the brace, \"name{0}\""})
                                   : evaluate(rest.substr(open + 1, close - open - 1), indices);
            if (!value) {
                diagnostics.error(node.where, fmt::format("{} {}", in_quotes(node.text), value.error().message),
                                  value.error().suggestion);
                return node;
            }
            result.text += rest.substr(0, open);
            result.text += std::to_string(*value);
            rest.remove_prefix(close + 1);
        }
        result.text += rest;
    }
    for (YamlNode& item : result.items) {
        item = substitute_indices(item, indices, diagnostics);
    }
    for (YamlEntry& entry : result.entries) {
        entry.value = substitute_indices(entry.value, indices, diagnostics);
    }
    return result;
}

bool has_indices(const YamlNode& node) {
    return (node.is_scalar() && node.text.find('{') != std::string::npos) ||
           std::any_of(node.items.begin(), node.items.end(), has_indices) ||
           std::any_of(node.entries.begin(), node.entries.end(),
                       [](const YamlEntry& entry) { return has_indices(entry.value); });
}

} // namespace sim
