#pragma once

#include "models/linux/file_tree.h"
#include "models/linux/kernel_config.h"

namespace models::linux {

/// Puts into `tree` what a doctor reads about the kernel and its own process, and what tells one process from another:
///
///     /proc/version, /proc/sys/kernel/osrelease       the version
///     /proc/cpuinfo                                   what kind of processor this is
///     /proc/self/limits                               memlock and open files
///     /proc/self/status                               user id, and CapEff: all capabilities for root, but CAP_IPC_LOCK
///                                                     only where memlock is without limit; none for others
///     /proc/self/stat, /proc/self/ns/pid              process id 1000 and its start time
///     /proc/sys/kernel/random/boot_id, /proc/sys/vm/max_map_count
///
/// Also makes /var/lib/egm, where the process can keep files.
void add_procfs(FileTree& tree, const KernelConfig& config);

} // namespace models::linux
