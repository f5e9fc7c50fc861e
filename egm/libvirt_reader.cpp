#include "egm/libvirt_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/qemu_reader.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

using Hazard = DescribedHazard::Kind;
using pugi::xml_node;

constexpr int kNodesMax = 1024; ///< of a node set: more than any guest has, and no text can ask for millions

/// From byte offsets to lines and columns.
class Lines {
public:
    explicit Lines(std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == '\n')
                starts_.push_back(i + 1);
    }

    TextPlace place(std::ptrdiff_t offset) const {
        const std::size_t at = offset < 0 ? 0 : std::size_t(offset);
        const auto next = std::upper_bound(starts_.begin(), starts_.end(), at);
        return {unsigned(next - starts_.begin()), unsigned(at - *std::prev(next) + 1)};
    }

private:
    std::vector<std::size_t> starts_ = {0};
};

/// Bytes of one of libvirt's units; 0 for an unknown one. The default is KiB.
std::uint64_t unit_bytes(std::string_view unit) {
    constexpr std::pair<std::string_view, std::uint64_t> kUnits[] = {{"", kKiB},
                                                                     {"b", 1},
                                                                     {"bytes", 1},
                                                                     {"KB", 1000},
                                                                     {"k", kKiB},
                                                                     {"KiB", kKiB},
                                                                     {"MB", 1000'000},
                                                                     {"M", kMiB},
                                                                     {"MiB", kMiB},
                                                                     {"GB", 1000'000'000},
                                                                     {"G", kGiB},
                                                                     {"GiB", kGiB},
                                                                     {"TB", 1000'000'000'000},
                                                                     {"T", kTiB},
                                                                     {"TiB", kTiB}};
    for (const auto& [name, bytes] : kUnits)
        if (unit == name)
            return bytes;
    return 0;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
        text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.remove_suffix(1);
    const int base = text.starts_with("0x") ? 16 : 10;
    if (base == 16)
        text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

class DomainReader {
public:
    DomainReader(const Lines& lines, const std::string& file, LintInput& input)
        : lines_(lines), file_(file), input_(input) {}

    void read(xml_node domain) {
        vm_.name = domain.child_value("name");
        vm_.place = place(domain);
        if (vm_.name.empty())
            vm_.name = fmt::format("the domain of line {}", vm_.place.line);
        vm_.machine_place = vm_.place;
        vm_.kvm = std::string_view(domain.attribute("type").value()) == "kvm";
        if (const xml_node memory = domain.child("memory")) {
            vm_.memory = size(memory);
            vm_.memory_place = place(memory);
        }
        read_backing(domain);
        read_cells(domain.child("cpu").child("numa"));
        if (!domain.child("features").child("acpi"))
            hazard(Hazard::kNoAcpi, "no <acpi/> in <features>", domain);
        const xml_node devices = domain.child("devices");
        read_controllers(devices);
        read_smmus(devices);
        for (const xml_node hostdev : devices.children("hostdev"))
            read_hostdev(hostdev);
        for (const xml_node memory : devices.children("memory"))
            if (std::string_view(memory.attribute("model").value()) == "egm")
                read_egm(memory);
        read_qemu_arguments_of(domain);
        for (DescribedNode& node : vm_.nodes)
            check_cell(node);
        input_.vms.push_back(std::move(vm_));
    }

private:
    TextPlace place(xml_node node) const { return lines_.place(node.offset_debug()); }

    void report(LintFinding::Severity severity, xml_node node, std::string message, std::string advice = {}) {
        input_.findings.push_back({severity, file_, place(node), std::move(message), std::move(advice)});
    }

    void hazard(Hazard kind, std::string what, xml_node node) {
        vm_.hazards.push_back({kind, std::move(what), place(node)});
    }

    /// An element or attribute text with a unit beside it.
    std::uint64_t bytes(xml_node node, const char* text, const char* unit) {
        const auto count = parse_count(text);
        const std::uint64_t each = unit_bytes(unit);
        if (!count || each == 0 || *count > ~0ull / each) {
            report(LintFinding::Severity::kError, node, fmt::format("\"{} {}\" is no size", text, unit),
                   "write a number and a unit such as KiB");
            return 0;
        }
        return *count * each;
    }

    std::uint64_t size(xml_node node) { return bytes(node, node.child_value(), node.attribute("unit").value()); }

    int number(xml_node node, const char* text) {
        const auto count = parse_count(text);
        if (!count || *count > 0xFFFF) {
            report(LintFinding::Severity::kError, node,
                   fmt::format("\"{}\" is no number of a node or controller", text));
            return -1;
        }
        return int(*count);
    }

    void read_backing(xml_node domain) {
        const xml_node backing = domain.child("memoryBacking");
        share_ = std::string_view(backing.child("access").attribute("mode").value()) == "shared";
        prealloc_ = std::string_view(backing.child("allocation").attribute("mode").value()) == "immediate";
        if (const xml_node hugepages = backing.child("hugepages"))
            hazard(Hazard::kHugepages, "<hugepages/>", hugepages);
        const xml_node limit = domain.child("memtune").child("hard_limit");
        if (limit && vm_.memory && size(limit) < *vm_.memory)
            hazard(Hazard::kMemlockLimited, "<hard_limit> below the VM's memory", limit);
    }

    void read_cells(xml_node numa) {
        for (const xml_node cell : numa.children("cell")) {
            DescribedNode node{.number = cell.attribute("id") ? number(cell, cell.attribute("id").value())
                                                              : int(vm_.nodes.size()),
                               .has_cpus = *cell.attribute("cpus").value() != '\0',
                               .place = place(cell)};
            cell_bytes_.push_back(bytes(cell, cell.attribute("memory").value(), cell.attribute("unit").value()));
            vm_.nodes.push_back(std::move(node));
        }
    }

    void read_controllers(xml_node devices) {
        for (const xml_node controller : devices.children("controller")) {
            const std::string_view model = controller.attribute("model").value();
            if (model == "pcie-root" && controller.child("pcihole64")) {
                vm_.mmio_window = size(controller.child("pcihole64"));
                vm_.machine_place = place(controller.child("pcihole64"));
            } else if (model == "pcie-root-port") {
                vm_.bus_of_port[normalised(controller, controller.attribute("index").value())] =
                    normalised(controller, controller.child("address").attribute("bus").value());
            }
        }
    }

    /// A controller's number in one spelling: "0x0a" and "10" are the same.
    std::string normalised(xml_node node, const char* text) {
        return *text == '\0' ? std::string() : std::to_string(number(node, text));
    }

    void read_smmus(xml_node devices) {
        for (const xml_node iommu : devices.children("iommu")) {
            if (!std::string_view(iommu.attribute("model").value()).starts_with("smmuv3"))
                continue;
            const xml_node driver = iommu.child("driver");
            if (!driver.attribute("pciBus")) {
                hazard(Hazard::kMachineSmmu, "<iommu model='smmuv3'> without pciBus", iommu);
                continue;
            }
            vm_.smmus.push_back({normalised(driver, driver.attribute("pciBus").value()),
                                 std::string_view(driver.attribute("accel").value()) == "on", place(iommu)});
        }
    }

    void read_hostdev(xml_node hostdev) {
        if (std::string_view(hostdev.attribute("type").value()) != "pci")
            return;
        const xml_node address = hostdev.child("source").child("address");
        const auto part = [&](const char* name) { return parse_count(address.attribute(name).value()).value_or(0); };
        DescribedDevice device{.id = hostdev.child("alias").attribute("name").value(),
                               .bdf = fmt::format("{:04x}:{:02x}:{:02x}.{:x}", part("domain"), part("bus"),
                                                  part("slot"), part("function")),
                               .bus = normalised(hostdev, hostdev.child("address").attribute("bus").value()),
                               .place = place(hostdev)};
        device.iommufd = std::string_view(hostdev.child("driver").attribute("iommufd").value()) == "yes";
        device.managed = std::string_view(hostdev.attribute("managed").value()) == "yes";
        if (device.id.empty())
            device.id = fmt::format("hostdev{}", vm_.devices.size());
        if (const xml_node acpi = hostdev.child("acpi"))
            read_node_set(acpi, device.id);
        vm_.devices.push_back(std::move(device));
    }

    /// "2-9" or "2,4,6-8": the initiator nodes of a device.
    void read_node_set(xml_node acpi, const std::string& device) {
        std::string_view rest = acpi.attribute("nodeset").value();
        int nodes = 0;
        while (!rest.empty()) {
            const std::string_view piece = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), piece.size() + 1));
            const std::size_t dash = piece.find('-');
            const int first = parse_number(piece.substr(0, dash));
            const int last = dash == piece.npos ? first : parse_number(piece.substr(dash + 1));
            if (first < 0 || last < first) {
                report(LintFinding::Severity::kError, acpi, fmt::format("\"{}\" is no set of nodes", piece),
                       "write nodeset='2-9'");
                return;
            }
            for (int node = first; node <= last && nodes < kNodesMax; ++node, ++nodes)
                vm_.initiators.push_back({device, node, place(acpi)});
        }
    }

    /// One for each GPU; those of the same path are one backend.
    void read_egm(xml_node memory) {
        const xml_node target = memory.child("target");
        const std::string path = memory.child("source").child_value("path");
        const int node = number(memory, target.child_value("node"));
        auto backend = std::find_if(vm_.backends.begin(), vm_.backends.end(),
                                    [&](const DescribedBackend& each) { return each.id == path; });
        if (backend == vm_.backends.end()) {
            backend = vm_.backends.insert(vm_.backends.end(), {.id = path, .path = path, .place = place(memory)});
            backend->share = share_ || std::string_view(memory.attribute("access").value()) == "shared";
            backend->prealloc = prealloc_;
            backend->can_align = false;
        }
        const std::uint64_t part = target.child("size") ? size(target.child("size")) : 0;
        backend->size = backend->size > ~0ull - part ? ~0ull : backend->size + part;
        for (DescribedNode& each : vm_.nodes)
            if (each.number == node && each.backend.empty())
                each.backend = path;
        vm_.egm_links.push_back({target.child_value("pciDev"), node, place(memory)});
    }

    void read_qemu_arguments_of(xml_node domain) {
        std::vector<PlacedArgument> arguments;
        for (const xml_node commandline : domain.children("qemu:commandline"))
            for (const xml_node argument : commandline.children("qemu:arg"))
                arguments.push_back({argument.attribute("value").value(), place(argument)});
        read_qemu_arguments(arguments, file_, vm_, input_.findings);
    }

    void check_cell(const DescribedNode& node) {
        const std::size_t index = std::size_t(&node - vm_.nodes.data());
        if (index >= cell_bytes_.size() || node.backend.empty())
            return;
        const auto backend = std::find_if(vm_.backends.begin(), vm_.backends.end(),
                                          [&](const DescribedBackend& each) { return each.id == node.backend; });
        if (backend != vm_.backends.end() && backend->size != cell_bytes_[index])
            input_.findings.push_back(
                {LintFinding::Severity::kError, file_, node.place,
                 fmt::format("cell {} has {}, and the EGM devices of {} have {} together", node.number,
                             in_binary_units(cell_bytes_[index]), backend->path, in_binary_units(backend->size)),
                 "the sizes of a path's EGM devices add up to the cell's memory"});
    }

    const Lines& lines_;
    const std::string& file_;
    LintInput& input_;
    VmDescription vm_;
    std::vector<std::uint64_t> cell_bytes_;
    bool share_ = false;
    bool prealloc_ = false;
};

} // namespace

LintInput read_libvirt_domains(std::string_view xml, const std::string& file) {
    LintInput input;
    const Lines lines(xml);
    pugi::xml_document document;
    const pugi::xml_parse_result parsed =
        document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
    if (!parsed) {
        input.findings.push_back({LintFinding::Severity::kError, file, lines.place(parsed.offset),
                                  fmt::format("the XML cannot be read: {}", parsed.description()), ""});
        return input;
    }
    for (const xml_node top : document.children()) {
        if (std::string_view(top.name()) == "domain")
            DomainReader(lines, file, input).read(top);
        for (const xml_node inner : top.children("domain"))
            DomainReader(lines, file, input).read(inner);
    }
    if (input.vms.empty())
        input.findings.push_back({LintFinding::Severity::kError,
                                  file,
                                  {1, 1},
                                  "there is no libvirt <domain> in it",
                                  "give what \"virsh dumpxml\" prints"});
    return input;
}

} // namespace egm
