#include "models/linux/procfs.h"

namespace models::linux {

void add_procfs(FileTree& tree) {
    tree.add_symlink("/proc/self", "1000");
    // proc(5): pid, name, state, 18 more numbers, start time in clock ticks since boot.
    tree.add_text("/proc/1000/stat", "1000 (vmm) S 1 1000 1000 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\n");
    tree.add_symlink("/proc/1000/ns/pid", "pid:[4026531836]"); // the number of the first pid namespace
    tree.add_text("/proc/sys/kernel/random/boot_id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301\n");
    tree.add_directory("/var/lib/egm");
}

} // namespace models::linux
