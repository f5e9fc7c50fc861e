#include "sim/sweep_values.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/sweep_plan.h"
#include "sim/units.h"

namespace sim {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> parts;
    int depth = 0;
    char quote = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quote != 0) {
            quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',' && depth == 0) {
            parts.push_back(trimmed(text.substr(begin, i - begin)));
            begin = i + 1;
        }
    }
    parts.push_back(trimmed(text.substr(begin)));
    return parts;
}

/// A number and its unit, which may be missing.
struct Measure {
    std::string number;
    std::string unit;
};

Measure measure(std::string_view text) {
    text = trimmed(text);
    std::size_t end = 0;
    while (end < text.size() && (is_digit(text[end]) || text[end] == '.')) {
        ++end;
    }
    return {std::string(text.substr(0, end)), std::string(trimmed(text.substr(end)))};
}

/// How texts of one kind of quantity become whole numbers and texts again.
struct Scale {
    std::function<Parsed<std::uint64_t>(const std::string&)> parse;
    std::function<std::string(std::uint64_t)> format;
};

Scale scale_of(const std::string& unit, std::size_t decimals) {
    if (unit.ends_with("B")) {
        return {[](const std::string& text) { return parse_size(text); }, format_size};
    }
    if (unit.find_first_of("Bb") != std::string::npos) {
        return {[](const std::string& text) { return parse_rate(text); }, format_rate};
    }
    if (unit.ends_with("s")) {
        return {[](const std::string& text) { return parse_time(text); }, format_time};
    }
    // A bare number or a percentage, in units of its last decimal.
    const std::string suffix = unit.empty() ? "" : " " + unit;
    return {[decimals](const std::string& text) -> Parsed<std::uint64_t> {
                std::string digits = measure(text).number;
                const std::size_t point = std::min(digits.find('.'), digits.size());
                const std::size_t have = digits.size() - std::min(point + 1, digits.size());
                digits.erase(point, point < digits.size() ? 1 : 0);
                if (have > decimals) {
                    return tl::make_unexpected(UnitFault{"is not a whole number", {}});
                }
                return parse_count(digits + std::string(decimals - have, '0'));
            },
            [decimals, suffix](std::uint64_t value) {
                std::string digits = fmt::format("{:0{}}", value, decimals + 1);
                if (decimals > 0) {
                    digits.insert(digits.size() - decimals, ".");
                    digits.erase(digits.find_last_not_of('0') + 1);
                    digits.erase(digits.back() == '.' ? digits.size() - 1 : digits.size());
                }
                return digits + suffix;
            }};
}

std::size_t decimals_of(const std::string& number) {
    const std::size_t point = number.find('.');
    return point == std::string::npos ? 0 : number.size() - point - 1;
}

class RangeReader {
public:
    RangeReader(std::string_view text, const Location& where, Diagnostics& diagnostics)
        : text_(text), where_(where), diagnostics_(diagnostics) {}

    /// It begins with a number, and has a number behind two dots.
    static bool is_range(std::string_view text) {
        const std::size_t dots = text.find("..");
        if (dots == std::string_view::npos || dots == 0 || !is_digit(text.front())) {
            return false;
        }
        const std::string_view rest = trimmed(text.substr(dots + 2));
        return !rest.empty() && is_digit(rest.front());
    }

    bool read(std::vector<std::string>& into) {
        const std::size_t dots = text_.find("..");
        const std::string_view right = text_.substr(dots + 2);
        const bool times = right.find(" times ") != std::string_view::npos;
        const std::size_t word = right.find(times ? " times " : " step ");
        if (word == std::string_view::npos) {
            return fault("does not say how far apart", "write \"10..100 step 10 GB/s\" or \"1..64 times 2\"");
        }
        Measure from = measure(text_.substr(0, dots)), to = measure(right.substr(0, word)),
                by = measure(right.substr(word + (times ? 7 : 6)));
        if (to.unit.empty()) {
            to.unit = by.unit;
        }
        if (from.unit.empty()) {
            from.unit = to.unit;
        }
        if (times) {
            by.unit.clear();
        } else if (by.unit.empty()) {
            by.unit = to.unit;
        }
        std::size_t decimals = std::max(decimals_of(from.number), decimals_of(to.number));
        decimals = times ? decimals : std::max(decimals, decimals_of(by.number));
        if (decimals > 9) {
            return fault("has too many digits", "");
        }
        const Scale scale = scale_of(to.unit, decimals);
        const auto low = value(from, scale);
        const auto high = low ? value(to, scale) : std::nullopt;
        const auto step = !high ? std::nullopt : times ? value(by, scale_of("", 0)) : value(by, scale);
        if (!step) {
            return false;
        }
        if (*low > *high) {
            return fault("goes downwards", "write the smaller number first");
        }
        if (*step < (times ? 2u : 1u) || (times && *low == 0)) {
            return fault("never ends",
                         times ? "begin above 0, and take a whole factor of at least 2" : "take a step above 0");
        }
        for (std::uint64_t at = *low;; at = times ? at * *step : at + *step) {
            into.push_back(scale.format(at));
            if (into.size() > SweepPlan::kPointsMax) {
                return fault(fmt::format("has more than {} values", SweepPlan::kPointsMax), "");
            }
            if (times ? at > *high / *step : *high - at < *step) {
                return true;
            }
        }
    }

private:
    std::optional<std::uint64_t> value(const Measure& measure, const Scale& scale) {
        const std::string text = measure.unit.empty() ? measure.number : measure.number + " " + measure.unit;
        const auto parsed = scale.parse(text);
        if (!parsed) {
            fault(fmt::format("has {}, which {}", in_quotes(text), parsed.error().message), parsed.error().suggestion);
            return std::nullopt;
        }
        return *parsed;
    }

    bool fault(const std::string& message, const std::string& suggestion) {
        diagnostics_.error(where_, fmt::format("sweep: the range {} {}", in_quotes(text_), message), suggestion);
        return false;
    }

    std::string_view text_;
    const Location& where_;
    Diagnostics& diagnostics_;
};

} // namespace

std::optional<std::vector<std::string>> expand_values(const std::string& text, const Location& where,
                                                      Diagnostics& diagnostics) {
    std::vector<std::string> values;
    bool good = true;
    for (const std::string_view part : split(text)) {
        if (part.empty()) {
            diagnostics.error(where, fmt::format("sweep: {} has an empty value", in_quotes(text)),
                              "write \"10 GB/s, 20 GB/s\"");
            good = false;
        } else if (RangeReader::is_range(part)) {
            good = RangeReader(part, where, diagnostics).read(values) && good;
        } else {
            values.emplace_back(part);
        }
    }
    return good ? std::optional(values) : std::nullopt;
}

std::optional<double> as_number(const std::string& text) {
    for (const auto parse : {parse_rate, parse_size, parse_time}) {
        if (const auto value = parse(text, "")) {
            return static_cast<double>(*value);
        }
    }
    if (const auto share = parse_share(text)) {
        return *share * (text.ends_with("%") ? 100 : 1);
    }
    return std::nullopt;
}

} // namespace sim
