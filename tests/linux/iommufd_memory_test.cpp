// iommufd: files, allowed ranges, dirty pages - what an IOAS takes besides user memory.

#include "models/linux/iommufd_abi.h"
#include "models/linux/vfio_abi.h"
#include "tests/linux/iommufd_fixture.h"

namespace test {
namespace {

namespace abi = models::linux::abi;

KernelConfig with_file(int version = 703) {
    KernelConfig config = small_host();
    config.version = version;
    config.shared_memory_files = {{"/dev/shm/ram", 4 * kMiB}};
    config.plain_devices = {{.bdf = "0000:00:03.0", .iommu_group = 3, .vfio_index = 9}};
    return config;
}

struct FileTest : testing::Test, Iommufd {
    FileTest() : Iommufd(with_file()) {}

    std::int64_t map_file(std::int64_t file, std::uint64_t start, std::uint64_t length, std::uint64_t iova,
                          std::uint32_t flags = kFixedReadWrite) {
        uapi::IommuIoasMapFile call{sizeof call, flags, ioas, static_cast<int>(file), start, length, iova};
        const auto result = kernel.ioctl(fd, uapi::kIommuIoasMapFile, &call);
        chosen = call.iova;
        return result;
    }
    std::int64_t export_region(std::uint32_t index, std::uint64_t offset, std::uint64_t length) {
        struct {
            uapi::VfioDeviceFeature head;
            abi::VfioDeviceFeatureDmaBuf want;
            abi::VfioRegionDmaRange range;
        } call{{sizeof call, abi::kVfioDeviceFeatureGet | abi::kVfioFeatureDmaBuf},
               {index, O_RDWR, 0, 1},
               {offset, length}};
        return kernel.ioctl(gpu, uapi::kVfioDeviceFeature, &call);
    }
};

TEST_F(FileTest, SharedMemoryIsMappedByItsFileAndIsWhatAMappingOfItShows) {
    ready();
    const auto file = kernel.open("/dev/shm/ram");
    ASSERT_EQ(map_file(file, kMiB, kMiB, 0x1000000), 0);
    const auto at = u64(kernel.map_file(file, kMiB, kMiB));
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x1000000})->spa, kernel.sys.host({at})->spa);
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, kMiB);
    EXPECT_EQ(map(at, 0x2000000, kMiB), 0) << "its mapping can be pinned too";
    EXPECT_EQ(unmap(0x1000000, kMiB), static_cast<std::int64_t>(kMiB));
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x1000000}), std::nullopt);
}

TEST_F(FileTest, MapFileIsUnknownBefore613AndRefusesInOrder) {
    Iommufd old(with_file(612));
    uapi::IommuIoasMapFile call{sizeof call, kFixedReadWrite, old.ioas, 0, 0, kPage, 0};
    EXPECT_EQ(old.kernel.ioctl(old.fd, uapi::kIommuIoasMapFile, &call), -ENOTTY);
    ready();
    const auto file = kernel.open("/dev/shm/ram");
    EXPECT_EQ(map_file(file, 0, kPage, 0x1000000, 0x80), -EOPNOTSUPP);
    EXPECT_EQ(map_file(file, 0, kMaxU64, 0x1000000), -EOVERFLOW);
    EXPECT_EQ(map_file(file, 0, kPage, 0x1000000, uapi::kIommuIoasMapFixedIova), -EINVAL);
    EXPECT_EQ(map_file(file, 0, 0, 0x1000000), -EINVAL);
    EXPECT_EQ(map_file(99, 0, 0, 0x1000000), -EINVAL) << "from 6.19 on the length comes first";
    EXPECT_EQ(map_file(file, kMaxU64 - kPage + 1, 2 * kPage, 0x1000000), -EOVERFLOW);
    EXPECT_EQ(map_file(99, 0, kPage, 0x1000000), -EBADF);
    EXPECT_EQ(map_file(kernel.open("/dev/kvm"), 0, kPage, 0x1000000), -EINVAL) << "no shared memory";
    EXPECT_EQ(map_file(file, 4 * kMiB, kPage, 0x1000000), -EINVAL) << "behind its end";
    EXPECT_EQ(map_file(file, 0, kPage, 0x8000000), -EINVAL) << "the MSI window";
    EXPECT_EQ(map_file(file, 0, kPage, 0x1000000), 0);
    EXPECT_EQ(map_file(file, 0, kPage, 0x1000000), -EEXIST);
}

TEST_F(FileTest, BarsGoByDmaBufFrom619) {
    ready();
    const auto buffer = export_region(4, 0, k2M);
    ASSERT_GE(buffer, 0);
    ASSERT_EQ(map_file(buffer, 0, k2M, 0x1000000), 0);
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x1000000 + kPage})->spa, egm::Spa{0x2000'0000'0000 + kPage});
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 0u);
    EXPECT_EQ(map_file(buffer, k2M, kPage, 0x2000000), -EINVAL) << "behind its end";
    EXPECT_EQ(map_file(buffer, kPage, kPage, 0x2000000), 0) << "from its middle";
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x2000000})->spa, egm::Spa{0x2000'0000'0000 + kPage});
}

TEST_F(FileTest, DmaBufFeatureChecksItsRangesAndIsUnknownBefore619) {
    ready();
    EXPECT_EQ(export_region(6, 0, kPage), -ENODEV) << "no BAR";
    EXPECT_EQ(export_region(1, 0, kPage), -EINVAL) << "an empty one";
    EXPECT_EQ(export_region(4, 0, 0), -EINVAL);
    EXPECT_EQ(export_region(4, 1, kPage), -EINVAL);
    EXPECT_EQ(export_region(4, 4 * kGiB, kPage), -EINVAL) << "behind its end";
    uapi::VfioDeviceFeature probe{sizeof probe,
                                  abi::kVfioDeviceFeatureProbe | abi::kVfioDeviceFeatureGet | abi::kVfioFeatureDmaBuf};
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceFeature, &probe), 0);
    probe.flags ^= abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet;
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceFeature, &probe), -EINVAL) << "it cannot be set";
    Iommufd old(with_file(618));
    old.ready();
    EXPECT_EQ(old.kernel.ioctl(old.gpu, uapi::kVfioDeviceFeature, &probe), -ENOTTY);
}

TEST_F(FileTest, ForeignDmaBufIsNotSupported) {
    auto config = with_file();
    config.shape = models::linux::EgmShape::kD;
    Iommufd shape_d(config);
    shape_d.ready();
    struct {
        uapi::EgmExportDmabuf head{.nr_ranges = 1, .open_flags = O_RDWR};
        uapi::EgmDmabufRange piece{0, kMiB};
    } want;
    const auto buffer = shape_d.kernel.ioctl(shape_d.kernel.open("/dev/egm4"), uapi::kEgmExportDmabuf, &want);
    ASSERT_GE(buffer, 0);
    uapi::IommuIoasMapFile call{sizeof call, kFixedReadWrite, shape_d.ioas, static_cast<int>(buffer), 0,
                                kMiB,        0x1000000};
    EXPECT_EQ(shape_d.kernel.ioctl(shape_d.fd, uapi::kIommuIoasMapFile, &call), -EOPNOTSUPP);
}

TEST_F(FileTest, OnlyMemoryOfFilesMovesToAnotherProcess) {
    ready();
    uapi::IommuIoasChangeProcess call{sizeof call, 0};
    ASSERT_EQ(map_file(kernel.open("/dev/shm/ram"), 0, kPage, 0x1000000), 0);
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasChangeProcess, &call), 0);
    map(u64(kernel.map_anonymous(kPage)), 0x2000000, kPage);
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasChangeProcess, &call), -EINVAL);
    call.reserved = 1;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasChangeProcess, &call), -EOPNOTSUPP);
}

struct AllowTest : testing::Test, Iommufd {
    std::int64_t allow(std::vector<uapi::IommuIovaRange> ranges) {
        uapi::IommuIoasAllowIovas call{sizeof call, ioas, static_cast<std::uint32_t>(ranges.size()), 0,
                                       reinterpret_cast<std::uintptr_t>(ranges.data())};
        return kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call);
    }
    std::uint64_t any_place(std::uint64_t length = kPage) {
        const auto flags = uapi::kIommuIoasMapReadable | uapi::kIommuIoasMapWriteable;
        return map(u64(kernel.map_anonymous(length)), 0, length, flags) < 0 ? kMaxU64 : chosen;
    }
};

TEST_F(AllowTest, ChosenAddressesKeepToTheAllowedRanges) {
    ready();
    ASSERT_EQ(allow({{0x4000'0000, 0x4000'1FFF}}), 0);
    EXPECT_EQ(any_place(), 0x4000'0000u);
    EXPECT_EQ(any_place(), 0x4000'1000u);
    EXPECT_EQ(any_place(), kMaxU64) << "full";
    EXPECT_EQ(map(u64(kernel.map_anonymous(kPage)), 0x5000'0000, kPage), 0) << "a fixed address may be anywhere";
    ASSERT_EQ(allow({}), 0);
    EXPECT_EQ(any_place(), kPage) << "anywhere again, but never at 0";
}

TEST_F(AllowTest, ReservedEmptyAndOverlappingRangesAreRefused) {
    ready();
    EXPECT_EQ(allow({{0x7FF'F000, 0x800'0FFF}}), -EADDRINUSE) << "reaches into the MSI window";
    EXPECT_EQ(allow({{0x1000, 0x1000}}), -EINVAL);
    EXPECT_EQ(allow({{0x1000, 0x2FFF}, {0x2000, 0x4FFF}}), -EINVAL);
    uapi::IommuIoasAllowIovas call{sizeof call, ioas, 1, 0, 0};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call), -EFAULT);
    call.reserved = 1;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call), -EOPNOTSUPP);
    call = {sizeof call, 99, 0, 0, 0};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call), -ENOENT);
}

TEST_F(AllowTest, ADeviceWhoseReservedRangesWereAllowedCannotAttach) {
    ASSERT_EQ(allow({{0x800'0000, 0x800'FFFF}}), 0) << "no device, no rules";
    bind(gpu);
    EXPECT_EQ(attach(gpu, ioas), -EADDRINUSE);
}

TEST_F(AllowTest, VfioIoasIsKeptUntilItIsClearedOrDestroyed) {
    const auto call = [&](std::uint16_t op, std::uint32_t id, std::uint16_t reserved = 0) {
        uapi::IommuVfioIoas vfio{sizeof vfio, id, op, reserved};
        const auto result = kernel.ioctl(fd, uapi::kIommuVfioIoas, &vfio);
        return result < 0 ? result : static_cast<std::int64_t>(vfio.ioas_id);
    };
    EXPECT_EQ(call(abi::kIommuVfioIoasGet, 0), -ENODEV);
    EXPECT_EQ(call(abi::kIommuVfioIoasSet, 99), -ENOENT);
    EXPECT_EQ(call(abi::kIommuVfioIoasSet, ioas), ioas);
    EXPECT_EQ(call(abi::kIommuVfioIoasGet, 0), ioas);
    EXPECT_EQ(call(7, 0), -EOPNOTSUPP);
    EXPECT_EQ(call(abi::kIommuVfioIoasGet, 0, 1), -EOPNOTSUPP);
    EXPECT_EQ(destroy(ioas), 0);
    EXPECT_EQ(call(abi::kIommuVfioIoasGet, 0), -ENODEV);
}

struct DirtyTest : testing::Test, Iommufd {
    DirtyTest()
        : Iommufd([] {
              auto config = with_file();
              config.iommu_dirty_tracking = true;
              return config;
          }()) {
        gpu = kernel.open("/dev/vfio/devices/vfio9"); // the one that does DMA
        device_id = static_cast<std::uint32_t>(bind(gpu));
        table = static_cast<std::uint32_t>(hwpt(ioas, uapi::kIommuHwptAllocDirtyTracking));
        attach(gpu, table);
        const std::uint16_t command = 6;
        kernel.sys.pwrite(static_cast<int>(gpu), &command, sizeof command, (7ll << 40) + 4);
        map(u64(kernel.map_anonymous(16 * kPage)), 0x100000, 16 * kPage);
    }
    std::int64_t track(std::uint32_t flags, std::uint32_t id) {
        uapi::IommuHwptSetDirtyTracking call{sizeof call, flags, id, 0};
        return kernel.ioctl(fd, uapi::kIommuHwptSetDirtyTracking, &call);
    }
    std::int64_t bitmap(std::uint32_t flags = 0, std::uint64_t iova = 0x100000, std::uint64_t length = 16 * kPage) {
        bits = 0;
        uapi::IommuHwptGetDirtyBitmap call{sizeof call, table,  flags, 0,
                                           iova,        length, kPage, reinterpret_cast<std::uintptr_t>(&bits)};
        return kernel.ioctl(fd, uapi::kIommuHwptGetDirtyBitmap, &call);
    }
    void device_writes(std::uint64_t iova) {
        const auto put = [&](std::int64_t at, std::uint64_t value) {
            kernel.sys.pwrite(static_cast<int>(gpu), &value, sizeof value, at);
        };
        put(0x80, 0x40000), put(0x88, iova), put(0x90, 64), put(0x98, 3);
    }
    std::uint32_t table = 0;
    std::uint64_t bits = 0;
};

TEST_F(DirtyTest, WrittenPagesAreReportedOnceUnlessTheyAreKept) {
    device_writes(0x100000);
    EXPECT_EQ(track(abi::kIommuDirtyTrackingEnable, table), 0);
    EXPECT_EQ(bitmap(), 0);
    EXPECT_EQ(bits, 0u) << "written before the tracking began";
    device_writes(0x103000);
    EXPECT_EQ(bitmap(abi::kIommuGetDirtyBitmapNoClear), 0);
    EXPECT_EQ(bits, 1u << 3);
    EXPECT_EQ(bitmap(), 0);
    EXPECT_EQ(bits, 1u << 3);
    EXPECT_EQ(bitmap(), 0);
    EXPECT_EQ(bits, 0u) << "cleared by the read before";
}

TEST_F(DirtyTest, BadCallsAreRefused) {
    EXPECT_EQ(track(2, table), -EOPNOTSUPP);
    EXPECT_EQ(track(1, 99), -ENOENT);
    EXPECT_EQ(bitmap(2), -EOPNOTSUPP);
    EXPECT_EQ(bitmap(0, 0x100800), -EINVAL);
    EXPECT_EQ(bitmap(0, 0x100000, 17 * kPage), -EINVAL) << "a page that is not mapped";
    EXPECT_EQ(bitmap(0, kMaxU64 - kPage + 1, 2 * kPage), -EOVERFLOW);
    const auto plain = static_cast<std::uint32_t>(hwpt(ioas, 0));
    EXPECT_EQ(track(1, plain), -EOPNOTSUPP) << "made without dirty tracking";
}

TEST_F(AllowTest, ArraysAndStructsOfAbsurdSizesAreRefusedUnread) {
    uapi::IommuIovaRange range{0x1000, 0x2000};
    uapi::IommuIoasAllowIovas call{sizeof call, ioas, 0xFFFF'FFFF, 0, reinterpret_cast<std::uintptr_t>(&range)};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call), -ENOMEM);
    call.size = 0xFFFF'FFFF;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAllowIovas, &call), -E2BIG);
}

TEST_F(FileTest, AnIommuThatCannotTrackRefusesTheFlag) {
    ready();
    EXPECT_EQ(hwpt(ioas, uapi::kIommuHwptAllocDirtyTracking), -EOPNOTSUPP);
}

} // namespace
} // namespace test
