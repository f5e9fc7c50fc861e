// A rack of many nodes: does each have physical addresses, bytes, PCI addresses and a kernel of its own?
#include <gtest/gtest.h>

#include "sim/host_kernel.h"
#include "sim/leg_path.h"
#include "sim/machine.h"
#include "sim/mappings.h"
#include "sim/reach_check.h"
#include "sim/topology_loader.h"

namespace {

struct NodesTest : testing::Test {
    NodesTest() {
        sim::Diagnostics diagnostics;
        auto topology = sim::load_topology("gb200-nvl72", {{EGMSIM_SOURCE_DIR "/topologies"}}, diagnostics);
        EXPECT_TRUE(topology);
        scenario.topology = std::move(*topology);
        plan = sim::plan_addresses(scenario.topology, scenario.software);
    }
    sim::Scenario scenario;
    sim::AddressPlan plan;
};

TEST_F(NodesTest, EveryTrayHasTheAddressesOfTheFirst) {
    for (int tray = 1; tray < 18; ++tray) {
        for (int socket = 0; socket < 2; ++socket) {
            const auto& first = plan.dram.at("grace" + std::to_string(socket));
            const auto& dram = plan.dram.at("grace" + std::to_string(2 * tray + socket));
            EXPECT_EQ(dram.carveout.begin, first.carveout.begin);
            EXPECT_EQ(dram.pxm, 4 + socket);
        }
        for (int gpu = 0; gpu < 4; ++gpu) {
            const std::string here = "blackwell" + std::to_string(4 * tray + gpu),
                              first = "blackwell" + std::to_string(gpu);
            EXPECT_EQ(plan.hbm.at(here).begin, plan.hbm.at(first).begin);
            EXPECT_EQ(sim::gpu_bdf(scenario.topology, here), sim::gpu_bdf(scenario.topology, first));
        }
    }
    EXPECT_EQ(sim::gpu_bdf(scenario.topology, "blackwell71"), "0019:01:00.0");
}

TEST_F(NodesTest, AKernelKnowsItsOwnTrayOnly) {
    const auto config = sim::host_kernel(scenario, plan, "tray7");
    EXPECT_EQ(config.gpus.size(), 4u);
    EXPECT_EQ(config.carveouts.size(), 2u);
    EXPECT_EQ(config.host_memory.size(), 2u);
    for (const auto& carveout : config.carveouts) {
        EXPECT_EQ(carveout.gpu_bdfs.size(), 2u);
    }
}

TEST_F(NodesTest, AVmOverTwoTraysIsRefused) {
    sim::VmSetup vm;
    vm.name = "wide";
    vm.memory.resize(2);
    vm.memory[0].memory = "grace0.egm";
    vm.memory[1].memory = "grace2.egm";
    scenario.software.vms.push_back(vm);
    sim::Diagnostics diagnostics;
    sim::check_host(scenario, diagnostics);
    ASSERT_EQ(diagnostics.errors(), 1u);
    EXPECT_EQ(diagnostics.all()[0].message, "VM wide: grace2 is in node tray1, and the VM in node tray0");
}

TEST_F(NodesTest, TheSameAddressHoldsOtherBytesInEveryTrayAndRemoteEgmFindsThem) {
    sim::Machine machine(scenario.topology, plan);
    const std::uint64_t spa = plan.dram.at("grace0").carveout.begin.value;
    const sim::LinearMapping system(0, models::Mapping::Tables::kOwn, spa, spa, 64 << 10);
    for (const std::string cpu : {"grace0", "grace2"}) {
        models::Leg leg;
        leg.write = true;
        leg.mapping = &system;
        leg.memory = leg.destination = static_cast<std::uint16_t>(sim::memory_at(scenario.topology, cpu));
        std::string bytes = cpu;
        ASSERT_TRUE(machine.cpu(cpu).cores->access_bytes(leg, 0, bytes.data(), bytes.size()));
    }
    // A GPU of the last tray reads offset 0 of both carveouts over the fabric: only the window's owner differs.
    const sim::LinearMapping window(0, models::Mapping::Tables::kOwn, 0, 0, 2 << 20);
    for (const auto& [owner, cpu] : {std::pair{"blackwell0", "grace0"}, {"blackwell4", "grace2"}}) {
        models::Leg leg;
        leg.mapping = &window;
        leg.aperture = models::Aperture::kFabric;
        leg.into_carveout = true;
        leg.destination = static_cast<std::uint16_t>(*scenario.topology.index_of(owner));
        leg.memory = static_cast<std::uint16_t>(sim::memory_at(scenario.topology, cpu));
        std::string bytes(6, '?');
        ASSERT_TRUE(machine.gpu("blackwell71").sm->access_bytes(leg, 0, bytes.data(), bytes.size()));
        EXPECT_EQ(bytes, cpu);
    }
}

} // namespace
