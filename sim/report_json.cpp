#include "sim/report_json.h"

#include "sim/phases_report.h"

#include <nlohmann/json.hpp>

#include "sim/error_bands.h"
#include "sim/nvbandwidth_report.h"
#include "sim/work_report.h"

namespace sim {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr double kPicosecondsPerNanosecond = 1e3;

double nanoseconds(double picoseconds) { return picoseconds / kPicosecondsPerNanosecond; }

Json stream(const StreamResult& line) {
    Json json;
    json["name"] = line.stream->name;
    json["initiator"] = line.stream->initiator;
    if (!line.fault.empty()) {
        json["fault"] = line.fault;
        return json;
    }
    const double scale = line.is_latency ? kPicosecondsPerNanosecond : 1e9;
    json["metric"] = line.is_latency ? "latency" : "bandwidth";
    json["unit"] = line.is_latency ? "ns" : "GB/s";
    json["value"] = line.value / scale;
    json["confidence_half_width"] = line.half_width / scale;
    json["steady"] = line.steady;
    json["static_bound"] = line.bound / scale;
    json["share_of_bound"] = line.share_of_bound();
    if (line.fluid) {
        json["fluid"] = {{"value", line.fluid->value / scale},
                         {"difference", line.value > 0 ? line.fluid->value / line.value - 1 : 0},
                         {"limit", line.fluid->limit}};
    }
    json["binding"] = {{"resource", line.binding.resource},
                       {"share_of_time", line.binding.share_of_time},
                       {"gain_if_twice_as_wide", line.binding.widening_worth},
                       {"next", line.binding.next}};
    json["latency_under_load_ns"] = nanoseconds(line.access_latency);
    if (const auto& spread = line.latency_spread) {
        json["latency_spread_ns"] = {{"p50", nanoseconds(spread->p50)},
                                     {"p90", nanoseconds(spread->p90)},
                                     {"p99", nanoseconds(spread->p99)},
                                     {"max", nanoseconds(spread->max)}};
    }
    json["translation_miss_share"] = line.translation_misses;
    json["bytes_sent"] = line.bytes_sent;
    json["bytes_received"] = line.bytes_received;
    json["trust"] = to_string(line.grade);
    json["trust_reasons"] = line.reasons;
    if (const auto band = error_band(line)) {
        json["error_band"] = {{"within", band->within}, {"rows", band->rows}, {"of", band->of}};
    }
    return json;
}

Json region(const RegionReport& region) {
    Json json;
    json["memory"] = region.cpu + (region.pxm >= 0 ? ".egm" : ".system");
    json["pxm"] = region.pxm;
    json["file_offset"] = region.file_offset;
    json["size_bytes"] = region.size;
    json["hva"] = region.hva.value;
    json["ipa"] = region.ipa.value;
    json["spa"] = region.spa.value;
    json["stage2_blocks"] = Json::array();
    for (auto it = region.blocks.rbegin(); it != region.blocks.rend(); ++it) {
        json["stage2_blocks"].push_back({{"block_bytes", it->first}, {"count", it->second}});
    }
    json["why_not_larger"] = region.why_not_larger;
    json["stage2_faults"] = region.stage2_faults;
    json["first_touch_ns"] = nanoseconds(static_cast<double>(region.first_touch));
    json["lost_bytes"] = {{"retired", region.losses.retired},
                          {"internal", region.losses.internal},
                          {"external", region.losses.external},
                          {"alignment", region.losses.alignment},
                          {"unassigned", region.losses.unassigned}};
    json["dma_mapped"] = region.dma_mapped;
    return json;
}

} // namespace

std::string json_report(const RunResult& result) {
    const Scenario& scenario = *result.scenario;
    Json json;
    json["schema_version"] = kSchemaVersion;
    json["program"] = "egmsim";
    json["scenario"] = scenario.name;
    json["machine"] = scenario.topology.name;
    json["seed"] = scenario.seed;
    json["fidelity"] = to_string(result.fidelity);
    json["interrupted"] = result.interrupted;
    json["simulated_ns"] = nanoseconds(static_cast<double>(result.simulated));
    json["events"] = result.events;
    json["crossings"] = result.crossings;
    if (result.bring_up_error) {
        const egm::Error& error = *result.bring_up_error;
        json["error"] = {{"errno", error.error_number}, {"errno_name", egm::errno_name(error.error_number)},
                         {"call", error.call},          {"object", error.object},
                         {"advice", error.advice},      {"undone", result.undone}};
    }
    json["bring_up"] = Json::array();
    for (const BringUpStep& step : result.steps) {
        json["bring_up"].push_back({{"vm", step.vm},
                                    {"step", step.step},
                                    {"object", step.object},
                                    {"time_ns", nanoseconds(static_cast<double>(step.took))}});
    }
    json["vms"] = Json::array();
    for (const VmReport& vm : result.vms) {
        Json entry;
        entry["name"] = vm.name;
        entry["gpus"] = vm.gpus;
        entry["bring_up_ns"] = nanoseconds(static_cast<double>(vm.bring_up_time));
        entry["regions"] = Json::array();
        for (const RegionReport& one : vm.regions) {
            entry["regions"].push_back(region(one));
        }
        entry["notes"] = vm.notes;
        json["vms"].push_back(std::move(entry));
    }
    json["views"] = Json::array();
    for (const ViewCheck& check : result.views) {
        json["views"].push_back({{"region", check.region},
                                 {"gpu", check.gpu},
                                 {"by", check.how},
                                 {"agree", check.agree},
                                 {"detail", check.detail}});
    }
    json["traffic"] = Json::array();
    for (const SettingResult& setting : result.settings) {
        for (const GroupResult& group : setting.groups) {
            Json entry;
            entry["setting"] = setting.virtualized ? "vm" : "native";
            entry["group"] = group.group->name;
            entry["measured_ns"] = nanoseconds(static_cast<double>(group.measured));
            entry["total_GB_per_s"] = group.total / 1e9;
            entry["total_confidence_half_width"] = group.total_half_width / 1e9;
            entry["total_bound_GB_per_s"] = group.total_bound / 1e9;
            if (result.fidelity == Fidelity::kAll) {
                entry["total_fluid_GB_per_s"] = group.total_fluid / 1e9;
            }
            entry["busy"] = Json::array();
            for (const auto& [name, share] : group.busy) {
                entry["busy"].push_back({{"resource", name}, {"share_of_time", share}});
            }
            if (group.work) {
                entry["work"] = work_json(*group.group->work, *group.work);
            }
            entry["streams"] = Json::array();
            for (const StreamResult& line : group.streams) {
                entry["streams"].push_back(stream(line));
            }
            if (!group.phases.empty()) {
                entry["phases"] = phases_json(group);
            }
            json["traffic"].push_back(std::move(entry));
        }
    }
    if (Json cases = nvbandwidth_json(result); !cases.empty()) {
        json["nvbandwidth"] = std::move(cases);
    }
    return json.dump(2) + "\n";
}

} // namespace sim
