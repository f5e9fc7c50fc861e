// What the doctor asks of carveouts and GPUs.

#include <algorithm>
#include <array>
#include <cerrno>

#include "egm/block_size.h"
#include "egm/doctor_checks.h"
#include "egm/errors.h"
#include "egm/sysfs.h"

namespace egm::doctor {
namespace {

constexpr const char* kPciDevices = "/sys/bus/pci/devices";

/// The devices of nvgrace-gpu-vfio-pci: GH200 in three sizes, GB200, GB300.
/// Source: Linux drivers/vfio/pci/nvgrace-gpu/main.c.
constexpr std::array<std::string_view, 5> kCoherentGpus{"0x2342", "0x2345", "0x2348", "0x2941", "0x31c2"};

/// Its name on the PCI bus is that of its module, with underscores (KBUILD_MODNAME).
constexpr std::string_view kGraceDriver = "nvgrace_gpu_vfio_pci";

void examine_carveout(Syscalls& syscalls, const CarveoutInfo& carveout, Findings& findings) {
    const std::string name = "egm" + std::to_string(carveout.pxm);
    const std::string what = carveout.device_path + ": " + in_binary_units(carveout.size) + ", " +
                             std::to_string(carveout.gpu_bdfs.size()) +
                             (carveout.gpu_bdfs.size() == 1 ? " GPU" : " GPUs");
    if (!exists(syscalls, "/dev", name))
        findings.push_back({Verdict::kMissing, Scope::kEgm, "carveout", what + ", but the node is not there",
                            "udev made no node, or this container has none: look at /sys/class/egm/" + name + "/dev"});
    else if (carveout.size == 0)
        findings.push_back({Verdict::kMissing, Scope::kEgm, "carveout", what,
                            "firmware gave the carveout no memory: set EGM and its sizes in the firmware's menu"});
    else if (carveout.gpu_bdfs.empty())
        findings.push_back({Verdict::kWarning, Scope::kEgm, "carveout", what,
                            "no GPU reaches this carveout: look for GPUs that dropped off the bus (lspci, dmesg)"});
    else
        findings.push_back({Verdict::kOk, Scope::kEgm, "carveout", what, ""});
}

struct Gpu {
    std::string bdf;
    bool in_carveout = false;
    bool coherent = false;
};

std::string attribute(Syscalls& syscalls, const std::string& bdf, const char* name) {
    const auto text = read_text(syscalls, std::string(kPciDevices) + "/" + bdf + "/" + name);
    return text ? *text : "";
}

/// Those of the carveouts, and all other GPUs of NVIDIA on the bus.
std::vector<Gpu> find_gpus(Syscalls& syscalls, const std::vector<CarveoutInfo>& carveouts) {
    std::vector<Gpu> gpus;
    const auto add = [&](const std::string& bdf, bool in_carveout) {
        if (std::none_of(gpus.begin(), gpus.end(), [&](const Gpu& gpu) { return gpu.bdf == bdf; })) {
            const std::string id = attribute(syscalls, bdf, "device");
            const bool known = std::find(kCoherentGpus.begin(), kCoherentGpus.end(), id) != kCoherentGpus.end();
            gpus.push_back({bdf, in_carveout, in_carveout || known});
        }
    };
    for (const CarveoutInfo& carveout : carveouts)
        for (const std::string& bdf : carveout.gpu_bdfs)
            add(bdf, true);
    std::vector<std::string> names;
    if (syscalls.list_directory(kPciDevices, names) == 0) {
        std::sort(names.begin(), names.end());
        for (const std::string& bdf : names)
            if (attribute(syscalls, bdf, "vendor") == "0x10de" && attribute(syscalls, bdf, "class").starts_with("0x03"))
                add(bdf, false);
    }
    return gpus;
}

void examine_gpu(Syscalls& syscalls, const Gpu& gpu, Findings& findings) {
    const std::string wanted(gpu.coherent ? kGraceDriver : "vfio-pci");
    const Scope scope = gpu.coherent ? Scope::kBoth : Scope::kFallback;
    const std::string here = std::string(kPciDevices) + "/" + gpu.bdf;
    const std::string module = gpu.coherent ? "nvgrace-gpu-vfio-pci" : "vfio-pci";
    const std::string bind = "modprobe " + module + "; echo " + wanted + " > " + here + "/driver_override; echo " +
                             gpu.bdf + " > /sys/bus/pci/drivers_probe";
    const auto driver = driver_of(syscalls, gpu.bdf);
    if (!driver)
        findings.push_back({Verdict::kMissing, scope, "gpu", gpu.bdf + ": no driver",
                            bind + "; if it does not bind, dmesg says why: C2C down shows as error -12"});
    else if (*driver == wanted)
        findings.push_back({Verdict::kOk, scope, "gpu", gpu.bdf + ": driver " + *driver, ""});
    else
        findings.push_back({Verdict::kMissing, scope, "gpu", gpu.bdf + ": driver " + *driver + ", not " + wanted,
                            "stop what uses the GPU; echo " + gpu.bdf + " > " + here + "/driver/unbind; " + bind});
    if (gpu.coherent && !gpu.in_carveout)
        findings.push_back({Verdict::kWarning, Scope::kEgm, "gpu", gpu.bdf + ": reaches no carveout",
                            "its socket has no EGM: switch EGM on in the firmware, or give this GPU to VMs without"});
    if (driver == wanted)
        examine_group(syscalls, gpu.bdf, scope, findings);
}

} // namespace

void examine_carveouts(Syscalls& syscalls, Findings& findings, std::vector<CarveoutInfo>& carveouts) {
    auto found = discover(syscalls);
    if (!found) {
        findings.push_back({Verdict::kMissing, Scope::kEgm, "carveout", found.error().message(),
                            "what /sys/class/egm shows is not what any known EGM driver does: update egmctl"});
        return;
    }
    carveouts = std::move(*found);
    if (!carveouts.empty()) {
        findings.push_back({Verdict::kOk, Scope::kEgm, "egm-driver", describe(carveouts.front().shapes), ""});
        for (const CarveoutInfo& carveout : carveouts)
            examine_carveout(syscalls, carveout, findings);
        return;
    }
    if (exists(syscalls, "/sys/class", "egm"))
        findings.push_back({Verdict::kMissing, Scope::kEgm, "carveout", "none, though the EGM driver is loaded",
                            "switch EGM and the hypervisor mode on in the firmware's menu; the 2025 drivers show a "
                            "carveout only once its GPUs are bound"});
    else
        findings.push_back({Verdict::kMissing, Scope::kEgm, "carveout",
                            "none, and no EGM driver: there is no /sys/class/egm",
                            "on a Grace machine switch EGM on in the firmware and load the EGM driver (modprobe "
                            "nvgrace-egm, or bind the GPUs with the vendor's kernel); other machines have no EGM"});
}

void examine_gpus(Syscalls& syscalls, const std::vector<CarveoutInfo>& carveouts, Findings& findings) {
    const std::vector<Gpu> gpus = find_gpus(syscalls, carveouts);
    for (const Gpu& gpu : gpus)
        examine_gpu(syscalls, gpu, findings);
    if (gpus.empty())
        findings.push_back({Verdict::kMissing, Scope::kBoth, "gpu", "no NVIDIA GPU on the PCI bus",
                            "look at lspci -d 10de: and dmesg; in a VM or a container, ask its host for one"});
    if (std::any_of(gpus.begin(), gpus.end(), [](const Gpu& gpu) { return gpu.coherent; }))
        findings.push_back({Verdict::kUnseen, Scope::kEgm, "c2c",
                            "whether the links are up shows when a GPU is opened, which resets it",
                            "egmctl map-test opens them; a link that is down answers ETIME after 30 s"});
}

} // namespace egm::doctor
