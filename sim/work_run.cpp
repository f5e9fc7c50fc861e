#include "sim/work_run.h"

#include <algorithm>
#include <systemc>

#include <fmt/format.h>

#include "sim/fault_player.h"

namespace sim {

namespace {

using models::Picoseconds;
using Index = WorkGraph::Index;

constexpr Picoseconds kLook = 20'000'000; ///< how often the user is asked whether to go on

class WorkRun final : private models::Engine::Client, private models::EventQueue::Handler {
public:
    WorkRun(const WorkGraph& graph, std::vector<PlannedStream>& paths, Machine& machine, const FaultPlan& faults)
        : graph_(graph), paths_(paths), machine_(machine), player_(machine, faults), breaks_(player_.times()),
          followers_(graph), missing_(followers_.waits_for()), ready_(graph.nodes().size()),
          jobs_(graph.nodes().size()), origin_(machine.events().now()), left_(graph.nodes().size()),
          lost_before_(machine.lost_posted_writes()) {
        for (PlannedStream& path : paths) {
            path.job.retry = faults.retry;
        }
        times_.began.assign(graph.nodes().size(), WorkTimes::kNever);
        times_.over = times_.began;
    }

    WorkTimes run(const Progress& progress) {
        for (Index i = 0; i < graph_.nodes().size(); ++i) {
            if (missing_[i] == 0) {
                make_ready(i);
            }
        }
        machine_.events().at(origin_, *this, nullptr);
        while (left_ > 0 && times_.fault.empty()) {
            sc_core::wait(sc_core::sc_time::from_value(std::min(kLook, until_break())), ended_);
            if (left_ > 0 && until_break() == 0) {
                break_or_mend();
            }
            if (left_ > 0 && progress && !progress()) {
                times_.interrupted = true;
                break;
            }
            if (left_ > 0 && machine_.events().pending() == 0) {
                times_.fault = stuck();
            }
        }
        stop_all();
        player_.mend();                            // what is left of it in flight comes in
        while (machine_.events().pending() != 0) { // what is in flight then stands still for ever
            sc_core::wait(sc_core::sc_time::from_value(kLook));
        }
        for (Index i = 0; i < graph_.nodes().size(); ++i) {
            count_lost(i);
        }
        times_.faults.lost += machine_.lost_posted_writes() - lost_before_;
        for (const Picoseconds over : times_.over) {
            times_.finish = over == WorkTimes::kNever ? times_.finish : std::max(times_.finish, over);
        }
        return std::move(times_);
    }

private:
    Picoseconds now() const { return machine_.events().now(); }
    static Index node_of(void* token) { return static_cast<Index>(reinterpret_cast<std::uintptr_t>(token)); }
    static void* token_of(Index node) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(node)); }

    /// Until the next event of the faults.
    Picoseconds until_break() const { return breaks_.empty() ? kLook : origin_ + *breaks_.begin() - now(); }

    void break_or_mend() {
        const Picoseconds time = *breaks_.begin();
        breaks_.erase(breaks_.begin());
        times_.faults.events.push_back({time, player_.act(time)});
        for (Index i = 0; i < graph_.nodes().size() && times_.fault.empty(); ++i) {
            if (jobs_[i] != nullptr && times_.over[i] == WorkTimes::kNever) {
                check_way(i);
            }
        }
    }

    /// False, with a fault: a transfer has no way any more.
    bool check_way(Index node) {
        const std::string why = player_.cut(paths_[graph_.nodes()[node].path]);
        if (!why.empty()) {
            times_.fault = fmt::format("{}: {}", graph_.name(node), why);
            stopping_ = true;
            ended_.notify();
        }
        return why.empty();
    }

    /// A job is over, or will never be.
    void count_lost(Index node) {
        if (jobs_[node] != nullptr) {
            times_.faults.lost += models::Engine::counters(*jobs_[node]).lost;
            jobs_[node] = nullptr;
        }
    }

    /// Nothing holds `node` back but its time.
    void make_ready(Index node) {
        const Picoseconds time = origin_ + graph_.nodes()[node].not_before;
        if (time > now()) {
            ready_[node] = true;
            machine_.events().at(time, *this, token_of(node + 1));
        } else {
            begun_.push_back(node);
        }
    }

    /// A time is over: that which a node waited for, or its computing; or, for null, all begins.
    void fire(void* argument) override {
        if (argument != nullptr) {
            const Index node = node_of(argument) - 1;
            if (ready_[node]) {
                ready_[node] = false;
                begun_.push_back(node);
            } else {
                end(node);
            }
        }
        begin_nodes();
    }

    void begin_nodes() {
        for (std::size_t next = 0; next < begun_.size(); ++next) { // grows while barriers end
            begin(begun_[next]);
        }
        begun_.clear();
    }

    /// What is under way issues nothing more; nothing else begins.
    void stop_all() {
        stopping_ = true;
        for (const PlannedStream& path : paths_) {
            if (path.end_point != nullptr) {
                path.end_point->stop();
            }
        }
        for (Index i = 0; i < graph_.nodes().size(); ++i) {
            if (jobs_[i] != nullptr) { // one that is over may wait for an acknowledgement that has no way
                paths_[graph_.nodes()[i].path].engine->stop(*jobs_[i]);
            }
        }
    }

    void begin(Index index) {
        if (stopping_) {
            return;
        }
        const WorkGraph::Node& node = graph_.nodes()[index];
        times_.began[index] = now() - origin_;
        switch (node.kind) {
        case WorkGraph::Node::Kind::kTransfer: {
            PlannedStream& path = paths_[node.path];
            if (path.end_point != nullptr) {
                path.end_point->start(path.job, node.bytes, *this, token_of(index));
                break;
            }
            if (!check_way(index)) {
                break;
            }
            jobs_[index] = &path.engine->start(path.job, node.bytes, *this, token_of(index));
            break;
        }
        case WorkGraph::Node::Kind::kCompute:
            machine_.events().at(now() + node.time, *this, token_of(index + 1));
            break;
        case WorkGraph::Node::Kind::kBarrier:
            end(index);
            break;
        }
    }

    void end(Index index) {
        times_.over[index] = now() - origin_;
        for (const Index* one = followers_.begin(index); one != followers_.end(index); ++one) {
            if (--missing_[*one] == 0) {
                make_ready(*one);
            }
        }
        if (--left_ == 0) {
            ended_.notify();
        }
    }

    void delivered(void* token) override {
        if (!graph_.nodes()[node_of(token)].acknowledged) {
            end(node_of(token));
            begin_nodes();
        }
    }
    void acknowledged(void* token) override {
        count_lost(node_of(token));
        if (graph_.nodes()[node_of(token)].acknowledged) {
            end(node_of(token));
            begin_nodes();
        }
    }
    void failed(void* token, const std::string& why) override {
        if (times_.fault.empty()) {
            times_.fault = fmt::format("{}: {}", graph_.name(node_of(token)), why);
        }
        count_lost(node_of(token));
        stopping_ = true;
        ended_.notify();
    }

    std::string stuck() const {
        if (machine_.is_stuck()) {
            return "packets wait for each other for ever, at " + machine_.blocked_ports();
        }
        const auto cycle = graph_.cycle();
        if (cycle.empty()) {
            return fmt::format("nothing moves any more, and {} of its {} parts are not over", left_,
                               graph_.nodes().size());
        }
        return fmt::format("{} waits for itself, over {} others", graph_.name(cycle.front()), cycle.size() - 1);
    }

    const WorkGraph& graph_;
    std::vector<PlannedStream>& paths_;
    Machine& machine_;
    FaultPlayer player_;
    std::set<Picoseconds> breaks_; ///< when something still is to break, or be mended
    const WorkFollowers followers_;
    std::vector<Index> missing_;             ///< by node: others that it still waits for
    std::vector<bool> ready_;                ///< by node: waits for its time only
    std::vector<Index> begun_;               ///< to begin now
    std::vector<models::Engine::Job*> jobs_; ///< by node; null before it has begun, and once all is acknowledged
    const Picoseconds origin_;
    std::size_t left_;
    const models::LostPackets lost_before_; ///< of posted writes
    bool stopping_ = false;
    sc_core::sc_event ended_;
    WorkTimes times_;
};

} // namespace

WorkTimes run_work(const WorkGraph& graph, std::vector<PlannedStream>& paths, Machine& machine, const FaultPlan& faults,
                   const Progress& progress) {
    return WorkRun(graph, paths, machine, faults).run(progress);
}

} // namespace sim
