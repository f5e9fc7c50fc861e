// What plans become: is the command line, or the domain, the one that products use, to the letter?
//
// The fixtures are compared exactly. EGMSIM_REFRESH_FIXTURES=1 writes them anew; read the difference before you commit
// it. tests/fixtures/guest/README.md says where their forms come from.

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/libvirt_xml.h"
#include "egm/qemu_arguments.h"
#include "egm/qemu_options.h"
#include "machines.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kFixtures = std::string(EGMSIM_SOURCE_DIR) + "/tests/fixtures/guest/";

std::string file_text(const std::string& name) {
    std::ifstream file(kFixtures + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void expect_fixture(const std::string& name, const std::string& text) {
    if (std::getenv("EGMSIM_REFRESH_FIXTURES") != nullptr)
        std::ofstream(kFixtures + name) << text;
    EXPECT_EQ(text, file_text(name)) << name;
}

PlannedVm planned(const MachineSurvey& machine, IommuMode mode) {
    const TrayVm vm{.request = {.name = "vm0", .vcpus = 120, .iommu = mode}, .all_carveouts = true, .all_gpus = true};
    return plan_tray({.vms = {vm}}, machine).value().vms.at(0);
}

/// One option and its value a line.
std::string one_a_line(const std::vector<std::string>& arguments) {
    std::string text;
    for (std::size_t i = 0; i < arguments.size(); i += 2)
        text += arguments[i] + " " + arguments[i + 1] + "\n";
    return text;
}

TEST(GuestWritersTest, CommandLineOfAWholeGb200Tray) {
    const PlannedVm vm = planned(machines::gb200_tray(), IommuMode::kIommufdTolerant);
    expect_fixture("gb200-tray.args", one_a_line(qemu_arguments(vm, 64 * kKiB)));
}

TEST(GuestWritersTest, CommandLineOfAWholeGh200Quad) {
    const PlannedVm vm = planned(machines::gh200_quad(), IommuMode::kIommufdTolerant);
    expect_fixture("gh200-quad.args", one_a_line(qemu_arguments(vm, 64 * kKiB)));
}

TEST(GuestWritersTest, DomainOfAWholeGb200Tray) {
    expect_fixture("gb200-tray.xml", libvirt_xml(planned(machines::gb200_tray(), IommuMode::kIommufdTolerant)).value());
}

TEST(GuestWritersTest, DomainOfAWholeGh200Quad) {
    expect_fixture("gh200-quad.xml", libvirt_xml(planned(machines::gh200_quad(), IommuMode::kIommufdTolerant)).value());
}

/// The published forms: by "option driver", the keys that must stand and those that may.
struct Form {
    std::set<std::string> required;
    std::set<std::string> optional;
};

std::map<std::string, Form> published_forms() {
    std::map<std::string, Form> forms;
    std::istringstream lines(file_text("forms.txt"));
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#')
            continue;
        std::istringstream words(line);
        std::string option, driver;
        words >> option >> driver;
        Form& form = forms[option + " " + driver];
        for (std::string key; words >> key && key != "|";)
            (key[0] == '[' ? form.optional : form.required).insert(key[0] == '[' ? key.substr(1, key.size() - 2) : key);
    }
    return forms;
}

TEST(GuestWritersTest, EveryOptionHasAPublishedForm) {
    const auto forms = published_forms();
    ASSERT_GT(forms.size(), 8u);
    const std::map<std::string, const char*> implied = {
        {"-object", "qom-type"}, {"-device", "driver"}, {"-machine", "type"}, {"-numa", "type"}};
    for (const MachineSurvey& machine : {machines::gb200_tray(), machines::gh200_quad(4 * kKiB)})
        for (const IommuMode mode : {IommuMode::kType1, IommuMode::kIommufdStrict}) {
            const auto arguments = qemu_arguments(planned(machine, mode), machine.page_size);
            for (std::size_t i = 0; i < arguments.size(); i += 2) {
                const auto key = implied.find(arguments[i]);
                if (key == implied.end())
                    continue;
                const auto options = QemuOptions::parse(arguments[i + 1], key->second).value();
                const auto form = forms.find(arguments[i] + " " + options.get(key->second));
                ASSERT_NE(form, forms.end()) << arguments[i + 1];
                for (const std::string& required : form->second.required)
                    EXPECT_TRUE(options.has(required)) << arguments[i + 1] << " lacks " << required;
                for (const auto& [name, value] : options.all())
                    EXPECT_TRUE(name == key->second || form->second.required.contains(name) ||
                                form->second.optional.contains(name))
                        << arguments[i + 1] << " has " << name;
            }
        }
}

TEST(GuestWritersTest, Type1HasNeitherIommufdNorAVirtualSmmu) {
    const std::string text = one_a_line(qemu_arguments(planned(machines::gb200_tray(), IommuMode::kType1), 64 * kKiB));
    EXPECT_THAT(text, Not(HasSubstr("iommufd")));
    EXPECT_THAT(text, Not(HasSubstr("arm-smmuv3")));
    EXPECT_THAT(text, HasSubstr("-device vfio-pci-nohotplug,host=0008:01:00.0,bus=pcie.port1,rombar=0,id=dev0\n"));
    const std::string xml = libvirt_xml(planned(machines::gb200_tray(), IommuMode::kType1)).value();
    EXPECT_THAT(xml, Not(HasSubstr("iommu")));
}

TEST(GuestWritersTest, NewerQemuCallsPasidOtherwise) {
    const auto arguments =
        qemu_arguments(planned(machines::gb200_tray(), IommuMode::kIommufdStrict), 64 * kKiB, QemuDialect::kMainline11);
    EXPECT_THAT(one_a_line(arguments), HasSubstr("ril=off,ssidsize=20,oas=48"));
    EXPECT_THAT(one_a_line(arguments), Not(HasSubstr("pasid=on")));
}

TEST(GuestWritersTest, GpusOfOneSmmuStandOnOneExpanderBus) {
    MachineSurvey machine = machines::gb200_tray();
    machine.gpus["0009:01:00.0"].smmu = machine.gpus["0008:01:00.0"].smmu;
    machine.gpus["0019:01:00.0"].smmu = machine.gpus["0018:01:00.0"].smmu;
    const std::string text = one_a_line(qemu_arguments(planned(machine, IommuMode::kIommufdStrict), 64 * kKiB));
    EXPECT_THAT(text, HasSubstr("host=0009:01:00.0,bus=pcie.port2"));
    EXPECT_THAT(text, HasSubstr("id=pcie.port2,bus=pcie.1"));
    EXPECT_THAT(text, HasSubstr("id=pcie.port3,bus=pcie.2"));
    EXPECT_THAT(text, HasSubstr("pxb-pcie,id=pcie.2,bus_nr=64,bus=pcie.0,numa_node=1"));
    EXPECT_THAT(text, Not(HasSubstr("pcie.3,")));
}

PlannedVm beside_another() {
    TrayVm a{.request = {.name = "a", .vcpus = 4, .regions = {{.pxm = 4, .size = 100 * kGiB}}}};
    TrayVm b{.request = {.name = "b", .vcpus = 1, .regions = {{.pxm = 4, .size = 64 * kKiB}}}};
    b.request.gpu_bdfs = {"0009:01:00.0"};
    return plan_tray({.policy = Sharing::kRegionsPerCarveout, .vms = {a, b}}, machines::gb200_tray()).value().vms.at(1);
}

TEST(GuestWritersTest, RegionInsideItsCarveoutHasAnOffset) {
    const std::string text = one_a_line(qemu_arguments(beside_another(), 64 * kKiB));
    EXPECT_THAT(text, HasSubstr("size=64K,share=on,prealloc=on,align=512M,offset=107374182400\n"));
    EXPECT_THAT(text, HasSubstr("-numa node,nodeid=0,cpus=0,memdev=m0\n"));
}

TEST(GuestWritersTest, LibvirtHasNoWordForAnOffsetOrForANodeWithoutAGpu) {
    EXPECT_THAT(libvirt_xml(beside_another()).error().advice, HasSubstr("no offset"));
    const TrayVm vm{.request = {.name = "a", .vcpus = 4, .regions = {{.pxm = 4}}}};
    const auto plan = plan_tray({.policy = Sharing::kRegionsPerCarveout, .vms = {vm}}, machines::gb200_tray());
    EXPECT_THAT(libvirt_xml(plan.value().vms[0]).error().advice, HasSubstr("belongs to a GPU"));
}

TEST(GuestWritersTest, SizesOfANodesGpusAddUpToTheNode) {
    MachineSurvey machine = machines::gb200_tray(4 * kKiB);
    machine.carveouts.resize(1);
    machine.carveouts[0].size = kGiB + 4 * kKiB;
    machine.carveouts[0].gpu_bdfs.push_back("000a:01:00.0");
    machine.gpus["000a:01:00.0"] = {0x2941, "smmu2"};
    const std::string xml = libvirt_xml(planned(machine, IommuMode::kType1)).value();
    // (1 GiB + 4 KiB) / 3 = 349526.67 KiB: twice 349526, and the rest for the first
    EXPECT_THAT(xml, HasSubstr("<size unit='KiB'>349528</size>"));
    EXPECT_THAT(xml, HasSubstr("<size unit='KiB'>349526</size>"));
    EXPECT_EQ(349528 + 2 * 349526, (1 << 20) + 4);
}

TEST(GuestWritersTest, ScriptQuotesAndExplains) {
    const PlannedVm vm = planned(machines::gh200_quad(), IommuMode::kType1);
    const std::string script = shell_script(vm, {"-name", "it's", "-m", "size=4G"});
    EXPECT_THAT(script, testing::StartsWith("#!/bin/sh\n# vm0: "));
    EXPECT_THAT(script, HasSubstr("\n# DMA by VFIO type1"));
    EXPECT_THAT(script,
                HasSubstr("exec qemu-system-aarch64 \\\n    -name 'it'\\''s' \\\n    -m size=4G \\\n    \"$@\"\n"));
}

} // namespace
} // namespace egm
