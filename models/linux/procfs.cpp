#include "models/linux/procfs.h"

#include <limits>
#include <string>

#include <fmt/format.h>

namespace models::linux {

namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

/// A line of /proc/self/limits (Linux fs/proc/base.c, proc_pid_limits).
std::string limit(const char* name, std::uint64_t value, const char* unit) {
    const std::string text = value == kUnlimited ? "unlimited" : std::to_string(value);
    return fmt::format("{:<25} {:<20} {:<20} {:<10}\n", name, text, text, unit);
}

std::string limits(const KernelConfig& config) {
    return fmt::format("{:<25} {:<20} {:<20} {:<10}\n", "Limit", "Soft Limit", "Hard Limit", "Units") +
           limit("Max cpu time", kUnlimited, "seconds") + limit("Max file size", kUnlimited, "bytes") +
           limit("Max data size", kUnlimited, "bytes") + limit("Max stack size", 8 * egm::kMiB, "bytes") +
           limit("Max processes", 128 * egm::kKiB, "processes") +
           limit("Max open files", static_cast<std::uint64_t>(config.nofile_limit), "files") +
           limit("Max locked memory", config.memlock_limit, "bytes") + limit("Max address space", kUnlimited, "bytes");
}

std::string status(const KernelConfig& config) {
    constexpr std::uint64_t kAll = (1ull << 41) - 1; // up to CAP_CHECKPOINT_RESTORE
    constexpr std::uint64_t kIpcLock = 1ull << 14;
    std::uint64_t capabilities = config.root ? kAll : 0;
    if (config.memlock_limit != kUnlimited) {
        capabilities &= ~kIpcLock;
    }
    const int user = config.root ? 0 : 1000;
    return fmt::format(
        "Name:\tvmm\nState:\tR (running)\nPid:\t1000\nUid:\t{0}\t{0}\t{0}\t{0}\nGid:\t{0}\t{0}\t{0}\t{0}\n"
        "CapInh:\t{2:016x}\nCapPrm:\t{1:016x}\nCapEff:\t{1:016x}\nCapBnd:\t{3:016x}\nCapAmb:\t{2:016x}\n",
        user, capabilities, 0, kAll);
}

/// One processor's lines, as far as anybody reads them: a Neoverse V2, the core of Grace, or some x86.
std::string cpuinfo(const KernelConfig& config) {
    if (config.arch == HostArch::kX86) {
        return "processor\t: 0\nvendor_id\t: GenuineIntel\n";
    }
    return "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd4f\n";
}

} // namespace

void add_procfs(FileTree& tree, const KernelConfig& config) {
    const std::string release = fmt::format("{}.{}.0", config.version / 100, config.version % 100);
    tree.add_text("/proc/version", fmt::format("Linux version {} (egmsim@modelled) #1 SMP\n", release));
    tree.add_text("/proc/sys/kernel/osrelease", release + "\n");
    tree.add_text("/proc/sys/vm/max_map_count", fmt::format("{}\n", config.map_count_max));
    tree.add_text("/proc/cpuinfo", cpuinfo(config));
    tree.add_symlink("/proc/self", "1000");
    tree.add_text("/proc/1000/limits", limits(config));
    tree.add_text("/proc/1000/status", status(config));
    // proc(5): pid, name, state, 18 more numbers, start time in clock ticks since boot.
    tree.add_text("/proc/1000/stat", "1000 (vmm) S 1 1000 1000 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 5000 0 0\n");
    tree.add_symlink("/proc/1000/ns/pid", "pid:[4026531836]"); // the number of the first pid namespace
    tree.add_text("/proc/sys/kernel/random/boot_id", "3f2504e0-4f89-41d3-9a0c-0305e82c3301\n");
    tree.add_directory("/var/lib/egm");
}

} // namespace models::linux
