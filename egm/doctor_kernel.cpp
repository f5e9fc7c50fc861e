// What the doctor asks of the processor and the kernel.

#include <charconv>

#include <fcntl.h>

#include "egm/block_size.h"
#include "egm/doctor_checks.h"
#include "egm/errors.h"
#include "egm/file_descriptor.h"
#include "egm/sysfs.h"
#include "egm/uapi/kvm.h"

namespace egm::doctor {
namespace {

constexpr const char* kNoEgmThere = "EGM exists on Grace Hopper and Grace Blackwell only: use plain VFIO with "
                                    "hugepages over PCIe on this machine";

bool is_arm(Syscalls& syscalls) {
    const auto text = read_text(syscalls, "/proc/cpuinfo");
    return text && value_after(*text, "CPU implementer");
}

/// "6.17.0-1014-nvidia-64k" as 617; 0 when it is no version.
int version_number(const std::string& release) {
    int major = 0, minor = 0;
    const char* const end = release.data() + release.size();
    const auto dot = std::from_chars(release.data(), end, major);
    if (dot.ec != std::errc() || dot.ptr == end || *dot.ptr != '.' || major < 0 || major > 99)
        return 0;
    if (std::from_chars(dot.ptr + 1, end, minor).ec != std::errc() || minor < 0 || minor > 99)
        return 0;
    return major * 100 + minor;
}

} // namespace

void examine_processor(Syscalls& syscalls, Findings& findings) {
    const auto text = read_text(syscalls, "/proc/cpuinfo");
    if (!text || text->empty()) {
        findings.push_back({Verdict::kUnseen, Scope::kEgm, "processor", "/proc/cpuinfo cannot be read", ""});
        return;
    }
    // Linux arch/arm64/include/asm/cputype.h: ARM_CPU_IMP_ARM, ARM_CPU_PART_NEOVERSE_V2.
    const auto implementer = value_after(*text, "CPU implementer\t:");
    const auto part = value_after(*text, "CPU part\t:");
    if (implementer == "0x41" && part == "0xd4f")
        findings.push_back({Verdict::kOk, Scope::kEgm, "processor", "Arm Neoverse V2, the core of Grace", ""});
    else if (implementer)
        findings.push_back({Verdict::kWarning, Scope::kEgm, "processor",
                            "Arm " + *implementer + ":" + part.value_or("?") + ", not the core of Grace", kNoEgmThere});
    else
        findings.push_back({Verdict::kMissing, Scope::kEgm, "processor",
                            value_after(*text, "vendor_id\t:").value_or("not Arm") + ", not a Grace", kNoEgmThere});
}

void examine_kernel_version(Syscalls& syscalls, Findings& findings) {
    const auto release = read_text(syscalls, "/proc/sys/kernel/osrelease");
    const int version = release ? version_number(*release) : 0;
    if (version == 0) {
        findings.push_back({Verdict::kUnseen, Scope::kEgm, "kernel", "the kernel's version cannot be read", ""});
        return;
    }
    const std::string what = "Linux " + *release;
    if (version < 608)
        findings.push_back({Verdict::kWarning, Scope::kEgm, "kernel", what + ", before nvgrace-gpu-vfio-pci (6.8)",
                            "install Linux 6.17 or later, or the vendor's kernel"});
    else if (version < 617)
        findings.push_back(
            {Verdict::kWarning, Scope::kEgm, "kernel",
             what + ", before KVM took cacheable memory without struct page (6.17)",
             "EGM then needs a vendor's backport: the line \"kvm-pfnmap\" says whether this kernel has it"});
    else if (version < 619)
        findings.push_back({Verdict::kOk, Scope::kEgm, "kernel",
                            what + "; GPU memory is mapped page by page: in huge blocks from 6.19 on", ""});
    else
        findings.push_back({Verdict::kOk, Scope::kEgm, "kernel", what + "; GPU memory is mapped in huge blocks", ""});
}

void examine_page_size(Syscalls& syscalls, Findings& findings) {
    const std::uint64_t page = syscalls.page_size();
    findings.push_back({Verdict::kOk, Scope::kBoth, "page-size",
                        in_binary_units(page) + "; stage-2 blocks of up to " + in_binary_units(block_size_max(page)),
                        ""});
}

void examine_kvm(Syscalls& syscalls, Findings& findings) {
    auto kvm = FileDescriptor::open(syscalls, "/dev/kvm", O_RDWR);
    if (!kvm) {
        findings.push_back({Verdict::kMissing, Scope::kBoth, "kvm",
                            errno_name(kvm.error().error_number) + " on /dev/kvm",
                            kvm.error().advice.empty() ? "load the module kvm" : kvm.error().advice});
        return;
    }
    auto vm = kvm->ioctl(uapi::kKvmCreateVm, 0ul, "KVM_CREATE_VM");
    if (!vm) {
        findings.push_back({Verdict::kMissing, Scope::kBoth, "kvm",
                            "opens, but makes no VM: " + errno_name(vm.error().error_number),
                            "switch the processor's virtualization on in the firmware; inside a VM, nested "
                            "virtualization in its host"});
        return;
    }
    { const FileDescriptor given_back(syscalls, *vm, "VM"); }
    findings.push_back({Verdict::kOk, Scope::kBoth, "kvm", "makes VMs", ""});

    auto pfnmap =
        kvm->ioctl(uapi::kKvmCheckExtension, static_cast<unsigned long>(uapi::kKvmCapArmCacheablePfnmapSupported),
                   "KVM_CHECK_EXTENSION");
    if (pfnmap && *pfnmap == 1)
        findings.push_back({Verdict::kOk, Scope::kEgm, "kvm-pfnmap", "takes memory without struct page as RAM", ""});
    else
        findings.push_back(
            {Verdict::kMissing, Scope::kEgm, "kvm-pfnmap",
             "does not take memory without struct page, such as EGM, as RAM of a VM",
             is_arm(syscalls) || !read_text(syscalls, "/proc/cpuinfo")
                 ? "EGM needs Linux 6.17 or later on a processor with FEAT_S2FWB and DIC (Grace has both)"
                 : "only KVM for Arm does, from Linux 6.17 on"});
}

void examine_map_count(Syscalls& syscalls, Findings& findings) {
    constexpr int kDefault = 65530; // Linux include/linux/mm.h, DEFAULT_MAX_MAP_COUNT
    const auto text = read_text(syscalls, "/proc/sys/vm/max_map_count");
    const int count = text ? parse_number(*text) : -1;
    if (count < 0)
        findings.push_back({Verdict::kUnseen, Scope::kBoth, "map-count", "vm.max_map_count cannot be read", ""});
    else if (count < kDefault)
        findings.push_back({Verdict::kWarning, Scope::kBoth, "map-count",
                            "vm.max_map_count is " + *text + ", below the kernel's default of 65530",
                            "a VM monitor may run out of mappings (ENOMEM): sysctl vm.max_map_count=65530"});
    else
        findings.push_back({Verdict::kOk, Scope::kBoth, "map-count", "vm.max_map_count is " + *text, ""});
}

void examine_hugepages(Syscalls& syscalls, Findings& findings) {
    const std::string directory = "/sys/kernel/mm/hugepages";
    std::vector<std::string> names;
    if (syscalls.list_directory(directory.c_str(), names) < 0) {
        findings.push_back({Verdict::kUnseen, Scope::kFallback, "hugepages", directory + " cannot be listed", ""});
        return;
    }
    std::uint64_t free_bytes = 0;
    for (const std::string& name : names) { // hugepages-524288kB
        const std::size_t dash = name.find('-');
        const auto free_pages = read_text(syscalls, directory + "/" + name + "/free_hugepages");
        if (dash == name.npos || !name.ends_with("kB") || !free_pages)
            continue;
        const int kibibytes = parse_number(std::string_view(name).substr(dash + 1, name.size() - dash - 3));
        const int pages = parse_number(*free_pages);
        if (kibibytes > 0 && pages > 0)
            free_bytes += std::uint64_t(kibibytes) * kKiB * std::uint64_t(pages);
    }
    if (free_bytes > 0)
        findings.push_back(
            {Verdict::kOk, Scope::kFallback, "hugepages", in_binary_units(free_bytes) + " free for VMs", ""});
    else
        findings.push_back({Verdict::kWarning, Scope::kFallback, "hugepages",
                            "none free: VMs get ordinary pages, in smaller blocks and slower to map",
                            "reserve some at boot: hugepagesz=512M hugepages=N with 64 KiB pages, hugepagesz=1G with "
                            "4 KiB pages"});
}

} // namespace egm::doctor
