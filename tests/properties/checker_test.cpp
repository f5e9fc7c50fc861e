// The checker: does it find an allocator's errors, and does it say so in the fewest steps?

#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "allocator_run.h"

namespace properties {
namespace {

using egm::Region;
using egm::Result;
using testing::HasSubstr;

/// Gives a region back on paper only.
struct Leaking final : Subject {
    using Subject::Subject;
    Result<void> free(int id) override {
        if (!allocator.regions().contains(id) || freed.contains(id))
            return Subject::free(-1);
        freed.insert(id);
        return {};
    }
    std::set<int> freed;
};

/// Says that it has shrunk.
struct NotShrinking final : Subject {
    using Subject::Subject;
    Result<Region> shrink(int id, std::uint64_t size) override {
        const egm::RegionAllocator before = allocator;
        auto shrunk = Subject::shrink(id, size);
        allocator = before;
        return shrunk;
    }
};

/// Grows although another region lies behind: forgets that region first.
struct Overrunning final : Subject {
    using Subject::Subject;
    Result<Region> grow(int id, std::uint64_t size) override {
        auto grown = Subject::grow(id, size);
        if (grown || grown.error().error_number != ENOSPC)
            return grown;
        return allocator.regions().at(id);
    }
};

/// Forgets the third region of a carveout: three must be there before anything is wrong.
struct Forgetful final : Subject {
    using Subject::Subject;
    Result<std::vector<Region>> allocate_all(std::span<const egm::AllocationRequest> requests) override {
        auto made = Subject::allocate_all(requests);
        if (made && allocator.regions().size() == 3)
            (void)allocator.free(made->back().id);
        return made;
    }
};

/// Tells the guest of no retired memory.
struct Careless final : Subject {
    using Subject::Subject;
    egm::GuestLayout lay_out(const egm::GuestLayoutRequest& request) override {
        egm::GuestLayoutRequest without = request;
        without.nodes.at(0).retired.clear();
        return egm::lay_out_guest(without);
    }
};

struct Found {
    std::size_t steps = 0;
    std::string fault;
    Sequence smallest;
};

template <class Broken>
Found find() {
    const Check check = [](const Sequence& sequence) {
        return run_on_allocator(
            sequence, [](egm::RegionAllocator allocator) { return std::make_unique<Broken>(std::move(allocator)); });
    };
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        const Sequence sequence = random_sequence(seed, 200, kAllocatorKinds);
        if (!check(sequence))
            continue;
        const Sequence smallest = minimise(sequence, check);
        return {smallest.steps.size(), *check(smallest), smallest};
    }
    return {};
}

TEST(CheckerTest, ALeakTakesAnAllocationAndAFree) {
    const Found found = find<Leaking>();
    EXPECT_EQ(found.steps, 2u) << to_text(found.smallest);
    EXPECT_THAT(found.fault, HasSubstr("step 1: "));
}

TEST(CheckerTest, ATailThatIsKeptTakesAnAllocationAndAShrink) {
    const Found found = find<NotShrinking>();
    EXPECT_EQ(found.steps, 2u) << to_text(found.smallest);
}

TEST(CheckerTest, AGrowthThatIsNotRefusedTakesARegionOneBehindItAndAGrow) {
    const Found found = find<Overrunning>();
    EXPECT_LE(found.steps, 3u) << to_text(found.smallest);
    EXPECT_THAT(found.fault, HasSubstr("grow: success, expected ENOSPC"));
}

TEST(CheckerTest, AFaultOfTheThirdRegionTakesThreeAllocations) {
    const Found found = find<Forgetful>();
    EXPECT_LE(found.steps, 3u) << to_text(found.smallest);
    EXPECT_GE(found.steps, 1u) << "one step may allocate on three carveouts";
}

TEST(CheckerTest, RetiredMemoryInTheGuestTakesAListARegionAndALook) {
    const Found found = find<Careless>();
    EXPECT_EQ(found.steps, 3u) << to_text(found.smallest);
    EXPECT_THAT(found.fault, HasSubstr("step 2: the guest has retired memory"));
}

TEST(CheckerTest, TheSoundAllocatorPassesTheSameSequences) {
    for (std::uint64_t seed = 0; seed < 50; ++seed)
        EXPECT_EQ(run_on_allocator(random_sequence(seed, 200, kAllocatorKinds)), std::nullopt) << seed;
}

TEST(SequenceTest, ASeedGivesTheSameSequenceEverywhere) {
    EXPECT_EQ(to_text(random_sequence(1, 2, 16)), "37130 | 11 63635 29121 29115 49997 | 14 34279 18711 52035 26485");
}

TEST(SequenceTest, TextIsReadBack) {
    const Sequence sequence = random_sequence(7, 20, 16);
    EXPECT_EQ(sequence_from(to_text(sequence)), sequence);
    EXPECT_EQ(sequence_from(" 7 "), (Sequence{.setup = 7, .steps = {}}));
    for (const char* text : {"", "x", "1 2", "1 | 2 3", "1 | 1 2 3 4 5 6", "1 |"})
        EXPECT_EQ(sequence_from(text), std::nullopt) << text;
}

TEST(SequenceTest, MinimisingLeavesOnlyWhatMatters) {
    // Fails when a step of kind 3 comes before one of kind 5 whose first argument is at least 10.
    const Check check = [](const Sequence& sequence) -> std::optional<std::string> {
        bool third = false;
        for (const Step& step : sequence.steps) {
            third |= step.kind == 3;
            if (third && step.kind == 5 && step.arguments[0] >= 10)
                return "found";
        }
        return std::nullopt;
    };
    const Sequence smallest = minimise(random_sequence(1, 300, 8), check);
    EXPECT_EQ(smallest.steps, (Steps{{3, {}}, {5, {10, 0, 0, 0}}}));
}

} // namespace
} // namespace properties
