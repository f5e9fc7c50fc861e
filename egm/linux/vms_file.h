#pragma once

#include <optional>
#include <string>
#include <vector>

#include "egm/tray_plan.h"
#include "sim/diagnostics.h"

namespace egm {

/// What a person asks of a machine, from a file such as
///
///     policy: whole-tray
///     vms:
///       - name: vm0
///         vcpus: 120
///         egm: {4: whole, 5: 100 GiB}
///         gpus: all
///         iommu: type1
///
/// docs/egmctl.md is the reference of the format.
struct VmsFile {
    /// Where in the file the parts of a VM stand.
    struct Places {
        sim::Location vm;
        sim::Location regions;             ///< of "egm"
        sim::Location gpus;                ///< of "gpus"
        std::vector<sim::Location> region; ///< by index, unless the file says "all"
        std::vector<sim::Location> gpu;
    };

    TrayRequest request;
    std::vector<Places> places; ///< by VM

    /// Where the fault stands.
    sim::Location place_of(const PlanFault& fault) const;
};

/// Reads the text of a file strictly: every unknown key, missing unit or impossible value is an error with its place.
/// Nothing is returned if there is any. No text makes it crash or throw.
std::optional<VmsFile> read_vms(const std::string& text, const std::string& file, sim::Diagnostics& diagnostics);

} // namespace egm
