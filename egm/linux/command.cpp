#include "egm/linux/command.h"

#include <fstream>
#include <iostream>

namespace egm {

int complain(const Error& error) {
    std::cerr << "egmctl: " << error.message() << "\n";
    return 1;
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
