#include "egm/linux/command.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

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

nlohmann::ordered_json json_head(const Machine& machine) {
    return {{"schema_version", 1}, {"machine", machine.title()}, {"modelled", machine.is_modelled()}};
}

int write_json(const nlohmann::ordered_json& json, const std::string& path) {
    if (path == "-") {
        std::cout << json.dump(2) << "\n" << std::flush;
        return std::cout ? 0 : 1;
    }
    std::ofstream file(path);
    file << json.dump(2) << "\n" << std::flush;
    if (file)
        return 0;
    std::cerr << "egmctl: cannot write " << path << "\n";
    return 1;
}

} // namespace egm
