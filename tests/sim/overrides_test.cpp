// Overrides: does `--set path=value` reach the value it names, and never do nothing in silence?
#include "tests/sim/input_test.h"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct OverridesTest : InputTest {
    std::optional<sim::Scenario> with(const std::vector<std::string>& set) {
        return scenario("scenario: s\n"
                        "machine: gh200\n"
                        "software:\n"
                        "  vms:\n"
                        "    - {name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}\n"
                        "traffic:\n"
                        "  - group: all reads\n"
                        "    streams:\n"
                        "      - {name: 2.5 reads, from: hopper0.sm, op: read, source: grace0.egm}\n"
                        "      - {name: other, from: hopper0.sm, op: read, source: hopper0.hbm}\n",
                        set);
    }
};

TEST_F(OverridesTest, APathGoesByKeyNumberAndName) {
    const auto run = with({"software.host_page_size=4 KiB", "traffic.0.streams.0.blocks=64",
                           "traffic.all reads.streams.other.unroll=4", "software.vms.vm0.memory.0.size=32 GiB",
                           "traffic.all reads.streams.2.5 reads.threads=256", "seed=9"});
    ASSERT_TRUE(run) << testing::PrintToString(said());
    EXPECT_EQ(run->software.host_page_bytes, 4096u);
    EXPECT_EQ(run->groups[0].streams[0].blocks, 64u);
    EXPECT_EQ(run->groups[0].streams[0].threads, 256u); // a name with a dot
    EXPECT_EQ(run->groups[0].streams[1].unroll, 4u);
    EXPECT_EQ(run->software.vms[0].memory[0].size_bytes, 32ull << 30);
    EXPECT_EQ(run->seed, 9u);
}

TEST_F(OverridesTest, MachineSetsAFigureOfAPart) {
    const auto run =
        with({"machine.c2c0.latency=300 ns", "machine.hopper0.l2.latency=99 ns", "machine.c2c0.latency=310 ns"});
    ASSERT_TRUE(run) << testing::PrintToString(said());
    EXPECT_EQ(run->topology.links[0].spec.latency, 310'000u); // the last one counts
    EXPECT_EQ(std::get<models::GpuSpec>(run->topology.find("hopper0")->spec).l2.latency, 99'000u);
}

TEST_F(OverridesTest, TheMachineItselfIsReplaced) {
    for (const char* set : {"machine=gh200-480", "machine.topology=gh200-480", "machine={topology: gh200-480}"}) {
        const auto run = with({set});
        ASSERT_TRUE(run || std::string(set).find(".topology") != std::string::npos) << testing::PrintToString(said());
        if (run) {
            EXPECT_EQ(run->topology.name, "gh200-480");
        }
    }
}

TEST_F(OverridesTest, AValueMayBeAListAndAnAbsentMapIsMade) {
    const auto run = with({"software.vms.0.gpus=[hopper0]", "measurement.time_max=3 ms", "software.kernel.egm=E1"});
    ASSERT_TRUE(run) << testing::PrintToString(said());
    EXPECT_EQ(run->measurement.time_max, 3'000'000'000u);
    EXPECT_EQ(run->software.egm_shape, "E1");
}

TEST_F(OverridesTest, AnOverrideThatNothingUsesIsAnError) {
    const std::pair<const char*, const char*> faults[] = {
        {"sofware.iommu=type1",
         "--set sofware.iommu=type1: error: scenario: unknown key \"sofware\"; did you mean \"software\"?"},
        {"software.iomu=type1",
         "--set software.iomu=type1: error: software: unknown key \"iomu\"; did you mean \"iommu\"?"},
        {"traffic.0.streams.0.blcks=3", "stream \"2.5 reads\": unknown key \"blcks\"; did you mean \"blocks\"?"},
        {"software.vms.vm1.vcpus=3", "software.vms has no entry \"vm1\"; did you mean \"vm0\"?"},
        {"traffic.3.streams.0.blocks=3", "traffic has 1 entries; numbers 0 to 0"},
        {"software.vms.0.name.x=3", "software.vms.0.name has no keys: it is \"vm0\"; set software.vms.0.name itself"},
        {"machine.c2c9.latency=3 ns", "the machine has no part or link \"c2c9\"; did you mean \"c2c0\"?"},
        {"machine.c2c0.latncy=3 ns", "link c2c0: unknown key \"latncy\"; did you mean \"latency\"?"},
        {"machine.c2c0=3 ns", "machine: \"c2c0\" names no figure of a part"},
        {"machine.c2c0.latency=300",
         "--set machine.c2c0.latency=300: error: link c2c0: latency \"300\" has no unit; write \"300 ns\""},
        {"nonsense", "--set nonsense: error: is no \"path=value\""},
        {"=3", "is no \"path=value\""},
        {"software..x=3", "has an empty step in its path"},
        {"software.vms.0.=3", "has an empty step in its path"},
        {"seed=", "--set seed=: error: has no value"},
        {"seed=[1", "--set seed=[1: error: a key cannot be a list or a map; close each { and ["},
        {"seed=fast", "--set seed=fast: error: scenario: seed \"fast\" is not a whole number"},
        {"machine=gh20", "--set machine=gh20: error: there is no machine \"gh20\"; did you mean \"gh200\"?"},
    };
    for (const auto& [set, expected] : faults) {
        EXPECT_FALSE(with({set})) << set;
        EXPECT_THAT(said(), ElementsAre(HasSubstr(expected))) << set;
    }
}

} // namespace
