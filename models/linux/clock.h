#pragma once

#include <cstdint>

namespace models::linux {

/// Where the modelled kernel's time goes. In a simulation it waits in the caller's SystemC thread; in a test it counts.
///
/// The kernel changes its state first and lets the time pass afterwards, so that another thread that calls in
/// meanwhile sees the call's effect as done. The exception is the open of a carveout, which holds its lock.
class Clock {
public:
    virtual ~Clock() = default;
    virtual void pass(std::uint64_t picoseconds) = 0;
};

inline constexpr std::uint64_t kPicosecondsPerSecond = 1'000'000'000'000;

/// bytes / bytes_per_second, in whole picoseconds, rounded down. Precondition: `bytes_per_second > 0`.
constexpr std::uint64_t transfer_picoseconds(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    __extension__ typedef unsigned __int128 Wide;
    return static_cast<std::uint64_t>(Wide{bytes} * kPicosecondsPerSecond / bytes_per_second);
}

} // namespace models::linux
