#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "egm/block_size.h"
#include "egm/discovery.h"
#include "egm/linux/command.h"

namespace egm {
namespace {

int list(Machine& machine, const std::string& json_path) {
    const auto carveouts = discover(machine.syscalls());
    if (!carveouts)
        return complain(carveouts.error());

    if (!json_path.empty()) {
        nlohmann::ordered_json json = json_head(machine);
        json["carveouts"] = nlohmann::ordered_json::array();
        for (const CarveoutInfo& carveout : *carveouts)
            json["carveouts"].push_back({{"pxm", carveout.pxm},
                                         {"device", carveout.device_path},
                                         {"size_bytes", carveout.size},
                                         {"gpus", carveout.gpu_bdfs}});
        return write_json(json, json_path);
    }
    if (carveouts->empty()) {
        std::cout << "This host has no EGM carveout. Its VMs use ordinary memory, mapped for their GPUs by VFIO.\n"
                     "\"egmctl doctor\" says what EGM would need.\n";
        return 0;
    }
    std::cout << fmt::format("{:<12} {:>12}  {}\n", "carveout", "size", "GPUs");
    for (const CarveoutInfo& carveout : *carveouts)
        std::cout << fmt::format("{:<12} {:>12}  {}\n", carveout.device_path, in_binary_units(carveout.size),
                                 fmt::join(carveout.gpu_bdfs, " "));
    return 0;
}

} // namespace

void add_list_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand("list", "Show the EGM carveouts, their sizes and their GPUs");
    const auto json_path = std::make_shared<std::string>();
    command->add_option("--json", *json_path, "Write JSON to FILE, or to standard output for -")->type_name("FILE|-");
    command->callback([&shell, json_path] { shell.status = list(shell.machine(), *json_path); });
}

} // namespace egm
