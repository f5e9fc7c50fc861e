#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/topology_graph.h"

namespace sim {

/// Which GPUs, and which pairs of GPUs, are alike: a measurement that has the machine to itself gives the same for all
/// that are.
///
/// Alike are GPUs of the same figures with the same memory, link to their CPU, CPU and CPU memory; and ordered pairs of
/// alike GPUs whose shortest ways through the fabric have, crossing by crossing, the same links with the same shares of
/// the traffic and the same parts. What is `down` counts as gone. A GPU whose way to its CPU has a switch in it is like
/// no other.
class GpuClasses {
public:
    /// Precondition: every name in `topology` resolves. It outlives this.
    explicit GpuClasses(const Topology& topology);

    /// Equal texts: alike.
    std::string of_gpu(const std::string& gpu);
    /// From `a` to `b`. Empty if the fabric does not join them.
    std::string of_pair(const std::string& a, const std::string& b);

private:
    std::string of_part(std::size_t part);
    std::string of_link(std::size_t link);
    std::string of_memory_on(std::size_t part);
    const std::vector<unsigned>& distances_to(std::size_t gpu);

    const Topology& topology_;
    const TopologyGraph graph_;
    std::vector<std::size_t> parts_; ///< one of each kind
    std::vector<std::size_t> links_;
    std::map<std::size_t, std::string> part_names_, link_names_;
    std::map<std::size_t, std::vector<unsigned>> distances_;
};

} // namespace sim
