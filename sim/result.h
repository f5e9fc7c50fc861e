#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/fidelity.h"
#include "sim/host.h"
#include "sim/scenario.h"
#include "sim/work_result.h"

namespace sim {

/// What the fluid model says beside a measured stream.
struct FluidFigure {
    double value = 0; ///< unit of the stream's
    std::string limit;
};

/// Of all accesses that were finished while it was measured: picoseconds from issue to last byte, within 0.4 %
/// (`models/latency_histogram.h`); the largest is exact.
struct LatencySpread {
    double p50 = 0, p90 = 0, p99 = 0, max = 0;
};

struct StreamResult {
    const Stream* stream = nullptr;
    bool is_latency = false;
    double value = 0;                            ///< bytes a second, or picoseconds
    double half_width = 0;                       ///< of the 95 % confidence interval, same unit
    bool steady = true;                          ///< the interval became as narrow as asked for
    double bound = 0;                            ///< most bytes a second, or fewest picoseconds
    double access_latency = 0;                   ///< picoseconds from issue to last byte, under this load
    std::optional<LatencySpread> latency_spread; ///< measured streams only
    double translation_misses = 0;               ///< share of look-ups
    Binding binding;
    Grade grade = Grade::kComposed;
    std::vector<std::string> reasons; ///< of the grade
    std::uint64_t bytes_sent = 0;     ///< whole run of the stream, after it drained
    std::uint64_t bytes_received = 0;
    std::string fault;                ///< why it could not run; else empty
    std::optional<FluidFigure> fluid; ///< `Fidelity::kAll` only

    /// value / bound of a bandwidth, bound / value of a latency: 1 is the best there can be.
    double share_of_bound() const {
        return is_latency ? (value > 0 ? bound / value : 0) : bound > 0 ? value / bound : 0;
    }
};

/// A stretch of time between two events of the scenario's faults.
struct Phase {
    models::Picoseconds begin = 0, end = 0; ///< after the group's start
    std::string what;                       ///< happened at its begin
    double total = 0;                       ///< bytes a second of all bandwidth streams
    std::vector<double> streams;            ///< of each
    std::uint64_t lost = 0;                 ///< packets
};

struct GroupResult {
    const StreamGroup* group = nullptr;
    std::vector<StreamResult> streams;
    double total = 0;                 ///< bytes a second of all bandwidth streams
    double total_half_width = 0;      ///< of its 95 % confidence interval; 0 where streams come and go
    double total_bound = 0;           ///< most that they could reach together
    double total_fluid = 0;           ///< `Fidelity::kAll` only
    models::Picoseconds measured = 0; ///< simulated time of the measurement
    std::optional<WorkResult> work;   ///< of a group that is a fixed amount of work; then there are no streams
    std::vector<Phase> phases;        ///< where the scenario has faults
    /// Resources that were busy or waited for, with the share of the measured time, busiest first.
    std::vector<std::pair<std::string, double>> busy;
};

/// One software set-up: bare metal, or the VMs.
struct SettingResult {
    bool virtualized = false;
    std::vector<GroupResult> groups;
};

/// The two views of each region compared: a vCPU writes, a GPU reads.
struct ViewCheck {
    std::string region; ///< "vm0/grace0.egm"
    std::string gpu;
    std::string how; ///< "EGM aperture", "IOVA"
    bool agree = true;
    std::string detail;
};

struct RunResult {
    const Scenario* scenario = nullptr;
    Fidelity fidelity = Fidelity::kTransaction;
    std::vector<SettingResult> settings;
    std::vector<BringUpStep> steps;
    std::vector<VmReport> vms;
    std::vector<ViewCheck> views;
    std::optional<egm::Error> bring_up_error;
    bool undone = true; ///< after the run, or the error, nothing was left open
    bool interrupted = false;
    /// Figures are means of measured batches, with an interval of confidence.
    bool measured() const { return fidelity == Fidelity::kTransaction || fidelity == Fidelity::kAll; }
    models::Picoseconds simulated = 0;
    std::uint64_t events = 0;
    std::uint64_t crossings = 0; ///< bursts over links
};

} // namespace sim
