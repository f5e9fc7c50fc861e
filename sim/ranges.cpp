#include "sim/ranges.h"

#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

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
            const auto index = close == std::string_view::npos ? tl::make_unexpected(UnitFault{})
                                                               : parse_count(rest.substr(open + 1, close - open - 1));
            if (!index || *index >= indices.size()) {
                diagnostics.error(node.where, fmt::format("{} refers to no range of its key", in_quotes(node.text)),
                                  indices.empty() ? "the key has no range such as [0..3]"
                                                  : fmt::format("write {{0}} to {{{}}}", indices.size() - 1));
                return node;
            }
            result.text += rest.substr(0, open);
            result.text += std::to_string(indices[*index]);
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

} // namespace sim
