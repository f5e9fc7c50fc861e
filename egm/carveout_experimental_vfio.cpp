#include "egm/carveout_experimental_vfio.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "egm/uapi/egm.h"
#include "egm/uapi/egm_experimental_vfio.h"

namespace egm {
namespace {

constexpr const char* kCall = "ioctl VFIO_DEVICE_GET_REGION_INFO";

/// A device has a handful of device regions; more is an answer not to be believed.
constexpr std::uint32_t kRegionsMax = 256;

/// Offset of the carveout's capability; none when this device region is something else.
std::optional<std::size_t> carveout_capability(const DeviceRegionAnswer& answer) {
    const auto type = answer.buffer.find(answer.capabilities, uapi::kVfioRegionInfoCapType);
    const auto found = type ? answer.buffer.at<uapi::VfioRegionInfoCapType>(*type) : std::nullopt;
    if (!found || found->type != (uapi::kVfioRegionTypePciVendor | uapi::kVfioPciVendorNvidia) ||
        found->subtype != uapi::kVfioRegionSubtypeExperimentalEgm)
        return std::nullopt;
    return answer.buffer.find(answer.capabilities, uapi::kVfioRegionInfoCapExperimentalEgm);
}

} // namespace

Result<std::vector<RetiredRange>> ExperimentalVfioCarveout::retired() {
    auto answer = ask_device_region(device_, index_);
    if (!answer)
        return fail(answer.error());
    const auto offset = carveout_capability(*answer);
    const auto head = offset ? answer->buffer.at<uapi::VfioRegionInfoCapExperimentalEgm>(*offset) : std::nullopt;
    if (!head)
        return fail(Error{EPROTO, kCall, info_.device_path, "the device region is no carveout any more"});
    std::vector<RetiredRange> ranges;
    for (std::uint32_t i = 0; i < head->nr_retired; ++i) {
        const auto page =
            answer->buffer.at<uapi::EgmRetiredPage>(*offset + sizeof *head + i * sizeof(uapi::EgmRetiredPage));
        if (!page)
            return fail(Error{EPROTO, kCall, info_.device_path, "the kernel's list of retired pages is cut off"});
        ranges.push_back({page->offset, page->size});
    }
    return normalise(std::move(ranges), info_.size);
}

Result<Mapping> ExperimentalVfioCarveout::map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                                              std::uint64_t phase) {
    if (auto inside = check_inside("mmap", file_offset, size); !inside)
        return fail(inside.error());
    auto region = device_region(device_, index_);
    if (!region)
        return fail(region.error());
    // `map_placed` counts from the offset in the device's file, of which KVM's rule sees the same.
    const std::uint64_t in_file = region->file_offset + file_offset;
    const std::uint64_t shift = (file_offset + phase - in_file) & (alignment - 1);
    auto range = map_placed(syscalls_, device_.get(), in_file, size, {alignment, shift}, info_.device_path);
    if (!range)
        return fail(range.error());
    return Mapping{std::move(*range), file_offset};
}

Result<FileDescriptor> ExperimentalVfioCarveout::export_dma_buf(std::uint64_t file_offset, std::uint64_t size) {
    if (auto inside = check_inside("VFIO_DEVICE_FEATURE_DMA_BUF", file_offset, size); !inside)
        return fail(inside.error());
    auto region = device_region(device_, index_);
    if (!region)
        return fail(region.error());
    return export_area(syscalls_, device_, *region, {file_offset, size});
}

Result<std::vector<ExperimentalVfioSource::Seen>> ExperimentalVfioSource::look(const std::string& bdf) const {
    const FileDescriptor* const device = mapper_.device(bdf);
    assert(device);
    uapi::VfioDeviceInfo about{.argsz = sizeof about};
    if (auto done = device->ioctl(uapi::kVfioDeviceGetInfo, &about, "VFIO_DEVICE_GET_INFO"); !done)
        return fail(done.error());
    std::vector<Seen> seen;
    for (std::uint32_t index = uapi::kVfioPciNumRegions; index < std::min(about.num_regions, kRegionsMax); ++index) {
        auto answer = ask_device_region(*device, index);
        if (!answer)
            return fail(answer.error());
        const auto offset = carveout_capability(*answer);
        const auto head = offset ? answer->buffer.at<uapi::VfioRegionInfoCapExperimentalEgm>(*offset) : std::nullopt;
        if (!head)
            continue;
        CarveoutInfo info{.pxm = int(head->pxm),
                          .device_path = fmt::format("{} device region {}", bdf, index),
                          .size = answer->region.size,
                          .gpu_bdfs = {bdf}};
        seen.push_back({std::move(info), device, index});
    }
    return seen;
}

Result<std::vector<CarveoutInfo>> ExperimentalVfioSource::find() {
    std::map<int, CarveoutInfo> found;
    for (const std::string& bdf : bdfs_) {
        auto seen = look(bdf);
        if (!seen)
            return fail(seen.error());
        for (Seen& one : *seen) {
            const auto [carveout, is_new] = found.try_emplace(one.info.pxm, one.info);
            if (is_new)
                continue;
            if (carveout->second.size != one.info.size)
                return fail(Error{EPROTO, kCall, one.info.device_path,
                                  "it tells another size than " + carveout->second.device_path +
                                      ", which is the same carveout"});
            carveout->second.gpu_bdfs.push_back(bdf);
        }
    }
    std::vector<CarveoutInfo> carveouts;
    for (auto& [pxm, info] : found) {
        std::sort(info.gpu_bdfs.begin(), info.gpu_bdfs.end());
        carveouts.push_back(std::move(info));
    }
    return carveouts;
}

Result<std::unique_ptr<Carveout>> ExperimentalVfioSource::open(const CarveoutInfo& info) {
    for (const std::string& bdf : bdfs_) {
        auto seen = look(bdf);
        if (!seen)
            return fail(seen.error());
        for (const Seen& one : *seen)
            if (one.info.pxm == info.pxm)
                return std::unique_ptr<Carveout>(new ExperimentalVfioCarveout(syscalls_, info, *one.device, one.index));
    }
    return fail(Error{ENODEV, "open", info.device_path, "none of the VM's GPUs shows this carveout"});
}

} // namespace egm
