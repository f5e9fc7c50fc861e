#include "sim/static_bound.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <optional>

#include "sim/spread_walk.h"

namespace sim {

namespace {

constexpr double kPicosecondsPerSecond = 1e12;

enum class Case { kBest, kMean };

struct LegCost {
    double latency = 0;                              ///< mean over places, caches and memory
    double best = 0;                                 ///< of the fastest way, mean over places
    double arrival = 0;                              ///< of a write, in its memory, mean over places
    std::vector<std::pair<double, double>> outcomes; ///< latency and share of the accesses
};

bool planned_spread(const PlannedStream& planned) {
    const auto spread = [](const models::Leg& leg) { return !leg.others.empty(); };
    return std::any_of(planned.job.reads.begin(), planned.job.reads.end(), spread) ||
           (planned.job.write && spread(*planned.job.write));
}

/// Works out the costs of streams, one after the other.
class Coster {
public:
    Coster(Machine& machine, Case which) : machine_(machine), which_(which), uses_(machine.resources().size()) {}

    StreamBound cost(const PlannedStream& planned);

private:
    void add_path(models::Engine& engine, const models::Leg& leg, std::uint64_t bytes, double share, StreamBound& bound,
                  LegCost& cost);
    void add_place(const PlannedStream& planned, models::Engine& engine, const models::Leg& leg, std::uint64_t bytes,
                   double share, StreamBound& bound, LegCost& cost);
    LegCost add_leg(const PlannedStream& planned, models::Engine& engine, const models::Leg& leg, std::uint64_t bytes,
                    StreamBound& bound);
    void cost_ping_pong(const PlannedStream& planned, StreamBound& bound);

    Machine& machine_;
    const Case which_;
    UseTable uses_;
    std::optional<SpreadWalk> spread_; ///< made when there is a spread
};

/// Adds what a burst of `bytes` costs on `leg`'s path, taken by `share` of the accesses, to `bound`.
void Coster::add_path(models::Engine& engine, const models::Leg& leg, std::uint64_t bytes, double share,
                      StreamBound& bound, LegCost& cost) {
    const models::PathTrace path = engine.trace_path(leg, bytes);
    const double size = static_cast<double>(bytes);
    for (const auto& use : path.uses) {
        uses_.add(machine_.index_of(use.server), share * use.picoseconds / size);
    }
    for (const auto& hold : path.holds) {
        uses_.add(machine_.index_of(hold.pool),
                  share * hold.byte_picoseconds / size / static_cast<double>(hold.pool->limit_bytes()));
    }
    for (const auto& [component, time] : path.stages) {
        bound.stages.emplace_back(component, share * static_cast<double>(time));
    }
    cost.latency += share * static_cast<double>(path.latency);
    cost.arrival += share * static_cast<double>(path.arrival);
    cost.outcomes.emplace_back(static_cast<double>(path.latency), share);
}

/// Adds what a burst of `bytes` costs at one place of a leg, to which `share` of the accesses go. Those of a spread
/// over NVLink are only noted, for `add_leg` to end.
void Coster::add_place(const PlannedStream& planned, models::Engine& engine, const models::Leg& leg,
                       std::uint64_t bytes, double share, StreamBound& bound, LegCost& cost) {
    double missing = 1;
    for (const models::Leg::Hit& hit : leg.hits) {
        missing -= hit.share;
        cost.latency += share * hit.share * static_cast<double>(hit.latency);
        cost.outcomes.emplace_back(static_cast<double>(hit.latency), share * hit.share);
    }
    missing = std::max(missing, 0.0) * share;
    if (leg.gate != nullptr) {
        uses_.add(machine_.index_of(leg.gate), share * kPicosecondsPerSecond / static_cast<double>(leg.gate_rate));
    }
    const bool put_together = planned_spread(planned) && SpreadWalk::covers(leg);
    const auto walk = [&](const models::Leg& way, double taken) {
        if (put_together) {
            spread_->add(way, taken);
        } else {
            add_path(engine, way, bytes, taken, bound, cost);
        }
    };
    if (which_ == Case::kMean && leg.home_share > 0 && leg.home_share < 1) {
        models::Leg past_home = leg;
        past_home.home_share = 0;
        walk(past_home, missing * (1 - leg.home_share));
        walk(leg, missing * leg.home_share);
    } else {
        walk(leg, missing);
    }
}

/// Adds what a burst of `bytes` costs on `leg` to `bound`: the mean over its places.
LegCost Coster::add_leg(const PlannedStream& planned, models::Engine& engine, const models::Leg& leg,
                        std::uint64_t bytes, StreamBound& bound) {
    LegCost cost;
    const double share = 1 / static_cast<double>(leg.places());
    const bool spread = planned_spread(planned);
    if (spread) {
        if (!spread_) {
            spread_.emplace(machine_);
        }
        spread_->begin(engine, planned.stream->initiator, bytes);
    }
    for (std::size_t i = 0; i < leg.places(); ++i) {
        const std::size_t before = cost.outcomes.size();
        add_place(planned, engine, leg.place(i), bytes, share, bound, cost);
        double least = std::numeric_limits<double>::max();
        for (std::size_t one = before; one < cost.outcomes.size(); ++one) {
            least = cost.outcomes[one].second > 0 ? std::min(least, cost.outcomes[one].first) : least;
        }
        if (cost.outcomes.size() > before) {
            cost.best += share * least;
        }
    }
    if (spread) {
        for (const SpreadWalk::Way& way : spread_->end(uses_)) {
            cost.latency += way.share * way.latency;
            cost.arrival += way.share * way.latency; // no finite work is spread: when it is acknowledged will do
            cost.best += way.share * way.latency;
            cost.outcomes.emplace_back(way.latency, way.share);
        }
        for (const auto& [component, time] : spread_->stages()) {
            bound.stages.emplace_back(component, static_cast<double>(time));
        }
    }
    return cost;
}

void limit(StreamBound& bound, double bytes_per_second, const std::string& words) {
    if (bytes_per_second < bound.own_bytes_per_second) {
        bound.own_bytes_per_second = bytes_per_second;
        bound.own_limit = words;
    }
}

void Coster::cost_ping_pong(const PlannedStream& planned, StreamBound& bound) {
    for (const auto& turn : planned.job.turns) {
        const auto overhead = static_cast<double>(turn.leg.overhead);
        if (turn.local) {
            bound.stages.emplace_back("core to core", overhead);
            bound.latency_ps += overhead;
        } else {
            bound.stages.emplace_back("atomic", overhead);
            bound.latency_ps += overhead + add_leg(planned, *turn.engine, turn.leg, 64, bound).latency;
        }
    }
    limit(bound, static_cast<double>(planned.job.burst_bytes) * kPicosecondsPerSecond / bound.latency_ps,
          planned.window);
    bound.alone_bytes_per_second = bound.own_bytes_per_second;
    bound.uses = uses_.take();
}

StreamBound Coster::cost(const PlannedStream& planned) {
    const models::StreamJob& job = planned.job;
    StreamBound bound;
    bound.own_bytes_per_second = std::numeric_limits<double>::max();
    if (job.pattern == models::StreamJob::Pattern::kPingPong) {
        cost_ping_pong(planned, bound);
        return bound;
    }
    const double burst = static_cast<double>(job.burst_bytes);
    const double workers = job.workers;
    // A window turns over with the mean.
    const auto turnover = [&](const LegCost& cost) { return which_ == Case::kBest ? cost.best : cost.latency; };
    double read_time = 0;
    for (const models::Leg& leg : job.reads) {
        LegCost cost = add_leg(planned, *planned.engine, leg, job.burst_bytes, bound);
        read_time = std::max(read_time, turnover(cost));
        bound.latency_ps = std::max(bound.latency_ps, cost.latency);
    }
    if (!job.reads.empty()) {
        const double legs = static_cast<double>(job.reads.size());
        const double unit = burst * legs;
        const double held = std::max(static_cast<double>(job.read_window), unit);
        const double tail = job.read_rate != 0 ? burst * kPicosecondsPerSecond / static_cast<double>(job.read_rate) : 0;
        const double time = read_time + tail + static_cast<double>(job.hold);
        limit(bound, workers * held / legs * kPicosecondsPerSecond / std::max(time, 1.0), planned.window);
        if (job.read_rate != 0) {
            limit(bound, workers * static_cast<double>(job.read_rate) / legs,
                  "issue rate of " + std::to_string(job.workers) + " workers");
        }
    }
    if (job.write) {
        const LegCost cost = add_leg(planned, *planned.engine, *job.write, job.burst_bytes, bound);
        const double write_time = which_ == Case::kBest ? cost.best : cost.latency;
        const double held = std::max(static_cast<double>(job.write_window), burst);
        limit(bound, workers * held * kPicosecondsPerSecond / std::max(write_time + read_time, 1.0),
              "stores in flight: " + std::to_string(job.write_window) + " B for each of " +
                  std::to_string(job.workers));
        if (job.write_rate != 0 && job.reads.empty()) {
            limit(bound, workers * static_cast<double>(job.write_rate),
                  "issue rate of " + std::to_string(job.workers) + " workers");
        }
        bound.arrival_ps = bound.latency_ps + cost.arrival;
        bound.latency_ps += cost.latency;
    } else {
        bound.arrival_ps = bound.latency_ps;
    }
    if (job.rate_cap != 0) {
        limit(bound, static_cast<double>(job.rate_cap), "the stream's rate cap");
    }
    bound.alone_bytes_per_second = bound.own_bytes_per_second;
    bound.uses = uses_.take();
    for (const auto& [resource, picoseconds] : bound.uses) {
        bound.alone_bytes_per_second = std::min(bound.alone_bytes_per_second, kPicosecondsPerSecond / picoseconds);
    }
    if (job.pass_bytes != 0) {
        const double idle = which_ == Case::kBest ? static_cast<double>(job.launch) + read_time
                                                 : static_cast<double>(job.launch + job.hold) + bound.latency_ps;
        const double pass = static_cast<double>(job.pass_bytes);
        limit(bound, pass * kPicosecondsPerSecond / (idle + pass * kPicosecondsPerSecond / bound.alone_bytes_per_second),
              "launches: a kernel for each pass");
        bound.alone_bytes_per_second = std::min(bound.alone_bytes_per_second, bound.own_bytes_per_second);
    }
    return bound;
}

/// splitmix64 (Steele, Lea, Flood 2014).
std::uint64_t mixed_up(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// Which resources stand for those that all streams use alike: those of one entry of the machine's file with the same
/// uses by each stream, to the last bit.
class Alike {
public:
    explicit Alike(const Machine& machine) : machine_(machine), prints_(machine.resources().size()) {}

    /// Notes the uses of the next stream.
    void note(const std::vector<ResourceUse>& uses) {
        ++streams_;
        for (const auto& [resource, picoseconds] : uses) {
            prints_[resource] += mixed_up(std::bit_cast<std::uint64_t>(picoseconds) + mixed_up(streams_));
        }
    }
    /// After all: keeps the first of each kind.
    void find_first() {
        std::map<std::pair<unsigned, std::uint64_t>, std::uint32_t> first;
        is_first_.assign(prints_.size(), false);
        for (std::uint32_t i = 0; i < prints_.size(); ++i) {
            if (prints_[i] == 0) {
                continue;
            }
            is_first_[i] = first.try_emplace({machine_.provenance(i).number, prints_[i]}, i).second;
        }
    }
    void strip(std::vector<ResourceUse>& uses) const {
        std::erase_if(uses, [&](const ResourceUse& use) { return !is_first_[use.first]; });
        uses.shrink_to_fit();
    }

private:
    const Machine& machine_;
    std::vector<std::uint64_t> prints_; ///< by resource
    std::vector<bool> is_first_;
    std::uint64_t streams_ = 0;
};

std::vector<StreamBound> costs(const std::vector<PlannedStream>& planned, Machine& machine, Case which) {
    std::vector<StreamBound> bounds;
    Coster coster(machine, which);
    if (std::none_of(planned.begin(), planned.end(), planned_spread)) {
        for (const PlannedStream& one : planned) {
            bounds.push_back(coster.cost(one));
        }
        return bounds;
    }
    // Twice, since all uses of hundreds of streams that each cross a whole fabric would not fit into memory.
    Alike alike(machine);
    for (const PlannedStream& one : planned) {
        alike.note(coster.cost(one).uses);
    }
    alike.find_first();
    for (const PlannedStream& one : planned) {
        bounds.push_back(coster.cost(one));
        alike.strip(bounds.back().uses);
    }
    return bounds;
}

} // namespace

std::vector<StreamBound> static_bounds(const std::vector<PlannedStream>& planned, Machine& machine) {
    return costs(planned, machine, Case::kBest);
}

std::vector<StreamBound> mean_costs(const std::vector<PlannedStream>& planned, const std::vector<StreamBound>& best,
                                    Machine& machine) {
    const auto at = [](const models::Leg& place) {
        return !place.hits.empty() || (place.home_share > 0 && place.home_share < 1);
    };
    const auto leg_mixed = [&](const models::Leg& leg) {
        return at(leg) || std::any_of(leg.others.begin(), leg.others.end(), at);
    };
    const auto mixed = [&](const PlannedStream& one) {
        return std::any_of(one.job.reads.begin(), one.job.reads.end(), leg_mixed) ||
               (one.job.write && leg_mixed(*one.job.write));
    };
    if (std::any_of(planned.begin(), planned.end(), planned_spread)) {
        return std::any_of(planned.begin(), planned.end(), mixed) ? costs(planned, machine, Case::kMean) : best;
    }
    std::vector<StreamBound> means = best;
    Coster coster(machine, Case::kMean);
    for (std::size_t i = 0; i < planned.size(); ++i) {
        if (mixed(planned[i])) {
            means[i] = coster.cost(planned[i]);
        }
    }
    return means;
}

} // namespace sim
