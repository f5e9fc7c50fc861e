#pragma once

#include "sim/input_files.h"

namespace sim {

/// Where the shipped machines are: the directory `topologies` beside the running program's build folder, then that in
/// the current directory.
SearchPath shipped_topologies();

} // namespace sim
