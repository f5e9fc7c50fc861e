#include "sim/kinds.h"

#include "sim/spec_fields.h"

namespace sim {

const std::vector<std::pair<std::string, PartSpec>>& part_kinds() {
    static const std::vector<std::pair<std::string, PartSpec>> kinds = {
        {"cpu", models::CpuSpec{}},       {"gpu", models::GpuSpec{}}, {"memory", models::MemorySpec{}},
        {"switch", models::SwitchSpec{}}, {"nic", models::NicSpec{}}, {"end-point", models::EndPointSpec{}}};
    return kinds;
}

const std::vector<std::pair<std::string, LinkKind>>& link_kinds() {
    static const std::vector<std::pair<std::string, LinkKind>> kinds = {
        {"c2c", LinkKind::kC2c},   {"nvlink", LinkKind::kNvlink}, {"grace-link", LinkKind::kGraceLink},
        {"pcie", LinkKind::kPcie}, {"upi", LinkKind::kUpi},       {"network", LinkKind::kNetwork}};
    return kinds;
}

const std::vector<std::pair<std::string, Trust>>& trusts() {
    static const std::vector<std::pair<std::string, Trust>> words = {
        {"calibrated", Trust::kCalibrated}, {"derived", Trust::kDerived}, {"assumed", Trust::kAssumed}};
    return words;
}

std::string to_text(LinkKind kind) {
    for (const auto& [name, value] : link_kinds()) {
        if (value == kind) {
            return name;
        }
    }
    return "link";
}

std::string to_text(Trust trust) {
    for (const auto& [name, value] : trusts()) {
        if (value == trust) {
            return name;
        }
    }
    return "unknown";
}

std::string kind_text(const Part& part) { return part_kinds().at(part.spec.index()).first; }

void read_part_spec(Fields& fields, PartSpec& spec, bool complete) {
    std::visit([&](auto& figures) { read_spec(fields, figures, complete); }, spec);
}

void check_figures(const YamlNode& preset, const std::string& what, Diagnostics& diagnostics) {
    Fields fields(preset, what, diagnostics);
    Trust trust{};
    fields.choice("trust", trust, trusts());
    fields.require({"kind", "trust"}, "each preset says what it is and how well it is known");
    std::vector<std::pair<std::string, int>> kinds; // parts count from 0, links from 100
    for (std::size_t i = 0; i < part_kinds().size(); ++i) {
        kinds.emplace_back(part_kinds()[i].first, static_cast<int>(i));
    }
    for (const auto& [name, kind] : link_kinds()) {
        kinds.emplace_back(name, 100);
    }
    int kind = 0;
    if (!fields.choice("kind", kind, kinds)) {
        return; // which keys it may have is unknown
    }
    if (kind >= 100) {
        models::LinkSpec link;
        read_spec(fields, link, false);
    } else {
        PartSpec part = part_kinds()[static_cast<std::size_t>(kind)].second;
        read_part_spec(fields, part, false);
    }
    fields.finish();
}

} // namespace sim
