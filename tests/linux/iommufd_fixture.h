#pragma once

#include "tests/linux/kernel_test.h"

namespace test {

inline constexpr std::uint32_t kFixedReadWrite =
    uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapWriteable | uapi::kIommuIoasMapReadable;

/// A kernel, an iommufd with one IOAS, and a GPU's character device.
struct Iommufd {
    explicit Iommufd(KernelConfig config = small_host()) : kernel(std::move(config)) {
        fd = kernel.open("/dev/iommu");
        gpu = kernel.open("/dev/vfio/devices/vfio0");
        ioas = alloc();
    }

    std::uint32_t alloc() {
        uapi::IommuIoasAlloc call{sizeof call, 0, 0};
        EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, &call), 0);
        return call.out_ioas_id;
    }
    /// The device's id in the iommufd, or a negative errno.
    std::int64_t bind(std::int64_t device) {
        uapi::VfioDeviceBindIommufd call{sizeof call, 0, static_cast<int>(fd), 0};
        const auto result = kernel.ioctl(device, uapi::kVfioDeviceBindIommufd, &call);
        return result < 0 ? result : call.out_devid;
    }
    /// The page table in use, or a negative errno.
    std::int64_t attach(std::int64_t device, std::uint32_t page_table) {
        uapi::VfioDeviceAttachIommufdPt call{sizeof call, 0, page_table};
        const auto result = kernel.ioctl(device, uapi::kVfioDeviceAttachIommufdPt, &call);
        return result < 0 ? result : call.pt_id;
    }
    std::int64_t detach(std::int64_t device) {
        uapi::VfioDeviceDetachIommufdPt call{sizeof call, 0};
        return kernel.ioctl(device, uapi::kVfioDeviceDetachIommufdPt, &call);
    }
    void ready() {
        device_id = static_cast<std::uint32_t>(bind(gpu));
        ASSERT_GT(attach(gpu, ioas), 0);
    }
    std::int64_t map(std::uint64_t hva, std::uint64_t iova, std::uint64_t length,
                     std::uint32_t flags = kFixedReadWrite) {
        uapi::IommuIoasMap call{sizeof call, flags, ioas, 0, hva, length, iova};
        const auto result = kernel.ioctl(fd, uapi::kIommuIoasMap, &call);
        chosen = call.iova;
        return result;
    }
    /// Bytes unmapped, or a negative errno.
    std::int64_t unmap(std::uint64_t iova, std::uint64_t length) {
        uapi::IommuIoasUnmap call{sizeof call, ioas, iova, length};
        const auto result = kernel.ioctl(fd, uapi::kIommuIoasUnmap, &call);
        return result < 0 ? result : static_cast<std::int64_t>(call.length);
    }
    std::int64_t destroy(std::uint32_t id) {
        uapi::IommuDestroy call{sizeof call, id};
        return kernel.ioctl(fd, uapi::kIommuDestroy, &call);
    }
    std::int64_t hwpt(std::uint32_t over, std::uint32_t flags) {
        uapi::IommuHwptAlloc call{.size = sizeof call, .flags = flags, .dev_id = device_id, .pt_id = over};
        const auto result = kernel.ioctl(fd, uapi::kIommuHwptAlloc, &call);
        return result < 0 ? result : call.out_hwpt_id;
    }

    Kernel kernel;
    std::int64_t fd = -1;
    std::int64_t gpu = -1;
    std::uint32_t ioas = 0;
    std::uint32_t device_id = 0;
    std::uint64_t chosen = 0; ///< IOVA after the last map
    const std::string bdf = "0008:01:00.0";
    static constexpr std::uint64_t kPage = 4 * kKiB;
    static constexpr std::uint64_t k2M = 2 * kMiB;
};

} // namespace test
