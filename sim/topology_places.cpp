#include "sim/topology_places.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "sim/kinds.h"

namespace sim {
namespace {

constexpr int kEgmSocketsMax = 4; ///< the socket is in bits 45:44 of a physical address (edk2-nvidia)

template <class Spec>
bool is(const Part& part) {
    return std::holds_alternative<Spec>(part.spec);
}

class Finder {
public:
    Finder(Topology& topology, const TopologyGraph& graph, Diagnostics& diagnostics)
        : topology_(topology), graph_(graph), diagnostics_(diagnostics) {}

    void run() {
        number_cpus();
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (is<models::GpuSpec>(topology_.parts[i])) {
                place_gpu(i);
            }
        }
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (!is<models::CpuSpec>(topology_.parts[i]) && !is<models::GpuSpec>(topology_.parts[i])) {
                place_other(i);
            }
        }
        check_borders();
    }

private:
    void error(const Part& part, const std::string& message, const std::string& suggestion = {}) {
        diagnostics_.error(part.where, fmt::format("{} {}: {}", kind_text(part), part.name, message), suggestion);
    }

    void number_cpus() {
        std::map<std::pair<std::string, int>, const Part*> taken;
        const Part* with_node = nullptr;
        for (const Part& part : topology_.parts) {
            if (!is<models::CpuSpec>(part)) {
                continue;
            }
            with_node = with_node == nullptr && !part.node.empty() ? &part : with_node;
            if (part.socket >= 0) {
                if (const auto [first, fresh] = taken.emplace(std::pair{part.node, part.socket}, &part); !fresh) {
                    error(part, fmt::format("socket {} is that of {}", part.socket, first->second->name),
                          "number the sockets 0, 1, 2, 3");
                }
            }
        }
        std::map<std::string, int> next;
        for (Part& part : topology_.parts) {
            if (!is<models::CpuSpec>(part)) {
                continue;
            }
            part.cpu = part.name;
            if (part.node.empty() && with_node != nullptr) {
                error(part, "no node, and other CPUs have one",
                      fmt::format("{} is in {}", with_node->name, with_node->node));
            }
            if (part.socket < 0) {
                int& free = next[part.node];
                while (taken.count({part.node, free}) > 0) {
                    ++free;
                }
                part.socket = free;
                taken.emplace(std::pair{part.node, free}, &part);
            }
            if (topology_.egm && part.socket >= kEgmSocketsMax) {
                error(part, fmt::format("socket {} on a machine with EGM", part.socket),
                      "EGM knows sockets 0 to 3 of a node; give each tray a \"node:\", or write \"egm: false\"");
            }
        }
    }

    struct Hosts {
        std::set<std::size_t> cpus;
        bool c2c = false;
    };

    /// The CPUs that a GPU or NIC reaches by C2C or PCIe, perhaps through PCIe switches.
    Hosts hosts_of(std::size_t device) const {
        Hosts found;
        std::set<std::size_t> seen{device};
        std::vector<std::size_t> frontier{device};
        while (!frontier.empty()) {
            const std::size_t here = frontier.back();
            frontier.pop_back();
            for (const auto& near : graph_.neighbours(here)) {
                const LinkKind kind = topology_.links[near.link].kind;
                if ((kind != LinkKind::kC2c && kind != LinkKind::kPcie) || !seen.insert(near.part).second) {
                    continue;
                }
                const Part& part = topology_.parts[near.part];
                if (is<models::CpuSpec>(part)) {
                    found.cpus.insert(near.part);
                    found.c2c = found.c2c || kind == LinkKind::kC2c;
                } else if (is<models::SwitchSpec>(part)) {
                    frontier.push_back(near.part);
                }
            }
        }
        return found;
    }

    void place_gpu(std::size_t index) {
        Part& gpu = topology_.parts[index];
        const Hosts hosts = hosts_of(index);
        if (hosts.cpus.empty()) {
            error(gpu, "has no host link", "join it to a CPU by a c2c or pcie link");
            return;
        }
        if (hosts.cpus.size() > 1) {
            error(gpu, fmt::format("its host links lead to {} CPUs", hosts.cpus.size()), "a GPU belongs to one CPU");
            return;
        }
        const Part& cpu = topology_.parts[*hosts.cpus.begin()];
        if (gpu.socket >= 0 && gpu.socket != cpu.socket) {
            error(
                gpu,
                fmt::format("socket {}, but its host link leads to {} on socket {}", gpu.socket, cpu.name, cpu.socket),
                "leave the socket out: it follows from the link");
        }
        if (topology_.egm && !hosts.c2c) {
            error(gpu, fmt::format("no C2C link to {} on a machine with EGM", cpu.name),
                  "join them by a c2c link, or write \"egm: false\"");
        }
        gpu.socket = cpu.socket;
        gpu.cpu = cpu.name;
        take_node(gpu, cpu.node);
    }

    void place_other(std::size_t index) {
        Part& part = topology_.parts[index];
        if (part.socket >= 0) {
            error(part, "socket is a key of CPUs and GPUs only", "leave it out");
        }
        if (is<models::SwitchSpec>(part)) {
            if (!part.node.empty()) {
                switches_with_node_.push_back(index);
            }
            return;
        }
        if (const Part* host = part.at.empty() ? nullptr : topology_.find(part.at)) {
            part.cpu = host->cpu;
            take_node(part, host->node);
        } else if (const Hosts hosts = hosts_of(index); !hosts.cpus.empty()) {
            const Part& cpu = topology_.parts[*hosts.cpus.begin()];
            part.cpu = cpu.name;
            take_node(part, cpu.node);
        }
    }

    void take_node(Part& part, const std::string& node) {
        if (!part.node.empty() && part.node != node) {
            error(part, fmt::format("node {}, but it belongs to {}", part.node, node.empty() ? "no node" : node),
                  "leave it out: it follows from the CPU");
        }
        part.node = node;
    }

    /// A switch may stand between nodes, or in one that has CPUs; coherent links and PCIe stay inside a node.
    void check_borders() {
        const std::vector<std::string> nodes = topology_.nodes();
        const std::set<std::string> known(nodes.begin(), nodes.end());
        for (const std::size_t index : switches_with_node_) {
            if (known.count(topology_.parts[index].node) == 0) {
                error(topology_.parts[index], fmt::format("no CPU is in the node {}", topology_.parts[index].node),
                      "leave it out for a switch between nodes");
            }
        }
        for (std::size_t i = 0; i < topology_.links.size(); ++i) {
            const Link& link = topology_.links[i];
            const std::string& a = topology_.parts[graph_.end_a(i)].node;
            const std::string& b = topology_.parts[graph_.end_b(i)].node;
            if (a != b && !a.empty() && !b.empty() && link.kind != LinkKind::kNvlink &&
                link.kind != LinkKind::kNetwork) {
                diagnostics_.error(link.where,
                                   fmt::format("link {}: a {} link cannot join {} in node {} and {} in node {}",
                                               link.name, to_text(link.kind), link.a, a, link.b, b),
                                   "only nvlink and network links leave a node");
            }
        }
    }

    Topology& topology_;
    const TopologyGraph& graph_;
    Diagnostics& diagnostics_;
    std::vector<std::size_t> switches_with_node_;
};

} // namespace

void find_places(Topology& topology, const TopologyGraph& graph, Diagnostics& diagnostics) {
    Finder(topology, graph, diagnostics).run();
    topology.index_names(); // again, now that GPUs know their CPUs
}

} // namespace sim
