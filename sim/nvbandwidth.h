#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/nvbandwidth_streams.h"

namespace sim {

/// A test case of nvbandwidth on a machine: which streams give the cells of its matrices.
struct NvbandwidthCase {
    struct Cell {
        std::size_t group = 0;            ///< of the case's own groups
        std::vector<std::size_t> streams; ///< of that group: their sum
        std::uint64_t bytes = 0; ///< of a group that is a work: bytes / the time of its figure of number `figure`
        std::size_t figure = 0;
    };
    struct Matrix {
        std::string name; ///< in the tool's SUM line
        std::string description;
        std::size_t rows = 0, columns = 0;
        std::vector<std::optional<Cell>> cells; ///< row by row; none: "N/A"
    };

    const NvbandwidthTest* test = nullptr;
    std::vector<std::string> gpus; ///< by the tool's numbers
    std::string waived;            ///< why it cannot be run on this machine; else empty
    std::vector<Matrix> matrices;
    std::size_t cells = 0; ///< that are measured, alike ones counted each
    std::size_t groups = 0;
    bool shared = false; ///< some cells are figures of others that are alike
    bool is_latency() const {
        return test->shape == NvbandwidthTest::Shape::kHostLatency ||
               test->shape == NvbandwidthTest::Shape::kPairLatency;
    }
};

/// The groups of one test case on these GPUs, which share their `StreamGroup::nvbandwidth`; of a case that is waived
/// one without streams. `room`: how many streams there may still be, less those that were made.
class NvbandwidthMaker {
public:
    /// What is passed must outlive this. `software` may be null.
    NvbandwidthMaker(const NvbandwidthRequest& request, const SoftwareSetup* software, const Topology& topology,
                     std::size_t& room, Diagnostics& diagnostics);
    ~NvbandwidthMaker();
    std::vector<StreamGroup> make(const NvbandwidthTest& test, std::vector<std::string> gpus);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Reads an entry `nvbandwidth:` of `traffic:` and makes its groups, those of one case next to each other. Cells that
/// are alike (`GpuClasses`) share a group unless the entry says `pairs: all`. `software` and `topology` as of
/// `read_traffic`; without a topology only the entry itself is checked. `room` as of the maker.
std::vector<StreamGroup> read_nvbandwidth(const YamlNode& entry, const SoftwareSetup* software,
                                          const Topology* topology, std::size_t& room, Diagnostics& diagnostics);

} // namespace sim
