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
