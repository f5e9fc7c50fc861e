#include "sim/cache_shares.h"

#include <algorithm>

namespace sim {

namespace {

/// Without exp(): the same bits on every machine. h = exp(-(1 - h) x) is iterated from 0, with exp by its series.
double exponential(double x) {
    double result = 1;
    double term = 1;
    const double small = x / 1024;
    for (int i = 1; i < 12; ++i) {
        term *= small / i;
        result += term;
    }
    for (int i = 0; i < 10; ++i) {
        result *= result;
    }
    return result;
}

} // namespace

double chase_hit_share(std::uint64_t capacity, std::uint64_t working_set) {
    if (working_set <= capacity) {
        return 1;
    }
    const double ratio = static_cast<double>(working_set) / static_cast<double>(capacity);
    if (ratio > 50) {
        return 0;
    }
    double share = 0;
    for (int i = 0; i < 200; ++i) {
        share = exponential(-(1 - share) * ratio);
    }
    return share;
}

double written_hit_share(std::uint64_t capacity, std::uint64_t working_set) {
    if (working_set <= capacity) {
        return 1;
    }
    return std::max(2 * static_cast<double>(capacity) / static_cast<double>(working_set) - 1, 0.0);
}

} // namespace sim
