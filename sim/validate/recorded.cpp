#include "sim/validate/recorded.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/error_bands.h"
#include "sim/fields.h"

namespace sim::validate {
namespace {

constexpr double kBandShare = 0.9; ///< of the rows lie within a band

const std::vector<MetricClass>& classes() {
    static const std::vector<MetricClass> all = {MetricClass::kBandwidth, MetricClass::kLatency, MetricClass::kOther};
    return all;
}

/// The least error that `kBandShare` of the rows do not exceed.
double within(std::vector<double> errors) {
    std::sort(errors.begin(), errors.end());
    const auto rank = static_cast<std::size_t>(std::ceil(kBandShare * static_cast<double>(errors.size())));
    return errors[std::max<std::size_t>(rank, 1) - 1];
}

bool is_large(const RowResult& row) {
    return row.status == RowResult::Status::kCompared && std::abs(row.error()) > kWorstAllowed;
}

} // namespace

std::map<std::string, std::string> read_doubtful(const std::string& path, const InputFiles& files,
                                                 Diagnostics& diagnostics) {
    std::map<std::string, std::string> doubtful;
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return doubtful;
    }
    Fields fields(*tree, "doubtful rows", diagnostics);
    const YamlNode* rows = fields.node("rows");
    fields.require({"rows"}, "a map of ids to reasons");
    fields.finish();
    for (const YamlEntry& entry : rows != nullptr ? rows->entries : std::vector<YamlEntry>{}) {
        if (!entry.value.is_scalar() || entry.value.text.empty()) {
            diagnostics.error(entry.where, fmt::format("doubtful row {} has no reason", entry.key));
        }
        doubtful[entry.key] = entry.value.text;
    }
    return doubtful;
}

Recorded record(const RowRun& run, const std::map<std::string, std::string>& doubtful) {
    Recorded recorded;
    for (const RowResult& row : run.rows) {
        if (is_large(row) && doubtful.count(row.row.id()) == 0) {
            recorded.large.push_back(row.row.id());
        }
    }
    std::map<std::string, std::vector<double>> errors;
    for (const MetricClass each : classes()) {
        const Accuracy all = accuracy(rows_of(run.rows, each));
        recorded.summaries[to_string(each)] = {all.rows, all.mean_abs_error, all.median_abs_error};
        for (const RowResult* row : rows_of(run.rows, each)) {
            if (row->status == RowResult::Status::kCompared && each != MetricClass::kOther) {
                for (const std::string& name : band_names(each == MetricClass::kLatency, row->plan.kind, row->trust)) {
                    errors[name].push_back(std::abs(row->error()));
                }
            }
        }
    }
    for (const auto& [name, values] : errors) {
        if (values.size() >= kBandRows) {
            recorded.bands.push_back({name, values.size(), within(values)});
        }
    }
    return recorded;
}

std::string to_yaml(const Recorded& recorded, const std::string& file) {
    std::string out =
        fmt::format("# Made by: egmsim validate {} --record validation/recorded.yaml\n"
                    "# What the shipped models miss the shipped measurements by. A test fails when a mean "
                    "rises by more than 0.3 points over\n"
                    "# these; results print the band of their class as their error band "
                    "(docs/accuracy.md).\nsummaries:\n",
                    file);
    for (const auto& [name, summary] : recorded.summaries) {
        out += fmt::format("  {}: {{rows: {}, mean_abs_error: {:.3f} %, median_abs_error: {:.3f} %}}\n", name,
                           summary.rows, summary.mean_abs_error * 100, summary.median_abs_error * 100);
    }
    out += "# within: the error that nine of ten rows of the class do not exceed.\nbands:\n";
    for (const Recorded::Band& band : recorded.bands) {
        out += fmt::format("  - {{of: {}, rows: {}, within: {:.2f} %}}\n", band.of, band.rows, band.within * 100);
    }
    if (!recorded.large.empty()) {
        out += fmt::format("# Off by more than {:.0f} %, though their source is not doubtful.\nlarge: [{}]\n",
                           kWorstAllowed * 100, fmt::join(recorded.large, ", "));
    }
    return out;
}

std::optional<Recorded> read_recorded(const std::string& path, const InputFiles& files, Diagnostics& diagnostics) {
    const std::size_t errors = diagnostics.errors();
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return std::nullopt;
    }
    Recorded recorded;
    Fields top(*tree, "recorded figures", diagnostics);
    const YamlNode* summaries = top.node("summaries");
    const YamlNode* bands = top.node("bands");
    top.texts("large", recorded.large);
    top.require({"summaries", "bands"}, "make it with --record");
    top.finish();
    for (const YamlEntry& entry : summaries != nullptr ? summaries->entries : std::vector<YamlEntry>{}) {
        Recorded::Summary& summary = recorded.summaries[entry.key];
        std::uint64_t rows = 0;
        Fields fields(entry.value, entry.key, diagnostics);
        fields.count("rows", rows, {.min = 0});
        fields.share("mean_abs_error", summary.mean_abs_error, 0, 1000);
        fields.share("median_abs_error", summary.median_abs_error, 0, 1000);
        fields.finish();
        summary.rows = rows;
    }
    for (const YamlNode& node : bands != nullptr ? bands->items : std::vector<YamlNode>{}) {
        Recorded::Band band;
        std::uint64_t rows = 0;
        Fields fields(node, "band", diagnostics);
        fields.text("of", band.of);
        fields.count("rows", rows);
        fields.share("within", band.within, 0, 1000);
        fields.require({"of", "rows", "within"}, "make it with --record");
        fields.finish();
        band.rows = rows;
        recorded.bands.push_back(std::move(band));
    }
    return diagnostics.errors() == errors ? std::optional(std::move(recorded)) : std::nullopt;
}

std::vector<std::string> check_gate(const RowRun& run, const Recorded& recorded,
                                    const std::map<std::string, std::string>& doubtful) {
    std::vector<std::string> worse;
    for (const MetricClass each : classes()) {
        const Accuracy now = accuracy(rows_of(run.rows, each));
        const auto before = recorded.summaries.find(to_string(each));
        if (before == recorded.summaries.end()) {
            continue;
        }
        if (now.mean_abs_error > before->second.mean_abs_error + kGate) {
            worse.push_back(fmt::format("{}: mean absolute error {:.2f} %, recorded {:.2f} %", to_string(each),
                                        now.mean_abs_error * 100, before->second.mean_abs_error * 100));
        }
        if (now.rows < before->second.rows) {
            worse.push_back(
                fmt::format("{}: {} rows compared, recorded {}", to_string(each), now.rows, before->second.rows));
        }
    }
    for (const RowResult& row : run.rows) {
        const bool known =
            std::find(recorded.large.begin(), recorded.large.end(), row.row.id()) != recorded.large.end();
        if (is_large(row) && !known && doubtful.count(row.row.id()) == 0) {
            worse.push_back(fmt::format("{} is off by {:+.1f} % and its source is not listed as doubtful", row.row.id(),
                                        row.error() * 100));
        }
    }
    return worse;
}

} // namespace sim::validate
