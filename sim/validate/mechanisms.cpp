#include "sim/validate/mechanisms.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"

namespace sim::validate {
namespace {

const std::vector<std::string>& kinds() {
    static const std::vector<std::string> all = {"cpu", "gpu",    "memory",     "switch", "nic", "link",
                                                 "c2c", "nvlink", "grace-link", "pcie",   "upi", "network"};
    return all;
}

std::string kind_of(const Part& part) {
    static const std::vector<std::string> names = {"cpu", "gpu", "memory", "switch",
                                                   "nic"}; // the order of `Part::spec`
    return part.spec.index() < names.size() ? names[part.spec.index()] : "";
}

std::string kind_of(LinkKind kind) {
    switch (kind) {
    case LinkKind::kC2c:
        return "c2c";
    case LinkKind::kNvlink:
        return "nvlink";
    case LinkKind::kGraceLink:
        return "grace-link";
    case LinkKind::kPcie:
        return "pcie";
    case LinkKind::kUpi:
        return "upi";
    case LinkKind::kNetwork:
        return "network";
    }
    return "";
}

} // namespace

Settings Mechanism::settings(const Topology& topology) const {
    Settings all;
    const auto add = [&](const std::string& name, const std::string& kind) {
        if (const auto found = off.find(kind); found != off.end()) {
            for (const auto& [key, value] : found->second) {
                all.emplace_back(name + "." + key, value);
            }
        }
    };
    for (const Part& part : topology.parts) {
        add(part.name, kind_of(part));
    }
    for (const Link& link : topology.links) {
        add(link.name, "link");
        add(link.name, kind_of(link.kind));
    }
    return all;
}

std::vector<Mechanism> read_mechanisms(const std::string& path, const InputFiles& files, Diagnostics& diagnostics) {
    std::vector<Mechanism> mechanisms;
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return mechanisms;
    }
    Fields top(*tree, "mechanisms file", diagnostics);
    const YamlNode* list = top.node("mechanisms");
    top.require({"mechanisms"}, "a list of mechanisms");
    top.finish();
    for (const YamlNode& node : list != nullptr ? list->items : std::vector<YamlNode>{}) {
        Mechanism mechanism;
        Fields fields(node, "mechanism", diagnostics);
        fields.text("name", mechanism.name);
        fields.text("what", mechanism.what);
        const YamlNode* off = fields.node("off");
        fields.require({"name", "what", "off"}, "a mechanism has all of them");
        fields.finish();
        for (const YamlEntry& kind : off != nullptr ? off->entries : std::vector<YamlEntry>{}) {
            if (std::find(kinds().begin(), kinds().end(), kind.key) == kinds().end()) {
                diagnostics.error(kind.where, fmt::format("there is no kind {}", in_quotes(kind.key)),
                                  suggest(kind.key, kinds()));
            }
            for (const YamlEntry& each : kind.value.entries) {
                mechanism.off[kind.key].emplace_back(each.key, each.value.text);
            }
        }
        mechanisms.push_back(std::move(mechanism));
    }
    return mechanisms;
}

} // namespace sim::validate
