#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace sim {

/// Why a text is not the quantity asked for: `has no unit`, `write "450 GB/s"`. The message continues a sentence that
/// begins with the quoted text.
struct UnitFault {
    std::string message;
    std::string suggestion;
};

template <class T>
using Parsed = tl::expected<T, UnitFault>;

/// Quantities with a unit, in exact integer arithmetic: `1.2 ns` is 1200 ps, and what is not a whole number of bytes,
/// bytes a second or picoseconds, or does not fit 64 bits, is refused. `likely` is the unit proposed for a bare number.
Parsed<std::uint64_t> parse_size(std::string_view text,
                                 std::string_view likely = "GiB"); ///< B kB MB GB TB KiB MiB GiB TiB
Parsed<std::uint64_t> parse_rate(std::string_view text, std::string_view likely = "GB/s"); ///< the same, a second
Parsed<std::uint64_t> parse_time(std::string_view text, std::string_view likely = "ns");   ///< ps ns us ms s

/// A rate of a link: `450 GB/s` and `450 GB/s each way` are each direction, `900 GB/s total` is both together.
Parsed<std::uint64_t> parse_link_rate(std::string_view text, std::string_view likely = "GB/s");

/// A share: `0.5 %`, or the bare number 0.005.
Parsed<double> parse_share(std::string_view text);

/// A whole number without sign or unit.
Parsed<std::uint64_t> parse_count(std::string_view text);

/// The shortest exact spelling, which the parsers above read back: `64 KiB`, `450 GB/s`, `1.2 ns`.
std::string format_size(std::uint64_t bytes);
std::string format_rate(std::uint64_t bytes_per_second);
std::string format_time(std::uint64_t picoseconds);

} // namespace sim
