// Gmmu: what does a GPU's translation cost under its own page tables, and under the CPU's by ATS?
//
// Own tables: 50 ns a walk. ATS: 200 ns to the SMMU and back, where a walk takes 10 + 100 ns; two requests at a time.
#include "tests/models/fixed_mapping.h"
#include "tests/models/sim_test.h"

#include "models/gmmu.h"

namespace {

using models::Mapping;
using test::FixedMapping;

constexpr std::uint64_t kPage = 64 * 1024;

struct GmmuTest : SimTest, models::Translator::Client {
    models::Gmmu gmmu{"gmmu", events, packets, {64, 50'000, 64, 200'000, 2}, true};
    models::Smmu smmu{
        "smmu", events, {.tlb_entries = 1024, .tlb_latency = 10'000, .walkers = 8, .walk_access = 100'000}, {"gpu"}};
    const FixedMapping own{1, Mapping::Tables::kOwn, kPage};
    const FixedMapping system{2, Mapping::Tables::kSmmu, kPage};
    std::vector<Picoseconds> translated_at;

    GmmuTest() { models::Component::join(gmmu, 0, smmu, 0); }

    void translated(void*) override { translated_at.push_back(now()); }
    std::optional<Picoseconds> translate(const Mapping& mapping, std::uint64_t offset) {
        return gmmu.translate(mapping, *mapping.at(offset), 0, *this, nullptr);
    }
};

TEST_F(GmmuTest, OwnTablesCostAWalkOnceAPage) {
    EXPECT_EQ(translate(own, 0), ns(50));
    EXPECT_EQ(translate(own, kPage - 1), 0u);
    EXPECT_EQ(translate(own, kPage), ns(50));
    EXPECT_EQ(gmmu.counts().lookups, 3u);
    EXPECT_EQ(gmmu.counts().misses, 2u);
}

TEST_F(GmmuTest, SystemMemoryAsksTheSmmuOnceAPageAndAllItsAccessesWait) {
    simulate([&] {
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(translate(system, 0), std::nullopt);
        }
    });
    EXPECT_THAT(translated_at, testing::ElementsAre(ns(200 + 110), ns(200 + 110), ns(200 + 110)));
    EXPECT_EQ(gmmu.counts().misses, 1u);
    EXPECT_EQ(translate(system, kPage / 2), 0u); // kept in the ATS cache
}

TEST_F(GmmuTest, NestedTranslationTakesTheStage2AccessesLonger) {
    const FixedMapping guest(3, Mapping::Tables::kSmmu, kPage, 2 * kPage);
    simulate([&] { EXPECT_EQ(translate(guest, 0), std::nullopt); });
    EXPECT_THAT(translated_at, testing::ElementsAre(ns(200 + 10 + 3 * 100)));
}

TEST_F(GmmuTest, RequestsBeyondTheMaximumQueue) {
    simulate([&] {
        for (std::uint64_t i = 0; i < 5; ++i) { // pages apart, so that none is asked for ahead of time
            EXPECT_EQ(translate(system, 10 * i * kPage), std::nullopt);
        }
    });
    const Picoseconds turn = ns(200 + 110);
    EXPECT_THAT(translated_at, testing::ElementsAre(turn, turn, 2 * turn, 2 * turn, 3 * turn));
    EXPECT_EQ(gmmu.blocked_until(now()), 2 * turn);
}

TEST_F(GmmuTest, PageAfterARunIsAskedForAheadOfTime) {
    simulate([&] {
        translate(system, 0);
        wait_until(ns(1000));
        translate(system, kPage); // page 0 is held: page 2 is asked for as well
        wait_until(ns(2000));
        EXPECT_EQ(translate(system, 2 * kPage), 0u);
    });
    EXPECT_THAT(translated_at, testing::ElementsAre(ns(310), ns(1310))); // nobody waited for page 2
}

TEST_F(GmmuTest, WarmAndFlushReachBothTlbs) {
    gmmu.warm(own, 8 * kPage, 1);
    gmmu.warm(system, 8 * kPage, 1);
    EXPECT_EQ(translate(own, 7 * kPage), 0u);
    EXPECT_EQ(translate(system, 3 * kPage), 0u);
    gmmu.flush();
    EXPECT_EQ(translate(own, 7 * kPage), ns(50));
    EXPECT_EQ(gmmu.blocked_until(now()), 0u);
}

} // namespace
