// The programs of bench_crossings: do they carry the same traffic?
//
// A bare loop, plain SystemC without and with credits, plain TLM-2.0 and our models each count the crossings of the
// same packets. Events of one instant have an order of its own in each, and in our models inputs take turns; so the
// last answer comes at about the same time, not at the same.
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bench/crossings.h"

namespace {

using bench::Outcome;
using bench::Work;

/// In a process of its own: a SystemC kernel cannot be reset.
Outcome outcome(Outcome (*cross)(const Work&), const Work& work) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const Outcome mine = cross(work);
        _exit(write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    close(ends[1]);
    Outcome theirs;
    EXPECT_EQ(read(ends[0], &theirs, sizeof theirs), ssize_t{sizeof theirs});
    close(ends[0]);
    int status = -1;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    return theirs;
}

struct CrossingsAgreeTest : testing::TestWithParam<unsigned> {
    const Work work{.hosts = 8, .window = 32, .round_trips = 4'000, .buffer_bytes = GetParam()};
};

INSTANTIATE_TEST_SUITE_P(, CrossingsAgreeTest, testing::Values(450'000, 0),
                         [](const auto& info) { return info.param != 0 ? "WithBuffers" : "WithoutBuffers"; });

TEST_P(CrossingsAgreeTest, OnCrossingsAndOnWhenTheLastAnswerComes) {
    const Outcome bare = outcome(bench::cross_with_bare_loop, work);
    EXPECT_EQ(bare.crossings, 4 * work.round_trips);
    const std::pair<const char*, Outcome> others[] = {
        {"plain SystemC", outcome(bench::cross_with_plain_systemc, work)},
        {"plain SystemC with credits", outcome(bench::cross_with_plain_credits, work)},
        {"plain TLM-2.0", outcome(bench::cross_with_plain_tlm, work)},
        {"models", outcome(bench::cross_with_models, work)}};
    for (const auto& [name, one] : others) {
        EXPECT_EQ(one.crossings, bare.crossings) << name;
        EXPECT_NEAR(double(one.finished) / double(bare.finished), 1, 0.02) << name;
    }
}

} // namespace
