// vms.yaml: is what a person writes read as meant, and is every slip told with its place?

#include "egm/linux/vms_file.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string with_vm(const std::string& keys) { return "vms:\n  - name: vm0\n    vcpus: 8\n" + keys; }

VmsFile loaded(const std::string& text) {
    sim::Diagnostics diagnostics;
    auto file = read_vms(text, "vms.yaml", diagnostics);
    std::ostringstream faults;
    diagnostics.print(faults);
    EXPECT_TRUE(file) << faults.str();
    return file ? std::move(*file) : VmsFile{};
}

/// "line:column message" of each fault.
std::vector<std::string> faults(const std::string& text) {
    sim::Diagnostics diagnostics;
    EXPECT_FALSE(read_vms(text, "vms.yaml", diagnostics));
    std::vector<std::string> all;
    for (const sim::Diagnostic& each : diagnostics.all())
        all.push_back(std::to_string(each.where.line) + ":" + std::to_string(each.where.column) + " " + each.message +
                      "; " + each.suggestion);
    return all;
}

TEST(VmsFileTest, AllOfAMachine) {
    const VmsFile file = loaded("policy: vm-per-socket\n" + with_vm("    egm: all\n    gpus: all\n"));
    EXPECT_EQ(file.request.policy, Sharing::kVmPerSocket);
    const TrayVm& vm = file.request.vms.at(0);
    EXPECT_EQ(vm.request.name, "vm0");
    EXPECT_EQ(vm.request.vcpus, 8u);
    EXPECT_EQ(vm.request.iommu, IommuMode::kType1);
    EXPECT_TRUE(vm.all_carveouts);
    EXPECT_TRUE(vm.all_gpus);
}

TEST(VmsFileTest, PolicyIsWholeTrayWhenNothingIsSaid) {
    EXPECT_EQ(loaded(with_vm("    egm: all\n")).request.policy, Sharing::kWholeTray);
}

TEST(VmsFileTest, RegionsAndGpusInTheirOrder) {
    const VmsFile file =
        loaded(with_vm("    egm: {5: 100 GiB, egm4: whole, 6: blocks, 7: {size: 1 GiB, offset: 2 GiB}}\n"
                       "    gpus: [0009:01:00.0, 000A:01:00.0]\n"
                       "    iommu: iommufd-dma-buf\n"));
    const VmRequest& request = file.request.vms.at(0).request;
    ASSERT_EQ(request.regions.size(), 4u);
    EXPECT_EQ(request.regions[0].pxm, 5);
    EXPECT_EQ(request.regions[0].size, 100 * kGiB);
    EXPECT_EQ(request.regions[1].pxm, 4);
    EXPECT_EQ(request.regions[1].size, 0u);
    EXPECT_FALSE(request.regions[1].whole_blocks);
    EXPECT_TRUE(request.regions[2].whole_blocks);
    EXPECT_EQ(request.regions[3].size, kGiB);
    EXPECT_EQ(request.regions[3].file_offset, 2 * kGiB);
    EXPECT_THAT(request.gpu_bdfs, ElementsAre("0009:01:00.0", "000a:01:00.0"));
    EXPECT_EQ(request.iommu, IommuMode::kIommufdDmaBuf);
}

TEST(VmsFileTest, OrdinaryMemory) {
    EXPECT_EQ(loaded(with_vm("    memory: 64 GiB\n")).request.vms[0].request.legacy_memory_bytes, 64 * kGiB);
}

TEST(VmsFileTest, FaultOfAPlanPointsAtItsPlace) {
    const VmsFile file = loaded(with_vm("    egm: {4: whole,\n          5: whole}\n    gpus: [0008:01:00.0]\n"));
    EXPECT_EQ(file.place_of({.vm = 0}).line, 2);
    EXPECT_EQ(file.place_of({.vm = 0, .region = 1}).line, 5);
    EXPECT_EQ(file.place_of({.vm = 0, .gpu = 0}).line, 6);
    const VmsFile all = loaded(with_vm("    egm: all\n    gpus: all\n"));
    EXPECT_EQ(all.place_of({.vm = 0, .region = 1}).line, 4);
    EXPECT_EQ(all.place_of({.vm = 0, .gpu = 3}).line, 5);
}

TEST(VmsFileTest, EverySlipIsToldAtOnceWithItsPlace) {
    EXPECT_THAT(faults("policy: whole-trai\nvms:\n  - name: vm,0\n    vcpus: 0\n    egm: {4: 100, x: whole, 6: [1]}\n"
                       "    gpus: [12]\n    iommu: typ1\n    mem: 3\n"),
                ElementsAre(HasSubstr("1:9 file: policy \"whole-trai\" is not known; did you mean \"whole-tray\""),
                            HasSubstr("3:11 VM vm,0: name \"vm,0\" is no plain name"),
                            HasSubstr("4:12 VM vm,0: vcpus \"0\" is too small"),
                            HasSubstr("5:14 VM vm,0: egm: 4 \"100\" has no unit; write \"100 GiB\""),
                            HasSubstr("5:19 VM vm,0: egm: \"x\" is no carveout"),
                            HasSubstr("5:32 VM vm,0: egm: 6 is not a size"),
                            HasSubstr("6:12 VM vm,0: gpus: \"12\" is no PCI address"),
                            HasSubstr("7:12 VM vm,0: iommu \"typ1\" is not known; did you mean \"type1\""),
                            HasSubstr("8:5 VM vm,0: unknown key \"mem\"; did you mean \"memory\"")));
}

TEST(VmsFileTest, VmWithoutMemoryOrWithBothKindsIsAnError) {
    EXPECT_THAT(faults(with_vm("")), ElementsAre(HasSubstr("VM vm0: no egm and no memory")));
    EXPECT_THAT(faults(with_vm("    egm: all\n    memory: 1 GiB\n")), ElementsAre(HasSubstr("egm and memory")));
}

TEST(VmsFileTest, WhatIsNoListOfVmsIsAnError) {
    EXPECT_THAT(faults("vms: []\n"), ElementsAre(HasSubstr("vms is empty")));
    EXPECT_THAT(faults("vms: vm0\n"), ElementsAre(HasSubstr("vms is no list")));
    EXPECT_THAT(faults("policy: shared\n"), ElementsAre(HasSubstr("no vms")));
    EXPECT_THAT(faults(""), testing::Not(IsEmpty()));
    EXPECT_THAT(faults("vms:\n  - vm0\n"), testing::Not(IsEmpty()));
    EXPECT_THAT(faults("vms: [\n"), testing::Not(IsEmpty()));
}

TEST(VmsFileTest, EgmThatNamesNothingIsAnError) {
    for (const char* egm : {"everything", "[4]", "{}"})
        EXPECT_THAT(faults(with_vm(std::string("    egm: ") + egm + "\n")), ElementsAre(HasSubstr("names no carveout")))
            << egm;
}

} // namespace
} // namespace egm
