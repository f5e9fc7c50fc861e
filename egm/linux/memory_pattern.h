#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/linux/machine.h"
#include "egm/virtual_machine.h"

namespace egm {

/// What a look at a VM's memory found.
struct MemoryVerdict {
    std::uint64_t pages = 0; ///< that were looked at, each of the host's page size
    std::string fault;       ///< the first one found, a sentence; empty: all is well
};

/// Where mistakes of a mapping show, as offsets in the region, sorted: its first and last page, the pages on both sides
/// of each boundary between stage-2 blocks (of thousands, a sample), and those on both sides of each retired range.
/// Never a retired page: its memory has failed.
std::vector<std::uint64_t> pages_to_check(const GuestRegion& region, std::uint64_t page_size);

/// Looks at those pages through the CPU's mapping. Each must read zero, as the kernel has cleared it; then all of them
/// are written, each word with a number that no other word has, and read back. So two offsets that lead to the same
/// memory are noticed.
MemoryVerdict check_memory(Machine& machine, const GuestRegion& region);

/// Where the machine can tell, that the guest and each device see at their addresses what the CPU's mapping shows.
MemoryVerdict check_views(Machine& machine, const VirtualMachine& vm, const GuestRegion& region);

} // namespace egm
