// The logic on the modelled kernel: whatever is done in whatever order and whichever call fails, is everything undone?

#include <memory>

#include <gtest/gtest.h>

#include "kernel_run.h"
#include "search.h"

namespace properties {
namespace {

constexpr const char* kProperty = "kernel";
constexpr int kShares = 2; ///< run side by side
constexpr std::uint64_t kOperations = 1'000'000;

Check check() {
    return [](const Sequence& sequence) { return run_on_kernel(sequence); };
}

/// Passes every call on, but one kind.
struct ForwardingDoor : egm::Syscalls {
    egm::Syscalls& kernel;

    explicit ForwardingDoor(egm::Syscalls& behind) : kernel(behind) {}

    int open(const char* path, int flags) override { return kernel.open(path, flags); }
    int close(int fd) override { return kernel.close(fd); }
    int ioctl(int fd, unsigned long request, void* argument) override { return kernel.ioctl(fd, request, argument); }
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override {
        return kernel.mmap(address, size, protection, flags, fd, offset);
    }
    int munmap(void* address, std::size_t size) override { return kernel.munmap(address, size); }
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override {
        return kernel.pread(fd, into, size, offset);
    }
    std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) override {
        return kernel.pwrite(fd, from, size, offset);
    }
    int fsync(int fd) override { return kernel.fsync(fd); }
    int rename(const char* from, const char* to) override { return kernel.rename(from, to); }
    int unlink(const char* path) override { return kernel.unlink(path); }
    int list_directory(const char* path, std::vector<std::string>& names) override {
        return kernel.list_directory(path, names);
    }
    int readlink(const char* path, std::string& target) override { return kernel.readlink(path, target); }
    std::size_t page_size() override { return kernel.page_size(); }
};

/// Forgets to close.
struct UnclosingDoor final : ForwardingDoor {
    using ForwardingDoor::ForwardingDoor;
    int close(int) override { return 0; }
};

/// Maps the second page of a carveout where the first was asked for.
struct ShiftingDoor final : ForwardingDoor {
    using ForwardingDoor::ForwardingDoor;
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override {
        const std::int64_t shift = fd >= 0 && offset == 0 ? std::int64_t(kernel.page_size()) : 0;
        return kernel.mmap(address, size, protection, flags, fd, offset + shift);
    }
};

/// The smallest sequence that a broken door fails.
template <class Door>
Sequence smallest_failure(std::string& fault) {
    const Check check = [](const Sequence& sequence) {
        return run_on_kernel(sequence, [](egm::Syscalls& kernel) { return std::make_unique<Door>(kernel); });
    };
    for (std::uint64_t seed = 0; seed < 1000; ++seed)
        if (const Sequence sequence = random_sequence(seed, 40, kKernelKinds); check(sequence)) {
            const Sequence smallest = minimise(sequence, check);
            fault = *check(smallest);
            return smallest;
        }
    return {};
}

TEST(KernelCheckerTest, AFileThatIsNotClosedIsFoundInOneStep) {
    std::string fault;
    EXPECT_EQ(smallest_failure<UnclosingDoor>(fault).steps.size(), 1u);
    EXPECT_NE(fault.find("left"), std::string::npos) << fault;
}

TEST(KernelCheckerTest, AShiftedMappingIsFoundInOneStep) {
    std::string fault;
    EXPECT_EQ(smallest_failure<ShiftingDoor>(fault).steps.size(), 1u);
    EXPECT_NE(fault.find("not linear"), std::string::npos) << fault;
}

struct KernelPropertyTest : testing::TestWithParam<int> {};

TEST_P(KernelPropertyTest, NothingIsLeftAndEverythingIsLinear) {
    search(kProperty, check(), first_seed(std::uint64_t(GetParam()) * kOperations), operations(kOperations) / kShares,
           40, kKernelKinds);
}
INSTANTIATE_TEST_SUITE_P(Share, KernelPropertyTest, testing::Range(0, kShares));

TEST(KernelReplayTest, TheSequenceOfTheEnvironmentPasses) {
    if (!replay(kProperty, check()))
        GTEST_SKIP() << "EGMSIM_SEQUENCE has no sequence for this property";
}

} // namespace
} // namespace properties
