#include "sim/gpu_classes.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

namespace sim {
namespace {

constexpr unsigned kFar = std::numeric_limits<unsigned>::max();

bool alike(const Part& a, const Part& b) { return a.spec == b.spec && a.trust == b.trust && a.down == b.down; }
bool alike(const Link& a, const Link& b) {
    return a.kind == b.kind && a.spec == b.spec && a.trust == b.trust && a.down == b.down;
}

/// The number of the first of `known` that is like `item`; it is added if there is none.
template <class Items>
std::size_t number(const Items& items, std::vector<std::size_t>& known, std::size_t item) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](std::size_t one) { return alike(items[one], items[item]); });
    if (found == known.end()) {
        known.push_back(item);
        return known.size() - 1;
    }
    return static_cast<std::size_t>(found - known.begin());
}

} // namespace

GpuClasses::GpuClasses(const Topology& topology) : topology_(topology), graph_(topology) {}

std::string GpuClasses::of_part(std::size_t part) {
    std::string& name = part_names_[part];
    if (name.empty()) {
        name = fmt::format("p{}", number(topology_.parts, parts_, part));
    }
    return name;
}

std::string GpuClasses::of_link(std::size_t link) {
    std::string& name = link_names_[link];
    if (name.empty()) {
        name = fmt::format("l{}", number(topology_.links, links_, link));
    }
    return name;
}

std::string GpuClasses::of_memory_on(std::size_t part) {
    std::string found;
    for (const std::uint32_t sitting : graph_.sitting_on(part)) {
        if (std::holds_alternative<models::MemorySpec>(topology_.parts[sitting].spec)) {
            found += of_part(sitting);
        }
    }
    return found;
}

std::string GpuClasses::of_gpu(const std::string& gpu) {
    const std::size_t self = *topology_.index_of(gpu);
    std::string text = of_part(self) + of_memory_on(self);
    for (const TopologyGraph::Neighbour& near : graph_.neighbours(self)) {
        if (topology_.links[near.link].kind == LinkKind::kNvlink) {
            continue;
        }
        text += of_link(near.link) + of_part(near.part) + of_memory_on(near.part);
        if (!std::holds_alternative<models::CpuSpec>(topology_.parts[near.part].spec)) {
            text += " only " + gpu;
        }
    }
    return text;
}

const std::vector<unsigned>& GpuClasses::distances_to(std::size_t gpu) {
    const auto [at, added] = distances_.try_emplace(gpu);
    std::vector<unsigned>& far = at->second;
    if (!added) {
        return far;
    }
    far.assign(topology_.parts.size(), kFar);
    far[gpu] = 0;
    std::vector<std::size_t> reached{gpu};
    for (std::size_t i = 0; i < reached.size(); ++i) {
        const std::size_t here = reached[i];
        const bool passes_on = here == gpu || std::holds_alternative<models::SwitchSpec>(topology_.parts[here].spec);
        if (!passes_on || topology_.parts[here].down) {
            continue;
        }
        for (const TopologyGraph::Neighbour& near : graph_.neighbours(here)) {
            const Link& link = topology_.links[near.link];
            if (link.kind == LinkKind::kNvlink && !link.down && far[near.part] == kFar) {
                far[near.part] = far[here] + 1;
                reached.push_back(near.part);
            }
        }
    }
    return far;
}

std::string GpuClasses::of_pair(const std::string& a, const std::string& b) {
    const std::size_t from = *topology_.index_of(a), to = *topology_.index_of(b);
    const std::vector<unsigned>& far = distances_to(to);
    if (from == to || far[from] == kFar) {
        return {};
    }
    std::string text = of_part(from) + of_memory_on(from) + of_part(to) + of_memory_on(to);
    std::map<std::size_t, double> here{{from, 1.0}}; // part, share of the traffic
    while (here.count(to) == 0) {
        std::map<std::size_t, double> next;
        std::map<std::string, unsigned> crossings;
        for (const auto& [part, share] : here) {
            unsigned width = 0;
            const unsigned left = far[part];
            const auto leads_on = [&](const TopologyGraph::Neighbour& near) {
                const Link& link = topology_.links[near.link];
                return link.kind == LinkKind::kNvlink && !link.down && !topology_.parts[near.part].down &&
                       far[near.part] != kFar && far[near.part] + 1 == left;
            };
            for (const TopologyGraph::Neighbour& near : graph_.neighbours(part)) {
                width += leads_on(near) ? topology_.links[near.link].spec.count : 0;
            }
            for (const TopologyGraph::Neighbour& near : graph_.neighbours(part)) {
                if (leads_on(near)) {
                    const double mine = share * topology_.links[near.link].spec.count / width;
                    next[near.part] += mine;
                    ++crossings[fmt::format("{}{}:{:.9f}", of_link(near.link), of_part(near.part), mine)];
                }
            }
        }
        text += "|";
        for (const auto& [crossing, count] : crossings) {
            text += fmt::format(" {}x{}", count, crossing);
        }
        here = std::move(next);
    }
    return text;
}

} // namespace sim
