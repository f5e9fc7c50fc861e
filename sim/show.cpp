#include "sim/show.h"

#include <array>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/fabric_bounds.h"
#include "sim/fabric_cuts.h"
#include "sim/report_text.h"

namespace sim {

namespace {

const char* kind_of(const Part& part) {
    static constexpr const char* kKinds[] = {"CPU", "GPU", "memory", "switch", "NIC", "end point"};
    return kKinds[part.spec.index()];
}

std::string in_time_of(models::Picoseconds time) { return in_time(static_cast<double>(time)); }
std::string in_rate_of(std::uint64_t rate) { return in_rate(static_cast<double>(rate)); }

struct Figures {
    std::string operator()(const models::CpuSpec& cpu) const {
        return fmt::format("{} cores, {} to cross the fabric, SMMU with {} walkers{}", cpu.cores,
                           in_time_of(cpu.fabric_latency), cpu.smmu.walkers, cpu.ats ? ", ATS" : ", no ATS");
    }
    std::string operator()(const models::GpuSpec& gpu) const {
        return fmt::format("{} SMs, L2 {} in {}, {} copy engines", gpu.sms, in_size(gpu.l2.capacity_bytes),
                           in_time_of(gpu.l2.latency), gpu.copy_engine.engines);
    }
    std::string operator()(const models::MemorySpec& memory) const {
        return fmt::format("{}, reads {}, writes {}, {}", in_size(memory.capacity_bytes),
                           in_rate_of(memory.read_bytes_per_second), in_rate_of(memory.write_bytes_per_second),
                           in_time_of(memory.read_latency));
    }
    std::string operator()(const models::SwitchSpec& chip) const {
        return fmt::format("{} ports of {} each way, {}", chip.ports, in_rate_of(chip.port_bytes_per_second),
                           in_time_of(chip.latency));
    }
    std::string operator()(const models::NicSpec& nic) const {
        return fmt::format("{} each way, {}", in_rate_of(nic.bytes_per_second), in_time_of(nic.latency));
    }
    std::string operator()(const models::EndPointSpec&) const { return "ideal: at the rate of its links"; }
};

double bandwidth(const Link& link) {
    return static_cast<double>(link.spec.line_bytes_per_second) * link.spec.count * link.spec.efficiency;
}

const char* to_string(Trust trust) {
    return trust == Trust::kCalibrated ? "calibrated" : trust == Trust::kDerived ? "derived" : "assumed";
}

/// Parts or links of one key of the file with the same figures: one line of the tables below.
struct Row {
    std::string name;
    std::size_t count;
    std::string text;
};

/// `rows` has (key of the file, name, what the line says), in the order of the file.
std::vector<Row> grouped(const std::vector<std::array<std::string, 3>>& rows) {
    std::vector<Row> result;
    std::map<std::pair<std::string, std::string>, std::size_t> seen;
    std::map<std::string, std::size_t> groups_of;
    std::vector<std::vector<std::string>> names;
    for (const auto& [entry, name, text] : rows) {
        const auto [found, fresh] = seen.emplace(std::pair{entry, text}, result.size());
        if (fresh) {
            result.push_back({entry, 0, text});
            names.emplace_back();
            ++groups_of[entry];
        }
        ++result[found->second].count;
        names[found->second].push_back(name);
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
        if (groups_of[result[i].name] > 1) { // a range that was told apart by the scenario's `set`
            result[i].name = in_ranges(names[i]);
        }
    }
    return result;
}

std::string counts(const Topology& topology) {
    std::map<std::size_t, std::size_t> of_kind;
    for (const Part& part : topology.parts) {
        ++of_kind[part.spec.index()];
    }
    std::size_t wires = 0;
    for (const Link& link : topology.links) {
        wires += link.spec.count;
    }
    std::string text;
    const std::size_t nodes = topology.nodes().size();
    if (nodes > 1) {
        text += fmt::format("{} nodes, ", nodes);
    }
    for (const auto& [kind, count] : of_kind) {
        static constexpr const char* kOne[] = {"CPU", "GPU", "memory", "switch", "NIC", "end point"};
        static constexpr const char* kMany[] = {"CPUs", "GPUs", "memories", "switches", "NICs", "end points"};
        text += fmt::format("{} {}, ", count, count == 1 ? kOne[kind] : kMany[kind]);
    }
    return text + fmt::format("{} {} in {} bundles\n", wires, wires == 1 ? "link" : "links", topology.links.size());
}

std::string bounds_text(const Topology& topology, FabricKind kind) {
    const bool nvlink = kind == FabricKind::kNvlink;
    const char* member = nvlink ? "GPU" : "NIC";
    std::string text;
    for (const FabricBounds& fabric : fabric_bounds(topology, kind)) {
        const std::string ways = fabric.crossings_min == fabric.crossings_max
                                     ? std::to_string(fabric.crossings_min)
                                     : fmt::format("{} or up to {}", fabric.crossings_min, fabric.crossings_max);
        text += fmt::format("\n{}: {} {}s ({}), {} {}, {} link{} from {} to {}\n", nvlink ? "NVLink" : "network",
                            fabric.members.size(), member, in_ranges(fabric.members), fabric.switches,
                            fabric.switches == 1 ? "switch" : "switches", ways, fabric.crossings_max == 1 ? "" : "s",
                            member, member);
        text += fmt::format("  each {}     {} each way; {} of all, both ways\n", member, in_rate(fabric.member_rate),
                            in_rate(fabric.total_rate));
        text += fmt::format("  bisection    {} each way\n", in_rate(fabric.bisection));
        text += fmt::format("  all-to-all   {} each way and {} at most, over our routes\n", in_rate(fabric.all_to_all),
                            member);
    }
    return text;
}

} // namespace

std::string show_text(const Topology& topology) {
    std::string out = fmt::format("{}: {}\n", topology.name, topology.description);
    out += topology.egm ? "EGM: one carveout a socket\n" : "EGM: none (legacy machine)\n";
    out += counts(topology);
    out += bounds_text(topology, FabricKind::kNvlink);
    out += bounds_text(topology, FabricKind::kNetwork);
    std::vector<std::array<std::string, 3>> rows;
    for (const Part& part : topology.parts) {
        rows.push_back(
            {part.entry, part.name,
             fmt::format("{:<8} {:<20} {:<11} {}{}", kind_of(part), part.preset.empty() ? "-" : part.preset,
                         to_string(part.trust), std::visit(Figures{}, part.spec), part.down ? ", down" : "")});
    }
    out +=
        fmt::format("\n{:<22} {:>6} {:<8} {:<20} {:<11} {}\n", "part", "number", "kind", "preset", "trust", "figures");
    for (const Row& row : grouped(rows)) {
        out += fmt::format("{:<22} {:>6} {}\n", row.name, row.count, row.text);
    }
    rows.clear();
    for (const Link& link : topology.links) {
        const std::string between = fmt::format("{} - {}", topology.find(link.a)->entry, topology.find(link.b)->entry);
        rows.push_back(
            {link.entry, link.name,
             fmt::format("{:<34} {:<11} {} ({} x {}), {} one way{}", between, to_string(link.trust),
                         in_rate(bandwidth(link)), link.spec.count, in_rate_of(link.spec.line_bytes_per_second),
                         in_time_of(link.spec.latency), link.down ? ", down" : "")});
    }
    out += fmt::format("\n{:<22} {:>6} {:<34} {:<11} {}\n", "link", "number", "between", "trust",
                       "each direction, headers included");
    for (const Row& row : grouped(rows)) {
        out += fmt::format("{:<22} {:>6} {}\n", row.name, row.count, row.text);
    }
    return out;
}

std::string show_json(const Topology& topology) {
    nlohmann::ordered_json json;
    json["schema_version"] = 1;
    json["machine"] = topology.name;
    json["description"] = topology.description;
    json["egm"] = topology.egm;
    json["nodes"] = topology.nodes();
    json["fabrics"] = nlohmann::ordered_json::array();
    for (const FabricKind kind : {FabricKind::kNvlink, FabricKind::kNetwork}) {
        for (const FabricBounds& fabric : fabric_bounds(topology, kind)) {
            json["fabrics"].push_back({{"kind", kind == FabricKind::kNvlink ? "nvlink" : "network"},
                                       {"members", fabric.members},
                                       {"switches", fabric.switches},
                                       {"member_GB_per_s_each_direction", fabric.member_rate / 1e9},
                                       {"total_GB_per_s_both_directions", fabric.total_rate / 1e9},
                                       {"bisection_GB_per_s_each_direction", fabric.bisection / 1e9},
                                       {"all_to_all_GB_per_s_each_direction", fabric.all_to_all / 1e9},
                                       {"links_between_members_min", fabric.crossings_min},
                                       {"links_between_members_max", fabric.crossings_max}});
        }
    }
    json["parts"] = nlohmann::ordered_json::array();
    for (const Part& part : topology.parts) {
        json["parts"].push_back({{"name", part.name},
                                 {"kind", kind_of(part)},
                                 {"preset", part.preset},
                                 {"at", part.at},
                                 {"node", part.node},
                                 {"socket", part.socket},
                                 {"down", part.down},
                                 {"trust", to_string(part.trust)},
                                 {"figures", std::visit(Figures{}, part.spec)}});
    }
    json["links"] = nlohmann::ordered_json::array();
    for (const Link& link : topology.links) {
        json["links"].push_back({{"name", link.name},
                                 {"a", link.a},
                                 {"b", link.b},
                                 {"GB_per_s_each_direction", bandwidth(link) / 1e9},
                                 {"count", link.spec.count},
                                 {"latency_ns", static_cast<double>(link.spec.latency) / 1e3},
                                 {"down", link.down},
                                 {"trust", to_string(link.trust)}});
    }
    return json.dump(2) + "\n";
}

} // namespace sim
