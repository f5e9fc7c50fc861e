#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/calibrate/fit.h"
#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/topology.h"

namespace sim::calibrate {

/// A figure of a kind of part or link that may be fitted (validation/parameters.yaml).
struct ParameterKind {
    std::string kind;   ///< "memory", "c2c" ...
    std::string figure; ///< "copy_engine.local_bandwidth"
    double prior = 0;   ///< standard deviation of the logarithm
    std::string what;
};

/// Reads a list of parameters. Errors: unknown keys, kinds and figures, priors beyond 1 % to 100 %.
std::vector<ParameterKind> read_parameter_kinds(const std::string& path, const InputFiles& files,
                                                Diagnostics& diagnostics);

/// A figure of a machine that may be fitted: that of all parts that have it from one preset.
struct Parameter {
    enum class Quantity { kSize, kRate, kTime, kShare } quantity = Quantity::kSize;
    std::string owner; ///< preset; where parts of one preset differ, or have none, the entry of the topology file
    ParameterKind kind;
    std::vector<std::string> entries; ///< keys of the topology file's parts and links
    std::string text;                 ///< as the machine has it
    FitParameter fit;

    std::string name() const { return owner + " " + kind.figure; }
    std::string spelt(double value) const; ///< "93.4 ns"
    /// For `load_scenario`.
    std::vector<std::string> overrides(double value) const;
};

/// The parameters that `topology` has, in the order of `kinds` and of its file. A figure that it does not have, or that
/// is 0, is none.
std::vector<Parameter> parameters_of(const Topology& topology, const std::vector<ParameterKind>& kinds);

/// Those that a user chose, by figure or by name; reports choices that match nothing.
std::vector<Parameter> choose(std::vector<Parameter> parameters, const std::vector<std::string>& choices,
                              Diagnostics& diagnostics);

} // namespace sim::calibrate
