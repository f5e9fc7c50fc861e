#include "models/linux/egm_device.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include "egm/uapi/egm.h"
#include "models/linux/call_argument.h"

namespace models::linux {

namespace uapi = egm::uapi;

const EgmTraits* egm_traits(EgmShape shape) {
    static constexpr EgmTraits kE2{
        .exclusive = true, .offset_honoured = true, .bounded = true, .entry_for_every_page = true};
    return shape == EgmShape::kE2 ? &kE2 : nullptr;
}

class EgmFile final : public File {
public:
    explicit EgmFile(EgmDevice& device) : device_(device) {}
    ~EgmFile() override { --device_.users_; }

    int mmap(Vma& vma) override;
    std::int64_t ioctl(unsigned long request, void* argument) override;

private:
    std::int64_t list_retired_pages(const uapi::EgmRetiredPagesList& header, void* argument);

    EgmDevice& device_;
};

EgmDevice::EgmDevice(Host& host, const CarveoutConfig& carveout)
    : host_(host), carveout_(carveout), traits_(*egm_traits(host.config.shape)) {
    for (const egm::Spa block : carveout_.retired) {
        if (!carveout_.range.contains(block)) {
            continue; // the driver warns and ignores it
        }
        const std::uint64_t pages =
            traits_.entry_for_every_page ? uapi::kRetiredBlockBytes / host_.page_size() : std::uint64_t{1};
        for (std::uint64_t page = 0; page < pages; ++page) {
            retired_.push_back(block - carveout_.range.begin + page * host_.page_size());
        }
    }
}

int EgmDevice::open(std::shared_ptr<File>& file) {
    constexpr std::uint64_t kLockPollPs = 1'000'000'000; // a waiter notices the free lock within 1 ms
    while (locked_) {
        host_.pass(kLockPollPs);
    }
    if (users_ > 0 && traits_.exclusive) {
        return -EBUSY;
    }
    if (users_ == 0) {
        locked_ = true;
        const std::uint64_t rate = host_.costs().scrub_bytes_per_second;
        std::uint64_t passed = 0;
        for (std::uint64_t done = 0; done < carveout_.range.size;) {
            const std::uint64_t chunk = std::min(egm::kGiB, carveout_.range.size - done);
            host_.store.clear({carveout_.range.begin + done, chunk});
            done += chunk;
            const std::uint64_t due = transfer_picoseconds(done, rate);
            host_.pass(due - passed);
            passed = due;
        }
        locked_ = false;
    }
    ++users_;
    file = std::make_shared<EgmFile>(*this);
    return 0;
}

int EgmFile::mmap(Vma& vma) {
    const std::uint64_t size = device_.carveout_.range.size;
    const std::uint64_t offset = device_.traits_.offset_honoured ? vma.file_position : 0;
    if (device_.traits_.bounded) {
        if (offset >= size) {
            return -EINVAL;
        }
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
    return 0;
}

std::int64_t EgmFile::ioctl(unsigned long request, void* argument) {
    uapi::EgmRetiredPagesList header{};
    if (!copy_in(&header, argument, sizeof header)) {
        return -EFAULT;
    }
    if (header.argsz < sizeof header || request != uapi::kEgmRetiredPagesList) {
        return -EINVAL;
    }
    return list_retired_pages(header, argument);
}

std::int64_t EgmFile::list_retired_pages(const uapi::EgmRetiredPagesList& header, void* argument) {
    const auto& retired = device_.retired_;
    const std::size_t needed = sizeof header + retired.size() * sizeof(uapi::EgmRetiredPage);
    uapi::EgmRetiredPagesList answer = header;
    if (header.argsz < needed) {
        answer.argsz = static_cast<std::uint32_t>(needed);
        answer.count = 0;
    } else {
        answer.count = static_cast<std::uint32_t>(retired.size());
        auto* entry = static_cast<char*>(argument) + sizeof header;
        for (const std::uint64_t offset : retired) {
            const uapi::EgmRetiredPage page{.offset = offset, .size = device_.host_.page_size()};
            copy_out(entry, &page, sizeof page);
            entry += sizeof page;
        }
    }
    return copy_out(argument, &answer, sizeof answer) ? 0 : -EFAULT;
}

} // namespace models::linux
