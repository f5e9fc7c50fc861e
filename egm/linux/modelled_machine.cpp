#include "egm/linux/modelled_machine.h"

#include <algorithm>
#include <optional>

#include <fcntl.h>
#include <fmt/format.h>

#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"
#include "sim/host_kernel.h"
#include "sim/shipped_topologies.h"
#include "sim/software_loader.h"
#include "sim/suggest.h"
#include "sim/topology_loader.h"
#include "sim/units.h"

namespace egm {
namespace {

using models::linux::KernelConfig;
using models::linux::SimSyscalls;

class CountingClock final : public models::linux::Clock {
public:
    void pass(std::uint64_t picoseconds) override { now += picoseconds; }
    std::uint64_t now = 0;
};

class ModelledMachine final : public Machine {
public:
    ModelledMachine(std::string title, KernelConfig config)
        : title_(std::move(title)), kernel_(std::move(config), clock_, store_) {}

    Syscalls& syscalls() override { return kernel_; }
    bool is_modelled() const override { return true; }
    std::string title() const override { return title_; }
    std::uint64_t now() const override { return clock_.now; }

    bool write_memory(Hva at, const void* from, std::size_t size) override {
        return in_pieces(at, size, [&](Spa spa, std::size_t done, std::size_t piece) {
            store_.write(spa, static_cast<const char*>(from) + done, piece);
        });
    }
    bool read_memory(Hva at, void* into, std::size_t size) override {
        return in_pieces(at, size, [&](Spa spa, std::size_t done, std::size_t piece) {
            store_.read(spa, static_cast<char*>(into) + done, piece);
        });
    }

    std::optional<bool> guest_sees(int vm_fd, Ipa ipa, Hva at) override {
        return same_memory(kernel_.stage2(vm_fd, ipa), at);
    }
    std::optional<bool> device_sees(const std::string& bdf, Iova iova, Hva at) override {
        return same_memory(kernel_.iommu(bdf, iova), at);
    }

    std::string held() override {
        const SimSyscalls::OpenState now = kernel_.open_state();
        if (!kernel_.kernel_faults().empty())
            return "a real kernel would have crashed: " + kernel_.kernel_faults().front();
        if (now == at_start_)
            return "";
        std::string words;
        const auto add = [&words](std::uint64_t number, const char* noun) {
            if (number > 0)
                words += fmt::format("{}{} {}{}", words.empty() ? "" : ", ", number, noun, number == 1 ? "" : "s");
        };
        add(now.fds - at_start_.fds, "descriptor");
        add(now.vmas - at_start_.vmas, "mapping");
        add(now.dma_entries - at_start_.dma_entries, "DMA mapping");
        add(now.memory_slots - at_start_.memory_slots, "memory slot");
        add(now.pinned_bytes - at_start_.pinned_bytes, "pinned byte");
        return words;
    }

    /// Another process holds the carveout from now on, and for as long as this machine lives.
    void let_another_process_open(const std::string& path) {
        kernel_.open(path.c_str(), O_RDWR);
        clock_.now = 0;
        at_start_ = kernel_.open_state();
    }
    void fail_call(std::uint64_t number, int error_number) { kernel_.fail_call(number, error_number); }

private:
    bool same_memory(const std::optional<models::linux::Translation>& found, Hva at) const {
        const auto here = kernel_.host(at);
        return found && here && found->spa == here->spa;
    }

    /// Calls `touch` for each part of the range that one translation covers. False: a part of it is not mapped.
    template <class Touch>
    bool in_pieces(Hva at, std::size_t size, Touch touch) {
        for (std::size_t done = 0; done < size;) {
            const auto translation = kernel_.host(at + done);
            if (!translation)
                return false;
            const std::size_t left_in_block = translation->block_bytes - (at + done).value % translation->block_bytes;
            const std::size_t piece = std::min(size - done, left_in_block);
            touch(translation->spa, done, piece);
            done += piece;
        }
        return true;
    }

    std::string title_;
    CountingClock clock_;
    models::SparseStore store_;
    SimSyscalls kernel_;
    SimSyscalls::OpenState at_start_;
};

/// "egm=E2,offsets=[1GiB]" as the YAML map "{egm: E2, offsets: [1GiB]}"; its nodes say that they come from `option`.
std::optional<sim::YamlNode> read_words(const std::string& text, const std::string& option,
                                        sim::Diagnostics& diagnostics) {
    std::string yaml = "{";
    for (const char c : text)
        yaml += c == '=' ? std::string(": ") : std::string(1, c);
    auto node = sim::parse_yaml(yaml + "}", option, diagnostics);
    if (node && !node->is_map())
        return std::nullopt;
    return node;
}

/// Builds the machine, or finds out why not.
class Builder {
public:
    Builder(const ModelRequest& request, sim::Diagnostics& diagnostics)
        : request_(request), diagnostics_(diagnostics) {}

    std::unique_ptr<ModelledMachine> build() {
        auto topology = sim::load_topology(request_.topology, sim::shipped_topologies(), diagnostics_);
        if (!topology)
            return nullptr;
        scenario_.topology = std::move(*topology);
        scenario_.software = sim::read_software(software(), &scenario_.topology, diagnostics_);
        if (!scenario_.topology.egm && !page_size_given_)
            scenario_.software.host_page_bytes = 4 * kKiB; // an x86 host has no other
        if (diagnostics_.has_errors())
            return nullptr;
        const sim::AddressPlan plan = sim::plan_addresses(scenario_.topology, scenario_.software);
        KernelConfig config = sim::host_kernel(scenario_, plan, scenario_.topology.nodes().front());
        take_away(config);
        for (const std::string& fault : models::linux::faults(config))
            diagnostics_.error({"--kernel", 0, 0}, fault);
        if (diagnostics_.has_errors())
            return nullptr;
        auto machine = std::make_unique<ModelledMachine>(title(config), config);
        for (const std::string& cpu : busy_)
            machine->let_another_process_open(fmt::format("/dev/egm{}", plan.dram.at(cpu).pxm));
        for (const sim::FaultSetup& fault : scenario_.software.faults)
            if (fault.kind == sim::FaultSetup::Kind::kFailCall)
                machine->fail_call(fault.call_number, fault.error_number);
        return machine;
    }

private:
    /// A scenario's `software:` with what the options say.
    sim::YamlNode software() {
        const sim::Location nowhere{"--kernel", 0, 0};
        sim::YamlNode software = sim::make_map(nowhere);
        if (auto kernel = read_words(request_.kernel, "--kernel", diagnostics_)) {
            page_size_given_ = kernel->find("page_size") != nullptr;
            software.entries.push_back({"kernel", nowhere, std::move(*kernel)});
        }
        sim::YamlNode faults{.kind = sim::YamlNode::Kind::kSequence, .where = nowhere};
        for (const std::string& text : request_.faults)
            if (auto fault = read_words(text, "--fault", diagnostics_))
                if (!is_ours(*fault))
                    faults.items.push_back(std::move(*fault));
        software.entries.push_back({"faults", nowhere, std::move(faults)});
        return software;
    }

    /// Takes the faults that only this tool knows, since no scenario runs traffic on such a host:
    /// `carveout_busy=CPU`, `unbound=GPU`, `missing=WORD`.
    bool is_ours(const sim::YamlNode& fault) {
        if (const sim::YamlNode* const cpu = fault.find("carveout_busy"))
            return take_part<models::CpuSpec>(*cpu, "carveout_busy", busy_);
        if (const sim::YamlNode* const gpu = fault.find("unbound"))
            return take_part<models::GpuSpec>(*gpu, "unbound", unbound_);
        const sim::YamlNode* const missing = fault.find("missing");
        if (missing == nullptr) {
            constexpr const char* kOfScenarios[] = {"fail_call", "gpu_not_ready", "retired_pages"};
            const bool known = std::any_of(std::begin(kOfScenarios), std::end(kOfScenarios),
                                           [&](const char* word) { return fault.find(word) != nullptr; });
            if (!known)
                diagnostics_.error(
                    fault.where, "says no fault",
                    "write one of carveout_busy, fail_call, gpu_not_ready, missing, retired_pages, unbound");
            return !known;
        }
        std::vector<std::string> words;
        for (const auto& [word, remove] : removals())
            words.push_back(word);
        if (std::find(words.begin(), words.end(), missing->text) == words.end())
            diagnostics_.error(missing->where, "missing: \"" + missing->text + "\" is not known",
                               sim::suggest(missing->text, words));
        missing_.push_back(missing->text);
        return true;
    }

    template <class Spec>
    bool take_part(const sim::YamlNode& name, const std::string& word, std::vector<std::string>& into) {
        const sim::Part* const part = scenario_.topology.find(name.text);
        if (part == nullptr || !std::holds_alternative<Spec>(part->spec))
            diagnostics_.error(name.where,
                               word + ": \"" + name.text + "\" is no such part of " + scenario_.topology.name);
        else
            into.push_back(name.text);
        return true;
    }

    /// What a host may lack.
    static const std::vector<std::pair<std::string, void (*)(KernelConfig&)>>& removals() {
        static const std::vector<std::pair<std::string, void (*)(KernelConfig&)>> words{
            {"egm", [](KernelConfig& config) { config.carveouts.clear(); }},
            {"egm_module", [](KernelConfig& config) { config.egm_module = false; }},
            {"iommu", [](KernelConfig& config) { config.iommu = false; }},
            {"type1", [](KernelConfig& config) { config.type1 = false; }},
            {"iommufd", [](KernelConfig& config) { config.iommufd = false; }},
            {"kvm", [](KernelConfig& config) { config.kvm = false; }},
            {"s2fwb", [](KernelConfig& config) { config.stage2_force_writeback = false; }},
            {"root", [](KernelConfig& config) { config.root = false; }},
            {"memlock", [](KernelConfig& config) { config.memlock_limit = 8 * kMiB; }}};
        return words;
    }

    void take_away(KernelConfig& config) const {
        for (const auto& [word, remove] : removals())
            if (std::find(missing_.begin(), missing_.end(), word) != missing_.end())
                remove(config);
        for (const std::string& gpu : unbound_)
            for (models::linux::GpuConfig& each : config.gpus)
                each.bound = each.bound && each.bdf != sim::gpu_bdf(scenario_.topology, gpu);
    }

    std::string title(const KernelConfig& config) const {
        return fmt::format("modelled {}, Linux {}.{}, {}, {} pages", scenario_.topology.name,
                           scenario_.software.kernel_major, scenario_.software.kernel_minor,
                           scenario_.topology.egm ? "driver shape " + scenario_.software.egm_shape : "no EGM",
                           sim::format_size(config.page_size));
    }

    const ModelRequest& request_;
    sim::Diagnostics& diagnostics_;
    sim::Scenario scenario_;
    std::vector<std::string> busy_, unbound_, missing_;
    bool page_size_given_ = false;
};

} // namespace

std::unique_ptr<Machine> make_modelled_machine(const ModelRequest& request, std::ostream& complaints) {
    sim::Diagnostics found;
    auto machine = Builder(request, found).build();
    sim::Diagnostics told; // an option has no lines
    for (sim::Diagnostic fault : found.all()) {
        if (fault.where.file.starts_with("--"))
            fault.where.line = 0;
        if (fault.severity == sim::Diagnostic::Severity::kError)
            told.error(fault.where, fault.message, fault.suggestion);
        else
            told.warning(fault.where, fault.message, fault.suggestion);
    }
    told.print(complaints);
    return machine;
}

} // namespace egm
