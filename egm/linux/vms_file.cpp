#include "egm/linux/vms_file.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/sysfs.h"
#include "sim/fields.h"
#include "sim/yaml_tree.h"

namespace egm {
namespace {

constexpr unsigned kVcpusMax = 512;             // QEMU's machine "virt", hw/arm/virt.c
constexpr std::uint64_t kMemoryMax = 16 * kTiB; // a quarter of a Grace socket's address stride, and more than it has
constexpr std::uint64_t kMemoryMin = 64 * kKiB;
constexpr std::size_t kNameMax = 64;

const std::vector<std::pair<std::string, Sharing>> kPolicies = {{"whole-tray", Sharing::kWholeTray},
                                                                {"vm-per-socket", Sharing::kVmPerSocket},
                                                                {"shared", Sharing::kRegionsPerCarveout}};
const std::vector<std::pair<std::string, IommuMode>> kModes = {{"type1", IommuMode::kType1},
                                                               {"iommufd-strict", IommuMode::kIommufdStrict},
                                                               {"iommufd-tolerant", IommuMode::kIommufdTolerant},
                                                               {"iommufd-dma-buf", IommuMode::kIommufdDmaBuf}};

/// A name goes into command lines, XML and file names.
bool is_plain_name(const std::string& name) {
    return name.size() <= kNameMax && std::isalnum(static_cast<unsigned char>(name.front())) &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

/// "4" or "egm4"; -1 for anything else.
int parse_carveout(const std::string& key) {
    return parse_number(key.starts_with("egm") ? std::string_view(key).substr(3) : std::string_view(key));
}

class VmsReader {
public:
    explicit VmsReader(sim::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    VmsFile read(const sim::YamlNode& tree) {
        sim::Fields fields(tree, "file", diagnostics_);
        fields.choice("policy", file_.request.policy, kPolicies);
        const sim::YamlNode* vms = fields.node("vms");
        fields.require({"vms"}, "list the VMs below \"vms:\"");
        fields.finish();
        if (vms != nullptr && (!vms->is_sequence() || vms->items.empty()))
            fields.error("vms", vms->is_sequence() ? "is empty" : "is no list", "begin each VM with \"- name: ...\"");
        else if (vms != nullptr)
            for (std::size_t i = 0; i < vms->items.size(); ++i)
                read_vm(vms->items[i], fmt::format("vms {}", i));
        return std::move(file_);
    }

private:
    void read_vm(const sim::YamlNode& node, const std::string& numbered) {
        const sim::YamlNode* named = node.find("name");
        const bool has_name = named != nullptr && named->is_scalar() && !named->text.empty();
        sim::Fields fields(node, has_name ? "VM " + named->text : numbered, diagnostics_);
        TrayVm vm;
        VmsFile::Places places{.vm = fields.where("name"), .regions = node.where, .gpus = node.where};
        if (fields.text("name", vm.request.name) && !is_plain_name(vm.request.name))
            fields.error("name", sim::in_quotes(vm.request.name) + " is no plain name",
                         "letters, digits, \"-\", \"_\" and \".\", at most 64, beginning with a letter or digit");
        fields.count("vcpus", vm.request.vcpus, {.min = 1, .max = kVcpusMax});
        fields.choice("iommu", vm.request.iommu, kModes);
        fields.size("memory", vm.request.legacy_memory_bytes, {.min = kMemoryMin, .max = kMemoryMax});
        if (const sim::YamlNode* egm = fields.node("egm"))
            read_egm(*egm, fields.what() + ": egm", vm, places);
        if (const sim::YamlNode* gpus = fields.node("gpus"))
            read_gpus(*gpus, fields.what() + ": gpus", vm, places);
        fields.require({"name", "vcpus"}, "a VM has a name and vCPUs");
        if (fields.has("egm") == fields.has("memory"))
            diagnostics_.error(node.where,
                               fields.what() + (fields.has("egm") ? ": egm and memory" : ": no egm and no memory"),
                               "write \"egm: all\", or \"memory: 64 GiB\" on a machine without EGM");
        fields.finish();
        file_.request.vms.push_back(std::move(vm));
        file_.places.push_back(std::move(places));
    }

    void read_egm(const sim::YamlNode& node, const std::string& what, TrayVm& vm, VmsFile::Places& places) {
        places.regions = node.where;
        if (node.is_scalar() && node.text == "all") {
            vm.all_carveouts = true;
            return;
        }
        if (!node.is_map() || node.entries.empty()) {
            diagnostics_.error(node.where, what + " names no carveout",
                               "write \"egm: all\" or \"egm: {4: whole, 5: 100 GiB}\"");
            return;
        }
        for (const sim::YamlEntry& entry : node.entries) {
            RegionRequest region{.pxm = parse_carveout(entry.key)};
            if (region.pxm < 0)
                diagnostics_.error(entry.where, fmt::format("{}: {} is no carveout", what, sim::in_quotes(entry.key)),
                                   "name it by its number, as in /dev/egm4: \"4: whole\"");
            read_region(entry.value, fmt::format("{}: {}", what, entry.key), region);
            vm.request.regions.push_back(region);
            places.region.push_back(entry.where);
        }
    }

    /// "whole", "blocks", a size, or a map of size and offset.
    void read_region(const sim::YamlNode& node, const std::string& what, RegionRequest& region) {
        if (!node.is_map())
            return read_region_size(node, what, region);
        sim::Fields fields(node, what, diagnostics_);
        if (const sim::YamlNode* size = fields.node("size"))
            read_region_size(*size, what + ": size", region);
        fields.size("offset", region.file_offset, {.min = 0, .max = kMemoryMax});
        fields.require({"size"}, "write \"size: whole\" or \"size: 100 GiB\"");
        fields.finish();
    }

    void read_region_size(const sim::YamlNode& node, const std::string& what, RegionRequest& region) {
        if (node.is_scalar() && (node.text == "whole" || node.text == "blocks"))
            region.whole_blocks = node.text == "blocks";
        else if (!node.is_scalar())
            diagnostics_.error(node.where, what + " is not a size", "write whole, blocks or a size such as \"64 GiB\"");
        else
            sim::read_size(node, what, region.size, {.min = kMemoryMin, .max = kMemoryMax, .likely = "GiB"},
                           diagnostics_);
    }

    void read_gpus(const sim::YamlNode& node, const std::string& what, TrayVm& vm, VmsFile::Places& places) {
        places.gpus = node.where;
        if (node.is_scalar() && node.text == "all") {
            vm.all_gpus = true;
            return;
        }
        if (!node.is_sequence()) {
            diagnostics_.error(node.where, what + " is no list", "write \"all\" or \"[0008:01:00.0]\"");
            return;
        }
        for (const sim::YamlNode& item : node.items) {
            if (!item.is_scalar() || !is_bdf(item.text)) {
                diagnostics_.error(item.where, fmt::format("{}: {} is no PCI address", what, sim::in_quotes(item.text)),
                                   "write it as in \"egmctl list\": 0008:01:00.0");
                continue;
            }
            std::string bdf = item.text;
            std::transform(bdf.begin(), bdf.end(), bdf.begin(), [](unsigned char c) { return char(std::tolower(c)); });
            vm.request.gpu_bdfs.push_back(std::move(bdf));
            places.gpu.push_back(item.where);
        }
    }

    sim::Diagnostics& diagnostics_;
    VmsFile file_;
};

} // namespace

sim::Location VmsFile::place_of(const PlanFault& fault) const {
    const Places& of = places.at(fault.vm);
    if (fault.region >= 0)
        return std::size_t(fault.region) < of.region.size() ? of.region[std::size_t(fault.region)] : of.regions;
    if (fault.gpu >= 0)
        return std::size_t(fault.gpu) < of.gpu.size() ? of.gpu[std::size_t(fault.gpu)] : of.gpus;
    return of.vm;
}

std::optional<VmsFile> read_vms(const std::string& text, const std::string& file, sim::Diagnostics& diagnostics) {
    const std::size_t errors_before = diagnostics.errors();
    const auto tree = sim::parse_yaml(text, file, diagnostics);
    if (!tree)
        return std::nullopt;
    VmsFile vms = VmsReader(diagnostics).read(*tree);
    if (diagnostics.errors() != errors_before)
        return std::nullopt;
    return vms;
}

} // namespace egm
