#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sim {

/// Where a curve bends.
struct Knee {
    std::size_t at = 0;  ///< the place of its point
    double distance = 0; ///< from the chord, in shares of the range: 0 for a straight line, nearly 1 for a corner
};

/// The bend of a curve through `points` (x and y of each, in the order of the axis), or why there is none.
///
/// The chord runs from the first point to the last. With x and y measured in shares of the way between these two,
///
///     distance of a point = | y share - x share |
///
/// and the knee is the point with the largest distance: up to it the one figure changes more than its share, beyond it
/// the other. Where the curve is smooth, its slope there is that of the chord, so one more step changes both figures by
/// the same share of their ranges: the point from which one costs more than the other gives (Satopaa, Albrecht, Irwin,
/// Raghavan: Finding a "Kneedle" in a haystack, 2011, without its smoothing: a sweep has no noise to smooth).
///
/// There is none with fewer than `kPointsLeast` points, if a figure is as large at the end as at the begin, if one
/// turns back by more than `kTurnBack` of its range, or if the largest distance is below `kDistanceLeast`.
struct KneeAnswer {
    std::optional<Knee> knee;
    std::string why_none;

    static constexpr std::size_t kPointsLeast = 4;
    static constexpr double kTurnBack = 0.1;
    static constexpr double kDistanceLeast = 0.1;
};
KneeAnswer find_knee(const std::vector<double>& x, const std::vector<double>& y);

} // namespace sim
