#include "sim/shipped_topologies.h"

#include <filesystem>

namespace sim {

SearchPath shipped_topologies() {
    namespace fs = std::filesystem;
    SearchPath search;
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    for (fs::path folder = program.parent_path(); !folder.empty() && folder != folder.root_path();
         folder = folder.parent_path()) {
        if (fs::is_directory(folder / "topologies", ignored)) {
            search.topology_directories.push_back((folder / "topologies").string());
            break;
        }
    }
    if (search.topology_directories.empty() ||
        !fs::equivalent(search.topology_directories.front(), "topologies", ignored)) {
        search.topology_directories.push_back("topologies");
    }
    return search;
}

std::string shipped_file(const std::string& path) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    for (fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
         !folder.empty() && folder != folder.root_path(); folder = folder.parent_path()) {
        if (fs::is_regular_file(folder / path, ignored)) {
            return (folder / path).string();
        }
    }
    return fs::is_regular_file(path, ignored) ? path : "";
}

} // namespace sim
