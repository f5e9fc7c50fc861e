// Retired index: how many bytes of a part are retired, from its first byte to its last?

#include "egm/retired_index.h"

#include <gtest/gtest.h>

namespace egm {
namespace {

TEST(RetiredIndexTest, CountsThePartsOfRangesInside) {
    const RetiredIndex index({{10, 5}, {20, 10}, {40, 1}});
    EXPECT_EQ(index.bytes_in(0, 100), 16u);
    EXPECT_EQ(index.bytes_in(0, 10), 0u);
    EXPECT_EQ(index.bytes_in(0, 11), 1u);
    EXPECT_EQ(index.bytes_in(14, 7), 2u);
    EXPECT_EQ(index.bytes_in(15, 5), 0u);
    EXPECT_EQ(index.bytes_in(22, 3), 3u);
    EXPECT_EQ(index.bytes_in(30, 11), 1u);
    EXPECT_EQ(index.bytes_in(41, 10), 0u);
}

TEST(RetiredIndexTest, AgreesWithClipping) {
    const std::vector<RetiredRange> ranges = {{3, 4}, {9, 1}, {12, 8}};
    const RetiredIndex index(ranges);
    for (std::uint64_t offset = 0; offset < 25; ++offset)
        for (std::uint64_t size = 0; size < 25; ++size)
            EXPECT_EQ(index.bytes_in(offset, size), total_bytes(clip(ranges, offset, size))) << offset << " " << size;
}

TEST(RetiredIndexTest, WithoutRangesNothingIsRetired) { EXPECT_EQ(RetiredIndex().bytes_in(0, ~0ull), 0u); }

} // namespace
} // namespace egm
