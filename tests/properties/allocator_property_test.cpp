// Region allocator: does it do in any order of calls what the plainest one would?

#include <gtest/gtest.h>

#include "allocator_run.h"
#include "search.h"

namespace properties {
namespace {

constexpr const char* kProperty = "allocator";
constexpr int kShares = 4; ///< run side by side
constexpr std::uint64_t kOperations = 10'000'000;

Check check() {
    return [](const Sequence& sequence) { return run_on_allocator(sequence); };
}

struct AllocatorPropertyTest : testing::TestWithParam<int> {};

TEST_P(AllocatorPropertyTest, AgreesWithTheOracle) {
    search(kProperty, check(), first_seed(std::uint64_t(GetParam()) * kOperations), operations(kOperations) / kShares,
           200, kAllocatorKinds);
}
INSTANTIATE_TEST_SUITE_P(Share, AllocatorPropertyTest, testing::Range(0, kShares));

TEST(AllocatorReplayTest, TheSequenceOfTheEnvironmentPasses) {
    if (!replay(kProperty, check()))
        GTEST_SKIP() << "EGMSIM_SEQUENCE has no sequence for this property";
}

} // namespace
} // namespace properties
