// State on a real file system: is a valid state there whenever its writer is killed?

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "egm/address.h"
#include "egm/allocator_state.h"
#include "egm/linux/linux_syscalls.h"

namespace egm {
namespace {

const std::vector<CarveoutInfo> kCarveouts = {{.pxm = 4, .device_path = "/dev/egm4", .size = 100 * kGiB}};
constexpr std::uint64_t kPage = 64 * kKiB;

struct StateKillTest : testing::Test {
    std::string directory = (std::filesystem::temp_directory_path() / "egm-state-XXXXXX").string();
    std::string path;

    void SetUp() override {
        ASSERT_TRUE(mkdtemp(directory.data())) << directory;
        path = directory + "/allocator";
    }
    ~StateKillTest() override {
        std::error_code ignored;
        std::filesystem::remove_all(directory, ignored);
    }

    /// Adds a region to the state, over and over, and tells so each time. Never comes back.
    [[noreturn]] void write_on(int told) {
        LinuxSyscalls syscalls;
        for (;;) {
            auto claim = FileClaim::take(syscalls, path);
            if (!claim)
                _exit(1);
            auto allocator = load_allocator(syscalls, path, kCarveouts, kPage, {});
            if (!allocator)
                _exit(2);
            const std::string owner = "vm" + std::to_string(allocator->next_id());
            if (!allocator->allocate(
                    {.owner = owner, .pxm = 4, .size = kPage, .fixed_offset = false, .gpu_visible = false}))
                _exit(3);
            if (!save_allocator(*claim, *allocator) || write(told, "w", 1) != 1)
                _exit(4);
        }
    }
};

TEST_F(StateKillTest, AWriterKilledAtAnyMomentLeavesAValidStateAndNoBlock) {
    LinuxSyscalls syscalls;
    int regions = 0;
    constexpr int kKills = 50;
    for (int i = 0; i < kKills; ++i) {
        int told[2];
        ASSERT_EQ(pipe(told), 0);
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0)
            write_on(told[1]);
        close(told[1]);
        char once = 0;
        ASSERT_EQ(read(told[0], &once, 1), 1) << "the writer gave up";
        const timespec pause{0, 317'000L * i}; // up to 16 ms: each time at another point of its loop
        nanosleep(&pause, nullptr);
        ASSERT_EQ(kill(child, SIGKILL), 0);
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status)) << "the writer gave up with " << WEXITSTATUS(status);
        close(told[0]);

        const auto state = load_allocator(syscalls, path, kCarveouts, kPage, {});
        ASSERT_TRUE(state) << state.error().message();
        ASSERT_GT(state->next_id(), regions) << "what the writer had written is lost";
        regions = state->next_id();
        ASSERT_EQ(state->regions().size(), std::size_t(regions));
    }
    // The dead writers' claims block nobody, and go.
    auto claim = FileClaim::take(syscalls, path);
    ASSERT_TRUE(claim) << claim.error().message();
    EXPECT_TRUE(save_allocator(*claim, *load_allocator(syscalls, path, kCarveouts, kPage, {})));
    int files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory))
        ++files;
    EXPECT_EQ(files, 2) << "the state and our claim";
}

TEST_F(StateKillTest, ALivingProcessIsRespected) {
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        LinuxSyscalls syscalls;
        const auto claim = FileClaim::take(syscalls, path);
        const char holds = claim ? 'y' : 'n';
        if (write(told[1], &holds, 1) == 1)
            pause();
        _exit(1);
    }
    char holds = 0;
    ASSERT_EQ(read(told[0], &holds, 1), 1);
    EXPECT_EQ(holds, 'y');
    LinuxSyscalls syscalls;
    const auto refused = FileClaim::take(syscalls, path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error_number, EBUSY);
    EXPECT_NE(refused.error().advice.find("process " + std::to_string(child)), std::string::npos);
    ASSERT_EQ(kill(child, SIGKILL), 0);
    siginfo_t info;
    ASSERT_EQ(waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT), 0); // dead, not yet reaped
    EXPECT_TRUE(FileClaim::take(syscalls, path));
    ASSERT_EQ(waitpid(child, nullptr, 0), child);
    close(told[0]);
    close(told[1]);
}

} // namespace
} // namespace egm
