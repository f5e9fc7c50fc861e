#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/topology.h"

namespace sim::calibrate {

/// A figure that a machine file replaces, with what is known about it.
struct ReplacedFigure {
    std::vector<std::string> entries; ///< keys of the topology file's parts and links
    std::string figure;               ///< "copy_engine.local_bandwidth"
    std::string text;                 ///< "93.4 ns"
    std::string comment;
};

/// The topology file of `base` under another name and with `figures` replaced, as YAML with comments. `head` are the
/// lines of comment on top. Empty after an error.
std::string machine_file(const Topology& base, const std::string& name, const std::string& description,
                         const std::vector<std::string>& head, const std::vector<ReplacedFigure>& figures,
                         const InputFiles& files, Diagnostics& diagnostics);

} // namespace sim::calibrate
