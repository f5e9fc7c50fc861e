#include "sim/sharing_loader.h"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/kinds.h"
#include "sim/ranges.h"
#include "sim/tenants.h"

namespace sim {
namespace {

using models::SharingSpec;

enum class Policy { kFirstCome, kWeightedFair, kStrictPriority, kRateCap, kPartition };

const std::vector<std::pair<std::string, Policy>> kPolicies{{"first-come", Policy::kFirstCome},
                                                            {"weighted-fair", Policy::kWeightedFair},
                                                            {"strict-priority", Policy::kStrictPriority},
                                                            {"rate-cap", Policy::kRateCap},
                                                            {"bandwidth-partition", Policy::kPartition}};

constexpr Bounds kRate{.min = 1'000'000, .max = 1'000'000'000'000'000}; // 1 MB/s to 1 PB/s

class SharingReader {
public:
    SharingReader(const Topology* topology, Diagnostics& diagnostics)
        : topology_(topology), diagnostics_(diagnostics) {}

    std::vector<SharingSetup> read(const YamlNode& list) {
        if (!list.is_sequence() || list.items.empty()) {
            diagnostics_.error(list.where, "sharing is no list of policies",
                               "write \"sharing: [{at: c2c, policy: weighted-fair, weights: {vm0: 3, vm1: 1}}]\"");
            return {};
        }
        std::vector<SharingSetup> setups;
        for (std::size_t i = 0; i < list.items.size(); ++i) {
            setups.push_back(read_one(list.items[i], fmt::format("sharing {}", i)));
        }
        return setups;
    }

private:
    SharingSetup read_one(const YamlNode& node, const std::string& what) {
        Fields fields(node, what, diagnostics_);
        SharingSetup setup;
        setup.where = node.where;
        Policy policy = Policy::kFirstCome;
        const bool known = fields.choice("policy", policy, kPolicies);
        const YamlNode* at = fields.node("at");
        const auto each_share = [&](const char* key, auto read_value) {
            const YamlNode* map = fields.node(key);
            if (map == nullptr) {
                return;
            }
            Fields inner(*map, what + ": " + key, diagnostics_);
            for (const YamlEntry& entry : map->entries) {
                setup.names.emplace_back(entry.key, entry.where);
                read_value(inner, entry.key, setup.tenants[entry.key]);
            }
            inner.finish();
        };
        each_share("weights", [](Fields& inner, const std::string& name, SharingSpec::Share& share) {
            inner.count(name, share.weight, {.max = 1'000'000});
        });
        each_share("priorities", [](Fields& inner, const std::string& name, SharingSpec::Share& share) {
            inner.count(name, share.priority, {.min = 0, .max = 1'000'000});
        });
        each_share("caps", [](Fields& inner, const std::string& name, SharingSpec::Share& share) {
            inner.rate(name, share.cap_bytes_per_second, kRate);
        });
        each_share("minimums", [](Fields& inner, const std::string& name, SharingSpec::Share& share) {
            inner.rate(name, share.floor_bytes_per_second, kRate);
        });
        fields.require({"at", "policy"}, "say where and how, \"at: c2c, policy: weighted-fair\"");
        fields.finish();
        if (known) {
            setup.order = policy == Policy::kWeightedFair     ? SharingSpec::Order::kWeightedFair
                          : policy == Policy::kStrictPriority ? SharingSpec::Order::kStrictPriority
                                                              : SharingSpec::Order::kFirstCome;
            check_keys(fields, policy);
        }
        if (at != nullptr) {
            read_places(*at, what, setup);
        }
        if (policy == Policy::kPartition && !setup.outlets.empty()) {
            fields.error("policy", "bandwidth-partition holds at memories, as Arm MPAM has it",
                         "name memories only, or use weighted-fair at links");
        }
        check_floors(fields, setup);
        return setup;
    }

    /// Each policy has the figures that it needs, and none that it would not look at.
    void check_keys(Fields& fields, Policy policy) {
        const auto only = [&](const char* key, Policy owner, const char* name) {
            if (fields.has(key) && policy != owner) {
                fields.error(key, fmt::format("holds with policy {} only", name));
            } else if (!fields.has(key) && policy == owner) {
                fields.require({key}, fmt::format("{} needs them, by VM or tenant", name));
            }
        };
        only("weights", Policy::kWeightedFair, "weighted-fair");
        only("priorities", Policy::kStrictPriority, "strict-priority");
        if (policy == Policy::kRateCap) {
            fields.require({"caps"}, "rate-cap needs them, by VM or tenant");
        }
        if (fields.has("minimums") && policy != Policy::kPartition) {
            fields.error("minimums", "holds with policy bandwidth-partition only");
        }
        if (policy == Policy::kPartition && !fields.has("minimums") && !fields.has("caps")) {
            fields.error("policy", "bandwidth-partition without minimums or caps divides nothing",
                         "write \"minimums: {vm0: 100 GB/s}\"");
        }
    }

    void check_floors(Fields& fields, const SharingSetup& setup) {
        std::uint64_t sum = 0;
        for (const auto& [name, share] : setup.tenants) {
            sum += share.floor_bytes_per_second;
            if (share.cap_bytes_per_second != 0 && share.floor_bytes_per_second > share.cap_bytes_per_second) {
                fields.error("minimums", fmt::format("{}'s is above its cap", name));
            }
        }
        for (const std::size_t memory : setup.memories) {
            const auto& spec = std::get<models::MemorySpec>(topology_->parts[memory].spec);
            const std::uint64_t rate = std::min(spec.read_bytes_per_second, spec.write_bytes_per_second);
            if (sum > rate) {
                fields.error("minimums", fmt::format("come to {}, more than the {} of {}", format_rate(sum),
                                                     format_rate(rate), topology_->parts[memory].name));
                return;
            }
        }
    }

    void read_places(const YamlNode& at, const std::string& what, SharingSetup& setup) {
        const std::vector<YamlNode> one{at};
        const auto& items = at.is_sequence() ? at.items : one;
        if (items.empty()) {
            diagnostics_.error(at.where, what + ": at is empty", "write \"at: [c2c0, lpddr0]\"");
        }
        for (const YamlNode& item : items) {
            if (!item.is_scalar() || item.text.empty()) {
                diagnostics_.error(item.where, what + ": at: no name of a link, memory or switch",
                                   "write \"at: [c2c0, lpddr0]\"");
                continue;
            }
            for (const RangeName& range : expand_ranges(item.text, item.where, diagnostics_)) {
                read_place(range.name, item, what, setup);
            }
        }
    }

    void read_place(const std::string& name, const YamlNode& item, const std::string& what, SharingSetup& setup) {
        if (topology_ == nullptr) {
            return;
        }
        const bool prefix = name.ends_with('*');
        const std::string stem = prefix ? name.substr(0, name.size() - 1) : name;
        const auto means = [&](const std::string& each) { return prefix ? each.starts_with(stem) : each == name; };
        bool found = false;
        for (std::size_t i = 0; i < topology_->links.size(); ++i) {
            const Link& link = topology_->links[i];
            const bool whole = means(link.name) || to_text(link.kind) == name;
            for (unsigned end = 0; end < 2; ++end) {
                const std::string& sender = end == 0 ? link.a : link.b;
                if (whole || (is_switch(sender) && means(sender))) {
                    found = true;
                    add({i, end}, item, what, setup);
                }
            }
        }
        for (std::size_t i = 0; i < topology_->parts.size(); ++i) {
            const Part& part = topology_->parts[i];
            if (std::holds_alternative<models::MemorySpec>(part.spec) && (means(part.name) || name == "memory")) {
                found = true;
                add(i, item, what, setup);
            }
        }
        if (!found) {
            diagnostics_.error(
                item.where,
                fmt::format("{}: at: {} is no link, memory or switch, and no kind of them", what, in_quotes(name)),
                suggest(name, places()));
        }
    }

    void add(SharingSetup::Outlet outlet, const YamlNode& item, const std::string& what, SharingSetup& setup) {
        if (taken_.insert({0, outlet.link, outlet.end}).second) {
            setup.outlets.push_back(outlet);
        } else {
            say_twice(topology_->links[outlet.link].name, item, what);
        }
    }
    void add(std::size_t memory, const YamlNode& item, const std::string& what, SharingSetup& setup) {
        if (taken_.insert({1, memory, 0}).second) {
            setup.memories.push_back(memory);
        } else {
            say_twice(topology_->parts[memory].name, item, what);
        }
    }
    void say_twice(const std::string& name, const YamlNode& item, const std::string& what) {
        diagnostics_.error(item.where, fmt::format("{}: at: {} has a policy already", what, name),
                           "each direction of a link and each memory has one");
    }

    bool is_switch(const std::string& name) const {
        const Part* const part = topology_->find(name);
        return part != nullptr && std::holds_alternative<models::SwitchSpec>(part->spec);
    }

    std::vector<std::string> places() const {
        std::vector<std::string> names{"memory"};
        for (const auto& [word, kind] : link_kinds()) {
            names.push_back(word);
        }
        for (const Link& link : topology_->links) {
            names.push_back(link.name);
        }
        for (const Part& part : topology_->parts) {
            if (std::holds_alternative<models::MemorySpec>(part.spec) ||
                std::holds_alternative<models::SwitchSpec>(part.spec)) {
                names.push_back(part.name);
            }
        }
        return names;
    }

    const Topology* topology_;
    Diagnostics& diagnostics_;
    std::set<std::tuple<int, std::size_t, unsigned>> taken_;
};

} // namespace

std::vector<SharingSetup> read_sharing(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics) {
    return SharingReader(topology, diagnostics).read(node);
}

void check_tenants(const Scenario& scenario, Diagnostics& diagnostics) {
    const std::vector<std::string> known = tenant_names(scenario);
    for (std::size_t i = 0; i < scenario.software.sharing.size(); ++i) {
        for (const auto& [name, where] : scenario.software.sharing[i].names) {
            if (std::find(known.begin(), known.end(), name) == known.end()) {
                diagnostics.error(
                    where, fmt::format("sharing {}: {} is no VM, and no stream's tenant", i, in_quotes(name)),
                    known.empty() ? "name it in a stream, \"tenant: " + name + "\"" : suggest(name, known));
            }
        }
    }
}

void check_fluid_sharing(const Scenario& scenario, Fidelity fidelity, Diagnostics& diagnostics) {
    if ((fidelity == Fidelity::kFluid || fidelity == Fidelity::kAll) && !scenario.software.sharing.empty()) {
        diagnostics.error(scenario.software.sharing.front().where,
                          fmt::format("--fidelity {} knows no sharing policies", to_string(fidelity)),
                          "run it without, or with --fidelity bound");
    }
}

} // namespace sim
