#include "sim/validate/row_figure.h"

#include <algorithm>

namespace sim::validate {
namespace {

using Json = nlohmann::json;

/// What a work says, or the first of streams.
const Json& verdict(const Json& group) { return group.contains("work") ? group["work"] : group["streams"].front(); }

/// One group's figure, in the unit of the row.
std::optional<double> group_figure(const RowResult& row, std::size_t index, const Json& result, double& half_width,
                                   std::string& fault) {
    const RowFigure& figure = row.plan.figure;
    const RowGroup& group = row.plan.groups[index];
    if (result.contains("work")) {
        const Json& work = result["work"];
        if (work.contains("fault")) {
            fault = work["fault"];
            return std::nullopt;
        }
        const bool bus = figure.of == RowFigure::Of::kBusBandwidth;
        return work[bus ? "busbw_GB_per_s" : "algbw_GB_per_s"].get<double>() * 1e9 * figure.factor;
    }
    double sum = 0;
    const Json& streams = result["streams"];
    for (std::size_t i = 0; i < streams.size(); ++i) {
        if (streams[i].contains("fault")) {
            fault = streams[i]["fault"];
            return std::nullopt;
        }
        if (i >= group.counted) {
            continue;
        }
        const bool is_latency = streams[i]["metric"] == "latency";
        const double scale = is_latency ? 1e3 : 1e9; // ps, bytes a second
        half_width += streams[i]["confidence_half_width"].get<double>() * scale;
        if (figure.of == RowFigure::Of::kHalfRoundTrip) {
            return streams[i]["latency_under_load_ns"].get<double>() * 1e3 / 2;
        }
        sum += streams[i]["value"].get<double>() * scale;
    }
    if (figure.mean) {
        sum /= static_cast<double>(group.counted);
    }
    return sum * figure.factor;
}

/// The lowest grade counts, and all reasons.
void add_trust(RowResult& row, const Json& verdict) {
    static const std::vector<std::string> grades = {"", "calibrated", "composed", "extrapolated"};
    const auto rank = [&](const std::string& grade) {
        return std::find(grades.begin(), grades.end(), grade) - grades.begin();
    };
    if (rank(verdict["trust"]) > rank(row.trust)) {
        row.trust = verdict["trust"];
    }
    for (const Json& reason : verdict["trust_reasons"]) {
        const std::string text = reason;
        if (std::find(row.trust_reasons.begin(), row.trust_reasons.end(), text) == row.trust_reasons.end()) {
            row.trust_reasons.push_back(text);
        }
    }
}

} // namespace

void refuse(RowResult& row, RowResult::Status status, const std::string& reason) {
    row.status = status;
    row.reason = reason;
}

void work_out(RowResult& row, const std::map<std::string, nlohmann::json>& groups) {
    const RowFigure& figure = row.plan.figure;
    double best = 0, longest = 0;
    for (std::size_t i = 0; i < row.plan.groups.size(); ++i) {
        const auto found = groups.find(row.plan.groups[i].name);
        if (found == groups.end()) {
            refuse(row, RowResult::Status::kUnsupported, "its scenario was not run to its end");
            return;
        }
        double half_width = 0;
        std::string fault;
        const auto value = group_figure(row, i, found->second, half_width, fault);
        if (!value) {
            refuse(row, RowResult::Status::kUnsupported, fault);
            return;
        }
        const bool takes = figure.of == RowFigure::Of::kRuntime || figure.of == RowFigure::Of::kComputeRate;
        const double seconds = takes ? figure.bytes[i] / *value : 0;
        if (takes ? seconds > longest : i == 0 || *value > best) {
            best = *value;
            longest = seconds;
            row.half_width = takes ? 0 : half_width * figure.factor;
            const Json& first = verdict(found->second);
            row.binding = first["binding"]["resource"];
            row.binding_share = first["binding"]["share_of_time"];
        }
        if (found->second.contains("work")) {
            add_trust(row, found->second["work"]);
        } else {
            for (const Json& stream : found->second["streams"]) {
                add_trust(row, stream);
            }
        }
    }
    row.predicted = best;
    if (figure.of == RowFigure::Of::kRuntime) {
        row.predicted = (figure.seconds + longest) * 1e12;
    } else if (figure.of == RowFigure::Of::kComputeRate) {
        const double computing = figure.operations / figure.peak;
        if (computing >= longest) {
            row.binding = "arithmetic of the GPU";
            row.binding_share = 1;
        }
        row.predicted = figure.operations / std::max(computing, longest);
    }
}

} // namespace sim::validate
