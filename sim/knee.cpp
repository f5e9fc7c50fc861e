#include "sim/knee.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include <fmt/format.h>

namespace sim {
namespace {

/// Each value in shares of the way from the first to the last.
std::vector<double> shares(const std::vector<double>& values) {
    std::vector<double> result;
    for (const double value : values) {
        result.push_back((value - values.front()) / (values.back() - values.front()));
    }
    return result;
}

bool is_flat(const std::vector<double>& values) {
    const double range = std::abs(values.back() - values.front());
    return !(range > 1e-9 * std::max(std::abs(values.back()), std::abs(values.front())));
}

/// How far it ever falls back behind where it was, in shares.
double turn_back(const std::vector<double>& shares) {
    double highest = shares.front(), most = 0;
    for (const double share : shares) {
        most = std::max(most, highest - share);
        highest = std::max(highest, share);
    }
    return most;
}

} // namespace

KneeAnswer find_knee(const std::vector<double>& x, const std::vector<double>& y) {
    assert(x.size() == y.size());
    if (x.size() < KneeAnswer::kPointsLeast) {
        return {{}, fmt::format("{} points are too few to see a bend", x.size())};
    }
    for (const auto* values : {&x, &y}) {
        const char* const which = values == &x ? "the cost" : "the figure";
        if (is_flat(*values)) {
            return {{}, fmt::format("{} is the same at both ends", which)};
        }
        if (turn_back(shares(*values)) > KneeAnswer::kTurnBack) {
            return {{}, fmt::format("{} turns back on its way", which)};
        }
    }
    const std::vector<double> of_x = shares(x), of_y = shares(y);
    Knee best;
    for (std::size_t i = 0; i < x.size(); ++i) {
        if (const double distance = std::abs(of_y[i] - of_x[i]); distance > best.distance) {
            best = {i, distance};
        }
    }
    if (best.distance < KneeAnswer::kDistanceLeast) {
        return {{}, "it is nearly a straight line"};
    }
    return {best, {}};
}

} // namespace sim
