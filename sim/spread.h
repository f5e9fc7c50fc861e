#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// A source or target that a stream spreads its bursts over, as a scenario writes it:
///
///     source: {spread: "grace[0..35].egm", own: false, windows: all}
struct Spread {
    std::vector<MemoryName> memories; ///< in the order of the file; empty after a fault
    bool own = true;                  ///< false: the initiator's own memory is left out
    bool all_windows = false;         ///< remote EGM through the fabric window of each GPU of its socket, in turn
    std::string text;                 ///< "grace[0..35].egm", for names
};

/// Whether `node` is a spread, and not the name of one memory.
bool is_spread(const YamlNode& node);

/// Reads spreads. Hundreds of initiators share one, so each is read, and its faults reported, once.
class SpreadReader {
public:
    /// With nullptr for `topology` only the form is checked.
    const Spread& read(const YamlNode& node, const std::string& what, const Topology* topology,
                       Diagnostics& diagnostics);

private:
    std::map<std::string, Spread> known_; ///< by what the file says
};

/// The places of `spread` in the order in which `initiator` takes them: from the memory behind its own one on, so that
/// initiators do not all begin with the same; one whose own memory is not there begins by its number on the machine.
/// With `all_windows` the first round takes one GPU of each socket and the next round the next one; GPUs of one socket
/// begin with different ones. Empty if nothing is left.
std::vector<MemoryName> places_of(const Spread& spread, const std::string& initiator, const Topology& topology);

} // namespace sim
