#include "sim/machine_names.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/kinds.h"
#include "sim/suggest.h"
#include "sim/words.h"

namespace sim {
namespace {

template <class Spec>
bool is(const Part& part) {
    return std::holds_alternative<Spec>(part.spec);
}

/// `part.word`, split at the last dot.
template <class T>
std::optional<std::pair<std::string, T>> split(const std::string& text,
                                               const std::vector<std::pair<std::string, T>>& words) {
    const std::size_t dot = text.rfind('.');
    if (dot == std::string::npos || dot == 0) {
        return std::nullopt;
    }
    for (const auto& [word, value] : words) {
        if (text.compare(dot + 1, std::string::npos, word) == 0) {
            return std::pair{text.substr(0, dot), value};
        }
    }
    return std::nullopt;
}

void unknown_name(const YamlNode& node, const std::string& what, const std::string& noun,
                  const std::vector<std::string>& names, Diagnostics& diagnostics) {
    diagnostics.error(node.where, fmt::format("{}: {} is no {} of this machine", what, in_quotes(node.text), noun),
                      suggest(node.text, names));
}

} // namespace

std::vector<std::string> initiator_names(const Topology& topology) {
    std::vector<std::string> names;
    for (const Part& part : topology.parts) {
        if (is<models::CpuSpec>(part)) {
            names.push_back(part.name + ".cpu");
        } else if (is<models::GpuSpec>(part)) {
            names.push_back(part.name + ".sm");
            names.push_back(part.name + ".ce");
        } else if (is<models::NicSpec>(part)) {
            names.push_back(part.name + ".nic");
        }
    }
    return names;
}

std::vector<std::string> memory_names(const Topology& topology) {
    std::vector<std::string> names;
    for (const Part& part : topology.parts) {
        if (is<models::CpuSpec>(part)) {
            if (topology.egm) {
                names.push_back(part.name + ".egm");
            }
            names.push_back(part.name + ".system");
        } else if (is<models::GpuSpec>(part)) {
            names.push_back(part.name + ".hbm");
        }
    }
    return names;
}

std::optional<std::pair<std::string, Engine>> read_initiator(const YamlNode& node, const std::string& what,
                                                             const Topology* topology, Diagnostics& diagnostics) {
    if (!node.is_scalar()) {
        diagnostics.error(node.where, what + " names one initiator", "write \"hopper0.sm\"");
        return std::nullopt;
    }
    // A NIC has one engine, so that its name alone will do.
    const Part* part = topology == nullptr ? nullptr : topology->find(node.text);
    if (part != nullptr && is<models::NicSpec>(*part)) {
        return std::pair{node.text, Engine::kNic};
    }
    const auto named = split(node.text, engine_words());
    if (topology == nullptr) {
        return named; // the form cannot be judged: a bare name may be a NIC
    }
    const Part* const who = named ? topology->find(named->first) : nullptr;
    const bool there = who != nullptr && (named->second == Engine::kCpu   ? is<models::CpuSpec>(*who)
                                          : named->second == Engine::kNic ? is<models::NicSpec>(*who)
                                                                          : is<models::GpuSpec>(*who));
    if (!there) {
        unknown_name(node, what, "initiator", initiator_names(*topology), diagnostics);
        return std::nullopt;
    }
    return named;
}

std::optional<MemoryName> read_memory_name(const YamlNode& node, const std::string& what, const Topology* topology,
                                           Diagnostics& diagnostics) {
    if (!node.is_scalar()) {
        diagnostics.error(node.where, what + " names one memory", "write \"grace0.egm\"");
        return std::nullopt;
    }
    const auto named = split(node.text, memory_words());
    if (!named && topology == nullptr) {
        diagnostics.error(node.where, fmt::format("{}: {} is no memory", what, in_quotes(node.text)),
                          "write \"part.hbm\", \"part.egm\" or \"part.system\"");
        return std::nullopt;
    }
    if (topology != nullptr) {
        if (named && named->second == MemoryName::Kind::kEgm && !topology->egm) {
            diagnostics.error(node.where, fmt::format("{}: {}: this machine has no EGM", what, in_quotes(node.text)),
                              fmt::format("write \"{}.system\"", named->first));
            return std::nullopt;
        }
        const Part* const home = named ? topology->find(named->first) : nullptr;
        if (home == nullptr ||
            !(named->second == MemoryName::Kind::kHbm ? is<models::GpuSpec>(*home) : is<models::CpuSpec>(*home))) {
            unknown_name(node, what, "memory", memory_names(*topology), diagnostics);
            return std::nullopt;
        }
    }
    return MemoryName{named->second, named->first, {}};
}

bool check_part(const YamlNode& node, const std::string& what, PartClass wanted, const Topology* topology,
                Diagnostics& diagnostics) {
    if (!node.is_scalar()) {
        diagnostics.error(node.where, what + " names one part",
                          wanted == PartClass::kCpu ? "write \"grace0\"" : "write \"hopper0\"");
        return false;
    }
    if (topology == nullptr) {
        return true;
    }
    std::vector<std::string> names;
    for (const Part& part : topology->parts) {
        if (wanted == PartClass::kCpu ? is<models::CpuSpec>(part) : is<models::GpuSpec>(part)) {
            names.push_back(part.name);
        }
    }
    if (std::find(names.begin(), names.end(), node.text) != names.end()) {
        return true;
    }
    unknown_name(node, what, wanted == PartClass::kCpu ? "CPU" : "GPU", names, diagnostics);
    return false;
}

const models::MemorySpec* memory_on(const Topology& topology, const std::string& part) {
    const auto memory = topology.memory_of(part);
    return memory ? &std::get<models::MemorySpec>(topology.parts[*memory].spec) : nullptr;
}

} // namespace sim
