#pragma once

#include <string>
#include <vector>

#include "models/specs.h"
#include "sim/topology.h"

namespace sim {

/// Something of the NVLink fabric that breaks while traffic runs.
struct FabricFault {
    std::string what;               ///< as the file names it: "nvswitch7"
    std::vector<std::size_t> parts; ///< switches
    std::vector<std::size_t> links; ///< and links; of a switch all that it has
    unsigned lanes = 0;             ///< links of each bundle that are lost; 0 = all: dead
    models::Picoseconds at = 0;     ///< after the start of each group
    models::Picoseconds until = 0;  ///< 0 = stays so
    Location where;

    bool holds(models::Picoseconds time) const { return at <= time && (until == 0 || time < until); }
};

/// Why figures of another fidelity say little of a scenario with faults.
inline constexpr const char* kNothingBreaks = "nothing breaks here: faults are left out but at the transaction level";

/// What breaks, and how long it takes until it is dealt with. Both times are assumed: nobody has published them.
struct FaultPlan {
    models::Picoseconds detection =
        10'000'000;                         ///< from a fault, or its end, until routes follow; assumed, 1 us to 10 ms
    models::Picoseconds retry = 20'000'000; ///< from the loss of a packet until it is sent again; assumed, 1 us to 1 ms
    std::vector<FabricFault> faults;
};

} // namespace sim
