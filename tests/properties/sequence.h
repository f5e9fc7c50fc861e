#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Random sequences of operations: the same for a seed on every machine, printable, readable, and made small when one
/// of them fails.
namespace properties {

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014). The distributions of the
/// standard library differ between implementations, so this has its own.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    /// One of [0, `n`). Precondition: 0 < `n` < 2^32.
    std::uint32_t below(std::uint32_t n) { return std::uint32_t(((next() >> 32) * n) >> 32); }

private:
    std::uint64_t state_;
};

/// One operation: its kind and four numbers that it takes its arguments from, whatever the state is. So a sequence
/// without some of its steps still means something.
struct Step {
    std::uint32_t kind = 0;
    std::uint32_t arguments[4] = {};

    friend bool operator==(const Step&, const Step&) = default;
};
using Steps = std::vector<Step>;

/// A test case: what everything starts from, and what is done.
struct Sequence {
    std::uint64_t setup = 0; ///< a number that the starting point is made from
    Steps steps;

    friend bool operator==(const Sequence&, const Sequence&) = default;
};

/// Arguments lie below `kArguments`.
inline constexpr std::uint32_t kArguments = 1 << 16;
Sequence random_sequence(std::uint64_t seed, std::size_t length, std::uint32_t kinds);

/// "7 | 0 1 2 3 4 | 5 0 0 0 0": setup, then a step between bars.
std::string to_text(const Sequence& sequence);
std::optional<Sequence> sequence_from(std::string_view text);

/// What is wrong after some step of a sequence; none when nothing is.
using Check = std::function<std::optional<std::string>(const Sequence&)>;

/// A small sequence that still fails, made from `failing` by leaving out runs of steps, pairs of steps, and steps while
/// another one is redirected, and by making arguments smaller, until none of this makes it any smaller.
/// Precondition: `check(failing)` fails.
Sequence minimise(const Sequence& failing, const Check& check);

} // namespace properties
