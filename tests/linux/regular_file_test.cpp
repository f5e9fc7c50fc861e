// Regular files of the modelled kernel: what is there after a write, and what after a power failure?

#include <cerrno>
#include <string>

#include <fcntl.h>

#include "kernel_test.h"

namespace models::linux {
namespace {

constexpr const char* kFolder = "/var/lib/egm";
constexpr const char* kState = "/var/lib/egm/state";
constexpr const char* kAside = "/var/lib/egm/state.new";

struct RegularFileTest : testing::Test {
    FileTree tree;

    RegularFileTest() {
        tree.add_directory(kFolder);
        tree.add_file(kState, "old");
    }

    std::shared_ptr<File> open(const char* path, int flags) {
        std::shared_ptr<File> file;
        EXPECT_EQ(tree.open(path, flags, file), 0) << path;
        return file;
    }
    void write(const char* path, const std::string& text, bool sync) {
        const auto file = open(path, O_RDWR | O_CREAT | O_TRUNC);
        EXPECT_EQ(file->pwrite(text.data(), text.size(), 0), std::int64_t(text.size()));
        if (sync) {
            EXPECT_EQ(file->fsync(), 0);
        }
    }
    std::string read(const char* path) {
        std::shared_ptr<File> file;
        if (const int error = tree.open(path, O_RDONLY, file); error < 0)
            return error == -ENOENT ? "(none)" : "(error)";
        char text[64];
        return {text, std::size_t(file->pread(text, sizeof text, 0))};
    }
};

TEST_F(RegularFileTest, AWriteIsReadBackAndLeavesTheRestOfTheFile) {
    EXPECT_EQ(open(kState, O_RDWR)->pwrite("L", 1, 1), 1);
    EXPECT_EQ(read(kState), "oLd");
}

TEST_F(RegularFileTest, AWriteBehindTheEndFillsTheGapWithZeros) {
    EXPECT_EQ(open(kState, O_RDWR)->pwrite("x", 1, 5), 1);
    EXPECT_EQ(read(kState), std::string("old\0\0x", 6));
}

TEST_F(RegularFileTest, AFileIsMadeOnceExclusivelyAndOnlyInADirectoryThatExists) {
    std::shared_ptr<File> file;
    EXPECT_EQ(tree.open(kAside, O_RDWR | O_CREAT | O_EXCL, file), 0);
    EXPECT_EQ(tree.open(kAside, O_RDWR | O_CREAT | O_EXCL, file), -EEXIST);
    EXPECT_EQ(tree.open("/nowhere/state", O_RDWR | O_CREAT, file), -ENOENT);
    EXPECT_EQ(tree.open("/var/lib/egm/state/more", O_RDWR | O_CREAT, file), -ENOTDIR);
}

TEST_F(RegularFileTest, ARenameReplacesTheTargetAndAnUnlinkRemovesTheName) {
    write(kAside, "new", true);
    EXPECT_EQ(tree.rename(kAside, kState), 0);
    EXPECT_EQ(read(kState), "new");
    EXPECT_EQ(read(kAside), "(none)");
    EXPECT_EQ(tree.unlink(kState), 0);
    EXPECT_EQ(read(kState), "(none)");
    EXPECT_EQ(tree.unlink(kState), -ENOENT);
}

TEST_F(RegularFileTest, WithoutAnySyncAPowerFailureKeepsTheOldFile) {
    write(kAside, "new", false);
    tree.rename(kAside, kState);
    tree.lose_power(Unsynced::kLost);
    EXPECT_EQ(read(kState), "old");
    EXPECT_EQ(read(kAside), "(none)");
}

TEST_F(RegularFileTest, ARenameOfUnsyncedBytesMayLeaveAnEmptyFile) {
    write(kAside, "new", false);
    tree.rename(kAside, kState);
    tree.lose_power(Unsynced::kEntriesOnly);
    EXPECT_EQ(read(kState), "");
}

TEST_F(RegularFileTest, ASyncedFileUnderAnUnsyncedNameIsOldOrNewButWhole) {
    for (const auto& [kept, expected] : {std::pair{Unsynced::kLost, "old"}, std::pair{Unsynced::kEntriesOnly, "new"}}) {
        tree.add_file(kState, "old");
        write(kAside, "new", true);
        tree.rename(kAside, kState);
        tree.lose_power(kept);
        EXPECT_EQ(read(kState), expected);
    }
}

TEST_F(RegularFileTest, ASyncedDirectoryKeepsTheRename) {
    write(kAside, "new", true);
    tree.rename(kAside, kState);
    EXPECT_EQ(open(kFolder, O_RDONLY | O_DIRECTORY)->fsync(), 0);
    tree.lose_power(Unsynced::kLost);
    EXPECT_EQ(read(kState), "new");
    EXPECT_EQ(read(kAside), "(none)");
}

} // namespace
} // namespace models::linux
