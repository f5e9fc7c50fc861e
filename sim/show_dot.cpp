#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/report_text.h"
#include "sim/show.h"
#include "sim/topology_graph.h"

namespace sim {

namespace {

/// Everything between two parts, whatever the number of links.
struct Bundle {
    unsigned links = 0;
    double bytes_per_second = 0;
    unsigned down = 0;
};

/// Switches by their distance from the nearest part that is no switch: 1 for those that GPUs or NICs are linked to.
std::map<std::size_t, std::vector<std::size_t>> switches_by_level(const Topology& topology) {
    const TopologyGraph graph(topology);
    const auto is_switch = [&](std::size_t part) {
        return std::holds_alternative<models::SwitchSpec>(topology.parts[part].spec);
    };
    std::vector<std::size_t> level(topology.parts.size()), order;
    std::vector<bool> seen(topology.parts.size());
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        if (!is_switch(i)) {
            seen[i] = true;
            order.push_back(i);
        }
    }
    std::map<std::size_t, std::vector<std::size_t>> result;
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (const auto& near : graph.neighbours(order[i])) {
            if (!seen[near.part]) {
                seen[near.part] = true;
                level[near.part] = level[order[i]] + 1;
                order.push_back(near.part);
            }
        }
        if (is_switch(order[i])) {
            result[level[order[i]]].push_back(order[i]);
        }
    }
    return result;
}

std::string node_text(const Part& part, const std::string& indent) {
    static constexpr const char* kShapes[] = {"box", "box3d", "cylinder", "hexagon", "component", "ellipse"};
    return fmt::format("{}\"{}\" [shape={}, label=\"{}\\n{}\"{}];\n", indent, part.name, kShapes[part.spec.index()],
                       part.name, part.preset, part.down ? ", style=dashed, color=red" : "");
}

} // namespace

std::string show_dot(const Topology& topology) {
    std::string out = fmt::format("graph \"{}\" {{\n  label=\"{}\";\n  rankdir=TB;\n  ranksep=1.5;\n  node "
                                  "[fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\", fontsize=10];\n",
                                  topology.name, topology.name);
    // The levels of a fabric from the top: the switches farthest from the GPUs first.
    const auto levels = switches_by_level(topology);
    for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
        std::string between;
        for (const std::size_t part : level->second) {
            if (topology.parts[part].node.empty()) {
                between += node_text(topology.parts[part], "    ");
            }
        }
        if (!between.empty()) {
            out += fmt::format("  {{\n    rank=same;\n{}  }}\n", between);
        }
    }
    std::map<std::string, std::string> clusters; // of each node, its parts
    for (const Part& part : topology.parts) {
        const bool is_switch = std::holds_alternative<models::SwitchSpec>(part.spec);
        if (part.node.empty()) {
            out += is_switch ? "" : node_text(part, "  ");
        } else {
            clusters[part.node] += node_text(part, "    ");
        }
    }
    for (const auto& [node, parts] : clusters) {
        out += fmt::format("  subgraph \"cluster_{}\" {{\n    label=\"{}\";\n{}  }}\n", node, node, parts);
    }
    for (const Part& part : topology.parts) {
        if (!part.at.empty()) {
            out += fmt::format("  \"{}\" -- \"{}\" [style=bold];\n", part.at, part.name);
        }
    }
    std::map<std::pair<std::string, std::string>, Bundle> bundles;
    for (const Link& link : topology.links) {
        // Drawn from the switch down, so that ranks lie as in a fabric.
        const bool up = std::holds_alternative<models::SwitchSpec>(topology.find(link.b)->spec);
        Bundle& bundle = bundles[up ? std::pair{link.b, link.a} : std::pair{link.a, link.b}];
        bundle.links += link.spec.count;
        bundle.bytes_per_second +=
            static_cast<double>(link.spec.line_bytes_per_second) * link.spec.count * link.spec.efficiency;
        bundle.down += link.down ? link.spec.count : 0;
    }
    for (const auto& [ends, bundle] : bundles) {
        out +=
            fmt::format("  \"{}\" -- \"{}\" [label=\"{} x, {}{}\"{}];\n", ends.first, ends.second, bundle.links,
                        in_rate(bundle.bytes_per_second), bundle.down > 0 ? fmt::format(", {} down", bundle.down) : "",
                        bundle.down > 0 ? ", style=dashed, color=red" : "");
    }
    return out + "}\n";
}

} // namespace sim
