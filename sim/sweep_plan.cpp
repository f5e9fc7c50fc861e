#include "sim/sweep_plan.h"

#include <algorithm>

namespace sim {

bool SweepAxis::is_line() const {
    bool one_factor = values.size() > 2;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (!values[i].number || (i > 0 && *values[i].number <= *values[i - 1].number)) {
            return false;
        }
        // a / b = b / c
        one_factor = one_factor && (i < 2 || *values[i].number * *values[i - 2].number ==
                                                 *values[i - 1].number * *values[i - 1].number);
    }
    return !values.empty() && !one_factor;
}

std::size_t SweepPlan::points() const {
    std::size_t count = axes.empty() ? 0 : 1;
    for (const SweepAxis& axis : axes) {
        count = std::min(count * axis.values.size(), kPointsMax + 1); // neither is above that, so nothing overflows
    }
    return count;
}

std::vector<std::size_t> SweepPlan::place(std::size_t point) const {
    std::vector<std::size_t> places(axes.size());
    for (std::size_t i = axes.size(); i-- > 0;) {
        places[i] = point % axes[i].values.size();
        point /= axes[i].values.size();
    }
    return places;
}

std::vector<Override> SweepPlan::overrides(std::size_t point) const {
    std::vector<Override> all;
    const std::vector<std::size_t> places = place(point);
    for (std::size_t i = 0; i < axes.size(); ++i) {
        const auto& one = axes[i].values[places[i]].overrides;
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

} // namespace sim
