// Does a real QEMU accept what "plan --qemu" writes?
//
// EGMSIM_QEMU names the programs, with ":" between; without it, it is qemu-system-aarch64 of the system. A machine that
// runs tests has neither /dev/egm* nor the GPUs, and mostly no KVM, so what needs them is asked for in two ways:
// - each such option alone: QEMU reads all of its keys, and must then complain about the missing hardware, not the keys
// - the whole command line with stand-ins: sparse files for carveouts, "edu" devices for GPUs, TCG for KVM
// What the version does not know is left out, and must be what tests/fixtures/guest/README.md says for it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/qemu_arguments.h"
#include "egm/qemu_options.h"
#include "machines.h"

namespace egm {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

struct Answer {
    int status = -1;
    std::string text; ///< standard output and error
};

Answer run(const std::string& command) {
    Answer answer;
    FILE* const output = popen(("timeout 100 " + command + " 2>&1").c_str(), "r");
    if (output == nullptr)
        return answer;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, output))
        answer.text.append(buffer, got);
    const int status = pclose(output);
    answer.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
}

std::vector<std::string> programs() {
    const char* said = std::getenv("EGMSIM_QEMU");
    std::vector<std::string> paths;
    std::istringstream list(said != nullptr ? said : "qemu-system-aarch64");
    for (std::string path; std::getline(list, path, ':');)
        paths.push_back(path);
    return paths;
}

class QemuParserTest : public testing::TestWithParam<std::string> {
protected:
    void SetUp() override {
        qemu_ = shell_quoted(GetParam());
        const std::string version = run(qemu_ + " --version").text;
        if (std::sscanf(version.c_str(), "QEMU emulator version %d.%d", &major_, &minor_) != 2)
            GTEST_SKIP() << GetParam()
                         << " is no QEMU that runs here (Debian: qemu-system-arm); EGMSIM_QEMU names another";
        machine_help_ = run(qemu_ + " -M virt,help").text;
        folder_ = std::filesystem::temp_directory_path() / fmt::format("egmsim-qemu-{}", getpid());
        std::filesystem::create_directories(folder_);
        std::ofstream(folder_ / "firmware") << std::string(4096, '\0'); // ras=on wants some firmware
    }

    void TearDown() override {
        if (!folder_.empty())
            std::filesystem::remove_all(folder_);
    }

    /// Whether this version can make objects or devices of that name.
    bool knows(const std::string& option, const std::string& driver) {
        if (option == "-object")
            return run(qemu_ + " -object help").text.find("  " + driver + "\n") != std::string::npos;
        return run(qemu_ + " -M virt -device " + driver + ",help").status == 0 &&
               (driver != "arm-smmuv3" || at_least(10, 1)); // known before, but not to be made by users
    }

    bool at_least(int major, int minor) const { return major_ > major || (major_ == major && minor_ >= minor); }

    /// The option alone, on a machine with the buses and the objects that it names.
    std::string alone(const std::string& option, const std::string& value) {
        return run(fmt::format("{} -M virt,accel=tcg -cpu max -nodefaults -display none -S -device pxb-pcie,id=pcie.1,"
                               "bus_nr=32,bus=pcie.0 -device pcie-root-port,id=pcie.port1,bus=pcie.1,chassis=1 {} {} "
                               "</dev/null",
                               qemu_, option, shell_quoted(value)))
            .text;
    }

    /// The command line with stand-ins for what this machine lacks.
    std::string with_stand_ins(const std::vector<std::string>& arguments) {
        std::string command = qemu_;
        for (std::size_t i = 0; i < arguments.size(); i += 2) {
            std::string value = arguments[i + 1];
            const std::string driver = value.substr(0, value.find(','));
            const bool made = arguments[i] == "-object" || arguments[i] == "-device";
            if (made && !knows_cached(arguments[i], driver)) {
                left_out_.insert(driver);
                continue;
            }
            const auto options = QemuOptions::parse(value, "driver").value();
            if (driver == "memory-backend-file")
                value = fmt::format("{},id={},mem-path={},size={},share=on,prealloc=off,align={}", driver,
                                    options.get("id"), (folder_ / options.get("id")).string(), options.get("size"),
                                    options.get("align"));
            else if (driver == "vfio-pci-nohotplug")
                value = fmt::format("edu,id={},bus={}", options.get("id"), options.get("bus"));
            else if (driver == "arm-smmuv3")
                value = fmt::format("arm-smmuv3,id={},primary-bus={}", options.get("id"), options.get("primary-bus"));
            else if (driver == "iommufd")
                value += ",fd=0"; // QEMU does not open /dev/iommu then
            else if (arguments[i] == "-machine")
                value = machine(options);
            else if (arguments[i] == "-cpu")
                value = "max";
            command += " " + arguments[i] + " " + shell_quoted(value);
        }
        return command + " -bios " + (folder_ / "firmware").string() + " -nodefaults -display none -S -monitor stdio";
    }

    std::string machine(const QemuOptions& options) {
        std::string value = "virt,accel=tcg";
        for (const auto& [key, of] : options.all()) {
            if (key == "driver" || key == "accel")
                continue;
            if (machine_help_.find("  " + key + "=") == std::string::npos)
                left_out_.insert(key);
            else
                value += "," + key + "=" + of;
        }
        return value;
    }

    bool knows_cached(const std::string& option, const std::string& driver) {
        const auto found = known_.find(driver);
        return found != known_.end() ? found->second : known_.emplace(driver, knows(option, driver)).first->second;
    }

    /// What README.md beside the fixtures says that the version does not know.
    std::set<std::string> expected_left_out() const {
        std::set<std::string> names = {"acpi-egm-memory"};
        if (!at_least(10, 1))
            names.insert({"arm-smmuv3", "highmem-mmio-size"});
        if (!at_least(9, 0))
            names.insert({"iommufd", "acpi-generic-initiator"});
        return names;
    }

    std::vector<std::string> arguments_for(const MachineSurvey& machine, unsigned vcpus) const {
        const TrayVm vm{.request = {.name = "vm0", .vcpus = vcpus, .iommu = IommuMode::kIommufdStrict},
                        .all_carveouts = true,
                        .all_gpus = true};
        const auto plan = plan_tray({.vms = {vm}}, machine);
        return qemu_arguments(plan.value().vms.at(0), machine.page_size,
                              at_least(11, 0) ? QemuDialect::kMainline11 : QemuDialect::kVendor10);
    }

    /// What QEMU makes of it: nodes with their CPUs and sizes, and where their memory lies.
    std::string accepted(const MachineSurvey& machine) {
        const Answer answer =
            run("printf 'info numa\\ninfo mtree -f\\nquit\\n' | " + with_stand_ins(arguments_for(machine, 8)));
        EXPECT_EQ(answer.status, 0) << answer.text;
        EXPECT_EQ(left_out_, expected_left_out());
        return answer.text;
    }

    std::string qemu_, machine_help_;
    std::filesystem::path folder_;
    int major_ = 0, minor_ = 0;
    std::set<std::string> left_out_;
    std::map<std::string, bool> known_;
};

TEST_P(QemuParserTest, WholeGb200TrayIsAcceptedAndLiesWhereThePlanSays) {
    const std::string text = accepted(machines::gb200_tray());
    EXPECT_THAT(text, HasSubstr("34 nodes"));
    EXPECT_THAT(text, ContainsRegex("node 1 cpus: 4 5 6 7"));
    EXPECT_THAT(text, ContainsRegex("node 1 size: 457728 MB"));
    EXPECT_THAT(text, ContainsRegex("0000000040000000-0000006fffffffff .*ram.*m0"));
    EXPECT_THAT(text, ContainsRegex("0000007000000000-000000dfbfffffff .*ram.*m1"));
}

TEST_P(QemuParserTest, WholeGh200QuadIsAcceptedAndLiesWhereThePlanSays) {
    const std::string text = accepted(machines::gh200_quad());
    EXPECT_THAT(text, HasSubstr("36 nodes"));
    EXPECT_THAT(text, ContainsRegex("node 3 cpus: 6 7"));
    EXPECT_THAT(text, ContainsRegex("0000000e24000000-0000001c07ffffff .*ram.*m1")); // the worked example
}

TEST_P(QemuParserTest, KeysOfAGpuAreAllRead) {
    const auto arguments = arguments_for(machines::gb200_tray(), 8);
    const auto gpu = std::find_if(arguments.begin(), arguments.end(),
                                  [](const std::string& value) { return value.starts_with("vfio-pci-nohotplug,"); });
    ASSERT_NE(gpu, arguments.end());
    // The key iommufd names an object, which needs /dev/iommu.
    EXPECT_THAT(alone("-device", gpu->substr(0, gpu->rfind(",iommufd="))), HasSubstr("no such host device"));
}

TEST_P(QemuParserTest, KeysOfAnAcceleratedSmmuAreAllRead) {
    if (!at_least(11, 0))
        GTEST_SKIP() << "QEMU " << major_ << "." << minor_ << " has no accelerated SMMU; its form is in forms.txt";
    const auto arguments = arguments_for(machines::gb200_tray(), 8);
    const auto smmu = std::find_if(arguments.begin(), arguments.end(),
                                   [](const std::string& value) { return value.starts_with("arm-smmuv3,"); });
    ASSERT_NE(smmu, arguments.end());
    EXPECT_THAT(alone("-device", *smmu), HasSubstr("accel=on requires KVM"));
    EXPECT_THAT(alone("-device", *smmu + ",pasid=on"), ContainsRegex("[Pp]roperty .*pasid.* not found"));
}

TEST_P(QemuParserTest, WhatIsNoKeyWouldBeNoticed) {
    EXPECT_THAT(alone("-device", "vfio-pci-nohotplug,host=0008:01:00.0,bus=pcie.port1,rombarr=0"),
                ContainsRegex("[Pp]roperty .*rombarr.* not found"));
}

TEST_P(QemuParserTest, SumOfNodesThatIsNotTheMemoryIsRefusedAsTheLinterSays) {
    auto arguments = arguments_for(machines::gb200_tray(), 8);
    for (std::string& value : arguments)
        if (value == "size=894G")
            value = "size=893G";
    EXPECT_THAT(run("echo quit | " + with_stand_ins(arguments)).text, HasSubstr("should equal RAM size"));
}

TEST_P(QemuParserTest, MachineMemoryBesideNodesIsRefusedAsTheLinterSays) {
    MachineSurvey machine = machines::gb200_tray();
    machine.carveouts.resize(1); // else QEMU minds first that one node is not all of the memory
    std::string command = with_stand_ins(arguments_for(machine, 8));
    command.replace(command.find("virt,accel"), 4, "virt,memory-backend=m0");
    EXPECT_THAT(run("echo quit | " + command).text, HasSubstr("mutually exclusive"));
}

INSTANTIATE_TEST_SUITE_P(Each, QemuParserTest, testing::ValuesIn(programs()),
                         [](const auto& each) { return "Program" + std::to_string(each.index); });

} // namespace
} // namespace egm
