// A spread leg: do its bursts go to each place in turn, round by round?
//
// Three places at 1, 2 and 3 MiB, told apart by their addresses.
#include "tests/models/engine_bench.h"

#include <algorithm>
#include <array>

namespace {

using models::StreamJob;
using testing::ElementsAre;

constexpr std::uint64_t kMiB = 1 << 20;

/// Memory from `base` on.
struct Place final : models::Mapping {
    explicit Place(std::uint64_t base) : Mapping(static_cast<std::uint32_t>(base / kMiB), Tables::kOwn), base_(base) {}
    std::optional<Leaf> at(std::uint64_t offset) const override {
        return Leaf{base_ + offset, base_ + offset, 4096, 0};
    }

private:
    std::uint64_t base_;
};

struct EngineSpreadTest : EngineBench {
    const Place first{1 * kMiB}, second{2 * kMiB}, third{3 * kMiB};

    models::Leg spread(bool write = false) const {
        models::Leg leg = this->leg(write);
        leg.mapping = &first;
        for (const Place* place : {&second, &third}) {
            models::Leg other = this->leg(write);
            other.mapping = place;
            leg.others.push_back(other);
        }
        return leg;
    }
    /// Of the first packets that the memory saw.
    std::vector<std::uint64_t> addresses(std::size_t count) const {
        std::vector<std::uint64_t> seen;
        for (std::size_t i = 0; i < count; ++i) {
            seen.push_back(memory.arrivals.at(i).address);
        }
        return seen;
    }
};

TEST_F(EngineSpreadTest, EachRoundGoesToEveryPlaceAtTheSameOffset) {
    job.reads = {spread()};
    run(kLatency);
    EXPECT_THAT(addresses(8), ElementsAre(kMiB, 2 * kMiB, 3 * kMiB, kMiB + 64, 2 * kMiB + 64, 3 * kMiB + 64, kMiB + 128,
                                          2 * kMiB + 128));
}

TEST_F(EngineSpreadTest, PlacesGetTheSameShareOverALongRun) {
    job.reads = {spread()};
    job.workers = 5;
    run(300 * kLatency);
    std::array<int, 3> counts{};
    for (const auto& arrival : memory.arrivals) {
        ++counts.at(arrival.address / kMiB - 1);
    }
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()) - *std::min_element(counts.begin(), counts.end()), 1);
}

TEST_F(EngineSpreadTest, AfterTheLastOffsetEachPlaceBeginsAgain) {
    job.reads = {spread()};
    job.reads[0].working_set = 128;
    run(kLatency);
    EXPECT_THAT(addresses(8),
                ElementsAre(kMiB, 2 * kMiB, 3 * kMiB, kMiB + 64, 2 * kMiB + 64, 3 * kMiB + 64, kMiB, 2 * kMiB));
}

TEST_F(EngineSpreadTest, ACopyWritesToOneMemoryWhatItReadsFromMany) {
    job.reads = {spread()};
    job.write = leg(true);
    job.read_window = job.write_window = 64; // one at a time
    run(6 * kLatency);
    EXPECT_THAT(addresses(6), ElementsAre(kMiB, 0, 2 * kMiB, 0, 3 * kMiB, 0));
}

TEST_F(EngineSpreadTest, WorkersWithRangesOfTheirOwnBeginAtDifferentPlaces) {
    job.reads = {spread()};
    job.workers = 3;
    job.shared_cursor = false;
    job.read_window = 64;
    run(kLatency);
    std::vector<std::uint64_t> places;
    for (const std::uint64_t address : addresses(3)) {
        places.push_back(address / kMiB);
    }
    EXPECT_THAT(places, testing::UnorderedElementsAre(1, 2, 3));
}

} // namespace
