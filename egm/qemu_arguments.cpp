#include "egm/qemu_arguments.h"

#include <algorithm>
#include <cassert>
#include <cctype>

#include <fmt/format.h>

#include "egm/address.h"

namespace egm {
namespace {

bool uses_iommufd(IommuMode mode) { return mode != IommuMode::kType1; }

/// A size as QEMU reads it, in the largest unit that divides it: "4T", "447G", "56896M", "64K".
std::string qemu_size(std::uint64_t bytes) {
    constexpr std::pair<std::uint64_t, char> kUnits[] = {{kTiB, 'T'}, {kGiB, 'G'}, {kMiB, 'M'}, {kKiB, 'K'}};
    for (const auto& [unit, letter] : kUnits)
        if (bytes != 0 && bytes % unit == 0)
            return fmt::format("{}{}", bytes / unit, letter);
    return fmt::format("{}", bytes);
}

class Writer {
public:
    Writer(const PlannedVm& vm, std::uint64_t page_size, QemuDialect dialect)
        : vm_(vm), page_size_(page_size), dialect_(dialect) {
        for (std::size_t i = 0; i < vm.nodes.size(); ++i)
            by_number_.push_back(i);
        std::sort(by_number_.begin(), by_number_.end(),
                  [&](std::size_t a, std::size_t b) { return vm.layout.nodes[a].node < vm.layout.nodes[b].node; });
    }

    std::vector<std::string> write() {
        add("-name", vm_.request.name);
        if (uses_iommufd(vm_.request.iommu) && !vm_.layout.gpus.empty())
            add("-object", "iommufd,id=iommufd0");
        write_backends();
        write_machine();
        write_nodes();
        for (std::size_t i = 0; i < vm_.buses.size(); ++i)
            write_bus(i);
        write_initiators();
        write_egm_links();
        return std::move(arguments_);
    }

private:
    void add(std::string option, std::string value) {
        arguments_.push_back(std::move(option));
        arguments_.push_back(std::move(value));
    }

    void write_backends() {
        for (const std::size_t i : by_number_) {
            const PlannedRegion& planned = vm_.nodes[i].planned;
            std::string backend =
                fmt::format("memory-backend-file,id=m{},mem-path={},size={},share=on,prealloc=on,align={}",
                            vm_.layout.nodes[i].node, planned.carveout.device_path, qemu_size(planned.region.size),
                            qemu_size(block_size_max(page_size_)));
            if (planned.region.file_offset != 0)
                backend += fmt::format(",offset={}", planned.region.file_offset);
            add("-object", std::move(backend));
        }
    }

    void write_machine() {
        std::uint64_t memory = 0;
        unsigned sockets = 0;
        for (const GuestMemoryNode& node : vm_.layout.nodes) {
            memory += node.ram.size;
            sockets += node.vcpus.count > 0;
        }
        add("-machine", fmt::format("virt,accel=kvm,gic-version=3,ras=on,highmem-mmio-size={}",
                                    qemu_size(vm_.layout.high_mmio.size)));
        add("-cpu", "host");
        const unsigned vcpus = vm_.request.vcpus;
        const bool even = vcpus % sockets == 0;
        add("-smp", even ? fmt::format("{},sockets={},cores={},threads=1", vcpus, sockets, vcpus / sockets)
                         : fmt::format("{}", vcpus));
        add("-m", fmt::format("size={}", qemu_size(memory)));
    }

    /// Every node by its number: those with memory, and the initiators, which are but numbers.
    void write_nodes() {
        std::vector<std::string> lines(std::size_t(vm_.layout.node_count));
        for (std::size_t i = 0; i < vm_.nodes.size(); ++i) {
            const GuestMemoryNode& node = vm_.layout.nodes[i];
            std::string cpus;
            if (node.vcpus.count == 1)
                cpus = fmt::format(",cpus={}", node.vcpus.first);
            else if (node.vcpus.count > 1)
                cpus = fmt::format(",cpus={}-{}", node.vcpus.first, node.vcpus.first + node.vcpus.count - 1);
            lines[std::size_t(node.node)] = fmt::format("node,nodeid={}{},memdev=m{}", node.node, cpus, node.node);
        }
        for (std::size_t number = 0; number < lines.size(); ++number)
            add("-numa", lines[number].empty() ? fmt::format("node,nodeid={}", number) : lines[number]);
    }

    void write_bus(std::size_t index) {
        const GuestExpanderBus& bus = vm_.buses[index];
        const std::string name = fmt::format("pcie.{}", index + 1);
        add("-device", fmt::format("pxb-pcie,id={},bus_nr={},bus=pcie.0,numa_node={}", name, bus.bus_number, bus.node));
        const bool iommufd = uses_iommufd(vm_.request.iommu);
        if (iommufd)
            add("-device", fmt::format("arm-smmuv3,primary-bus={},id=smmuv3.{},accel=on,ats=on,ril=off,{},oas=48", name,
                                       index + 1, dialect_ == QemuDialect::kVendor10 ? "pasid=on" : "ssidsize=20"));
        for (const std::size_t gpu : bus.gpus) {
            ++ports_;
            add("-device",
                fmt::format("pcie-root-port,id=pcie.port{},bus={},chassis={},io-reserve=0", ports_, name, ports_));
            add("-device", fmt::format("vfio-pci-nohotplug,host={},bus=pcie.port{},rombar=0,id=dev{}{}",
                                       vm_.layout.gpus[gpu].bdf, ports_, gpu, iommufd ? ",iommufd=iommufd0" : ""));
        }
    }

    void write_initiators() {
        int next = 0;
        for (std::size_t i = 0; i < vm_.layout.gpus.size(); ++i)
            for (int node = 0; node < vm_.layout.gpus[i].initiator_nodes; ++node)
                add("-object", fmt::format("acpi-generic-initiator,id=gi{},pci-dev=dev{},node={}", next++, i,
                                           vm_.layout.gpus[i].first_initiator_node + node));
    }

    void write_egm_links() {
        for (std::size_t i = 0; i < vm_.layout.gpus.size(); ++i)
            if (vm_.layout.gpus[i].egm_pxm >= 0)
                add("-object",
                    fmt::format("acpi-egm-memory,id=egm{},pci-dev=dev{},node={}", i, i, vm_.layout.gpus[i].egm_pxm));
    }

    const PlannedVm& vm_;
    const std::uint64_t page_size_;
    const QemuDialect dialect_;
    std::vector<std::size_t> by_number_; ///< indices of the nodes, in the order of their numbers
    std::vector<std::string> arguments_;
    int ports_ = 0;
};

} // namespace

std::vector<std::string> qemu_arguments(const PlannedVm& vm, std::uint64_t page_size, QemuDialect dialect) {
    assert(!vm.nodes.empty() && vm.request.vcpus > 0);
    return Writer(vm, page_size, dialect).write();
}

std::string shell_quoted(const std::string& text) {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("-_./:,=+@%").find(char(c)) != std::string_view::npos;
    });
    if (plain)
        return text;
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

std::string shell_script(const PlannedVm& vm, const std::vector<std::string>& arguments) {
    std::string script = "#!/bin/sh\n# " + vm.request.name +
                         ": add a firmware, a disk and a network of your own, and run it with unlimited locked memory "
                         "(ulimit -l).\n";
    for (const std::string& note : vm.notes)
        script += "# " + note + "\n";
    script += "exec qemu-system-aarch64";
    for (const std::string& argument : arguments)
        script += (argument.starts_with('-') ? " \\\n    " : " ") + shell_quoted(argument);
    return script + " \\\n    \"$@\"\n";
}

} // namespace egm
