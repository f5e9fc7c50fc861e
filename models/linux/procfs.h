#pragma once

#include "models/linux/file_tree.h"
#include "models/linux/kernel_config.h"

namespace models::linux {

/// Puts into `tree` what a doctor reads about the kernel and its own process:
///
///     /proc/version, /proc/sys/kernel/osrelease       the version
///     /proc/cpuinfo                                   what kind of processor this is
///     /proc/self/limits                               memlock and open files
///     /proc/self/status                               user id, and CapEff: all capabilities for root, but CAP_IPC_LOCK
///                                                     only where memlock is without limit; none for others
///     /proc/sys/vm/max_map_count
void add_procfs(FileTree& tree, const KernelConfig& config);

} // namespace models::linux
