#pragma once

#include <cstdint>

namespace models {

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
inline std::uint64_t draw(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// In [0, 1), in steps of 2^-53.
inline double chance(std::uint64_t& state) { return static_cast<double>(draw(state) >> 11) * 0x1.0p-53; }

} // namespace models
