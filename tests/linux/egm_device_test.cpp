// /dev/egm<PXM>, shape E2 (egm_shapes_test.cpp has the others): who may open it, what an open costs, what mmap and the
// retired-pages ioctl answer.

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

struct EgmDeviceTest : testing::Test {
    Kernel kernel;
    static constexpr egm::Spa kBase{0x1000'0000'0000};
    static constexpr std::uint64_t kSize = 4 * kGiB;

    std::int64_t open() { return kernel.open("/dev/egm4"); }
};

TEST_F(EgmDeviceTest, FirstOpenTakesSizeOverScrubRateAndTheCallItself) {
    const auto costs = models::linux::CallCosts{};
    // 4 GiB at 20 GB/s: 2^32 / 2e10 s = 214.7483648 ms
    EXPECT_EQ(kernel.time([&] { EXPECT_GE(open(), 0); }), 214'748'364'800u + costs.syscall_ps + costs.open_ps);
}

TEST_F(EgmDeviceTest, ScrubTimeDoesNotRoundPerChunk) {
    auto config = small_host();
    config.carveouts[0].range.size = 447 * kGiB;
    config.costs.scrub_bytes_per_second = 7'000'000'001;
    Kernel big(config);
    const auto took = big.time([&] { big.open("/dev/egm4"); });
    EXPECT_EQ(took - config.costs.syscall_ps - config.costs.open_ps,
              models::linux::transfer_picoseconds(447 * kGiB, 7'000'000'001));
}

TEST_F(EgmDeviceTest, OpenClearsTheWholeCarveoutAndNothingElse) {
    const std::uint64_t written = 0x5A5A;
    for (const egm::Spa at : {kBase, kBase + (kSize - 8), kBase + kSize, egm::Spa{kBase.value - 8}}) {
        kernel.store.write(at, &written, sizeof written);
    }
    open();
    std::uint64_t read = 1;
    kernel.store.read(kBase, &read, sizeof read);
    EXPECT_EQ(read, 0u);
    kernel.store.read(kBase + (kSize - 8), &read, sizeof read);
    EXPECT_EQ(read, 0u);
    kernel.store.read(kBase + kSize, &read, sizeof read);
    EXPECT_EQ(read, written);
    kernel.store.read({kBase.value - 8}, &read, sizeof read);
    EXPECT_EQ(read, written);
}

TEST_F(EgmDeviceTest, SecondOpenIsBusyAndScrubsNothing) {
    open();
    EXPECT_LT(kernel.time([&] { EXPECT_EQ(open(), -EBUSY); }), 1'000'000'000u);
}

TEST_F(EgmDeviceTest, StaysBusyUntilTheLastPieceOfTheLastMappingIsGone) {
    const auto fd = open();
    const auto first = u64(kernel.map_file(fd, kGiB));
    const auto second = u64(kernel.map_file(fd, kGiB, kGiB));
    EXPECT_EQ(kernel.close(fd), 0);
    EXPECT_EQ(open(), -EBUSY);
    EXPECT_EQ(kernel.munmap(first, kGiB), 0);
    EXPECT_EQ(open(), -EBUSY);
    EXPECT_EQ(kernel.munmap(second, kGiB - kernel.page), 0);
    EXPECT_EQ(open(), -EBUSY);
    EXPECT_EQ(kernel.munmap(second + kGiB - kernel.page, kernel.page), 0);
    EXPECT_GE(open(), 0);
}

TEST_F(EgmDeviceTest, CloseDoesNotWipeButTheNextOpenDoes) {
    const auto fd = open();
    const char written = 'x';
    kernel.store.write(kBase, &written, 1);
    kernel.close(fd);
    char read = 0;
    kernel.store.read(kBase, &read, 1);
    EXPECT_EQ(read, 'x');
    open();
    kernel.store.read(kBase, &read, 1);
    EXPECT_EQ(read, 0);
}

TEST_F(EgmDeviceTest, OpenWithoutTheNodeTheDriverOrThePrivilegeSaysWhich) {
    EXPECT_EQ(kernel.open("/dev/egm5"), -ENOENT);
    auto config = small_host();
    config.carveouts[0].driver_loaded = false;
    EXPECT_EQ(Kernel(config).open("/dev/egm4"), -ENXIO);
    config = small_host();
    config.root = false;
    EXPECT_EQ(Kernel(config).open("/dev/egm4"), -EACCES);
}

TEST_F(EgmDeviceTest, OpenWithoutADescriptorLeftDoesNotScrub) {
    auto config = small_host();
    config.nofile_limit = 4;
    Kernel tight(config);
    const auto other = tight.open("/dev/kvm");
    EXPECT_LT(tight.time([&] { EXPECT_EQ(tight.open("/dev/egm4"), -EMFILE); }), 1'000'000'000u);
    tight.close(other);
    EXPECT_GE(tight.open("/dev/egm4"), 0);
}

TEST_F(EgmDeviceTest, MmapAnswersInTheDriversOrder) {
    const auto fd = open();
    EXPECT_EQ(kernel.map_file(fd, kernel.page, 17), -EINVAL) << "offset not a page";
    EXPECT_EQ(kernel.map_file(fd, 0), -EINVAL) << "length 0";
    EXPECT_EQ(kernel.map_file(fd, kernel.page, kSize), -EINVAL) << "offset at the end";
    EXPECT_EQ(kernel.map_file(fd, 2 * kernel.page, kMaxU64 - kernel.page + 1), -EOVERFLOW)
        << "wrap, seen before the driver";
    EXPECT_EQ(kernel.map_file(fd, kSize + kernel.page), -EINVAL) << "one page too long";
    EXPECT_EQ(kernel.map_file(fd, 2 * kernel.page, kSize - kernel.page), -EINVAL) << "last page and one more";
    EXPECT_GT(kernel.map_file(fd, kernel.page, kSize - kernel.page), 0) << "the last page";
    EXPECT_GT(kernel.map_file(fd, kSize), 0) << "all of it";
    EXPECT_EQ(kernel.map_file(99, kernel.page), -EBADF);
}

TEST_F(EgmDeviceTest, SharedWritableMappingOfAReadOnlyOpenIsRefused) {
    const auto fd = kernel.open("/dev/egm4", O_RDONLY);
    EXPECT_EQ(kernel.map_file(fd, kernel.page), -EACCES);
    EXPECT_GT(kernel.mmap(0, kernel.page, MAP_SHARED, fd, 0, PROT_READ), 0);
}

TEST_F(EgmDeviceTest, MmapIsLinearFromItsOffsetInBasePages) {
    const auto at = u64(kernel.map_file(open(), kGiB, kGiB));
    EXPECT_EQ(kernel.sys.host({at}), (Translation{kBase + kGiB, kernel.page}));
    EXPECT_EQ(kernel.sys.host({at + kGiB - 1}), (Translation{kBase + (2 * kGiB - 1), kernel.page}));
}

TEST_F(EgmDeviceTest, MmapFillsEveryBasePagePteAtOnce) {
    const auto fd = open();
    const auto costs = models::linux::CallCosts{};
    EXPECT_EQ(kernel.time([&] { kernel.map_file(fd, kGiB); }),
              costs.syscall_ps + kGiB / kernel.page * costs.pte_fill_ps);
}

TEST_F(EgmDeviceTest, HasNoRead) {
    char byte = 0;
    EXPECT_EQ(Kernel::answer(kernel.sys.pread(static_cast<int>(open()), &byte, 1, 0)), -EINVAL);
}

/// The retired-pages ioctl on a host of 4 or 64 KiB pages.
struct RetiredPagesTest : testing::TestWithParam<std::uint64_t> {
    RetiredPagesTest() {
        auto config = small_host(GetParam());
        // The second one is outside, and the table is in no order.
        config.carveouts[0].retired = {
            {0x1000'0000'0000 + 3 * kGiB}, {0x2000'0000'0000}, {0x1000'0000'0000 + 64 * kKiB}};
        kernel.emplace(config);
        fd = kernel->open("/dev/egm4");
    }

    struct Buffer {
        uapi::EgmRetiredPagesList header;
        uapi::EgmRetiredPage pages[64];
    };
    std::int64_t list(Buffer& buffer) { return kernel->ioctl(fd, uapi::kEgmRetiredPagesList, &buffer); }

    const std::uint64_t blocks = 2;
    const std::uint64_t entries = blocks * 64 * kKiB / GetParam();
    std::optional<Kernel> kernel;
    std::int64_t fd = -1;
};

TEST_P(RetiredPagesTest, HeaderOnlyBufferIsAnsweredWithTheSizeAndNoEntry) {
    Buffer buffer{{8, 99}, {}};
    EXPECT_EQ(list(buffer), 0);
    EXPECT_EQ(buffer.header.argsz, 8 + 16 * entries);
    EXPECT_EQ(buffer.header.count, 0u);
}

TEST_P(RetiredPagesTest, OneByteTooFewIsAnsweredWithTheSizeAndNoEntry) {
    Buffer buffer{{static_cast<std::uint32_t>(8 + 16 * entries - 1), 99}, {}};
    EXPECT_EQ(list(buffer), 0);
    EXPECT_EQ(buffer.header.argsz, 8 + 16 * entries);
    EXPECT_EQ(buffer.header.count, 0u);
    EXPECT_EQ(buffer.pages[0].size, 0u);
}

TEST_P(RetiredPagesTest, LargeBufferGetsEveryHostPageOfEveryBlockInsideInOrderAndKeepsItsArgsz) {
    Buffer buffer{{sizeof(Buffer), 99}, {}};
    EXPECT_EQ(list(buffer), 0);
    EXPECT_EQ(buffer.header.argsz, sizeof(Buffer));
    ASSERT_EQ(buffer.header.count, entries);
    EXPECT_EQ(buffer.pages[0].offset, 64 * kKiB);
    EXPECT_EQ(buffer.pages[0].size, GetParam());
    EXPECT_EQ(buffer.pages[entries - 1].offset, 3 * kGiB + 64 * kKiB - GetParam());
}

TEST_P(RetiredPagesTest, BadCallsAreRefused) {
    Buffer buffer{{7, 0}, {}};
    EXPECT_EQ(list(buffer), -EINVAL);
    EXPECT_EQ(kernel->ioctl(fd, uapi::kEgmRetiredPagesList, nullptr), -EFAULT);
    buffer.header.argsz = sizeof(Buffer);
    EXPECT_EQ(kernel->ioctl(fd, uapi::kEgmExportDmabuf, &buffer), -EINVAL);
    EXPECT_EQ(kernel->ioctl(fd, uapi::kEgmExportDmabuf, nullptr), -EFAULT) << "the header is read first";
    EXPECT_EQ(kernel->ioctl(kernel->open("/dev/kvm"), uapi::kEgmRetiredPagesList, &buffer), -EINVAL);
    EXPECT_EQ(kernel->ioctl(kernel->open("/dev/iommu"), uapi::kEgmRetiredPagesList, &buffer), -ENOTTY);
}

INSTANTIATE_TEST_SUITE_P(HostPage, RetiredPagesTest, testing::Values(4 * kKiB, 64 * kKiB));

TEST(KernelConfigTest, EveryFaultIsToldAtOnce) {
    auto config = small_host();
    config.carveouts[0].range.size += 1;
    config.carveouts[0].gpu_bdfs.push_back("ffff:00:00.0");
    config.carveouts[0].retired = {{0x1000'0000'1000}};
    config.gpus[1].bdf = config.gpus[0].bdf;
    // Size, unknown GPU, retired block, the GPU that is there twice, and the one whose name it took.
    EXPECT_EQ(models::linux::faults(config).size(), 5u);
}

} // namespace
} // namespace test
