#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sim/overrides.h"

namespace sim {

/// One value of an axis, and what it puts into the scenario.
struct SweepValue {
    std::string label;               ///< as it was written, `40 GB/s`; of a case its name
    std::optional<double> number;    ///< bytes, bytes a second, picoseconds or a plain number; none: it is no quantity
    std::vector<Override> overrides; ///< none: as the scenario says
    Location where;
};

struct SweepAxis {
    std::string name; ///< the path, unless it was given one
    std::string path; ///< empty: an axis of cases, which may change many values each
    std::vector<SweepValue> values;
    Location where;

    /// Its values are quantities in rising order, which have places on a line. Not so if each is the same multiple of
    /// the one before: then they stand evenly, as on a logarithmic scale.
    bool is_line() const;
};

/// Where one figure begins to cost more of another than it gives: see `sim/knee.h`.
struct KneeQuestion {
    std::string of;
    std::string against; ///< empty: against the first axis
    Location where;
};

struct FigureName {
    std::string text;
    Location where;
};

/// A scenario's question: which values to try, and what to look at.
struct SweepPlan {
    std::vector<SweepAxis> axes;
    std::vector<FigureName> show; ///< empty: what the scenario has
    std::optional<KneeQuestion> knee;

    static constexpr std::size_t kPointsMax = 10'000;

    /// The product of the axes' lengths, at most `kPointsMax` + 1; 0 without axes.
    std::size_t points() const;
    /// The values' places on each axis. The last axis turns fastest.
    std::vector<std::size_t> place(std::size_t point) const;
    /// What a point puts into the scenario.
    std::vector<Override> overrides(std::size_t point) const;
};

} // namespace sim
