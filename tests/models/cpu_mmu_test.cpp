// CpuMmu: what does a core's translation cost, native and nested?
//
// Caches of 64 KiB, 1 MiB and 100 MiB that answer in 1, 5 and 40 ns; leaf tables have 8 bytes a page, and half a cache.
#include <gtest/gtest.h>

#include "models/cpu_mmu.h"
#include "tests/models/fixed_mapping.h"

namespace {

using models::Mapping;
using models::Picoseconds;
using test::FixedMapping;

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;

struct CpuMmuTest : testing::Test, models::Translator::Client {
    static models::CpuSpec spec() {
        models::CpuSpec spec;
        spec.core_latency = 20'000;
        spec.fabric_latency = 10'000;
        spec.caches = {{"L1", 64 * kKiB, 1'000}, {"L2", kMiB, 5'000}, {"L3", 100 * kMiB, 40'000}};
        spec.tlb_entries = 16;
        return spec;
    }
    void translated(void*) override { ADD_FAILURE() << "a core's MMU answers at once"; }

    Picoseconds translate(const Mapping& mapping, std::uint64_t offset, unsigned worker = 0) {
        return *mmu.translate(mapping, *mapping.at(offset), worker, *this, nullptr);
    }
    Picoseconds walk(std::uint64_t working_set, std::uint64_t page, std::uint64_t block = 0) const {
        return mmu.walk(working_set, {0, 0, page, block});
    }

    models::CpuMmu mmu{spec()};
};

TEST_F(CpuMmuTest, HitIsFreeAndMissWalks) {
    const FixedMapping memory(1, Mapping::Tables::kOwn, 64 * kKiB);
    mmu.set_working_set(1, kGiB); // 16384 pages: 128 KiB of leaves, in the L2
    EXPECT_EQ(translate(memory, 0), 5'000u);
    EXPECT_EQ(translate(memory, 64 * kKiB - 1), 0u);
    EXPECT_EQ(translate(memory, 64 * kKiB), 5'000u);
    EXPECT_EQ(mmu.counts().lookups, 3u);
    EXPECT_EQ(mmu.counts().misses, 2u);
}

TEST_F(CpuMmuTest, WalkReadsTheLeavesFromTheSmallestCacheThatHoldsThem) {
    EXPECT_EQ(walk(256 * kMiB, 64 * kKiB), 1'000u); // 4096 pages, 32 KiB: just half of the L1
    EXPECT_EQ(walk(256 * kMiB + 64 * kKiB, 64 * kKiB), 5'000u);
    EXPECT_EQ(walk(4 * kGiB, 64 * kKiB), 5'000u); // 512 KiB: half of the L2
    EXPECT_EQ(walk(32 * kGiB, 64 * kKiB), 40'000u);
    EXPECT_EQ(walk(400 * kGiB, 4 * kKiB), 130'000u); // in no cache: core, fabric and 100 ns of DRAM
}

TEST_F(CpuMmuTest, NestedWalkAddsTwoReadsOfStage2) {
    // 32 GiB in 2 MiB blocks: 16384 entries, 128 KiB of leaves, in the L2
    EXPECT_EQ(walk(32 * kGiB, 2 * kMiB, 2 * kMiB), 5'000u + 2 * 5'000u);
    // stage 1 in 64 KiB pages: 4 MiB of leaves, in the L3
    EXPECT_EQ(walk(32 * kGiB, 64 * kKiB, 2 * kMiB), 40'000u + 2 * 5'000u);
}

TEST_F(CpuMmuTest, FewBlocksStayInTheWalkCaches) {
    EXPECT_EQ(walk(64 * kGiB, 2 * kMiB, kGiB), 5'000u);              // 64 blocks
    EXPECT_EQ(walk(65 * kGiB, 2 * kMiB, kGiB), 5'000u + 2 * 1'000u); // 65
}

TEST_F(CpuMmuTest, NestedTlbEntryCoversTheSmallerOfPageAndBlock) {
    const FixedMapping guest(1, Mapping::Tables::kOwn, 2 * kMiB, 64 * kKiB);
    translate(guest, 0);
    EXPECT_EQ(translate(guest, 64 * kKiB - 1), 0u);
    EXPECT_NE(translate(guest, 64 * kKiB), 0u);
}

TEST_F(CpuMmuTest, EachCoreHasItsOwnTlb) {
    const FixedMapping memory(1, Mapping::Tables::kOwn, 64 * kKiB);
    EXPECT_NE(translate(memory, 0, 0), 0u);
    EXPECT_NE(translate(memory, 0, 1), 0u);
    EXPECT_EQ(translate(memory, 0, 0), 0u);
}

TEST_F(CpuMmuTest, WarmTlbHoldsAWorkingSetThatFits) {
    const FixedMapping memory(1, Mapping::Tables::kOwn, 64 * kKiB);
    mmu.warm(memory, 16 * 64 * kKiB, 2);
    for (std::uint64_t page = 0; page < 16; ++page) {
        EXPECT_EQ(translate(memory, page * 64 * kKiB, 1), 0u);
    }
    mmu.flush();
    EXPECT_NE(translate(memory, 0, 1), 0u);
}

} // namespace
