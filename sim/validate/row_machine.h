#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/topology.h"
#include "sim/validate/machine_parts.h"
#include "sim/validate/mechanisms.h"
#include "sim/validate/row_request.h"
#include "sim/validate/systems.h"

namespace sim::validate {

/// Topologies by name and by what is set over them; each is loaded once.
class MachineCache {
public:
    explicit MachineCache(const SearchPath& search) : search_(search) {}

    /// A shipped machine, or a path of one.
    bool exists(const std::string& topology) const;
    /// Null if it does not load, and then `why` says why.
    const Topology* load(const std::string& topology, const Settings& set, std::string& why);

private:
    struct Loaded {
        std::optional<Topology> topology;
        std::string why;
    };
    const SearchPath& search_;
    std::map<std::string, Loaded> machines_;
};

/// The machine of a row, and who moves the bytes.
struct RowMachine {
    SystemMachine machine;
    const Topology* topology = nullptr;
    MachineParts::Kind kind = MachineParts::Kind::kCpu;
    Engine engine = Engine::kCpu;
    std::string gpu_name;              ///< what the system calls its GPUs first: "Hopper"
    std::string unsupported;           ///< why there is no machine
    std::vector<std::string> warnings; ///< what was taken for granted
};

/// Finds the system of a row, its variant and its machine, without the mechanism `off` if one is given, and which kind
/// of part and engine its initiator is. False if a cell makes no sense, which is reported and marks the row.
bool find_row_machine(MeasuredRow& row, const RowRequest& request, const std::vector<MeasuredSystem>& systems,
                      MachineCache& machines, const Mechanism* off, RowMachine& into, Diagnostics& diagnostics);

} // namespace sim::validate
