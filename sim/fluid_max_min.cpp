#include "sim/fluid_max_min.h"

#include <algorithm>
#include <numeric>

namespace sim {

MaxMinSolver::MaxMinSolver(const FluidNetwork& network)
    : network_(network), rates_(network.flows()), limits_(network.flows(), kOwnLimit), stopped_(network.flows()),
      resources_(network.resources()) {}

void MaxMinSolver::solve() {
    std::vector<Index> all(network_.flows());
    std::iota(all.begin(), all.end(), Index{0});
    solve(all);
}

/// What the flows use, and who uses each resource.
void MaxMinSolver::gather(std::span<const Index> flows) {
    touched_.clear();
    own_.clear();
    std::size_t uses = 0;
    for (const Index flow : flows) {
        const auto used = network_.used(flow);
        const auto costs = network_.costs(flow);
        const double weight = network_.weight(flow);
        assert((!used.empty() || network_.rate_max(flow) < FluidNetwork::kUnlimited) && "something limits each flow");
        for (std::size_t i = 0; i < used.size(); ++i) {
            Resource& resource = resources_[used[i]];
            if (resource.round != round_) {
                resource = {};
                resource.round = round_;
                touched_.push_back(used[i]);
            }
            resource.rising.add(costs[i] * weight);
            ++resource.flows;
        }
        uses += used.size();
        if (network_.rate_max(flow) < FluidNetwork::kUnlimited) {
            own_.push_back({network_.rate_max(flow) / weight, flow});
        }
    }
    std::size_t place = 0;
    for (const Index index : touched_) {
        resources_[index].begin = resources_[index].end = place;
        place += resources_[index].flows;
    }
    users_.resize(uses);
    for (const Index flow : flows) {
        for (const Index index : network_.used(flow)) {
            users_[resources_[index].end++] = flow;
        }
    }
    std::sort(own_.begin(), own_.end(), [](const Entry& a, const Entry& b) { return b < a; });
}

double MaxMinSolver::level(Index index) const {
    const Resource& resource = resources_[index];
    const double left = network_.capacity(index) - resource.taken.value - resource.taken.lost;
    return std::max(left, 0.0) / resource.rising.total();
}

void MaxMinSolver::stop(Index flow, double rate, Index limit) {
    rates_[flow] = rate;
    limits_[flow] = limit;
    stopped_[flow] = round_;
    const auto used = network_.used(flow);
    const auto costs = network_.costs(flow);
    const double weight = network_.weight(flow);
    for (std::size_t i = 0; i < used.size(); ++i) {
        Resource& resource = resources_[used[i]];
        resource.rising.add(-(costs[i] * weight));
        resource.taken.add(costs[i] * rate);
        --resource.flows;
    }
}

void MaxMinSolver::solve(std::span<const Index> flows) {
    ++round_;
    gather(flows);
    full_.clear();
    for (const Index index : touched_) {
        full_.push_back({level(index), index});
    }
    std::make_heap(full_.begin(), full_.end());
    auto own = own_.begin();
    double reached = 0;
    while (!full_.empty()) {
        // The lowest resource that still has rising flows and whose level is up to date.
        const Entry lowest = full_.front();
        const Resource& resource = resources_[lowest.index];
        const double now = resource.flows == 0 ? 0 : level(lowest.index);
        if (resource.flows == 0 || now > lowest.level) {
            std::pop_heap(full_.begin(), full_.end());
            if (resource.flows == 0) {
                full_.pop_back();
            } else {
                full_.back().level = now;
                std::push_heap(full_.begin(), full_.end());
            }
            continue;
        }
        if (own != own_.end() && own->level <= lowest.level) {
            if (stopped_[own->index] != round_) {
                reached = std::max(reached, own->level);
                stop(own->index, network_.rate_max(own->index), kOwnLimit);
            }
            ++own;
            continue;
        }
        reached = std::max(reached, lowest.level);
        for (std::size_t i = resource.begin; i < resource.end; ++i) {
            if (const Index flow = users_[i]; stopped_[flow] != round_) {
                stop(flow, std::min(network_.weight(flow) * reached, network_.rate_max(flow)), lowest.index);
            }
        }
    }
    for (; own != own_.end(); ++own) {
        if (stopped_[own->index] != round_) {
            stop(own->index, network_.rate_max(own->index), kOwnLimit);
        }
    }
}

double MaxMinSolver::load(Index resource) const {
    return resources_[resource].round == round_ ? resources_[resource].taken.total() : 0;
}

} // namespace sim
