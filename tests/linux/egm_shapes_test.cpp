// The six public EGM drivers: where do they answer differently?

#include <algorithm>
#include <functional>

#include <gmock/gmock.h>

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

using models::linux::EgmShape;
using testing::ElementsAre;

constexpr egm::Spa kBase{0x1000'0000'0000};
constexpr std::uint64_t kSize = 4 * kGiB;
constexpr std::uint64_t kScrubPs = 214'748'364'800; // 4 GiB at 20 GB/s

KernelConfig host_with(EgmShape shape, std::uint64_t page_size = 4 * kKiB) {
    KernelConfig config = small_host(page_size);
    config.shape = shape;
    return config;
}

/// Runs something in the middle of another call's first pause of at least a millisecond.
struct InterruptingClock final : models::linux::Clock {
    void pass(std::uint64_t picoseconds) override {
        now += picoseconds;
        if (picoseconds >= 1'000'000'000 && meanwhile) {
            std::exchange(meanwhile, nullptr)();
        }
    }
    std::uint64_t now = 0;
    std::function<void()> meanwhile;
};

std::string shape_name(const testing::TestParamInfo<EgmShape>& info) {
    return std::array{"A", "B", "C", "D", "E1", "E2"}[static_cast<std::size_t>(info.param)];
}

struct EveryShape : testing::TestWithParam<EgmShape> {
    Kernel k{host_with(GetParam())};
};

TEST_P(EveryShape, FirstOpenClearsTheWholeCarveoutWhateverIsMappedLater) {
    const std::uint64_t written = 0x5A5A;
    k.store.write(kBase + (kSize - 8), &written, sizeof written);
    EXPECT_EQ(k.time([&] { EXPECT_GE(k.open("/dev/egm4"), 0); }) / 1'000'000'000, kScrubPs / 1'000'000'000);
    std::uint64_t read = 1;
    k.store.read(kBase + (kSize - 8), &read, sizeof read);
    EXPECT_EQ(read, 0u);
}

TEST_P(EveryShape, MappedMemoryIsBasePagesWithoutStructPage) {
    const auto fd = k.open("/dev/egm4");
    const auto at = u64(k.map_file(fd, kGiB));
    EXPECT_EQ(k.sys.host({at})->spa, kBase);
    EXPECT_EQ(k.sys.host({at})->block_bytes, k.page);
}

TEST_P(EveryShape, UnknownRequestIsEinvalAndMissingBufferEfault) {
    const auto fd = k.open("/dev/egm4");
    uapi::EgmRetiredPagesList header{.argsz = 8};
    EXPECT_EQ(k.ioctl(fd, 0x4567, &header), -EINVAL);
    EXPECT_EQ(k.ioctl(fd, uapi::kEgmRetiredPagesList, nullptr), -EFAULT);
    // D looks at the request before the buffer, the others read the header first.
    EXPECT_EQ(k.ioctl(fd, 0x4567, nullptr), GetParam() == EgmShape::kD ? -EINVAL : -EFAULT);
    header.argsz = 7;
    EXPECT_EQ(k.ioctl(fd, uapi::kEgmRetiredPagesList, &header), -EINVAL);
}

TEST_P(EveryShape, MmapKeepsToTheCarveoutOnlySinceShapeC) {
    const bool bounded = GetParam() >= EgmShape::kC;
    const auto fd = k.open("/dev/egm4");
    EXPECT_EQ(k.map_file(fd, kSize + k.page) > 0, !bounded);
    EXPECT_EQ(k.map_file(fd, k.page, kSize) > 0, !bounded);
    if (bounded) {
        EXPECT_EQ(k.map_file(fd, kSize + k.page), -EINVAL);
        EXPECT_EQ(k.map_file(fd, k.page, kSize), -EINVAL);
    }
}

TEST_P(EveryShape, MmapOffsetCountsOnlySinceShapeC) {
    const auto fd = k.open("/dev/egm4");
    const auto at = u64(k.map_file(fd, k.page, kGiB));
    EXPECT_EQ(k.sys.host({at})->spa, GetParam() >= EgmShape::kC ? kBase + kGiB : kBase);
}

TEST_P(EveryShape, OffsetBeyondATebibyteWrapsInCAndDOnly) {
    const auto fd = k.open("/dev/egm4");
    const auto at = k.map_file(fd, k.page, egm::kTiB + kGiB);
    if (GetParam() == EgmShape::kE1 || GetParam() == EgmShape::kE2) {
        EXPECT_EQ(at, -EINVAL);
    } else {
        EXPECT_EQ(k.sys.host({u64(at)})->spa, GetParam() >= EgmShape::kC ? kBase + kGiB : kBase);
    }
}

TEST_P(EveryShape, SecondOpenAnswersAsItsDriverDoes) {
    ASSERT_GE(k.open("/dev/egm4"), 0);
    const auto second = k.open("/dev/egm4");
    switch (GetParam()) {
    case EgmShape::kC:
    case EgmShape::kD:
    case EgmShape::kE2:
        EXPECT_EQ(second, -EBUSY);
        break;
    case EgmShape::kA:
    case EgmShape::kE1:
        EXPECT_GT(k.map_file(second, k.page), 0);
        break;
    case EgmShape::kB:
        uapi::EgmRetiredPagesList header{.argsz = 8};
        EXPECT_EQ(k.ioctl(second, uapi::kEgmRetiredPagesList, &header), -EINVAL);
        EXPECT_EQ(k.map_file(second, k.page), -EFAULT);
        EXPECT_THAT(k.sys.kernel_faults(), ElementsAre("mmap by a second opener of /dev/egm4: null pointer"));
        break;
    }
}

TEST_P(EveryShape, SecondOpenDuringTheClearingWaitsOnlyInE1AndE2) {
    InterruptingClock clock;
    models::SparseStore store;
    SimSyscalls sys(host_with(GetParam()), clock, store);
    int second = 0;
    std::uint64_t waited = 0;
    // The model has one thread: what would wait for the first open to end can only be seen to begin waiting.
    struct Waits {};
    clock.meanwhile = [&] {
        const std::uint64_t begin = clock.now;
        clock.meanwhile = [] { throw Waits{}; }; // the waiter's first pause
        try {
            second = static_cast<int>(Kernel::answer(sys.open("/dev/egm4", O_RDWR)));
        } catch (const Waits&) {
            waited = clock.now - begin;
        }
        clock.meanwhile = nullptr;
    };
    EXPECT_GE(sys.open("/dev/egm4", O_RDWR), 0);
    switch (GetParam()) {
    case EgmShape::kA:
    case EgmShape::kB:
        EXPECT_GT(second, 0);
        EXPECT_EQ(waited, 0u);
        break;
    case EgmShape::kC:
    case EgmShape::kD:
        EXPECT_EQ(second, -EBUSY);
        EXPECT_EQ(waited, 0u);
        break;
    default:
        EXPECT_GT(waited, 0u);
    }
}

/// A buffer with room for what the tests retire.
struct Listed {
    uapi::EgmRetiredPagesList header{.argsz = sizeof(Listed)};
    uapi::EgmRetiredPage pages[80]{};
};

std::vector<std::uint64_t> offsets_of(Kernel& k, std::int64_t fd) {
    Listed listed;
    EXPECT_EQ(k.ioctl(fd, uapi::kEgmRetiredPagesList, &listed), 0);
    std::vector<std::uint64_t> offsets;
    for (std::uint32_t i = 0; i < listed.header.count; ++i) {
        EXPECT_EQ(listed.pages[i].size, k.page);
        offsets.push_back(listed.pages[i].offset);
    }
    return offsets;
}

TEST_P(EveryShape, RetiredBlockIsListedPageByPageInEAndByItsFirstPageBefore) {
    auto config = host_with(GetParam());
    config.carveouts[0].retired = {kBase + kGiB};
    Kernel kernel(config);
    const auto offsets = offsets_of(kernel, kernel.open("/dev/egm4"));
    const bool every_page = GetParam() >= EgmShape::kE1;
    EXPECT_EQ(offsets.size(), every_page ? 16u : 1u);
    EXPECT_EQ(*std::min_element(offsets.begin(), offsets.end()), kGiB);
}

TEST_P(EveryShape, RetiredBlocksOutsideAreDroppedInEAndListedWildBefore) {
    auto config = host_with(GetParam());
    config.page_size = 64 * kKiB;
    config.carveouts[0].retired = {{kBase.value - 64 * kKiB}, kBase + kSize};
    Kernel kernel(config);
    const auto offsets = offsets_of(kernel, kernel.open("/dev/egm4"));
    if (GetParam() >= EgmShape::kE1) {
        EXPECT_TRUE(offsets.empty());
    } else {
        EXPECT_THAT(offsets, testing::UnorderedElementsAre(~std::uint64_t{0} - 64 * kKiB + 1, kSize));
    }
}

TEST_P(EveryShape, OnlyE2SortsTheListAndDropsDoubles) {
    auto config = host_with(GetParam(), 64 * kKiB);
    config.carveouts[0].retired = {};
    for (const std::uint64_t block : {40, 3, 27, 9, 3}) {
        config.carveouts[0].retired.push_back(kBase + block * 64 * kKiB);
    }
    Kernel kernel(config);
    const auto offsets = offsets_of(kernel, kernel.open("/dev/egm4"));
    const bool sorted = std::is_sorted(offsets.begin(), offsets.end());
    EXPECT_EQ(sorted, GetParam() == EgmShape::kE2);
    EXPECT_EQ(offsets.size(), GetParam() == EgmShape::kE2 ? 4u : 5u);
}

TEST_P(EveryShape, ShortBufferIsAnsweredZeroOrEnospcWithTheSizeInBoth) {
    auto config = host_with(GetParam(), 64 * kKiB);
    config.carveouts[0].retired = {kBase, kBase + kGiB};
    for (const bool enospc : {false, true}) {
        config.retired_short_buffer_enospc = enospc;
        Kernel kernel(config);
        Listed listed;
        listed.header = {.argsz = 8 + 16, .count = 99};
        EXPECT_EQ(kernel.ioctl(kernel.open("/dev/egm4"), uapi::kEgmRetiredPagesList, &listed), enospc ? -ENOSPC : 0);
        EXPECT_EQ(listed.header.argsz, 8u + 2 * 16);
        EXPECT_EQ(listed.header.count, 0u);
    }
}

TEST_P(EveryShape, BadMemorySignalsItsOwnerAndJoinsTheListWhereThereIsAHook) {
    const auto fd = k.open("/dev/egm4");
    const auto at = u64(k.map_file(fd, kGiB));
    const bool hook = GetParam() != EgmShape::kB && GetParam() != EgmShape::kE2;
    EXPECT_TRUE(k.sys.poison(kBase + (kMiB + 5)));
    EXPECT_TRUE(k.sys.poison(kBase + (kMiB + 6))); // the same page once more
    if (hook) {
        EXPECT_THAT(k.sys.signals(), ElementsAre(egm::Hva{at + kMiB}, egm::Hva{at + kMiB}));
        EXPECT_THAT(offsets_of(k, fd), ElementsAre(kMiB));
    } else {
        EXPECT_TRUE(k.sys.signals().empty());
        EXPECT_TRUE(offsets_of(k, fd).empty());
    }
    EXPECT_FALSE(k.sys.poison(kBase + kSize)) << "no carveout there";
}

TEST_P(EveryShape, BadMemoryThatNobodyMapsSignalsNobody) {
    const auto fd = k.open("/dev/egm4");
    k.map_file(fd, kGiB);
    EXPECT_TRUE(k.sys.poison(kBase + 2 * kGiB));
    EXPECT_TRUE(k.sys.signals().empty());
    EXPECT_TRUE(offsets_of(k, fd).empty());
}

TEST_P(EveryShape, SysfsNamesTheGpusInTheDriversWay) {
    std::vector<std::string> names;
    ASSERT_EQ(k.sys.list_directory("/sys/class/egm/egm4", names), 0);
    const auto has = [&](const char* name) { return std::count(names.begin(), names.end(), name) == 1; };
    EXPECT_EQ(k.text("/sys/class/egm/egm4/egm_size"), "0x100000000\n");
    const bool a = GetParam() == EgmShape::kA;
    EXPECT_EQ(has("gpu_devices"), a);
    EXPECT_EQ(has("0008:01:00.0"), !a);
    EXPECT_EQ(has("0009:01:00.0"), !a);
    EXPECT_EQ(has("device"), GetParam() >= EgmShape::kB && GetParam() <= EgmShape::kD);
    if (a) {
        EXPECT_EQ(k.text("/sys/class/egm/egm4/gpu_devices"), "0008:01:00.0\n0009:01:00.0\n");
        EXPECT_EQ(k.text("/sys/bus/pci/devices/0009:01:00.0/egm4/egm_size"), "0x100000000\n") << "through the link";
    } else {
        EXPECT_EQ(k.text("/sys/class/egm/egm4/0009:01:00.0/device"), "0x2941\n") << "through the link";
    }
    std::string target;
    ASSERT_EQ(k.sys.readlink("/sys/class/egm/egm4/subsystem", target), 0);
    EXPECT_EQ(k.text("/sys/class/egm/egm4/subsystem/egm4/dev"), "511:4\n") << "and back";
    if (has("device")) {
        ASSERT_EQ(k.sys.readlink("/sys/class/egm/egm4/device", target), 0);
        EXPECT_TRUE(target.ends_with("nvgrace_gpu_vfio_pci.egm.4"));
        names.clear();
        EXPECT_EQ(k.sys.list_directory("/sys/class/egm/egm4/device/egm", names), 0);
        EXPECT_THAT(names, ElementsAre("egm4"));
    }
}

TEST_P(EveryShape, NodesComeWithTheGpusDriverInAToDAndWithTheModuleInE) {
    auto config = host_with(GetParam());
    config.gpus[0].bound = false;
    {
        Kernel kernel(config);
        EXPECT_GE(kernel.open("/dev/egm4"), 0) << "one GPU of the socket is enough";
    }
    config.gpus[1].bound = false;
    Kernel kernel(config);
    EXPECT_EQ(kernel.open("/dev/egm4") >= 0, GetParam() >= EgmShape::kE1);
    EXPECT_EQ(kernel.open("/dev/vfio/7"), -ENOENT) << "no VFIO driver has the GPU";
}

INSTANTIATE_TEST_SUITE_P(Egm, EveryShape,
                         testing::Values(EgmShape::kA, EgmShape::kB, EgmShape::kC, EgmShape::kD, EgmShape::kE1,
                                         EgmShape::kE2),
                         shape_name);

TEST(CountedOpens, KeepTheCarveoutUntilTheLastIsClosed) {
    for (const EgmShape shape : {EgmShape::kA, EgmShape::kB, EgmShape::kE1}) {
        Kernel k(host_with(shape));
        const auto first = k.open("/dev/egm4");
        const auto second = k.open("/dev/egm4");
        k.close(first);
        EXPECT_LT(k.time([&] { k.close(k.open("/dev/egm4")); }), kScrubPs) << "still held, so not cleared";
        k.close(second);
        EXPECT_GE(k.time([&] { k.open("/dev/egm4"); }), kScrubPs);
    }
}

TEST(EgmShapeA, MmapLeavesThePfnInThePageOffsetInItsLaterForm) {
    // What vm_pgoff holds decides the KVM block: HVA, IPA and SPA congruent modulo 2 MiB but off by 1 MiB.
    for (const bool late : {false, true}) {
        auto config = host_with(EgmShape::kA);
        config.egm_a_pgoff_is_pfn = late;
        config.carveouts[0].range.begin = kBase + kMiB;
        Kernel k(config);
        const auto fd = k.open("/dev/egm4");
        const std::uint64_t at = 0x7000'0000'0000 + kMiB;
        ASSERT_EQ(u64(k.map_file(fd, kGiB, 0, at)), at);
        const auto vm = k.ioctl_value(k.open("/dev/kvm"), uapi::kKvmCreateVm, 0);
        uapi::KvmUserspaceMemoryRegion slot{0, 0, kGiB + kMiB, kGiB, at};
        ASSERT_EQ(k.ioctl(vm, uapi::kKvmSetUserMemoryRegion, &slot), 0);
        EXPECT_EQ(k.sys.stage2(static_cast<int>(vm), {kGiB + 8 * kMiB})->block_bytes, late ? 2 * kMiB : 4 * kKiB);
    }
}

struct ExportTest : testing::Test {
    Kernel k{host_with(EgmShape::kD)};
    std::int64_t fd = k.open("/dev/egm4");
    struct {
        uapi::EgmExportDmabuf head{.argsz = sizeof(head) + sizeof(pieces), .nr_ranges = 1, .open_flags = O_RDWR};
        uapi::EgmDmabufRange pieces[2]{{0, kMiB}, {kGiB, kMiB}};
    } want;
    std::int64_t run() { return k.ioctl(fd, uapi::kEgmExportDmabuf, &want); }
};

TEST_F(ExportTest, PiecesOfTheCarveoutBecomeAFile) {
    EXPECT_GE(run(), 0);
    want.head.nr_ranges = 2;
    EXPECT_GE(run(), 0);
    want.pieces[1] = {kSize - kMiB, kMiB};
    EXPECT_GE(run(), 0) << "up to the last byte";
}

TEST_F(ExportTest, WrongPiecesAreRefusedEachWithItsErrno) {
    EXPECT_EQ(k.ioctl(fd, uapi::kEgmExportDmabuf, nullptr), -EFAULT);
    want.head.flags = 1;
    EXPECT_EQ(run(), -EINVAL);
    want.head.flags = 0;
    want.head.nr_ranges = 0;
    EXPECT_EQ(run(), -EINVAL);
    want.head.nr_ranges = 1;
    for (const uapi::EgmDmabufRange piece :
         {uapi::EgmDmabufRange{0, 0}, {1, k.page}, {0, k.page + 1}, {kSize, k.page}, {0, kSize + k.page}}) {
        want.pieces[0] = piece;
        EXPECT_EQ(run(), -EINVAL) << piece.offset << " " << piece.length;
    }
    want.pieces[0] = {kMaxU64 - k.page + 1, k.page};
    EXPECT_EQ(run(), -EOVERFLOW);
}

TEST_F(ExportTest, OtherShapesDoNotKnowTheRequest) {
    Kernel e2;
    EXPECT_EQ(e2.ioctl(e2.open("/dev/egm4"), uapi::kEgmExportDmabuf, &want), -EINVAL);
}

TEST_F(ExportTest, TheFileKeepsNothingOpenAndAnswersNoRead) {
    const auto buffer = run();
    char byte = 0;
    EXPECT_EQ(Kernel::answer(k.sys.pread(static_cast<int>(buffer), &byte, 1, 0)), -EINVAL);
    k.close(fd);
    EXPECT_GE(k.open("/dev/egm4"), 0);
}

} // namespace
} // namespace test
