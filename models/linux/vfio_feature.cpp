#include "models/linux/vfio_feature.h"

#include <cerrno>
#include <vector>

#include "egm/uapi/vfio.h"
#include "models/linux/call_argument.h"
#include "models/linux/dma_buf.h"
#include "models/linux/vfio_abi.h"

namespace models::linux {

namespace {

/// 1: the feature's work is to be done; else the answer.
int check_feature(const egm::uapi::VfioDeviceFeature& feature, std::uint32_t operations, std::size_t data_bytes) {
    const std::uint32_t asked = feature.flags & (abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet);
    if ((asked & ~operations) != 0) {
        return -EINVAL;
    }
    if ((feature.flags & abi::kVfioDeviceFeatureProbe) != 0) {
        return 0;
    }
    return asked == 0 || feature.argsz < sizeof feature + data_bytes ? -EINVAL : 1;
}

std::int64_t export_dma_buf(Host& host, const VfioPciDevice& device, const void* data) {
    abi::VfioDeviceFeatureDmaBuf want{};
    copy_in(&want, data, sizeof want);
    if (want.nr_ranges == 0 || want.flags != 0) {
        return -EINVAL;
    }
    if (want.region_index >= egm::uapi::kVfioPciRomRegionIndex) {
        return -ENODEV;
    }
    if (want.nr_ranges > kArrayEntriesMax) {
        return -ENOMEM;
    }
    const auto part = device.device_region(want.region_index);
    std::vector<abi::VfioRegionDmaRange> ranges(want.nr_ranges);
    copy_in(ranges.data(), static_cast<const char*>(data) + sizeof want, ranges.size() * sizeof ranges.front());
    std::uint64_t total = 0;
    for (const auto& range : ranges) {
        if (range.length == 0 || !egm::is_aligned(range.offset | range.length, host.page_size()) ||
            total + range.length < total) {
            return -EINVAL;
        }
        total += range.length;
    }
    if (!part.spa) {
        return -EINVAL;
    }
    std::vector<egm::Range<egm::Spa>> pieces;
    for (const auto& range : ranges) {
        const std::uint64_t begin = part.spa->value + range.offset;
        if (begin < range.offset || begin + range.length < begin) {
            return -EOVERFLOW;
        }
        if (range.offset + range.length > part.length) {
            return -EINVAL;
        }
        pieces.push_back({{begin}, range.length});
    }
    return host.fds.install(std::make_shared<DmaBufFile>(DmaBufFile::Exporter::kVfio, std::move(pieces)),
                            static_cast<int>(want.open_flags));
}

} // namespace

std::int64_t device_feature(Host& host, const VfioPciDevice& device, void* argument) {
    constexpr std::uint32_t kKnown = abi::kVfioDeviceFeatureMask | abi::kVfioDeviceFeatureGet |
                                     abi::kVfioDeviceFeatureSet | abi::kVfioDeviceFeatureProbe;
    constexpr std::uint32_t kBoth = abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet;
    egm::uapi::VfioDeviceFeature feature{};
    if (!copy_in(&feature, argument, sizeof feature)) {
        return -EFAULT;
    }
    const bool probe = (feature.flags & abi::kVfioDeviceFeatureProbe) != 0;
    if (feature.argsz < sizeof feature || (feature.flags & ~kKnown) != 0 ||
        (!probe && (feature.flags & kBoth) == kBoth)) {
        return -EINVAL;
    }
    switch (feature.flags & abi::kVfioDeviceFeatureMask) {
    case abi::kVfioFeatureLowPowerEntry:
    case abi::kVfioFeatureLowPowerExit: {
        const int answer = check_feature(feature, abi::kVfioDeviceFeatureSet, 0);
        return answer < 0 ? answer : 0;
    }
    case abi::kVfioFeatureDmaBuf: {
        if (host.config.version < 619) {
            return -ENOTTY;
        }
        const int answer = check_feature(feature, abi::kVfioDeviceFeatureGet, sizeof(abi::VfioDeviceFeatureDmaBuf));
        return answer == 1 ? export_dma_buf(host, device, static_cast<const char*>(argument) + sizeof feature) : answer;
    }
    default:
        return -ENOTTY;
    }
}

} // namespace models::linux
