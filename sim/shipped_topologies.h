#pragma once

#include <string>

#include "sim/input_files.h"

namespace sim {

/// Where the shipped machines are: the directory `topologies` beside the running program's build folder, then that in
/// the current directory.
SearchPath shipped_topologies();

/// A file that we ship, such as "validation/systems.yaml": beside the running program's build folder, else below the
/// current directory; empty if it is in neither.
std::string shipped_file(const std::string& path);

} // namespace sim
