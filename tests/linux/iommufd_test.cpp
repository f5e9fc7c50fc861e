// iommufd: does every call answer what real kernels answer, and what does DMA reach?
//
// The expected errnos were recorded on Linux 6.12 and 7.3 with a device attached; both agree.

#include "tests/linux/iommufd_fixture.h"

namespace test {
namespace {

struct IommufdTest : testing::Test, Iommufd {};

TEST_F(IommufdTest, StructsThatAreTooShortOrHaveAnUnknownTailAreRefused) {
    struct {
        uapi::IommuIoasAlloc call;
        std::uint32_t tail;
    } longer{{sizeof longer, 0, 0}, 7};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, &longer), -E2BIG);
    longer.tail = 0;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, &longer), 0);
    longer.call.size = 4;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, &longer), -EINVAL);
    longer.call = {sizeof longer.call, 1, 0};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, &longer), -EOPNOTSUPP);
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasAlloc, nullptr), -EFAULT);
    EXPECT_EQ(kernel.ioctl(fd, 0x3BFF, &longer), -ENOTTY);
}

TEST_F(IommufdTest, IoasWithoutADeviceChecksAlmostNothing) {
    EXPECT_EQ(map(0x10001, 0x8000003, 17), 0) << "unaligned, unmapped memory, in the MSI window";
    EXPECT_EQ(attach(gpu, ioas), -EINVAL) << "not bound yet";
    bind(gpu);
    EXPECT_EQ(attach(gpu, ioas), -EADDRINUSE) << "now there are rules";
    EXPECT_EQ(unmap(0, kMaxU64), 17);
    EXPECT_EQ(map(0x10000, 0x1000000, kPage), 0);
    EXPECT_EQ(attach(gpu, ioas), -EFAULT) << "the attach pins";
    EXPECT_EQ(unmap(0x1000000, kPage), static_cast<std::int64_t>(kPage));
    EXPECT_GT(attach(gpu, ioas), 0);
}

TEST_F(IommufdTest, CharacterDeviceDoesNothingUntilItIsBound) {
    uapi::VfioDeviceInfo info{.argsz = sizeof info};
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceGetInfo, &info), -EINVAL);
    uapi::VfioDeviceBindIommufd call{sizeof call, 0, 99, 0};
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceBindIommufd, &call), -EBADF);
    call.iommufd = static_cast<int>(gpu);
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceBindIommufd, &call), -EBADFD);
    call.iommufd = -1;
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceBindIommufd, &call), -EINVAL);
    EXPECT_GT(bind(gpu), 0);
    EXPECT_EQ(bind(gpu), -EINVAL) << "twice";
    EXPECT_EQ(kernel.ioctl(gpu, uapi::kVfioDeviceGetInfo, &info), 0);
    EXPECT_EQ(kernel.open("/dev/vfio/7"), -EBUSY) << "the group's way is closed";
}

TEST_F(IommufdTest, BindIsRefusedWhileTheGroupIsOpen) {
    const auto group = kernel.open("/dev/vfio/7");
    EXPECT_EQ(bind(gpu), -EBUSY);
    kernel.close(group);
    EXPECT_GT(bind(gpu), 0);
}

TEST_F(IommufdTest, RangesComeWithTheAttachedDevice) {
    uapi::IommuIovaRange ranges[4]{};
    uapi::IommuIoasIovaRanges call{sizeof call, ioas, 4, 0, reinterpret_cast<std::uintptr_t>(ranges), 0};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasIovaRanges, &call), 0);
    EXPECT_EQ(call.num_iovas, 1u);
    EXPECT_EQ(ranges[0].last, kMaxU64);
    EXPECT_EQ(call.out_iova_alignment, 1u);
    ready();
    call.num_iovas = 4;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasIovaRanges, &call), 0);
    EXPECT_EQ(call.num_iovas, 2u);
    EXPECT_EQ(ranges[0].last, 0x7ffffffu);
    EXPECT_EQ(ranges[1].start, 0x8100000u);
    EXPECT_EQ(ranges[1].last, (1ull << 48) - 1);
    EXPECT_EQ(call.out_iova_alignment, kPage);
    call.num_iovas = 0;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasIovaRanges, &call), -EMSGSIZE);
    EXPECT_EQ(call.num_iovas, 2u);
    call.ioas_id = 99;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasIovaRanges, &call), -ENOENT);
}

TEST_F(IommufdTest, MapRefusesWhatIsMalformed) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    EXPECT_EQ(map(at, 0x1000000, 0), -EINVAL);
    EXPECT_EQ(map(at, 0x1000800, kPage), -EINVAL);
    EXPECT_EQ(map(at + 0x800, 0x1000000, kPage), -EINVAL);
    EXPECT_EQ(map(at + 0x800, 0x1000800, kPage), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, 0x800), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, kPage, uapi::kIommuIoasMapFixedIova), -EINVAL) << "neither read nor write";
    EXPECT_EQ(map(at, 0x1000000, kPage, 0x80000007u), -EOPNOTSUPP);
    EXPECT_EQ(map(kMaxU64 - kPage + 1, 0x1000000, 2 * kPage), -EOVERFLOW);
    EXPECT_EQ(map(at, kMaxU64 - kPage + 1, 2 * kPage), -EOVERFLOW);
    EXPECT_EQ(map(at, 1ull << 56, kPage), -EINVAL);
    EXPECT_EQ(map(at, 0x8000000, kPage), -EINVAL) << "the MSI window";
    ioas = 99;
    EXPECT_EQ(map(at, 0x1000000, kPage), -ENOENT);
    EXPECT_EQ(kernel.sys.open_state().dma_entries, 0u);
}

TEST_F(IommufdTest, MapRefusesOverlapAndMemoryItCannotPin) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    EXPECT_EQ(map(at, 0x200000, k2M), 0);
    EXPECT_EQ(map(at, 0x200000, k2M), -EEXIST);
    EXPECT_EQ(map(at, 0x201000, kPage), -EEXIST);
    EXPECT_EQ(map(at, 0x1ff000, 2 * kPage), -EEXIST);
    EXPECT_EQ(map(0x10000, 0x1000000, kPage), -EFAULT);
    const auto read_only = u64(kernel.map_anonymous(kPage, PROT_READ));
    EXPECT_EQ(map(read_only, 0x1000000, kPage), -EFAULT);
    EXPECT_EQ(map(read_only, 0x1000000, kPage, uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapReadable), 0);
    unmap(0x1000000, kPage);
    const auto holed = u64(kernel.map_anonymous(3 * kPage));
    kernel.munmap(holed + kPage, kPage);
    EXPECT_EQ(map(holed, 0x1000000, 3 * kPage), -EFAULT);
    EXPECT_EQ(unmap(0x1000000, 3 * kPage), -ENOENT);
}

TEST_F(IommufdTest, ChosenIovaIsTheFirstThatKeepsTheMemorysAlignment) {
    ready();
    const auto base = u64(kernel.map_anonymous(4 * k2M));
    const auto at = egm::align_up(base, k2M);
    const std::uint32_t flags = uapi::kIommuIoasMapWriteable | uapi::kIommuIoasMapReadable;
    map(at, 0, kPage);
    map(at, 0x200000, k2M);
    EXPECT_EQ(map(at, 0, k2M, flags), 0);
    EXPECT_EQ(chosen, 0x400000u);
    EXPECT_EQ(map(at, 0, kPage, flags), 0);
    EXPECT_EQ(chosen, kPage);
}

TEST_F(IommufdTest, UnmapTakesWholeMappingsAndMissesWithNoEntry) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    EXPECT_EQ(unmap(0, kMaxU64), 0) << "all of nothing";
    map(at, 0x100000, kPage);
    map(at, 0x200000, k2M);
    EXPECT_EQ(unmap(0x5000000, kPage), -ENOENT);
    EXPECT_EQ(unmap(0x100000, 0), -EINVAL);
    EXPECT_EQ(unmap(kMaxU64 - 1, kPage), -EOVERFLOW);
    EXPECT_EQ(unmap(0x200000, k2M / 2), -ENOENT);
    EXPECT_EQ(unmap(0x201000, kPage), -ENOENT);
    EXPECT_EQ(unmap(0, 0x1000000), static_cast<std::int64_t>(k2M + kPage)) << "a superset";
    map(at, 0x100000, kPage);
    EXPECT_EQ(unmap(0, kMaxU64), static_cast<std::int64_t>(kPage));
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 0u);
}

TEST_F(IommufdTest, EgmIsFaultUnlessTheVendorsBypassIsThere) {
    ready();
    const auto at = u64(kernel.map_file(kernel.open("/dev/egm4"), 4 * kGiB));
    EXPECT_EQ(map(at, kGiB, kGiB), -EFAULT);
    for (const bool reaches : {true, false}) {
        auto config = small_host();
        config.iommufd_pfnmap_bypass = true;
        config.iommufd_bypass_reaches_smmu = reaches;
        Iommufd vendor(config);
        vendor.ready();
        const auto egm = u64(vendor.kernel.map_file(vendor.kernel.open("/dev/egm4"), 4 * kGiB));
        EXPECT_EQ(vendor.map(egm, kGiB, kGiB), 0);
        EXPECT_EQ(vendor.kernel.sys.iommu(bdf, {kGiB}).has_value(), reaches);
        EXPECT_EQ(vendor.kernel.sys.open_state().pinned_bytes, 0u);
        EXPECT_EQ(vendor.unmap(kGiB, kGiB), static_cast<std::int64_t>(kGiB));
    }
}

TEST_F(IommufdTest, MemlockLimitIsNoMemory) {
    auto config = small_host();
    config.memlock_limit = kMiB;
    Iommufd limited(config);
    limited.ready();
    const auto at = u64(limited.kernel.map_anonymous(2 * kMiB));
    EXPECT_EQ(limited.map(at, 0x1000000, 2 * kMiB), -ENOMEM);
    EXPECT_EQ(limited.map(at, 0x1000000, kMiB), 0);
}

TEST_F(IommufdTest, CopySharesThePinAndNeedsACoveredSource) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * kPage));
    map(at, 0x100000, 2 * kPage);
    map(at + 2 * kPage, 0x102000, 2 * kPage, uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapReadable);
    const auto second = alloc();
    uapi::IommuIoasCopy call{sizeof call, kFixedReadWrite, second, ioas, kPage, 0x700000, 0x101000};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), 0) << "a part of a mapping";
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), -EEXIST);
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 4 * kPage);
    call.src_iova = 0x104000;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), -ENOENT) << "nothing there";
    call.src_iova = 0x102000;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), -EEXIST) << "the place is looked at first";
    call.dst_iova = 0x710000;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), -EPERM) << "read-only";
    call.flags = uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapReadable;
    call.src_iova = 0x100000;
    call.dst_iova = 0x800000;
    call.length = 4 * kPage;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), 0) << "two contiguous mappings";
    call.src_ioas_id = 99;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuIoasCopy, &call), -ENOENT);
    EXPECT_EQ(destroy(second), 0) << "with its mappings";
    EXPECT_EQ(kernel.sys.open_state().dma_entries, 2u);
}

TEST_F(IommufdTest, AttachAndDestroyCountUsers) {
    ready();
    EXPECT_EQ(attach(gpu, 9999), -ENOENT);
    EXPECT_EQ(destroy(ioas), -EBUSY);
    EXPECT_EQ(destroy(device_id), -EBUSY);
    EXPECT_EQ(detach(gpu), 0);
    EXPECT_EQ(destroy(ioas), 0);
    EXPECT_EQ(destroy(ioas), -ENOENT);
}

TEST_F(IommufdTest, TwoGpusOnOneIoasShareItsPageTable) {
    ready();
    const auto other = kernel.open("/dev/vfio/devices/vfio1");
    bind(other);
    EXPECT_EQ(attach(other, ioas), attach(gpu, ioas));
    const auto at = u64(kernel.map_anonymous(kPage));
    map(at, 0x100000, kPage);
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x100000}), kernel.sys.iommu("0009:01:00.0", {0x100000}));
    detach(other);
    EXPECT_EQ(kernel.sys.iommu("0009:01:00.0", {0x100000}), std::nullopt);
    EXPECT_TRUE(kernel.sys.iommu(bdf, {0x100000}).has_value());
}

TEST_F(IommufdTest, NestingStackIsBuiltAndTakenDownInOrder) {
    device_id = static_cast<std::uint32_t>(bind(gpu));
    EXPECT_EQ(hwpt(99, 0), -EINVAL) << "no such object";
    EXPECT_EQ(hwpt(ioas, 0x100), -EOPNOTSUPP);
    const auto plain = hwpt(ioas, 0);
    const auto parent = hwpt(ioas, uapi::kIommuHwptAllocNestParent);
    ASSERT_GT(parent, 0);
    uapi::IommuViommuAlloc viommu{.size = sizeof viommu,
                                  .type = uapi::kIommuViommuTypeArmSmmuv3,
                                  .dev_id = device_id,
                                  .hwpt_id = static_cast<std::uint32_t>(plain)};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuViommuAlloc, &viommu), -EINVAL) << "no nesting parent";
    viommu.hwpt_id = static_cast<std::uint32_t>(parent);
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuViommuAlloc, &viommu), 0);
    uapi::IommuVdeviceAlloc vdevice{sizeof vdevice, viommu.out_viommu_id, device_id, 0, 0x100};
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuVdeviceAlloc, &vdevice), 0);
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuVdeviceAlloc, &vdevice), -EEXIST) << "StreamID taken";

    std::uint64_t entry[2] = {1 | 5 << 1, 1ull << 28}; // valid, stage 1, ATS on
    uapi::IommuHwptAlloc nested{.size = sizeof nested,
                                .dev_id = device_id,
                                .pt_id = viommu.out_viommu_id,
                                .data_type = uapi::kIommuHwptDataArmSmmuv3,
                                .data_len = sizeof entry,
                                .data_uptr = reinterpret_cast<std::uintptr_t>(entry)};
    entry[0] |= 1ull << 58;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuHwptAlloc, &nested), -EIO) << "a bit that is not the guest's";
    entry[0] &= ~(1ull << 58);
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuHwptAlloc, &nested), 0);
    EXPECT_EQ(attach(gpu, nested.out_hwpt_id), nested.out_hwpt_id);
    map(u64(kernel.map_anonymous(kPage)), 0x100000, kPage);
    EXPECT_TRUE(kernel.sys.iommu(bdf, {0x100000}).has_value()) << "DMA goes through the parent's stage 2";

    EXPECT_EQ(destroy(static_cast<std::uint32_t>(parent)), -EBUSY);
    EXPECT_EQ(destroy(viommu.out_viommu_id), -EBUSY);
    EXPECT_EQ(destroy(nested.out_hwpt_id), -EBUSY) << "attached";
    detach(gpu);
    for (const auto id : {nested.out_hwpt_id, vdevice.out_vdevice_id, viommu.out_viommu_id,
                          static_cast<std::uint32_t>(parent), static_cast<std::uint32_t>(plain), ioas}) {
        EXPECT_EQ(destroy(id), 0);
    }
}

TEST_F(IommufdTest, HugePagesOptionKeepsToBasePages) {
    ready();
    uapi::IommuOption call{sizeof call, uapi::kIommuOptionHugePages, uapi::kIommuOptionOpGet, 0, ioas, 7};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuOption, &call), 0);
    EXPECT_EQ(call.val64, 1u);
    call.op = uapi::kIommuOptionOpSet;
    call.val64 = 2;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuOption, &call), -EINVAL);
    call.val64 = 0;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuOption, &call), 0);
    const auto at = egm::align_up(u64(kernel.map_anonymous(4 * k2M)), k2M);
    map(at, 0x200000, k2M);
    EXPECT_EQ(kernel.sys.iommu(bdf, {0x200000})->block_bytes, kPage);
    call.option_id = 7;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuOption, &call), -EOPNOTSUPP);
}

TEST_F(IommufdTest, ClosingEverythingLeavesNothing) {
    ready();
    const auto at = u64(kernel.map_anonymous(kMiB));
    map(at, 0x100000, kMiB);
    kernel.close(fd);
    EXPECT_EQ(kernel.sys.open_state().dma_entries, 1u) << "the bound device still holds it";
    kernel.close(gpu);
    kernel.munmap(at, kMiB);
    EXPECT_EQ(kernel.sys.open_state(), SimSyscalls::OpenState{});
}

} // namespace
} // namespace test
