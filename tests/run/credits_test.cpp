// Finite buffers in whole machines: every fabric that we ship carries a saturating load through buffers of two bursts
// and drains, and a machine whose routes can deadlock stands still with an error instead of hanging.
#include "tests/run/program.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "sim/reach_check.h"
#include "sim/routing.h"
#include "sim/runner.h"
#include "sim/scenario_loader.h"
#include "sim/topology_loader.h"
#include "tests/run/shipped_machines.h"

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

/// A saturating load for a machine: of each kind of end point the first two, the middle and the last one, which lie on
/// different leaves, nodes and racks, each to each other over every network that joins them.
class Saturation {
public:
    explicit Saturation(const sim::Topology& topology) : topology_(topology), routing_(topology) {
        for (const std::size_t from : some<models::GpuSpec>()) {
            with_its_cpu(from, topology.parts[from].cpu);
            for (const std::size_t to : some<models::GpuSpec>()) {
                between_gpus(from, to);
            }
        }
        for (const std::size_t from : some<models::CpuSpec>()) {
            for (const std::size_t to : some<models::CpuSpec>()) {
                if (from != to && reaches(from, models::Aperture::kSystem, to)) {
                    add("from: {}.cpu, op: read, source: {}.system", name(from), name(to));
                }
            }
        }
        for (const std::size_t from : some<models::NicSpec>()) {
            for (const std::size_t to : some<models::NicSpec>()) {
                const auto cpu = topology.index_of(topology.parts[to].at);
                if (from != to && cpu && reaches(from, models::Aperture::kRdma, *cpu)) {
                    add("from: {}, op: read, source: {}.system", name(from), name(*cpu));
                    add("from: {}, op: write, target: {}.system", name(from), name(*cpu));
                }
            }
        }
        for (const std::size_t host : some<models::EndPointSpec>()) {
            hosts_ += (hosts_.empty() ? "" : ", ") + name(host);
        }
    }

    std::string scenario() const {
        std::string text =
            fmt::format("scenario: s\nmachine: {}\nmeasurement: {{time_max: 20 us}}\ntraffic:\n", topology_.name);
        if (!streams_.empty()) {
            text += "  - group: g\n    streams:\n" + streams_;
        }
        if (!hosts_.empty()) { // end points only send works
            text += fmt::format("  - collective: all-to-all\n    among: [{}]\n    per_pair: 1 MiB\n", hosts_);
        }
        return text;
    }

private:
    template <class Spec>
    std::vector<std::size_t> some() const {
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (std::holds_alternative<Spec>(topology_.parts[i].spec)) {
                all.push_back(i);
            }
        }
        if (all.size() > 4) {
            all = {all[0], all[1], all[all.size() / 2], all.back()};
        }
        return all;
    }
    const std::string& name(std::size_t part) const { return topology_.parts[part].name; }
    bool reaches(std::size_t from, models::Aperture network, std::size_t cpu) const {
        return routing_.reaches(from, network, *topology_.memory_of(name(cpu)));
    }
    template <class... Words>
    void add(fmt::format_string<Words...> text, Words&&... words) {
        streams_ += "      - {" + fmt::format(text, std::forward<Words>(words)...) + "}\n";
    }
    void with_its_cpu(std::size_t gpu, const std::string& cpu) {
        if (topology_.egm) {
            add("from: {}.sm, op: write, target: {}.egm, blocks: 64", name(gpu), cpu);
            add("from: {}.cpu, op: read, source: {}.hbm", cpu, name(gpu));
        } else {
            add("from: {0}.ce, op: copy, source: {0}.hbm, target: {1}.system, allocator: pinned", name(gpu), cpu);
        }
    }
    void between_gpus(std::size_t from, std::size_t to) {
        if (from == to || !routing_.reaches(from, models::Aperture::kFabric, to)) {
            return;
        }
        add("from: {0}.sm, op: read, source: {1}.hbm, blocks: 64", name(from), name(to));
        add("from: {0}.ce, op: copy, source: {0}.hbm, target: {1}.hbm", name(from), name(to));
        if (topology_.egm) { // over NVLink and then over the owner's C2C
            add("from: {}.sm, op: read, source: {}.egm, via: {}, blocks: 64", name(from), topology_.parts[to].cpu,
                name(to));
        }
    }

    const sim::Topology& topology_;
    const sim::Routing routing_;
    std::string streams_;
    std::string hosts_;
};

class SaturatedMachineTest : public CreditsRunTest, public testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(, SaturatedMachineTest, testing::ValuesIn(shipped_machines()), machine_test_name);

TEST_P(SaturatedMachineTest, DrainsThroughBuffersSmallerThanABurst) {
    const sim::SearchPath shipped{{EGMSIM_SOURCE_DIR "/topologies"}};
    const auto topology = sim::load_topology(GetParam(), shipped, diagnostics);
    ASSERT_TRUE(topology) << sim::to_text(diagnostics.all().front());
    const std::string text = Saturation(*topology).scenario();
    read = sim::load_scenario(file("s.yaml", text), {}, shipped, diagnostics);
    ASSERT_TRUE(read) << sim::to_text(diagnostics.all().front()) << text;
    for (sim::Link& link : read->topology.links) {
        link.spec.buffer_bytes = 4 << 10;
    }
    const sim::RunResult result = sim::run_scenario(*read, sim::Fidelity::kTransaction, {});
    std::size_t moved = 0;
    for (const auto& group : result.settings.at(0).groups) {
        for (const auto& stream : group.streams) {
            EXPECT_THAT(stream.fault, testing::Not(HasSubstr("stands still"))) << stream.stream->name;
            EXPECT_GT(stream.bytes_received, 0u) << stream.stream->name;
            EXPECT_EQ(stream.bytes_sent, stream.bytes_received) << stream.stream->name;
            ++moved;
        }
        if (group.work) {
            EXPECT_EQ(group.work->times.fault, "");
            EXPECT_GT(group.work->times.finish, 0u);
            ++moved;
        }
    }
    EXPECT_GT(moved, 0u);
}

} // namespace
