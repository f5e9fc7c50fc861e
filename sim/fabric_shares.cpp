#include "sim/fabric_shares.h"

#include <algorithm>
#include <cassert>

namespace sim {

FabricShares::FabricShares(const Topology& topology, const Routing& routing)
    : topology_(topology), routing_(routing), number_(topology.parts.size()), runs_(topology.parts.size()),
      shares_(2 * topology.links.size()), place_(topology.parts.size()) {
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        if (std::holds_alternative<models::GpuSpec>(topology.parts[i].spec)) {
            number_[i] = static_cast<std::uint32_t>(gpus_.size());
            gpus_.push_back(static_cast<std::uint32_t>(i));
        }
    }
    latency_.resize(gpus_.size());
    for (std::size_t part = 0; part < topology.parts.size(); ++part) {
        std::vector<Run>& runs = runs_[part];
        for (const Routing::Route& route : routing.from(part)) {
            if (route.network != models::Aperture::kFabric) {
                continue;
            }
            const std::uint32_t gpu = number_[route.destination];
            if (!runs.empty() && runs.back().end == gpu && runs.back().hops.data() == route.hops.data()) {
                ++runs.back().end; // a set of hops is kept once, so the same set lies at the same place
                continue;
            }
            Run run{gpu, gpu + 1, route.hops, 0};
            for (const Routing::Hop& hop : route.hops) {
                run.links += hop.weight;
            }
            runs.push_back(run);
        }
    }
}

FabricShares::Arrived& FabricShares::arrived_at(std::uint32_t part) {
    if (place_[part] == 0) {
        if (next_count_ == next_.size()) {
            next_.emplace_back();
            next_.back().weights.resize(gpus_.size());
            next_.back().latencies.resize(gpus_.size());
        }
        place_[part] = static_cast<std::uint32_t>(++next_count_);
        Arrived& fresh = next_[next_count_ - 1];
        fresh.part = part;
        fresh.begin = static_cast<std::uint32_t>(gpus_.size());
        fresh.end = 0;
    }
    return next_[place_[part] - 1];
}

void FabricShares::run(std::size_t source, std::span<const double> weights, const Latencies& latencies) {
    for (const Crossing& crossing : crossings_) {
        shares_[2 * crossing.link + crossing.end] = 0;
    }
    crossings_.clear();
    std::fill(latency_.begin(), latency_.end(), 0);
    Arrived& first = arrived_at(static_cast<std::uint32_t>(source));
    first.begin = 0;
    first.end = static_cast<std::uint32_t>(gpus_.size());
    std::copy(weights.begin(), weights.end(), first.weights.begin());
    std::fill(first.latencies.begin(), first.latencies.end(), 0);
    while (next_count_ != 0) {
        std::swap(now_, next_);
        now_count_ = next_count_;
        next_count_ = 0;
        for (std::size_t i = 0; i < now_count_; ++i) {
            place_[now_[i].part] = 0;
        }
        for (std::size_t i = 0; i < now_count_; ++i) {
            pass_on(now_[i], latencies);
            std::fill(now_[i].weights.begin() + now_[i].begin, now_[i].weights.begin() + now_[i].end, 0);
            std::fill(now_[i].latencies.begin() + now_[i].begin, now_[i].latencies.begin() + now_[i].end, 0);
        }
    }
}

void FabricShares::pass_on(const Arrived& here, const Latencies& latencies) {
    const std::vector<Run>& runs = runs_[here.part];
    auto run = std::upper_bound(runs.begin(), runs.end(), here.begin,
                                [](std::uint32_t gpu, const Run& one) { return gpu < one.end; });
    for (; run != runs.end() && run->begin < here.end; ++run) {
        const std::uint32_t begin = std::max(run->begin, here.begin), end = std::min(run->end, here.end);
        double total = 0;
        for (std::uint32_t gpu = begin; gpu < end; ++gpu) {
            total += here.weights[gpu];
        }
        if (total == 0) {
            continue;
        }
        Run part = *run;
        part.begin = begin;
        part.end = end;
        for (const Routing::Hop& hop : run->hops) {
            assert(!hop.attachment && "nothing in the fabric sits on another part");
            const std::uint32_t enters_at = routing_.graph().end_a(hop.edge) == here.part ? 0 : 1;
            double& share = shares_[2 * hop.edge + enters_at];
            if (share == 0) {
                crossings_.push_back({static_cast<std::uint32_t>(hop.edge), enters_at});
            }
            share += total * hop.weight / run->links;
            pass(here, part, hop, latencies);
        }
    }
}

/// What goes on by one hop arrives at the next part, or at the GPU that it is for.
void FabricShares::pass(const Arrived& here, const Run& run, const Routing::Hop& hop, const Latencies& latencies) {
    const std::size_t a = routing_.graph().end_a(hop.edge);
    const auto next = static_cast<std::uint32_t>(a == here.part ? routing_.graph().end_b(hop.edge) : a);
    const double link = latencies.links[hop.edge];
    if (run.end - run.begin == 1 && next == gpus_[run.begin]) {
        latency_[run.begin] = std::max(latency_[run.begin], here.latencies[run.begin] + link);
        return;
    }
    const double there = link + latencies.parts[next];
    const double factor = hop.weight / run.links;
    Arrived& arrived = arrived_at(next);
    arrived.begin = std::min(arrived.begin, run.begin);
    arrived.end = std::max(arrived.end, run.end);
    const double* const from_weights = here.weights.data();
    const double* const from_latencies = here.latencies.data();
    double* const weights = arrived.weights.data();
    double* const longest = arrived.latencies.data();
    for (std::uint32_t gpu = run.begin; gpu < run.end; ++gpu) {
        weights[gpu] += from_weights[gpu] * factor;
        const double latency = from_latencies[gpu] + there;
        longest[gpu] = longest[gpu] < latency ? latency : longest[gpu];
    }
}

} // namespace sim
