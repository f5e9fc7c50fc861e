#include "sim/trace_run.h"

#include <algorithm>
#include <deque>
#include <systemc>

#include "models/latency_histogram.h"
#include "sim/binding.h"
#include "sim/static_bound.h"
#include "sim/trace.h"
#include "sim/work_fluid.h"
#include "sim/work_group.h"

namespace sim {

namespace {

using models::Picoseconds;

constexpr Picoseconds kLook = 20'000'000;     ///< how often the user is asked whether to go on
constexpr std::size_t kWaitingMax = 1u << 16; ///< accesses whose time has come; then the trace is read no further

class Replay final : private models::Engine::Client {
public:
    Replay(const Trace& trace, std::vector<PlannedStream>& paths, Machine& machine)
        : trace_(trace), paths_(paths), machine_(machine), origin_(now()) {
        for (const PlannedStream& path : paths) {
            initiator_of_.push_back(&initiators_[{path.engine}]);
        }
    }

    WorkTimes run(const Progress& progress) {
        Diagnostics faults; // all lines were checked; the file may have been changed since
        TraceReader reader(trace_.file, faults);
        TraceLine line;
        while (times_.fault.empty() && reader.next(line)) {
            const auto path = trace_.paths.find(line.path());
            if (path == trace_.paths.end()) {
                times_.fault = trace_.file + " has been changed while it was replayed";
                break;
            }
            const Picoseconds time = origin_ + line.time;
            while (time > now() || waiting_ >= kWaitingMax) {
                sc_core::wait(sc_core::sc_time::from_value(time > now() ? std::min(time - now(), kLook) : kLook),
                              freed_);
                if (!go_on(progress)) {
                    return finish();
                }
            }
            issue({path->second, time, line.offset, line.bytes});
            if (++read_ % 4096 == 0 && !go_on(progress)) {
                return finish();
            }
        }
        if (faults.has_errors() && times_.fault.empty()) {
            times_.fault = trace_.file + " has been changed while it was replayed";
        }
        while (under_way_ > 0 && times_.fault.empty() && go_on(progress)) {
            sc_core::wait(sc_core::sc_time::from_value(kLook), freed_);
        }
        return finish();
    }

    std::vector<WorkValue> values() const {
        const auto ns = [](Picoseconds time) { return static_cast<double>(time) / 1e3; };
        const double seconds = static_cast<double>(times_finish_) / 1e12;
        return {{"replayed", "accesses/s", seconds > 0 ? static_cast<double>(latency_.count()) / seconds : 0},
                {"latency p50", "ns", ns(latency_.quantile(5'000))},
                {"latency p99", "ns", ns(latency_.quantile(9'900))},
                {"latency max", "ns", ns(latency_.max())},
                {"issued behind its time p99", "ns", ns(behind_.quantile(9'900))},
                {"issued behind its time max", "ns", ns(behind_.max())},
                {"over after the last access's time", "ns",
                 ns(times_finish_ > trace_.last ? times_finish_ - trace_.last : 0)}};
    }

private:
    struct Access {
        WorkGraph::Index path = 0;
        Picoseconds time = 0;
        std::uint64_t offset = 0, bytes = 0;
    };
    struct Initiator {
        unsigned under_way = 0;
        std::deque<Access> waiting;
    };

    Picoseconds now() const { return machine_.events().now(); }

    bool go_on(const Progress& progress) {
        times_.interrupted = times_.interrupted || (progress && !progress());
        return !times_.interrupted;
    }

    void issue(const Access& access) {
        ++under_way_;
        Initiator& initiator = *initiator_of_[access.path];
        if (initiator.under_way >= trace_.in_flight) {
            ++waiting_;
            initiator.waiting.push_back(access);
        } else {
            begin(initiator, access);
        }
    }

    void begin(Initiator& initiator, const Access& access) {
        ++initiator.under_way;
        behind_.record(now() - access.time);
        if (idle_.empty()) {
            idle_.push_back(accesses_.size());
            accesses_.emplace_back();
        }
        const std::size_t slot = idle_.back();
        idle_.pop_back();
        accesses_[slot] = access;
        PlannedStream& path = paths_[access.path];
        path.engine->start(path.job, access.bytes, *this, reinterpret_cast<void*>(slot), access.offset);
    }

    void delivered(void*) override {}

    void acknowledged(void* token) override {
        const auto slot = reinterpret_cast<std::size_t>(token);
        const Access access = accesses_[slot];
        idle_.push_back(slot);
        latency_.record(now() - access.time);
        times_finish_ = std::max(times_finish_, now() - origin_);
        --under_way_;
        Initiator& initiator = *initiator_of_[access.path];
        --initiator.under_way;
        if (!initiator.waiting.empty() && times_.fault.empty() && !times_.interrupted) {
            const Access next = initiator.waiting.front();
            initiator.waiting.pop_front();
            --waiting_;
            begin(initiator, next);
        }
        if (under_way_ == 0 || waiting_ + 1 == kWaitingMax) {
            machine_.events().notify(freed_);
        }
    }

    void failed(void* token, const std::string& why) override {
        times_.fault = paths_[accesses_[reinterpret_cast<std::size_t>(token)].path].stream->name + ": " + why;
        idle_.push_back(reinterpret_cast<std::size_t>(token));
        machine_.events().notify(freed_);
    }

    /// Lets come back what is in flight.
    WorkTimes finish() {
        while (machine_.packets_in_flight() != 0 || machine_.events().pending() != 0) {
            sc_core::wait(sc_core::sc_time::from_value(kLook));
        }
        times_.finish = times_finish_;
        return times_;
    }

    const Trace& trace_;
    std::vector<PlannedStream>& paths_;
    Machine& machine_;
    const Picoseconds origin_;
    std::map<const models::Engine*, Initiator> initiators_; // never iterated: pointers have no order to be seen
    std::vector<Initiator*> initiator_of_;                  ///< by path
    std::vector<Access> accesses_;                          ///< begun
    std::vector<std::size_t> idle_;
    std::size_t under_way_ = 0; ///< begun or waiting
    std::size_t waiting_ = 0;
    std::uint64_t read_ = 0;
    models::LatencyHistogram latency_, behind_;
    Picoseconds times_finish_ = 0;
    WorkTimes times_;
    sc_core::sc_event freed_;
};

} // namespace

GroupResult replay_trace(const StreamGroup& group, std::vector<PlannedStream>& paths, Machine& machine,
                         Fidelity fidelity, const Progress& progress) {
    const Trace& trace = *group.work->trace;
    GroupResult result;
    result.group = &group;
    WorkResult& work = result.work.emplace();
    for (const WorkGraph::Node& node : group.work->graph.nodes()) {
        work.bytes += node.bytes;
    }
    const std::vector<StreamBound> bounds = static_bounds(paths, machine);
    StreamResult line; // collects the grade
    for (std::size_t i = 0; i < paths.size(); ++i) {
        set_grade(paths[i], bounds[i], machine, line);
        work.grade = std::max(work.grade, line.grade);
    }
    const WorkBound bound = bound_work(group.work->graph, paths, bounds, machine);
    work.bound_ps = std::max(static_cast<double>(trace.last), bound.load_ps);
    if (fidelity == Fidelity::kBound || fidelity == Fidelity::kFluid) {
        work.times.finish = static_cast<Picoseconds>(work.bound_ps + 0.5);
        lower_grade(line, Grade::kComposed, "a trace is replayed at the transaction level only; this is its bound");
    } else {
        const ResourceSample before = sample(machine);
        Replay replay(trace, paths, machine);
        work.times = replay.run(progress);
        work.values = replay.values();
        ResourceSample after = sample(machine); // a little later: acknowledgements came in
        after.time = before.time + work.times.finish;
        result.busy = busy_shares(machine, before, after);
        result.measured = work.times.finish;
        if (fidelity == Fidelity::kAll) {
            work.fluid_ps = static_cast<Picoseconds>(work.bound_ps + 0.5);
        }
    }
    lower_grade(line, Grade::kComposed, "a whole of many transfers, composed");
    work.grade = std::max(work.grade, line.grade);
    work.reasons = line.reasons;
    work.binding = binding_of(result.busy);
    return result;
}

} // namespace sim
