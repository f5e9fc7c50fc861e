#include "sim/assumed_ranges.h"

#include <filesystem>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/call_cost_fields.h"
#include "sim/fields.h"
#include "sim/figure_text.h"
#include "sim/kinds.h"
#include "sim/suggest.h"

namespace sim {
namespace {

class RangeReader {
public:
    RangeReader(const Presets& presets, Diagnostics& diagnostics) : presets_(presets), diagnostics_(diagnostics) {}

    void read_file(const std::string& path, const InputFiles& files) {
        const auto text = files.read(path, diagnostics_);
        const auto tree = text ? parse_yaml(*text, path, diagnostics_) : std::nullopt;
        if (!tree) {
            return;
        }
        Fields file(*tree, "range file", diagnostics_);
        const YamlNode* const ranges = file.node("ranges");
        if (ranges == nullptr || !ranges->is_map()) {
            file.error("ranges", "is missing or no map", "write \"ranges:\" and one map a preset below it");
        } else {
            for (const YamlEntry& preset : ranges->entries) {
                read_preset(preset);
            }
        }
        file.finish();
    }

    std::vector<AssumedRange> take() { return std::move(ranges_); }

private:
    void read_preset(const YamlEntry& preset) {
        const auto found = presets_.maps.find(preset.key);
        if (found == presets_.maps.end() && preset.key != kKernelCosts) {
            std::vector<std::string> known = presets_.names();
            known.push_back(kKernelCosts);
            diagnostics_.error(preset.where, fmt::format("ranges: there is no preset {}", in_quotes(preset.key)),
                               suggest(preset.key, known));
        } else if (!preset.value.is_map()) {
            diagnostics_.error(preset.value.where, fmt::format("ranges of {}: no map", preset.key),
                               "write \"FIGURE: {range: 3 to 50 ns, why: ...}\" lines below it");
        } else {
            for (const YamlEntry& figure : preset.value.entries) {
                read_range(preset.key, figure, found == presets_.maps.end() ? nullptr : &found->second);
            }
        }
    }

    void read_range(const std::string& preset, const YamlEntry& entry, const YamlNode* figures) {
        AssumedRange range{.preset = preset, .figure = entry.key, .where = entry.where};
        const std::string what = fmt::format("range of {} {}", preset, entry.key);
        const std::size_t errors_before = diagnostics_.errors();
        Fields fields(entry.value, what, diagnostics_);
        fields.text("range", range.spelt);
        fields.text("why", range.why);
        fields.require({"range", "why"}, "write {range: 3 to 50 ns, why: a reason}");
        fields.finish();
        if (diagnostics_.errors() != errors_before) {
            return;
        }
        const auto ends = split_range(range.spelt);
        if (!ends) {
            fields.error("range", in_quotes(range.spelt) + " has no two ends", "write \"3 to 50 ns\"");
            return;
        }
        std::tie(range.low, range.high) = *ends;
        if (figures != nullptr) {
            const YamlNode* const nominal = find_figure(*figures, range.figure);
            if (nominal == nullptr || !nominal->is_scalar()) {
                diagnostics_.error(entry.where, fmt::format("{}: the preset has no such figure", what));
                return;
            }
            range.nominal = nominal->text;
        } else if (const CallCostKey* const cost = find_call_cost(range.figure)) {
            range.nominal = to_text(*cost, {});
        }
        for (const std::string* end : {&range.low, &range.high}) {
            check_end(range, *end, fields.where("range"), figures);
        }
        if (diagnostics_.errors() == errors_before) {
            check_order(range, fields);
        }
        if (diagnostics_.errors() == errors_before && seen_.insert({preset, range.figure}).second) {
            ranges_.push_back(std::move(range));
        }
    }

    /// As if the preset, or the scenario, said so.
    void check_end(const AssumedRange& range, const std::string& end, const Location& where, const YamlNode* figures) {
        YamlNode map = nested_figure(range.figure, make_scalar(end, where), where);
        if (figures == nullptr) {
            models::linux::CallCosts costs;
            Fields fields(map, "kernel: costs", diagnostics_);
            read_call_costs(fields, costs);
            fields.finish();
            return;
        }
        for (const char* key : {"kind", "trust"}) {
            if (const YamlNode* said = figures->find(key)) {
                map.entries.push_back({key, where, *said});
            }
        }
        check_figures(map, "preset " + range.preset, diagnostics_);
    }

    void check_order(const AssumedRange& range, Fields& fields) {
        const auto low = figure_value(range.low), high = figure_value(range.high);
        if (!low || !high) {
            return; // a flag: its ends are its two values
        }
        const auto nominal = figure_value(range.nominal);
        if (*low >= *high) {
            fields.error("range", in_quotes(range.spelt) + " has its ends in the wrong order", "the lower end first");
        } else if (nominal && (*nominal < *low || *nominal > *high)) {
            fields.error("range",
                         fmt::format("{} does not hold the preset's {}", in_quotes(range.spelt), range.nominal));
        }
    }

    const Presets& presets_;
    Diagnostics& diagnostics_;
    std::vector<AssumedRange> ranges_;
    std::set<std::pair<std::string, std::string>> seen_;
};

} // namespace

std::vector<AssumedRange> load_assumed_ranges(const std::vector<std::string>& topology_directories,
                                              const Presets& presets, const InputFiles& files,
                                              Diagnostics& diagnostics) {
    RangeReader reader(presets, diagnostics);
    std::set<std::string> seen;
    for (const std::string& directory : topology_directories) {
        const std::string path = (std::filesystem::path(directory) / "ranges").lexically_normal().string();
        if (seen.insert(path).second) {
            for (const std::string& file : files.list(path)) {
                reader.read_file(file, files);
            }
        }
    }
    return reader.take();
}

std::vector<AssumedRange> with_inherited_ranges(std::vector<AssumedRange> ranges, const Presets& presets) {
    std::set<std::pair<std::string, std::string>> known;
    for (const AssumedRange& range : ranges) {
        known.insert({range.preset, range.figure});
    }
    const std::size_t own = ranges.size();
    for (const auto& [name, first] : presets.like) {
        for (std::string base = first; !base.empty();) {
            for (std::size_t i = 0; i < own; ++i) {
                const YamlNode* const figure = find_figure(presets.maps.at(name), ranges[i].figure);
                if (ranges[i].preset == base && figure != nullptr && figure->text == ranges[i].nominal &&
                    known.insert({name, ranges[i].figure}).second) {
                    ranges.push_back(ranges[i]);
                    ranges.back().preset = name;
                }
            }
            const auto next = presets.like.find(base);
            base = next == presets.like.end() ? "" : next->second;
        }
    }
    return ranges;
}

} // namespace sim
