#pragma once

#include <cstdint>

namespace models::linux {

/// What the calls cost. Times in picoseconds, rates in bytes a second.
///
/// "Assumed" means that nobody has published the figure: it is a parameter with a range, and a result says how much it
/// depends on it.
struct CallCosts {
    /// Entry and exit of any call. Assumed, 100 to 1000 ns.
    std::uint64_t syscall_ps = 200'000;
    /// Path walk and file set-up of an open. Assumed, 1 to 10 us.
    std::uint64_t open_ps = 2'000'000;
    /// Rate at which one thread clears memory: the whole carveout at a first open, anonymous memory at its first use.
    /// Assumed, 8 to 43 GB/s; the upper bound is the measured store rate of one Grace core (43.1 GB/s, 8 GiB, local
    /// LPDDR5X).
    std::uint64_t scrub_bytes_per_second = 20'000'000'000;
    /// One base-page PTE written by remap_pfn_range. Assumed, 1 to 10 ns.
    std::uint64_t pte_fill_ps = 3'000;
    /// One base-page PTE dropped by munmap. Assumed, 1 to 10 ns.
    std::uint64_t pte_drop_ps = 3'000;
    /// One PFN step of MAP_DMA over a base-page mapping. Derived from Linux commit 0fd06844de5d ("32 GiB: about 1 s in
    /// base pages, below 1 ms in huge steps"): 1 s / 8 388 608 pages of 4 KiB. Range 60 to 240 ns.
    std::uint64_t type1_page_step_ps = 119'209;
    /// One PFN step over a PMD or PUD of a huge PFN mapping (Linux 6.15 and later). Same source: below 1 ms for 32 GiB,
    /// that is 32 steps of 1 GiB or 16 384 of 2 MiB. Assumed, 30 to 120 ns.
    std::uint64_t type1_huge_step_ps = 60'000;
    /// One page of anonymous memory pinned, by type1 or iommufd. Assumed, 10 to 120 ns.
    std::uint64_t pin_page_ps = 30'000;
    /// One page let go by an unmap. Assumed, 5 to 60 ns.
    std::uint64_t unpin_page_ps = 20'000;
    /// One block entered into, or removed from, an IOMMU page table. Assumed, 50 to 500 ns.
    std::uint64_t iommu_block_ps = 100'000;
    /// KVM_SET_USER_MEMORY_REGION: mostly the wait for readers of the old slots. Assumed, 5 us to 10 ms.
    std::uint64_t kvm_slot_ps = 20'000'000;
    /// KVM_CREATE_VM. Assumed, 0.1 to 10 ms.
    std::uint64_t kvm_create_ps = 1'000'000'000;
    /// One stage-2 fault: exit to the hypervisor, walk of the host's tables, entry. Assumed, 2 to 20 us.
    std::uint64_t stage2_fault_ps = 5'000'000;
    /// Each further stage-2 entry that the same fault writes. Assumed, 5 to 50 ns.
    std::uint64_t stage2_entry_ps = 10'000;
    /// Function-level reset, at the open of a VFIO device and at VFIO_DEVICE_RESET. 100 ms is what the PCI Express Base
    /// Specification lets a function take; a GPU may need more. Range 0.1 to 5 s.
    std::uint64_t device_reset_ps = 100'000'000'000;
    /// Between two looks at a GPU that is not ready. Linux drivers/vfio/pci/nvgrace-gpu/main.c.
    std::uint64_t gpu_poll_ps = kSecondPs;
    /// A GPU not ready after this is given up: ETIME. Linux drivers/vfio/pci/nvgrace-gpu/main.c.
    std::uint64_t gpu_timeout_ps = 30 * kSecondPs;

    /// Between two looks at the DVSEC of a next-generation GPU. Assumed, 10 ms to 1 s.
    std::uint64_t gpu_dvsec_poll_ps = 100'000'000'000;

    static constexpr std::uint64_t kSecondPs = 1'000'000'000'000;
};

} // namespace models::linux
