#include "sim/input_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

#include "sim/yaml_tree.h"

namespace sim {

namespace fs = std::filesystem;

bool DiskFiles::exists(const std::string& path) const {
    std::error_code ignored;
    return fs::exists(path, ignored);
}

std::optional<std::string> DiskFiles::read(const std::string& path, Diagnostics& diagnostics) const {
    std::error_code fault;
    const fs::file_status status = fs::status(path, fault);
    if (status.type() == fs::file_type::not_found) {
        diagnostics.error({path, 0, 0}, "no such file");
        return std::nullopt;
    }
    if (status.type() != fs::file_type::regular) { // a pipe or a device could make us wait for ever
        diagnostics.error({path, 0, 0}, fault ? fault.message() : "is not a regular file");
        return std::nullopt;
    }
    std::ifstream stream(path, std::ios::binary);
    std::string text(kYamlBytesMax + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
    if (!stream.is_open() || stream.bad()) {
        diagnostics.error({path, 0, 0}, "cannot be read");
        return std::nullopt;
    }
    return text; // one byte too long tells parse_yaml that there is more
}

std::vector<std::string> DiskFiles::list(const std::string& directory) const {
    std::vector<std::string> paths;
    std::error_code fault;
    for (fs::directory_iterator it(directory, fault), end; !fault && it != end; it.increment(fault)) {
        if (it->path().extension() == ".yaml") {
            paths.push_back(it->path().string());
        }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

bool MemoryFiles::exists(const std::string& path) const { return texts.count(path) > 0; }

std::optional<std::string> MemoryFiles::read(const std::string& path, Diagnostics& diagnostics) const {
    const auto found = texts.find(path);
    if (found == texts.end()) {
        diagnostics.error({path, 0, 0}, "no such file");
        return std::nullopt;
    }
    return found->second;
}

std::vector<std::string> MemoryFiles::list(const std::string& directory) const {
    std::vector<std::string> paths;
    for (const auto& [path, text] : texts) {
        if (fs::path(path).parent_path() == fs::path(directory) && fs::path(path).extension() == ".yaml") {
            paths.push_back(path);
        }
    }
    return paths;
}

const InputFiles& SearchPath::input() const {
    static const DiskFiles disk;
    return files != nullptr ? *files : disk;
}

} // namespace sim
