// Doctor: does it find what is missing, say what to do, and touch nothing?

#include "egm/doctor.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;
using Verdict = Finding::Verdict;
using Scope = Finding::Scope;

constexpr const char* kGpus[] = {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0", "0019:01:00.0"};

/// A GB200 board on which all is well.
struct DoctorTest : testing::Test {
    FakeSyscalls kernel;

    DoctorTest() {
        kernel.add_gb200();
        kernel.files["/proc/cpuinfo"] = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n";
        kernel.files["/proc/sys/kernel/osrelease"] = "6.19.2-64k\n";
        kernel.files["/proc/sys/vm/max_map_count"] = "65530\n";
        set_process("0", "000001ffffffffff", "unlimited");
        kernel.directories["/sys/class"] = {"egm"};
        kernel.directories["/sys/kernel/mm/hugepages"] = {"hugepages-524288kB"};
        kernel.files["/sys/kernel/mm/hugepages/hugepages-524288kB/free_hugepages"] = "8\n";
        int group = 10;
        for (const char* bdf : kGpus)
            add_function(bdf, "0x10de", "0x2941", "0x030200", "nvgrace_gpu_vfio_pci", group++);
    }

    void add_function(const std::string& bdf, const char* vendor, const char* device, const char* type,
                      const char* driver, int group) {
        const std::string pci = "/sys/bus/pci/devices/" + bdf, number = std::to_string(group);
        kernel.files[pci + "/vendor"] = std::string(vendor) + "\n";
        kernel.files[pci + "/device"] = std::string(device) + "\n";
        kernel.files[pci + "/class"] = std::string(type) + "\n";
        kernel.links[pci + "/driver"] = std::string("../../../bus/pci/drivers/") + driver;
        kernel.links[pci + "/iommu_group"] = "../../../kernel/iommu_groups/" + number;
        kernel.directories["/sys/bus/pci/devices"].push_back(bdf);
        auto& groups = kernel.directories["/sys/kernel/iommu_groups"];
        if (std::find(groups.begin(), groups.end(), number) == groups.end())
            groups.push_back(number);
        kernel.directories["/sys/kernel/iommu_groups/" + number + "/devices"].push_back(bdf);
        kernel.directories["/dev/vfio"].push_back(number);
    }

    void set_process(const std::string& user, const std::string& capabilities, const std::string& memlock) {
        kernel.files["/proc/self/status"] =
            "Name:\tegmctl\nUid:\t1\t" + user + "\t1\t1\nCapEff:\t" + capabilities + "\n";
        kernel.files["/proc/self/limits"] = "Limit                     Soft Limit           Hard Limit  Units\n"
                                            "Max locked memory         " +
                                            memlock + "             unlimited   bytes\n";
    }

    void lose_the_carveouts() {
        kernel.directories.erase("/sys/class/egm");
        kernel.directories["/sys/class"].clear();
    }

    /// The one finding about `topic` that is not well, if there is one; it says what to do.
    std::optional<Finding> fault(const std::string& topic) {
        std::optional<Finding> found;
        for (const Finding& finding : examine(kernel))
            if (finding.topic == topic && finding.verdict != Verdict::kOk) {
                EXPECT_FALSE(found) << found->what << " and " << finding.what;
                EXPECT_TRUE(finding.verdict == Verdict::kUnseen || !finding.advice.empty()) << finding.what;
                found = finding;
            }
        EXPECT_TRUE(kernel.open_files.empty()) << "the doctor closes what it opens";
        return found;
    }
    Finding only_fault(const std::string& topic, Verdict verdict) {
        const auto found = fault(topic);
        if (!found) {
            ADD_FAILURE() << "all is well with " << topic;
            return {};
        }
        EXPECT_EQ(found->verdict, verdict) << found->what;
        return *found;
    }
    Finding missing(const std::string& topic) {
        const Finding finding = only_fault(topic, Verdict::kMissing);
        EXPECT_FALSE(finding.scope != Scope::kFallback && usable(examine(kernel)));
        return finding;
    }
    Finding warning(const std::string& topic) {
        const Finding finding = only_fault(topic, Verdict::kWarning);
        EXPECT_TRUE(usable(examine(kernel)));
        return finding;
    }
};

TEST_F(DoctorTest, GoodMachineIsUsableAndNothingIsTouched) {
    for (const Finding& finding : examine(kernel))
        EXPECT_TRUE(finding.verdict == Verdict::kOk || finding.topic == "c2c") << finding.what;
    EXPECT_TRUE(usable(examine(kernel)));
    for (const std::string& line : kernel.log) // as if it were a bring-up
        EXPECT_TRUE(line.ends_with(" /dev/kvm") || line.ends_with(" VM") || line.ends_with(" /dev/vfio/vfio") ||
                    line.ends_with(" /dev/iommu"))
            << line;
    EXPECT_TRUE(kernel.clean());
    EXPECT_TRUE(kernel.violations.empty()) << kernel.violations.front();
}

TEST_F(DoctorTest, NoEgmDriverAndNoCarveoutAreTwoThings) {
    kernel.directories["/sys/class/egm"].clear();
    EXPECT_EQ(missing("carveout").what, "none, though the EGM driver is loaded");
    lose_the_carveouts();
    EXPECT_THAT(missing("carveout").what, HasSubstr("no EGM driver"));
    EXPECT_TRUE(fallback_usable(examine(kernel)));
}

TEST_F(DoctorTest, SysfsThatMakesNoSenseIsAFault) {
    kernel.files["/sys/class/egm/egm4/egm_size"] = "lots\n";
    EXPECT_THAT(missing("carveout").what, HasSubstr("egm_size"));
}

TEST_F(DoctorTest, CarveoutWithoutNodeMemoryOrGpusIsNamed) {
    std::erase(kernel.directories["/dev"], "egm4");
    EXPECT_THAT(missing("carveout").what, HasSubstr("/dev/egm4: 447 GiB, 2 GPUs, but the node is not there"));
    kernel.directories["/dev"].push_back("egm4");
    kernel.files["/sys/class/egm/egm4/egm_size"] = "0x0\n";
    EXPECT_THAT(missing("carveout").advice, HasSubstr("firmware"));
    kernel.files["/sys/class/egm/egm4/egm_size"] = "0x6fc0000000\n";
    for (int i : {0, 1})
        std::erase(kernel.directories["/sys/class/egm/egm4"], kGpus[i]);
    EXPECT_THAT(warning("carveout").advice, HasSubstr("dropped off the bus"));
    // They are on the bus all the same, and reach no carveout.
    const auto findings = examine(kernel);
    EXPECT_EQ(std::count_if(findings.begin(), findings.end(),
                            [](const Finding& finding) { return finding.what.ends_with("reaches no carveout"); }),
              2);
}

TEST_F(DoctorTest, GpuWithAnotherDriverOrNoneIsTold) {
    kernel.links["/sys/bus/pci/devices/0019:01:00.0/driver"] = "../../../bus/pci/drivers/nvidia";
    EXPECT_EQ(missing("gpu").what, "0019:01:00.0: driver nvidia, not nvgrace_gpu_vfio_pci");
    kernel.links["/sys/bus/pci/devices/0019:01:00.0/driver"] = "../../../bus/pci/drivers/vfio-pci";
    EXPECT_EQ(missing("gpu").what, "0019:01:00.0: driver vfio-pci, not nvgrace_gpu_vfio_pci");
    kernel.links.erase("/sys/bus/pci/devices/0019:01:00.0/driver");
    EXPECT_EQ(missing("gpu").what, "0019:01:00.0: no driver");
    EXPECT_THAT(missing("gpu").advice, HasSubstr("echo nvgrace_gpu_vfio_pci > "
                                                 "/sys/bus/pci/devices/0019:01:00.0/driver_override"));
}

TEST_F(DoctorTest, MachineWithoutGpuIsTold) {
    lose_the_carveouts();
    kernel.directories["/sys/bus/pci/devices"].clear();
    EXPECT_EQ(missing("gpu").what, "no NVIDIA GPU on the PCI bus");
    EXPECT_FALSE(fallback_usable(examine(kernel)));
}

TEST_F(DoctorTest, PcieGpuIsForTheFallbackAndWantsThePlainDriver) {
    lose_the_carveouts();
    kernel.directories["/sys/bus/pci/devices"].clear();
    add_function("0000:18:00.0", "0x10de", "0x2330", "0x030200", "vfio-pci", 40);
    add_function("0000:19:00.0", "0x8086", "0x1234", "0x020000", "ixgbe", 41); // not ours to judge
    EXPECT_FALSE(fault("gpu"));
    EXPECT_TRUE(fallback_usable(examine(kernel)));
    kernel.links["/sys/bus/pci/devices/0000:18:00.0/driver"] = "../../../bus/pci/drivers/nouveau";
    EXPECT_EQ(missing("gpu").scope, Scope::kFallback);
    EXPECT_FALSE(fallback_usable(examine(kernel)));
}

TEST_F(DoctorTest, GroupNeedsAllItsDevicesFreeAndANode) {
    add_function("0008:00:00.0", "0x10de", "0x22b1", "0x060400", "pcieport", 10); // a bridge is in nobody's way
    EXPECT_FALSE(fault("iommu-group"));
    add_function("0008:01:00.1", "0x10de", "0x22b2", "0x040300", "snd_hda_intel", 10);
    EXPECT_EQ(missing("iommu-group").what,
              "group 10 of 0008:01:00.0: 0008:01:00.1 of the same group has driver snd_hda_intel");
    kernel.links.erase("/sys/bus/pci/devices/0008:01:00.1/driver");
    EXPECT_FALSE(fault("iommu-group"));
    std::erase(kernel.directories["/dev/vfio"], "10");
    EXPECT_THAT(missing("iommu-group").what, HasSubstr("neither /dev/vfio/10 nor"));
    kernel.directories["/dev/vfio/devices"] = {"vfio10"};
    EXPECT_FALSE(fault("iommu-group")) << "iommufd needs only the device's own node";
    kernel.links.erase("/sys/bus/pci/devices/0008:01:00.0/iommu_group");
    EXPECT_EQ(missing("iommu-group").what, "0008:01:00.0 has none");
}

TEST_F(DoctorTest, IommuThatIsOffIsTold) {
    kernel.directories["/sys/kernel/iommu_groups"].clear();
    EXPECT_THAT(missing("iommu").advice, HasSubstr("firmware"));
}

TEST_F(DoctorTest, KvmMustOpenMakeVmsAndTakeEgm) {
    kernel.devices["/dev/kvm"] = EACCES;
    EXPECT_EQ(missing("kvm").what, "EACCES on /dev/kvm");
    kernel.devices["/dev/kvm"] = 0;
    kernel.refused["ioctl 0xae01"] = ENODEV; // KVM_CREATE_VM
    EXPECT_EQ(missing("kvm").what, "opens, but makes no VM: ENODEV");
    kernel.refused.clear();
    kernel.takes_pfnmap = false;
    EXPECT_THAT(missing("kvm-pfnmap").advice, HasSubstr("6.17"));
    kernel.files["/proc/cpuinfo"] = "vendor_id\t: GenuineIntel\n";
    EXPECT_THAT(missing("kvm-pfnmap").advice, HasSubstr("only KVM for Arm"));
}

TEST_F(DoctorTest, VfioNeedsTheContainerOrAtLeastIommufd) {
    kernel.refused["ioctl 0x3b65"] = EINVAL; // VFIO_CHECK_EXTENSION
    EXPECT_THAT(warning("vfio").what, HasSubstr("no type1 IOMMU driver"));
    kernel.refused.clear();
    kernel.devices.erase("/dev/vfio/vfio");
    EXPECT_THAT(warning("vfio").advice, HasSubstr("refuses to map EGM"));
    kernel.devices.erase("/dev/iommu");
    EXPECT_EQ(missing("vfio").what, "ENOENT on /dev/vfio/vfio");
    EXPECT_FALSE(fallback_usable(examine(kernel)));
}

TEST_F(DoctorTest, ProcessorOtherThanGraceIsTold) {
    kernel.files["/proc/cpuinfo"] = "CPU implementer\t: 0x41\nCPU part\t: 0xd40\n";
    EXPECT_EQ(warning("processor").what, "Arm 0x41:0xd40, not the core of Grace");
    kernel.files["/proc/cpuinfo"] = "vendor_id\t: AuthenticAMD\n";
    EXPECT_EQ(missing("processor").what, "AuthenticAMD, not a Grace");
    EXPECT_TRUE(fallback_usable(examine(kernel)));
}

TEST_F(DoctorTest, KernelVersionSaysWhatToExpect) {
    const auto said = [this](const char* release) {
        kernel.files["/proc/sys/kernel/osrelease"] = std::string(release) + "\n";
        for (const Finding& finding : examine(kernel))
            if (finding.topic == "kernel")
                return std::string(to_string(finding.verdict)) + ": " + finding.what;
        return std::string();
    };
    EXPECT_THAT(said("6.7.12"), HasSubstr("warning: Linux 6.7.12, before nvgrace-gpu-vfio-pci"));
    EXPECT_THAT(said("6.8.0-nvidia"), HasSubstr("warning: Linux 6.8.0-nvidia, before KVM took"));
    EXPECT_THAT(said("6.16.9"), HasSubstr("warning: "));
    EXPECT_THAT(said("6.17.0-1014-nvidia-64k"),
                HasSubstr("ok: Linux 6.17.0-1014-nvidia-64k; GPU memory is mapped page"));
    EXPECT_THAT(said("6.18.1"), HasSubstr("page by page"));
    EXPECT_THAT(said("6.19"), HasSubstr("ok: Linux 6.19; GPU memory is mapped in huge blocks"));
    EXPECT_THAT(said("10.2.3"), HasSubstr("ok: "));
    for (const char* nonsense : {"", "six", "6", "6.", "-6.1", "6.x", "99999999999999999999.1"})
        EXPECT_THAT(said(nonsense), HasSubstr("unseen: ")) << nonsense;
}

TEST_F(DoctorTest, MemlockCountsOnlyWithoutItsCapability) {
    set_process("1000", "0000000000000000", "8388608");
    EXPECT_THAT(warning("memlock").what, HasSubstr("8 MiB may be locked"));
    set_process("1000", "0000000000004000", "8388608"); // CAP_IPC_LOCK is bit 14
    EXPECT_FALSE(fault("memlock"));
    set_process("1000", "0000000000000000", "unlimited");
    EXPECT_FALSE(fault("memlock"));
    kernel.files.erase("/proc/self/limits");
    EXPECT_EQ(fault("memlock")->verdict, Verdict::kUnseen);
}

TEST_F(DoctorTest, TheFallbackCannotDoWithoutMemlock) {
    lose_the_carveouts();
    set_process("0", "0000000000000000", "8388608");
    const auto findings = examine(kernel);
    EXPECT_FALSE(fallback_usable(findings));
    EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.topic == "memlock" && finding.scope == Scope::kFallback && finding.verdict == Verdict::kMissing;
    }));
}

TEST_F(DoctorTest, UserWithoutRightsIsToldWhoseTheNodesAre) {
    set_process("1000", "0000000001004000", "unlimited");
    EXPECT_EQ(warning("permissions").what, "user 1000 opens only what udev rules let it open");
    set_process("1000", "0000000001004002", "unlimited"); // CAP_DAC_OVERRIDE is bit 1
    EXPECT_FALSE(fault("permissions"));
    kernel.files.erase("/proc/self/status");
    EXPECT_EQ(fault("permissions")->verdict, Verdict::kUnseen);
}

TEST_F(DoctorTest, SmallLimitsAndNoHugepagesAreWarnings) {
    kernel.files["/proc/sys/vm/max_map_count"] = "4096\n";
    EXPECT_THAT(warning("map-count").what, HasSubstr("4096"));
    set_process("0", "000001fffeffffff", "unlimited"); // without bit 24
    EXPECT_THAT(warning("capabilities").what, HasSubstr("CAP_SYS_RESOURCE"));
    kernel.files["/sys/kernel/mm/hugepages/hugepages-524288kB/free_hugepages"] = "0\n";
    EXPECT_FALSE(fault("hugepages")) << "only the fallback wants them";
    lose_the_carveouts();
    EXPECT_EQ(only_fault("hugepages", Verdict::kWarning).scope, Scope::kFallback);
}

TEST_F(DoctorTest, NeverFailsWhateverTheKernelAnswers) {
    const int calls_when_well = [this] {
        examine(kernel);
        return kernel.calls;
    }();
    for (int n = 1; n <= calls_when_well; ++n) {
        kernel.calls = 0;
        kernel.fail_at = n;
        kernel.fail_with = EIO;
        for (const Finding& finding : examine(kernel))
            EXPECT_TRUE(finding.verdict != Verdict::kMissing || !finding.advice.empty()) << n << ": " << finding.what;
        EXPECT_TRUE(kernel.open_files.empty()) << n;
    }
}

} // namespace
} // namespace egm
