#include "sim/topology_loader.h"

#include <filesystem>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "sim/kinds.h"
#include "sim/spec_fields.h"
#include "sim/suggest.h"
#include "sim/topology_check.h"
#include "sim/topology_entries.h"

namespace sim {
namespace {

namespace fs = std::filesystem;

/// Turns the tree of one file into a `Topology`.
class TopologyReader {
public:
    explicit TopologyReader(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    /// Nothing if its structure is faulty: the names, the kinds, what joins what, how large each memory is. Any other
    /// fault is reported, and the rest of the machine can still be checked.
    std::optional<Topology> read(const YamlNode& tree, const std::string& file, const Presets& presets,
                                 const YamlNode* set) {
        topology_.file = file;
        Fields fields(tree, "topology", diagnostics_);
        fields.text("topology", topology_.name);
        fields.text("description", topology_.description);
        fields.boolean("egm", topology_.egm);
        fields.size("dram_base", topology_.dram_base, {.min = 0, .max = 1ull << 42});
        const YamlNode* parts = fields.node("parts");
        const YamlNode* links = fields.node("links");
        fields.require({"topology", "parts"}, "a topology has a name and parts");
        fields.finish();

        EntryReader entries(presets, set, diagnostics_);
        if (parts != nullptr) {
            for (const TopologyEntry& entry : entries.read(*parts, "part")) {
                read_part(entry);
            }
        }
        if (links != nullptr) {
            for (const TopologyEntry& entry : entries.read(*links, "link")) {
                read_link(entry);
            }
        }
        entries.finish();
        resolve_names();
        if (!structure_known_ || parts == nullptr) {
            return std::nullopt;
        }
        return std::move(topology_);
    }

private:
    /// A name that some key gives, to be looked up once all parts are known.
    struct Reference {
        std::string name;
        Location where;
        std::string what;
    };

    void read_part(const TopologyEntry& entry) {
        const bool unique = check_unique(entry);
        Part part = entry.role == TopologyEntry::Role::kLikePattern ? part_pattern_ : read_figures(entry);
        part.name = entry.name;
        part.entry = entry.what.substr(std::string_view("part ").size());
        Fields places(entry.map, entry.what, diagnostics_);
        unsigned socket = 0;
        if (places.count("socket", socket, {.min = 0, .max = 255})) {
            part.socket = static_cast<int>(socket);
        }
        if (places.text("node", part.node) && !is_name(part.node)) {
            places.error("node", in_quotes(part.node) + " is no name",
                         "use letters, digits, \"-\" and \"_\", 64 at most");
        }
        if (places.text("at", part.at) || !part.at.empty()) {
            references_.push_back({part.at, places.where("at"), entry.what + ": at"});
        }
        if (entry.role == TopologyEntry::Role::kPattern) {
            part_pattern_ = part;
        }
        if (unique) {
            parts_.insert(part.name);
            topology_.parts.push_back(std::move(part));
        }
    }

    /// All of a part but its name and place.
    Part read_figures(const TopologyEntry& entry) {
        const std::size_t errors_before = diagnostics_.errors();
        Fields fields(entry.map, entry.what, diagnostics_);
        Part part{.name = entry.name, .preset = entry.preset, .where = entry.where};
        part.figures = std::make_shared<const YamlNode>(entry.map);
        read_common(fields, entry, part.trust);
        for (const char* place : {"socket", "node", "at"}) {
            fields.node(place);
        }
        if (!fields.choice("kind", part.spec, part_kinds())) {
            missing_kind(fields, entry, "cpu, gpu, memory, switch, nic or end-point");
            return part;
        }
        if (std::holds_alternative<models::SwitchSpec>(part.spec)) {
            fields.boolean("down", part.down);
        }
        read_part_spec(fields, part.spec, true);
        fields.finish();
        if (std::holds_alternative<models::MemorySpec>(part.spec) && diagnostics_.errors() != errors_before) {
            structure_known_ = false;
        }
        return part;
    }

    void read_link(const TopologyEntry& entry) {
        const bool unique = check_unique(entry);
        Link link = entry.role == TopologyEntry::Role::kLikePattern ? link_pattern_ : read_link_figures(entry);
        link.name = entry.name;
        link.entry = entry.what.substr(std::string_view("link ").size());
        Fields places(entry.map, entry.what, diagnostics_);
        for (const auto& [key, end] : {std::pair{"a", &link.a}, {"b", &link.b}}) {
            if (places.text(key, *end) || !end->empty()) {
                references_.push_back({*end, places.where(key), fmt::format("{}: {}", entry.what, key)});
            }
        }
        structure_known_ = structure_known_ && !link.a.empty() && !link.b.empty();
        if (entry.role == TopologyEntry::Role::kPattern) {
            link_pattern_ = link;
        }
        if (unique) {
            topology_.links.push_back(std::move(link));
        }
    }

    /// All of a link but its name and ends.
    Link read_link_figures(const TopologyEntry& entry) {
        Fields fields(entry.map, entry.what, diagnostics_);
        Link link{.name = entry.name, .preset = entry.preset, .where = entry.where};
        link.figures = std::make_shared<const YamlNode>(entry.map);
        read_common(fields, entry, link.trust);
        for (const char* end : {"a", "b"}) {
            fields.node(end);
        }
        fields.require({"a", "b"}, "a link joins two parts, \"a: grace0, b: hopper0\"");
        fields.boolean("down", link.down);
        if (!fields.choice("kind", link.kind, link_kinds())) {
            missing_kind(fields, entry, "c2c, nvlink, grace-link, pcie, upi or network");
        } else {
            read_spec(fields, link.spec, true);
            fields.finish();
        }
        return link;
    }

    void read_common(Fields& fields, const TopologyEntry& entry, Trust& trust) {
        fields.node("preset");
        fields.choice("trust", trust, trusts());
        if (entry.overrides && trust == Trust::kCalibrated) {
            trust = Trust::kDerived; // the figures are no longer those that were measured
        }
    }

    void missing_kind(Fields& fields, const TopologyEntry& entry, const std::string& kinds) {
        structure_known_ = false;
        if (!fields.has("kind") && !fields.has("preset")) {
            diagnostics_.error(entry.where, entry.what + ": no preset and no kind",
                               fmt::format("name a preset, or write \"kind:\" with {}", kinds));
        }
    }

    bool check_unique(const TopologyEntry& entry) {
        if (!names_.emplace(entry.name, entry.where.line).second) {
            diagnostics_.error(entry.where, fmt::format("the name {} is taken", in_quotes(entry.name)),
                               fmt::format("line {} has it", names_[entry.name]));
            structure_known_ = false;
            return false;
        }
        return true;
    }

    void resolve_names() {
        topology_.index_names();
        std::vector<std::string> known;
        for (const Part& part : topology_.parts) {
            known.push_back(part.name);
        }
        std::unordered_map<std::string, std::string> meant; // by the name that is not there: many links may have it
        for (const Reference& reference : references_) {
            if (parts_.count(reference.name) == 0) {
                structure_known_ = false;
                const auto [suggestion, fresh] = meant.try_emplace(reference.name);
                if (fresh && diagnostics_.errors() < Diagnostics::kErrorsMax) {
                    suggestion->second = suggest(reference.name, known);
                }
                diagnostics_.error(reference.where,
                                   fmt::format("{}: there is no part {}", reference.what, in_quotes(reference.name)),
                                   suggestion->second);
            }
        }
    }

    Diagnostics& diagnostics_;
    Topology topology_;
    bool structure_known_ = true;
    Part part_pattern_;
    Link link_pattern_;
    std::unordered_set<std::string> parts_;
    std::unordered_map<std::string, int> names_; ///< of parts and links, each with its line
    std::vector<Reference> references_;
};

bool is_path(const std::string& name) { return name.find('/') != std::string::npos || name.ends_with(".yaml"); }

/// The file of the machine, or nothing after an error.
std::optional<std::string> find_file(const MachineRequest& request, const std::vector<std::string>& directories,
                                     const InputFiles& files, Diagnostics& diagnostics) {
    const std::string& name = request.path_or_name;
    if (is_path(name)) {
        const fs::path beside = fs::path(request.scenario_file).parent_path() / name;
        return files.exists(beside.string()) ? beside.string() : name;
    }
    std::vector<std::string> machines;
    for (const std::string& directory : directories) {
        for (const std::string& path : files.list(directory)) {
            if (fs::path(path).stem() == name) {
                return path;
            }
            machines.push_back(fs::path(path).stem().string());
        }
    }
    diagnostics.error(request.where, fmt::format("there is no machine {}", in_quotes(name)), suggest(name, machines));
    return std::nullopt;
}

} // namespace

std::optional<Topology> load_topology(const std::string& path_or_name, const SearchPath& search,
                                      Diagnostics& diagnostics) {
    const std::size_t errors_before = diagnostics.errors();
    auto topology = load_topology(MachineRequest{path_or_name, {}, {path_or_name, 0, 0}}, search, diagnostics);
    return diagnostics.errors() == errors_before ? std::move(topology) : std::nullopt;
}

std::optional<Topology> load_topology(const MachineRequest& request, const SearchPath& search,
                                      Diagnostics& diagnostics) {
    const InputFiles& files = search.input();
    std::vector<std::string> directories = search.topology_directories;
    if (!request.scenario_file.empty()) {
        const fs::path scenarios = fs::path(request.scenario_file).parent_path();
        directories.insert(directories.begin(), (scenarios / ".." / "topologies").lexically_normal().string());
    }
    const auto path = find_file(request, directories, files, diagnostics);
    if (!path) {
        return std::nullopt;
    }
    const auto text = files.read(*path, diagnostics);
    const auto tree = text ? parse_yaml(*text, *path, diagnostics) : std::nullopt;
    if (!tree) {
        return std::nullopt;
    }
    directories.insert(directories.begin(), fs::path(*path).parent_path().string());
    const Presets presets = load_presets(directories, files, diagnostics);
    const YamlNode* set = request.set != nullptr && request.set->is_map() ? request.set : nullptr;
    std::optional<Topology> topology = TopologyReader(diagnostics).read(*tree, *path, presets, set);
    if (topology) {
        check_topology(*topology, diagnostics);
    }
    return topology;
}

} // namespace sim
