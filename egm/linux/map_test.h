#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "egm/discovery.h"
#include "egm/linux/machine.h"
#include "egm/linux/memory_pattern.h"
#include "egm/result.h"
#include "egm/virtual_machine.h"

namespace egm {

/// One step of a map-test, and how long it took on the machine.
struct TimedStep {
    std::string step;
    std::string object;
    std::uint64_t picoseconds = 0;
};

/// What a map-test of one carveout did and found.
struct MapTestReport {
    CarveoutInfo carveout;
    std::string iommu; ///< "type1", ...; "none": no GPU was opened
    std::vector<TimedStep> steps;
    std::optional<GuestRegion> region; ///< once the bring-up was done
    std::vector<std::string> notes;    ///< what was accepted although it was refused, a sentence each
    MemoryVerdict memory, views;
    std::optional<Error> error; ///< the step that failed: the last one of `steps`
    std::string left;           ///< what is still held after the undo; empty: nothing

    bool well() const { return !error && memory.fault.empty() && views.fault.empty() && left.empty(); }
};

/// Brings up a VM of the whole carveout and of all its GPUs, looks at its memory, and undoes everything. There is no
/// guest: nothing runs. `mode` none: no GPU is opened, and nothing mapped for DMA.
///
/// The kernel clears the carveout; a VM that uses it would lose its memory.
MapTestReport map_test(Machine& machine, const CarveoutInfo& carveout, std::optional<IommuMode> mode);

} // namespace egm
