#pragma once

#include <cstddef>
#include <cstdint>

/// The EGM character device, /dev/egm<PXM>: one carveout a node. Source: the "nvgrace-egm" driver postings
/// ("Add virtualization support for EGM", RFC v2, February 2026) and its include/uapi/linux/egm.h.
///
/// Files beside it: /sys/class/egm/egm<PXM>/egm_size ("0x<hex>\n"), and there one symlink a GPU named by its BDF, or,
/// in the 2024 vendor driver, the file gpu_devices with one BDF a line.
namespace egm::uapi {

/// EGM_RETIRED_PAGES_LIST = _IO('E', 100). The 2024 vendor driver calls it EGM_BAD_PAGES_LIST.
///
/// Header then entries in one buffer. A buffer with room for the header only, or for too few entries, is answered with
/// success, `count` 0 and the needed size in `argsz`; reviewers asked for ENOSPC with the same update.
inline constexpr unsigned long kEgmRetiredPagesList = 0x4564;

/// EGM_EXPORT_DMABUF = _IOWR('E', 101, 16 bytes); only in one developer tree.
inline constexpr unsigned long kEgmExportDmabuf = 0xC0104565;

struct EgmRetiredPagesList {
    std::uint32_t argsz; ///< in: bytes of the whole buffer; out: bytes needed, when that is more
    std::uint32_t count; ///< out: entries written
};
static_assert(sizeof(EgmRetiredPagesList) == 8);
static_assert(offsetof(EgmRetiredPagesList, argsz) == 0);
static_assert(offsetof(EgmRetiredPagesList, count) == 4);

/// Follows `EgmRetiredPagesList` `count` times.
struct EgmRetiredPage {
    std::uint64_t offset; ///< bytes from the start of the carveout
    std::uint64_t size;   ///< bytes: the host's page size
};
static_assert(sizeof(EgmRetiredPage) == 16);
static_assert(offsetof(EgmRetiredPage, offset) == 0);
static_assert(offsetof(EgmRetiredPage, size) == 8);

struct EgmExportDmabuf {
    std::uint32_t argsz;
    std::uint32_t flags; ///< must be 0
    std::uint32_t nr_ranges;
    std::uint32_t open_flags;
};
static_assert(sizeof(EgmExportDmabuf) == 16);
static_assert(offsetof(EgmExportDmabuf, flags) == 4);
static_assert(offsetof(EgmExportDmabuf, nr_ranges) == 8);
static_assert(offsetof(EgmExportDmabuf, open_flags) == 12);

/// Follows `EgmExportDmabuf` `nr_ranges` times.
struct EgmDmabufRange {
    std::uint64_t offset;
    std::uint64_t length;
};
static_assert(sizeof(EgmDmabufRange) == 16);
static_assert(offsetof(EgmDmabufRange, length) == 8);

/// Firmware retires memory in blocks of this size, whatever the host's page size.
inline constexpr std::uint64_t kRetiredBlockBytes = 64 * 1024;
/// Entries of the firmware's retired-page table; with 4 KiB pages the kernel reports 16 pages for each.
inline constexpr std::uint32_t kRetiredBlocksMax = 4096;

} // namespace egm::uapi
