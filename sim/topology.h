#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "models/specs.h"

namespace sim {

/// Where something stands in an input file. Lines and columns count from 1; 0 = unknown.
struct Location {
    std::string file;
    int line = 0;
    int column = 0;
};

enum class LinkKind { kC2c, kNvlink, kGraceLink, kPcie, kUpi, kNetwork };

struct YamlNode;

/// How well a part's figures are known (a preset says so with `trust:`).
enum class Trust {
    kCalibrated, ///< fitted to published measurements of this very part
    kDerived,    ///< from a specification, or from measurements of a close relative
    kAssumed,    ///< nobody has published it
};

/// One named part of a machine: the nodes of the graph.
struct Part {
    std::string name;
    std::string entry;  ///< the key that it comes from: of one name itself, else with its ranges
    std::string preset; ///< empty when every figure stands in the topology itself
    Trust trust = Trust::kDerived;
    std::variant<models::CpuSpec, models::GpuSpec, models::MemorySpec, models::SwitchSpec, models::NicSpec> spec;
    std::shared_ptr<const YamlNode> figures; ///< as written: of its preset, replaced by the file and the scenario
    std::string at;                          ///< memory and NIC: the part it sits on
    int socket = -1;   ///< CPU and GPU: number within its node, with EGM 0..3; a GPU's is that of its CPU
    std::string node;  ///< where it stands: an operating system with its own physical addresses. Empty on a machine of
                       ///< one node, and for a switch between nodes
    std::string cpu;   ///< the CPU whose socket it belongs to; of a CPU its own name, of a switch empty
    bool down = false; ///< a switch that is out of order
    Location where;
};

/// One link: the edges of the graph.
struct Link {
    std::string name;
    std::string entry; ///< as of a part
    std::string preset;
    Trust trust = Trust::kDerived;
    LinkKind kind = LinkKind::kC2c;
    models::LinkSpec spec;
    std::shared_ptr<const YamlNode> figures; ///< as of a part
    std::string a, b;                        ///< part names
    bool down = false;                       ///< out of order
    Location where;
};

/// A machine: a graph of named parts. Loaded and checked by `load_topology`; never built in code.
struct Topology {
    std::string name;
    std::string description;
    std::string file;
    bool egm = true;                      ///< false on legacy machines: no carveouts, no /dev/egm
    std::uint64_t dram_base = 0x80000000; ///< first DRAM byte of a socket, above the socket's own base (assumed)
    std::vector<Part> parts;              ///< in file order, ranges expanded
    std::vector<Link> links;
    std::unordered_map<std::string, std::size_t> index;    ///< of `parts` by name, made by `index_names`
    std::unordered_map<std::string, std::size_t> memories; ///< by the part that a memory sits on; made there too
    std::unordered_map<std::string, std::vector<std::size_t>>
        gpus; ///< by the CPU whose socket they belong to; there too

    /// To be called when `parts` is complete; before that, `find` and `index_of` know no part.
    void index_names();
    const Part* find(const std::string& name) const; ///< nullptr if there is none
    std::optional<std::size_t> index_of(const std::string& name) const;
    /// The memory that sits on a part.
    std::optional<std::size_t> memory_of(const std::string& part) const;
    /// The nodes that have CPUs, in the order of their first CPU; one empty name on a machine of one node.
    std::vector<std::string> nodes() const;
};

} // namespace sim
