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
    FinishRun(const FluidNetwork& network, const std::vector<FluidWork>& works, const std::vector<FluidOrder>& order)
        : works_(works), solver_(network), left_(works.size()), missing_(works.size()), ready_(works.size()),
          ends_(works.size() + 1) {
        times_.began.assign(works.size(), FluidNetwork::kUnlimited);
        times_.arrived = times_.began;
        list_followers(order);
        for (Index i = 0; i < works.size(); ++i) {
            ready_[i] = works[i].start;
            if (missing_[i] == 0) {
                waiting_.push({ready_[i], i});
            }
        }
    }

    FluidTimes go() {
        while (true) {
            begin_due();
            solver_.solve(sending_);
            const double end = next_end();
            const double until = waiting_.empty() ? end : std::min(end, waiting_.top().time);
            if (until == FluidNetwork::kUnlimited) {
                return std::move(times_);
            }
            send_until(until);
        }
    }

private:
    /// Followers of each flow in one array, in the order of `order`, then by `FluidWork::after`.
    void list_followers(const std::vector<FluidOrder>& order) {
        const auto visit = [&](auto call) {
            for (const FluidOrder& one : order) {
                assert(one.before < works_.size() && one.after < works_.size());
                call(one.before, one.after);
            }
            for (Index i = 0; i < works_.size(); ++i) {
                if (works_[i].after != FluidWork::kNothing) {
                    assert(works_[i].after < works_.size());
                    call(works_[i].after, i);
                }
            }
        };
        std::size_t count = 0;
        visit([&](Index before, Index after) {
            ++ends_[before + 1];
            ++missing_[after];
            ++count;
        });
        for (std::size_t i = 1; i < ends_.size(); ++i) {
            ends_[i] += ends_[i - 1];
        }
        followers_.resize(count);
        std::vector<std::size_t> next(ends_.begin(), ends_.end() - 1);
        visit([&](Index before, Index after) { followers_[next[before]++] = after; });
    }

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
            times_.began[flow] = now_;
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
        const double arrived = times_.arrived[flow] = now_ + works_[flow].latency;
        for (std::size_t i = ends_[flow]; i < ends_[flow + 1]; ++i) {
            const Index follower = followers_[i];
            ready_[follower] = std::max(ready_[follower], arrived);
            if (--missing_[follower] == 0) {
                waiting_.push({ready_[follower], follower});
            }
        }
    }

    const std::vector<FluidWork>& works_;
    MaxMinSolver solver_;
    double now_ = 0;
    std::vector<double> left_;      ///< bytes
    std::vector<Index> missing_;    ///< flows that have not arrived and must, before this one begins
    std::vector<double> ready_;     ///< when it may begin, as far as known
    std::vector<std::size_t> ends_; ///< by flow, and one more: where its followers begin in the next array
    std::vector<Index> followers_;
    FluidTimes times_;
    std::vector<Index> sending_;
    std::priority_queue<Start> waiting_;
};

} // namespace

std::vector<double> fluid_finish_times(const FluidNetwork& network, const std::vector<FluidWork>& works) {
    return fluid_finish_times(network, works, {}).arrived;
}

FluidTimes fluid_finish_times(const FluidNetwork& network, const std::vector<FluidWork>& works,
                              const std::vector<FluidOrder>& order) {
    assert(works.size() == network.flows());
    return FinishRun(network, works, order).go();
}

} // namespace sim
