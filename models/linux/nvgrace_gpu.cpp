#include "models/linux/nvgrace_gpu.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "egm/uapi/vfio.h"

namespace models::linux {

namespace uapi = egm::uapi;

int NvgraceGpu::open_device() {
    reset();
    return wait_ready();
}

void NvgraceGpu::reset() {
    ready_ = false;
    host_.pass(host_.costs().device_reset_ps);
}

int NvgraceGpu::wait_ready() {
    if (ready_ || !config.coherent) {
        return 0;
    }
    const CallCosts& costs = host_.costs();
    for (std::uint64_t waited = 0; waited < costs.gpu_timeout_ps; waited += costs.gpu_poll_ps) {
        if (config.c2c_ready && static_cast<double>(waited) >= config.ready_after_s * kPicosecondsPerSecond) {
            ready_ = true;
            return 0;
        }
        host_.pass(costs.gpu_poll_ps);
    }
    return -ETIME;
}

bool NvgraceGpu::has_resmem() const {
    const auto id = config.device_id;
    return id == 0x2342 || id == 0x2345 || id == 0x2348; // GH200, where MIG needs memory that the guest must not cache
}

NvgraceGpu::DeviceRegion NvgraceGpu::device_region(std::uint32_t index) const {
    const auto& hbm = config.hbm;
    const std::uint64_t usemem = has_resmem() ? egm::align_down(hbm.size - egm::kGiB, 512 * egm::kMiB) : hbm.size;
    switch (index) {
    case uapi::kVfioPciBar0RegionIndex:
        return {.size = 16 * egm::kMiB, .length = 16 * egm::kMiB};
    case uapi::kVfioPciBar2RegionIndex:
        if (!config.coherent && hbm.size > 0) {
            return {.size = std::bit_ceil(hbm.size), .length = hbm.size, .spa = hbm.begin};
        }
        if (config.coherent && has_resmem()) {
            const std::uint64_t length = hbm.size - usemem;
            return {.size = std::bit_ceil(length), .length = length, .spa = hbm.begin + usemem, .sparse = true};
        }
        return {};
    case uapi::kVfioPciBar4RegionIndex:
        if (config.coherent) {
            return {.size = std::bit_ceil(usemem), .length = usemem, .spa = hbm.begin, .sparse = true};
        }
        return {};
    case uapi::kVfioPciConfigRegionIndex:
        return {.size = 4096, .length = 4096};
    default:
        return {};
    }
}

void NvgraceGpu::read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) const {
    const DeviceRegion part = device_region(index);
    auto* bytes = static_cast<unsigned char*>(into);
    std::memset(bytes, 0, size);
    const auto put = [&](std::uint64_t at, unsigned char value) {
        if (at >= offset && at - offset < size) {
            bytes[at - offset] = value;
        }
    };
    if (part.spa) {
        const std::uint64_t there = offset >= part.length ? 0 : std::min<std::uint64_t>(size, part.length - offset);
        host_.store.read(*part.spa + offset, bytes, there);
        std::memset(bytes + there, 0xFF, size - there);
    } else if (index == uapi::kVfioPciConfigRegionIndex) {
        put(0, 0xDE), put(1, 0x10); // vendor 10de
        put(2, config.device_id & 0xFF), put(3, config.device_id >> 8);
    } else if (index == uapi::kVfioPciBar0RegionIndex && ready_) {
        put(0x1498, 0xFF);  // C2C link status
        put(0x200BC, 0xFF); // HBM training status
    }
}

} // namespace models::linux
