// Scenarios: does a file become the run it says, and is each fault told at its place with a way out?
#include "tests/sim/input_test.h"

#include <cerrno>

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct ScenarioLoaderTest : InputTest {
    static std::string on(const std::string& machine, const std::string& software, const std::string& traffic) {
        return "scenario: s\nmachine: " + machine + "\n" + (software.empty() ? "" : "software:\n" + software) +
               (traffic.empty() ? "" : "traffic:\n" + traffic);
    }

    /// One stream, whose keys begin in line 6, column 10.
    static std::string stream(const std::string& keys) {
        return on("gh200-quad", "", "  - group: g\n    streams:\n      - {" + keys + "}\n");
    }

    static constexpr const char* kVm =
        "  vms:\n    - {name: a, vcpus: 8, memory: [{of: grace0.egm, size: 4 GiB}], gpus: [hopper0]}\n";
    static constexpr const char* kRead =
        "  - group: g\n    streams:\n      - {from: hopper0.sm, op: read, source: hopper0.hbm}\n";
};

TEST_F(ScenarioLoaderTest, AMinimalScenarioGetsTheDefaults) {
    const auto run = scenario(on("gh200", "", kRead));
    ASSERT_TRUE(run) << testing::PrintToString(said());
    EXPECT_EQ(run->seed, 1u);
    EXPECT_EQ(run->topology.name, "gh200");
    EXPECT_EQ(run->software.host_page_bytes, 64u << 10);
    EXPECT_TRUE(run->software.vms.empty());
    ASSERT_EQ(run->groups.size(), 1u);
    const sim::Stream& stream = run->groups[0].streams.at(0);
    EXPECT_EQ(stream.name, "hopper0.sm read hopper0.hbm");
    EXPECT_EQ(stream.engine, sim::Engine::kSm);
    EXPECT_EQ(stream.source.kind, sim::MemoryName::Kind::kHbm);
    EXPECT_EQ(stream.target.kind, sim::MemoryName::Kind::kNone);
    EXPECT_EQ(stream.working_set_bytes, 8ull << 30);
    EXPECT_DOUBLE_EQ(run->measurement.relative_error, 0.005);
}

TEST_F(ScenarioLoaderTest, EveryKeyArrivesInItsField) {
    const auto run =
        scenario("scenario: s\n"
                 "description: all keys\n"
                 "machine: {topology: gh200-quad, set: {c2c0.latency: 250 ns, \"hopper[0..3].sms\": 100}}\n"
                 "seed: 7\n"
                 "software:\n"
                 "  host_page_size: 4 KiB\n"
                 "  guest_page_size: 2 MiB\n"
                 "  kernel: {egm: E1, vfio: 6.12, page_size: 4KiB, short_buffer: ENOSPC}\n"
                 "  iommu: iommufd-tolerant\n"
                 "  hypervisor_memory: 8 GiB\n"
                 "  compare_native: false\n"
                 "  vms:\n"
                 "    - name: a\n"
                 "      vcpus: 16\n"
                 "      memory: [{of: grace1.egm, size: 64 GiB, file_offset: 1 GiB}]\n"
                 "      gpus: [hopper1, hopper0]\n"
                 "      block_alignment: 2 MiB\n"
                 "      enforce_offset_zero: false\n"
                 "  faults:\n"
                 "    - {fail_call: 7, errno: ENOMEM}\n"
                 "    - {gpu_not_ready: hopper0}\n"
                 "    - {retired_pages: grace1, offsets: [1 GiB, 3 GiB]}\n"
                 "traffic:\n"
                 "  - group: g\n"
                 "    streams:\n"
                 "      - name: n\n"
                 "        from: hopper0.sm\n"
                 "        op: copy\n"
                 "        source: grace1.egm\n"
                 "        target: hopper0.hbm\n"
                 "        allocator: egm\n"
                 "        vm: a\n"
                 "        via: hopper1\n"
                 "        working_set: 2 GiB\n"
                 "        burst: 4 KiB\n"
                 "        page_size: 2 MiB\n"
                 "        threads: 512\n"
                 "        blocks: 200\n"
                 "        unroll: 4\n"
                 "        start: 10 us\n"
                 "        stop: 1 ms\n"
                 "        rate_cap: 100 GB/s\n"
                 "measurement: {relative_error: 1 %, time_max: 5 ms}\n");
    ASSERT_TRUE(run) << testing::PrintToString(said());
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_EQ(run->topology.links.at(0).spec.latency, 250'000u);
    EXPECT_EQ(std::get<models::GpuSpec>(run->topology.find("hopper3")->spec).sms, 100u);
    EXPECT_EQ(run->seed, 7u);
    EXPECT_EQ(run->software.host_page_bytes, 4u << 10);
    EXPECT_EQ(run->software.guest_page_bytes, 2u << 20);
    EXPECT_EQ(run->software.egm_shape, "E1");
    EXPECT_EQ(run->software.kernel_minor, 12);
    EXPECT_TRUE(run->software.retired_short_buffer_enospc);
    EXPECT_EQ(run->software.iommu, sim::IommuBackend::kIommufdTolerant);
    EXPECT_EQ(run->software.hypervisor_bytes, 8ull << 30);
    EXPECT_FALSE(run->software.compare_native);
    const sim::VmSetup& vm = run->software.vms.at(0);
    EXPECT_EQ(vm.vcpus, 16u);
    EXPECT_EQ(vm.memory.at(0).memory, "grace1.egm");
    EXPECT_EQ(vm.memory.at(0).size_bytes, 64ull << 30);
    EXPECT_EQ(vm.memory.at(0).file_offset, 1ull << 30);
    EXPECT_EQ(vm.memory.at(0).where.line, 15);
    EXPECT_THAT(vm.gpus, ElementsAre("hopper1", "hopper0"));
    EXPECT_EQ(vm.block_alignment, 2u << 20);
    EXPECT_FALSE(vm.enforce_offset_zero);
    ASSERT_EQ(run->software.faults.size(), 3u);
    EXPECT_EQ(run->software.faults[0].call_number, 7u);
    EXPECT_EQ(run->software.faults[0].error_number, ENOMEM);
    EXPECT_EQ(run->software.faults[1].part, "hopper0");
    EXPECT_THAT(run->software.faults[2].offsets, ElementsAre(1ull << 30, 3ull << 30));
    const sim::Stream& stream = run->groups.at(0).streams.at(0);
    EXPECT_EQ(stream.operation, sim::Operation::kCopy);
    EXPECT_EQ(stream.source.part, "grace1");
    EXPECT_EQ(stream.target.kind, sim::MemoryName::Kind::kHbm);
    EXPECT_EQ(stream.allocator, sim::Allocator::kEgm);
    EXPECT_EQ(stream.vm, "a");
    EXPECT_EQ(stream.via, "hopper1");
    EXPECT_EQ(stream.working_set_bytes, 2ull << 30);
    EXPECT_EQ(stream.burst_bytes, 4096u);
    EXPECT_EQ(stream.page_bytes, 2u << 20);
    EXPECT_EQ(stream.threads, 512u);
    EXPECT_EQ(stream.blocks, 200u);
    EXPECT_EQ(stream.unroll, 4u);
    EXPECT_EQ(stream.start, 10'000'000u);
    EXPECT_EQ(stream.stop, 1'000'000'000u);
    EXPECT_EQ(stream.rate_cap_bytes_per_second, 100'000'000'000u);
    EXPECT_EQ(run->measurement.time_max, 5'000'000'000u);
}

TEST_F(ScenarioLoaderTest, EveryFaultIsToldAtOnceAtItsPlace) {
    EXPECT_FALSE(scenario("scenario: s\n" // 1
                          "machine: {topology: gh200, set: {c2c0.latency: 300, hoper0.sms: 3}}\n"
                          "software:\n"               // 3
                          "  host_page_size: 8 KiB\n" // 4
                          "  vms:\n"                  // 5
                          "    - {name: a, memory: [{of: grace0.system, size: 3}], gpus: [hopper1]}\n"
                          "traffic:\n"     // 7
                          "  - group: g\n" // 8
                          "    streams:\n" // 9
                          "      - {from: hopper0.sn, op: red, source: grace0.hbm, rate_cap: 450}\n"
                          "  - grup: y\n"));
    EXPECT_THAT(
        said(),
        ElementsAre(
            "s.yaml:2:48: error: link c2c0: latency \"300\" has no unit; write \"300 ns\"",
            "s.yaml:2:53: error: machine: \"hoper0.sms\": the machine has no part or link \"hoper0\"; did you "
            "mean \"hopper0\"?",
            "s.yaml:4:19: error: software: host_page_size \"8 KiB\" is not known; did you mean \"4 KiB\"?",
            "s.yaml:6:31: error: VM a: memory 0: of: a VM's memory on this machine is EGM; write \"grace0.egm\"",
            "s.yaml:6:52: error: VM a: memory 0: size \"3\" has no unit; write \"3 GiB\"",
            "s.yaml:6:64: error: VM a: gpus: \"hopper1\" is no GPU of this machine; did you mean \"hopper0\"?",
            "s.yaml:10:16: error: group \"g\" stream 0: from: \"hopper0.sn\" is no initiator of this machine; did "
            "you mean \"hopper0.sm\"?",
            "s.yaml:10:32: error: group \"g\" stream 0: op \"red\" is not known; did you mean \"read\"?",
            "s.yaml:10:45: error: group \"g\" stream 0: source: \"grace0.hbm\" is no memory of this machine; did "
            "you mean \"grace0.egm\"?",
            "s.yaml:10:67: error: group \"g\" stream 0: rate_cap \"450\" has no unit; write \"450 GB/s\"",
            "s.yaml:11:5: error: traffic: an entry without group, each_alone, fan_in, fan_out, all_pairs, "
            "nvbandwidth, workload, trace or collective; did you mean \"group\"?"));
}

TEST_F(ScenarioLoaderTest, EachImpossibleStreamIsRefusedInWords) {
    const std::pair<const char*, const char*> faults[] = {
        {"op: read, source: grace0.egm",
         "s.yaml:6:9: error: group \"g\" stream 0: no from; a stream says who does what"},
        {"from: hopper0.sm, source: grace0.egm", "no op"},
        {"from: hopper0, op: read, source: grace0.egm",
         "from: \"hopper0\" is no initiator of this machine; did you mean"},
        {"from: grace0.sm, op: read, source: grace0.egm", "from: \"grace0.sm\" is no initiator"},
        {"from: [hopper0.sm], op: read, source: grace0.egm", "from names one initiator"},
        {"from: hopper0.sm, op: read", "no source; a read says what it reads"},
        {"from: hopper0.sm, op: write", "no target; a write says what it writes"},
        {"from: hopper0.sm, op: write, source: grace0.egm, target: grace0.egm", "source does not go with op write"},
        {"from: hopper0.sm, op: read, source: grace0.egm, target: hopper0.hbm", "target does not go with op read"},
        {"from: hopper0.sm, op: read, source: grace0.egm, peer: grace0.cpu", "peer belongs to op ping-pong"},
        {"from: hopper0.sm, op: ping-pong, source: grace0.system, peer: hopper1.ce",
         "peer \"hopper1.ce\" cannot compare"},
        {"from: hopper0.ce, op: read, source: grace0.egm", "op read is nothing a copy engine does; write \"op: copy\""},
        {"from: nic0, op: copy, source: grace0.egm", "op copy is nothing a NIC does"},
        {"from: grace0.cpu, op: read, source: grace0.egm, blocks: 4", "blocks belongs to GPU kernels"},
        {"from: hopper0.ce, op: copy, source: grace0.egm, threads: 4", "threads belongs to CPU and GPU threads"},
        {"from: grace0.cpu, op: read, source: grace0.egm, threads: 73",
         "threads 73 is more than the 72 cores of grace0"},
        {"from: hopper0.sm, op: read, source: grace0.egm, threads: 1025",
         "threads 1025 is too many for a block; at most 1024"},
        {"from: hopper0.sm, op: read, source: grace0.egm, blocks: 265",
         "blocks 265 is more than run at once on hopper0"},
        {"from: hopper0.sm, op: read, source: grace0.egm, unroll: 17", "unroll \"17\" is too large; at most 16"},
        {"from: hopper0.sm, op: read, source: grace0.egm, start: 3 us, stop: 3 us",
         "stop is not after the start at 3 us"},
        {"from: hopper0.sm, op: read, source: grace0.egm, working_set: 1 TiB",
         "working_set does not fit grace0.egm; at most"},
        {"from: hopper0.sm, op: copy, source: hopper0.hbm, working_set: 60 GiB",
         "working_set does not fit hopper0.hbm twice; at most"},
        {"from: hopper0.sm, op: read, source: grace0.egm, burst: 100 B", "burst is not a multiple of 64 B"},
        {"from: hopper0.sm, op: read, source: grace0.egm, page_size: 3 MiB",
         "page_size \"3 MiB\" is not known; did you mean"},
        {"from: hopper0.sm, op: read, source: grace0.egm, allocator: cudaMalloc",
         "allocator cudaMalloc gives HBM, which"},
        {"from: hopper0.sm, op: read, source: hopper0.hbm, allocator: egm", "allocator egm gives EGM, which"},
        {"from: hopper0.sm, op: read, source: grace0.egm, allocator: cudamalloc", "did you mean \"cudaMalloc\"?"},
        {"from: hopper0.sm, op: read, source: grace1.egm, via: hopper2", "via hopper2 serves no EGM of this stream"},
        {"from: hopper0.sm, op: read, source: grace1.egm, via: grace1", "via: \"grace1\" is no GPU of this machine"},
        {"from: hopper0.sm, op: read, source: grace0.egm, vm: a", "vm names a VM, but there are none"},
        {"from: hopper0.sm, op: read, source: grace0.egm, rate_cap: 5 ns", "is a time, not a bandwidth"},
        {"from: hopper0.sm, op: read, source: grace0.egm, sorce: x", "unknown key \"sorce\"; did you mean \"source\"?"},
    };
    for (const auto& [keys, expected] : faults) {
        EXPECT_FALSE(scenario(stream(keys))) << keys;
        EXPECT_THAT(said(), ElementsAre(HasSubstr(expected))) << keys;
    }
}

TEST_F(ScenarioLoaderTest, AStreamTouchesOnlyWhatItsVmHas) {
    const std::pair<const char*, const char*> faults[] = {
        {"from: hopper1.sm, op: read, source: grace0.egm", "from hopper1: no VM has it; add it to a VM's gpus"},
        {"from: grace1.cpu, op: read, source: grace1.egm", "from grace1: no VM has it"},
        {"from: hopper0.sm, op: read, source: grace1.egm", "source VM a has nothing of grace1.egm"},
        {"from: hopper0.sm, op: read, source: hopper1.hbm", "source VM a has nothing of hopper1.hbm"},
        {"from: hopper0.sm, op: read, source: grace0.egm, vm: b", "vm \"b\" does not exist; did you mean \"a\"?"},
        {"from: hopper1.sm, op: read, source: grace0.egm, vm: a", "from hopper1: VM a does not have it"},
        {"from: grace0.cpu, op: read, source: grace0.egm, threads: 9", "threads 9 is more than the 8 vCPUs of VM a"},
        {"from: hopper0.sm, op: read, source: grace0.egm, working_set: 5 GiB",
         "working_set does not fit grace0.egm; at most 4 GiB"},
    };
    for (const auto& [keys, expected] : faults) {
        EXPECT_FALSE(
            scenario(on("gh200-quad", kVm, std::string("  - group: g\n    streams:\n      - {") + keys + "}\n")));
        EXPECT_THAT(said(), ElementsAre(HasSubstr(expected))) << keys;
    }
    const auto run =
        scenario(on("gh200", kVm, "  - group: g\n    streams: [{from: hopper0.sm, op: read, source: grace0.egm}]\n"));
    ASSERT_TRUE(run);
    EXPECT_EQ(run->groups[0].streams[0].working_set_bytes, 4ull << 30); // the default shrinks to the region
}

TEST_F(ScenarioLoaderTest, EachImpossibleSoftwareIsRefusedInWords) {
    const std::pair<const char*, const char*> faults[] = {
        {"  kernel: {egm: E9}\n", "kernel: egm \"E9\" is not known; did you mean"},
        {"  kernel: {vfio: new}\n", "kernel: vfio \"new\" is no kernel version; write \"6.18\""},
        {"  host_page_size: 4 KiB\n  kernel: {page_size: 64KiB}\n",
         "kernel: page_size is not what host_page_size says"},
        {"  iommu: typ1\n", "iommu \"typ1\" is not known; did you mean \"type1\"?"},
        {"  compare_native: yes\n", "compare_native \"yes\" is not known"},
        {"  hypervisor_memory: 1 TiB\n", "hypervisor_memory leaves nothing of grace0's"},
        {"  vms: 3\n", "vms is no list"},
        {"  vms: [{memory: [{of: grace0.egm}]}]\n", "vms 0: no name; a VM has a name and memory"},
        {"  vms: [{name: a}]\n", "VM a: no memory"},
        {"  vms: [{name: a, memory: []}]\n", "VM a: memory is empty"},
        {"  vms: [{name: a, memory: [{size: 1 GiB}]}]\n", "VM a: memory 0: no of"},
        {"  vms: [{name: a, memory: [{of: grace9.egm}]}]\n",
         "of: \"grace9.egm\" is no memory of this machine; did you mean"},
        {"  vms: [{name: a, memory: [{of: hopper0.hbm}]}]\n",
         "a VM's memory on this machine is EGM; write \"grace0.egm\""},
        {"  vms: [{name: a, memory: [{of: grace0.egm, size: 65537 B}]}]\n", "size is not a multiple of 4 KiB"},
        {"  vms: [{name: a, memory: [{of: grace0.egm}]}, {name: a, memory: [{of: grace1.egm}]}]\n",
         "is the name of another VM"},
        {"  vms: [{name: a, memory: [{of: grace0.egm}], gpus: [hopper0, hopper0]}]\n", "gpus lists hopper0 twice"},
        {"  vms: [{name: a, memory: [{of: grace0.egm}], vcpus: 289}]\n",
         "vcpus 289 is more than the machine's 288 cores"},
        {"  vms: [{name: a, memory: [{of: grace0.egm}], block_alignment: 3 MiB}]\n",
         "block_alignment is no power of two"},
        {"  faults: [{}]\n", "faults 0: says no fault; write one of fail_call"},
        {"  faults: [{fail_call: 3}]\n", "faults 0: no errno"},
        {"  faults: [{fail_call: 0, errno: EIO}]\n", "fail_call \"0\" is too small"},
        {"  faults: [{fail_call: 3, errno: ENOMEN}]\n", "did you mean \"ENOMEM\"?"},
        {"  faults: [{fail_call: 3, errno: EIO, gpu_not_ready: hopper0}]\n", "says several faults"},
        {"  faults: [{gpu_not_ready: grace0}]\n", "gpu_not_ready: \"grace0\" is no GPU of this machine"},
        {"  faults: [{retired_pages: grace0}]\n", "offsets is missing or no list"},
        {"  faults: [{retired_pages: grace0, offsets: [1 KiB]}]\n", "\"1 KiB\" is not a multiple of 64 KiB"},
        {"  faults: [{retired_pages: grace0, offsets: [1 TiB]}]\n", "\"1 TiB\" lies behind the memory's end"},
    };
    for (const auto& [software, expected] : faults) {
        EXPECT_FALSE(scenario(on("gh200-quad", software, kRead))) << software;
        EXPECT_THAT(said(), ElementsAre(HasSubstr(expected))) << software;
    }
}

TEST_F(ScenarioLoaderTest, WhatTheBringUpMustRefuseIsLeftToIt) {
    EXPECT_TRUE(scenario(on("gh200", "  vms: [{name: a, memory: [{of: grace0.egm, size: 1 TiB}]}]\n", "")));
    EXPECT_THAT(said(), ElementsAre(testing::AllOf(
                            HasSubstr("s.yaml:4:28: warning: VM a: 1 TiB are asked of grace0.egm, which has"),
                            HasSubstr("; the bring-up will refuse it"))));
    // Of 480 GiB the host keeps 33 GiB, as published: what the bring-up finds in sysfs.
    EXPECT_TRUE(scenario(on("gb200-tray", "  vms: [{name: a, memory: [{of: grace0.egm, size: 448 GiB}]}]\n", "")));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("448 GiB are asked of grace0.egm, which has 447 GiB")));
    EXPECT_TRUE(scenario(on("gb200-tray", "  vms: [{name: a, memory: [{of: grace0.egm, size: 447 GiB}]}]\n", "")));
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_TRUE(
        scenario(on("gh200",
                    "  vms: [{name: a, memory: [{of: grace0.egm, size: 1 GiB}], gpus: [hopper0]}, {name: b, memory: "
                    "[{of: grace0.egm, size: 1 GiB}], gpus: [hopper0]}]\n",
                    "")));
    EXPECT_THAT(said(), IsEmpty()); // one GPU in two VMs: EBUSY
}

TEST_F(ScenarioLoaderTest, EachImpossibleTrafficIsRefusedInWords) {
    const std::pair<const char*, const char*> faults[] = {
        {"  - group: g\n", "group \"g\": streams is missing or no list"},
        {"  - {group: g, fan_in: h}\n", "traffic: both group and fan_in; write one of them"},
        {"  - {group: [a], streams: []}\n", "group has no name"},
        {"  - {fan_in: f, from: hopper0.sm, op: read, source: grace0.egm}\n", "fan_in \"f\": from is no list"},
        {"  - {fan_in: f, from: [hopper0.sm], op: read, source: [grace0.egm]}\n", "fan_in \"f\": source is a list"},
        {"  - {fan_out: f, from: hopper0.sm, op: read, source: grace0.egm}\n", "fan_out \"f\": no list of memories"},
        {"  - {all_pairs: f, from: [hopper0.sm], op: read, source: [grace0.egm], mode: twice}\n",
         "mode \"twice\" is not known"},
        {"  - {fan_in: f, mode: together, from: [hopper0.sm], op: read, source: grace0.egm}\n", "unknown key \"mode\""},
        {"  - {fan_in: f, name: n, from: [hopper0.sm], op: read, source: grace0.egm}\n",
         "name: its streams are named by what"},
        {"  - {fan_in: f, op: read, source: grace0.egm}\n", "fan_in \"f\": no from"},
        {"  - {fan_in: f, from: [hopper0.sm, hopper9.sm], op: read, source: grace0.egm}\n",
         "s.yaml:4:36: error: fan_in \"f\": from"},
        {"  - {group: g, streams: [3]}\n", "group \"g\" stream 0 has no keys"},
    };
    for (const auto& [traffic, expected] : faults) {
        EXPECT_FALSE(scenario(on("gh200-quad", "", traffic))) << traffic;
        EXPECT_THAT(said(), Contains(HasSubstr(expected))) << traffic;
    }
    EXPECT_FALSE(scenario(on("gh200", "", "")));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("no traffic and no VM: nothing to do")));
    EXPECT_FALSE(scenario(on("gh200", "", std::string(kRead) + kRead)));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("s.yaml:7:12: error: traffic: the name \"g\" is taken")));
}

TEST_F(ScenarioLoaderTest, ShorthandsBecomeGroups) {
    const auto run = scenario(
        on("gh200-quad", "",
           "  - each_alone: e\n"
           "    streams:\n"
           "      - {name: x, from: hopper0.sm, op: read, source: grace0.egm}\n"
           "      - {name: y, from: hopper0.sm, op: write, target: grace0.egm}\n"
           "  - {fan_in: in, from: [hopper0.sm, hopper1.sm], op: write, target: grace0.egm}\n"
           "  - {fan_out: out, from: hopper0.ce, op: copy, source: hopper0.hbm, target: [hopper1.hbm, grace0.egm]}\n"
           "  - {all_pairs: all, from: [hopper0.sm, hopper1.sm], op: read, source: [hopper2.hbm, hopper3.hbm]}\n"
           "  - {all_pairs: one, mode: one_at_a_time, from: [hopper0.sm, hopper1.sm], op: read, source: [grace0.egm]}\n"
           "  - {group: twins, streams: [{from: nic0, op: read, source: grace0.egm}, {from: nic0, op: read, "
           "source: grace0.egm}]}\n"));
    ASSERT_TRUE(run) << testing::PrintToString(said());
    std::vector<std::string> groups;
    for (const sim::StreamGroup& group : run->groups) {
        std::string text = group.name + ":";
        for (const sim::Stream& stream : group.streams) {
            text += " [" + stream.name + "]";
        }
        groups.push_back(text);
    }
    EXPECT_THAT(
        groups,
        ElementsAre("x: [x]", "y: [y]", "in: [hopper0.sm write grace0.egm] [hopper1.sm write grace0.egm]",
                    "out: [hopper0.ce copy hopper0.hbm to hopper1.hbm] [hopper0.ce copy hopper0.hbm to grace0.egm]",
                    "all: [hopper0.sm read hopper2.hbm] [hopper0.sm read hopper3.hbm] [hopper1.sm read hopper2.hbm] "
                    "[hopper1.sm read hopper3.hbm]",
                    "hopper0.sm read grace0.egm: [hopper0.sm read grace0.egm]",
                    "hopper1.sm read grace0.egm: [hopper1.sm read grace0.egm]",
                    "twins: [nic0 read grace0.egm] [nic0 read grace0.egm #2]"));
}

TEST_F(ScenarioLoaderTest, TooManyStreamsAreRefused) {
    std::string many = "hopper0.sm";
    for (int i = 0; i < 2000; ++i) {
        many += ", hopper0.sm";
    }
    EXPECT_FALSE(scenario(
        on("gh200", "",
           "  - {all_pairs: a, from: [" + many + "], op: read, source: [grace0.egm, hopper0.hbm, grace0.system]}\n")));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("more than 4096 streams")));
}

TEST_F(ScenarioLoaderTest, ACopyWithoutTargetStaysInItsMemory) {
    const auto run = scenario(stream("from: grace0.cpu, op: stream-triad, source: grace0.system"));
    ASSERT_TRUE(run);
    EXPECT_EQ(run->groups[0].streams[0].target.part, "grace0");
    EXPECT_EQ(run->groups[0].streams[0].target.kind, sim::MemoryName::Kind::kSystem);
}

TEST_F(ScenarioLoaderTest, ALegacyMachineHasNoEgmNoAtsAndNoCoherence) {
    const auto hgx = [&](const std::string& keys) {
        return scenario(on("hgx-h100", "", "  - group: g\n    streams:\n      - {" + keys + "}\n"));
    };
    EXPECT_FALSE(hgx("from: h100-0.sm, op: read, source: x86-0.egm"));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("\"x86-0.egm\": this machine has no EGM; write \"x86-0.system\"")));
    EXPECT_FALSE(hgx("from: h100-0.sm, op: read, source: x86-0.system, allocator: system"));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("cannot use CPU page tables (no ATS); write \"allocator: pinned\"")));
    EXPECT_FALSE(hgx("from: x86-0.cpu, op: read, source: h100-0.hbm"));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("x86-0 has no coherent link to GPU memory")));
    EXPECT_TRUE(hgx("from: h100-0.sm, op: read, source: x86-0.system, allocator: pinned"));
}

TEST_F(ScenarioLoaderTest, AMachineIsANameOrAPathBesideTheScenario) {
    files.texts["runs/mine.yaml"] = files.texts["topologies/gh200.yaml"];
    files.texts["runs/s.yaml"] = on("mine.yaml", "", kRead);
    EXPECT_TRUE(sim::load_scenario("runs/s.yaml", {}, search, diagnostics));
    EXPECT_FALSE(scenario(on("gh20", "", kRead)));
    EXPECT_THAT(said(), ElementsAre("s.yaml:2:10: error: there is no machine \"gh20\"; did you mean \"gh200\"?"));
    EXPECT_FALSE(scenario("scenario: s\ntraffic:\n" + std::string(kRead)));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("scenario: no machine; a scenario has a name and a machine")));
    EXPECT_FALSE(scenario("- a\n- b\n"));
    EXPECT_THAT(said(), Contains(HasSubstr("s.yaml:1:1: error: scenario has no keys")));
}

} // namespace
