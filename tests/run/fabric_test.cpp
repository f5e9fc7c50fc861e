// The fabrics of the machines that we ship: do they carry what their makers publish, can they deadlock, and what
// happens when a part of them is down?
//
// Published figures. NVIDIA counts both directions; one GPU of Hopper has 900 GB/s, one of Blackwell 1.8 TB/s.
//   DGX A100        4.8 TB/s of NVSwitch bandwidth (DGX A100 data sheet: 8 x 600 GB/s)
//   HGX H100        7.2 TB/s (DGX H100 data sheet: 8 x 900 GB/s)
//   DGX GH200       57.6 TB/s of all-to-all bandwidth for 256 GPUs (nvidia.com, NVLink Switch System): one direction
//                   between two halves of 128 x 450 GB/s
//   GB200 NVL72     130 TB/s (nvidia.com, GB200 NVL72: 72 x 1.8 TB/s = 129.6)
//   576 GPUs        "over 1 PB/s" (NVIDIA Blackwell announcement: 576 x 1.8 TB/s = 1 036.8)
//   NDR InfiniBand  400 Gb/s a port
// GH200 NVL32 follows from 32 GPUs of 900 GB/s on one level of switches (NVIDIA developer blog, GH200 NVL32).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <set>

#include "sim/channel_dependencies.h"
#include "sim/fabric_bounds.h"
#include "sim/fabric_cuts.h"
#include "sim/reach_check.h"
#include "sim/show.h"
#include "sim/topology_loader.h"
#include "tests/run/shipped_machines.h"

namespace {

using models::Aperture;
using testing::HasSubstr;

constexpr double kGB = 1e9, kTB = 1e12;

struct FabricTest : testing::Test {
    /// A shipped machine, with `set` as a scenario would write it: {"nvl0-3.down", "true"}.
    sim::Topology machine(const std::string& name, const std::vector<std::pair<std::string, std::string>>& set = {}) {
        sim::YamlNode map = sim::make_map({});
        for (const auto& [key, value] : set) {
            map.entries.push_back({key, {}, sim::make_scalar(value, {})});
        }
        const sim::MachineRequest request{.path_or_name = name, .set = &map};
        auto topology = sim::load_topology(request, {{EGMSIM_SOURCE_DIR "/topologies"}}, diagnostics);
        EXPECT_FALSE(diagnostics.has_errors()) << sim::to_text(diagnostics.all().front());
        return std::move(*topology);
    }
    /// A machine from its text, over the shipped presets.
    sim::Topology written(const std::string& text) {
        sim::MemoryFiles files;
        files.texts["topologies/t.yaml"] = text;
        const sim::DiskFiles disk;
        for (const std::string& path : disk.list(EGMSIM_SOURCE_DIR "/topologies/presets")) {
            files.texts["topologies/presets" + path.substr(path.rfind('/'))] = *disk.read(path, diagnostics);
        }
        auto topology = sim::load_topology("t", {{"topologies"}, &files}, diagnostics);
        EXPECT_TRUE(topology) << sim::to_text(diagnostics.all().front());
        return std::move(*topology);
    }
    std::string said() const {
        std::string text;
        for (const sim::Diagnostic& one : diagnostics.all()) {
            text += sim::to_text(one) + "\n";
        }
        return text;
    }

    sim::Diagnostics diagnostics;
};

struct Published {
    const char* machine;
    std::size_t gpus;
    double total;      ///< of all GPUs, both directions
    double bisection;  ///< one direction
    double all_to_all; ///< of one GPU, one direction
    std::size_t near, far;
};

TEST_F(FabricTest, BisectionAndAllToAllAreThePublishedOnes) {
    const Published published[] = {
        {"dgx-a100", 8, 4.8 * kTB, 1.2 * kTB, 300 * kGB, 2, 2},
        {"hgx-h100", 8, 7.2 * kTB, 1.8 * kTB, 450 * kGB, 2, 2},
        {"gh200-nvl32", 32, 28.8 * kTB, 7.2 * kTB, 450 * kGB, 2, 2},
        {"dgx-gh200-256", 256, 230.4 * kTB, 57.6 * kTB, 450 * kGB, 2, 4},
        {"gb200-tray", 4, 7.2 * kTB, 1.8 * kTB, 900 * kGB, 2, 2},
        {"gb200-nvl72", 72, 129.6 * kTB, 32.4 * kTB, 900 * kGB, 2, 2},
        {"nvl576", 576, 1036.8 * kTB, 259.2 * kTB, 900 * kGB, 2, 4},
        {"gh200-quad", 4, 3.6 * kTB, 600 * kGB, 450 * kGB, 1, 1}, // 2 x 2 pairs of 150 GB/s between two halves
    };
    for (const Published& one : published) {
        const auto fabrics = sim::fabric_bounds(machine(one.machine), sim::FabricKind::kNvlink);
        ASSERT_EQ(fabrics.size(), 1u) << one.machine;
        const sim::FabricBounds& fabric = fabrics.front();
        EXPECT_EQ(fabric.members.size(), one.gpus) << one.machine;
        EXPECT_NEAR(fabric.total_rate, one.total, 1e3) << one.machine;
        EXPECT_NEAR(fabric.bisection, one.bisection, 1e3) << one.machine;
        EXPECT_NEAR(fabric.all_to_all, one.all_to_all, 1e3) << one.machine;
        EXPECT_EQ(fabric.crossings_min, one.near) << one.machine;
        EXPECT_EQ(fabric.crossings_max, one.far) << one.machine;
    }
}

TEST_F(FabricTest, TheLegacyPairHasTwoFabricsAndOneNetwork) {
    const sim::Topology pair = machine("hgx-h100-pair");
    const auto fabrics = sim::fabric_bounds(pair, sim::FabricKind::kNvlink);
    ASSERT_EQ(fabrics.size(), 2u);
    EXPECT_EQ(fabrics[1].members.front(), "h100-8");
    const auto networks = sim::fabric_bounds(pair, sim::FabricKind::kNetwork);
    ASSERT_EQ(networks.size(), 1u);
    EXPECT_EQ(networks[0].members.size(), 16u);
    EXPECT_NEAR(networks[0].bisection, 8 * 50 * kGB, 1e3); // 8 ports of 400 Gb/s
    EXPECT_NEAR(networks[0].all_to_all, 50 * kGB, 1e3);
}

TEST_F(FabricTest, ThinTrunksShowInBisectionAndAllToAll) {
    // Two links instead of four from each first-level switch to each of its second-level ones: half of everything that
    // leaves a chassis. Of 255 peers 248 are in other chassis, so each GPU gets 225 GB/s x 255 / 248.
    const auto fabrics = sim::fabric_bounds(machine("dgx-gh200-256", {{"trunk[0..31][0..2][0..11].count", "2"}}),
                                            sim::FabricKind::kNvlink);
    ASSERT_EQ(fabrics.size(), 1u);
    EXPECT_NEAR(fabrics[0].bisection, 28.8 * kTB, 1e3);
    EXPECT_NEAR(fabrics[0].all_to_all, 225 * kGB * 255 / 248, 1e3);
}

TEST_F(FabricTest, SwitchesAreAsManyAsPublished) {
    for (const auto& [name, switches, cpus, nodes] : {std::tuple{"gh200-nvl32", 18, 32, 16},
                                                      {"gb200-nvl72", 18, 36, 18},
                                                      {"dgx-gh200-256", 96 + 36, 256, 256},
                                                      {"nvl576", 288 + 162, 288, 144},
                                                      {"dgx-a100", 6, 2, 1}}) {
        const sim::Topology topology = machine(name);
        const auto count = [&](std::size_t kind) {
            return std::count_if(topology.parts.begin(), topology.parts.end(),
                                 [&](const sim::Part& part) { return part.spec.index() == kind; });
        };
        EXPECT_EQ(count(3), switches) << name;
        EXPECT_EQ(count(0), cpus) << name;
        EXPECT_EQ(topology.nodes().size(), static_cast<std::size_t>(nodes)) << name;
    }
}

struct ShippedFabricTest : FabricTest, testing::WithParamInterface<std::string> {};

TEST_P(ShippedFabricTest, EveryGpuReachesEveryOtherOfItsFabric) {
    const sim::Topology topology = machine(GetParam());
    const sim::Routing routing(topology);
    for (const sim::FabricBounds& fabric : sim::fabric_bounds(topology, sim::FabricKind::kNvlink)) {
        for (const std::string& from : fabric.members) {
            for (const std::string& to : fabric.members) {
                const auto a = *topology.index_of(from), b = *topology.index_of(to);
                if (a != b) {
                    const auto crossings = routing.crossings(a, Aperture::kFabric, b);
                    ASSERT_TRUE(crossings) << from << " " << to;
                    ASSERT_GE(*crossings, fabric.crossings_min);
                    ASSERT_LE(*crossings, fabric.crossings_max);
                }
            }
        }
    }
}

TEST_P(ShippedFabricTest, ItsRoutesCannotDeadlock) {
    const sim::Topology topology = machine(GetParam());
    const auto found = sim::channel_dependencies(topology, sim::Routing(topology));
    EXPECT_THAT(found.cycle, testing::IsEmpty());
    EXPECT_GT(found.channels, 0u);
    sim::judge_machine(topology, diagnostics);
    EXPECT_EQ(said(), "");
}

TEST_P(ShippedFabricTest, LoadsWithinItsTime) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "the times are those of a release build";
#endif
    // 0.2 s, and 1 s for 576 GPUs, on an idle machine; the least of three, since others may be busy here.
    double least = 1e9;
    for (int i = 0; i < 3; ++i) {
        const auto began = std::chrono::steady_clock::now();
        machine(GetParam());
        least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    }
    EXPECT_LT(least, GetParam() == "nvl576" ? 1.0 : 0.2);
    RecordProperty("seconds", std::to_string(least));
}

TEST_P(ShippedFabricTest, TheGraphHasAClusterForEachNodeAndOneEdgeForEachPairOfParts) {
    const sim::Topology topology = machine(GetParam());
    const std::string dot = sim::show_dot(topology);
    const auto count = [&](const std::string& what) {
        std::size_t n = 0;
        for (std::size_t at = 0; (at = dot.find(what, at)) != std::string::npos; at += what.size()) {
            ++n;
        }
        return n;
    };
    EXPECT_EQ(count("subgraph "), topology.nodes() == std::vector<std::string>{""} ? 0 : topology.nodes().size());
    std::set<std::pair<std::string, std::string>> pairs;
    std::size_t sitting = 0;
    for (const sim::Link& link : topology.links) {
        pairs.insert(std::minmax(link.a, link.b));
    }
    for (const sim::Part& part : topology.parts) {
        sitting += !part.at.empty();
    }
    EXPECT_EQ(count(" -- "), pairs.size() + sitting);
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedFabricTest, testing::ValuesIn(shipped_machines()), machine_test_name);

/// Four GPUs around four switches: each switch has one GPU, and the next switch.
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
                       "  nvl[0..{0}]: {{preset: nvlink4, a: \"gpu{{0}}\", b: \"sw{{0}}\"}}\n"
                       "  around[0..{1}]: {{preset: nvlink4, a: \"sw{{0}}\", b: \"sw{{0+1}}\"}}\n"
                       "  closing: {{preset: nvlink4, a: sw{0}, b: sw0}}\n",
                       switches - 1, switches - 2);
}

TEST_F(FabricTest, ARingOfSwitchesCanDeadlockAndTheCircleIsNamed) {
    const sim::Topology topology = written(ring(5));
    const auto found = sim::channel_dependencies(topology, sim::Routing(topology));
    ASSERT_EQ(found.cycle.size(), 5u);
    EXPECT_THAT(found.cycle, testing::Contains("around0 sw0>sw1"));
    sim::judge_machine(topology, diagnostics);
    EXPECT_THAT(said(), HasSubstr("error: its routes can deadlock: "));
}

TEST_F(FabricTest, ARingOfThreeSwitchesCannotSinceNobodyGoesFurtherThanToTheNext) {
    const sim::Topology topology = written(ring(3));
    EXPECT_THAT(sim::channel_dependencies(topology, sim::Routing(topology)).cycle, testing::IsEmpty());
}

TEST_F(FabricTest, AroundADeadLinkRoutesUseWhatIsLeft) {
    const sim::Topology topology = machine("gb200-nvl72", {{"nvl0-3.down", "true"}});
    const sim::Routing routing(topology);
    const auto a = *topology.index_of("blackwell0"), b = *topology.index_of("blackwell1"),
               c = *topology.index_of("blackwell2");
    EXPECT_EQ(routing.hops(a, Aperture::kFabric, b).size(), 17u);
    EXPECT_EQ(routing.hops(b, Aperture::kFabric, a).size(), 17u); // what ends behind the dead link avoids it too
    EXPECT_EQ(routing.hops(b, Aperture::kFabric, c).size(), 18u);
    const auto fabrics = sim::fabric_bounds(topology, sim::FabricKind::kNvlink);
    EXPECT_NEAR(fabrics[0].all_to_all, 850 * kGB, 1e3);
    sim::judge_machine(topology, diagnostics);
    EXPECT_EQ(said(), "");
}

TEST_F(FabricTest, ADeadSwitchTakesItsShareFromEverybody) {
    // With a spine less, 540 of 575 peers are reached over 32 of the 36 links up of one of 18 chips.
    for (const auto& [name, part, gpus, left] :
         {std::tuple{"gb200-nvl72", "nvswitch7", 72u, 17 * 50.0},
          {"nvl576", "spine3-2", 576u, 50.0 * 18 * std::min(1.0, 32.0 / 36 * 575 / 540)}}) {
        const sim::Topology topology = machine(name, {{std::string(part) + ".down", "true"}});
        const auto fabrics = sim::fabric_bounds(topology, sim::FabricKind::kNvlink);
        ASSERT_EQ(fabrics.size(), 1u);
        EXPECT_EQ(fabrics[0].members.size(), gpus);
        EXPECT_NEAR(fabrics[0].all_to_all, left * kGB, 1e3) << name;
        sim::judge_machine(topology, diagnostics);
        EXPECT_EQ(said(), "");
    }
}

TEST_F(FabricTest, WaysThatNoPacketTakesWaitForNobody) {
    // Each of two spines has lost its trunk to another leaf, and so knows a way to it over further leaves and the other
    // spine. Nothing comes to a spine for a leaf that it has no trunk to.
    for (const char* const name : {"dgx-gh200-256", "nvl576"}) {
        const sim::Topology topology = machine(name, {{"trunk0-0-0.down", "true"}, {"trunk1-0-1.down", "true"}});
        EXPECT_THAT(sim::channel_dependencies(topology, sim::Routing(topology)).cycle, testing::IsEmpty()) << name;
    }
}

TEST_F(FabricTest, AGpuWithoutItsLinksIsToldByName) {
    const sim::Topology topology = machine("gb200-nvl72", {{"nvl5-[0..17].down", "true"}});
    sim::report_cuts(topology, diagnostics);
    EXPECT_THAT(said(), HasSubstr("takes the NVLink fabric apart, 71 of 2556 pairs: blackwell5 can no longer reach "
                                  "blackwell[0..4], blackwell[6..71]"));
}

TEST_F(FabricTest, AFabricInTwoHalvesIsToldWithTheirNames) {
    // All trunks of the chassis 0 to 15 are cut: 16 islands of eight GPUs, and one of 128.
    const sim::Topology topology = machine(
        "dgx-gh200-256", {{"trunk[0..31][0..2][0..5].down", "true"}, {"trunk[0..15][0..2][6..11].down", "true"}});
    sim::report_cuts(topology, diagnostics);
    EXPECT_THAT(said(), HasSubstr("hopper[0..7] can no longer reach hopper[8..255]"));
    EXPECT_THAT(said(), HasSubstr("more groups"));
    EXPECT_EQ(sim::fabric_bounds(topology, sim::FabricKind::kNvlink).size(), 17u);
}

TEST_F(FabricTest, TwoHalvesOfARingOfSwitchesAreToldOnce) {
    sim::Topology topology = written(ring(4));
    for (sim::Link& link : topology.links) {
        link.down = link.name == "around1" || link.name == "closing";
    }
    sim::report_cuts(topology, diagnostics);
    EXPECT_THAT(said(), HasSubstr("4 of 6 pairs: gpu0, gpu1 can no longer reach gpu2, gpu3;"));
}

TEST_F(FabricTest, WithoutFaultsNothingIsSaid) {
    sim::report_cuts(machine("gb200-nvl72"), diagnostics);
    EXPECT_EQ(said(), "");
}

TEST_F(FabricTest, NamesAreToldAsRanges) {
    EXPECT_EQ(sim::in_ranges({"a0", "a1", "a2", "b", "a7", "a8"}), "a[0..2], b, a7, a8");
    EXPECT_EQ(sim::in_ranges({"n0-1", "n0-2", "n0-3", "n1-4"}), "n0-[1..3], n1-4");
    EXPECT_EQ(sim::in_ranges({}), "");
}

} // namespace
