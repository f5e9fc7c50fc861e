#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "egm/block_size.h"
#include "egm/carveout.h"
#include "egm/discovery.h"
#include "egm/linux/command.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

struct Options {
    bool retired = false;
    bool yes = false;
    std::string json;
};

struct Listed {
    CarveoutInfo info;
    int socket = -1;                                  ///< -1: without a GPU nothing tells it
    std::optional<std::vector<RetiredRange>> retired; ///< none: not asked for, since that clears the carveout
};

/// The kernel does not tell a carveout's socket: its GPUs do, by their NUMA node or, where firmware names none, by the
/// PCI segment, (segment >> 4) & 15 on Grace (edk2-nvidia, TH500).
int socket_of(Syscalls& syscalls, const CarveoutInfo& carveout) {
    if (carveout.gpu_bdfs.empty())
        return -1;
    const std::string& bdf = carveout.gpu_bdfs.front();
    const auto node = read_text(syscalls, "/sys/bus/pci/devices/" + bdf + "/numa_node");
    if (const int number = node ? parse_number(*node) : -1; number >= 0)
        return number;
    return int(std::stoul(bdf.substr(0, bdf.find(':')), nullptr, 16) >> 4 & 15);
}

Result<std::vector<Listed>> look(Syscalls& syscalls, const std::vector<CarveoutInfo>& carveouts, bool retired) {
    std::vector<Listed> all;
    for (const CarveoutInfo& info : carveouts) {
        all.push_back({info, socket_of(syscalls, info), std::nullopt});
        if (!retired)
            continue;
        auto carveout = Carveout::open(syscalls, info);
        if (!carveout)
            return fail(carveout.error());
        auto ranges = (*carveout)->retired();
        if (!ranges)
            return fail(ranges.error());
        all.back().retired = std::move(*ranges);
    }
    return all;
}

nlohmann::ordered_json to_json(const Listed& listed) {
    nlohmann::ordered_json json{
        {"pxm", listed.info.pxm},  {"device", listed.info.device_path},      {"size_bytes", listed.info.size},
        {"socket", listed.socket}, {"driver", describe(listed.info.shapes)}, {"gpus", listed.info.gpu_bdfs}};
    if (listed.retired) {
        json["retired"] = nlohmann::ordered_json::array();
        for (const RetiredRange& range : *listed.retired)
            json["retired"].push_back({{"offset_bytes", range.offset}, {"size_bytes", range.size}});
    }
    return json;
}

void print(const std::vector<Listed>& all) {
    if (all.empty()) {
        std::cout << "This machine has no EGM carveout. Its VMs use ordinary memory, mapped for their GPUs by VFIO.\n"
                     "\"egmctl doctor\" says what EGM would need.\n";
        return;
    }
    constexpr const char* kRow = "{:<10} {:>10}  {:<6}  {}\n";
    std::cout << fmt::format(fmt::runtime(kRow), "carveout", "size", "socket", "GPUs");
    for (const Listed& listed : all) {
        std::cout << fmt::format(fmt::runtime(kRow), listed.info.device_path, in_binary_units(listed.info.size),
                                 listed.socket < 0 ? "?" : std::to_string(listed.socket),
                                 fmt::join(listed.info.gpu_bdfs, " "));
        if (!listed.retired)
            continue;
        if (listed.retired->empty())
            std::cout << "           nothing is retired\n";
        for (const RetiredRange& range : *listed.retired)
            std::cout << fmt::format("           retired: {} at offset {:#x}\n", in_binary_units(range.size),
                                     range.offset);
    }
    std::cout << "All by a " << describe(all.front().info.shapes) << ", as far as sysfs shows.\n";
}

int list(Machine& machine, const Options& options) {
    const auto carveouts = discover(machine.syscalls());
    if (!carveouts)
        return complain(carveouts.error());
    if (options.retired && !carveouts->empty() && !may_open_for_retired(machine, options.yes))
        return kUnusableInput;
    const auto all = look(machine.syscalls(), *carveouts, options.retired);
    if (!all)
        return complain(all.error());
    if (options.json.empty()) {
        print(*all);
        return 0;
    }
    nlohmann::ordered_json json = json_head(machine);
    json["carveouts"] = nlohmann::ordered_json::array();
    for (const Listed& listed : *all)
        json["carveouts"].push_back(to_json(listed));
    return write_json(json, options.json);
}

} // namespace

void add_list_command(Shell& shell) {
    CLI::App* const command =
        shell.app.add_subcommand("list", "Show the EGM carveouts, their sizes, sockets, drivers and GPUs");
    const auto options = std::make_shared<Options>();
    command->add_flag("--retired", options->retired, "Ask for retired pages too. Opens, and so clears, the carveouts");
    command->add_flag("--yes", options->yes, "With --retired: clear this host's carveouts without asking");
    command->add_option("--json", options->json, "Write JSON to FILE, or to standard output for -")
        ->type_name("FILE|-");
    command->callback([&shell, options] { shell.status = list(shell.machine(), *options); });
}

} // namespace egm
