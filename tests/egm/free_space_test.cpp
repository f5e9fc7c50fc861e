// Free space: do neighbours merge, and which extent does a request get?

#include "egm/free_space.h"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace egm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr std::array<std::uint64_t, 2> kAlignments{16, 1};
constexpr std::size_t kAligned = 0;
constexpr std::size_t kAnywhere = 1;

struct FreeSpaceTest : testing::Test {
    FreeSpace space{100, kAlignments};
};

TEST_F(FreeSpaceTest, WhatIsTakenFromTheMiddleLeavesBothSides) {
    const FreeSpace::Change change = space.take({40, 10});
    EXPECT_THAT(space.extents(), ElementsAre(Pair(0, 40), Pair(50, 50)));
    EXPECT_THAT(change.gone, ElementsAre(Extent{0, 100}));
    EXPECT_THAT(change.come, ElementsAre(Extent{0, 40}, Extent{50, 50}));
}

TEST_F(FreeSpaceTest, WhatComesBackMergesWithBothNeighbours) {
    space.take({40, 10});
    space.take({60, 10});
    EXPECT_THAT(space.give({40, 10}).come, ElementsAre(Extent{0, 60}));
    const FreeSpace::Change change = space.give({60, 10});
    EXPECT_THAT(change.gone, ElementsAre(Extent{70, 30}, Extent{0, 60}));
    EXPECT_THAT(change.come, ElementsAre(Extent{0, 100}));
    EXPECT_THAT(space.extents(), ElementsAre(Pair(0, 100)));
}

TEST_F(FreeSpaceTest, NothingIsMergedAcrossWhatIsTaken) {
    space.take({40, 10});
    space.take({50, 10});
    space.give({40, 10});
    EXPECT_THAT(space.extents(), ElementsAre(Pair(0, 50), Pair(60, 40)));
}

TEST_F(FreeSpaceTest, TheExtentOfAnOffsetIsTheOneItLiesIn) {
    space.take({40, 10});
    EXPECT_EQ(space.extent_at(39), (Extent{0, 40}));
    EXPECT_FALSE(space.extent_at(40));
    EXPECT_FALSE(space.extent_at(49));
    EXPECT_EQ(space.extent_at(50), (Extent{50, 50}));
    EXPECT_FALSE(space.extent_at(100));
}

TEST_F(FreeSpaceTest, BestFitTakesTheTightestExtentAndTheLowestAmongEquals) {
    space.take({20, 10}); // free: [0, 20)
    space.take({50, 10}); // [30, 50)
    space.take({75, 5});  // [60, 75), [80, 100)
    EXPECT_EQ(space.best_fit(15, kAnywhere), 60u);
    EXPECT_EQ(space.best_fit(16, kAnywhere), 0u);
    EXPECT_EQ(space.best_fit(21, kAnywhere), std::nullopt);
}

TEST_F(FreeSpaceTest, AlignedFitCountsFromTheFirstAlignedByte) {
    space.take({10, 21}); // free: [0, 10) with 10 from 0 on, [31, 100) with 68 from 32 on
    EXPECT_EQ(space.best_fit(11, kAligned), 32u);
    EXPECT_EQ(space.best_fit(68, kAligned), 32u);
    EXPECT_EQ(space.best_fit(69, kAligned), std::nullopt);
    EXPECT_EQ(space.best_fit(69, kAnywhere), 31u);
}

TEST_F(FreeSpaceTest, AnExtentWithoutAnAlignedByteFitsNothing) {
    space.take({0, 33});
    space.take({40, 60}); // free: [33, 40)
    EXPECT_EQ(space.best_fit(1, kAligned), std::nullopt);
    EXPECT_EQ(space.best_fit(7, kAnywhere), 33u);
}

TEST_F(FreeSpaceTest, NothingIsLeftOfACarveoutThatIsTakenWhole) {
    space.take({0, 100});
    EXPECT_THAT(space.extents(), IsEmpty());
    EXPECT_FALSE(space.best_fit(1, kAnywhere));
    EXPECT_FALSE(FreeSpace(0, kAlignments).best_fit(1, kAnywhere));
}

TEST(AlignedPartTest, TheEndOfTheAddressSpaceDoesNotWrap) {
    EXPECT_EQ(aligned_part({~0ull - 10, 10}, 16).size, 0u);
    EXPECT_EQ(aligned_part({~0ull - 20, 20}, 16), (Extent{~0ull - 15, 15}));
}

} // namespace
} // namespace egm
