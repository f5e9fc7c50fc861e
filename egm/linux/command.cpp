#include "egm/linux/command.h"

#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "sim/whole_file.h"

namespace egm {

int complain(const Error& error) {
    std::cerr << "egmctl: " << error.message() << "\n";
    return 1;
}

std::string in_time(std::uint64_t picoseconds) {
    constexpr const char* kUnits[] = {"ps", "ns", "us", "ms", "s"};
    double value = double(picoseconds);
    std::size_t unit = 0;
    for (; unit + 1 < std::size(kUnits) && value >= 999.95; ++unit)
        value /= 1000;
    return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string counted(std::size_t number, const std::string& noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

bool may_open_for_retired(const Machine& machine, bool yes) {
    if (machine.is_modelled() || yes)
        return true;
    std::cerr << "egmctl: a driver tells its retired pages only to who opens the carveout, and the kernel clears it "
                 "then,\nwhich takes minutes; a VM that uses it may lose its memory. Stop all VMs, then add --yes.\n";
    return false;
}

nlohmann::ordered_json json_head(const Machine& machine) {
    return {{"schema_version", 1}, {"machine", machine.title()}, {"modelled", machine.is_modelled()}};
}

int write_json(const nlohmann::ordered_json& json, const std::string& path) {
    std::cout.flush();
    const std::string why = sim::write_whole_file(path, json.dump(2) + "\n");
    if (why.empty())
        return 0;
    std::cerr << "egmctl: cannot write " << why << "\n";
    return 1;
}

} // namespace egm
