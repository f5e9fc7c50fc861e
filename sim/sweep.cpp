#include "sim/sweep.h"

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/checked_scenario.h"
#include "sim/fields.h"
#include "sim/forked.h"
#include "sim/report_json.h"
#include "sim/run_faults.h"
#include "sim/runner.h"
#include "sim/sweep_knees.h"

namespace sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kStreamsShown = 4; ///< of a group without being asked; of a larger one only the sum
constexpr std::size_t kColumnsShown = 8; ///< without being asked

Json to_json(const RunFigure& figure) {
    return {figure.setting, figure.vm,   figure.group,
            figure.stream,  figure.name, figure.number ? Json(*figure.number) : Json(),
            figure.text,    figure.unit};
}

RunFigure figure_of(const Json& json) {
    RunFigure figure{json[0], json[1], json[2], json[3], json[4], {}, json[6], json[7]};
    if (!json[5].is_null()) {
        figure.number = json[5];
    }
    return figure;
}

/// A point's whole life, in its own process. Without columns, all figures are wanted.
std::string run_point(const SweepRequest& request, std::size_t point, const std::vector<std::string>& columns) {
    Diagnostics diagnostics;
    auto scenario = load_checked(request.file, request.sets, diagnostics, request.plan.overrides(point));
    if (!scenario) {
        std::ostringstream faults;
        diagnostics.print(faults);
        throw std::runtime_error(faults.str().substr(0, faults.str().find_last_not_of('\n') + 1));
    }
    scenario->seed = request.seed.value_or(scenario->seed);
    const RunResult result = run_scenario(*scenario, request.fidelity, {});
    const std::string text = json_report(result);
    const std::vector<RunFigure> figures = figures_of(text);
    Json answer = {{"failed", ""}, {"shown", Json::array()}, {"figures", Json::array()}};
    std::string failed;
    for (const std::string& fault : run_faults(result)) {
        const std::string line = fault.substr(0, fault.find('\n'));
        const std::size_t place = line.find(": error: "); // the place is the same for all points
        failed += (failed.empty() ? "" : "; ") + line.substr(place == std::string::npos ? 0 : place + 9);
    }
    answer["failed"] = failed;
    for (const std::string& column : columns) {
        const auto found = find_figure(column, figures, text);
        answer["shown"].push_back(found.figure ? to_json(*found.figure) : Json());
    }
    if (columns.empty() || request.all_figures) {
        for (const RunFigure& figure : figures) {
            answer["figures"].push_back(to_json(figure));
        }
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

SweepPoint read_answer(const ForkedAnswer& answer) {
    SweepPoint point;
    point.interrupted = answer.interrupted;
    if (!answer.error.empty()) {
        point.failed = answer.error;
        return point;
    }
    const Json json = Json::parse(answer.text);
    point.failed = json["failed"];
    point.impossible = !point.failed.empty();
    for (const Json& one : json["shown"]) {
        point.shown.push_back(one.is_null() ? std::nullopt : std::optional(figure_of(one)));
    }
    for (const Json& one : json["figures"]) {
        point.figures.push_back(figure_of(one));
    }
    return point;
}

/// The name as it is least likely to be mistaken.
std::string column_of(const RunFigure& figure) {
    return figure.stream.empty() || figure.stream == figure.group
               ? figure.group + "/" + figure.name
               : figure.group + "/" + figure.stream + "/" + figure.name;
}

volatile std::sig_atomic_t interrupts = 0;

extern "C" void note_interrupt(int) { interrupts = 1; }

/// SIGINT and SIGTERM are remembered while nothing is running that would hear them: `run_forked` has handlers of its
/// own.
class InterruptsNoted {
public:
    InterruptsNoted() {
        interrupts = 0;
        struct sigaction note {};
        note.sa_handler = note_interrupt;
        note.sa_flags = SA_RESTART;
        sigaction(SIGINT, &note, &interrupt_);
        sigaction(SIGTERM, &note, &terminate_);
    }
    ~InterruptsNoted() {
        sigaction(SIGINT, &interrupt_, nullptr);
        sigaction(SIGTERM, &terminate_, nullptr);
    }
    InterruptsNoted(const InterruptsNoted&) = delete;
    InterruptsNoted& operator=(const InterruptsNoted&) = delete;

private:
    struct sigaction interrupt_ {};
    struct sigaction terminate_ {};
};

/// What a scenario has: the sum of each group, and its streams if they are few; when a fixed work is over.
std::vector<std::string> default_columns(const std::vector<RunFigure>& figures) {
    const bool vms = std::any_of(figures.begin(), figures.end(), [](const auto& one) { return one.setting == "vm"; });
    std::map<std::string, std::size_t> streams;
    const auto counts = [&](const RunFigure& one) {
        return one.setting == (vms ? "vm" : "native") && one.name == "value" && !one.stream.empty();
    };
    for (const RunFigure& one : figures) {
        streams[one.group] += counts(one);
    }
    std::vector<std::string> columns;
    for (const RunFigure& one : figures) {
        const std::size_t in_group = one.group.empty() ? 0 : streams[one.group];
        if ((counts(one) && in_group <= kStreamsShown) ||
            (one.setting == (vms ? "vm" : "native") && one.stream.empty() &&
             ((one.name == "total" && in_group > 1) || one.name == "work.finish"))) {
            columns.push_back(column_of(one));
        }
    }
    if (columns.empty()) { // a bring-up without traffic
        for (const RunFigure& one : figures) {
            if (!one.vm.empty() && one.name == "bring_up") {
                columns.push_back(one.vm + "/" + one.name);
            }
        }
    }
    columns.resize(std::min(columns.size(), kColumnsShown));
    return columns;
}

/// What somebody may ask figures of, in a scenario.
void add_places(const Scenario& scenario, std::set<std::string>& places) {
    for (const VmSetup& vm : scenario.software.vms) {
        places.insert(vm.name);
    }
    for (const StreamGroup& group : scenario.groups) {
        places.insert(group.name);
        for (const Stream& stream : group.streams) {
            places.insert(stream.name);
            places.insert(group.name + "/" + stream.name);
        }
    }
}

class Sweep {
public:
    Sweep(const SweepRequest& request, Diagnostics& diagnostics,
          const std::function<void(std::size_t, std::size_t)>& on_done)
        : request_(request), diagnostics_(diagnostics), on_done_(on_done) {}

    std::optional<SweepResult> run() {
        if (!look_at_the_scenario()) {
            return std::nullopt;
        }
        const InterruptsNoted noted;
        const std::size_t count = request_.plan.points();
        SweepRequest whole = request_;
        whole.all_figures = true;
        SweepPoint first = read_answer(run_forked({[&] { return run_point(whole, 0, asked()); }}, 1).front());
        if (!choose_columns(first)) {
            return std::nullopt;
        }
        if (!wait_for_columns_) {
            show(first);
        }
        result_.points.push_back(std::move(first));
        note(1, count);
        if (result_.points.front().interrupted || interrupts != 0) {
            interrupt(count);
        } else {
            run_others(count);
        }
        finish();
        return std::move(result_);
    }

private:
    bool look_at_the_scenario() {
        Diagnostics faults;
        const auto scenario = load_checked(request_.file, request_.sets, faults);
        if (!scenario) { // said by check_sweep
            return false;
        }
        result_.request = &request_;
        result_.scenario = scenario->name;
        result_.description = scenario->description;
        result_.machine = scenario->topology.name;
        result_.seed = request_.seed.value_or(scenario->seed);
        return true;
    }

    /// Figures that the user named, without repetition.
    std::vector<std::string> asked() const {
        std::vector<std::string> names;
        const auto add = [&](const std::string& name) {
            if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(name);
            }
        };
        for (const FigureName& figure : request_.plan.show) {
            add(figure.text);
        }
        if (request_.plan.knee) {
            add(request_.plan.knee->of);
            add(request_.plan.knee->against);
        }
        return names;
    }

    bool choose_columns(const SweepPoint& first) {
        wait_for_columns_ = request_.plan.show.empty() && !first.failed.empty();
        if (wait_for_columns_) { // a point that failed has not all that others have
            return true;
        }
        add_columns(first);
        if (first.figures.empty()) {
            return true; // nothing to compare with
        }
        const std::size_t before = diagnostics_.errors();
        for (const FigureName& figure : request_.plan.show) {
            check_figure(figure, first);
        }
        if (const auto& knee = request_.plan.knee) {
            check_figure({knee->of, knee->where}, first);
            if (!knee->against.empty()) {
                check_figure({knee->against, knee->where}, first);
            }
        }
        return diagnostics_.errors() == before;
    }

    void add_columns(const SweepPoint& like) {
        result_.columns = asked();
        if (request_.plan.show.empty()) {
            for (const std::string& column : default_columns(like.figures)) {
                if (result_.column(column) == result_.columns.size()) {
                    result_.columns.push_back(column);
                }
            }
        }
    }

    void check_figure(const FigureName& figure, const SweepPoint& first) {
        const std::size_t column = result_.column(figure.text);
        const bool there = column < first.shown.size() && first.shown[column];
        const FigureAddress address = figure_address(figure.text);
        if (there || address.figure.empty()) { // a JSON pointer may well point nowhere here
            return;
        }
        const FoundFigure found = find_figure(figure.text, first.figures, "{}");
        const bool nowhere_here = found.why.starts_with("no stream");
        if (nowhere_here && in_another_point(address.where)) {
            return;
        }
        diagnostics_.error(figure.where, fmt::format("figure {}: {}", in_quotes(figure.text), found.why),
                           nowhere_here ? "" : "docs/sweep.md lists them");
    }

    /// Points differ in their streams when an axis changes them.
    bool in_another_point(const std::string& where) {
        if (places_.empty()) {
            std::size_t stride = 1; // of an axis, in points
            for (std::size_t axis = request_.plan.axes.size(); axis-- > 0;) {
                for (std::size_t i = 0; i < request_.plan.axes[axis].values.size(); ++i) {
                    Diagnostics faults;
                    if (const auto scenario = load_scenario_at(i * stride, faults)) {
                        add_places(*scenario, places_);
                    }
                }
                stride *= request_.plan.axes[axis].values.size();
            }
        }
        return places_.count(where) != 0;
    }

    std::optional<Scenario> load_scenario_at(std::size_t point, Diagnostics& faults) const {
        return load_checked(request_.file, request_.sets, faults, request_.plan.overrides(point));
    }

    /// Fills the columns of a point that brought all of its figures.
    void show(SweepPoint& point) const {
        point.shown.resize(result_.columns.size());
        for (std::size_t i = 0; i < result_.columns.size(); ++i) {
            if (!point.shown[i] && !result_.columns[i].starts_with("/")) {
                point.shown[i] = find_figure(result_.columns[i], point.figures, "{}").figure;
            }
        }
        if (!request_.all_figures) {
            point.figures.clear();
        }
    }

    void run_others(std::size_t count) {
        std::vector<ForkedJob> jobs;
        for (std::size_t point = 1; point < count; ++point) {
            jobs.emplace_back([this, point] { return run_point(request_, point, result_.columns); });
        }
        std::size_t done = 1;
        const auto answers = run_forked(jobs, request_.parallel, [&](std::size_t, const ForkedAnswer&) {
            if (interrupts != 0) { // it came just before `run_forked` listened
                interrupts = 0;
                std::raise(SIGINT);
            }
            note(++done, count);
        });
        for (const ForkedAnswer& answer : answers) {
            result_.points.push_back(read_answer(answer));
        }
    }

    void interrupt(std::size_t count) {
        while (result_.points.size() < count) {
            SweepPoint point;
            point.failed = "interrupted before it began";
            point.interrupted = true;
            result_.points.push_back(std::move(point));
        }
    }

    void finish() {
        if (wait_for_columns_) {
            const auto good = std::find_if(result_.points.begin(), result_.points.end(),
                                           [](const SweepPoint& point) { return point.failed.empty(); });
            add_columns(good != result_.points.end() ? *good : result_.points.front());
        }
        for (std::size_t i = 0; i < result_.points.size(); ++i) {
            SweepPoint& point = result_.points[i];
            point.place = request_.plan.place(i);
            show(point);
            result_.interrupted = result_.interrupted || point.interrupted;
        }
        for (std::size_t column = 0; column < result_.columns.size(); ++column) {
            if (std::none_of(result_.points.begin(), result_.points.end(),
                             [&](const SweepPoint& point) { return point.shown[column].has_value(); })) {
                diagnostics_.warning({request_.file, 0, 0},
                                     fmt::format("figure {}: no point has it", in_quotes(result_.columns[column])));
            }
        }
        result_.knees = find_knees(result_);
    }

    void note(std::size_t done, std::size_t of) const {
        if (on_done_) {
            on_done_(done, of);
        }
    }

    const SweepRequest& request_;
    Diagnostics& diagnostics_;
    const std::function<void(std::size_t, std::size_t)>& on_done_;
    std::set<std::string> places_;  ///< that any value of any axis has
    bool wait_for_columns_ = false; ///< until a point has gone well
    SweepResult result_;
};

} // namespace

std::string SweepResult::unit(std::size_t column) const {
    for (const SweepPoint& point : points) {
        if (column < point.shown.size() && point.shown[column]) {
            return point.shown[column]->unit;
        }
    }
    return "";
}

std::size_t SweepResult::column(const std::string& figure) const {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), figure) - columns.begin());
}

void check_sweep(const SweepRequest& request, Diagnostics& diagnostics) {
    if (!load_checked(request.file, request.sets, diagnostics)) {
        return;
    }
    for (const SweepAxis& axis : request.plan.axes) {
        for (const SweepValue& value : axis.values) {
            load_checked(request.file, request.sets, diagnostics, value.overrides);
        }
    }
}

std::optional<SweepResult> run_sweep(const SweepRequest& request, Diagnostics& diagnostics,
                                     const std::function<void(std::size_t, std::size_t)>& on_done) {
    return Sweep(request, diagnostics, on_done).run();
}

} // namespace sim
