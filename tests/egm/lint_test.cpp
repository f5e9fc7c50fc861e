// Linter: is each fault of someone else's VM found, at its place, and is a sound one left in peace?

#include "egm/lint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/libvirt_xml.h"
#include "egm/qemu_arguments.h"
#include "machines.h"

namespace egm {
namespace {

using machines::gb200_tray;
using machines::gh200_quad;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Severity = LintFinding::Severity;

PlannedVm planned(const MachineSurvey& machine, IommuMode mode = IommuMode::kIommufdTolerant) {
    const TrayVm vm{.request = {.name = "vm0", .vcpus = 120, .iommu = mode}, .all_carveouts = true, .all_gpus = true};
    return plan_tray({.vms = {vm}}, machine).value().vms.at(0);
}

/// What our own writer makes of a whole tray: everything right.
std::string sound_script() {
    const MachineSurvey machine = gb200_tray();
    const PlannedVm vm = planned(machine);
    return shell_script(vm, qemu_arguments(vm, machine.page_size));
}

std::string sound_domain() { return libvirt_xml(planned(gb200_tray())).value(); }

std::vector<LintFinding> lint(const std::vector<std::string>& texts, const MachineSurvey& machine = gb200_tray()) {
    std::vector<VmDescription> vms;
    std::vector<std::string> files;
    std::vector<LintFinding> findings;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const std::string file = "file" + std::to_string(i);
        LintInput input = read_vm_descriptions(texts[i], file);
        findings.insert(findings.end(), input.findings.begin(), input.findings.end());
        vms.insert(vms.end(), input.vms.begin(), input.vms.end());
        files.resize(vms.size(), file);
    }
    const auto broken = check_vms(vms, files, machine);
    findings.insert(findings.end(), broken.begin(), broken.end());
    sort_findings(findings);
    return findings;
}

/// "error 12: message" of each finding.
std::vector<std::string> lines(const std::vector<LintFinding>& findings) {
    std::vector<std::string> all;
    for (const LintFinding& finding : findings)
        all.push_back(std::string(to_string(finding.severity)) + " " + std::to_string(finding.place.line) + ": " +
                      finding.message);
    return all;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    return at == text.npos ? text : text.replace(at, from.size(), to);
}

unsigned line_of(const std::string& text, const std::string& piece) {
    return 1 + unsigned(std::count(text.begin(), text.begin() + long(text.find(piece)), '\n'));
}

TEST(LintTest, OurOwnPlansAreSound) {
    for (const IommuMode mode : {IommuMode::kType1, IommuMode::kIommufdTolerant}) {
        const MachineSurvey machine = gb200_tray();
        const PlannedVm vm = planned(machine, mode);
        EXPECT_THAT(lines(lint({shell_script(vm, qemu_arguments(vm, machine.page_size))})), IsEmpty());
        EXPECT_THAT(lines(lint({libvirt_xml(vm).value()})), IsEmpty());
    }
}

/// A change of the sound script or domain, and what must be found then.
struct Slip {
    const char* name;
    const char* from;
    const char* to;
    const char* finding; ///< "error: part of the message"
    const char* at;      ///< a piece of the changed text that stands on the finding's line
};

void expect_found(const std::string& sound, const Slip& slip) {
    const std::string text = replaced(sound, slip.from, slip.to);
    const auto findings = lines(lint({text}));
    const std::string expected(slip.finding);
    const std::size_t colon = expected.find(':');
    const std::string start =
        expected.substr(0, colon) + " " + std::to_string(line_of(text, slip.at)) + expected.substr(colon, 2);
    EXPECT_THAT(findings, Contains(testing::AllOf(testing::StartsWith(start), HasSubstr(expected.substr(colon + 2)))));
}

class QemuSlipTest : public testing::TestWithParam<Slip> {};

TEST_P(QemuSlipTest, IsFoundAtItsPlace) { expect_found(sound_script(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Each, QemuSlipTest,
    testing::Values(
        Slip{"Offset", "align=512M", "align=512M,offset=1G", "error: /dev/egm4 is used from offset 0x40000000",
             "offset=1G"},
        Slip{"Private", "share=on", "share=off", "error: the mapping of /dev/egm4 is private", "share=off"},
        Slip{"PrivateByDefault", ",share=on", "", "error: the mapping of /dev/egm4 is private", "/dev/egm4"},
        Slip{"TooLarge", "size=447G", "size=448G", "error: /dev/egm4 has 447 GiB, and 448 GiB are asked", "448G"},
        Slip{"NoWholePages", "size=447G", "size=457727.99M", "error: no multiple of the host's page", "457727"},
        Slip{"Rest", "size=447G", "size=400G", "warning: 47 GiB of it stay unused", "400G"},
        Slip{"NoPrealloc", "prealloc=on,", "", "note: not preallocated", "/dev/egm4"},
        Slip{"NoAlign", ",align=512M", "", "warning: no place for blocks of 512 MiB", "/dev/egm4"},
        Slip{"SmallAlign", "align=512M", "align=2M", "warning: a multiple of 2 MiB only", "align=2M"},
        Slip{"OddAlign", "align=512M", "align=3M", "error: no power of two", "align=3M"},
        Slip{"UnknownCarveout", "/dev/egm5", "/dev/egm6", "error: this machine has no /dev/egm6", "egm6"},
        Slip{"SameCarveoutTwice", "/dev/egm5", "/dev/egm4", "error: /dev/egm4 is used twice", "id=m1"},
        Slip{"SizeIsNone", "size=447G", "size=plenty", "error: size \"plenty\" is no size", "plenty"},
        Slip{"Variable", "size=447G", "size=$SIZE", "warning: depends on a variable", "$SIZE"},
        Slip{"BackendOfNoNode", "memdev=m1", "memdev=m0", "error: /dev/egm5 is no node's memory", "id=m1"},
        Slip{"BackendOfTwoNodes", "memdev=m1", "memdev=m0", "error: the memory of two nodes", "nodeid=1,"},
        Slip{"NoSuchBackend", "memdev=m1", "memdev=m7", "error: no memory backend \"m7\"", "memdev=m7"},
        Slip{"SumIsNotTheMemory", "-m size=894G", "-m 16G", "error: the VM has 16 GiB, and its nodes have 894 GiB",
             "-m 16G"},
        Slip{"NodeTwice", "nodeid=33", "nodeid=32", "error: node 32 is there twice", "nodeid=32 \\\n    -device"},
        Slip{"NodeMissing", "nodeid=33", "nodeid=40", "error: there is no node 33", "nodeid=0"},
        Slip{"CpusBehindInitiators", "nodeid=33", "nodeid=33,cpus=119", "error: comes behind initiator node 2",
             "nodeid=33"},
        Slip{"InitiatorWithMemory", "nodeid=2 ", "nodeid=2,memdev=m1 ", "error: node 2 has CPUs or memory", "node=2"},
        Slip{"SevenInitiators", "-object acpi-generic-initiator,id=gi31,pci-dev=dev3,node=33", "-nodefaults",
             "error: GPU 0019:01:00.0 has 7 initiator nodes, and needs 8", "id=dev3"},
        Slip{"InitiatorTwice", "pci-dev=dev0,node=3", "pci-dev=dev0,node=2", "error: node 2 is an initiator of",
             "gi1,"},
        Slip{"InitiatorOfTwo", "pci-dev=dev1,node=10", "pci-dev=dev1,node=9", "error: an initiator of \"dev0\" too",
             "id=gi8,"},
        Slip{"InitiatorNowhere", "pci-dev=dev3,node=33", "pci-dev=dev3,node=77", "error: there is no node 77",
             "node=77"},
        Slip{"NoEgmLink", "-object acpi-egm-memory,id=egm3,pci-dev=dev3,node=1", "-nodefaults",
             "error: GPU 0019:01:00.0 has no EGM link", "id=dev3"},
        Slip{"EgmLinkTwice", "pci-dev=dev3,node=1", "pci-dev=dev2,node=1", "error: GPU 0018:01:00.0 has two EGM links",
             "id=egm3"},
        Slip{"EgmOfAnotherSocket", "id=egm3,pci-dev=dev3,node=1", "id=egm3,pci-dev=dev3,node=0",
             "error: node 0 is not the EGM of GPU 0019:01:00.0", "id=egm3"},
        Slip{"EgmOfAnEmptyNode", "id=egm3,pci-dev=dev3,node=1", "id=egm3,pci-dev=dev3,node=5",
             "error: node 5 is not the EGM of GPU 0019:01:00.0", "id=egm3"},
        Slip{"LinkToNobody", "id=egm3,pci-dev=dev3", "id=egm3,pci-dev=dev9", "error: there is no device \"dev9\"",
             "dev9"},
        Slip{"GpuMissing", "host=0019:01:00.0", "host=0042:01:00.0",
             "error: GPU 0019:01:00.0 reaches all of /dev/egm5, and is not in the VM", "id=m1"},
        Slip{"NoGpuOfTheMachine", "host=0019:01:00.0", "host=0042:01:00.0",
             "error: device \"dev3\" is no GPU of this machine's carveouts", "id=egm3"},
        Slip{"GpuTwice", "host=0019:01:00.0", "host=0018:01:00.0", "error: 0018:01:00.0 is in the VM twice", "id=dev3"},
        Slip{"CanBeUnplugged", "vfio-pci-nohotplug,host=0008", "vfio-pci,host=0008", "warning: could be unplugged",
             "host=0008"},
        Slip{"Migration", "rombar=0,id=dev0", "enable-migration=on,id=dev0", "error: migration is on", "host=0008"},
        Slip{"NoWindow", ",highmem-mmio-size=4T", "", "error: QEMU's usual 512 GiB", "-machine"},
        Slip{"SmallWindow", "highmem-mmio-size=4T", "highmem-mmio-size=2T", "error: need an MMIO window of 4 TiB",
             "-machine"},
        Slip{"OddWindow", "highmem-mmio-size=4T", "highmem-mmio-size=5T", "error: no power of two", "-machine"},
        Slip{"EmulatedSmmu", "accel=on,ats=on", "ats=on", "error: 0008:01:00.0 is emulated", "id=smmuv3.1"},
        Slip{"NoIommufd", "id=dev0,iommufd=iommufd0", "id=dev0", "error: without iommufd", "id=dev0"},
        Slip{"NoVirtualSmmu", "primary-bus=pcie.1,", "primary-bus=pcie.9,", "note: cannot use ATS", "id=dev0"},
        Slip{"TwoSmmusOnOneBus", "bus=pcie.2,chassis", "bus=pcie.1,chassis", "error: shares a virtual SMMU", "id=dev1"},
        Slip{"MachineSmmu", "gic-version=3", "gic-version=3,iommu=smmuv3", "error: either one SMMU of the machine",
             "-machine"},
        Slip{"NoAcpi", "gic-version=3", "gic-version=3,acpi=off", "error: learns of EGM through ACPI", "-machine"},
        Slip{"MachineMemory", "gic-version=3", "gic-version=3,memory-backend=m0", "error: not both", "-machine"},
        Slip{"NoKvm", "accel=kvm", "accel=tcg", "error: does not run by KVM", "-machine"},
        Slip{"Incoming", "-cpu host", "-cpu host -incoming tcp:0:4444", "error: cannot migrate", "-incoming"},
        Slip{"OnlyMigratable", "-cpu host", "-only-migratable -cpu host", "error: cannot migrate", "-only"},
        Slip{"DirtyRing", "-cpu host", "-cpu host -accel kvm,dirty-ring-size=4096", "warning: no dirty log",
             "dirty-ring"},
        Slip{"Hugepages", "-cpu host", "-cpu host -mem-path /dev/hugepages", "error: no huge page memory", "-mem-path"},
        Slip{"Memlock", "exec qemu", "ulimit -l 65536\nexec qemu", "warning: limit of locked memory", "ulimit -l 6"},
        Slip{"NoNumber", "pci-dev=dev3,node=33", "pci-dev=dev3,node=x", "error: \"x\" is no number", "node=x"},
        Slip{"BrokenJson", "-device pxb-pcie,id=pcie.4", "-device '{\"driver\":' -foo pxb-pcie,id=pcie.4",
             "error: no JSON object", "{\"driver\""}),
    [](const auto& each) { return each.param.name; });

class LibvirtSlipTest : public testing::TestWithParam<Slip> {};

TEST_P(LibvirtSlipTest, IsFoundAtItsPlace) { expect_found(sound_domain(), GetParam()); }

INSTANTIATE_TEST_SUITE_P(
    Each, LibvirtSlipTest,
    testing::Values(
        Slip{"NoAcpi", "<acpi />", "", "error: no <acpi/> in <features>", "<domain"},
        Slip{"Hugepages", "<source type='file' />", "<hugepages />", "error: no huge page memory", "<hugepages"},
        Slip{"HardLimit", "<os>", "<memtune><hard_limit unit='GiB'>64</hard_limit></memtune><os>",
             "warning: <hard_limit> below the VM's memory", "<hard_limit"},
        Slip{"SmallWindow", ">4294967296<", ">1073741824<", "error: need an MMIO window of 4 TiB", "pcihole64"},
        Slip{"Managed", "managed='no'", "managed='yes'", "warning: libvirt may take GPU 0008:01:00.0", "managed='yes'"},
        Slip{"NoIommufd", "<driver iommufd='yes' />", "", "error: without iommufd", "<hostdev"},
        Slip{"Nodes", "nodeset='2-9'", "nodeset='2-8'", "error: has 7 initiator nodes", "<hostdev"},
        Slip{"NoNodes", "nodeset='2-9'", "nodeset='2-x'", "error: is no set of nodes", "nodeset='2-x'"},
        Slip{"EndlessNodes", "nodeset='2-9'", "nodeset='2-2000000000'", "error: has 1024 initiator nodes", "<hostdev"},
        Slip{"CellsAndDevices", "memory='468713472'", "memory='468713408'", "error: cell 0 has", "468713408"},
        Slip{"WrongUnit", "memory='468713472' unit='KiB'", "memory='468713472' unit='furlong'", "error: is no size",
             "furlong"},
        Slip{"Alias", "<pciDev>ua-gpu0<", "<pciDev>gpu0<", "error: there is no device \"gpu0\"", "<memory model"},
        Slip{"Qemu", "<domain type='kvm'>", "<domain type='qemu'>", "error: does not run by KVM", "pcihole64"},
        Slip{"MachineSmmu", "<driver pciBus='1' accel='on' ats='on' ril='off' pasid='on' oas='48' />", "",
             "error: either one SMMU of the machine", "<iommu"},
        Slip{"QemuArguments", "<os>",
             "<qemu:commandline><qemu:arg value='-incoming'/><qemu:arg value='x'/></qemu:commandline><os>",
             "error: cannot migrate", "<qemu:arg"}),
    [](const auto& each) { return each.param.name; });

TEST(LintTest, TwoVmsShareNeitherCarveoutNorGpu) {
    const auto found = lines(lint({sound_script(), sound_domain()}));
    EXPECT_THAT(found, Contains(HasSubstr("/dev/egm4 belongs to vm0 too")));
    EXPECT_THAT(found, Contains(HasSubstr("0019:01:00.0 belongs to vm0 too")));
}

TEST(LintTest, TwoVmsOfOneScriptCountAsTwo) {
    EXPECT_THAT(lines(lint({sound_script() + "&\n" + sound_script()})),
                Contains(HasSubstr("/dev/egm5 belongs to vm0 too")));
}

TEST(LintTest, NodeBehindAnOddSizeIsAWarning) {
    // 1 GiB + 56896 MiB is no multiple of 512 MiB: the worked example.
    const MachineSurvey machine = gh200_quad();
    const PlannedVm vm = planned(machine);
    const std::string script = shell_script(vm, qemu_arguments(vm, machine.page_size));
    const auto found = lines(lint({script}, machine));
    ASSERT_EQ(found.size(), 3u);
    EXPECT_THAT(found[0],
                HasSubstr("node 1 begins at 0xe24000000, no multiple of 512 MiB: its largest block is 64 KiB"));
    EXPECT_THAT(found[0], testing::StartsWith("warning " + std::to_string(line_of(script, "nodeid=1,"))));
}

TEST(LintTest, GpusOfOneHostSmmuOnTwoBusesAreFound) {
    MachineSurvey machine = gb200_tray();
    machine.gpus["0009:01:00.0"].smmu = machine.gpus["0008:01:00.0"].smmu;
    EXPECT_THAT(lines(lint({sound_script()}, machine)),
                ElementsAre(HasSubstr("GPU 0009:01:00.0 shares smmu of 0008:01:00.0 on the host")));
}

TEST(LintTest, VmWithoutEgmIsOnlyNoted) {
    EXPECT_THAT(lines(lint({"qemu-system-aarch64 -machine virt,accel=kvm -m 4G -name guest=plain\n"})),
                ElementsAre("note 1: plain uses no EGM"));
}

TEST(LintTest, GpuWithoutItsCarveoutIsAWarning) {
    EXPECT_THAT(lines(lint({"qemu-system-aarch64 -machine virt,accel=kvm,highmem-mmio-size=4T "
                            "-device vfio-pci-nohotplug,host=0008:01:00.0,id=dev0\n"})),
                Contains(HasSubstr("the VM has GPU 0008:01:00.0, and not /dev/egm4")));
}

TEST(LintTest, LibvirtLogWithJsonArgumentsIsRead) {
    const std::string log =
        "2026-11-01 10:00:00.000+0000: starting up libvirt version: 11.9.0\n"
        "LC_ALL=C \\\n/usr/bin/qemu-system-aarch64 \\\n-name guest=vm7,debug-threads=on \\\n"
        "-machine virt-10.1,usb=off,gic-version=3 -accel kvm \\\n"
        "-object '{\"qom-type\":\"memory-backend-file\",\"id\":\"m0\",\"mem-path\":\"/dev/egm4\",\"share\":true,"
        "\"prealloc\":true,\"size\":479962595328,\"offset\":65536}' \\\n"
        "-numa node,nodeid=0,cpus=0-3,memdev=m0\n";
    const auto found = lines(lint({log}));
    EXPECT_THAT(found, Contains("error 6: /dev/egm4 is used from offset 0x10000: the GPUs count from its beginning, "
                                "and would touch other memory than the CPUs"));
    EXPECT_THAT(found, testing::Not(Contains(HasSubstr("KVM:"))));
}

TEST(LintTest, VariablesThatTheScriptSetsArePutIn) {
    const std::string script = "EGM=/dev/egm4\nSIZE=500G\nqemu-system-aarch64 -machine virt,accel=kvm "
                               "-object memory-backend-file,id=m0,mem-path=${EGM},size=$SIZE,share=on\n";
    EXPECT_THAT(lines(lint({script})), Contains(HasSubstr("/dev/egm4 has 447 GiB, and 500 GiB are asked")));
}

TEST(LintTest, BareListOfOptionsIsOneVm) {
    const std::string options =
        "-machine virt,accel=kvm\n-object memory-backend-file,id=m0,mem-path=/dev/egm4,size=1G\n"
        "-numa node,memdev=m0,cpus=0-3\n";
    EXPECT_THAT(lines(lint({options})), Contains(HasSubstr("error 2: the mapping of /dev/egm4 is private")));
}

TEST(LintTest, CommandLineOfAProcessIsRead) {
    std::string options = "qemu-system-aarch64 -machine virt,accel=kvm -object "
                          "memory-backend-file,id=m0,mem-path=/dev/egm9,size=1G";
    std::replace(options.begin(), options.end(), ' ', '\0');
    EXPECT_THAT(lines(lint({options})), Contains(HasSubstr("this machine has no /dev/egm9")));
}

TEST(LintTest, WhatIsNoVmIsSaidSo) {
    EXPECT_THAT(lines(lint({""})), ElementsAre(HasSubstr("neither a QEMU command line nor a libvirt domain")));
    EXPECT_THAT(lines(lint({"hello world\n"})), ElementsAre(HasSubstr("neither")));
    EXPECT_THAT(lines(lint({"qemu-system-aarch64 --version\n"})), ElementsAre(HasSubstr("neither")));
    EXPECT_THAT(lines(lint({"<network/>"})), ElementsAre(HasSubstr("no libvirt <domain>")));
    EXPECT_THAT(lines(lint({"<domain><name>"})), ElementsAre(HasSubstr("the XML cannot be read")));
}

TEST(LintTest, FindingsStandInTheOrderOfFilesAndLinesAndOnce) {
    std::vector<LintFinding> findings = {{Severity::kNote, "a", {3, 1}, "n", ""},
                                         {Severity::kError, "b", {1, 1}, "x", ""},
                                         {Severity::kError, "a", {3, 1}, "e", ""},
                                         {Severity::kError, "a", {3, 1}, "e", ""},
                                         {Severity::kWarning, "a", {1, 9}, "w", ""}};
    sort_findings(findings);
    std::string order;
    for (const LintFinding& finding : findings)
        order += finding.message;
    EXPECT_EQ(order, "wenx");
}

} // namespace
} // namespace egm
