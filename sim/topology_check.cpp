#include "sim/topology_check.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/kinds.h"
#include "sim/units.h"

namespace sim {
namespace {

constexpr int kEgmSocketsMax = 4;
constexpr std::uint64_t kEgmGranule = 64ull << 10;

template <class Spec>
const Spec* as(const Part* part) {
    return part == nullptr ? nullptr : std::get_if<Spec>(&part->spec);
}

/// The machine with its neighbourhoods, for the checks below.
class Checker {
public:
    Checker(Topology& topology, Diagnostics& diagnostics) : topology_(topology), diagnostics_(diagnostics) {
        for (Part& part : topology.parts) {
            parts_.emplace(part.name, &part);
        }
        for (const Link& link : topology.links) {
            neighbours_[link.a].push_back({&link, parts_.at(link.b)});
            neighbours_[link.b].push_back({&link, parts_.at(link.a)});
        }
    }

    void run() {
        check_places();
        check_links();
        check_switch_ports();
        number_cpus();
        for (auto& part : topology_.parts) {
            if (std::holds_alternative<models::GpuSpec>(part.spec)) {
                find_socket(part);
            } else if (part.socket >= 0 && !std::holds_alternative<models::CpuSpec>(part.spec)) {
                error(part, "socket is a key of CPUs and GPUs only", "leave it out");
            }
        }
        check_connected();
        lint_links();
    }

private:
    struct Neighbour {
        const Link* link;
        Part* part;
    };

    void error(const Part& part, const std::string& message, const std::string& suggestion = {}) {
        diagnostics_.error(part.where, fmt::format("{} {}: {}", kind_text(part), part.name, message), suggestion);
    }

    /// Memory sits on a CPU or GPU, one on each; a NIC sits somewhere or has a PCIe link; nothing else sits on a part.
    void check_places() {
        for (const Part& part : topology_.parts) {
            const Part* host = part.at.empty() ? nullptr : parts_.at(part.at);
            const bool on_processor = as<models::CpuSpec>(host) != nullptr || as<models::GpuSpec>(host) != nullptr;
            if (as<models::MemorySpec>(&part) != nullptr) {
                if (host == nullptr) {
                    error(part, "no at", "say which CPU or GPU it belongs to, \"at: grace0\"");
                } else if (!on_processor) {
                    error(part, fmt::format("sits on {}, a {}", host->name, kind_text(*host)),
                          "put it on a CPU or a GPU");
                } else if (const auto [first, fresh] = memory_.emplace(part.at, &part); !fresh) {
                    error(part, fmt::format("{} already has the memory {}", part.at, first->second->name),
                          "a CPU or GPU has one memory; add up the figures");
                }
            } else if (as<models::NicSpec>(&part) != nullptr) {
                if (host != nullptr && !on_processor) {
                    error(part, fmt::format("sits on {}, a {}", host->name, kind_text(*host)),
                          "put it on a CPU or a GPU");
                } else if (host == nullptr && !has_link(part, LinkKind::kPcie)) {
                    error(part, "no at and no PCIe link", "say what it sits on, \"at: grace0\"");
                }
            } else if (host != nullptr) {
                error(part, "at is a key of memories and NICs only", "join parts by links");
            }
        }
        for (const Part& part : topology_.parts) {
            const bool gpu = as<models::GpuSpec>(&part) != nullptr;
            if ((gpu || as<models::CpuSpec>(&part) != nullptr) && memory_.count(part.name) == 0) {
                error(part, "has no memory", fmt::format("add a memory with \"at: {}\"", part.name));
            }
            const auto* memory = memory_.count(part.name) > 0 ? as<models::MemorySpec>(memory_.at(part.name)) : nullptr;
            if (memory != nullptr && !gpu && memory->capacity_bytes % kEgmGranule != 0) {
                error(*memory_.at(part.name), "capacity is not a multiple of 64 KiB",
                      "the memory of a CPU comes in pages");
            }
        }
    }

    bool has_link(const Part& part, LinkKind kind) const {
        const auto found = neighbours_.find(part.name);
        return found != neighbours_.end() &&
               std::any_of(found->second.begin(), found->second.end(), [&](auto& n) { return n.link->kind == kind; });
    }

    static bool may_join(LinkKind kind, const std::string& a, const std::string& b) {
        using Ends = std::set<std::pair<std::string, std::string>>;
        static const std::map<LinkKind, Ends> allowed = {
            {LinkKind::kC2c, {{"cpu", "gpu"}}},
            {LinkKind::kNvlink, {{"gpu", "gpu"}, {"gpu", "switch"}, {"switch", "switch"}}},
            {LinkKind::kGraceLink, {{"cpu", "cpu"}}},
            {LinkKind::kUpi, {{"cpu", "cpu"}}},
            {LinkKind::kPcie,
             {{"cpu", "gpu"},
              {"cpu", "nic"},
              {"cpu", "switch"},
              {"gpu", "switch"},
              {"gpu", "nic"},
              {"nic", "switch"},
              {"switch", "switch"}}},
            {LinkKind::kNetwork, {{"nic", "nic"}, {"nic", "switch"}, {"switch", "switch"}}}};
        return allowed.at(kind).count({std::min(a, b), std::max(a, b)}) > 0;
    }

    void check_links() {
        for (const Link& link : topology_.links) {
            const std::string a = kind_text(*parts_.at(link.a)), b = kind_text(*parts_.at(link.b));
            if (link.a == link.b) {
                diagnostics_.error(link.where, fmt::format("link {}: both ends are {}", link.name, link.a));
            } else if (!may_join(link.kind, a, b)) {
                diagnostics_.error(link.where,
                                   fmt::format("link {}: a {} link cannot join a {} ({}) and a {} ({})", link.name,
                                               to_text(link.kind), a, link.a, b, link.b),
                                   "see the kinds of links in docs/topologies.md");
            }
        }
    }

    void check_switch_ports() {
        for (const Part& part : topology_.parts) {
            const auto* spec = as<models::SwitchSpec>(&part);
            const auto found = neighbours_.find(part.name);
            if (spec == nullptr || found == neighbours_.end()) {
                continue;
            }
            std::uint64_t ends = 0;
            for (const Neighbour& neighbour : found->second) {
                ends += neighbour.link->spec.count;
            }
            if (ends > spec->ports) {
                error(part, fmt::format("{} link ends on {} ports", ends, spec->ports),
                      "a link of count n takes n ports");
            }
        }
    }

    void number_cpus() {
        std::map<int, const Part*> taken;
        for (const Part& part : topology_.parts) {
            if (as<models::CpuSpec>(&part) != nullptr && part.socket >= 0) {
                if (const auto [first, fresh] = taken.emplace(part.socket, &part); !fresh) {
                    error(part, fmt::format("socket {} is that of {}", part.socket, first->second->name),
                          "number the sockets 0, 1, 2, 3");
                }
            }
        }
        int next = 0;
        for (Part& part : topology_.parts) {
            if (as<models::CpuSpec>(&part) == nullptr) {
                continue;
            }
            if (part.socket < 0) {
                while (taken.count(next) > 0) {
                    ++next;
                }
                part.socket = next;
                taken.emplace(next, &part);
            }
            if (topology_.egm && part.socket >= kEgmSocketsMax) {
                error(part, fmt::format("socket {} on a machine with EGM", part.socket),
                      "EGM knows sockets 0 to 3; or write \"egm: false\"");
            }
        }
    }

    /// The CPU that a GPU reaches by C2C, or by PCIe, perhaps through PCIe switches.
    void find_socket(Part& gpu) {
        std::set<const Part*> cpus, seen{&gpu};
        bool c2c = false;
        std::vector<const Part*> frontier{&gpu};
        while (!frontier.empty()) {
            const Part* here = frontier.back();
            frontier.pop_back();
            for (const Neighbour& next : neighbours_[here->name]) {
                const bool host_link = next.link->kind == LinkKind::kC2c || next.link->kind == LinkKind::kPcie;
                if (!host_link || !seen.insert(next.part).second) {
                    continue;
                }
                if (as<models::CpuSpec>(next.part) != nullptr) {
                    cpus.insert(next.part);
                    c2c = c2c || next.link->kind == LinkKind::kC2c;
                } else if (as<models::SwitchSpec>(next.part) != nullptr) {
                    frontier.push_back(next.part);
                }
            }
        }
        if (cpus.empty()) {
            error(gpu, "has no host link", "join it to a CPU by a c2c or pcie link");
            return;
        }
        if (cpus.size() > 1) {
            error(gpu, fmt::format("its host links lead to {} CPUs", cpus.size()), "a GPU belongs to one CPU");
            return;
        }
        const Part& cpu = **cpus.begin();
        if (gpu.socket >= 0 && gpu.socket != cpu.socket) {
            error(
                gpu,
                fmt::format("socket {}, but its host link leads to {} on socket {}", gpu.socket, cpu.name, cpu.socket),
                "leave the socket out: it follows from the link");
        }
        if (topology_.egm && !c2c) {
            error(gpu, fmt::format("no C2C link to {} on a machine with EGM", cpu.name),
                  "join them by a c2c link, or write \"egm: false\"");
        }
        gpu.socket = cpu.socket;
    }

    void check_connected() {
        if (topology_.parts.empty()) {
            return;
        }
        std::set<std::string> seen{topology_.parts.front().name};
        std::vector<std::string> frontier(seen.begin(), seen.end());
        const auto visit = [&](const std::string& name) {
            if (seen.insert(name).second) {
                frontier.push_back(name);
            }
        };
        std::map<std::string, std::vector<std::string>> sitting;
        for (const Part& part : topology_.parts) {
            if (!part.at.empty()) {
                sitting[part.at].push_back(part.name);
                sitting[part.name].push_back(part.at);
            }
        }
        while (!frontier.empty()) {
            const std::string here = frontier.back();
            frontier.pop_back();
            for (const Neighbour& next : neighbours_[here]) {
                visit(next.part->name);
            }
            for (const std::string& next : sitting[here]) {
                visit(next);
            }
        }
        for (const Part& part : topology_.parts) {
            if (seen.count(part.name) == 0) {
                error(part, fmt::format("no path leads from it to {}", topology_.parts.front().name), "add a link");
            }
        }
    }

    /// A link that outruns the memories of both of its ends is probably a slip of a unit.
    void lint_links() {
        for (const Link& link : topology_.links) {
            const auto a = memory_.find(link.a), b = memory_.find(link.b);
            if (a == memory_.end() || b == memory_.end()) {
                continue;
            }
            const double rate = double(link.spec.line_bytes_per_second) * link.spec.count;
            const auto fastest = std::max(as<models::MemorySpec>(a->second)->read_bytes_per_second,
                                          as<models::MemorySpec>(b->second)->read_bytes_per_second);
            if (rate > double(fastest)) {
                diagnostics_.warning(link.where,
                                     fmt::format("link {}: {:g} GB/s is faster than the memories of both of its ends",
                                                 link.name, rate / 1e9),
                                     "check the unit and the count");
            }
        }
    }

    Topology& topology_;
    Diagnostics& diagnostics_;
    std::map<std::string, Part*> parts_;
    std::map<std::string, std::vector<Neighbour>> neighbours_;
    std::map<std::string, const Part*> memory_; ///< by the part it sits on
};

} // namespace

void check_topology(Topology& topology, Diagnostics& diagnostics) { Checker(topology, diagnostics).run(); }

} // namespace sim
