// Smmu: how long does a translation request take, one stage and two, and what waits for a walker?
//
// 10 ns to a TLB hit, 100 ns for each page-table access.
#include "tests/models/ends.h"
#include "tests/models/fixed_mapping.h"
#include "tests/models/sim_test.h"

#include <memory>

#include "models/smmu.h"

namespace {

constexpr std::uint64_t kPage = 64 * 1024, kBlock = 2 * 1024 * 1024;

struct SmmuTest : SimTest {
    std::unique_ptr<models::Smmu> smmu;
    test::Asker gpu{"gpu", events, packets};

    void build(unsigned walkers) {
        const models::SmmuSpec spec{
            .tlb_entries = 64, .tlb_latency = 10'000, .walkers = walkers, .walk_access = 100'000};
        smmu = std::make_unique<models::Smmu>("smmu", events, spec, std::vector<std::string>{"gpu"});
        models::Component::join(gpu, 0, *smmu, 0);
    }
    void ask(std::uint64_t address, std::uint64_t block = 0, std::uint32_t space = 1) {
        auto& payload = gpu.read(8, address);
        auto* request = payload.get_extension<models::TranslationRequest>();
        if (request == nullptr) {
            payload.set_extension(request = new models::TranslationRequest);
        }
        request->space = space;
        request->page = address / kPage;
        request->virtual_address = address;
        request->block_bytes = block;
        gpu.send(payload);
    }
    /// Asks one after another, 10 us apart; how long each took.
    std::vector<Picoseconds> ask_in_turn(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& asked) {
        simulate([&] {
            for (std::size_t i = 0; i < asked.size(); ++i) {
                wait_until(ns(10'000) * i);
                ask(asked[i].first, asked[i].second);
            }
        });
        std::vector<Picoseconds> took;
        for (std::size_t i = 0; i < gpu.replies.size(); ++i) {
            took.push_back(gpu.replies[i].last - ns(10'000) * i);
        }
        return took;
    }
};

TEST_F(SmmuTest, MissOfOneStageIsOneAccessAndAHitNone) {
    build(4);
    EXPECT_THAT(ask_in_turn({{0, 0}, {kPage - 1, 0}, {kPage, 0}}),
                testing::ElementsAre(ns(10 + 100), ns(10), ns(10 + 100)));
}

TEST_F(SmmuTest, NestedMissReadsStage2ForTheTableAndForThePage) {
    build(4);
    EXPECT_THAT(ask_in_turn({
                    {0, kBlock},      // stage 1, and stage 2 for its table and for the page
                    {kPage, kBlock},  // both blocks are held by now
                    {kBlock, kBlock}, // the table's is, the page's is another
                }),
                testing::ElementsAre(ns(10 + 3 * 100), ns(10 + 100), ns(10 + 2 * 100)));
}

TEST_F(SmmuTest, MissWaitsForAWalker) {
    build(2);
    simulate([&] {
        for (std::uint64_t page = 0; page < 5; ++page) {
            ask(page * kPage);
        }
        ask(0); // a hit by now needs no walker
    });
    EXPECT_EQ(gpu.replies[1].last, ns(10 + 100));
    EXPECT_EQ(gpu.replies[2].last, ns(10 + 200));
    EXPECT_EQ(gpu.replies[4].last, ns(10 + 300));
    EXPECT_EQ(gpu.replies[5].last, ns(10));
    EXPECT_EQ(smmu->walkers().busy_until(ns(1e6)), ns(5 * 100 / 2.)); // of both together
}

TEST_F(SmmuTest, AddressSpacesDoNotShareTranslations) {
    build(4);
    simulate([&] {
        ask(0, 0, 1);
        ask(0, 0, 2);
    });
    EXPECT_EQ(gpu.replies[1].last, ns(10 + 100));
}

TEST_F(SmmuTest, WarmTlbHitsAndAFlushedOneWalksBothStages) {
    build(4);
    const test::FixedMapping guest(1, models::Mapping::Tables::kSmmu, kPage, kBlock);
    smmu->warm(guest, 8 * kPage);
    simulate([&] {
        ask(7 * kPage, kBlock);
        wait_until(ns(1000));
        smmu->flush();
        ask(7 * kPage, kBlock);
    });
    EXPECT_EQ(gpu.replies[0].last, ns(10));
    EXPECT_EQ(gpu.replies[1].last, ns(1000 + 10 + 3 * 100));
}

} // namespace
