#include "sim/fluid_finish.h"

#include <algorithm>
#include <queue>

#include "sim/fluid_max_min.h"

namespace sim {

namespace {

constexpr double kTogether = 1e-12; ///< of the time: what rounding may put between flows that end together

using Index = FluidNetwork::Index;

class FinishRun {
public:
    FinishRun(const FluidNetwork& network, const std::vector<FluidWork>& works)
        : works_(works), solver_(network), left_(works.size()), arrived_(works.size(), FluidNetwork::kUnlimited),
          next_(works.size(), FluidWork::kNothing), first_(works.size(), FluidWork::kNothing) {
        for (Index i = static_cast<Index>(works.size()); i-- > 0;) {
            if (const Index before = works[i].after; before == FluidWork::kNothing) {
                waiting_.push({works[i].start, i});
            } else { // a list of followers for each flow, in their order
                assert(before < works.size());
                next_[i] = first_[before];
                first_[before] = i;
            }
        }
    }

    std::vector<double> go() {
        while (true) {
            begin_due();
            solver_.solve(sending_);
            const double end = next_end();
            const double until = waiting_.empty() ? end : std::min(end, waiting_.top().time);
            if (until == FluidNetwork::kUnlimited) {
                return std::move(arrived_);
            }
            send_until(until);
        }
    }

private:
    struct Start {
        double time;
        Index flow;
        bool operator<(const Start& other) const { // std::priority_queue has the largest on top
            return time != other.time ? time > other.time : flow > other.flow;
        }
    };

    void begin_due() {
        while (!waiting_.empty() && waiting_.top().time <= now_ * (1 + kTogether)) {
            const Index flow = waiting_.top().flow;
            waiting_.pop();
            if (works_[flow].bytes > 0) {
                left_[flow] = works_[flow].bytes;
                sending_.push_back(flow);
            } else {
                end(flow);
            }
        }
    }

    double next_end() const {
        double soonest = FluidNetwork::kUnlimited;
        for (const Index flow : sending_) {
            if (solver_.rate(flow) > 0) {
                soonest = std::min(soonest, now_ + left_[flow] / solver_.rate(flow));
            }
        }
        return soonest;
    }

    void send_until(double time) {
        const double passed = time - now_;
        std::size_t kept = 0;
        std::vector<Index> ended;
        for (const Index flow : sending_) {
            const double rate = solver_.rate(flow);
            if (rate > 0 && now_ + left_[flow] / rate <= time * (1 + kTogether)) {
                ended.push_back(flow);
            } else {
                left_[flow] -= rate * passed;
                sending_[kept++] = flow;
            }
        }
        sending_.resize(kept);
        now_ = time;
        for (const Index flow : ended) {
            end(flow);
        }
    }

    void end(Index flow) {
        arrived_[flow] = now_ + works_[flow].latency;
        for (Index i = first_[flow]; i != FluidWork::kNothing; i = next_[i]) {
            waiting_.push({std::max(works_[i].start, arrived_[flow]), i});
        }
    }

    const std::vector<FluidWork>& works_;
    MaxMinSolver solver_;
    double now_ = 0;
    std::vector<double> left_; ///< bytes
    std::vector<double> arrived_;
    std::vector<Index> next_;  ///< follower of the same flow
    std::vector<Index> first_; ///< follower
    std::vector<Index> sending_;
    std::priority_queue<Start> waiting_;
};

} // namespace

std::vector<double> fluid_finish_times(const FluidNetwork& network, const std::vector<FluidWork>& works) {
    assert(works.size() == network.flows());
    return FinishRun(network, works).go();
}

} // namespace sim
