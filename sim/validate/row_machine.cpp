#include "sim/validate/row_machine.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"
#include "sim/topology_loader.h"
#include "sim/validate/stream_text.h"

namespace sim::validate {
namespace {

using Kind = MachineParts::Kind;

class MachineFinder {
public:
    MachineFinder(MeasuredRow& row, const RowRequest& request, const std::vector<MeasuredSystem>& systems,
                  MachineCache& machines, const Mechanism* off, RowMachine& into, Diagnostics& diagnostics)
        : row_(row), request_(request), systems_(systems), machines_(machines), off_(off), into_(into),
          diagnostics_(diagnostics) {}

    bool find() { return find_machine() && (!into_.unsupported.empty() || find_engine()); }

private:
    void reject(Column column, const std::string& message, const std::string& suggestion = {}) {
        row_.reject(column, message, suggestion, diagnostics_);
    }
    void refuse(const std::string& why) { into_.unsupported = why; }

    bool find_machine() {
        const std::string& name = row_.text(kSystem);
        if (name.empty()) {
            return false;
        }
        const MeasuredSystem* system = find_system(systems_, name);
        SystemMachine machine;
        if (system != nullptr) {
            bool known = true;
            machine = find_variant(*system, row_.text(kVariant), known);
            if (!known) {
                into_.warnings.push_back(fmt::format("variant {} is none that systems.yaml tells apart: taken as {}",
                                                     in_quotes(row_.text(kVariant)),
                                                     machine.topology.empty() ? "the system's own" : machine.topology));
            }
        } else if (machines_.exists(name)) {
            machine.topology = name;
        } else {
            std::vector<std::string> names;
            for (const MeasuredSystem& each : systems_) {
                names.insert(names.end(), each.names.begin(), each.names.end());
            }
            const std::string near = nearest(name, names);
            reject(kSystem, fmt::format("system {} is not known", in_quotes(name)),
                   near.empty() ? "name a system of validation/systems.yaml, a machine such as gh200-quad, or a "
                                  "topology file; --systems FILE adds your own"
                                : fmt::format("did you mean \"{}\"?", near));
            return false;
        }
        if (!machine.not_modelled.empty()) {
            refuse(machine.not_modelled);
            return true;
        }
        const bool network =
            request_.op.kind == RowOperation::Kind::kNetwork || request_.op.kind == RowOperation::Kind::kNetworkLatency;
        if (network && !machine.network_topology.empty()) {
            machine.topology = machine.network_topology;
        }
        std::string why;
        if (!machines_.exists(machine.topology)) {
            refuse(fmt::format("there is no machine {} among the topologies", in_quotes(machine.topology)));
            return true;
        }
        into_.topology = machines_.load(machine.topology, machine.set, why);
        if (into_.topology == nullptr) {
            reject(kSystem, fmt::format("the machine of system {} does not load: {}", in_quotes(name), why));
            return false;
        }
        into_.machine = machine;
        if (off_ != nullptr) {
            const Settings off = off_->settings(*into_.topology);
            into_.machine.set.insert(into_.machine.set.end(), off.begin(), off.end());
        }
        return row_.text(kInitiator).empty() ? false : find_kind(system);
    }

    /// Which kind of part the initiator's name is.
    bool find_kind(const MeasuredSystem* system) {
        static const std::vector<std::pair<std::string, Kind>> general = {
            {"cpu", Kind::kCpu},        {"host", Kind::kCpu},      {"gpu", Kind::kGpu},      {"device", Kind::kGpu},
            {"nic", Kind::kNic},        {"hca", Kind::kNic},       {"connectx", Kind::kNic}, {"connectx 7", Kind::kNic},
            {"connectx 8", Kind::kNic}, {"slingshot", Kind::kNic}, {"cassini", Kind::kNic},
        };
        static const std::vector<std::pair<std::string, Kind>> models = {
            {"grace", Kind::kCpu},  {"x86", Kind::kCpu},  {"xeon", Kind::kCpu},      {"epyc", Kind::kCpu},
            {"hopper", Kind::kGpu}, {"h100", Kind::kGpu}, {"h200", Kind::kGpu},      {"h800", Kind::kGpu},
            {"gh200", Kind::kGpu},  {"a100", Kind::kGpu}, {"blackwell", Kind::kGpu}, {"b200", Kind::kGpu},
            {"gb200", Kind::kGpu},  {"b300", Kind::kGpu}, {"gb300", Kind::kGpu},
        };
        std::vector<std::string> candidates;
        const auto matches = [&](const std::vector<std::string>& names) {
            return std::any_of(names.begin(), names.end(), [&](const std::string& each) {
                candidates.push_back(each);
                const auto words = words_of(each);
                return fmt::format("{}", fmt::join(words, " ")) == request_.initiator;
            });
        };
        for (const auto& [name, kind] : general) {
            candidates.push_back(name);
            if (name == request_.initiator) {
                into_.kind = kind;
                return true;
            }
        }
        if (system != nullptr && matches(system->cpu)) {
            into_.kind = Kind::kCpu;
            return true;
        }
        if (system != nullptr && matches(system->gpu)) {
            into_.kind = Kind::kGpu;
            into_.gpu_name = system->gpu.front();
            return true;
        }
        for (const auto& [name, kind] : models) {
            if (name == request_.initiator) {
                if (system == nullptr) {
                    into_.kind = kind;
                    return true;
                }
                reject(kInitiator, fmt::format("{} has no {}", in_quotes(row_.text(kSystem)), row_.text(kInitiator)),
                       fmt::format("its initiators: {}", fmt::join(names_of(*system), ", ")));
                return false;
            }
            candidates.push_back(name);
        }
        const std::string near = nearest(row_.text(kInitiator), candidates);
        reject(kInitiator, fmt::format("initiator {} is not known", in_quotes(row_.text(kInitiator))),
               near.empty() ? "write Grace, Hopper, B200, H100 x8, NIC ..."
                            : fmt::format("did you mean \"{}\"?", near));
        return false;
    }

    static std::vector<std::string> names_of(const MeasuredSystem& system) {
        std::vector<std::string> names = system.cpu;
        names.insert(names.end(), system.gpu.begin(), system.gpu.end());
        return names;
    }

    bool find_engine() {
        const std::string& text = row_.text(kEngine);
        if (!text.empty()) {
            static const std::vector<std::pair<std::string, Engine>> words = {
                {"cpu", Engine::kCpu}, {"sm", Engine::kSm}, {"ce", Engine::kCopyEngine}, {"nic", Engine::kNic}};
            const auto written = words_of(text);
            bool found = false;
            for (const auto& [word, engine] : words) {
                if (written.size() == 1 && written[0] == word) {
                    into_.engine = engine;
                    found = true;
                }
            }
            if (!found) {
                reject(kEngine, fmt::format("engine {} is not known", in_quotes(text)), "write CPU, SM, CE or NIC");
                return false;
            }
        } else if (request_.op.engine) {
            into_.engine = *request_.op.engine;
        } else {
            reject(kEngine, "engine is empty", "write CPU, SM, CE or NIC");
            return false;
        }
        const bool fits = into_.kind == Kind::kCpu ? into_.engine == Engine::kCpu
                          : into_.kind == Kind::kNic
                              ? into_.engine == Engine::kNic
                              : into_.engine == Engine::kSm || into_.engine == Engine::kCopyEngine;
        if (!fits) {
            reject(kEngine, fmt::format("a {} has no engine {}", row_.text(kInitiator), engine_suffix(into_.engine)),
                   into_.kind == Kind::kCpu   ? "write CPU"
                   : into_.kind == Kind::kNic ? "write NIC"
                                              : "write SM or CE");
        } else if (request_.op.engine && !text.empty() && *request_.op.engine != into_.engine) {
            reject(kEngine,
                   fmt::format("engine {} where the operation says {}", text, engine_suffix(*request_.op.engine)));
        }
        return !row_.faulty;
    }

    MeasuredRow& row_;
    const RowRequest& request_;
    const std::vector<MeasuredSystem>& systems_;
    MachineCache& machines_;
    const Mechanism* off_;
    RowMachine& into_;
    Diagnostics& diagnostics_;
};

} // namespace

bool MachineCache::exists(const std::string& topology) const {
    if (topology.ends_with(".yaml")) {
        return search_.input().exists(topology);
    }
    return topology.find('/') == std::string::npos &&
           std::any_of(
               search_.topology_directories.begin(), search_.topology_directories.end(),
               [&](const std::string& folder) { return search_.input().exists(folder + "/" + topology + ".yaml"); });
}

const Topology* MachineCache::load(const std::string& topology, const Settings& set, std::string& why) {
    std::string key = topology;
    for (const auto& [name, value] : set) {
        key += "\n" + name + "=" + value;
    }
    const auto [found, fresh] = machines_.try_emplace(key);
    Loaded& loaded = found->second;
    if (fresh) {
        Diagnostics diagnostics;
        MachineRequest request;
        request.path_or_name = topology;
        request.where = {"systems.yaml", 0, 0};
        YamlNode values = make_map(request.where);
        for (const auto& [name, value] : set) {
            values.entries.push_back({name, request.where, make_scalar(value, request.where)});
        }
        request.set = set.empty() ? nullptr : &values;
        loaded.topology = load_topology(request, search_, diagnostics);
        if (diagnostics.has_errors()) {
            for (const Diagnostic& each : diagnostics.all()) {
                if (loaded.why.empty() && each.severity == Diagnostic::Severity::kError) {
                    loaded.why = each.message + (each.suggestion.empty() ? "" : "; " + each.suggestion);
                }
            }
            loaded.topology.reset();
        }
    }
    why = loaded.why;
    return loaded.topology ? &*loaded.topology : nullptr;
}

bool find_row_machine(MeasuredRow& row, const RowRequest& request, const std::vector<MeasuredSystem>& systems,
                      MachineCache& machines, const Mechanism* off, RowMachine& into, Diagnostics& diagnostics) {
    return MachineFinder(row, request, systems, machines, off, into, diagnostics).find();
}

} // namespace sim::validate
