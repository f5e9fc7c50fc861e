// Fabric windows: does each GPU's memory have an address that its driver would accept, and that leads back to it?
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "sim/fabric_windows.h"
#include "sim/topology_loader.h"

namespace {

constexpr std::uint64_t kTiB = 1ull << 40;
using Space = sim::FabricWindows::Space;

struct FabricWindowsTest : testing::Test {
    sim::Topology machine(const std::string& name, const sim::YamlNode* set = nullptr) {
        sim::MachineRequest request{.path_or_name = name, .set = set};
        auto topology = sim::load_topology(request, {{EGMSIM_SOURCE_DIR "/topologies"}}, diagnostics);
        EXPECT_FALSE(diagnostics.has_errors()) << sim::to_text(diagnostics.all().front());
        return std::move(*topology);
    }
    sim::FabricWindows windows(const sim::Topology& topology) {
        return sim::plan_fabric_windows(topology, sim::plan_addresses(topology, {}));
    }
    /// `count` Hoppers on one switch, without their machine's EGM.
    sim::FabricWindows hoppers(unsigned count, const std::string& hbm) {
        files.texts["topologies/t.yaml"] =
            fmt::format("topology: t\n"
                        "parts:\n"
                        "  grace[0..{0}]: {{preset: grace, node: \"n{{0}}\"}}\n"
                        "  lpddr[0..{0}]: {{preset: lpddr5x-480gb, at: \"grace{{0}}\"}}\n"
                        "  hopper[0..{0}]: {{preset: hopper-gh200}}\n"
                        "  hbm[0..{0}]: {{preset: hbm3-96gb, capacity: {1}, at: "
                        "\"hopper{{0}}\"}}\n"
                        "  sw: {{preset: nvswitch3, ports: 4096}}\n"
                        "links:\n"
                        "  c2c[0..{0}]: {{preset: nvlink-c2c, a: \"grace{{0}}\", b: "
                        "\"hopper{{0}}\"}}\n"
                        "  nvl[0..{0}]: {{preset: nvlink4, a: \"hopper{{0}}\", b: sw}}\n",
                        count - 1, hbm);
        const sim::DiskFiles disk;
        for (const std::string& path : disk.list(EGMSIM_SOURCE_DIR "/topologies/presets")) {
            files.texts["topologies/presets" + path.substr(path.rfind('/'))] = *disk.read(path, diagnostics);
        }
        const auto topology = sim::load_topology("t", {{"topologies"}, &files}, diagnostics);
        EXPECT_TRUE(topology) << sim::to_text(diagnostics.all().front());
        return windows(*topology);
    }

    sim::MemoryFiles files;
    sim::Diagnostics diagnostics;
};

TEST_F(FabricWindowsTest, EveryWindowLeadsBackToItsGpuAndToNoOther) {
    for (const char* name : {"gh200-nvl32", "gb200-tray", "gb200-nvl72", "dgx-gh200-256", "nvl576"}) {
        const auto plan = windows(machine(name));
        EXPECT_TRUE(plan.misfits.empty()) << name << ": " << plan.misfits.front();
        for (const auto& [gpu, own] : plan.gpus) {
            for (const auto& [space, window] : {std::pair{Space::kHbm, own.hbm}, {Space::kEgm, own.egm}}) {
                for (const std::uint64_t offset : {std::uint64_t{0}, window.size - 1}) {
                    const auto owner = plan.owner(space, own.remap_entry, window.begin + offset);
                    ASSERT_TRUE(owner);
                    EXPECT_EQ(owner->gpu, gpu);
                    EXPECT_EQ(owner->offset, offset);
                }
            }
        }
    }
}

TEST_F(FabricWindowsTest, BasesPassTheCheckOfTheDriver) {
    for (const auto& [gpu, own] : windows(machine("gb200-nvl72")).gpus) {
        EXPECT_EQ(own.egm.begin & ~(7ull << 44), 0u) << gpu; // bits 46:44 only
        EXPECT_EQ(own.hbm.begin % (4 * kTiB), 0u) << gpu;
        EXPECT_LE(own.hbm.end(), own.egm.begin) << gpu;
    }
    for (const auto& [gpu, own] : windows(machine("dgx-gh200-256")).gpus) {
        EXPECT_EQ(own.egm.begin % (kTiB / 2), 0u) << gpu;
        EXPECT_EQ(own.hbm.begin % (kTiB / 2), 0u) << gpu;
        EXPECT_LE(own.egm.end(), 1ull << 47) << gpu;
    }
}

TEST_F(FabricWindowsTest, DirectNeighboursUseTheFixedSlots) {
    for (const auto& [gpu, own] : windows(machine("gh200-quad")).gpus) {
        EXPECT_EQ(own.egm.begin, 0u);
        EXPECT_EQ(own.hbm.begin, 4 * kTiB);
        EXPECT_FALSE(own.remap_entry);
    }
}

TEST_F(FabricWindowsTest, TwoHundredFiftySixHoppersFillFortySevenBitsAndOneMoreDoesNotFit) {
    EXPECT_TRUE(hoppers(256, "95 GiB").misfits.empty());
    const auto more = hoppers(257, "95 GiB");
    ASSERT_EQ(more.misfits.size(), 2u); // HBM and EGM
    EXPECT_EQ(more.misfits[0],
              "the HBM windows of all GPUs take 131584 GiB in steps of 512 GiB; 47 bits of address are 128 TiB");
}

TEST_F(FabricWindowsTest, MemoryLargerThanAStepTakesTwo) {
    EXPECT_TRUE(hoppers(128, "513 GiB").misfits.empty());
    const auto more = hoppers(129, "513 GiB");
    ASSERT_EQ(more.misfits.size(), 1u);
    EXPECT_NE(more.misfits[0].find("HBM"), std::string::npos);
}

TEST_F(FabricWindowsTest, ABlackwellWithMoreHbmThanASlotDoesNotFit) {
    sim::YamlNode set = sim::make_map({});
    set.entries.push_back({"hbm5.capacity", {}, sim::make_scalar("5 TiB", {})});
    const auto plan = windows(machine("gb200-nvl72", &set));
    ASSERT_EQ(plan.misfits.size(), 1u);
    EXPECT_EQ(plan.misfits[0], "the HBM window of blackwell5 is 5 TiB; it has room for 4 TiB");
}

TEST_F(FabricWindowsTest, MachinesWithoutARuleHaveNoWindows) { EXPECT_TRUE(windows(machine("hgx-h100")).gpus.empty()); }

} // namespace
