#include "sim/fabric_cuts.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/routing.h"
#include "sim/units.h"

namespace sim {

namespace {

using models::Aperture;

constexpr std::size_t kShownMax = 4; ///< groups of GPUs that one message spells out

bool has_faults(const Topology& topology) {
    return std::any_of(topology.parts.begin(), topology.parts.end(), [](const Part& part) { return part.down; }) ||
           std::any_of(topology.links.begin(), topology.links.end(), [](const Link& link) { return link.down; });
}

/// "nvswitch3" and 3; a leading zero belongs to the name.
std::pair<std::string, std::optional<std::uint64_t>> split(const std::string& name) {
    std::size_t digits = name.size();
    while (digits > 0 && name.size() - digits < 9 && std::isdigit(static_cast<unsigned char>(name[digits - 1])) != 0) {
        --digits;
    }
    while (digits + 1 < name.size() && name[digits] == '0') {
        ++digits;
    }
    const auto number = parse_count(std::string_view(name).substr(digits));
    return {name.substr(0, digits), number ? std::optional(*number) : std::nullopt};
}

} // namespace

std::string in_ranges(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < names.size();) {
        const auto [stem, first] = split(names[i]);
        std::size_t end = i + 1;
        while (first && end < names.size() && split(names[end]) == std::pair{stem, std::optional(*first + (end - i))}) {
            ++end;
        }
        text += text.empty() ? "" : ", ";
        text += end - i > 2 ? fmt::format("{}[{}..{}]", stem, *first, *first + (end - i) - 1) : names[i];
        i = end - i > 2 ? end : i + 1;
    }
    return text;
}

void report_cuts(const Topology& topology, Diagnostics& diagnostics) {
    if (!has_faults(topology)) {
        return;
    }
    const Routing now(topology), before(topology, Routing::Faults::kIgnored);
    std::vector<std::size_t> gpus;
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        if (std::holds_alternative<models::GpuSpec>(topology.parts[i].spec)) {
            gpus.push_back(i);
        }
    }
    // GPUs that have lost the same others are told together.
    std::map<std::vector<std::string>, std::vector<std::string>> cut; // lost -> who has lost them
    std::size_t pairs = 0;
    for (const std::size_t from : gpus) {
        std::vector<std::string> lost;
        for (const std::size_t to : gpus) {
            if (from != to && before.reaches(from, Aperture::kFabric, to) &&
                !now.reaches(from, Aperture::kFabric, to)) {
                lost.push_back(topology.parts[to].name);
            }
        }
        pairs += lost.size();
        if (!lost.empty()) {
            cut[lost].push_back(topology.parts[from].name);
        }
    }
    if (pairs == 0) {
        return;
    }
    std::vector<std::pair<std::string, std::string>> groups; // who, lost
    for (const auto& [lost, who] : cut) {
        // The same cut seen from the other side says nothing new.
        const auto mirrored = cut.find(who);
        const bool is_mirrored = mirrored != cut.end() && mirrored->second == lost;
        if (!is_mirrored || std::pair(who.size(), who) < std::pair(lost.size(), lost)) {
            groups.emplace_back(in_ranges(who), in_ranges(lost));
        }
    }
    std::sort(groups.begin(), groups.end(),
              [](const auto& a, const auto& b) { return a.first.size() < b.first.size(); });
    std::string text;
    for (std::size_t i = 0; i < std::min(groups.size(), kShownMax); ++i) {
        text += fmt::format("{}{} can no longer reach {}", i == 0 ? "" : "; ", groups[i].first, groups[i].second);
    }
    if (groups.size() > kShownMax) {
        text += fmt::format("; and {} more groups", groups.size() - kShownMax);
    }
    diagnostics.warning({topology.file, 0, 0},
                        fmt::format("what is down takes the NVLink fabric apart, {} of {} pairs: {}", pairs / 2,
                                    gpus.size() * (gpus.size() - 1) / 2, text),
                        "streams between them are refused");
}

} // namespace sim
