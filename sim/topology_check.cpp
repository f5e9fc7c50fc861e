#include "sim/topology_check.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/kinds.h"
#include "sim/topology_graph.h"
#include "sim/topology_places.h"

namespace sim {
namespace {

constexpr std::uint64_t kEgmGranule = 64ull << 10;

template <class Spec>
const Spec* as(const Part* part) {
    return part == nullptr ? nullptr : std::get_if<Spec>(&part->spec);
}

/// The machine with its neighbourhoods, for the checks below.
class Checker {
public:
    Checker(Topology& topology, Diagnostics& diagnostics)
        : topology_(topology), diagnostics_(diagnostics), graph_(topology), memory_(topology.parts.size()) {}

    void run() {
        check_places();
        check_memories();
        check_links();
        check_switch_ports();
        find_places(topology_, graph_, diagnostics_);
        check_connected();
        lint_links();
    }

private:
    void error(const Part& part, const std::string& message, const std::string& suggestion = {}) {
        diagnostics_.error(part.where, fmt::format("{} {}: {}", kind_text(part), part.name, message), suggestion);
    }

    /// Memory sits on a CPU or GPU, one on each; a NIC sits somewhere or has a PCIe link; nothing else sits on a part.
    void check_places() {
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            const Part& part = topology_.parts[i];
            const auto home = part.at.empty() ? std::nullopt : topology_.index_of(part.at);
            const Part* host = home ? &topology_.parts[*home] : nullptr;
            const bool on_processor = as<models::CpuSpec>(host) != nullptr || as<models::GpuSpec>(host) != nullptr;
            if (as<models::MemorySpec>(&part) != nullptr) {
                if (host == nullptr) {
                    error(part, "no at", "say which CPU or GPU it belongs to, \"at: grace0\"");
                } else if (!on_processor) {
                    error(part, fmt::format("sits on {}, a {}", host->name, kind_text(*host)),
                          "put it on a CPU or a GPU");
                } else if (memory_[*home] != nullptr) {
                    error(part, fmt::format("{} already has the memory {}", part.at, memory_[*home]->name),
                          "a CPU or GPU has one memory; add up the figures");
                } else {
                    memory_[*home] = &part;
                }
            } else if (as<models::NicSpec>(&part) != nullptr) {
                if (host != nullptr && !on_processor) {
                    error(part, fmt::format("sits on {}, a {}", host->name, kind_text(*host)),
                          "put it on a CPU or a GPU");
                } else if (host == nullptr && !has_link(i, LinkKind::kPcie)) {
                    error(part, "no at and no PCIe link", "say what it sits on, \"at: grace0\"");
                }
            } else if (host != nullptr) {
                error(part, "at is a key of memories and NICs only", "join parts by links");
            }
        }
    }

    void check_memories() {
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            const Part& part = topology_.parts[i];
            const bool gpu = as<models::GpuSpec>(&part) != nullptr;
            if ((gpu || as<models::CpuSpec>(&part) != nullptr) && memory_[i] == nullptr) {
                error(part, "has no memory", fmt::format("add a memory with \"at: {}\"", part.name));
            }
            const auto* memory = as<models::MemorySpec>(memory_[i]);
            if (memory != nullptr && !gpu && memory->capacity_bytes % kEgmGranule != 0) {
                error(*memory_[i], "capacity is not a multiple of 64 KiB", "the memory of a CPU comes in pages");
            }
        }
    }

    bool has_link(std::size_t part, LinkKind kind) const {
        const auto near = graph_.neighbours(part);
        return std::any_of(near.begin(), near.end(),
                           [&](const auto& one) { return topology_.links[one.link].kind == kind; });
    }

    /// Kinds of parts, as `Part::spec` numbers them.
    enum Kind : std::size_t { kCpu, kGpu, kMemory, kSwitch, kNic, kEndPoint };

    static bool may_join(LinkKind link, std::size_t a, std::size_t b) {
        const auto is = [&](std::size_t one, std::size_t other) {
            return (a == one && b == other) || (a == other && b == one);
        };
        switch (link) {
        case LinkKind::kC2c:
            return is(kCpu, kGpu);
        case LinkKind::kNvlink:
            return is(kGpu, kGpu) || is(kGpu, kSwitch) || is(kSwitch, kSwitch) || is(kEndPoint, kSwitch) ||
                   is(kEndPoint, kEndPoint);
        case LinkKind::kGraceLink:
        case LinkKind::kUpi:
            return is(kCpu, kCpu);
        case LinkKind::kPcie:
            return is(kCpu, kGpu) || is(kCpu, kNic) || is(kCpu, kSwitch) || is(kGpu, kSwitch) || is(kGpu, kNic) ||
                   is(kNic, kSwitch) || is(kSwitch, kSwitch);
        case LinkKind::kNetwork:
            return is(kNic, kNic) || is(kNic, kSwitch) || is(kSwitch, kSwitch);
        }
        return false;
    }

    void check_links() {
        for (std::size_t i = 0; i < topology_.links.size(); ++i) {
            const Link& link = topology_.links[i];
            const Part& a = topology_.parts[graph_.end_a(i)];
            const Part& b = topology_.parts[graph_.end_b(i)];
            if (&a == &b) {
                diagnostics_.error(link.where, fmt::format("link {}: both ends are {}", link.name, link.a));
            } else if (!may_join(link.kind, a.spec.index(), b.spec.index())) {
                diagnostics_.error(link.where,
                                   fmt::format("link {}: a {} link cannot join a {} ({}) and a {} ({})", link.name,
                                               to_text(link.kind), kind_text(a), link.a, kind_text(b), link.b),
                                   "see the kinds of links in docs/topologies.md");
            }
        }
    }

    void check_switch_ports() {
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            const Part& part = topology_.parts[i];
            const auto* spec = as<models::SwitchSpec>(&part);
            if (spec == nullptr) {
                continue;
            }
            std::uint64_t ends = 0;
            for (const auto& near : graph_.neighbours(i)) {
                ends += topology_.links[near.link].spec.count;
            }
            if (ends > spec->ports) {
                error(part, fmt::format("{} link ends on {} ports", ends, spec->ports),
                      "a link of count n takes n ports");
            }
        }
    }

    void check_connected() {
        if (topology_.parts.empty()) {
            return;
        }
        std::vector<bool> seen(topology_.parts.size());
        std::vector<std::size_t> frontier{0};
        seen[0] = true;
        const auto visit = [&](std::size_t part) {
            if (!seen[part]) {
                seen[part] = true;
                frontier.push_back(part);
            }
        };
        while (!frontier.empty()) {
            const std::size_t here = frontier.back();
            frontier.pop_back();
            for (const auto& near : graph_.neighbours(here)) {
                visit(near.part);
            }
            for (const std::uint32_t part : graph_.sitting_on(here)) {
                visit(part);
            }
            if (!topology_.parts[here].at.empty()) {
                visit(*topology_.index_of(topology_.parts[here].at));
            }
        }
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (!seen[i]) {
                error(topology_.parts[i], fmt::format("no path leads from it to {}", topology_.parts.front().name),
                      "add a link");
            }
        }
    }

    /// A link that outruns the memories of both of its ends is probably a slip of a unit.
    void lint_links() {
        for (std::size_t i = 0; i < topology_.links.size(); ++i) {
            const Link& link = topology_.links[i];
            const auto* a = as<models::MemorySpec>(memory_[graph_.end_a(i)]);
            const auto* b = as<models::MemorySpec>(memory_[graph_.end_b(i)]);
            if (a == nullptr || b == nullptr) {
                continue;
            }
            const double rate = double(link.spec.line_bytes_per_second) * link.spec.count;
            if (rate > double(std::max(a->read_bytes_per_second, b->read_bytes_per_second))) {
                diagnostics_.warning(link.where,
                                     fmt::format("link {}: {:g} GB/s is faster than the memories of both of its ends",
                                                 link.name, rate / 1e9),
                                     "check the unit and the count");
            }
        }
    }

    Topology& topology_;
    Diagnostics& diagnostics_;
    const TopologyGraph graph_;
    std::vector<const Part*> memory_; ///< by the part it sits on
};

} // namespace

void check_topology(Topology& topology, Diagnostics& diagnostics) { Checker(topology, diagnostics).run(); }

} // namespace sim
