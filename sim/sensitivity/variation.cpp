#include "sim/sensitivity/variation.h"

#include <map>
#include <set>

#include "sim/call_cost_fields.h"
#include "sim/figure_text.h"

namespace sim {
namespace {

/// Parts or links of one entry of the topology file.
struct Entry {
    std::vector<std::string> as_in_preset; ///< names
    bool all = true;
};

/// Whether the machine left the figure as the preset has it.
bool is_nominal(const YamlNode& figures, const AssumedRange& range) {
    const YamlNode* const written = find_figure(figures, range.figure);
    return written != nullptr && written->text == range.nominal;
}

template <class Items>
void look_at(const Items& items, const AssumedRange& range, std::map<std::string, Entry>& entries, bool& there) {
    for (const auto& item : items) {
        if (item.preset != range.preset) {
            if (entries.count(item.entry) > 0) { // set by the scenario to another preset
                entries[item.entry].all = false;
            }
            continue;
        }
        there = true;
        Entry& entry = entries[item.entry];
        if (item.figures != nullptr && is_nominal(*item.figures, range)) {
            entry.as_in_preset.push_back(item.name);
        } else {
            entry.all = false;
        }
    }
}

} // namespace

std::vector<std::string> Variation::overrides(const std::string& end) const {
    std::vector<std::string> with_value;
    for (const std::string& path : paths) {
        with_value.push_back(path + end);
    }
    return with_value;
}

VariationPlan plan_variations(const Scenario& scenario, const std::vector<AssumedRange>& ranges) {
    VariationPlan plan;
    for (const AssumedRange& range : ranges) {
        Variation variation{range, {}, range.preset == kKernelCosts};
        if (variation.of_kernel) {
            if (scenario.software.vms.empty()) {
                continue;
            }
            const CallCostKey& cost = *find_call_cost(range.figure);
            if (to_text(cost, scenario.software.costs) != range.nominal) {
                plan.replaced.push_back(variation.name());
                continue;
            }
            variation.paths.push_back("software.kernel.costs." + range.figure + "=");
            plan.varied.push_back(std::move(variation));
            continue;
        }
        if (scenario.groups.empty()) {
            continue;
        }
        std::map<std::string, Entry> entries;
        bool there = false;
        look_at(scenario.topology.parts, range, entries, there);
        look_at(scenario.topology.links, range, entries, there);
        for (const auto& [name, entry] : entries) {
            for (const std::string& one : entry.all ? std::vector{name} : entry.as_in_preset) {
                variation.paths.push_back("machine." + one + "." + range.figure + "=");
            }
        }
        if (!variation.paths.empty()) {
            plan.varied.push_back(std::move(variation));
        } else if (there) {
            plan.replaced.push_back(variation.name());
        }
    }
    return plan;
}

} // namespace sim
