// iommufd: a guest's SMMU - invalidations, events, and the command queues that hardware reads.

#include "models/linux/iommufd_abi.h"
#include "tests/linux/iommufd_fixture.h"

namespace test {
namespace {

namespace abi = models::linux::abi;

KernelConfig of_version(int version) {
    KernelConfig config = small_host();
    config.version = version;
    config.shared_memory_files = {{"/dev/shm/ram", 16 * kMiB}};
    return config;
}

/// A nesting parent with 2 MiB of contiguous memory at IOVA 2 MiB, and a vIOMMU with command queues.
struct ViommuTest : testing::Test, Iommufd {
    ViommuTest() : Iommufd(of_version(618)) {
        device_id = static_cast<std::uint32_t>(bind(gpu));
        parent = static_cast<std::uint32_t>(hwpt(ioas, uapi::kIommuHwptAllocNestParent));
        const auto file = kernel.open("/dev/shm/ram");
        map(u64(kernel.map_file(file, k2M)), k2M, k2M);
        viommu = static_cast<std::uint32_t>(alloc_viommu(uapi::kIommuViommuTypeTegra241Cmdqv));
    }

    std::int64_t alloc_viommu(std::uint32_t type) {
        uapi::IommuViommuAlloc call{.size = sizeof call,
                                    .type = type,
                                    .dev_id = device_id,
                                    .hwpt_id = parent,
                                    .data_len = sizeof vintf,
                                    .data_uptr = reinterpret_cast<std::uintptr_t>(&vintf)};
        const auto result = kernel.ioctl(fd, uapi::kIommuViommuAlloc, &call);
        return result < 0 ? result : call.out_viommu_id;
    }
    std::int64_t alloc_vdevice(std::uint64_t stream) {
        uapi::IommuVdeviceAlloc call{sizeof call, viommu, device_id, 0, stream};
        const auto result = kernel.ioctl(fd, uapi::kIommuVdeviceAlloc, &call);
        return result < 0 ? result : call.out_vdevice_id;
    }
    std::int64_t queue(std::uint32_t index, std::uint64_t iova, std::uint64_t length, std::uint32_t type = 1) {
        uapi::IommuHwQueueAlloc call{sizeof call, 0, viommu, type, index, 0, iova, length};
        const auto result = kernel.ioctl(fd, uapi::kIommuHwQueueAlloc, &call);
        return result < 0 ? result : call.out_hw_queue_id;
    }
    std::int64_t invalidate(std::vector<abi::IommuInvalidateArmSmmuv3> commands, std::uint32_t type = 1) {
        uapi::IommuHwptInvalidate call{.size = sizeof call,
                                       .hwpt_id = viommu,
                                       .data_uptr = reinterpret_cast<std::uintptr_t>(commands.data()),
                                       .data_type = type,
                                       .entry_len = sizeof commands[0],
                                       .entry_num = static_cast<std::uint32_t>(commands.size())};
        const auto result = kernel.ioctl(fd, uapi::kIommuHwptInvalidate, &call);
        done = call.entry_num;
        return result;
    }
    std::int64_t nested(std::uint64_t config) {
        std::uint64_t entry[2] = {1 | config << 1, 0};
        uapi::IommuHwptAlloc call{.size = sizeof call,
                                  .dev_id = device_id,
                                  .pt_id = viommu,
                                  .data_type = uapi::kIommuHwptDataArmSmmuv3,
                                  .data_len = sizeof entry,
                                  .data_uptr = reinterpret_cast<std::uintptr_t>(entry)};
        const auto result = kernel.ioctl(fd, uapi::kIommuHwptAlloc, &call);
        return result < 0 ? result : call.out_hwpt_id;
    }

    std::uint32_t parent = 0;
    std::uint32_t viommu = 0;
    std::uint32_t done = 0; ///< commands
    uapi::IommuViommuTegra241Cmdqv vintf{};
};

TEST_F(ViommuTest, QueuesComeAscendingAndGoDescending) {
    EXPECT_EQ(queue(1, k2M, 64 * kKiB), -EIO) << "0 comes first";
    const auto first = queue(0, k2M, 64 * kKiB);
    ASSERT_GT(first, 0);
    EXPECT_EQ(queue(0, k2M, 64 * kKiB), -EEXIST);
    const auto second = queue(1, k2M + 64 * kKiB, 64 * kKiB);
    ASSERT_GT(second, 0);
    EXPECT_EQ(destroy(static_cast<std::uint32_t>(first)), -EBUSY);
    EXPECT_EQ(destroy(viommu), -EBUSY);
    EXPECT_EQ(destroy(static_cast<std::uint32_t>(second)), 0);
    EXPECT_EQ(destroy(static_cast<std::uint32_t>(first)), 0);
    EXPECT_EQ(destroy(viommu), 0);
}

TEST_F(ViommuTest, QueueMemoryIsAPowerOfTwoAlignedToItsLengthWithinBounds) {
    EXPECT_EQ(queue(0, k2M, 0), -EINVAL);
    EXPECT_EQ(queue(0, k2M, 16), -EINVAL) << "one command";
    EXPECT_EQ(queue(0, k2M, 96), -EINVAL);
    EXPECT_EQ(queue(0, k2M + 64, 128), -EINVAL) << "not aligned to its length";
    EXPECT_EQ(queue(128, k2M, 32), -EINVAL) << "index behind the last";
    EXPECT_EQ(queue(0, kMaxU64 - 31, 64), -EOVERFLOW);
    EXPECT_EQ(queue(0, k2M, 32, 0), -EOPNOTSUPP);
    EXPECT_EQ(queue(0, k2M, 32, 2), -EOPNOTSUPP);
    EXPECT_GT(queue(0, k2M, 32), 0) << "the smallest";
}

TEST_F(ViommuTest, QueueIsNoLongerThanTheSmmuAllows) {
    auto config = of_version(618);
    config.command_queue_log2 = 8;
    kernel.close(fd);
    Iommufd small(config);
    small.device_id = static_cast<std::uint32_t>(small.bind(small.gpu));
    const auto table = static_cast<std::uint32_t>(small.hwpt(small.ioas, uapi::kIommuHwptAllocNestParent));
    small.map(u64(small.kernel.map_file(small.kernel.open("/dev/shm/ram"), k2M)), k2M, k2M);
    uapi::IommuViommuAlloc call{.size = sizeof call,
                                .type = uapi::kIommuViommuTypeTegra241Cmdqv,
                                .dev_id = small.device_id,
                                .hwpt_id = table,
                                .data_len = sizeof vintf,
                                .data_uptr = reinterpret_cast<std::uintptr_t>(&vintf)};
    ASSERT_EQ(small.kernel.ioctl(small.fd, uapi::kIommuViommuAlloc, &call), 0);
    uapi::IommuHwQueueAlloc queue{sizeof queue, 0, call.out_viommu_id, 1, 0, 0, k2M, 512 * 16};
    EXPECT_EQ(small.kernel.ioctl(small.fd, uapi::kIommuHwQueueAlloc, &queue), -EINVAL);
    queue.length = 256 * 16;
    EXPECT_EQ(small.kernel.ioctl(small.fd, uapi::kIommuHwQueueAlloc, &queue), 0);
}

TEST_F(ViommuTest, QueueMemoryMustBeMappedAndInOnePiece) {
    EXPECT_EQ(queue(0, 8 * kMiB, 64 * kKiB), -ENOENT);
    EXPECT_EQ(queue(0, 2 * k2M - 32 * kKiB, 64 * kKiB), -ENOENT) << "half of it";
    const auto file = kernel.open("/dev/shm/ram");
    map(u64(kernel.map_file(file, kPage, 8 * kMiB)), 16 * kMiB, kPage);
    map(u64(kernel.map_file(file, kPage, 9 * kMiB)), 16 * kMiB + kPage, kPage);
    EXPECT_EQ(queue(0, 16 * kMiB, 2 * kPage), -EFAULT) << "two pieces of memory";
}

TEST_F(ViommuTest, QueueMemoryCannotBeUnmappedWhileHardwareReadsIt) {
    const auto id = queue(0, k2M, 64 * kKiB);
    EXPECT_EQ(unmap(k2M, k2M), -EBUSY);
    destroy(static_cast<std::uint32_t>(id));
    EXPECT_EQ(unmap(k2M, k2M), static_cast<std::int64_t>(k2M));
}

TEST_F(ViommuTest, QueuesNeedTheirVintfAndLinux617) {
    viommu = static_cast<std::uint32_t>(alloc_viommu(uapi::kIommuViommuTypeArmSmmuv3));
    EXPECT_EQ(queue(0, k2M, 64 * kKiB), -EOPNOTSUPP);
    Iommufd old(of_version(616));
    uapi::IommuHwQueueAlloc call{sizeof call, 0, 1, 1, 0, 0, k2M, 64 * kKiB};
    EXPECT_EQ(old.kernel.ioctl(old.fd, uapi::kIommuHwQueueAlloc, &call), -ENOTTY);
}

TEST_F(ViommuTest, VintfPageIsMappedSharedAndWhole) {
    EXPECT_EQ(vintf.out_vintf_mmap_length, 64 * kKiB);
    const auto second_offset = [&] {
        const auto first = vintf.out_vintf_mmap_offset;
        alloc_viommu(uapi::kIommuViommuTypeTegra241Cmdqv);
        EXPECT_NE(vintf.out_vintf_mmap_offset, first);
        return first;
    }();
    EXPECT_GT(kernel.map_file(fd, 64 * kKiB, second_offset), 0);
    EXPECT_EQ(kernel.map_file(fd, kPage, second_offset), -ENXIO);
    EXPECT_EQ(kernel.map_file(fd, 64 * kKiB, 64 * kMiB), -ENXIO);
    EXPECT_EQ(kernel.mmap(0, 64 * kKiB, MAP_PRIVATE, fd, second_offset), -EPERM);
}

TEST_F(ViommuTest, AcceptedInvalidationsAreCountedUpToTheFirstOther) {
    alloc_vdevice(0x100);
    const std::uint64_t stream = 0x100ull << 32;
    EXPECT_EQ(invalidate({{{0x30, 0}},
                          {{0x10, 0}},
                          {{0x11, 0}},
                          {{0x12, 0}},
                          {{0x13, 0}},
                          {{0x40 | stream, 0}},
                          {{0x05 | stream, 0}},
                          {{0x06 | stream, 0}}}),
              0);
    EXPECT_EQ(done, 8u);
    EXPECT_EQ(invalidate({{{0x12, 0}}, {{0x46, 0}}, {{0x12, 0}}}), -EIO) << "CMD_SYNC";
    EXPECT_EQ(done, 1u);
    EXPECT_EQ(invalidate({{{0x40 | 0x200ull << 32, 0}}}), -EIO) << "a stream that is no vDEVICE";
    EXPECT_EQ(done, 0u);
    EXPECT_EQ(invalidate({{{0x12, 0}}}, 7), -EINVAL) << "another type of data";
    viommu = parent;
    EXPECT_EQ(invalidate({{{0x12, 0}}}), -EINVAL) << "a page table that the kernel writes";
    viommu = 999;
    EXPECT_EQ(invalidate({{{0x12, 0}}}), -ENOENT);
}

TEST_F(ViommuTest, TranslatingStage1NeedsTheGuestsNameOfTheDevice) {
    const auto translating = nested(5);
    const auto bypassing = nested(4);
    EXPECT_EQ(attach(gpu, static_cast<std::uint32_t>(translating)), -ENOENT);
    EXPECT_EQ(attach(gpu, static_cast<std::uint32_t>(bypassing)), bypassing);
    ASSERT_GT(alloc_vdevice(0x100), 0);
    EXPECT_EQ(alloc_vdevice(0x101), -EEXIST) << "a device has one name";
    EXPECT_EQ(attach(gpu, static_cast<std::uint32_t>(translating)), translating);
}

TEST_F(ViommuTest, EventQueuesAreOneOfEachTypeAndBusyWhileOpen) {
    uapi::IommuVeventqAlloc call{.size = sizeof call, .viommu_id = viommu, .type = 1, .veventq_depth = 16};
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuVeventqAlloc, &call), 0);
    auto again = call;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuVeventqAlloc, &again), -EEXIST);
    again.type = 0;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuVeventqAlloc, &again), -EOPNOTSUPP);
    again = {.size = sizeof again, .viommu_id = viommu, .type = 2};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuVeventqAlloc, &again), -EINVAL) << "depth 0";
    again = {.size = sizeof again, .viommu_id = 999, .type = 2, .veventq_depth = 1};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuVeventqAlloc, &again), -ENOENT);
    EXPECT_EQ(destroy(call.out_veventq_id), -EBUSY);
    kernel.close(call.out_veventq_fd);
    EXPECT_EQ(destroy(call.out_veventq_id), 0);
}

TEST_F(ViommuTest, FaultQueueIsBusyWhileItsFileOrAPageTableHasIt) {
    uapi::IommuFaultAlloc call{.size = sizeof call, .flags = 1};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuFaultQueueAlloc, &call), -EOPNOTSUPP);
    call.flags = 0;
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuFaultQueueAlloc, &call), 0);
    char byte = 0;
    EXPECT_EQ(Kernel::answer(kernel.sys.pread(static_cast<int>(call.out_fault_fd), &byte, 1, 0)), -ESPIPE);
    uapi::IommuHwptAlloc table{.size = sizeof table,
                               .flags = uapi::kIommuHwptFaultIdValid,
                               .dev_id = device_id,
                               .pt_id = ioas,
                               .fault_id = 999};
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuHwptAlloc, &table), -ENOENT);
    table.fault_id = call.out_fault_id;
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuHwptAlloc, &table), 0);
    kernel.close(call.out_fault_fd);
    EXPECT_EQ(destroy(call.out_fault_id), -EBUSY);
    EXPECT_EQ(destroy(table.out_hwpt_id), 0);
    EXPECT_EQ(destroy(call.out_fault_id), 0);
}

TEST_F(ViommuTest, HardwareInfoNamesTheSmmuAndOnRequestItsCommandQueues) {
    char data[64]{};
    uapi::IommuHwInfo info{.size = sizeof info,
                           .dev_id = device_id,
                           .data_len = sizeof data,
                           .data_uptr = reinterpret_cast<std::uintptr_t>(data)};
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuGetHwInfo, &info), 0);
    EXPECT_EQ(info.out_data_type, uapi::kIommuHwInfoTypeArmSmmuv3);
    EXPECT_EQ(info.data_len, 40u);
    info = {.size = sizeof info,
            .flags = uapi::kIommuHwInfoFlagInputType,
            .dev_id = device_id,
            .data_len = sizeof data,
            .data_uptr = reinterpret_cast<std::uintptr_t>(data),
            .out_data_type = uapi::kIommuHwInfoTypeTegra241Cmdqv};
    ASSERT_EQ(kernel.ioctl(fd, uapi::kIommuGetHwInfo, &info), 0);
    EXPECT_EQ(info.data_len, 8u);
    EXPECT_EQ(data[5], 7) << "2^7 queues";
    info.out_data_type = 1;
    info.data_len = sizeof data;
    EXPECT_EQ(kernel.ioctl(fd, uapi::kIommuGetHwInfo, &info), -EOPNOTSUPP) << "no VT-d";
}

TEST_F(ViommuTest, ClosingEverythingLeavesNothing) {
    queue(0, k2M, 64 * kKiB);
    alloc_vdevice(1);
    for (int each = 3; each < 64; ++each) {
        kernel.close(each);
    }
    const auto state = kernel.sys.open_state();
    EXPECT_EQ(state.dma_entries, 0u);
    EXPECT_EQ(state.pinned_bytes, 0u);
    EXPECT_EQ(state.fds, 0u);
}

} // namespace
} // namespace test
