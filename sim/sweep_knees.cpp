#include "sim/sweep_knees.h"

namespace sim {

std::vector<SweepLine> sweep_lines(const SweepPlan& plan) {
    const std::size_t along = plan.axes.front().values.size();
    const std::size_t count = plan.points() / along; // points with the same value on the first axis lie side by side
    std::vector<SweepLine> lines(count);
    for (std::size_t line = 0; line < count; ++line) {
        const std::vector<std::size_t> place = plan.place(line);
        for (std::size_t axis = 1; axis < plan.axes.size(); ++axis) {
            lines[line].name +=
                (axis > 1 ? ", " : "") + plan.axes[axis].name + " " + plan.axes[axis].values[place[axis]].label;
        }
        for (std::size_t i = 0; i < along; ++i) {
            lines[line].points.push_back(i * count + line);
        }
    }
    return lines;
}

std::string short_name(const SweepAxis& axis) {
    if (axis.name != axis.path) {
        return axis.name;
    }
    std::size_t begin = axis.path.size();
    for (int steps = 0; steps < 2 && begin > 0;) {
        const std::size_t dot = axis.path.rfind('.', begin - 1);
        const std::string step = axis.path.substr(dot + 1, begin - dot - 1);
        steps += step.find_first_not_of("0123456789") != std::string::npos; // a number names nothing by itself
        begin = dot == std::string::npos ? 0 : dot;
    }
    return axis.path.substr(begin + (begin > 0 ? 1 : 0));
}

double place_on_line(const SweepAxis& axis, std::size_t value) {
    return axis.is_line() ? *axis.values[value].number : static_cast<double>(value);
}

std::vector<SweepKnee> find_knees(const SweepResult& result) {
    const SweepPlan& plan = result.request->plan;
    std::vector<SweepKnee> knees;
    if (!plan.knee) {
        return knees;
    }
    const std::size_t of = result.column(plan.knee->of), against = result.column(plan.knee->against);
    for (const SweepLine& line : sweep_lines(plan)) {
        SweepKnee knee;
        for (const std::size_t i : line.points) {
            const SweepPoint& point = result.points[i];
            const bool by_axis = plan.knee->against.empty();
            const bool good = point.failed.empty() && point.shown[of] && point.shown[of]->number &&
                              (by_axis || (point.shown[against] && point.shown[against]->number));
            if (good) {
                knee.points.push_back(i);
                knee.y.push_back(*point.shown[of]->number);
                knee.x.push_back(by_axis ? place_on_line(plan.axes.front(), point.place.front())
                                         : *point.shown[against]->number);
            }
        }
        knee.answer = find_knee(knee.x, knee.y);
        knees.push_back(std::move(knee));
    }
    return knees;
}

} // namespace sim
