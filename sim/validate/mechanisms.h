#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/topology.h"
#include "sim/validate/systems.h"

namespace sim::validate {

/// A physical mechanism, and the figures with which it has no effect (validation/mechanisms.yaml).
struct Mechanism {
    std::string name;
    std::string what;                    ///< for people: what it stands for
    std::map<std::string, Settings> off; ///< by kind of part or link: cpu gpu memory switch nic link c2c nvlink ...

    /// As entries of a scenario's `machine.set`, for all parts and links of a machine.
    Settings settings(const Topology& topology) const;
};

std::vector<Mechanism> read_mechanisms(const std::string& path, const InputFiles& files, Diagnostics& diagnostics);

} // namespace sim::validate
