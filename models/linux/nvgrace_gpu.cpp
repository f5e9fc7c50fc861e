#include "models/linux/nvgrace_gpu.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include "egm/uapi/vfio.h"

namespace models::linux {

namespace uapi = egm::uapi;

NvgraceGpu::NvgraceGpu(Host& host, const GpuConfig& config, egm::Spa registers)
    : VfioPciDevice(host, config.bdf, PciConfigSpace({0x10DE, config.device_id, 0x030200}, 4096)), config(config),
      registers_(registers) {
    if (config.coherent && !has_resmem()) {
        config_space.add_nvidia_dvsec(3, 1);
    }
}

int NvgraceGpu::open_device() {
    config_space.enable();
    reset();
    return wait_ready();
}

int NvgraceGpu::reset() {
    ready_ = false;
    host_.pass(host_.costs().device_reset_ps);
    return 0;
}

int NvgraceGpu::wait_ready() {
    if (ready_ || !has_memory()) {
        return 0;
    }
    const int error = config.next_generation && host_.config.version >= 702 ? wait_dvsec() : wait_registers();
    ready_ = error == 0;
    return error;
}

bool NvgraceGpu::waits_until(double ready_after_s, std::uint64_t poll_ps, std::uint64_t timeout_ps) {
    for (std::uint64_t waited = 0; waited < timeout_ps; waited += poll_ps) {
        if (config.c2c_ready && static_cast<double>(waited) >= ready_after_s * kPicosecondsPerSecond) {
            return true;
        }
        host_.pass(poll_ps);
    }
    return false;
}

int NvgraceGpu::wait_registers() {
    const CallCosts& costs = host_.costs();
    const bool there = !config.next_generation; // else they never say ready
    return waits_until(there ? config.ready_after_s : std::numeric_limits<double>::infinity(), costs.gpu_poll_ps,
                       costs.gpu_timeout_ps)
               ? 0
               : -ETIME;
}

int NvgraceGpu::wait_dvsec() {
    constexpr std::uint64_t kValidWithinPs = kPicosecondsPerSecond;
    const std::uint64_t active_within_ps = kPicosecondsPerSecond << (2 * config.active_timeout_code); // 1 4 16 64 256 s
    const std::uint64_t poll_ps = host_.costs().gpu_dvsec_poll_ps;
    if (!waits_until(config.info_valid_after_s, poll_ps, kValidWithinPs)) {
        return -ETIME;
    }
    return waits_until(config.ready_after_s, poll_ps, active_within_ps) ? 0 : -ETIME;
}

bool NvgraceGpu::has_resmem() const {
    const auto id = config.device_id;
    const bool gh200 = id == 0x2342 || id == 0x2345 || id == 0x2348;
    return gh200 && !config.mig_erratum_fixed; // MIG needs memory there that the guest must not cache
}

VfioPciDevice::DeviceRegion NvgraceGpu::device_region(std::uint32_t index) const {
    const auto& hbm = config.hbm;
    const bool memory = has_memory();
    const std::uint64_t usemem =
        memory && has_resmem() ? egm::align_down(hbm.size - egm::kGiB, 512 * egm::kMiB) : hbm.size;
    switch (index) {
    case uapi::kVfioPciBar0RegionIndex:
        return {.size = 16 * egm::kMiB, .length = 16 * egm::kMiB, .spa = registers_};
    case uapi::kVfioPciBar2RegionIndex:
        if (!memory && hbm.size > 0) {
            return {.size = std::bit_ceil(hbm.size), .length = hbm.size, .spa = hbm.begin, .cacheable = true};
        }
        if (memory && has_resmem()) {
            const std::uint64_t length = hbm.size - usemem;
            return {.size = std::bit_ceil(length),
                    .length = length,
                    .spa = hbm.begin + usemem,
                    .sparse = true,
                    .cacheable = true};
        }
        return {};
    case uapi::kVfioPciBar4RegionIndex:
        if (memory) {
            return {
                .size = std::bit_ceil(usemem), .length = usemem, .spa = hbm.begin, .sparse = true, .cacheable = true};
        }
        return {};
    default:
        return {};
    }
}

void NvgraceGpu::read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) {
    const DeviceRegion part = device_region(index);
    auto* bytes = static_cast<unsigned char*>(into);
    if (part.cacheable) {
        const std::uint64_t there = offset >= part.length ? 0 : std::min<std::uint64_t>(size, part.length - offset);
        host_.store.read(*part.spa + offset, bytes, there);
        std::memset(bytes + there, 0xFF, size - there);
        return;
    }
    std::memset(bytes, 0, size);
    for (const std::uint64_t status : {0x1498, 0x200BC}) { // C2C link and HBM training: bytes that say ready
        if (ready_ && status >= offset && status - offset < size) {
            bytes[status - offset] = 0xFF;
        }
    }
}

void NvgraceGpu::write(std::uint32_t index, std::uint64_t offset, const void* from, std::size_t size) {
    const DeviceRegion part = device_region(index);
    if (part.cacheable && offset < part.length) {
        host_.store.write(*part.spa + offset, from, std::min<std::uint64_t>(size, part.length - offset));
    }
}

} // namespace models::linux
