// Durable file: is the old or the new file there, whole, whenever the power fails, a call fails or a process dies?

#include "egm/durable_file.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "file_door.h"

namespace egm {
namespace {

using models::linux::Unsynced;
using test::FileDoor;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kState = "/var/lib/egm/state";

struct DurableFileTest : testing::Test {
    const std::string old_text = std::string(10'000, 'o') + "ld";
    const std::string new_text = std::string(7'000, 'n') + "ew";

    /// A tree with the old file in it, and a process that replaces it.
    struct Machine {
        models::linux::FileTree tree;
        FileDoor door{tree, 11};

        explicit Machine(const std::string& text) {
            tree.add_directory("/var/lib/egm");
            tree.add_file(kState, text);
            door.write_max = 4096;
        }
        Result<void> replace(const std::string& text) {
            auto claim = FileClaim::take(door, kState);
            return claim ? replace_file(*claim, text) : Result<void>(fail(claim.error()));
        }
        std::string read() {
            FileDoor reader(tree, 12);
            const auto text = read_file(reader, kState);
            return text ? text->value_or("(none)") : text.error().message();
        }
        std::vector<std::string> files() {
            std::vector<std::string> names;
            EXPECT_EQ(tree.list("/var/lib/egm", names), 0);
            return names;
        }
    };
};

TEST_F(DurableFileTest, AReplacedFileIsReadBack) {
    Machine machine(old_text);
    EXPECT_EQ(machine.read(), old_text);
    ASSERT_TRUE(machine.replace(new_text));
    EXPECT_EQ(machine.read(), new_text);
    EXPECT_THAT(machine.files(), testing::ElementsAre("state"));
}

TEST_F(DurableFileTest, AMissingFileIsNoError) {
    Machine machine(old_text);
    ASSERT_EQ(machine.tree.unlink(kState), 0);
    EXPECT_EQ(machine.read(), "(none)");
    EXPECT_TRUE(machine.replace(new_text));
    EXPECT_EQ(machine.read(), new_text);
}

TEST_F(DurableFileTest, AFinishedReplacementSurvivesAnyPowerFailure) {
    for (const Unsynced kept : {Unsynced::kLost, Unsynced::kEntriesOnly, Unsynced::kKept}) {
        Machine machine(old_text);
        ASSERT_TRUE(machine.replace(new_text));
        machine.tree.lose_power(kept);
        EXPECT_EQ(machine.read(), new_text);
    }
}

TEST_F(DurableFileTest, APowerFailureAtAnyCallLeavesTheOldOrTheNewFile) {
    bool old_seen = false;
    bool new_seen = false;
    int moments = 0;
    for (const Unsynced kept : {Unsynced::kLost, Unsynced::kEntriesOnly, Unsynced::kKept})
        for (int call = 1;; ++call, ++moments) {
            Machine machine(old_text);
            machine.door.ends_at = call;
            (void)machine.replace(new_text);
            if (machine.door.calls_after_end == 0)
                break;
            machine.tree.lose_power(kept);
            const std::string text = machine.read();
            ASSERT_THAT(text, AnyOf(old_text, new_text)) << "call " << call << ", variant " << int(kept);
            old_seen |= text == old_text;
            new_seen |= text == new_text;
            // The machine starts again, and so does the tool.
            FileDoor later(machine.tree, 99);
            machine.tree.add_text("/proc/sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000001\n");
            auto claim = FileClaim::take(later, kState);
            ASSERT_TRUE(claim) << claim.error().message() << " after call " << call;
            ASSERT_TRUE(replace_file(*claim, "later"));
            EXPECT_EQ(machine.read(), "later");
        }
    EXPECT_TRUE(old_seen && new_seen);
    EXPECT_GT(moments, 3 * 20);
}

TEST_F(DurableFileTest, WhateverCallFailsTheFileIsOldOrNewAndNothingStaysOpen) {
    for (const int error : {EIO, ENOSPC, EINTR})
        for (int call = 1;; ++call) {
            Machine machine(old_text);
            machine.door.fails_at = call;
            machine.door.failing_errno = error;
            const auto replaced = machine.replace(new_text);
            if (machine.door.calls < call)
                break;
            EXPECT_EQ(machine.door.open_files(), 0u) << call;
            const std::string text = machine.read();
            if (replaced)
                EXPECT_EQ(text, new_text) << call;
            else if (replaced.error().advice.find("is in place") == std::string::npos)
                EXPECT_EQ(text, old_text) << call << ": " << replaced.error().message();
            else
                EXPECT_EQ(text, new_text) << call;
            EXPECT_THAT(machine.files(), testing::Not(testing::Contains("state.new"))) << call;
        }
}

TEST_F(DurableFileTest, AFileThatTakesNoBytesIsAnErrorAndNoLoop) {
    Machine machine(old_text);
    machine.door.write_max = 0;
    const auto replaced = machine.replace(new_text);
    ASSERT_FALSE(replaced);
    EXPECT_THAT(replaced.error().message(), HasSubstr("write /var/lib/egm/state.new: the file takes no more bytes"));
    EXPECT_EQ(machine.read(), old_text);
}

TEST_F(DurableFileTest, WhatAKilledProcessLeftAsideIsOverwritten) {
    Machine machine(old_text);
    machine.tree.add_file(std::string(kState) + ".new", std::string(50'000, 'x'));
    ASSERT_TRUE(machine.replace(new_text));
    EXPECT_EQ(machine.read(), new_text);
}

TEST_F(DurableFileTest, TheDirectoryOfAPath) {
    EXPECT_EQ(directory_of("/var/lib/state"), "/var/lib");
    EXPECT_EQ(directory_of("/state"), "/");
    EXPECT_EQ(directory_of("state"), ".");
}

} // namespace
} // namespace egm
