#pragma once

#include <string>
#include <vector>

#include "sim/validate/kernels.h"
#include "sim/validate/row_machine.h"

namespace sim::validate {

/// Streams that run together for a row: the counted ones first.
struct RowGroup {
    std::string name;                 ///< unique in the file
    std::vector<std::string> streams; ///< maps of a scenario, in YAML
    std::size_t counted = 0;
    std::string work; ///< in the place of streams: a collective, as an entry of `traffic`
};

/// How a row's figure follows from those of its streams.
struct RowFigure {
    enum class Of {
        kBandwidth,     ///< of the counted streams, their sum or mean, or of a work; the best of the groups
        kBusBandwidth,  ///< of a collective
        kLatency,       ///< of the first stream
        kHalfRoundTrip, ///< half of the latency under load of the first stream
        kRuntime,       ///< `seconds` plus `bytes` over each group's bandwidth
        kComputeRate,   ///< `operations` over the longer of operations / `peak` and bytes over bandwidth
    } of = Of::kBandwidth;
    bool mean = false; ///< of the counted streams, instead of their sum
    double factor = 1; ///< of a bandwidth, from what streams count to what the row counts
    double seconds = 0;
    std::vector<double> bytes; ///< by group
    double operations = 0, peak = 0;
};

/// What stands for a row: a scenario, and how to read its result.
struct RowPlan {
    std::string header; ///< YAML: machine, software, measurement; rows of one header run in one process
    std::vector<RowGroup> groups;
    RowFigure figure;
    std::string kind;                  ///< engine and operation of the counted streams (see `band_kind`)
    std::string unsupported;           ///< why there is no scenario; else empty
    std::vector<std::string> warnings; ///< what was taken for granted

    /// Its groups as entries of a scenario's `traffic`.
    std::string traffic() const;
    /// A whole scenario, which `egmsim run` takes.
    std::string scenario(const std::string& name, const std::string& description) const;
};

/// Turns rows into scenarios. Machines are loaded once.
class RowPlanner {
public:
    RowPlanner(const std::vector<MeasuredSystem>& systems, const Kernels& kernels, const SearchPath& search)
        : systems_(systems), kernels_(kernels), machines_(search) {}

    /// Rejects the row (see `MeasuredRow::reject`) where its words make no sense. A row that was already rejected is
    /// read as far as it goes, so that all its faults are told at once.
    RowPlan plan(MeasuredRow& row, Diagnostics& diagnostics);

    /// From now on every machine is without this mechanism; nullptr = as it is.
    void switch_off(const Mechanism* mechanism) { off_ = mechanism; }

private:
    const std::vector<MeasuredSystem>& systems_;
    const Kernels& kernels_;
    MachineCache machines_;
    const Mechanism* off_ = nullptr;
};

} // namespace sim::validate
