#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "egm/address.h"
#include "models/linux/file.h"
#include "models/linux/frame_pool.h"

namespace models::linux {

/// One mapping of the VMM's process (Linux: struct vm_area_struct).
struct Vma {
    egm::Hva begin;
    std::uint64_t size = 0;
    int protection = 0;                   ///< PROT_READ | PROT_WRITE; PROT_NONE is a reservation
    bool shared = false;                  ///< MAP_SHARED
    bool pfnmap = false;                  ///< no struct page behind it: it cannot be pinned
    bool huge = false;                    ///< pfnmap: filled on fault by PTE, PMD and PUD; else base pages, at mmap
    std::uint64_t file_position = 0;      ///< vm_pgoff << PAGE_SHIFT of the first byte; mmap may change it
    std::optional<egm::Spa> spa;          ///< of the first byte; none: anonymous memory that nobody has touched
    std::shared_ptr<File> file;           ///< null: anonymous
    std::shared_ptr<const Frames> frames; ///< of touched anonymous memory

    egm::Hva end() const { return begin + size; }
};

/// The memory map of the VMM's process. Addresses are made up, given out from 0x7f00_0000_0000 downwards, and never
/// dereferenced, so mappings of hundreds of GiB cost no host memory.
///
/// As in Linux mm/mmap.c: MAP_FIXED replaces what is there, and leaves a gap when the file's mmap then refuses;
/// munmap takes any pages out of any mappings; a mapping keeps its file open. Anonymous neighbours are not merged, and
/// an anonymous mapping gets all its memory at its first touch.
class AddressSpace {
public:
    static constexpr std::uint64_t kTop = 0x7f00'0000'0000;  ///< mappings are placed below it
    static constexpr std::uint64_t kSize = 0x8000'0000'0000; ///< TASK_SIZE: no address at or above it

    struct Request {
        std::uint64_t address = 0;
        std::uint64_t size = 0;
        int protection = 0;
        int flags = 0;
        std::shared_ptr<File> file; ///< null with MAP_ANONYMOUS
        std::uint64_t offset = 0;   ///< bytes, a multiple of the page size
    };

    AddressSpace(std::uint64_t page_size, std::size_t vmas_max) : page_size_(page_size), vmas_max_(vmas_max) {}

    /// The address, or a negative errno.
    std::int64_t map(const Request& request);
    /// 0 or a negative errno.
    int unmap(std::uint64_t address, std::uint64_t size);

    /// Null: nothing is mapped at `address`.
    Vma* find(egm::Hva address);
    const Vma* find(egm::Hva address) const;

    /// The mappings that touch the range, in order.
    std::vector<const Vma*> overlapping(egm::Range<egm::Hva> range) const;

    std::size_t size() const { return vmas_.size(); }
    std::uint64_t page_size() const { return page_size_; }
    void clear();

    /// Calls `notify` before pages go away (Linux: an MMU notifier). `who` ends it.
    void watch(const void* who, std::function<void(egm::Range<egm::Hva>)> notify) {
        watchers_[who] = std::move(notify);
    }
    void unwatch(const void* who) { watchers_.erase(who); }

private:
    std::int64_t place(const Request& request, std::uint64_t size) const;
    std::optional<std::uint64_t> highest_gap(std::uint64_t size) const;
    bool is_free(std::uint64_t address, std::uint64_t size) const;
    void split_at(std::uint64_t address);
    /// Takes out whole mappings of the range, whose ends are split already; they are released by the caller.
    std::vector<Vma> take(std::uint64_t address, std::uint64_t size);

    std::uint64_t page_size_;
    std::size_t vmas_max_;
    std::map<std::uint64_t, Vma> vmas_; ///< by begin
    std::map<const void*, std::function<void(egm::Range<egm::Hva>)>> watchers_;
};

} // namespace models::linux
