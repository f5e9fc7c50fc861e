#include "sim/static_bound.h"

#include <algorithm>
#include <glpk.h>
#include <limits>

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

/// Adds what a burst of `bytes` costs on `leg`'s path, taken by `share` of the accesses, to `bound`.
void add_path(models::Engine& engine, const models::Leg& leg, std::uint64_t bytes, double share, StreamBound& bound,
              LegCost& cost) {
    const models::PathTrace path = engine.trace_path(leg, bytes);
    const double size = static_cast<double>(bytes);
    for (const auto& use : path.uses) {
        bound.uses[use.server] += share * use.picoseconds / size;
    }
    for (const auto& hold : path.holds) {
        bound.holds[hold.pool] += share * hold.byte_picoseconds / size / static_cast<double>(hold.pool->limit_bytes());
    }
    for (const auto& [component, time] : path.stages) {
        bound.stages.emplace_back(component, share * static_cast<double>(time));
    }
    cost.latency += share * static_cast<double>(path.latency);
    cost.arrival += share * static_cast<double>(path.arrival);
    cost.outcomes.emplace_back(static_cast<double>(path.latency), share);
}

/// Adds what a burst of `bytes` costs at one place of a leg, to which `share` of the accesses go.
void add_place(models::Engine& engine, const models::Leg& leg, std::uint64_t bytes, double share, StreamBound& bound,
               Case which, LegCost& cost) {
    double missing = 1;
    for (const models::Leg::Hit& hit : leg.hits) {
        missing -= hit.share;
        cost.latency += share * hit.share * static_cast<double>(hit.latency);
        cost.outcomes.emplace_back(static_cast<double>(hit.latency), share * hit.share);
    }
    missing = std::max(missing, 0.0) * share;
    if (leg.gate != nullptr) {
        bound.uses[leg.gate] += share * kPicosecondsPerSecond / static_cast<double>(leg.gate_rate);
    }
    if (which == Case::kMean && leg.home_share > 0 && leg.home_share < 1) {
        models::Leg past_home = leg;
        past_home.home_share = 0;
        add_path(engine, past_home, bytes, missing * (1 - leg.home_share), bound, cost);
        add_path(engine, leg, bytes, missing * leg.home_share, bound, cost);
    } else {
        add_path(engine, leg, bytes, missing, bound, cost);
    }
}

/// Adds what a burst of `bytes` costs on `leg` to `bound`: the mean over its places.
LegCost add_leg(models::Engine& engine, const models::Leg& leg, std::uint64_t bytes, StreamBound& bound, Case which) {
    LegCost cost;
    const double share = 1 / static_cast<double>(leg.places());
    for (std::size_t i = 0; i < leg.places(); ++i) {
        const std::size_t before = cost.outcomes.size();
        add_place(engine, leg.place(i), bytes, share, bound, which, cost);
        double least = std::numeric_limits<double>::max();
        for (std::size_t one = before; one < cost.outcomes.size(); ++one) {
            least = cost.outcomes[one].second > 0 ? std::min(least, cost.outcomes[one].first) : least;
        }
        cost.best += share * least;
    }
    return cost;
}

void limit(StreamBound& bound, double bytes_per_second, const std::string& words) {
    if (bytes_per_second < bound.own_bytes_per_second) {
        bound.own_bytes_per_second = bytes_per_second;
        bound.own_limit = words;
    }
}

StreamBound cost(const PlannedStream& planned, Case which) {
    const models::StreamJob& job = planned.job;
    StreamBound bound;
    bound.own_bytes_per_second = std::numeric_limits<double>::max();
    if (job.pattern == models::StreamJob::Pattern::kPingPong) {
        for (const auto& turn : job.turns) {
            if (turn.local) {
                bound.stages.emplace_back("core to core", static_cast<double>(turn.leg.overhead));
                bound.latency_ps += static_cast<double>(turn.leg.overhead);
            } else {
                bound.stages.emplace_back("atomic", static_cast<double>(turn.leg.overhead));
                bound.latency_ps +=
                    static_cast<double>(turn.leg.overhead) + add_leg(*turn.engine, turn.leg, 64, bound, which).latency;
            }
        }
        limit(bound, static_cast<double>(job.burst_bytes) * kPicosecondsPerSecond / bound.latency_ps, planned.window);
        bound.alone_bytes_per_second = bound.own_bytes_per_second;
        return bound;
    }
    const double burst = static_cast<double>(job.burst_bytes);
    const double workers = job.workers;
    // A window turns over with the mean.
    const auto turnover = [&](const LegCost& cost) { return which == Case::kBest ? cost.best : cost.latency; };
    double read_time = 0;
    for (const models::Leg& leg : job.reads) {
        LegCost cost = add_leg(*planned.engine, leg, job.burst_bytes, bound, which);
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
        const LegCost cost = add_leg(*planned.engine, *job.write, job.burst_bytes, bound, which);
        const double write_time = which == Case::kBest ? cost.best : cost.latency;
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
    for (const auto& [server, picoseconds] : bound.uses) {
        bound.alone_bytes_per_second = std::min(bound.alone_bytes_per_second, kPicosecondsPerSecond / picoseconds);
    }
    for (const auto& [pool, picoseconds] : bound.holds) {
        bound.alone_bytes_per_second = std::min(bound.alone_bytes_per_second, kPicosecondsPerSecond / picoseconds);
    }
    if (job.pass_bytes != 0) {
        const double idle = which == Case::kBest ? static_cast<double>(job.launch) + read_time
                                                 : static_cast<double>(job.launch + job.hold) + bound.latency_ps;
        const double pass = static_cast<double>(job.pass_bytes);
        limit(bound, pass * kPicosecondsPerSecond / (idle + pass * kPicosecondsPerSecond / bound.alone_bytes_per_second),
              "launches: a kernel for each pass");
        bound.alone_bytes_per_second = std::min(bound.alone_bytes_per_second, bound.own_bytes_per_second);
    }
    return bound;
}

} // namespace

StreamBound static_bound(const PlannedStream& planned) { return cost(planned, Case::kBest); }

StreamBound mean_cost(const PlannedStream& planned, const StreamBound& best) {
    const auto mixed = [](const models::Leg& leg) {
        return !leg.hits.empty() || (leg.home_share > 0 && leg.home_share < 1);
    };
    const models::StreamJob& job = planned.job;
    const bool caches = std::any_of(job.reads.begin(), job.reads.end(), mixed) || (job.write && mixed(*job.write));
    return caches ? cost(planned, Case::kMean) : best;
}

double joint_bound(const std::vector<const PlannedStream*>& streams, const std::vector<const StreamBound*>& bounds) {
    std::map<const void*, std::vector<std::pair<int, double>>> rows; // by server or pool
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const auto add = [&](const void* shared, double picoseconds) {
            if (picoseconds > 0) {
                rows[shared].emplace_back(static_cast<int>(i) + 1, picoseconds);
            }
        };
        for (const auto& [server, picoseconds] : bounds[i]->uses) {
            add(server, picoseconds);
        }
        for (const auto& [pool, picoseconds] : bounds[i]->holds) {
            add(pool, picoseconds);
        }
    }
    constexpr double kScale = 1e9; // variables in GB/s, so that the solver's tolerances fit
    glp_term_out(GLP_OFF);
    glp_prob* const problem = glp_create_prob();
    glp_set_obj_dir(problem, GLP_MAX);
    glp_add_cols(problem, static_cast<int>(streams.size()));
    for (std::size_t i = 0; i < streams.size(); ++i) {
        const int column = static_cast<int>(i) + 1;
        glp_set_obj_coef(problem, column, streams[i]->bytes_per_unit_byte);
        glp_set_col_bnds(problem, column, GLP_DB, 0, std::max(bounds[i]->own_bytes_per_second / kScale, 1e-9));
    }
    for (const auto& [shared, entries] : rows) {
        const int row = glp_add_rows(problem, 1);
        glp_set_row_bnds(problem, row, GLP_UP, 0, kPicosecondsPerSecond / kScale);
        std::vector<int> columns{0};
        std::vector<double> values{0};
        for (const auto& [column, picoseconds] : entries) {
            columns.push_back(column);
            values.push_back(picoseconds);
        }
        glp_set_mat_row(problem, row, static_cast<int>(entries.size()), columns.data(), values.data());
    }
    glp_simplex(problem, nullptr);
    const double total = glp_get_obj_val(problem) * kScale;
    glp_delete_prob(problem);
    glp_free_env();
    return total;
}

} // namespace sim
