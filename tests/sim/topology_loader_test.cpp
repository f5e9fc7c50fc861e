// Topologies: does a file become the machine it says, and is each fault told at its place with a way out?
#include "tests/sim/input_test.h"

#include "sim/kinds.h"

#include "sim/topology.h"

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct TopologyLoaderTest : InputTest {
    /// A sound superchip, with `more` in its parts and `links` in place of its one link.
    static std::string superchip(const std::string& more = "",
                                 const std::string& links = "  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0}\n") {
        return "topology: t\n"
               "parts:\n"
               "  grace0: {preset: grace}\n"
               "  lpddr0: {preset: lpddr5x-120gb, at: grace0}\n"
               "  hopper0: {preset: hopper-gh200}\n"
               "  hbm0: {preset: hbm3-96gb, at: hopper0}\n" +
               more + "links:\n" + links;
    }
};

TEST_F(TopologyLoaderTest, ASuperchipIsReadWithTheFiguresOfItsPresets) {
    files.texts["topologies/presets/mine.yaml"] =
        "presets:\n"
        "  my-c2c: {kind: c2c, trust: calibrated, bandwidth: 46.7 GB/s, count: 3, latency: 1.2 ns, header: 9 B}\n";
    const auto machine = topology(superchip("", "  c2c0: {preset: my-c2c, a: grace0, b: hopper0}\n"));
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_TRUE(machine->egm);
    ASSERT_EQ(machine->parts.size(), 4u);
    EXPECT_EQ(machine->find("hbm0")->at, "hopper0");
    EXPECT_EQ(machine->find("hopper0")->socket, 0); // by its C2C
    const sim::Link& c2c = machine->links.at(0);
    EXPECT_EQ(c2c.kind, sim::LinkKind::kC2c);
    EXPECT_EQ(c2c.preset, "my-c2c");
    EXPECT_EQ(c2c.trust, sim::Trust::kCalibrated);
    EXPECT_EQ(c2c.spec.line_bytes_per_second, 46'700'000'000u);
    EXPECT_EQ(c2c.spec.count, 3u);
    EXPECT_EQ(c2c.spec.latency, 1'200u);
    EXPECT_EQ(c2c.spec.header_bytes, 9u);
    EXPECT_DOUBLE_EQ(c2c.spec.efficiency, 1.0); // the default
}

TEST_F(TopologyLoaderTest, APresetLikeAnotherHasItsFiguresBelowItsOwn) {
    files.texts["topologies/presets/mine.yaml"] =
        "presets:\n"
        "  fast: {like: c2c, trust: assumed, latency: 100 ns}\n"
        "  faster: {like: fast, trust: derived, count: 4}\n"
        "  c2c: {kind: c2c, trust: calibrated, bandwidth: 45 GB/s, latency: 200 ns, header: 9 B}\n";
    const auto machine = topology(superchip("", "  c2c0: {preset: faster, a: grace0, b: hopper0}\n"));
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    EXPECT_THAT(said(), IsEmpty());
    const sim::Link& c2c = machine->links.at(0);
    EXPECT_EQ(c2c.kind, sim::LinkKind::kC2c);
    EXPECT_EQ(c2c.trust, sim::Trust::kDerived);
    EXPECT_EQ(c2c.spec.line_bytes_per_second, 45'000'000'000u); // of c2c
    EXPECT_EQ(c2c.spec.latency, 100'000u);                      // of fast
    EXPECT_EQ(c2c.spec.count, 4u);                              // its own
    EXPECT_EQ(c2c.spec.header_bytes, 9u);
}

TEST_F(TopologyLoaderTest, APresetThatIsLikeNoneOrItselfIsRefused) {
    files.texts["topologies/presets/mine.yaml"] = "presets:\n"
                                                  "  one: {like: nvlink-c2d, trust: assumed}\n"
                                                  "  a: {like: b, trust: assumed}\n"
                                                  "  b: {like: a, trust: assumed}\n"
                                                  "  c: {like: nvlink-c2c, latancy: 1 ns}\n";
    topology(superchip());
    EXPECT_THAT(
        said(),
        ElementsAre("topologies/presets/mine.yaml:2:15: error: preset one: like: there is no preset "
                    "\"nvlink-c2d\"; did you mean \"nvlink-c2c\"?",
                    "topologies/presets/mine.yaml:4:13: error: preset b: is like \"a\", which is like it",
                    "topologies/presets/mine.yaml:5:6: error: preset c: has no \"trust\"; what is known of one part "
                    "may not be known of one like it",
                    "topologies/presets/mine.yaml:5:25: error: preset c: unknown key \"latancy\"; did you mean "
                    "\"latency\"?"));
}

TEST_F(TopologyLoaderTest, AMapInAPartReplacesOnlyWhatItNames) {
    const auto shipped = topology(superchip());
    auto text = superchip();
    text.replace(text.find("{preset: grace}"), 15, "{preset: grace, caches: {L2: {latency: 9.9 ns}}}");
    const auto changed = topology(text);
    ASSERT_TRUE(shipped && changed) << testing::PrintToString(said());
    const auto& before = std::get<models::CpuSpec>(shipped->find("grace0")->spec);
    const auto& after = std::get<models::CpuSpec>(changed->find("grace0")->spec);
    ASSERT_EQ(after.caches.size(), before.caches.size());
    EXPECT_EQ(after.caches.at(1).name, "L2");
    EXPECT_EQ(after.caches.at(1).latency, 9'900u);
    EXPECT_EQ(after.caches.at(1).capacity_bytes, before.caches.at(1).capacity_bytes);
    EXPECT_EQ(after.cores, before.cores);
}

TEST_F(TopologyLoaderTest, APartReplacesFiguresOfItsPresetAndIsNoLongerCalibrated) {
    const auto machine =
        topology(superchip("", "  c2c0: {preset: nvlink-c2c, latency: 250 ns, a: grace0, b: hopper0}\n"));
    ASSERT_TRUE(machine);
    EXPECT_EQ(machine->links.at(0).spec.latency, 250'000u);
    EXPECT_EQ(machine->links.at(0).trust, sim::Trust::kDerived);
}

TEST_F(TopologyLoaderTest, APartStandsAloneWithItsKind) {
    const auto machine = topology(
        superchip("", "  c2c0: {kind: c2c, bandwidth: 900 GB/s total, latency: 200 ns, a: grace0, b: hopper0}\n"));
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    EXPECT_EQ(machine->links.at(0).spec.line_bytes_per_second, 450'000'000'000u);
    EXPECT_EQ(machine->links.at(0).preset, "");
}

TEST_F(TopologyLoaderTest, RangesExpandAndTheirIndicesFillTheValues) {
    const auto machine = topology("topology: t\n"
                                  "parts:\n"
                                  "  grace[0..1]: {preset: grace, socket: \"{0}\"}\n"
                                  "  lpddr[0..1]: {preset: lpddr5x-120gb, at: \"grace{0}\"}\n"
                                  "  hopper[0..1]: {preset: hopper-gh200}\n"
                                  "  hbm[0..1]: {preset: hbm3-96gb, at: \"hopper{0}\"}\n"
                                  "  sw[2..4]: {preset: nvswitch3}\n"
                                  "links:\n"
                                  "  c2c[0..1]: {preset: nvlink-c2c, a: \"grace{0}\", b: \"hopper{0}\"}\n"
                                  "  nvl[0..1][2..4]: {preset: nvlink4, a: \"hopper{0}\", b: \"sw{1}\"}\n");
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    ASSERT_EQ(machine->links.size(), 2u + 6u);
    EXPECT_EQ(machine->links[2].name, "nvl0-2");
    EXPECT_EQ(machine->links[6].name, "nvl1-3"); // the last range turns fastest
    EXPECT_EQ(machine->links[6].a, "hopper1");
    EXPECT_EQ(machine->links[6].b, "sw3");
    EXPECT_EQ(machine->find("hopper1")->socket, 1);
}

TEST_F(TopologyLoaderTest, EveryFaultIsToldAtOnceAtItsPlace) {
    EXPECT_FALSE(topology("topology: t\n"                                            // 1
                          "egn: true\n"                                              // 2
                          "parts:\n"                                                 // 3
                          "  grace0: {preset: grase}\n"                              // 4
                          "  lpddr0: {preset: lpddr5x-120gb, at: grcae0}\n"          // 5
                          "  hopper0: {preset: hopper-gh200, sms: 0}\n"              // 6
                          "  hbm0: {preset: hbm3-96gb, at: hopper0, capacity: 96}\n" // 7
                          "  grace0: {preset: grace}\n"                              // 8
                          "links:\n"                                                 // 9
                          "  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0, latancy: 1 ns}\n"
                          "  c2c1: {preset: nvlink-c2c, bandwidth: 45, a: grace0, b: hopper0}\n"));
    EXPECT_THAT(
        said(),
        ElementsAre("t.yaml:2:1: error: topology: unknown key \"egn\"; did you mean \"egm\"?",
                    "t.yaml:4:20: error: part grace0: there is no preset \"grase\"; did you mean \"grace\"?",
                    "t.yaml:5:39: error: part lpddr0: at: there is no part \"grcae0\"; did you mean \"grace0\"?",
                    "t.yaml:6:40: error: part hopper0: sms \"0\" is too small; at least 1",
                    "t.yaml:7:52: error: part hbm0: capacity \"96\" has no unit; write \"96 GiB\"",
                    "t.yaml:8:3: error: the key \"grace0\" stands twice in this map; the first is in line 4",
                    "t.yaml:10:53: error: link c2c0: unknown key \"latancy\"; did you mean \"latency\"?",
                    "t.yaml:11:41: error: link c2c1: bandwidth \"45\" has no unit; write \"45 GB/s\""));
}

struct Fault {
    const char* parts;
    const char* links; ///< nullptr = the sound one
    const char* said;
};

TEST_F(TopologyLoaderTest, EachImpossibleMachineIsRefusedInWords) {
    const char* c2c = "  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0}\n";
    const Fault faults[] = {
        {"  x: {preset: hbm3-96gb}\n", nullptr, "t.yaml:7:3: error: memory x: no at; say which CPU or GPU"},
        {"  x: {preset: hbm3-96gb, at: lpddr0}\n", nullptr, "memory x: sits on lpddr0, a memory"},
        {"  x: {preset: hbm3-96gb, at: hopper0}\n", nullptr, "memory x: hopper0 already has the memory hbm0"},
        {"  x: {preset: connectx7-ndr400}\n", nullptr, "nic x: no at and no PCIe link"},
        {"  x: {preset: nvswitch3, at: hopper0}\n", nullptr, "switch x: at is a key of memories and NICs only"},
        {"  x: {preset: nvswitch3, socket: 1}\n", nullptr, "switch x: socket is a key of CPUs and GPUs only"},
        {"  x: {preset: grace}\n", nullptr, "cpu x: has no memory; add a memory with \"at: x\""},
        {"  x: {preset: hopper-gh200}\n", nullptr, "gpu x: has no memory"},
        {"  x: {preset: hopper-gh200}\n  m: {preset: hbm3-96gb, at: x}\n", nullptr, "gpu x: has no host link"},
        {"  x: {preset: nvswitch3}\n", nullptr, "switch x: no path leads from it to grace0; add a link"},
        {"  x: {preset: grace, socket: 0}\n  m: {preset: lpddr5x-120gb, at: x}\n  y: {preset: grace, socket: 0}\n",
         nullptr, "cpu y: socket 0 is that of x"},
        {"  x: {preset: grace, socket: 4}\n", nullptr, "cpu x: socket 4 on a machine with EGM"},
        {"  x: {preset: grace, socket: 300}\n", nullptr, "part x: socket \"300\" is too large; at most 255"},
        {"  x y: {preset: grace}\n", nullptr, "\"x y\" is no name for a part"},
        {"  x.y: {preset: grace}\n", nullptr, "\"x.y\" is no name for a part"},
        {"  x: 3\n", nullptr, "part x has no keys"},
        {"  x: {}\n", nullptr, "part x: no preset and no kind"},
        {"  x: {kind: gpo}\n", nullptr, "part x: kind \"gpo\" is not known; did you mean \"gpu\"?"},
        {"  x: {kind: switch, ports: 3}\n", nullptr, "part x: no port_bandwidth, no latency; name a preset"},
        {"  x: {preset: nvlink4}\n", nullptr, "part x: kind \"nvlink\" is not known"},
        {"  x[0..: {preset: grace}\n", nullptr, "\"x[0..\" is not a range; write \"name[0..3]\", first to last"},
        {"  x[3..0]: {preset: grace}\n", nullptr, "\"x[3..0]\" is not a range"},
        {"  x[0..99999]: {preset: grace}\n", nullptr, "stands for more than 65536 names"},
        {"  x: {preset: hbm3-96gb, at: \"grace{0}\"}\n", nullptr, "\"grace{0}\" refers to no range of its key"},
        {"  x[0..1]: {preset: hbm3-96gb, at: \"grace{1}\"}\n", nullptr,
         "refers to no range of its key; write {0} to {0}"},
        {"  hopper[0..1]: {preset: hopper-gh200}\n", nullptr, "the name \"hopper0\" is taken; line 5 has it"},
        {"", "  c2c0: {preset: nvlink-c2c, a: grace0, b: grace0}\n", "link c2c0: both ends are grace0"},
        {"", "  c2c0: {preset: nvlink-c2c, a: grace0, b: hbm0}\n",
         "link c2c0: a c2c link cannot join a cpu (grace0) and a memory (hbm0)"},
        {"", "  c2c0: {preset: nvlink-c2c, a: grace0}\n", "link c2c0: no b; a link joins two parts"},
        {"", "  c2c0: {preset: nvlink-c2c, count: 1025, a: grace0, b: hopper0}\n",
         "count \"1025\" is too large; at most 1024"},
        {"", "  c2c0: {preset: nvlink-c2c, efficiency: 120 %, a: grace0, b: hopper0}\n",
         "efficiency \"120 %\" is out of range"},
        {"", "  c2c0: {preset: nvlink-c2c, latency: 0 ns, a: grace0, b: hopper0}\n", "latency \"0 ns\" is too small"},
        {"", "  c2c0: {preset: nvlink-c2c, latency: 200 GB/s, a: grace0, b: hopper0}\n", "is a bandwidth, not a time"},
        {"", "  p: {preset: pcie5-x16, a: grace0, b: hopper0}\n",
         "gpu hopper0: no C2C link to grace0 on a machine with EGM"},
        {"  lpddr0: [1]\n", nullptr, "stands twice"},
    };
    for (const Fault& fault : faults) {
        EXPECT_FALSE(topology(superchip(fault.parts, fault.links == nullptr ? c2c : fault.links))) << fault.said;
        EXPECT_THAT(said(), Contains(HasSubstr(fault.said)));
    }
}

TEST_F(TopologyLoaderTest, AGpuBetweenTwoCpusIsRefused) {
    EXPECT_FALSE(topology(superchip("  grace1: {preset: grace}\n  lpddr1: {preset: lpddr5x-120gb, at: grace1}\n",
                                    "  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0}\n"
                                    "  c2c1: {preset: nvlink-c2c, a: grace1, b: hopper0}\n")));
    EXPECT_THAT(said(), Contains(HasSubstr("gpu hopper0: its host links lead to 2 CPUs; a GPU belongs to one CPU")));
}

TEST_F(TopologyLoaderTest, ASocketThatContradictsTheLinkIsRefused) {
    auto text = superchip();
    text.replace(text.find("{preset: hopper-gh200}"), 22, "{preset: hopper-gh200, socket: 2}");
    EXPECT_FALSE(topology(text));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("socket 2, but its host link leads to grace0 on socket 0")));
}

TEST_F(TopologyLoaderTest, ASwitchHasNoMorePortsThanItHas) {
    EXPECT_FALSE(topology(superchip("  s: {preset: nvswitch3, ports: 17}\n",
                                    "  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0}\n"
                                    "  nvl: {preset: nvlink4, count: 18, a: hopper0, b: s}\n")));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("switch s: 18 link ends on 17 ports; a link of count n takes n ports")));
}

TEST_F(TopologyLoaderTest, ALinkFasterThanBothMemoriesIsOnlyDoubted) {
    EXPECT_TRUE(topology(superchip("", "  c2c0: {preset: nvlink-c2c, bandwidth: 450 GB/s, a: grace0, b: hopper0}\n")));
    EXPECT_THAT(said(),
                ElementsAre("t.yaml:8:3: warning: link c2c0: 4500 GB/s is faster than the memories of both of its "
                            "ends; check the unit and the count"));
}

TEST_F(TopologyLoaderTest, ARangesFaultIsToldOnce) {
    EXPECT_FALSE(topology(superchip("  s[0..9]: {preset: nvswitch3, latency: 3}\n")));
    EXPECT_THAT(said(), Contains(HasSubstr("part s[0..9]: latency \"3\" has no unit")).Times(1));
}

TEST_F(TopologyLoaderTest, AFaultyPresetIsToldInItsOwnFile) {
    files.texts["topologies/presets/zz.yaml"] =
        "presets:\n  a: {kind: nvlink, trust: sure, latency: 3}\n  b: {trust: derived}\n";
    EXPECT_FALSE(topology(superchip()).has_value());
    EXPECT_THAT(
        said(),
        ElementsAre("topologies/presets/zz.yaml:2:28: error: preset a: trust \"sure\" is not known; one of: "
                    "calibrated, derived, assumed",
                    "topologies/presets/zz.yaml:2:43: error: preset a: latency \"3\" has no unit; write \"3 ns\"",
                    HasSubstr("zz.yaml:3:6: error: preset b: no kind; each preset says what it is")));
}

TEST_F(TopologyLoaderTest, AMissingMachineIsToldWithTheNearestName) {
    EXPECT_FALSE(sim::load_topology("gh200-quat", search, diagnostics));
    EXPECT_THAT(said(),
                ElementsAre("gh200-quat: error: there is no machine \"gh200-quat\"; did you mean \"gh200-quad\"?"));
    diagnostics = {};
    EXPECT_FALSE(sim::load_topology("none/x.yaml", search, diagnostics));
    EXPECT_THAT(said(), ElementsAre("none/x.yaml: error: no such file"));
}

/// Two superchips in two nodes; `links` are further lines of links, from line 9.
std::string two_nodes(const std::string& links) {
    return "topology: t\n"
           "parts:\n"
           "  grace[0..1]:  {preset: grace, node: \"tray{0}\"}\n"
           "  lpddr[0..1]:  {preset: lpddr5x-120gb, at: \"grace{0}\"}\n"
           "  hopper[0..1]: {preset: hopper-gh200}\n"
           "  hbm[0..1]:    {preset: hbm3-96gb, at: \"hopper{0}\"}\n"
           "links:\n"
           "  c2c[0..1]: {preset: nvlink-c2c, a: \"grace{0}\", b: \"hopper{0}\"}\n" +
           links;
}

TEST_F(TopologyLoaderTest, EachNodeNumbersItsSocketsAndItsPartsFollowTheirCpu) {
    const auto machine = topology(two_nodes("  nvl: {preset: nvlink4, a: hopper0, b: hopper1}\n"));
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    EXPECT_THAT(machine->nodes(), testing::ElementsAre("tray0", "tray1"));
    for (const char* name : {"grace1", "lpddr1", "hopper1", "hbm1"}) {
        EXPECT_EQ(machine->find(name)->node, "tray1") << name;
        EXPECT_EQ(machine->find(name)->cpu, "grace1") << name;
    }
    EXPECT_EQ(machine->find("grace1")->socket, 0);
    EXPECT_EQ(machine->find("hopper1")->socket, 0);
}

TEST_F(TopologyLoaderTest, CoherentLinksDoNotLeaveANode) {
    EXPECT_FALSE(topology(two_nodes("  cpu: {preset: grace-link, a: grace0, b: grace1}\n")));
    EXPECT_THAT(said(),
                testing::ElementsAre(testing::HasSubstr(
                    "t.yaml:9:3: error: link cpu: a grace-link link cannot join grace0 in node tray0 and grace1 "
                    "in node tray1; only nvlink and network links leave a node")));
}

TEST_F(TopologyLoaderTest, ArithmeticInARangeFillsTheValues) {
    const auto machine = topology("topology: t\n"
                                  "parts:\n"
                                  "  grace[0..3]: {preset: grace, socket: \"{0%2*2+1}\", node: \"n{0/2}\"}\n"
                                  "  lpddr[4..7]: {preset: lpddr5x-120gb, at: \"grace{0-4}\"}\n"
                                  "  hopper[0..1]: {preset: hopper-gh200}\n"
                                  "  hbm[0..1]: {preset: hbm3-96gb, at: \"hopper{0}\"}\n"
                                  "links:\n"
                                  "  cpu[0..1]: {preset: grace-link, a: \"grace{0*2}\", b: \"grace{0*2+1}\"}\n"
                                  "  c2c[0..1]: {preset: nvlink-c2c, a: \"grace{0*3}\", b: \"hopper{0}\"}\n"
                                  "  nvl: {preset: nvlink4, a: hopper0, b: hopper1}\n");
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    EXPECT_EQ(machine->find("grace2")->socket, 1);
    EXPECT_EQ(machine->find("grace3")->socket, 3);
    EXPECT_EQ(machine->find("grace3")->node, "n1");
    EXPECT_EQ(machine->find("lpddr7")->at, "grace3");
    EXPECT_EQ(machine->links[1].a, "grace2");
    EXPECT_EQ(machine->links[1].b, "grace3");
    EXPECT_EQ(machine->find("hopper1")->cpu, "grace3");
}

TEST_F(TopologyLoaderTest, EachSlipInTheArithmeticIsToldInWords) {
    for (const auto& [inside, message] : {std::pair{"{0/0}", "divides by zero"},
                                          {"{0-9}", "is negative: 0 - 9; begin the range with a larger number"},
                                          {"{0+1*2}", "mixes its operators; write * / % before + and -"},
                                          {"{0+}", "has no whole number behind \"+\""},
                                          {"{0*}", "has no whole number behind \"*\""},
                                          {"{0%2", "refers to no range of its key"},
                                          {"{1/2}", "refers to no range of its key; write {0} to {0}"},
                                          {"{0*99999+99999*2}", "mixes its operators"},
                                          {"{0+99999+99999}", "gives 199998; at most 99999"}}) {
        EXPECT_FALSE(topology(
            two_nodes("  nvl[0..1]: {preset: nvlink4, a: hopper0, b: \"hopper" + std::string(inside) + "\"}\n")));
        EXPECT_THAT(said(), testing::Contains(testing::AllOf(testing::HasSubstr(message), testing::HasSubstr(":9:"))))
            << inside;
    }
}

TEST_F(TopologyLoaderTest, AScenarioTakesOneLinkOfARangeDown) {
    const auto machine = scenario("scenario: s\n"
                                  "machine: {topology: gb200-nvl72, set: {nvl5-3.down: true, nvswitch7.down: true}}\n"
                                  "traffic:\n"
                                  "  - group: g\n"
                                  "    streams: [{from: blackwell0.sm, op: read, source: grace9.egm}]\n");
    ASSERT_TRUE(machine) << testing::PrintToString(said());
    unsigned down = 0;
    for (const sim::Link& link : machine->topology.links) {
        down += link.down;
        EXPECT_EQ(link.down, link.name == "nvl5-3");
        EXPECT_EQ(link.trust, sim::to_text(link.kind) == "c2c" ? sim::Trust::kCalibrated : sim::Trust::kDerived);
    }
    EXPECT_EQ(down, 1u);
    EXPECT_TRUE(machine->topology.find("nvswitch7")->down);
    EXPECT_FALSE(machine->topology.find("nvswitch8")->down);
}

} // namespace
