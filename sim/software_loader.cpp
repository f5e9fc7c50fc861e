#include "sim/software_loader.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "sim/address_plan.h"
#include "sim/call_cost_fields.h"
#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/sharing_loader.h"
#include "sim/words.h"

namespace sim {
namespace {

constexpr std::uint64_t kKiB = 1ull << 10, kMiB = 1ull << 20, kGiB = 1ull << 30, kTiB = 1ull << 40;

/// Reads the parts of `software:`; `topology` may be nullptr.
class SoftwareReader {
public:
    SoftwareReader(const Topology* topology, Diagnostics& diagnostics)
        : topology_(topology), diagnostics_(diagnostics) {}

    SoftwareSetup read(const YamlNode& node) {
        Fields fields(node, "software", diagnostics_);
        const bool page_given = fields.choice<std::uint64_t>("host_page_size", setup_.host_page_bytes,
                                                             {{"4 KiB", 4 * kKiB}, {"64 KiB", 64 * kKiB}});
        fields.choice<std::uint64_t>("guest_page_size", setup_.guest_page_bytes,
                                     {{"4 KiB", 4 * kKiB},
                                      {"64 KiB", 64 * kKiB},
                                      {"2 MiB", 2 * kMiB},
                                      {"512 MiB", 512 * kMiB},
                                      {"1 GiB", kGiB}});
        if (const YamlNode* kernel = fields.node("kernel")) {
            read_kernel(*kernel, page_given);
        }
        fields.choice("iommu", setup_.iommu, iommu_words());
        fields.size("hypervisor_memory", setup_.hypervisor_bytes, {.min = 64 * kMiB, .max = 8 * kTiB});
        if (setup_.hypervisor_bytes % kMiB != 0) {
            fields.error("hypervisor_memory", "is not a multiple of 1 MiB");
        }
        fields.boolean("compare_native", setup_.compare_native);
        read_list(fields, "vms", [&](const YamlNode& vm, const std::string& what) { read_vm(vm, what); });
        read_list(fields, "faults", [&](const YamlNode& fault, const std::string& what) { read_fault(fault, what); });
        if (const YamlNode* sharing = fields.node("sharing")) {
            setup_.sharing = read_sharing(*sharing, topology_, diagnostics_);
        }
        fields.finish();
        warn_overcommitted(fields);
        return std::move(setup_);
    }

private:
    template <class Read>
    void read_list(Fields& fields, const std::string& key, Read read) {
        const YamlNode* list = fields.node(key);
        if (list == nullptr) {
            return;
        }
        if (!list->is_sequence()) {
            fields.error(key, "is no list", fmt::format("begin each entry of \"{}:\" with \"- \"", key));
            return;
        }
        const std::string noun = fields.what() == "software" ? "" : fields.what() + ": ";
        for (std::size_t i = 0; i < list->items.size(); ++i) {
            read(list->items[i], fmt::format("{}{} {}", noun, key, i));
        }
    }

    void read_kernel(const YamlNode& node, bool page_given) {
        Fields fields(node, "kernel", diagnostics_);
        std::string version;
        fields.choice<std::string>("egm", setup_.egm_shape,
                                   {{"E2", "E2"}, {"E1", "E1"}, {"D", "D"}, {"C", "C"}, {"B", "B"}, {"A", "A"}});
        std::uint64_t page = 0;
        if (fields.choice<std::uint64_t>(
                "page_size", page,
                {{"4 KiB", 4 * kKiB}, {"64 KiB", 64 * kKiB}, {"4KiB", 4 * kKiB}, {"64KiB", 64 * kKiB}})) {
            if (page_given && page != setup_.host_page_bytes) {
                fields.error("page_size", "is not what host_page_size says", "write one of them");
            }
            setup_.host_page_bytes = page;
        }
        if (const YamlNode* costs = fields.node("costs")) {
            Fields each(*costs, "kernel: costs", diagnostics_);
            read_call_costs(each, setup_.costs);
            each.finish();
        }
        fields.choice("short_buffer", setup_.retired_short_buffer_enospc, {{"success", false}, {"ENOSPC", true}});
        if (fields.text("vfio", version)) {
            const std::size_t dot = version.find('.');
            const auto major = parse_count(version.substr(0, dot));
            const auto minor = dot == std::string::npos ? parse_count("0") : parse_count(version.substr(dot + 1));
            if (!major || !minor || dot == std::string::npos || *major < 5 || *major > 9 || *minor > 99) {
                fields.error("vfio", in_quotes(version) + " is no kernel version", "write \"6.18\"");
            } else {
                setup_.kernel_major = static_cast<int>(*major);
                setup_.kernel_minor = static_cast<int>(*minor);
            }
        }
        fields.finish();
    }

    void read_vm(const YamlNode& node, const std::string& numbered) {
        const YamlNode* named = node.find("name");
        const bool has_name = named != nullptr && named->is_scalar() && !named->text.empty();
        Fields fields(node, has_name ? "VM " + named->text : numbered, diagnostics_);
        VmSetup vm;
        vm.where = node.where;
        fields.text("name", vm.name);
        fields.require({"name", "memory"}, "a VM has a name and memory");
        if (!vm.name.empty() && !names_.insert(vm.name).second) {
            fields.error("name", in_quotes(vm.name) + " is the name of another VM");
        }
        fields.count("vcpus", vm.vcpus, {.max = 4096});
        read_list(fields, "memory", [&](const YamlNode& region, const std::string& what) {
            vm.memory.push_back(read_region(region, what));
        });
        if (fields.has("memory") && vm.memory.empty()) {
            fields.error("memory", "is empty", "write \"memory: [{of: grace0.egm}]\"");
        }
        read_gpus(fields, vm);
        fields.size("block_alignment", vm.block_alignment, {.min = 4 * kKiB, .max = kTiB, .likely = "MiB"});
        if ((vm.block_alignment & (vm.block_alignment - 1)) != 0) {
            fields.error("block_alignment", "is no power of two", "write 2 MiB, 512 MiB or 1 GiB");
        }
        fields.boolean("enforce_offset_zero", vm.enforce_offset_zero);
        fields.finish();
        check_vcpus(fields, vm);
        setup_.vms.push_back(std::move(vm));
    }

    void read_gpus(Fields& fields, VmSetup& vm) {
        const YamlNode* list = fields.node("gpus");
        if (list == nullptr) {
            return;
        }
        if (!list->is_sequence()) {
            fields.error("gpus", "is no list", "write \"gpus: [hopper0]\"");
            return;
        }
        std::set<std::string> seen;
        for (const YamlNode& gpu : list->items) {
            if (!check_part(gpu, fields.what() + ": gpus", PartClass::kGpu, topology_, diagnostics_)) {
                continue;
            }
            if (!seen.insert(gpu.text).second) {
                diagnostics_.error(gpu.where, fmt::format("{}: gpus lists {} twice", fields.what(), gpu.text));
                continue;
            }
            vm.gpus.push_back(gpu.text); // the same GPU in another VM is for the bring-up to refuse
        }
    }

    RegionSetup read_region(const YamlNode& node, const std::string& what) {
        Fields fields(node, what, diagnostics_);
        RegionSetup region;
        region.where = node.where;
        const YamlNode* of = fields.node("of");
        fields.size("size", region.size_bytes, {.min = 64 * kKiB, .max = 8 * kTiB});
        fields.size("file_offset", region.file_offset, {.min = 0, .max = 8 * kTiB});
        fields.require({"of"}, "say whose memory, \"of: grace0.egm\"");
        fields.finish();
        for (const char* key : {"size", "file_offset"}) {
            const std::uint64_t bytes = key[0] == 's' ? region.size_bytes : region.file_offset;
            if (bytes % (4 * kKiB) != 0) {
                fields.error(key, "is not a multiple of 4 KiB", "memory is mapped in pages");
            }
        }
        const auto memory =
            of == nullptr ? std::nullopt : read_memory_name(*of, what + ": of", topology_, diagnostics_);
        if (!memory) {
            return region;
        }
        region.memory = of->text;
        if (topology_ != nullptr) {
            const auto wanted = topology_->egm ? MemoryName::Kind::kEgm : MemoryName::Kind::kSystem;
            if (memory->kind != wanted) {
                diagnostics_.error(
                    of->where,
                    fmt::format("{}: of: a VM's memory on this machine is {}", what,
                                topology_->egm ? "EGM" : "system memory"),
                    fmt::format("write \"{}.{}\"", cpu_of(memory->part), topology_->egm ? "egm" : "system"));
            }
        }
        return region;
    }

    /// The CPU whose memory was probably meant by naming `part`.
    std::string cpu_of(const std::string& part) const {
        const Part* named = topology_->find(part);
        for (const Part& each : topology_->parts) {
            if (std::holds_alternative<models::CpuSpec>(each.spec) && named != nullptr && each.name == named->cpu) {
                return each.name;
            }
        }
        return part;
    }

    void check_vcpus(Fields& fields, const VmSetup& vm) {
        if (topology_ == nullptr || vm.vcpus == 0) {
            return;
        }
        std::uint64_t cores = 0;
        for (const Part& part : topology_->parts) {
            if (const auto* cpu = std::get_if<models::CpuSpec>(&part.spec)) {
                cores += cpu->cores;
            }
        }
        if (vm.vcpus > cores) {
            fields.error("vcpus", fmt::format("{} is more than the machine's {} cores", vm.vcpus, cores));
        }
    }

    void read_fault(const YamlNode& node, const std::string& what) {
        Fields fields(node, what, diagnostics_);
        FaultSetup fault;
        fault.where = node.where;
        const int kinds = fields.has("fail_call") + fields.has("gpu_not_ready") + fields.has("retired_pages");
        if (kinds != 1) {
            diagnostics_.error(node.where,
                               fmt::format("{}: {}", what, kinds == 0 ? "says no fault" : "says several faults"),
                               "write one of fail_call, gpu_not_ready, retired_pages");
            return;
        }
        if (fields.has("fail_call")) {
            fault.kind = FaultSetup::Kind::kFailCall;
            fields.count("fail_call", fault.call_number);
            fields.choice("errno", fault.error_number, errno_words());
            fields.require({"errno"}, "say which, \"errno: ENOMEM\"");
        } else if (const YamlNode* gpu = fields.node("gpu_not_ready")) {
            fault.kind = FaultSetup::Kind::kGpuNotReady;
            check_part(*gpu, what + ": gpu_not_ready", PartClass::kGpu, topology_, diagnostics_);
            fault.part = gpu->text;
        } else if (const YamlNode* cpu = fields.node("retired_pages")) {
            fault.kind = FaultSetup::Kind::kRetiredPages;
            check_part(*cpu, what + ": retired_pages", PartClass::kCpu, topology_, diagnostics_);
            fault.part = cpu->text;
            read_offsets(fields, fault);
        }
        fields.finish();
        setup_.faults.push_back(std::move(fault));
    }

    void read_offsets(Fields& fields, FaultSetup& fault) {
        const YamlNode* offsets = fields.node("offsets");
        if (offsets == nullptr || !offsets->is_sequence() || offsets->items.empty()) {
            fields.error("offsets", "is missing or no list", "write \"offsets: [1 GiB, 3 GiB]\"");
            return;
        }
        const auto* memory = topology_ == nullptr ? nullptr : memory_on(*topology_, fault.part);
        for (const YamlNode& item : offsets->items) {
            std::uint64_t offset = 0;
            const std::string what = fields.what() + ": offsets:";
            if (!read_size(item, what, offset, {.min = 0, .max = 8 * kTiB}, diagnostics_)) {
                continue;
            }
            if (offset % (64 * kKiB) != 0) {
                diagnostics_.error(item.where,
                                   fmt::format("{} {} is not a multiple of 64 KiB", what, in_quotes(item.text)),
                                   "pages are retired in blocks of 64 KiB");
            } else if (memory != nullptr && offset >= memory->capacity_bytes) {
                diagnostics_.error(item.where,
                                   fmt::format("{} {} lies behind the memory's end", what, in_quotes(item.text)),
                                   "below " + format_size(memory->capacity_bytes));
            }
            fault.offsets.push_back(offset);
        }
    }

    /// The bring-up itself must refuse it, naming the call; here it is only a doubt.
    void warn_overcommitted(Fields& fields) {
        if (topology_ == nullptr) {
            return;
        }
        const AddressPlan plan = plan_addresses(*topology_, setup_);
        std::map<std::string, std::uint64_t> wanted;
        for (const VmSetup& vm : setup_.vms) {
            for (const RegionSetup& region : vm.memory) {
                const auto dram = plan.dram.find(region.memory.substr(0, region.memory.rfind('.')));
                if (dram == plan.dram.end()) {
                    continue;
                }
                const std::uint64_t there =
                    region.memory.ends_with(".egm") ? dram->second.carveout.size : dram->second.host.size;
                std::uint64_t& sum = wanted[region.memory];
                sum += region.file_offset +
                       (region.size_bytes > 0 ? region.size_bytes : there - std::min(there, region.file_offset));
                if (sum > there) {
                    diagnostics_.warning(region.where,
                                         fmt::format("VM {}: {} are asked of {}, which has {}", vm.name,
                                                     format_size(sum), region.memory, format_size(there)),
                                         "the bring-up will refuse it");
                }
            }
        }
        if (setup_.hypervisor_bytes > 0) {
            for (const Part& part : topology_->parts) {
                const auto* memory =
                    std::holds_alternative<models::CpuSpec>(part.spec) ? memory_on(*topology_, part.name) : nullptr;
                if (memory != nullptr && setup_.hypervisor_bytes >= memory->capacity_bytes) {
                    fields.error("hypervisor_memory", fmt::format("leaves nothing of {}'s {}", part.name,
                                                                  format_size(memory->capacity_bytes)));
                    return;
                }
            }
        }
    }

    const Topology* topology_;
    Diagnostics& diagnostics_;
    SoftwareSetup setup_;
    std::set<std::string> names_;
};

} // namespace

SoftwareSetup read_software(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics) {
    return SoftwareReader(topology, diagnostics).read(node);
}

} // namespace sim
