// Workloads and traces as data: which graph does an entry become, what do its figures say, and how is a faulty entry or
// trace refused?
#include <algorithm>
#include <fstream>

#include "sim/trace.h"
#include "sim/work.h"
#include "sim/work_figures.h"
#include "sim/work_result.h"
#include "sim/workload.h"
#include "tests/sim/input_test.h"

namespace {

using sim::WorkGraph;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = WorkGraph::Node::Kind;

/// Runs a graph with transfers at so many bytes a nanosecond each, however many there are: nodes wait only for each
/// other.
sim::WorkTimes walk(const WorkGraph& graph, std::uint64_t bytes_per_ns) {
    sim::WorkTimes times;
    const sim::WorkFollowers followers(graph);
    auto missing = followers.waits_for();
    std::vector<models::Picoseconds> ready(graph.nodes().size());
    times.began.resize(graph.nodes().size());
    times.over.assign(graph.nodes().size(), sim::WorkTimes::kNever);
    std::vector<WorkGraph::Index> open;
    for (WorkGraph::Index i = 0; i < graph.nodes().size(); ++i) {
        if (missing[i] == 0) {
            open.push_back(i);
        }
    }
    for (std::size_t next = 0; next < open.size(); ++next) {
        const WorkGraph::Node& node = graph.nodes()[open[next]];
        times.began[open[next]] = ready[open[next]];
        const models::Picoseconds over =
            ready[open[next]] + (node.kind == Kind::kTransfer ? node.bytes / bytes_per_ns * 1000 : node.time);
        times.over[open[next]] = over;
        times.finish = std::max(times.finish, over);
        for (const auto* one = followers.begin(open[next]); one != followers.end(open[next]); ++one) {
            ready[*one] = std::max(ready[*one], over);
            if (--missing[*one] == 0) {
                open.push_back(*one);
            }
        }
    }
    EXPECT_EQ(open.size(), graph.nodes().size()) << "every node begins in the end";
    return times;
}

double value(const sim::Work& work, const sim::WorkTimes& times, const std::string& name) {
    for (const sim::WorkValue& one : sim::work_values(work.figures, times)) {
        if (one.name == name) {
            return one.value;
        }
    }
    ADD_FAILURE() << "no figure " << name;
    return 0;
}

TEST(WorkloadGraphTest, TwoBuffersHideTheFasterOfLoadingAndComputing) {
    // Five layers of 1000 B: a load takes 100 ns (10 B/ns), computing 40 ns (25 GB/s). Loads follow each other; the
    // last layer is computed on after the last load: 5 x 100 + 40.
    sim::DecodeWork plan;
    plan.gpus = {{"gpu", 0, 0}};
    plan.layers = 5;
    plan.layer_bytes = 1000;
    plan.compute_rate = 25e9;
    sim::Work work;
    sim::build_decode(plan, work);
    const auto times = walk(work.graph, 10);
    EXPECT_EQ(times.finish, 540'000u);
    EXPECT_DOUBLE_EQ(value(work, times, "decoded"), 1 / 540e-9);
    EXPECT_NEAR(value(work, times, "SMs compute"), 100 * 5 * 40 / 540., 1e-9);
    // A step's time begins with the computing of its first layer, at 100 ns.
    EXPECT_DOUBLE_EQ(value(work, times, "step, from its first layer on max"), 440);

    // Computing takes 250 ns: it never waits but for the first load: 100 + 5 x 250.
    plan.compute_rate = 4e9;
    sim::Work slow;
    sim::build_decode(plan, slow);
    EXPECT_EQ(walk(slow.graph, 10).finish, 1'350'000u);
}

TEST(WorkloadGraphTest, OneBufferLoadsOnlyWhenItIsFree) {
    sim::DecodeWork plan;
    plan.gpus = {{"gpu", 0, 0}};
    plan.layers = 5;
    plan.layer_bytes = 1000;
    plan.compute_rate = 25e9;
    plan.buffers = 1;
    sim::Work work;
    sim::build_decode(plan, work);
    EXPECT_EQ(walk(work.graph, 10).finish, 5u * 140'000u); // load, compute, load, compute
}

TEST(WorkloadGraphTest, ResidentLayersAreNotLoadedAndExchangesAreWaitedFor) {
    sim::DecodeWork plan;
    plan.gpus = {{"gpu", 0, 1}};
    plan.layers = 10;
    plan.tokens = 2;
    plan.layer_bytes = 1000;
    plan.compute_rate = 100e9; // 10 ns
    plan.resident = 1;
    plan.exchange_bytes = 50; // 5 ns
    sim::Work work;
    sim::build_decode(plan, work);
    EXPECT_EQ(walk(work.graph, 10).finish, 20u * 15'000u);
    plan.resident = 0.5;
    sim::Work half;
    sim::build_decode(plan, half);
    const auto loads = std::count_if(half.graph.nodes().begin(), half.graph.nodes().end(),
                                     [](const auto& node) { return node.kind == Kind::kTransfer && node.path == 0; });
    EXPECT_EQ(loads, 2 * 5);
}

TEST(WorkloadGraphTest, AKvCacheFetchesWhatIsNoHit) {
    sim::KvCacheWork plan;
    plan.gpus = {{{0, 1}}};
    plan.block_bytes = 1000;
    plan.requests = 100;
    plan.concurrency = 4;
    plan.hit_rate = 0.75;
    plan.compute = 20'000;
    sim::Work work;
    sim::build_kv_cache(plan, work);
    unsigned fetches[2] = {};
    for (const auto& node : work.graph.nodes()) {
        if (node.kind == Kind::kTransfer) {
            ++fetches[node.path];
        }
    }
    EXPECT_NEAR(fetches[0] + fetches[1], 25, 1);
    EXPECT_NEAR(fetches[0], fetches[1], 5) << "spread over both memories";
    const auto times = walk(work.graph, 10);
    EXPECT_DOUBLE_EQ(value(work, times, "fetch p50"), 100); // 1000 B at 10 B/ns
    EXPECT_DOUBLE_EQ(value(work, times, "fetched") / value(work, times, "served"), (fetches[0] + fetches[1]) / 100.);
    // 25 requests a slot, one after the other.
    EXPECT_GE(times.finish, 25u * 20'000u);
}

TEST(WorkloadGraphTest, APopularExpertGetsMoreAndEndsLast) {
    sim::MoeWork plan;
    plan.send.assign(4, std::vector<sim::GraphPath>(4));
    for (sim::GraphPath i = 0; i < 16; ++i) {
        plan.send[i / 4][i % 4] = i;
    }
    plan.tokens = 70;
    plan.top_k = 2;
    plan.token_bytes = 100;
    plan.skew = 4;
    plan.compute_rate = 100e9;
    sim::Work work;
    sim::build_moe(plan, work);
    // 140 assignments of each GPU: 80 to expert 0 and 20 to each other, of 100 B. Dispatch of 8000 B: 800 ns; expert 0
    // computes on 4 x 8000 B: 320 ns; and back: 800 ns.
    EXPECT_EQ(walk(work.graph, 10).finish, 1'920'000u);
    std::uint64_t bytes = 0;
    for (const auto& node : work.graph.nodes()) {
        bytes += node.bytes;
    }
    EXPECT_EQ(bytes, 2u * 3u * (8000u + 3u * 2000u)); // there and back, from three others to each
}

TEST(WorkloadGraphTest, ACheckpointIsWrittenInChunks) {
    sim::CheckpointWork plan;
    plan.gpus = {0};
    plan.bytes = 10'500;
    plan.chunk_bytes = 1000;
    sim::Work work;
    sim::build_checkpoint(plan, work);
    EXPECT_EQ(walk(work.graph, 10).finish, 550'000u); // two at a time: five rounds and the rest of half a chunk
}

TEST(WorkFigureTest, QuantilesAreByNearestRank) {
    sim::WorkTimes times;
    sim::WorkFigure figure{sim::WorkFigure::Kind::kSpan, "f", "ns", 0, {}, 9'900};
    for (unsigned i = 0; i < 200; ++i) {
        times.began.push_back(1000);
        times.over.push_back(1000 + 1000 * (i + 1)); // 1 to 200 ns
        figure.spans.emplace_back(i, i);
    }
    times.finish = 1;
    EXPECT_DOUBLE_EQ(sim::work_values({figure}, times).at(0).value, 198);
    figure.of_ten_thousand = 10'000;
    EXPECT_DOUBLE_EQ(sim::work_values({figure}, times).at(0).value, 200);
}

struct WorkloadInputTest : InputTest {
    std::vector<std::string> refusals(const std::string& entry) {
        scenario("scenario: s\nmachine: gh200-quad\ntraffic:\n  - " + entry + "\n");
        return said();
    }
};

TEST_F(WorkloadInputTest, AnEntryBecomesAGroupWithItsPaths) {
    auto loaded =
        scenario("scenario: s\nmachine: gh200-quad\ntraffic:\n"
                 "  - {workload: decode, gpus: \"hopper[0..1]\", layers: 2, layer_size: 1 MiB, compute_rate: "
                 "1 TB/s}\n"
                 "  - {workload: decode, gpus: hopper0, layers: 2, layer_size: 1 MiB, compute_rate: 1 TB/s}\n");
    ASSERT_THAT(said(), ElementsAre());
    ASSERT_EQ(loaded->groups.size(), 2u);
    EXPECT_EQ(loaded->groups[0].name, "decode");
    EXPECT_EQ(loaded->groups[1].name, "decode #2");
    const auto& paths = loaded->groups[0].work->graph.paths();
    ASSERT_EQ(paths.size(), 2u);
    EXPECT_EQ(paths[1].source.part, "grace1");
    EXPECT_EQ(paths[1].source.kind, sim::MemoryName::Kind::kEgm);
    EXPECT_EQ(paths[1].engine, sim::Engine::kCopyEngine);
}

TEST_F(WorkloadInputTest, FaultsAreSaidInWords) {
    EXPECT_THAT(refusals("{workload: decod, gpus: hopper0}"),
                ElementsAre(HasSubstr("\"decod\" is not known; did you mean \"decode\"?")));
    EXPECT_THAT(refusals("{workload: decode, gpus: hopper9, layers: 2, layer_size: 1 MiB, compute_rate: 1 TB/s}"),
                ElementsAre(HasSubstr("gpus: \"hopper9\" is no GPU of this machine")));
    EXPECT_THAT(refusals("{workload: decode, gpus: hopper0, layers: 2, layer_size: 1 MiB, compute_rate: 1 TB/s, "
                         "exchange: 1 MiB}"),
                ElementsAre(HasSubstr("exchange goes with the other one")));
    EXPECT_THAT(refusals("{workload: kv-cache, gpus: hopper0, block: 1 MiB, requests: 4}"),
                ElementsAre(HasSubstr("memory")));
    EXPECT_THAT(refusals("{workload: checkpoint, gpus: hopper0, size: 1 MiB, memory: [grace0.egm, grace1.egm]}"),
                ElementsAre(HasSubstr("has 2 names for 1 GPUs")));
    EXPECT_THAT(refusals("{workload: moe, gpus: hopper0, tokens: 4, token_size: 1 KiB, compute_rate: 1 TB/s}"),
                ElementsAre(HasSubstr("gpus has one name")));
    EXPECT_THAT(refusals("{workload: decode, gpus: \"hopper[0..3]\", layers: 1000, tokens: 10000, layer_size: 1 MiB, "
                         "compute_rate: 1 TB/s}"),
                ElementsAre(HasSubstr("make it shorter")));
}

struct TraceTest : testing::Test {
    std::string file(const std::string& text) {
        const std::string path =
            testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".csv";
        std::ofstream(path) << text;
        return path;
    }
    std::vector<sim::TraceLine> read(const std::string& text) {
        path = file(text);
        sim::TraceReader reader(path, diagnostics);
        std::vector<sim::TraceLine> lines;
        for (sim::TraceLine line; reader.next(line);) {
            lines.push_back(line);
        }
        for (const auto& one : diagnostics.all()) {
            said.push_back(sim::to_text(one).substr(path.size()));
        }
        return lines;
    }
    std::string path;
    sim::Diagnostics diagnostics;
    std::vector<std::string> said;
};

TEST_F(TraceTest, ColumnsMayStandInAnyOrderAndTimesAreExact) {
    const auto lines = read("# a comment\nop,bytes,initiator,offset,memory,time_us\r\n\n"
                            "read,64,hopper0.sm,128,grace0.egm,1.000001\r\n"
                            "write,1,grace0.cpu,0,grace0.system, 12\n");
    EXPECT_THAT(said, ElementsAre());
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[0].time, 1'000'001u); // 1.000001 us
    EXPECT_EQ(lines[0].path(), "hopper0.sm read grace0.egm");
    EXPECT_EQ(lines[0].offset, 128u);
    EXPECT_EQ(lines[1].time, 12'000'000u);
    EXPECT_EQ(lines[1].number, 5);
}

TEST_F(TraceTest, EveryFaultIsToldWithItsLine) {
    const auto lines = read("time_ns,initiator,op,memory,offset,bytes\n"
                            "5,a,read,m,0,64\n"
                            "4,a,read,m,0,64\n"
                            "6,a,fetch,m,-1,0\n"
                            "1e3,a,read,m,0,64\n"
                            "7.12345,a,read,m,0,64\n"
                            "8,a,read,m,0\n"
                            "9,a,read,m,0,64\n");
    EXPECT_EQ(lines.size(), 2u);
    EXPECT_THAT(said,
                ElementsAre(":3:1: error: its time is before that of the line before; sort the trace by time",
                            ":4:1: error: offset \"-1\" is no whole number",
                            ":4:1: error: bytes 0 is too small; 1 to 1073741824",
                            ":4:1: error: op \"fetch\" is not known; \"read\" or \"write\"",
                            ":5:1: error: time \"1e3\" is no decimal number of so many places; times are exact to a "
                            "picosecond",
                            ":6:1: error: time \"7.12345\" is no decimal number of so many places; times are exact "
                            "to a picosecond",
                            ":7:1: error: has 5 cells, its header 6"));
}

TEST_F(TraceTest, AFaultyHeaderAndAnEmptyFileAreRefused) {
    EXPECT_TRUE(read("time,initiator,op,memory,offset,bytes\n1,a,read,m,0,64\n").empty());
    EXPECT_THAT(said, ElementsAre(HasSubstr(":1:1: error: no trace has a column \"time\"; did you mean \"time_")));
    said.clear();
    diagnostics = {};
    EXPECT_TRUE(read("\n# nothing\n").empty());
    EXPECT_THAT(said, ElementsAre(HasSubstr(":1:1: error: is empty")));
}

TEST_F(TraceTest, AfterAHundredFaultsTheRestIsNotLookedAt) {
    std::string text = "time_ns,initiator,op,memory,offset,bytes\n";
    for (int i = 0; i < 1000; ++i) {
        text += "x\n";
    }
    read(text + std::string(10'000, 'y'));
    EXPECT_EQ(said.size(), 101u);
    EXPECT_THAT(said.back(), HasSubstr("the rest of the trace was not looked at"));
}

} // namespace
