#include "sim/calibrate/measurements.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/validate/run_rows.h"

namespace sim::calibrate {
namespace {

using namespace sim::validate;

/// The systems of validation/systems.yaml, each on the machine that is calibrated: how their programs were built still
/// counts, but not which machine they are.
std::vector<MeasuredSystem> on_machine(std::vector<MeasuredSystem> systems, const std::string& machine) {
    const auto put = [&](SystemMachine& one) {
        one.topology = one.network_topology = machine;
        one.set.clear();
        one.not_modelled.clear();
    };
    for (MeasuredSystem& system : systems) {
        put(system.machine);
        for (auto& [words, variant] : system.variants) {
            put(variant);
        }
    }
    return systems;
}

/// A system of the user's own, that no list knows: just the machine, with any initiator's name.
MeasuredSystem own_system(const std::string& name, const std::string& machine,
                          const std::vector<MeasuredSystem>& others) {
    MeasuredSystem system;
    system.names.push_back(name);
    system.machine.topology = system.machine.network_topology = machine;
    for (const MeasuredSystem& other : others) {
        for (const auto& [from, into] : {std::pair{&other.cpu, &system.cpu}, {&other.gpu, &system.gpu}}) {
            for (const std::string& word : *from) {
                if (std::find(into->begin(), into->end(), word) == into->end()) {
                    into->push_back(word);
                }
            }
        }
    }
    return system;
}

class CsvMeasurements final : public Measurements {
public:
    CsvMeasurements(const SearchPath& search, std::vector<MeasuredRow> rows, std::vector<MeasuredSystem> systems,
                    Kernels kernels)
        : search_(search), rows_(std::move(rows)), systems_(std::move(systems)), kernels_(std::move(kernels)) {}

    /// Plans every row once, to say which cannot be expressed. False if some row is faulty.
    bool check(Diagnostics& diagnostics) {
        RowPlanner planner(systems_, kernels_, search_);
        for (MeasuredRow& row : rows_) {
            const RowPlan plan = planner.plan(row, diagnostics);
            Measurement measurement{row.id(), row.text(kOperation), row.value, false, "", 0};
            measurement.twin = first_.try_emplace(what_runs(plan), all_.size()).first->second;
            if (row.metric) {
                measurement.is_latency = class_of(*row.metric) == MetricClass::kLatency;
                if (class_of(*row.metric) == MetricClass::kOther) {
                    measurement.unusable = "neither a bandwidth nor a latency";
                }
            }
            if (plan.groups.empty() && measurement.unusable.empty()) {
                measurement.unusable = plan.unsupported;
            }
            all_.push_back(std::move(measurement));
        }
        return !diagnostics.has_errors();
    }

    std::vector<double> predict(const std::vector<std::size_t>& rows, const std::vector<std::string>& overrides,
                                std::vector<std::string>* why) const override {
        std::vector<MeasuredRow> chosen;
        for (const std::size_t row : rows) {
            chosen.push_back(rows_[row]);
        }
        RowPlanner planner(systems_, kernels_, search_);
        RowRunOptions options;
        options.parallel = 1; // this is one of several processes already
        options.sets = overrides;
        Diagnostics ignored; // what a row has wrong was told when it was read
        std::vector<double> figures;
        for (const RowResult& result : run_rows(std::move(chosen), planner, search_, options, ignored).rows) {
            const bool good = result.status == RowResult::Status::kCompared;
            figures.push_back(good ? result.predicted : 0);
            if (why != nullptr) {
                why->push_back(good ? "" : result.reason);
            }
        }
        return figures;
    }

    std::size_t chunk() const override { return 8; }

private:
    /// Equal for rows that the same streams stand for, and the same reading of them.
    static std::string what_runs(const RowPlan& plan) {
        std::string text = plan.header;
        for (const RowGroup& group : plan.groups) {
            text += fmt::format("\n{}: {}", group.counted, fmt::join(group.streams, "\n"));
        }
        const RowFigure& figure = plan.figure;
        return fmt::format("{}\n{} {} {} {} {} {} {}", text, static_cast<int>(figure.of), figure.mean, figure.factor,
                           figure.seconds, fmt::join(figure.bytes, " "), figure.operations, figure.peak);
    }

    const SearchPath& search_;
    std::vector<MeasuredRow> rows_;
    std::vector<MeasuredSystem> systems_;
    Kernels kernels_;
    std::map<std::string, std::size_t> first_;
};

/// Rows of the wanted systems; several systems are no single machine.
std::vector<MeasuredRow> of_systems(std::vector<MeasuredRow> rows, const MeasurementSource& source,
                                    Diagnostics& diagnostics) {
    std::set<std::string> there;
    for (const MeasuredRow& row : rows) {
        there.insert(row.text(kSystem));
    }
    if (source.systems.empty()) {
        if (there.size() > 1) {
            diagnostics.error({source.file, 0, 0},
                              fmt::format("rows of {} systems, and a calibration is of one machine", there.size()),
                              fmt::format("choose with --system: {}", fmt::join(there, "; ")));
        }
        return rows;
    }
    for (const std::string& system : source.systems) {
        if (there.count(system) == 0) {
            diagnostics.error({source.file, 0, 0}, fmt::format("no row has system {}", in_quotes(system)),
                              suggest(system, {there.begin(), there.end()}));
        }
    }
    rows.erase(std::remove_if(rows.begin(), rows.end(),
                              [&](const MeasuredRow& row) {
                                  return std::find(source.systems.begin(), source.systems.end(), row.text(kSystem)) ==
                                         source.systems.end();
                              }),
               rows.end());
    return rows;
}

} // namespace

std::unique_ptr<Measurements> read_csv_measurements(const MeasurementSource& source, const SearchPath& search,
                                                    Diagnostics& diagnostics) {
    const InputFiles& files = search.input();
    const auto text = files.read(source.file, diagnostics);
    if (!text) {
        return nullptr;
    }
    auto rows = of_systems(read_measured_rows(*text, source.file, diagnostics), source, diagnostics);
    std::vector<MeasuredSystem> systems;
    if (const std::string shipped = validation_file("systems.yaml"); !shipped.empty()) {
        systems = on_machine(read_systems(shipped, files, diagnostics), source.machine);
    }
    for (const MeasuredRow& row : rows) {
        if (!row.text(kSystem).empty() && find_system(systems, row.text(kSystem)) == nullptr) {
            systems.push_back(own_system(row.text(kSystem), source.machine, systems));
        }
    }
    const std::string kernels_file = validation_file("kernels.yaml");
    Kernels kernels = kernels_file.empty() ? Kernels{} : read_kernels(kernels_file, files, diagnostics);
    if (diagnostics.has_errors()) {
        // The rows are planned all the same: every fault in one go.
        CsvMeasurements(search, std::move(rows), std::move(systems), std::move(kernels)).check(diagnostics);
        return nullptr;
    }
    auto measurements =
        std::make_unique<CsvMeasurements>(search, std::move(rows), std::move(systems), std::move(kernels));
    return measurements->check(diagnostics) ? std::move(measurements) : nullptr;
}

} // namespace sim::calibrate
