#pragma once

#include <string>
#include <vector>

#include "sim/topology.h"

namespace sim::validate {

/// The parts of a machine as rows speak of them: those of one kind in file order, and for each what is local, peer and
/// remote to it.
///
/// *Local* is the memory of the same socket. *Peer* is the next socket of the same node, or the next GPU of the node
/// (in file order, the first after the last). *Remote* is the first socket of the next node; on a machine of one node
/// it is the peer.
class MachineParts {
public:
    explicit MachineParts(const Topology& topology);

    enum class Kind { kCpu, kGpu, kNic };
    enum class Role { kLocal, kPeer, kRemote };

    /// Parts of a kind in the first node; of all nodes if there are none in it.
    const std::vector<std::string>& of(Kind kind) const;

    Kind kind(const std::string& part) const;
    /// The CPU whose memory plays `role` for `part`; empty if there is none.
    std::string cpu(const std::string& part, Role role) const;
    /// The same of a GPU.
    std::string gpu(const std::string& part, Role role) const;
    /// The first CPU of the last node.
    std::string last_cpu() const;
    /// The next part of the same kind in its node, `steps` further on; itself if it is alone.
    std::string next(const std::string& part, std::size_t steps = 1) const;

private:
    std::vector<std::string> in_node(Kind kind, const std::string& node) const;

    const Topology& topology_;
    std::vector<std::string> nodes_;
    std::vector<std::string> cpus_, gpus_, nics_;
};

} // namespace sim::validate
