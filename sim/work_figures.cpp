#include "sim/work_figures.h"

#include <algorithm>

#include "sim/work_result.h"

namespace sim {

namespace {

/// Of the spans that are over, in picoseconds.
std::vector<models::Picoseconds> lengths(const WorkFigure& figure, const WorkTimes& times) {
    std::vector<models::Picoseconds> found;
    found.reserve(figure.spans.size());
    for (const auto& [first, last] : figure.spans) {
        if (times.over[last] != WorkTimes::kNever) {
            found.push_back(times.over[last] - times.began[first]);
        }
    }
    return found;
}

} // namespace

std::vector<WorkValue> work_values(const std::vector<WorkFigure>& figures, const WorkTimes& times) {
    std::vector<WorkValue> values;
    const auto finish = static_cast<double>(times.finish);
    for (const WorkFigure& figure : figures) {
        if (figure.kind == WorkFigure::Kind::kRate) {
            if (finish > 0) {
                values.push_back({figure.name, figure.unit, figure.amount * 1e12 / finish});
            }
            continue;
        }
        if (times.over.empty()) {
            continue;
        }
        std::vector<models::Picoseconds> spans = lengths(figure, times);
        if (spans.empty() || finish <= 0) {
            continue;
        }
        if (figure.kind == WorkFigure::Kind::kShare) {
            double sum = 0;
            for (const models::Picoseconds one : spans) {
                sum += static_cast<double>(one);
            }
            values.push_back({figure.name, "%", 100 * sum / (figure.amount * finish)});
            continue;
        }
        std::sort(spans.begin(), spans.end());
        const std::size_t rank = (spans.size() * figure.of_ten_thousand + 9'999) / 10'000;
        values.push_back({figure.name, "ns", static_cast<double>(spans[std::max<std::size_t>(rank, 1) - 1]) / 1e3});
    }
    return values;
}

} // namespace sim
