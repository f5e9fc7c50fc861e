#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/diagnostics.h"

namespace sim {

/// Where the texts of topologies, presets and scenarios come from.
class InputFiles {
public:
    virtual ~InputFiles() = default;

    virtual bool exists(const std::string& path) const = 0;

    /// The text of a regular file of at most `kYamlBytesMax` bytes; otherwise an error about `path` is reported.
    virtual std::optional<std::string> read(const std::string& path, Diagnostics& diagnostics) const = 0;

    /// Paths of the files in `directory` that end in ".yaml", sorted; none if it does not exist.
    virtual std::vector<std::string> list(const std::string& directory) const = 0;
};

/// The file system.
class DiskFiles final : public InputFiles {
public:
    bool exists(const std::string& path) const override;
    std::optional<std::string> read(const std::string& path, Diagnostics& diagnostics) const override;
    std::vector<std::string> list(const std::string& directory) const override;
};

/// Texts by path, for tests and fuzzing.
class MemoryFiles final : public InputFiles {
public:
    explicit MemoryFiles(std::map<std::string, std::string> texts = {}) : texts(std::move(texts)) {}

    bool exists(const std::string& path) const override;
    std::optional<std::string> read(const std::string& path, Diagnostics& diagnostics) const override;
    std::vector<std::string> list(const std::string& directory) const override;

    std::map<std::string, std::string> texts;
};

/// Where a machine that is named without a path is looked for, and the presets of its parts (in `presets/` below).
///
/// The directory of the topology file itself, or `../topologies` of the scenario's, comes before these.
struct SearchPath {
    std::vector<std::string> topology_directories;
    const InputFiles* files = nullptr; ///< nullptr = the file system

    const InputFiles& input() const;
};

} // namespace sim
