// VFIO containers, groups and the type1 IOMMU: does every call answer what real kernels answer, and what does DMA
// reach?
//
// The expected errnos were recorded on Linux 6.1, 6.12 and 7.3 (VT-d and SMMUv3); 6.1 and 6.12 agree.

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

constexpr std::uint32_t kReadWrite = uapi::kVfioDmaMapFlagRead | uapi::kVfioDmaMapFlagWrite;

/// A kernel, and a container with one GPU's group in it.
struct Type1 {
    explicit Type1(KernelConfig config = small_host()) : kernel(std::move(config)) {}

    void ready() {
        container = kernel.open("/dev/vfio/vfio");
        group = kernel.open("/dev/vfio/7");
        int fd = static_cast<int>(container);
        ASSERT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), 0);
        ASSERT_EQ(kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), 0);
    }
    std::int64_t map(std::uint64_t hva, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = kReadWrite,
                     std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaMap)) {
        uapi::VfioIommuType1DmaMap call{argsz, flags, hva, iova, size};
        return kernel.ioctl(container, uapi::kVfioIommuMapDma, &call);
    }
    /// Bytes unmapped, or a negative errno.
    std::int64_t unmap(std::uint64_t iova, std::uint64_t size, std::uint32_t flags = 0,
                       std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaUnmap)) {
        uapi::VfioIommuType1DmaUnmap call{argsz, flags, iova, size};
        const auto result = kernel.ioctl(container, uapi::kVfioIommuUnmapDma, &call);
        return result < 0 ? result : static_cast<std::int64_t>(call.size);
    }
    std::int64_t device() { return kernel.ioctl(group, uapi::kVfioGroupGetDeviceFd, bdf); }

    Kernel kernel;
    std::int64_t container = -1;
    std::int64_t group = -1;
    char bdf[16] = "0008:01:00.0";
    static constexpr std::uint64_t kPage = 4 * kKiB;
    static constexpr std::uint64_t k2M = 2 * kMiB;
};

struct Type1Test : testing::Test, Type1 {};

TEST_F(Type1Test, ContainerWithoutAGroupAnswersVersionAndExtensionsOnly) {
    container = kernel.open("/dev/vfio/vfio");
    EXPECT_EQ(kernel.ioctl(container, uapi::kVfioGetApiVersion), 0);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioType1Iommu), 1);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioType1v2Iommu), 1);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioUnmapAll), 1);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioUpdateVaddr), 0);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioDmaCcIommu), 0);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), -EINVAL);
    EXPECT_EQ(map(0, 0, kPage), -EINVAL);
}

TEST_F(Type1Test, GroupGoesToOneOwnerAndOneContainer) {
    container = kernel.open("/dev/vfio/vfio");
    group = kernel.open("/dev/vfio/7");
    EXPECT_EQ(kernel.open("/dev/vfio/7"), -EBUSY);
    uapi::VfioGroupStatus status{sizeof status, 0};
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupGetStatus, &status), 0);
    EXPECT_EQ(status.flags, uapi::kVfioGroupFlagsViable);
    EXPECT_EQ(device(), -EINVAL) << "before it has a container";
    int fd = -1;
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), -EBADF);
    fd = 99;
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), -EBADF);
    fd = static_cast<int>(group);
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), -EBADFD) << "no container";
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, nullptr), -EFAULT);
    fd = static_cast<int>(container);
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), 0);
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupSetContainer, &fd), -EINVAL) << "twice";
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupGetStatus, &status), 0);
    EXPECT_EQ(status.flags, uapi::kVfioGroupFlagsViable | uapi::kVfioGroupFlagsContainerSet);
    EXPECT_EQ(device(), -EINVAL) << "before SET_IOMMU";
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioSetIommu, 99), -ENODEV);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), 0);
    EXPECT_EQ(kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), -EINVAL) << "twice";
}

TEST_F(Type1Test, DeviceHoldsItsGroupInTheContainer) {
    ready();
    char wrong[] = "ffff:00:1f.7";
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupGetDeviceFd, wrong), -ENODEV);
    const auto gpu = device();
    ASSERT_GE(gpu, 0);
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupUnsetContainer), -EBUSY);
    kernel.close(group);
    EXPECT_EQ(kernel.open("/dev/vfio/7"), -EBUSY) << "the device keeps the group open";
    kernel.close(gpu);
    group = kernel.open("/dev/vfio/7");
    ASSERT_GE(group, 0);
    EXPECT_EQ(kernel.ioctl(group, uapi::kVfioGroupUnsetContainer), -EINVAL) << "has none";
}

TEST_F(Type1Test, InfoListsPageSizesRangesAndEntriesLeft) {
    ready();
    map(u64(kernel.map_anonymous(kPage)), 0, kPage);
    struct {
        uapi::VfioIommuType1Info info;
        char rest[256];
    } buffer{};
    buffer.info.argsz = sizeof buffer.info;
    EXPECT_EQ(kernel.ioctl(container, uapi::kVfioIommuGetInfo, &buffer), 0);
    EXPECT_EQ(buffer.info.iova_pgsizes, kGiB | k2M | kPage);
    EXPECT_EQ(buffer.info.flags, uapi::kVfioIommuInfoPgsizes | uapi::kVfioIommuInfoCaps);
    EXPECT_EQ(buffer.info.cap_offset, 0u) << "no room for the capabilities";
    ASSERT_GT(buffer.info.argsz, sizeof buffer.info);
    EXPECT_EQ(kernel.ioctl(container, uapi::kVfioIommuGetInfo, &buffer), 0);
    const auto* base = reinterpret_cast<const char*>(&buffer);
    bool avail = false, ranges = false;
    for (std::uint32_t at = buffer.info.cap_offset; at != 0;) {
        const auto* head = reinterpret_cast<const uapi::VfioInfoCapHeader*>(base + at);
        if (head->id == uapi::kVfioIommuType1InfoCapDmaAvail) {
            avail = true;
            EXPECT_EQ(reinterpret_cast<const uapi::VfioIommuType1InfoDmaAvail*>(head)->avail, 65534u);
        } else if (head->id == uapi::kVfioIommuType1InfoCapIovaRange) {
            ranges = true;
            const auto* list = reinterpret_cast<const uapi::VfioIommuType1InfoCapIovaRange*>(head);
            ASSERT_EQ(list->nr_iovas, 2u);
            const auto* range = reinterpret_cast<const uapi::VfioIovaRange*>(list + 1);
            EXPECT_EQ(range[0].end, 0x7ffffffu);
            EXPECT_EQ(range[1].start, 0x8100000u);
            EXPECT_EQ(range[1].end, (1ull << 48) - 1);
        }
        at = head->next;
    }
    EXPECT_TRUE(avail && ranges);
    buffer.info.argsz = 15;
    EXPECT_EQ(kernel.ioctl(container, uapi::kVfioIommuGetInfo, &buffer), -EINVAL);
}

TEST_F(Type1Test, MapRefusesWhatIsMalformed) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    EXPECT_EQ(kernel.ioctl(container, uapi::kVfioIommuMapDma, nullptr), -EFAULT);
    EXPECT_EQ(map(at, 0x1000000, 0), -EINVAL);
    EXPECT_EQ(map(at, 0x1000800, kPage), -EINVAL);
    EXPECT_EQ(map(at + 0x800, 0x1000000, kPage), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, 0x800), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, kPage, 0), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, kPage, kReadWrite | 0x80000000u), -EINVAL);
    EXPECT_EQ(map(at, 0x1000000, kPage, kReadWrite, 8), -EINVAL);
    EXPECT_EQ(map(at, 1ull << 48, kPage), -EINVAL) << "beyond the aperture";
    EXPECT_EQ(map(at, 0x8000000, kPage), -EINVAL) << "the MSI window";
    EXPECT_EQ(map(at, 0x7fff000, 2 * kPage), -EINVAL) << "half in the MSI window";
    EXPECT_EQ(kernel.sys.open_state().dma_entries, 0u);
}

TEST_F(Type1Test, MapRefusesOverlapOfAnyKind) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    EXPECT_EQ(map(at, 0x200000, k2M), 0);
    EXPECT_EQ(map(at, 0x200000, k2M), -EEXIST);
    EXPECT_EQ(map(at, 0x201000, kPage), -EEXIST);
    EXPECT_EQ(map(at, 0x1ff000, 2 * kPage), -EEXIST);
    EXPECT_EQ(map(at, 0x3ff000, 2 * kPage), -EEXIST);
    EXPECT_EQ(map(at, 0x1ff000, kPage), 0);
    EXPECT_EQ(map(at, 0x400000, kPage), 0);
}

TEST_F(Type1Test, MapOfMemoryItCannotReachIsUndoneWhole) {
    ready();
    EXPECT_EQ(map(0x10000, 0x1000000, kPage), -EFAULT);
    EXPECT_EQ(map(u64(kernel.map_anonymous(kPage, PROT_NONE)), 0x1000000, kPage), -EFAULT);
    const auto read_only = u64(kernel.map_anonymous(kPage, PROT_READ));
    EXPECT_EQ(map(read_only, 0x1000000, kPage), -EFAULT);
    EXPECT_EQ(map(read_only, 0x1000000, kPage, uapi::kVfioDmaMapFlagRead), 0);
    EXPECT_EQ(unmap(0x1000000, kPage), static_cast<std::int64_t>(kPage));
    const auto holed = u64(kernel.map_anonymous(3 * kPage));
    kernel.munmap(holed + kPage, kPage);
    EXPECT_EQ(map(holed, 0x1000000, 3 * kPage), -EFAULT);
    EXPECT_EQ(unmap(0x1000000, 3 * kPage), 0);
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 0u);
}

TEST_F(Type1Test, WrapIsOverflowFromLinux7AndInvalidBefore) {
    for (const auto& [version, expected] :
         {std::pair{612, -EINVAL}, {618, -EINVAL}, {700, -EOVERFLOW}, {703, -EOVERFLOW}}) {
        auto config = small_host();
        config.version = version;
        Type1 test(config);
        test.ready();
        const auto at = u64(test.kernel.map_anonymous(2 * kPage));
        EXPECT_EQ(test.map(at, kMaxU64 - kPage + 1, 2 * kPage), expected);
        EXPECT_EQ(test.map(kMaxU64 - kPage + 1, 0x1000000, 2 * kPage), expected);
        EXPECT_EQ(test.unmap(kMaxU64 - kPage + 1, 2 * kPage), expected);
    }
}

TEST_F(Type1Test, UnmapTakesWholeMappingsOnly) {
    ready();
    const auto at = u64(kernel.map_anonymous(4 * k2M));
    map(at, 0x100000, kPage);
    map(at, 0x200000, k2M);
    EXPECT_EQ(unmap(0x5000000, kPage), 0) << "nothing there";
    EXPECT_EQ(unmap(0x100000, 0), -EINVAL);
    EXPECT_EQ(unmap(0x100800, kPage), -EINVAL);
    EXPECT_EQ(unmap(0x100000, 0x800), -EINVAL);
    EXPECT_EQ(unmap(0x100000, kPage, 0x80000000u), -EINVAL);
    EXPECT_EQ(unmap(0x100000, kPage, 0, 8), -EINVAL);
    EXPECT_EQ(unmap(0x200000, k2M / 2), -EINVAL) << "head";
    EXPECT_EQ(unmap(0x300000, k2M / 2), -EINVAL) << "tail";
    EXPECT_EQ(unmap(0x201000, kPage), -EINVAL) << "middle";
    EXPECT_EQ(unmap(0x100000, 0x200000), -EINVAL) << "one whole, one cut: neither goes";
    EXPECT_EQ(unmap(0xff000, 2 * kPage), static_cast<std::int64_t>(kPage));
    EXPECT_EQ(unmap(0, 0x1000000), static_cast<std::int64_t>(k2M));
}

TEST_F(Type1Test, UnmapAllTakesNoRange) {
    ready();
    EXPECT_EQ(unmap(0, 0, uapi::kVfioDmaUnmapFlagAll), 0);
    const auto at = u64(kernel.map_anonymous(k2M));
    map(at, 0x100000, kPage);
    map(at, 0x300000, kPage);
    EXPECT_EQ(unmap(0, kPage, uapi::kVfioDmaUnmapFlagAll), -EINVAL);
    EXPECT_EQ(unmap(kPage, 0, uapi::kVfioDmaUnmapFlagAll), -EINVAL);
    EXPECT_EQ(unmap(0, 0, uapi::kVfioDmaUnmapFlagAll), static_cast<std::int64_t>(2 * kPage));
}

TEST_F(Type1Test, ContainerTakes65535Mappings) {
    ready();
    const auto at = u64(kernel.map_anonymous(kPage));
    for (std::uint64_t i = 0; i < 65535; ++i) {
        ASSERT_EQ(map(at, 0x10000000 + i * kPage, kPage), 0);
    }
    EXPECT_EQ(map(at, 0x9000000, kPage), -ENOSPC);
    EXPECT_EQ(unmap(0x10000000, kPage), static_cast<std::int64_t>(kPage));
    EXPECT_EQ(map(at, 0x9000000, kPage), 0);
}

struct Type1MemlockTest : testing::Test, Type1 {
    static KernelConfig limited() {
        auto config = small_host();
        config.memlock_limit = 8 * kMiB;
        return config;
    }
    Type1MemlockTest() : Type1(limited()) {}
};

TEST_F(Type1MemlockTest, AnonymousMemoryCountsAndEgmDoesNot) {
    ready();
    const auto anonymous = u64(kernel.map_anonymous(16 * kMiB));
    EXPECT_EQ(map(anonymous, 0x1000000, 8 * kMiB), 0);
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 8 * kMiB);
    EXPECT_EQ(map(anonymous + 8 * kMiB, 0x2000000, kPage), -ENOMEM);
    const auto egm = u64(kernel.map_file(kernel.open("/dev/egm4"), 4 * kGiB));
    EXPECT_EQ(map(egm, kGiB, 4 * kGiB), 0);
    EXPECT_EQ(kernel.sys.open_state().pinned_bytes, 8 * kMiB);
}

TEST_F(Type1Test, EgmIsReachedInTheLargestBlocksThatIovaAndSpaShare) {
    ready();
    const egm::Spa base{0x1000'0000'0000};
    const auto at = u64(kernel.map_file(kernel.open("/dev/egm4"), 4 * kGiB));
    EXPECT_EQ(kernel.sys.iommu(bdf, {kGiB}), std::nullopt);
    ASSERT_EQ(map(at, kGiB, 3 * kGiB + k2M + kPage), 0);
    EXPECT_EQ(kernel.sys.iommu(bdf, {kGiB + 5}), (Translation{base + 5, kGiB}));
    EXPECT_EQ(kernel.sys.iommu(bdf, {4 * kGiB}), (Translation{base + 3 * kGiB, k2M})) << "no room for 1 GiB";
    EXPECT_EQ(kernel.sys.iommu(bdf, {4 * kGiB + k2M}), (Translation{base + (3 * kGiB + k2M), kPage}));
    EXPECT_EQ(kernel.sys.iommu(bdf, {4 * kGiB + k2M + kPage}), std::nullopt);
    EXPECT_EQ(kernel.sys.iommu("0009:01:00.0", {kGiB}), std::nullopt) << "not in this container";
    unmap(0, 0, uapi::kVfioDmaUnmapFlagAll);
    ASSERT_EQ(map(at, kGiB + kPage, kGiB), 0);
    EXPECT_EQ(kernel.sys.iommu(bdf, {kGiB + k2M})->block_bytes, kPage) << "iova and spa differ by a page";
}

TEST_F(Type1Test, MapOfEgmWalksEveryBasePage) {
    ready();
    const auto at = u64(kernel.map_file(kernel.open("/dev/egm4"), 4 * kGiB));
    const auto costs = models::linux::CallCosts{};
    EXPECT_EQ(kernel.time([&] { map(at, kGiB, kGiB); }),
              costs.syscall_ps + kGiB / kPage * costs.type1_page_step_ps + 1 * costs.iommu_block_ps);
}

TEST_F(Type1Test, ThirtyTwoGibibytesOfBasePagesTakeAboutASecond) {
    auto config = small_host();
    config.carveouts[0].range.size = 32 * kGiB;
    Type1 test(config);
    test.ready();
    const auto at = u64(test.kernel.map_file(test.kernel.open("/dev/egm4"), 32 * kGiB));
    const auto took = test.kernel.time([&] { EXPECT_EQ(test.map(at, 32 * kGiB, 32 * kGiB), 0); });
    EXPECT_NEAR(static_cast<double>(took), 1e12, 1e10);
}

TEST_F(Type1Test, DmaMappingOfEgmOutlivesItsMappingAsInLinux) {
    ready();
    const auto egm = kernel.open("/dev/egm4");
    const auto at = u64(kernel.map_file(egm, kGiB));
    map(at, kGiB, kGiB);
    kernel.munmap(at, kGiB);
    kernel.close(egm);
    EXPECT_TRUE(kernel.sys.iommu(bdf, {kGiB}).has_value());
    EXPECT_GE(kernel.open("/dev/egm4"), 0) << "nothing but a mapping or a descriptor holds the carveout";
}

TEST_F(Type1Test, PinnedAnonymousMemoryIsNotGivenOutAgain) {
    ready();
    const auto first = u64(kernel.map_anonymous(600 * kMiB)); // of 1 GiB
    EXPECT_EQ(map(first, kGiB, 600 * kMiB), 0);
    kernel.munmap(first, 600 * kMiB);
    const auto second = u64(kernel.map_anonymous(600 * kMiB));
    EXPECT_EQ(map(second, 2 * kGiB, 600 * kMiB), -ENOMEM);
    EXPECT_EQ(unmap(kGiB, 600 * kMiB), static_cast<std::int64_t>(600 * kMiB));
    EXPECT_EQ(map(second, 2 * kGiB, 600 * kMiB), 0);
}

TEST_F(Type1Test, ClosingEverythingInAnyOrderLeavesNothing) {
    ready();
    const auto egm = kernel.open("/dev/egm4");
    const auto at = u64(kernel.map_file(egm, kGiB));
    const auto anonymous = u64(kernel.map_anonymous(kMiB));
    map(at, kGiB, kGiB);
    map(anonymous, 3 * kGiB, kMiB);
    const auto gpu = device();
    kernel.close(container);
    kernel.close(group);
    EXPECT_EQ(kernel.sys.open_state().dma_entries, 2u) << "the device still holds them";
    kernel.close(gpu);
    kernel.close(egm);
    kernel.munmap(at, kGiB);
    kernel.munmap(anonymous, kMiB);
    EXPECT_EQ(kernel.sys.open_state(), SimSyscalls::OpenState{});
    EXPECT_EQ(kernel.sys.iommu(bdf, {kGiB}), std::nullopt);
}

} // namespace
} // namespace test
