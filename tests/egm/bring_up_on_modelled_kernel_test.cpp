// bring_up on the modelled kernel: do the two agree on every struct, order and errno, and does the mapping do what the
// plan says?

#include "egm/bring_up.h"

#include <cerrno>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/discovery.h"
#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"

namespace egm {
namespace {

using models::linux::KernelConfig;
using models::linux::SimSyscalls;
using testing::HasSubstr;
using testing::IsEmpty;

struct CountingClock final : models::linux::Clock {
    std::uint64_t now = 0; ///< picoseconds
    void pass(std::uint64_t picoseconds) override { now += picoseconds; }
};

struct SilentListener final : StepListener {
    void begin(std::string_view, std::string_view) override {}
    void end() override {}
};

/// Two sockets with a carveout of 447 GiB and one GPU each.
KernelConfig two_superchips(std::uint64_t page_size) {
    KernelConfig config{.page_size = page_size};
    for (int socket = 0; socket < 2; ++socket) {
        const Spa base{0x1000'0000'0000ull * std::uint64_t(socket)};
        const std::string bdf = socket == 0 ? "0009:01:00.0" : "0019:01:00.0";
        config.carveouts.push_back({.pxm = 4 + socket,
                                    .range = {base + 2 * kGiB, 447 * kGiB},
                                    .retired = {base + (3 * kGiB + 0x10000)},
                                    .gpu_bdfs = {bdf}});
        config.host_memory.push_back({base + 449 * kGiB, 31 * kGiB});
        config.gpus.push_back({.bdf = bdf,
                               .iommu_group = 10 + socket,
                               .vfio_index = socket,
                               .device_id = 0x2342,
                               .socket = socket,
                               .hbm = {base + 0x0400'0000'0000, 96 * kGiB}});
    }
    return config;
}

struct ModelledKernelTest : testing::Test {
    CountingClock clock;
    models::SparseStore store;
    std::unique_ptr<SimSyscalls> kernel;
    SilentListener listener;
    VmRequest request{
        .name = "vm0", .vcpus = 144, .regions = {{.pxm = 4}, {.pxm = 5}}, .gpu_bdfs = {"0009:01:00.0", "0019:01:00.0"}};

    void boot(const KernelConfig& config) {
        ASSERT_THAT(models::linux::faults(config), IsEmpty());
        kernel = std::make_unique<SimSyscalls>(config, clock, store);
    }

    Result<VirtualMachine> run() { return bring_up(*kernel, request, listener); }

    Error error() {
        auto vm = run();
        EXPECT_FALSE(vm);
        EXPECT_EQ(kernel->open_state(), SimSyscalls::OpenState{});
        return vm ? Error{} : vm.error();
    }
};

TEST_F(ModelledKernelTest, CarveoutsAreFoundAsConfigured) {
    boot(two_superchips(64 * kKiB));
    auto carveouts = discover(*kernel);
    ASSERT_TRUE(carveouts) << carveouts.error().message();
    ASSERT_EQ(carveouts->size(), 2u);
    EXPECT_EQ((*carveouts)[0].pxm, 4);
    EXPECT_EQ((*carveouts)[0].size, 447 * kGiB);
    EXPECT_THAT((*carveouts)[1].gpu_bdfs, testing::ElementsAre("0019:01:00.0"));
}

TEST_F(ModelledKernelTest, EveryIpaReachesItsByteOfTheCarveout) {
    boot(two_superchips(64 * kKiB));
    {
        auto vm = run();
        ASSERT_TRUE(vm) << vm.error().message();
        for (const GuestRegion& region : vm->regions()) {
            const Spa base{(region.pxm == 4 ? 0 : 0x1000'0000'0000) + 2 * kGiB};
            for (const std::uint64_t offset : {std::uint64_t{0}, kGiB + 0x12340, region.size - 1}) {
                const auto translation = kernel->stage2(vm->vm_fd(), region.ipa + offset);
                ASSERT_TRUE(translation);
                EXPECT_EQ(translation->spa, base + offset);
                EXPECT_EQ(translation->block_bytes, region.largest_block);
                const auto dma = kernel->iommu("0009:01:00.0", Iova{region.ipa.value + offset});
                ASSERT_TRUE(dma);
                EXPECT_EQ(dma->spa, base + offset);
            }
            ASSERT_EQ(region.retired.size(), 1u);
            EXPECT_EQ(region.retired[0], (RetiredRange{kGiB + 0x10000, 0x10000}));
        }
        EXPECT_GT(clock.now, 0u);
    }
    EXPECT_EQ(kernel->open_state(), SimSyscalls::OpenState{});
}

TEST_F(ModelledKernelTest, HistogramIsWhatTheKernelDoes) {
    for (const std::uint64_t page : {4 * kKiB, 64 * kKiB})
        for (const std::uint64_t alignment : {std::uint64_t{0}, 2 * kMiB, 64 * kKiB}) {
            boot(two_superchips(page));
            request.block_alignment = alignment;
            // Sizes that are no multiple of the largest block: both nodes have a tail, and node 1 is misplaced.
            request.regions = {{.pxm = 4, .size = 9 * kGiB + 576 * kMiB}, {.pxm = 5, .size = 5 * kGiB + 64 * kMiB}};
            auto vm = run();
            ASSERT_TRUE(vm) << vm.error().message();
            for (const GuestRegion& region : vm->regions()) {
                std::map<std::uint64_t, std::uint64_t> predicted;
                for (const BlockShare& share : region.blocks)
                    predicted[share.block] = share.blocks();
                EXPECT_EQ(kernel->stage2_blocks(vm->vm_fd(), region.ipa), predicted)
                    << "page " << page << " alignment " << alignment << " egm" << region.pxm;
            }
        }
}

TEST_F(ModelledKernelTest, StrictIommufdEndsWithEfaultAndNamesTheCall) {
    boot(two_superchips(64 * kKiB));
    request.iommu = IommuMode::kIommufdStrict;
    const Error told = error();
    EXPECT_EQ(told.error_number, EFAULT);
    EXPECT_EQ(told.call, "ioctl IOMMU_IOAS_MAP");
    EXPECT_THAT(told.object, HasSubstr("vm0/egm4"));
}

TEST_F(ModelledKernelTest, TolerantIommufdRunsWithoutDma) {
    boot(two_superchips(64 * kKiB));
    request.iommu = IommuMode::kIommufdTolerant;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_EQ(vm->dma_notes().size(), 2u);
    EXPECT_FALSE(kernel->iommu("0009:01:00.0", Iova{vm->regions()[0].ipa.value}));
    EXPECT_TRUE(kernel->stage2(vm->vm_fd(), vm->regions()[0].ipa));
}

TEST_F(ModelledKernelTest, IommufdOfAVendorKernelMapsEgm) {
    KernelConfig config = two_superchips(64 * kKiB);
    config.iommufd_pfnmap_bypass = true;
    boot(config);
    request.iommu = IommuMode::kIommufdStrict;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_THAT(vm->dma_notes(), IsEmpty());
    EXPECT_TRUE(kernel->iommu("0009:01:00.0", Iova{vm->regions()[0].ipa.value}));
}

TEST_F(ModelledKernelTest, SecondVmOnTheSameCarveoutIsRefused) {
    boot(two_superchips(64 * kKiB));
    auto first = run();
    ASSERT_TRUE(first);
    const auto held = kernel->open_state();
    auto second = run();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error_number, EBUSY);
    EXPECT_EQ(second.error().object, "/dev/egm4");
    EXPECT_EQ(kernel->open_state(), held);
}

TEST_F(ModelledKernelTest, GpuOfAnotherVmIsRefusedWithAdvice) {
    boot(two_superchips(64 * kKiB));
    request.require_all_gpus = false;
    request.regions = {{.pxm = 4}};
    auto first = run();
    ASSERT_TRUE(first) << first.error().message();
    for (const IommuMode mode : {IommuMode::kType1, IommuMode::kIommufdTolerant}) {
        request.name = "vm1";
        request.regions = {{.pxm = 5}};
        request.iommu = mode;
        auto second = run();
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error().error_number, EBUSY) << second.error().message();
        EXPECT_THAT(second.error().advice, HasSubstr("another VM holds this GPU"));
    }
}

TEST_F(ModelledKernelTest, GpuWhoseMemoryNeverComesUpEndsWithEtime) {
    KernelConfig config = two_superchips(64 * kKiB);
    config.gpus[1].c2c_ready = false;
    boot(config);
    const Error told = error();
    EXPECT_EQ(told.error_number, ETIME) << told.message();
    EXPECT_THAT(told.advice, HasSubstr("not ready within 30 s"));
    EXPECT_GE(clock.now, 30 * models::linux::kPicosecondsPerSecond);
}

/// Passes every call on and remembers what it was.
struct CallNotingDoor final : Syscalls {
    enum class Kind {
        kClose,
        kLookAtProcess, ///< at another process's open files: it may end meanwhile, so a failure is passed over
        kOther,
    };

    Syscalls& kernel;
    std::vector<Kind> kinds;

    explicit CallNotingDoor(Syscalls& behind) : kernel(behind) {}

    Syscalls& noted(Kind kind = Kind::kOther) {
        kinds.push_back(kind);
        return kernel;
    }
    static Kind kind_of_look(std::string_view path) {
        return path.starts_with("/proc/") ? Kind::kLookAtProcess : Kind::kOther;
    }
    int open(const char* path, int flags) override { return noted().open(path, flags); }
    int close(int fd) override { return noted(Kind::kClose).close(fd); }
    int ioctl(int fd, unsigned long request, void* argument) override { return noted().ioctl(fd, request, argument); }
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override {
        return noted().mmap(address, size, protection, flags, fd, offset);
    }
    int munmap(void* address, std::size_t size) override { return noted().munmap(address, size); }
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override {
        return noted().pread(fd, into, size, offset);
    }
    std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) override {
        return noted().pwrite(fd, from, size, offset);
    }
    int fsync(int fd) override { return noted().fsync(fd); }
    int rename(const char* from, const char* to) override { return noted().rename(from, to); }
    int unlink(const char* path) override { return noted().unlink(path); }
    int list_directory(const char* path, std::vector<std::string>& names) override {
        return noted(kind_of_look(path)).list_directory(path, names);
    }
    int readlink(const char* path, std::string& target) override {
        return noted(kind_of_look(path)).readlink(path, target);
    }
    std::size_t page_size() override { return kernel.page_size(); }
};

TEST_F(ModelledKernelTest, NothingStaysBehindWhateverCallFails) {
    for (const IommuMode mode : {IommuMode::kType1, IommuMode::kIommufdTolerant}) {
        request.iommu = mode;
        boot(two_superchips(64 * kKiB));
        using Kind = CallNotingDoor::Kind;
        std::vector<Kind> kinds;
        {
            CallNotingDoor door(*kernel);
            auto vm = bring_up(door, request, listener);
            ASSERT_TRUE(vm);
            kinds = door.kinds;
        }
        for (std::size_t n = 1; n <= kinds.size(); ++n) {
            // The modelled kernel keeps the descriptor when a close is made to fail; Linux never does, so the logic
            // does not try again.
            if (kinds[n - 1] == Kind::kClose)
                continue;
            boot(two_superchips(64 * kKiB));
            kernel->fail_call(n, EIO);
            {
                const auto vm = run();
                EXPECT_EQ(bool(vm), kinds[n - 1] == Kind::kLookAtProcess) << to_string(mode) << ": call " << n;
            }
            EXPECT_EQ(kernel->open_state(), SimSyscalls::OpenState{}) << to_string(mode) << ": call " << n;
        }
    }
}

TEST_F(ModelledKernelTest, LegacyHostRunsOnOrdinaryMemory) {
    KernelConfig config{.arch = models::linux::HostArch::kX86, .page_size = 4 * kKiB};
    config.host_memory.push_back({Spa{4 * kGiB}, 128 * kGiB});
    config.gpus.push_back(
        {.bdf = "0000:17:00.0", .iommu_group = 3, .device_id = 0x2330, .socket = 0, .coherent = false});
    boot(config);
    request = {.name = "vm0", .vcpus = 32, .gpu_bdfs = {"0000:17:00.0"}, .legacy_memory_bytes = 64 * kGiB};
    {
        auto vm = run();
        ASSERT_TRUE(vm) << vm.error().message();
        EXPECT_TRUE(kernel->iommu("0000:17:00.0", Iova{vm->regions()[0].ipa.value}));
        EXPECT_EQ(kernel->open_state().pinned_bytes, 64 * kGiB);
    }
    EXPECT_EQ(kernel->open_state(), SimSyscalls::OpenState{});
}

} // namespace
} // namespace egm
