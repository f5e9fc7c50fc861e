#include "sim/validate/machine_parts.h"

#include <algorithm>

namespace sim::validate {
namespace {

bool is_kind(const Part& part, MachineParts::Kind kind) {
    switch (kind) {
    case MachineParts::Kind::kCpu:
        return std::holds_alternative<models::CpuSpec>(part.spec);
    case MachineParts::Kind::kGpu:
        return std::holds_alternative<models::GpuSpec>(part.spec);
    case MachineParts::Kind::kNic:
        return std::holds_alternative<models::NicSpec>(part.spec);
    }
    return false;
}

} // namespace

MachineParts::MachineParts(const Topology& topology) : topology_(topology), nodes_(topology.nodes()) {
    const std::string node = nodes_.empty() ? "" : nodes_.front();
    cpus_ = in_node(Kind::kCpu, node);
    gpus_ = in_node(Kind::kGpu, node);
    nics_ = in_node(Kind::kNic, node);
}

std::vector<std::string> MachineParts::in_node(Kind kind, const std::string& node) const {
    std::vector<std::string> names;
    for (const Part& part : topology_.parts) {
        if (is_kind(part, kind) && part.node == node) {
            names.push_back(part.name);
        }
    }
    return names;
}

const std::vector<std::string>& MachineParts::of(Kind kind) const {
    return kind == Kind::kCpu ? cpus_ : kind == Kind::kGpu ? gpus_ : nics_;
}

MachineParts::Kind MachineParts::kind(const std::string& part) const {
    const Part* found = topology_.find(part);
    return is_kind(*found, Kind::kCpu) ? Kind::kCpu : is_kind(*found, Kind::kGpu) ? Kind::kGpu : Kind::kNic;
}

std::string MachineParts::next(const std::string& part, std::size_t steps) const {
    const Part* found = topology_.find(part);
    const auto names = in_node(kind(part), found->node);
    const auto at = std::find(names.begin(), names.end(), part);
    return names[(static_cast<std::size_t>(at - names.begin()) + steps) % names.size()];
}

std::string MachineParts::cpu(const std::string& part, Role role) const {
    const Part* found = topology_.find(part);
    const std::string home = found->cpu;
    if (role == Role::kLocal) {
        return home;
    }
    if (role == Role::kRemote && nodes_.size() > 1) {
        const auto at = std::find(nodes_.begin(), nodes_.end(), found->node);
        const auto names =
            in_node(Kind::kCpu, nodes_[(static_cast<std::size_t>(at - nodes_.begin()) + 1) % nodes_.size()]);
        return names.empty() ? "" : names.front();
    }
    const std::string peer = next(home);
    return peer == home ? "" : peer;
}

std::string MachineParts::last_cpu() const {
    const auto names = in_node(Kind::kCpu, nodes_.empty() ? "" : nodes_.back());
    return names.empty() ? "" : names.front();
}

std::string MachineParts::gpu(const std::string& part, Role role) const {
    const auto first_of = [&](const std::string& cpu) {
        for (const Part& each : topology_.parts) {
            if (is_kind(each, Kind::kGpu) && each.cpu == cpu) {
                return each.name;
            }
        }
        return std::string();
    };
    const bool is_gpu = kind(part) == Kind::kGpu;
    if (role == Role::kLocal) {
        return is_gpu ? part : first_of(cpu(part, role));
    }
    if (role == Role::kPeer && is_gpu) {
        const std::string peer = next(part);
        return peer == part ? "" : peer;
    }
    const std::string other = cpu(part, role);
    if (other.empty()) { // one socket with several GPUs
        const std::string peer = is_gpu ? next(part) : "";
        return peer == part ? "" : peer;
    }
    return first_of(other);
}

} // namespace sim::validate
