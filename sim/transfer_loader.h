#pragma once

#include <memory>
#include <string>

#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

class Diagnostics;
class SpreadReader;
struct Work;

/// Reads `- transfer: name` of a scenario's traffic: the keys of a stream, and `size`, the bytes that it moves once and
/// is over.
/// What it goes through is as large as `size` unless
/// `working_set` says otherwise, and was touched before: caches that hold it do. Null on a fault, which is reported.
std::shared_ptr<const Work> read_transfer(const YamlNode& item, const std::string& label, const SoftwareSetup* software,
                                          const Topology* topology, SpreadReader& spreads, Diagnostics& diagnostics);

} // namespace sim
