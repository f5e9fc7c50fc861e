// File claim: does ever more than one process hold it, and does a dead one ever block it?

#include "egm/file_claim.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "file_door.h"

namespace egm {
namespace {

using test::FileDoor;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kState = "/var/lib/egm/state";

struct FileClaimTest : testing::Test {
    models::linux::FileTree tree;
    FileDoor first{tree, 11};
    FileDoor second{tree, 22};

    FileClaimTest() { tree.add_directory("/var/lib/egm"); }

    std::vector<std::string> files() {
        std::vector<std::string> names;
        EXPECT_EQ(tree.list("/var/lib/egm", names), 0);
        return names;
    }
    /// A claim that a process made and never gave back.
    void leave_claim(const std::string& name) { tree.add_file(std::string(kState) + ".claim." + name, ""); }
    std::string refusal() {
        auto claim = FileClaim::take(first, kState);
        return claim ? "(not refused)" : claim.error().message();
    }
    static std::string here(const std::string& rest) { return std::string(FileDoor::kBoot) + ".4026531836." + rest; }
};

TEST_F(FileClaimTest, OnlyOneProcessHasIt) {
    {
        auto claim = FileClaim::take(first, kState);
        ASSERT_TRUE(claim) << claim.error().message();
        EXPECT_THAT(files(), ElementsAre("state.claim." + here("11.111")));
        auto other = FileClaim::take(second, kState);
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().error_number, EBUSY);
        EXPECT_THAT(other.error().message(), HasSubstr("claim /var/lib/egm/state: process 11 is changing it"));
        EXPECT_THAT(files(), ElementsAre("state.claim." + here("11.111"))) << "who withdraws leaves nothing behind";
    }
    EXPECT_THAT(files(), IsEmpty());
    EXPECT_TRUE(FileClaim::take(second, kState));
}

TEST_F(FileClaimTest, TheSameProcessHasItOnce) {
    const auto claim = FileClaim::take(first, kState);
    EXPECT_EQ(refusal(), "EBUSY: claim /var/lib/egm/state: this very process is changing it");
}

TEST_F(FileClaimTest, AMovedClaimIsGivenBackOnce) {
    std::optional<FileClaim> kept;
    {
        auto claim = FileClaim::take(first, kState);
        ASSERT_TRUE(claim);
        kept = std::move(*claim);
    }
    EXPECT_EQ(files().size(), 1u);
    kept.reset();
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(FileClaimTest, NeverDoTwoHaveItHoweverTheirCallsMeet) {
    int calls = 0;
    {
        auto claim = FileClaim::take(first, kState);
        ASSERT_TRUE(claim);
        calls = first.calls;
    }
    int wins = 0;
    for (int stop = 1; stop <= calls; ++stop)
        for (int length = 1; length <= calls; ++length) {
            // The second process does the first `length` of its calls while the first process waits before its call
            // `stop`, and the rest after the first process has finished.
            FileDoor one(tree, 11);
            FileDoor two(tree, 22);
            std::optional<Result<FileClaim>> by_one;
            std::optional<Result<FileClaim>> by_two;
            one.before = [&](int call) {
                if (call != stop || by_two || two.calls != 0)
                    return;
                two.before = [&](int other) {
                    if (other == length + 1 && !by_one) {
                        one.before = [](int) {};
                        by_one.emplace(FileClaim::take(one, kState));
                    }
                };
                by_two.emplace(FileClaim::take(two, kState));
            };
            auto outer = FileClaim::take(one, kState);
            EXPECT_LE(int(outer.has_value()) + int(by_one && by_one->has_value()) + int(by_two && by_two->has_value()),
                      1)
                << stop << " " << length;
            wins += outer.has_value() + (by_two && by_two->has_value());
        }
    EXPECT_GT(wins, 0);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_F(FileClaimTest, ClaimsOfProcessesThatEndedAreRemoved) {
    leave_claim("00000000-0000-4000-8000-000000000000.4026531836.22.122"); // before this boot
    leave_claim(here("33.133"));                                           // no such process
    leave_claim(here("22.121"));                                           // another one had this number
    auto claim = FileClaim::take(first, kState);
    ASSERT_TRUE(claim) << claim.error().message();
    EXPECT_THAT(files(), ElementsAre("state.claim." + here("11.111")));
}

TEST_F(FileClaimTest, AProcessThatOnlyWaitsToBeReapedHasEnded) {
    leave_claim(here("22.122"));
    EXPECT_THAT(refusal(), HasSubstr("process 22"));
    second.set_stat('Z', 122);
    EXPECT_TRUE(FileClaim::take(first, kState));
}

TEST_F(FileClaimTest, AProcessOfAContainerMayBeAlive) {
    leave_claim(std::string(FileDoor::kBoot) + ".4026532000.33.133");
    EXPECT_THAT(refusal(), HasSubstr("remove /var/lib/egm/state.claim." + std::string(FileDoor::kBoot)));
}

TEST_F(FileClaimTest, AnUnknownClaimIsRespected) {
    leave_claim("someone");
    EXPECT_THAT(refusal(), HasSubstr("state.claim.someone, which is no name of ours"));
}

TEST_F(FileClaimTest, ClaimsOfOtherFilesDoNotMatter) {
    tree.add_file("/var/lib/egm/other.claim." + here("22.122"), "");
    EXPECT_EQ(refusal(), "(not refused)");
}

TEST_F(FileClaimTest, AMissingDirectoryIsNamed) {
    auto claim = FileClaim::take(first, "/var/lib/nothing/state");
    ASSERT_FALSE(claim);
    EXPECT_THAT(claim.error().message(), HasSubstr("make the directory /var/lib/nothing first"));
}

TEST_F(FileClaimTest, WhateverCallFailsNothingStaysBehind) {
    for (int n = 1;; ++n) {
        FileDoor door(tree, 44);
        door.fails_at = n;
        bool taken;
        {
            auto claim = FileClaim::take(door, kState);
            taken = claim.has_value();
        }
        EXPECT_EQ(door.open_files(), 0u) << n;
        if (door.calls < n) {
            EXPECT_TRUE(taken);
            break;
        }
        if (taken && door.calls == n && !files().empty()) { // it was the unlink at the end that failed
            EXPECT_EQ(files().size(), 1u);
            EXPECT_EQ(tree.unlink(("/var/lib/egm/" + files()[0]).c_str()), 0);
        }
        EXPECT_THAT(files(), IsEmpty()) << n;
    }
}

} // namespace
} // namespace egm
