#include "sim/show.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/report_text.h"

namespace sim {

namespace {

const char* kind_of(const Part& part) {
    static constexpr const char* kKinds[] = {"CPU", "GPU", "memory", "switch", "NIC"};
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
};

double bandwidth(const Link& link) {
    return static_cast<double>(link.spec.line_bytes_per_second) * link.spec.count * link.spec.efficiency;
}

const char* to_string(Trust trust) {
    return trust == Trust::kCalibrated ? "calibrated" : trust == Trust::kDerived ? "derived" : "assumed";
}

} // namespace

std::string show_text(const Topology& topology) {
    std::string out = fmt::format("{}: {}\n", topology.name, topology.description);
    out += topology.egm ? "EGM: one carveout a socket\n" : "EGM: none (legacy machine)\n";
    out += fmt::format("\n{:<14} {:<8} {:<20} {:<11} {}\n", "part", "kind", "preset", "trust", "figures");
    for (const Part& part : topology.parts) {
        out += fmt::format("{:<14} {:<8} {:<20} {:<11} {}{}\n", part.name, kind_of(part),
                           part.preset.empty() ? "-" : part.preset, to_string(part.trust),
                           std::visit(Figures{}, part.spec), part.at.empty() ? "" : ", on " + part.at);
    }
    out += fmt::format("\n{:<14} {:<29} {:<11} {}\n", "link", "between", "trust", "each direction, headers included");
    for (const Link& link : topology.links) {
        out += fmt::format("{:<14} {:<29} {:<11} {} ({} x {}), {} one way\n", link.name, link.a + " - " + link.b,
                           to_string(link.trust), in_rate(bandwidth(link)), link.spec.count,
                           in_rate_of(link.spec.line_bytes_per_second), in_time_of(link.spec.latency));
    }
    return out;
}

std::string show_dot(const Topology& topology) {
    static constexpr const char* kShapes[] = {"box", "box3d", "cylinder", "hexagon", "component"};
    std::string out = fmt::format("graph \"{}\" {{\n  label=\"{}\";\n  node [fontname=\"sans-serif\"];\n  edge "
                                  "[fontname=\"sans-serif\", fontsize=10];\n",
                                  topology.name, topology.name);
    for (const Part& part : topology.parts) {
        out += fmt::format("  \"{}\" [shape={}, label=\"{}\\n{}\"];\n", part.name, kShapes[part.spec.index()],
                           part.name, part.preset);
    }
    for (const Part& part : topology.parts) {
        if (!part.at.empty()) {
            out += fmt::format("  \"{}\" -- \"{}\" [style=bold];\n", part.at, part.name);
        }
    }
    for (const Link& link : topology.links) {
        out += fmt::format("  \"{}\" -- \"{}\" [label=\"{}\\n{}\"];\n", link.a, link.b, link.name,
                           in_rate(bandwidth(link)));
    }
    return out + "}\n";
}

std::string show_json(const Topology& topology) {
    nlohmann::ordered_json json;
    json["schema_version"] = 1;
    json["machine"] = topology.name;
    json["description"] = topology.description;
    json["egm"] = topology.egm;
    json["parts"] = nlohmann::ordered_json::array();
    for (const Part& part : topology.parts) {
        json["parts"].push_back({{"name", part.name},
                                 {"kind", kind_of(part)},
                                 {"preset", part.preset},
                                 {"at", part.at},
                                 {"trust", to_string(part.trust)},
                                 {"figures", std::visit(Figures{}, part.spec)}});
    }
    json["links"] = nlohmann::ordered_json::array();
    for (const Link& link : topology.links) {
        json["links"].push_back({{"name", link.name},
                                 {"a", link.a},
                                 {"b", link.b},
                                 {"GB_per_s_each_direction", bandwidth(link) / 1e9},
                                 {"latency_ns", static_cast<double>(link.spec.latency) / 1e3},
                                 {"trust", to_string(link.trust)}});
    }
    return json.dump(2) + "\n";
}

} // namespace sim
