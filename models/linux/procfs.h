#pragma once

#include "models/linux/file_tree.h"

namespace models::linux {

/// What the one process finds about itself in /proc, and /var/lib/egm, where it can keep files.
void add_procfs(FileTree& tree);

} // namespace models::linux
