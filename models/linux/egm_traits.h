#pragma once

#include <cstdint>

#include "models/linux/kernel_config.h"

namespace models::linux {

/// What a second open does while the first still holds the carveout.
enum class SecondOpen {
    kCounted,         ///< succeeds at once, even while the first still clears
    kCountedUnusable, ///< succeeds at once, but the file has no carveout: ioctl EINVAL, mmap crashes the kernel
    kBusy,            ///< EBUSY at once
    kWaitsCounted,    ///< waits for the first's clearing, then succeeds
    kWaitsBusy,       ///< waits for the first's clearing, then EBUSY
};

/// How one of the public EGM drivers differs from another, as data. Sources: the postings and trees that
/// `EgmShape` names.
struct EgmTraits {
    SecondOpen second_open;
    bool clears_in_chunks;        ///< 1 GiB at a time; else all at once
    bool offset_honoured;         ///< mmap maps from its offset; else always from the carveout's start
    bool bounded;                 ///< mmap refuses what lies beyond the carveout
    std::uint64_t offset_mask;    ///< of the file offset, before anything looks at it
    bool offset_checked_first;    ///< an offset behind the end is EINVAL before the sums are checked for overflow
    bool entry_for_every_page;    ///< a retired 64 KiB block is listed as its host pages; else by its first page only
    bool drops_outside;           ///< retired blocks outside the carveout are left out; else listed, with wild offsets
    bool ascending;               ///< the list is sorted and without doubles; else in the order of a hash table
    bool limit_is_a_page;         ///< no more retired blocks than one host page of the table holds; else 4096
    bool poison_hook;             ///< later memory errors join the list, and the owner gets SIGBUS
    bool exports_dma_buf;         ///< EGM_EXPORT_DMABUF
    bool needs_retired_table;     ///< without that property a GPU's EGM properties are ignored
    bool needs_bound_gpu;         ///< nodes come with the GPU's VFIO driver; else with the module
    bool module_fails_as_a_whole; ///< one carveout that cannot be set up is the module's error, and no node stays
    bool pxm_window;              ///< proximity domains from the lowest to the lowest + 3 only
    bool gpu_devices_file;        ///< sysfs names the GPUs in one file, and links the node from each; else by links
    bool auxiliary_device;        ///< sysfs hangs the node below an auxiliary device of the first GPU
};

const EgmTraits& egm_traits(EgmShape shape);

} // namespace models::linux
