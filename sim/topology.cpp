#include "sim/topology.h"

#include <set>

namespace sim {

void Topology::index_names() {
    index.clear();
    memories.clear();
    gpus.clear();
    index.reserve(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const Part& part = parts[i];
        index.emplace(part.name, i);
        if (std::holds_alternative<models::MemorySpec>(part.spec)) {
            memories.emplace(part.at, i); // the first of several
        } else if (std::holds_alternative<models::GpuSpec>(part.spec)) {
            gpus[part.cpu].push_back(i);
        }
    }
}

std::optional<std::size_t> Topology::memory_of(const std::string& part) const {
    const auto found = memories.find(part);
    return found == memories.end() ? std::nullopt : std::optional(found->second);
}

const Part* Topology::find(const std::string& name) const {
    const auto found = index.find(name);
    return found == index.end() ? nullptr : &parts[found->second];
}

std::optional<std::size_t> Topology::index_of(const std::string& name) const {
    const auto found = index.find(name);
    return found == index.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> Topology::nodes() const {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const Part& part : parts) {
        if (std::holds_alternative<models::CpuSpec>(part.spec) && seen.insert(part.node).second) {
            names.push_back(part.node);
        }
    }
    return names;
}

} // namespace sim
