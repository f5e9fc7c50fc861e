#include "models/linux/egm_device.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <fmt/format.h>

#include "egm/uapi/egm.h"
#include "models/linux/call_argument.h"
#include "models/linux/dma_buf.h"

namespace models::linux {

namespace uapi = egm::uapi;

class EgmFile final : public File {
public:
    EgmFile(EgmDevice& device, bool usable) : device_(device), usable_(usable) { ++device_.users_; }
    ~EgmFile() override { --device_.users_; }

    int mmap(Vma& vma) override;
    std::int64_t ioctl(unsigned long request, void* argument) override;

private:
    std::int64_t list_retired_pages(void* argument);
    std::int64_t export_dma_buf(void* argument);

    EgmDevice& device_;
    const bool usable_; ///< false: shape B's second opener
};

namespace {

/// The bucket of a Linux hash table of 2^16 (include/linux/hash.h, hash_64).
std::uint64_t bucket(std::uint64_t key) { return (key * 0x61C8'8646'80B5'83EB) >> 48; }

} // namespace

EgmDevice::EgmDevice(Host& host, const CarveoutConfig& carveout)
    : host_(host), carveout_(carveout), traits_(egm_traits(host.config.shape)) {
    for (const egm::Spa block : carveout_.retired) {
        if (traits_.drops_outside && !carveout_.range.contains(block)) {
            continue; // the driver warns and ignores it
        }
        const std::uint64_t pages =
            traits_.entry_for_every_page ? uapi::kRetiredBlockBytes / host_.page_size() : std::uint64_t{1};
        for (std::uint64_t page = 0; page < pages; ++page) {
            retired_.push_back(block.value - carveout_.range.begin.value + page * host_.page_size());
        }
    }
}

std::vector<std::uint64_t> EgmDevice::listed() const {
    std::vector<std::uint64_t> offsets = retired_;
    if (traits_.ascending) {
        std::sort(offsets.begin(), offsets.end());
        offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
    } else {
        std::reverse(offsets.begin(), offsets.end()); // a bucket's newest comes first
        std::stable_sort(offsets.begin(), offsets.end(),
                         [](std::uint64_t a, std::uint64_t b) { return bucket(a) < bucket(b); });
    }
    return offsets;
}

int EgmDevice::open(std::shared_ptr<File>& file) {
    constexpr std::uint64_t kLockPollPs = 1'000'000'000; // a waiter notices the free lock within 1 ms
    const bool waits =
        traits_.second_open == SecondOpen::kWaitsCounted || traits_.second_open == SecondOpen::kWaitsBusy;
    while (waits && locked_) {
        host_.pass(kLockPollPs);
    }
    const bool first = users_ == 0 && !locked_;
    if (!first && (traits_.second_open == SecondOpen::kBusy || traits_.second_open == SecondOpen::kWaitsBusy)) {
        return -EBUSY;
    }
    if (first) {
        clear();
    }
    file = std::make_shared<EgmFile>(*this, first || traits_.second_open != SecondOpen::kCountedUnusable);
    return 0;
}

void EgmDevice::clear() {
    locked_ = true;
    const std::uint64_t rate = host_.costs().scrub_bytes_per_second;
    const std::uint64_t chunk_bytes = traits_.clears_in_chunks ? egm::kGiB : carveout_.range.size;
    std::uint64_t passed = 0;
    for (std::uint64_t done = 0; done < carveout_.range.size;) {
        const std::uint64_t chunk = std::min(chunk_bytes, carveout_.range.size - done);
        host_.store.clear({carveout_.range.begin + done, chunk});
        done += chunk;
        const std::uint64_t due = transfer_picoseconds(done, rate);
        host_.pass(due - passed);
        passed = due;
    }
    locked_ = false;
}

bool EgmDevice::poison(egm::Spa at) {
    if (!carveout_.range.contains(at)) {
        return false;
    }
    if (!traits_.poison_hook || users_ == 0) {
        return true; // nobody has registered the range with the memory-failure code
    }
    const std::uint64_t page = egm::align_down(at - carveout_.range.begin, host_.page_size());
    bool mapped = false;
    for (const Vma* vma : host_.mm.overlapping({{0}, AddressSpace::kSize})) {
        const egm::Spa spa = carveout_.range.begin + page;
        if (vma->pfnmap && vma->spa && spa >= *vma->spa && spa - *vma->spa < vma->size) {
            host_.signals.push_back(vma->begin + (spa - *vma->spa));
            mapped = true;
        }
    }
    if (mapped && std::find(retired_.begin(), retired_.end(), page) == retired_.end()) {
        retired_.push_back(page);
    }
    return true;
}

int EgmFile::mmap(Vma& vma) {
    if (!usable_) {
        device_.host_.kernel_faults.push_back(
            fmt::format("mmap by a second opener of /dev/egm{}: null pointer", device_.carveout_.pxm));
        return -EFAULT;
    }
    const EgmTraits& traits = device_.traits_;
    const std::uint64_t size = device_.carveout_.range.size;
    const std::uint64_t offset = traits.offset_honoured ? vma.file_position & traits.offset_mask : 0;
    if (traits.offset_checked_first && offset >= size) {
        return -EINVAL;
    }
    if (traits.bounded) {
        if (offset + vma.size < offset) {
            return -EOVERFLOW;
        }
        if (offset + vma.size > size) {
            return -EINVAL;
        }
    }
    vma.pfnmap = true;
    vma.huge = false;
    vma.spa = device_.carveout_.range.begin + offset;
    if (device_.host_.config.shape == EgmShape::kA && device_.host_.config.egm_a_pgoff_is_pfn) {
        vma.file_position = vma.spa->value;
    }
    return 0;
}

std::int64_t EgmFile::ioctl(unsigned long request, void* argument) {
    if (device_.traits_.exports_dma_buf) { // looks at the request first
        switch (request) {
        case uapi::kEgmExportDmabuf:
            return export_dma_buf(argument);
        case uapi::kEgmRetiredPagesList:
            return list_retired_pages(argument);
        default:
            return -EINVAL;
        }
    }
    uapi::EgmRetiredPagesList header{};
    if (!copy_in(&header, argument, sizeof header)) {
        return -EFAULT;
    }
    if (header.argsz < sizeof header || !usable_ || request != uapi::kEgmRetiredPagesList) {
        return -EINVAL;
    }
    return list_retired_pages(argument);
}

std::int64_t EgmFile::list_retired_pages(void* argument) {
    uapi::EgmRetiredPagesList header{};
    if (!copy_in(&header, argument, sizeof header)) {
        return -EFAULT;
    }
    if (header.argsz < sizeof header) {
        return -EINVAL;
    }
    const auto offsets = device_.listed();
    const std::size_t needed = sizeof header + offsets.size() * sizeof(uapi::EgmRetiredPage);
    std::int64_t result = 0;
    if (header.argsz < needed) {
        header.argsz = static_cast<std::uint32_t>(needed);
        header.count = 0;
        result = device_.host_.config.retired_short_buffer_enospc ? -ENOSPC : 0;
    } else {
        header.count = static_cast<std::uint32_t>(offsets.size());
        auto* entry = static_cast<char*>(argument) + sizeof header;
        for (const std::uint64_t offset : offsets) {
            const uapi::EgmRetiredPage page{.offset = offset, .size = device_.host_.page_size()};
            copy_out(entry, &page, sizeof page);
            entry += sizeof page;
        }
    }
    copy_out(argument, &header, sizeof header);
    return result;
}

std::int64_t EgmFile::export_dma_buf(void* argument) {
    uapi::EgmExportDmabuf want{};
    if (!copy_in(&want, argument, sizeof want)) {
        return -EFAULT;
    }
    if (want.nr_ranges == 0 || want.flags != 0) {
        return -EINVAL;
    }
    if (want.nr_ranges > kArrayEntriesMax) {
        return -ENOMEM;
    }
    const auto& range = device_.carveout_.range;
    std::vector<uapi::EgmDmabufRange> wanted(want.nr_ranges);
    copy_in(wanted.data(), static_cast<const char*>(argument) + sizeof want, wanted.size() * sizeof wanted.front());
    std::uint64_t total = 0;
    for (const auto& piece : wanted) {
        if (piece.length == 0 || !egm::is_aligned(piece.offset | piece.length, device_.host_.page_size()) ||
            total + piece.length < total) {
            return -EINVAL;
        }
        total += piece.length;
    }
    std::vector<egm::Range<egm::Spa>> pieces;
    for (const auto& piece : wanted) {
        const std::uint64_t begin = range.begin.value + piece.offset;
        const std::uint64_t end = begin + piece.length;
        if (begin < piece.offset || end < begin) {
            return -EOVERFLOW;
        }
        if (end > range.end().value) {
            return -EINVAL;
        }
        pieces.push_back({{begin}, piece.length});
    }
    return device_.host_.fds.install(std::make_shared<DmaBufFile>(DmaBufFile::Exporter::kEgm, std::move(pieces)),
                                     static_cast<int>(want.open_flags));
}

} // namespace models::linux
