#pragma once

#include <cstdint>

namespace sim {

/// Share of the accesses of a pointer chase that a cache of `capacity` bytes serves when it walks `working_set` bytes
/// again and again and the cache replaces at random: the h for which h = exp(-(1 - h) * working_set / capacity).
double chase_hit_share(std::uint64_t capacity, std::uint64_t working_set);

/// Share of the lines of a buffer that the cache of who has written it still holds, when it is walked in order again
/// and again: where two lines share a place, neither is there when it is asked for. 2 capacity / working_set - 1, from
/// 1 to 0.
double written_hit_share(std::uint64_t capacity, std::uint64_t working_set);

} // namespace sim
