#include <algorithm>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "egm/block_size.h"
#include "egm/discovery.h"
#include "egm/errors.h"
#include "egm/linux/command.h"
#include "egm/linux/map_test.h"

namespace egm {
namespace {

struct Options {
    std::vector<int> pxms;
    std::vector<std::string> iommus{"type1"};
    bool yes = false;
    std::string json;
};

const std::vector<std::pair<std::string, std::optional<IommuMode>>>& iommu_words() {
    static const std::vector<std::pair<std::string, std::optional<IommuMode>>> words{
        {"type1", IommuMode::kType1},
        {"iommufd", IommuMode::kIommufdStrict},
        {"iommufd-tolerant", IommuMode::kIommufdTolerant},
        {"iommufd-dma-buf", IommuMode::kIommufdDmaBuf},
        {"none", std::nullopt}};
    return words;
}

std::optional<IommuMode> mode_of(const std::string& word) {
    for (const auto& [each, mode] : iommu_words())
        if (each == word)
            return mode;
    return std::nullopt;
}

void print(const Machine& machine, const MapTestReport& report) {
    std::cout << fmt::format("{}: {}, {}, DMA by {}{}\n", report.carveout.device_path,
                             in_binary_units(report.carveout.size), counted(report.carveout.gpu_bdfs.size(), "GPU"),
                             report.iommu, machine.is_modelled() ? " (simulated times)" : "");
    for (const TimedStep& step : report.steps)
        std::cout << fmt::format("  {:<22} {:<34} {:>10}\n", step.step, step.object, in_time(step.picoseconds));
    if (report.region) {
        std::string blocks;
        for (const BlockShare& share : report.region->blocks)
            blocks +=
                fmt::format("{}{} x {}", blocks.empty() ? "" : ", ", share.blocks(), in_binary_units(share.block));
        std::cout << fmt::format("  mapped at {:#x}, guest {:#x}: stage-2 blocks {}\n", report.region->hva.value,
                                 report.region->ipa.value, blocks);
        if (!report.region->why_not_larger.empty())
            std::cout << "  no larger blocks: " << report.region->why_not_larger << "\n";
        if (!report.region->retired.empty())
            std::cout << fmt::format("  retired: {} in {}\n", in_binary_units(total_bytes(report.region->retired)),
                                     counted(report.region->retired.size(), "range"));
        if (report.memory.fault.empty())
            std::cout << fmt::format("  memory: {} pages read zero, were written and read back\n", report.memory.pages);
        if (report.views.pages > 0 && report.views.fault.empty())
            std::cout << fmt::format("  views: the guest{} sees the same memory at {} pages\n",
                                     report.region->dma_mapped ? " and the DMA of each GPU" : "", report.views.pages);
    }
    for (const std::string& note : report.notes)
        std::cout << "  note: " << note << "\n";
    for (const MemoryVerdict* verdict : {&report.memory, &report.views})
        if (!verdict->fault.empty())
            std::cout << "  FAILED: " << verdict->fault << "\n";
    if (report.error)
        std::cout << "  FAILED: " << report.error->message() << "\n";
    std::cout << (report.left.empty() ? "  undone: nothing is left open or mapped\n"
                                      : "  FAILED: not undone, still held: " + report.left + "\n");
}

nlohmann::ordered_json to_json(const MapTestReport& report) {
    nlohmann::ordered_json json{{"pxm", report.carveout.pxm},
                                {"device", report.carveout.device_path},
                                {"size_bytes", report.carveout.size},
                                {"gpus", report.carveout.gpu_bdfs},
                                {"iommu", report.iommu},
                                {"well", report.well()},
                                {"steps", nlohmann::ordered_json::array()}};
    for (const TimedStep& step : report.steps)
        json["steps"].push_back({{"step", step.step}, {"object", step.object}, {"picoseconds", step.picoseconds}});
    if (report.region) {
        json["hva"] = report.region->hva.value;
        json["ipa"] = report.region->ipa.value;
        json["dma_mapped"] = report.region->dma_mapped;
        json["why_not_larger"] = report.region->why_not_larger;
        json["blocks"] = nlohmann::ordered_json::array();
        for (const BlockShare& share : report.region->blocks)
            json["blocks"].push_back({{"block_bytes", share.block}, {"count", share.blocks()}});
        json["retired"] = nlohmann::ordered_json::array();
        for (const RetiredRange& range : report.region->retired)
            json["retired"].push_back({{"offset_bytes", range.offset}, {"size_bytes", range.size}});
        json["pages_checked"] = report.memory.pages;
    }
    json["notes"] = report.notes;
    if (!report.memory.fault.empty())
        json["memory_fault"] = report.memory.fault;
    if (!report.views.fault.empty())
        json["view_fault"] = report.views.fault;
    if (report.error)
        json["error"] = {{"errno", errno_name(report.error->error_number)},
                         {"call", report.error->call},
                         {"object", report.error->object},
                         {"advice", report.error->advice}};
    json["left"] = report.left;
    return json;
}

/// The carveouts that were asked for; an error on standard error and none when one of them is not there.
std::vector<CarveoutInfo> chosen(const std::vector<CarveoutInfo>& all, const std::vector<int>& pxms) {
    if (pxms.empty())
        return all;
    std::vector<CarveoutInfo> found;
    for (const int pxm : pxms) {
        const auto carveout = std::find_if(all.begin(), all.end(), [pxm](const auto& each) { return each.pxm == pxm; });
        if (carveout == all.end()) {
            std::cerr << "egmctl: there is no carveout egm" << pxm << ": \"egmctl list\" shows those that are there\n";
            return {};
        }
        found.push_back(*carveout);
    }
    return found;
}

bool may_clear(const Machine& machine, const std::vector<CarveoutInfo>& carveouts, bool yes) {
    if (machine.is_modelled() || yes)
        return true;
    std::cerr << "egmctl: map-test opens";
    for (const CarveoutInfo& carveout : carveouts)
        std::cerr << " " << carveout.device_path;
    std::cerr << " and resets their GPUs. The kernel clears a carveout when it is opened, which takes minutes,\n"
                 "and a VM that still uses one may lose its memory. Stop all VMs, then run it again with --yes.\n";
    return false;
}

int run(Machine& machine, const Options& options) {
    const auto all = discover(machine.syscalls());
    if (!all)
        return complain(all.error());
    if (all->empty()) {
        std::cerr << "egmctl: this machine has no EGM carveout: \"egmctl doctor\" says what EGM would need\n";
        return 1;
    }
    const std::vector<CarveoutInfo> carveouts = chosen(*all, options.pxms);
    if (carveouts.empty() || !may_clear(machine, carveouts, options.yes))
        return kUnusableInput;

    bool well = true;
    nlohmann::ordered_json json = json_head(machine);
    json["map_tests"] = nlohmann::ordered_json::array();
    for (const CarveoutInfo& carveout : carveouts)
        for (const std::string& iommu : options.iommus) {
            const MapTestReport report = map_test(machine, carveout, mode_of(iommu));
            well = well && report.well();
            if (options.json.empty())
                print(machine, report);
            json["map_tests"].push_back(to_json(report));
        }
    json["well"] = well;
    const int written = options.json.empty() ? 0 : write_json(json, options.json);
    return well ? written : 1;
}

} // namespace

void add_map_test_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand(
        "map-test", "Open, map, map for DMA, verify and undo each carveout. Clears the carveouts, resets their GPUs");
    const auto options = std::make_shared<Options>();
    std::vector<std::string> words;
    for (const auto& [word, mode] : iommu_words())
        words.push_back(word);
    command->add_option("--pxm", options->pxms, "Only the carveout of this proximity domain; may be repeated")
        ->check(CLI::NonNegativeNumber)
        ->take_all()
        ->expected(1)
        ->type_name("N");
    command->add_option("--iommu", options->iommus, "Who maps for DMA; may be repeated (type1)")
        ->check(CLI::IsMember(words))
        ->take_all()
        ->expected(1)
        ->type_name("WORD");
    command->add_flag("--yes", options->yes, "Clear the carveouts of this host without asking; not needed with --on");
    command->add_option("--json", options->json, "Write JSON to FILE, or to standard output for -")
        ->type_name("FILE|-");
    command->callback([&shell, options] { shell.status = run(shell.machine(), *options); });
}

} // namespace egm
