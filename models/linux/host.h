#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "egm/address.h"
#include "models/linux/address_space.h"
#include "models/linux/clock.h"
#include "models/linux/fd_table.h"
#include "models/linux/frame_pool.h"
#include "models/linux/kernel_config.h"
#include "models/sparse_store.h"

namespace models::linux {

/// What every driver of the modelled kernel shares: the configuration, time, memory, and the one process that calls.
class Host {
public:
    /// Precondition: `faults(config)` is empty.
    Host(KernelConfig config, Clock& clock, SparseStore& store);

    const KernelConfig config;
    Clock& clock;
    SparseStore& store;
    FramePool frames;
    AddressSpace mm;
    FdTable fds;

    /// Memory that the process has pinned, bytes, against RLIMIT_MEMLOCK.
    std::uint64_t pinned_bytes = 0;
    /// Entries that all containers and IOASes hold.
    std::uint64_t dma_entries = 0;
    /// Memory slots of all VMs.
    std::uint64_t memory_slots = 0;
    /// Where the process was told, by SIGBUS, that its memory is bad.
    std::vector<egm::Hva> signals;
    /// What would have crashed a real kernel, a sentence each.
    std::vector<std::string> kernel_faults;

    const CallCosts& costs() const { return config.costs; }
    std::uint64_t page_size() const { return config.page_size; }

    /// A piece of user memory that is one piece of physical memory too.
    struct Piece {
        std::uint64_t offset = 0; ///< from the start of the range asked for
        egm::Spa spa;
        std::uint64_t size = 0;
        std::uint64_t page_steps = 0;         ///< base pages that a walk visits one by one
        std::uint64_t huge_steps = 0;         ///< PMDs and PUDs that it visits instead
        bool pfnmap = false;                  ///< cannot be pinned and is not accounted
        std::shared_ptr<const Frames> frames; ///< keeps anonymous memory from being given out again
    };

    /// The physical memory behind `range`, in order; anonymous memory is filled on the way, and that time passes.
    /// Answers 0; -EFAULT when a page is not mapped, not readable, or not writable though `write`; -ENOMEM when the
    /// host is out of memory.
    int walk(egm::Range<egm::Hva> range, bool write, std::vector<Piece>& pieces);

    /// Gives anonymous `vma` its memory, cleared, if it has none yet. 0 or -ENOMEM. The time that the caller must let
    /// pass is added to `picoseconds`.
    int populate(Vma& vma, std::uint64_t& picoseconds);

    /// Lets time pass. Not while the process ends: that happens outside the simulation.
    void pass(std::uint64_t picoseconds);

    /// Ends the process: every descriptor and mapping goes, in no time.
    void exit_process();

private:
    bool exiting_ = false;
};

} // namespace models::linux
