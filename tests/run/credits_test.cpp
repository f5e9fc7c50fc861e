// Finite buffers in whole machines: every fabric that we ship carries a saturating load through buffers of two bursts
// and drains, and a machine whose routes can deadlock stands still with an error instead of hanging.
#include "tests/run/program.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "sim/reach_check.h"
#include "sim/runner.h"
#include "sim/scenario_loader.h"

namespace {

using testing::HasSubstr;

struct CreditsRunTest : ProgramTest {
    /// A scenario that is read, but not checked for deadlocks.
    sim::RunResult unchecked(const std::string& topology, const std::string& scenario) {
        sim::MemoryFiles files;
        files.texts["topologies/t.yaml"] = topology;
        files.texts["s.yaml"] = scenario;
        const sim::DiskFiles disk;
        for (const std::string& path : disk.list(EGMSIM_SOURCE_DIR "/topologies/presets")) {
            files.texts["topologies/presets" + path.substr(path.rfind('/'))] = *disk.read(path, diagnostics);
        }
        read = sim::load_scenario("s.yaml", {}, {{"topologies"}, &files}, diagnostics);
        EXPECT_TRUE(read) << sim::to_text(diagnostics.all().front());
        return sim::run_scenario(*read, sim::Fidelity::kTransaction, {});
    }

    sim::Diagnostics diagnostics;
    std::optional<sim::Scenario> read;
};

/// Switches in a ring, with a GPU each: what goes to the switch after next takes two links of one direction.
std::string ring(unsigned switches) {
    return fmt::format("topology: t\n"
                       "egm: false\n"
                       "parts:\n"
                       "  cpu: {{preset: x86}}\n"
                       "  ddr: {{preset: ddr5-4800x8, at: cpu}}\n"
                       "  gpu[0..{0}]: {{preset: h100-sxm}}\n"
                       "  hbm[0..{0}]: {{preset: hbm3-80gb-h100, at: \"gpu{{0}}\"}}\n"
                       "  sw[0..{0}]: {{preset: nvswitch3}}\n"
                       "links:\n"
                       "  pcie[0..{0}]: {{preset: pcie5-x16, a: cpu, b: \"gpu{{0}}\"}}\n"
                       "  nvl[0..{0}]: {{preset: nvlink4, buffer: 2 KiB, a: \"gpu{{0}}\", b: \"sw{{0}}\"}}\n"
                       "  around[0..{1}]: {{preset: nvlink4, buffer: 2 KiB, a: \"sw{{0}}\", b: \"sw{{0+1}}\"}}\n"
                       "  closing: {{preset: nvlink4, buffer: 2 KiB, a: sw{0}, b: sw0}}\n",
                       switches - 1, switches - 2);
}

TEST_F(CreditsRunTest, RoutesInACircleStandStillWithAnErrorThatNamesThePorts) {
    std::string scenario =
        "scenario: s\nmachine: t\nmeasurement: {time_max: 100 us}\ntraffic:\n  - group: g\n    streams:\n";
    for (unsigned i = 0; i < 5; ++i) { // every GPU writes to the one two switches on: each way round is used
        scenario += fmt::format("      - {{from: gpu{0}.ce, op: copy, source: gpu{0}.hbm, target: gpu{1}.hbm}}\n", i,
                                (i + 2) % 5);
    }
    const sim::RunResult result = unchecked(ring(5), scenario);
    const auto& streams = result.settings.at(0).groups.at(0).streams;
    ASSERT_EQ(streams.size(), 5u);
    for (const auto& stream : streams) {
        EXPECT_THAT(stream.fault, HasSubstr("stands still: packets wait for each other for ever, at "));
        EXPECT_THAT(stream.fault, HasSubstr("around0 sw0>sw1"));
    }
}

TEST_F(CreditsRunTest, TheSameRingIsRefusedByCheck) {
    sim::Diagnostics found;
    std::string scenario = "scenario: s\nmachine: t\ntraffic:\n  - group: g\n    streams:\n"
                           "      - {from: gpu0.sm, op: write, target: gpu1.hbm}\n";
    unchecked(ring(5), scenario);
    sim::check_reach(*read, found);
    EXPECT_TRUE(found.has_errors());
}

/// A machine, and GPUs of it on different leaves and nodes, so that every level of its fabrics is crossed both ways.
struct Fabric {
    std::string machine;
    std::vector<std::string> gpus;
};

std::vector<std::string> some(const std::string& stem, std::initializer_list<unsigned> numbers) {
    std::vector<std::string> names;
    for (const unsigned number : numbers) {
        names.push_back(stem + std::to_string(number));
    }
    return names;
}

void PrintTo(const Fabric& fabric, std::ostream* out) { *out << fabric.machine; }

class SaturatedFabricTest : public CreditsRunTest, public testing::WithParamInterface<Fabric> {};

INSTANTIATE_TEST_SUITE_P(, SaturatedFabricTest,
                         testing::Values(Fabric{"gh200-quad", some("hopper", {0, 1, 2, 3})},
                                         Fabric{"gb200-tray", some("blackwell", {0, 1, 2, 3})},
                                         Fabric{"gh200-nvl32", some("hopper", {0, 1, 2, 16, 31})},
                                         Fabric{"gb200-nvl72", some("blackwell", {0, 1, 2, 40, 71})},
                                         Fabric{"dgx-gh200-256", some("hopper", {0, 8, 255})},
                                         Fabric{"nvl576", some("blackwell", {0, 40, 575})},
                                         Fabric{"dgx-a100", some("a100-", {0, 1, 2, 7})},
                                         Fabric{"hgx-h100", some("h100-", {0, 1, 2, 7})}),
                         [](const auto& info) {
                             std::string name = info.param.machine;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST_P(SaturatedFabricTest, DrainsThroughBuffersSmallerThanABurst) {
    const Fabric& fabric = GetParam();
    std::string text = fmt::format("scenario: s\nmachine: {}\nmeasurement: {{time_max: 20 us}}\ntraffic:\n"
                                   "  - group: g\n    streams:\n",
                                   fabric.machine);
    for (const std::string& from : fabric.gpus) {
        for (const std::string& to : fabric.gpus) {
            if (from != to) {
                text += fmt::format("      - {{from: {0}.sm, op: read, source: {1}.hbm, blocks: 64}}\n"
                                    "      - {{from: {0}.ce, op: copy, source: {0}.hbm, target: {1}.hbm}}\n",
                                    from, to);
            }
        }
    }
    read = sim::load_scenario(file("s.yaml", text), {}, {{EGMSIM_SOURCE_DIR "/topologies"}}, diagnostics);
    ASSERT_TRUE(read) << sim::to_text(diagnostics.all().front());
    for (sim::Link& link : read->topology.links) {
        link.spec.buffer_bytes = 4 << 10;
    }
    const sim::RunResult result = sim::run_scenario(*read, sim::Fidelity::kTransaction, {});
    for (const auto& stream : result.settings.at(0).groups.at(0).streams) {
        EXPECT_THAT(stream.fault, testing::Not(HasSubstr("stands still"))) << stream.stream->name;
        EXPECT_GT(stream.bytes_received, 0u) << stream.stream->name;
        EXPECT_EQ(stream.bytes_sent, stream.bytes_received) << stream.stream->name;
    }
}

} // namespace
