#include "sim/units.h"

#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/suggest.h"

namespace sim {
namespace {

__extension__ using Wide = unsigned __int128;

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Within a table: binary before decimal, each from large to small, the order in which values are spelt.
constexpr std::array<Unit, 9> kSizes{{{"TiB", 1ull << 40},
                                      {"GiB", 1ull << 30},
                                      {"MiB", 1ull << 20},
                                      {"KiB", 1ull << 10},
                                      {"TB", 1'000'000'000'000},
                                      {"GB", 1'000'000'000},
                                      {"MB", 1'000'000},
                                      {"kB", 1'000},
                                      {"B", 1}}};
constexpr std::array<Unit, 9> kRates{{{"TB/s", 1'000'000'000'000},
                                      {"GB/s", 1'000'000'000},
                                      {"MB/s", 1'000'000},
                                      {"kB/s", 1'000},
                                      {"B/s", 1},
                                      {"TiB/s", 1ull << 40},
                                      {"GiB/s", 1ull << 30},
                                      {"MiB/s", 1ull << 20},
                                      {"KiB/s", 1ull << 10}}};
constexpr std::array<Unit, 5> kTimes{
    {{"s", 1'000'000'000'000}, {"ms", 1'000'000'000}, {"us", 1'000'000}, {"ns", 1'000}, {"ps", 1}}};

struct Quantity {
    std::string_view noun;  ///< "a bandwidth"
    std::string_view whole; ///< what a value must be a whole number of
    std::span<const Unit> units;
};

const Quantity kSize{"a size", "bytes", kSizes};
const Quantity kRate{"a bandwidth", "bytes a second", kRates};
const Quantity kTime{"a time", "picoseconds", kTimes};

/// A decimal number, kept exactly: `digits` / 10^`decimals`.
struct Decimal {
    Wide digits = 0;
    unsigned decimals = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

Wide power_of_ten(unsigned exponent) {
    Wide power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

/// The length of the number that `text` begins with: digits, and perhaps a point and digits. 0 = none.
std::size_t number_length(std::string_view text) {
    std::size_t end = 0;
    while (end < text.size() && is_digit(text[end])) {
        ++end;
    }
    if (end > 0 && end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
        ++end;
        while (end < text.size() && is_digit(text[end])) {
            ++end;
        }
    }
    return end;
}

/// Empty if it has more than 20 significant digits, which no quantity here needs.
std::optional<Decimal> to_decimal(std::string_view number) {
    Decimal decimal;
    if (number.find('.') != std::string_view::npos) {
        while (number.back() == '0') {
            number.remove_suffix(1);
        }
    }
    bool fraction = false;
    for (const char c : number) {
        if (c == '.') {
            fraction = true;
            continue;
        }
        decimal.digits = decimal.digits * 10 + static_cast<unsigned>(c - '0');
        decimal.decimals += fraction ? 1 : 0;
        if (decimal.digits >= power_of_ten(20) || decimal.decimals > 15) {
            return std::nullopt;
        }
    }
    return decimal;
}

const Unit* find(std::span<const Unit> units, std::string_view name) {
    for (const Unit& unit : units) {
        if (unit.name == name) {
            return &unit;
        }
    }
    return nullptr;
}

std::string spelt(Wide value, const Quantity& quantity) {
    const auto small = static_cast<std::uint64_t>(value);
    return quantity.units.data() == kSizes.data()   ? format_size(small)
           : quantity.units.data() == kRates.data() ? format_rate(small)
                                                    : format_time(small);
}

/// `Gbit/s` and its like count bits; the proposal is the same rate in bytes.
std::optional<std::string> rate_in_bytes(const Decimal& number, std::string_view unit) {
    for (const auto& [prefix, factor] :
         {std::pair{'k', 1'000ull}, {'M', 1'000'000ull}, {'G', 1'000'000'000ull}, {'T', 1'000'000'000'000ull}}) {
        const std::string p(1, prefix);
        if (unit == p + "b/s" || unit == p + "bit/s" || unit == p + "bps" || unit == p + "bits/s") {
            const Wide bytes = number.digits * factor / power_of_ten(number.decimals) / 8;
            if (bytes <= std::numeric_limits<std::uint64_t>::max()) {
                return format_rate(static_cast<std::uint64_t>(bytes));
            }
        }
    }
    return std::nullopt;
}

UnitFault unit_fault(std::string_view number, const Decimal& value, std::string_view unit, const Quantity& quantity) {
    for (const Quantity* other : {&kSize, &kRate, &kTime}) {
        if (other != &quantity && find(other->units, unit) != nullptr) {
            std::string suggestion = fmt::format("units of {}: {}", quantity.noun, quantity.units.front().name);
            for (const Unit& each : quantity.units.subspan(1)) {
                suggestion += fmt::format(" {}", each.name);
            }
            return {fmt::format("is {}, not {}", other->noun, quantity.noun), suggestion};
        }
    }
    if (&quantity == &kRate) {
        if (const auto bytes = rate_in_bytes(value, unit)) {
            return {"counts bits, not bytes", fmt::format("write \"{}\"", *bytes)};
        }
    }
    std::vector<std::string> names;
    for (const Unit& each : quantity.units) {
        names.emplace_back(each.name);
    }
    const std::string best = nearest(unit, names);
    return {fmt::format("has the unknown unit \"{}\"", unit),
            best.empty() ? suggest(unit, names) : fmt::format("write \"{} {}\"", number, best)};
}

Parsed<std::uint64_t> parse(std::string_view text, const Quantity& quantity, std::string_view likely) {
    text = trimmed(text);
    const auto fault = [](std::string message, std::string suggestion) {
        return tl::make_unexpected(UnitFault{std::move(message), std::move(suggestion)});
    };
    const std::string example = fmt::format("write {} such as \"4 {}\"", quantity.noun, likely);
    if (text.empty()) {
        return fault("is empty", example);
    }
    if (text.front() == '-') {
        return fault("is negative", example);
    }
    const std::size_t length = number_length(text);
    if (length == 0) {
        return fault("is not a number with a unit", example);
    }
    const std::string_view number = text.substr(0, length);
    const std::string_view name = trimmed(text.substr(length));
    if (!name.empty() && (name.front() == '.' || name.front() == '_' || name.front() == ',')) {
        return fault("is not a number with a unit", example);
    }
    if (name.empty()) {
        return fault("has no unit", fmt::format("write \"{} {}\"", number, likely));
    }
    const std::optional<Decimal> value = to_decimal(number);
    if (!value) {
        return fault("has too many digits", example);
    }
    const Unit* unit = find(quantity.units, name);
    if (unit == nullptr) {
        return tl::make_unexpected(unit_fault(number, *value, name, quantity));
    }
    const Wide scaled = value->digits * unit->factor;
    const Wide divisor = power_of_ten(value->decimals);
    if (scaled / divisor > std::numeric_limits<std::uint64_t>::max()) {
        return fault("is too large",
                     fmt::format("at most {}", spelt(std::numeric_limits<std::uint64_t>::max(), quantity)));
    }
    if (scaled % divisor != 0) {
        return fault(fmt::format("is not a whole number of {}", quantity.whole),
                     fmt::format("write \"{}\"", spelt(scaled / divisor, quantity)));
    }
    return static_cast<std::uint64_t>(scaled / divisor);
}

/// `value` in the first unit in which it is a whole number below a million, or has at most two decimals.
std::string format(std::uint64_t value, const Quantity& quantity) {
    const Unit& smallest = *find(quantity.units, quantity.units.data() == kSizes.data()   ? "B"
                                                 : quantity.units.data() == kRates.data() ? "B/s"
                                                                                          : "ps");
    if (value == 0) {
        return fmt::format("0 {}", smallest.name);
    }
    for (const Unit& unit : quantity.units) {
        if (value % unit.factor == 0 && value / unit.factor < 1'000'000) {
            return fmt::format("{} {}", value / unit.factor, unit.name);
        }
        // A few decimals read better than many digits: 46.7 GB/s rather than 46700 MB/s.
        if (quantity.units.data() != kSizes.data() && value >= unit.factor && unit.factor % 1000 == 0 &&
            value % (unit.factor / 1000) == 0) {
            std::string text = fmt::format("{}.{:03}", value / unit.factor, value % unit.factor / (unit.factor / 1000));
            text.erase(text.find_last_not_of('0') + 1);
            return fmt::format("{} {}", text, unit.name);
        }
    }
    return fmt::format("{} {}", value, smallest.name);
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
    if (!text.ends_with(suffix)) {
        return false;
    }
    text.remove_suffix(suffix.size());
    return true;
}

} // namespace

Parsed<std::uint64_t> parse_size(std::string_view text, std::string_view likely) { return parse(text, kSize, likely); }
Parsed<std::uint64_t> parse_rate(std::string_view text, std::string_view likely) { return parse(text, kRate, likely); }
Parsed<std::uint64_t> parse_time(std::string_view text, std::string_view likely) { return parse(text, kTime, likely); }

Parsed<std::uint64_t> parse_link_rate(std::string_view text, std::string_view likely) {
    text = trimmed(text);
    if (take_suffix(text, " each way")) {
        return parse_rate(text, likely);
    }
    const bool total = take_suffix(text, " total");
    auto rate = parse_rate(text, likely);
    if (rate && total) {
        if (*rate % 2 != 0) {
            return tl::make_unexpected(UnitFault{"total does not halve into whole bytes a second", "give it each way"});
        }
        return *rate / 2;
    }
    return rate;
}

Parsed<double> parse_share(std::string_view text) {
    text = trimmed(text);
    const UnitFault fault{"is not a share", "write a percentage such as \"0.5 %\""};
    const std::size_t length = number_length(text);
    const std::string_view unit = trimmed(text.substr(length));
    const std::optional<Decimal> value = length == 0 ? std::nullopt : to_decimal(text.substr(0, length));
    if (!value || !(unit.empty() || unit == "%")) {
        return tl::make_unexpected(fault);
    }
    const unsigned decimals = value->decimals + (unit == "%" ? 2 : 0);
    return static_cast<double>(value->digits) / static_cast<double>(power_of_ten(decimals));
}

Parsed<std::uint64_t> parse_count(std::string_view text) {
    text = trimmed(text);
    Wide value = 0;
    for (const char c : text) {
        if (!is_digit(c)) {
            return tl::make_unexpected(UnitFault{"is not a whole number", {}});
        }
        value = value * 10 + static_cast<unsigned>(c - '0');
        if (value > std::numeric_limits<std::uint64_t>::max()) {
            return tl::make_unexpected(UnitFault{"is too large", {}});
        }
    }
    if (text.empty()) {
        return tl::make_unexpected(UnitFault{"is empty", {}});
    }
    return static_cast<std::uint64_t>(value);
}

std::string format_size(std::uint64_t bytes) { return format(bytes, kSize); }
std::string format_rate(std::uint64_t bytes_per_second) { return format(bytes_per_second, kRate); }
std::string format_time(std::uint64_t picoseconds) { return format(picoseconds, kTime); }

} // namespace sim
