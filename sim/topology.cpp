#include "sim/topology.h"

#include <set>

namespace sim {

void Topology::index_names() {
    index.clear();
    index.reserve(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        index.emplace(parts[i].name, i);
    }
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
