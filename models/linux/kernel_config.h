#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "egm/address.h"
#include "models/linux/call_costs.h"

namespace models::linux {

/// A property that firmware left out of a GPU's ACPI description (_DSD), and what comes of it.
enum class FirmwareGap {
    kNone,
    kGpuMemory,        ///< nvidia,gpu-mem-base-pa or -size: nvgrace-gpu drives it as a plain vfio-pci device
    kEgmPxm,           ///< nvidia,egm-pxm: no EGM on this GPU
    kEgmBase,          ///< nvidia,egm-base-pa: the EGM driver skips the GPU
    kEgmSize,          ///< nvidia,egm-size: the EGM driver skips the GPU
    kRetiredTable,     ///< nvidia,egm-retired-pages-data-base: shape E2 takes none as retired, others skip the GPU
    kRetiredTableZero, ///< the same property, with value 0
};

/// A GPU as the host's PCI bus shows it.
struct GpuConfig {
    std::string bdf;             ///< "0008:01:00.0"
    int iommu_group = 0;         ///< /dev/vfio/<iommu_group>
    int vfio_index = 0;          ///< /dev/vfio/devices/vfio<vfio_index>
    std::uint16_t device_id = 0; ///< of vendor 10de: 2342, 2345, 2348 (GH200), 2941 (GB200), 31c2 (GB300)
    int socket = -1;             ///< sysfs numa_node; -1 where firmware names none
    egm::Range<egm::Spa> hbm;    ///< coherent: all GPU memory; PCIe: what BAR 2 shows, may be empty
    bool c2c_ready = true;       ///< false: C2C and HBM never come up, and the open ends with ETIME
    double ready_after_s = 0;    ///< seconds of waiting after a reset until C2C and HBM are up
    /// After Blackwell: no readiness registers, but a DVSEC that Linux 7.2 and later look at.
    bool next_generation = false;
    double info_valid_after_s = 0;    ///< next generation: until the DVSEC's memory information is valid
    unsigned active_timeout_code = 2; ///< next generation: 0 to 4 for 1, 4, 16, 64, 256 s until ETIME
    bool mig_erratum_fixed = false;   ///< GH200: no device region 2 "resmem"
    bool coherent = true;             ///< nvgrace-gpu-vfio-pci; false: plain vfio-pci
    bool bound = true;                ///< a VFIO driver has it; false: no driver, and none of its /dev/vfio nodes
    FirmwareGap firmware_gap = FirmwareGap::kNone;
};

/// A PCI function on plain vfio-pci that can do DMA: QEMU's `edu` device.
struct PlainDeviceConfig {
    std::string bdf;                  ///< "0000:00:03.0"
    int iommu_group = 0;              ///< /dev/vfio/<iommu_group>; shared with others of the same number
    int vfio_index = 0;               ///< /dev/vfio/devices/vfio<vfio_index>
    std::uint16_t vendor = 0x1234;    ///< QEMU's
    std::uint16_t device_id = 0x11E8; ///< edu
    int socket = -1;                  ///< sysfs numa_node; -1 where firmware names none
};

/// The EGM of one socket, as firmware describes it.
struct CarveoutConfig {
    int pxm = 0;                       ///< /dev/egm<pxm>
    egm::Range<egm::Spa> range;        ///< multiples of 64 KiB
    std::vector<egm::Spa> retired;     ///< firmware's table: starts of retired 64 KiB blocks
    std::vector<std::string> gpu_bdfs; ///< GPUs of this socket
    bool driver_loaded = true;         ///< false: a stale device node without a driver, whose open answers ENXIO
};

/// The public EGM drivers. They differ in exclusivity, offsets and what retired-page entries look like.
enum class EgmShape {
    kA,  ///< vendor driver, 2024
    kB,  ///< LKML RFC v1, September 2025
    kC,  ///< LKML RFC v2, February 2026
    kD,  ///< C with dma-buf export
    kE1, ///< stand-alone, counted opens
    kE2, ///< stand-alone, exclusive: the newest
};

enum class HostArch {
    kArm64, ///< Grace: SMMUv3, stage-2 blocks of the host's granule
    kX86,   ///< legacy host: VT-d, 4 KiB pages, no EGM
};

/// One host: what its kernel, its firmware and its process limits are.
struct KernelConfig {
    HostArch arch = HostArch::kArm64;
    std::uint64_t page_size = 64 * egm::kKiB; ///< bytes: 4, 16 or 64 KiB
    int version = 618;                        ///< major * 100 + minor: 612, 618, 703
    EgmShape shape = EgmShape::kE2;
    std::vector<CarveoutConfig> carveouts;
    std::vector<GpuConfig> gpus;
    std::vector<PlainDeviceConfig> plain_devices;
    /// By socket: what anonymous memory is made of.
    std::vector<egm::Range<egm::Spa>> host_memory;
    /// RLIMIT_MEMLOCK in bytes. The default is a process with CAP_IPC_LOCK.
    std::uint64_t memlock_limit = std::numeric_limits<std::uint64_t>::max();
    int nofile_limit = 1024;            ///< RLIMIT_NOFILE
    int map_count_max = 65530;          ///< sysctl vm.max_map_count
    int iova_bits = 48;                 ///< VT-d: 39 or 48, as the IOMMU and the kernel make it
    int ipa_bits_max = 48;              ///< widest guest address that KVM offers
    bool root = true;                   ///< false: /dev/egm*, mode 0600, answers EACCES
    bool stage2_force_writeback = true; ///< FEAT_S2FWB and DIC: cacheable PFNMAP memory can be VM RAM
    /// Vendor kernels: IOAS_MAP of PFNMAP memory succeeds instead of EFAULT.
    bool iommufd_pfnmap_bypass = false;
    /// With the bypass: whether the memory reaches the SMMU. Its inner working is not public; both can be modelled.
    bool iommufd_bypass_reaches_smmu = true;
    /// False: off in firmware or on the kernel's command line. No IOMMU groups, so the VFIO drivers take no device.
    bool iommu = true;
    bool type1 = true;   ///< false: no /dev/vfio/vfio
    bool iommufd = true; ///< false, or before Linux 6.2: no /dev/iommu; then, or before 6.6, no /dev/vfio/devices
    bool kvm = true;     ///< false: no /dev/kvm
    /// The IOMMU can note which pages devices wrote: HWPTs with DIRTY_TRACKING.
    bool iommu_dirty_tracking = false;
    /// SMMU with Tegra241 command-queue virtualization: queues that one guest can have. 0: there is none.
    unsigned vcmdqs_per_vintf = 128;
    /// Entries of the largest command queue, as a power of two. Arm SMMUv3: SMMU_IDR1.CMDQS, at most 19.
    unsigned command_queue_log2 = 19;
    /// Files of shared memory (tmpfs, or what memfd_create made), by path.
    struct SharedMemoryFile {
        std::string path;       ///< "/dev/shm/ram"
        std::uint64_t size = 0; ///< bytes, whole pages
    };
    std::vector<SharedMemoryFile> shared_memory_files;
    /// The EGM driver's module is there to be loaded (and, shapes A to D, nvgrace-gpu calls it).
    bool egm_module = true;
    /// Too small a buffer for the retired pages is ENOSPC, as reviewers of the driver asked, instead of 0.
    bool retired_short_buffer_enospc = false;
    /// Shape A: mmap leaves the PFN in vm_pgoff, as the vendor's later kernels do; false: the file offset stays.
    bool egm_a_pgoff_is_pfn = true;
    CallCosts costs;
};

/// Everything that makes `config` impossible, a sentence each. Empty: a kernel can be built of it.
std::vector<std::string> faults(const KernelConfig& config);

/// Whether this kernel has /dev/iommu, and VFIO devices as nodes of their own.
bool has_iommufd(const KernelConfig& config);
bool has_vfio_cdev(const KernelConfig& config);

/// The IOVAs that a device of this host can use, by the reserved windows of its IOMMU driver. `last` is inclusive.
struct IovaRange {
    egm::Iova first;
    egm::Iova last;
};
/// SMMUv3: 48 bits less the software MSI window. VT-d: `iova_bits` less the interrupt window.
std::vector<IovaRange> iova_ranges(const KernelConfig& config);

} // namespace models::linux
