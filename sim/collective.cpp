#include "sim/collective.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sim/units.h"
#include "sim/words.h"

namespace sim {

namespace {

using Index = WorkGraph::Index;
using Kind = Collective::Kind;
using Algorithm = Collective::Algorithm;

constexpr std::uint64_t kEndPointBurstMax = 1 << 20;
constexpr std::uint64_t kPageBytes = 2 << 20;

/// Lays the transfers of one collective into a graph.
class Builder {
public:
    Builder(const Collective& collective, const Topology& topology, const Location& where, WorkGraph& graph)
        : plan_(collective), topology_(topology), where_(where), graph_(graph), count_(collective.count()) {}

    void build() {
        if (plan_.algorithm == Algorithm::kNvls) {
            nvls();
            return;
        }
        switch (plan_.kind) {
        case Kind::kSendRecv:
            together_ = 1;
            for (unsigned r = 0; r < count_; ++r) {
                send(Step::kCopy, r, (r + plan_.shift) % count_, plan_.size_bytes);
            }
            break;
        case Kind::kAllToAll:
            all_to_all();
            break;
        case Kind::kBroadcast:
            broadcast();
            break;
        case Kind::kAllGather:
        case Kind::kReduceScatter:
            ring(count_ - 1);
            break;
        case Kind::kAllReduce:
            if (plan_.algorithm == Algorithm::kTree) {
                trees();
            } else {
                ring(2 * (count_ - 1));
            }
            break;
        }
    }

private:
    /// What a step does beside sending.
    enum class Step {
        kCopy, ///< reads what is to be sent
        kAdd,  ///< reads what has come in and its own, and sends the sum
        kKeep, ///< the same, but the sum stays
    };

    bool ideal() const { return plan_.engine == Engine::kEndPoint; }

    MemoryName buffer(unsigned member) const {
        const std::string& part = plan_.members[member];
        if (ideal()) {
            return {MemoryName::Kind::kEndPoint, part, {}};
        }
        return {plan_.buffers, plan_.buffers == MemoryName::Kind::kEgm ? topology_.find(part)->cpu : part, {}};
    }

    Stream stream_of(unsigned from) const {
        Stream stream;
        stream.initiator = plan_.members[from];
        stream.engine = plan_.engine;
        stream.where = where_;
        stream.working_set_bytes = std::max(plan_.size_bytes, kPageBytes);
        stream.burst_bytes = plan_.burst_bytes;
        if (ideal()) {
            stream.burst_bytes = plan_.burst_bytes != 0 ? plan_.burst_bytes : kEndPointBurstMax;
            stream.packet_bytes = plan_.packet_bytes;
        } else if (plan_.engine == Engine::kSm) {
            const auto& gpu = std::get<models::GpuSpec>(topology_.find(stream.initiator)->spec);
            const unsigned blocks = plan_.blocks != 0 ? plan_.blocks : 2 * gpu.sms;
            stream.blocks = std::max(blocks / together_, 1u);
        }
        return stream;
    }

    /// The path by which `from` sends to `to`; made once.
    Index path(Step step, unsigned from, unsigned to) {
        const auto [known, fresh] = paths_.try_emplace({step, from, to}, 0);
        if (!fresh) {
            return known->second;
        }
        Stream stream = stream_of(from);
        stream.target = buffer(step == Step::kKeep ? from : to);
        if (ideal()) {
            stream.operation = Operation::kWrite;
            stream.name = fmt::format("{} to {}", stream.initiator, stream.target.part);
        } else {
            stream.operation = step == Step::kCopy ? Operation::kCopy : Operation::kStreamAdd;
            stream.source = buffer(from);
            const bool remote_egm = plan_.buffers == MemoryName::Kind::kEgm && stream.target.part != stream.source.part;
            stream.target.via = remote_egm ? plan_.members[to] : "";
            stream.name = fmt::format("{} {} {}", stream.initiator, step == Step::kCopy ? "sends to" : "adds into",
                                      to_text(stream.target));
        }
        return known->second = graph_.add_path(std::move(stream));
    }

    Index send(Step step, unsigned from, unsigned to, std::uint64_t bytes) {
        return graph_.transfer(path(ideal() ? Step::kCopy : step, from, to), bytes);
    }

    /// `whole` in `parts`, the first ones a byte longer where it does not come out even.
    static std::uint64_t part_of(std::uint64_t whole, unsigned parts, unsigned index) {
        return whole / parts + (index < whole % parts ? 1 : 0);
    }

    /// Calls `visit(begin, end)` for each piece of `bytes`, one after the other.
    template <class Visit>
    void pieces(std::uint64_t bytes, Visit visit) const {
        const std::uint64_t most = plan_.chunk_bytes != 0 ? plan_.chunk_bytes : bytes;
        for (std::uint64_t done = 0; done < bytes; done += most) {
            visit(done, std::min(done + most, bytes));
        }
    }

    void order(std::optional<Index> before, Index after) {
        if (before) {
            graph_.order(*before, after);
        }
    }

    /// Each member sends a block to the next one, `steps` times, each time what has just come in. A channel does one
    /// piece after the other, and a member begins a step of it when the step before has arrived, its own and the one
    /// that it passes on. Where blocks do not come out even, the last piece of a channel may be of the longer ones
    /// only.
    void ring(unsigned steps) {
        together_ = plan_.channels;
        const bool reduces = plan_.kind != Kind::kAllGather;
        const bool scatters = plan_.kind == Kind::kReduceScatter;
        for (unsigned channel = 0; channel < plan_.channels; ++channel) {
            const auto share = [&](unsigned block) {
                return part_of(part_of(plan_.size_bytes, count_, block), plan_.channels, channel);
            };
            std::vector<std::optional<Index>> last(count_); // by member
            pieces(share(0), [&](std::uint64_t begin, std::uint64_t end) {
                const auto piece = [&](unsigned block) { return std::clamp(share(block), begin, end) - begin; };
                std::vector<std::optional<Index>> before, now;
                for (unsigned step = 0; step < steps; ++step) {
                    // In the first round what comes in is summed up, from its last step on it is complete.
                    const bool adds = reduces && step > 0 && step < count_;
                    now.assign(count_, {});
                    for (unsigned r = 0; r < count_; ++r) {
                        // Its own first, or that of the one before it, whose sum is to end there.
                        const unsigned block = (r + 2 * count_ - step - (scatters ? 1 : 0)) % count_;
                        if (piece(block) == 0) {
                            continue;
                        }
                        now[r] = send(adds ? Step::kAdd : Step::kCopy, r, (r + 1) % count_, piece(block));
                        order(last[r], *now[r]);
                        if (step > 0) {
                            order(before[(r + count_ - 1) % count_], *now[r]);
                        }
                        last[r] = now[r];
                    }
                    before = now;
                }
                if (scatters && !ideal()) {
                    for (unsigned r = 0; r < count_ && piece(r) != 0; ++r) { // the sum of the last that came in stays
                        const Index keep = send(Step::kKeep, r, r, piece(r));
                        order(before[(r + count_ - 1) % count_], keep);
                        order(last[r], keep);
                        last[r] = keep;
                    }
                }
            });
        }
    }

    /// Along the ring from the root, piece behind piece.
    void broadcast() {
        together_ = plan_.channels;
        for (unsigned channel = 0; channel < plan_.channels; ++channel) {
            std::vector<std::optional<Index>> last(count_);
            pieces(part_of(plan_.size_bytes, plan_.channels, channel), [&](std::uint64_t begin, std::uint64_t end) {
                std::optional<Index> before;
                for (unsigned hop = 0; hop + 1 < count_; ++hop) {
                    const unsigned from = (plan_.root + hop) % count_;
                    const Index now = send(Step::kCopy, from, (from + 1) % count_, end - begin);
                    order(last[hop], now);
                    order(before, now);
                    last[hop] = before.emplace(now);
                }
            });
        }
    }

    void all_to_all() {
        const unsigned at_once = lanes(count_ - 1);
        together_ = at_once;
        for (unsigned r = 0; r < count_; ++r) {
            std::vector<std::optional<Index>> last(at_once);
            for (unsigned step = 1; step < count_; ++step) {
                const unsigned to = (r + step) % count_;
                const Index now = send(Step::kCopy, r, to, part_of(plan_.size_bytes, count_, to));
                order(last[step % at_once], now);
                last[step % at_once] = now;
            }
        }
    }

    /// How many transfers a member has under way at once: its copy engines do one each.
    unsigned lanes(unsigned most) const {
        if (plan_.engine != Engine::kCopyEngine) {
            return most;
        }
        const auto& gpu = std::get<models::GpuSpec>(topology_.find(plan_.members[0])->spec);
        return std::clamp(gpu.copy_engine.engines, 1u, most);
    }

    /// Two binary trees over the members, the second one backwards, so that who is inside of one is a leaf of the
    /// other. Each has half of the data: up to its root, summed on the way, and down again, piece behind piece.
    void trees() {
        together_ = 6; // up, and down to two, in both trees
        for (unsigned tree = 0; tree < 2; ++tree) {
            const auto member = [&](unsigned place) { return tree == 0 ? place : count_ - 1 - place; };
            std::vector<std::optional<Index>> last_up(count_), last_down(count_);
            pieces(part_of(plan_.size_bytes, 2, tree), [&](std::uint64_t begin, std::uint64_t end) {
                const std::uint64_t bytes = end - begin;
                std::vector<std::optional<Index>> up(count_), down(count_);
                for (unsigned place = count_; place-- > 1;) {
                    const bool leaf = 2 * place + 1 >= count_;
                    up[place] = send(leaf ? Step::kCopy : Step::kAdd, member(place), member((place - 1) / 2), bytes);
                    order(last_up[place], *up[place]);
                    wait_for_children(up, place, *up[place]);
                    last_up[place] = up[place];
                }
                for (unsigned place = 1; place < count_; ++place) {
                    const unsigned parent = (place - 1) / 2;
                    down[place] = send(parent == 0 ? Step::kAdd : Step::kCopy, member(parent), member(place), bytes);
                    order(last_down[place], *down[place]);
                    if (parent == 0) {
                        wait_for_children(up, 0, *down[place]);
                    } else {
                        order(down[parent], *down[place]);
                    }
                    last_down[place] = down[place];
                }
            });
        }
    }

    void wait_for_children(const std::vector<std::optional<Index>>& up, unsigned place, Index node) {
        for (unsigned child = 2 * place + 1; child <= 2 * place + 2 && child < count_; ++child) {
            order(up[child], node);
        }
    }

    /// In the network: a read of the group returns the sum of all members, a write to it goes to all of them.
    void nvls() {
        const auto add = [&](unsigned member, bool reads_group, bool writes_group, std::uint64_t bytes) {
            if (bytes == 0) {
                return;
            }
            Stream stream = stream_of(member);
            stream.operation = Operation::kCopy;
            const MemoryName group{MemoryName::Kind::kMulticast, plan_.members[member], {}};
            stream.source = reads_group ? group : buffer(member);
            stream.target = writes_group ? group : buffer(member);
            stream.group = plan_.members;
            stream.name = fmt::format("{} {}{}{}", stream.initiator, reads_group ? "reduces" : "",
                                      reads_group && writes_group ? " and " : "", writes_group ? "multicasts" : "");
            graph_.transfer(graph_.add_path(std::move(stream)), bytes);
        };
        if (plan_.kind == Kind::kBroadcast) {
            add(plan_.root, false, true, plan_.size_bytes);
            return;
        }
        for (unsigned r = 0; r < count_; ++r) {
            add(r, plan_.kind != Kind::kAllGather, plan_.kind != Kind::kReduceScatter,
                part_of(plan_.size_bytes, count_, r));
        }
    }

    const Collective& plan_;
    const Topology& topology_;
    const Location where_;
    WorkGraph& graph_;
    const unsigned count_;
    unsigned together_ = 1; ///< transfers that a member has under way at once, which share its thread blocks
    std::map<std::tuple<Step, unsigned, unsigned>, Index> paths_;
};

} // namespace

double bus_factor(Collective::Kind kind, unsigned members) {
    const double others = static_cast<double>(members - 1) / members;
    switch (kind) {
    case Kind::kAllReduce:
        return 2 * others;
    case Kind::kAllGather:
    case Kind::kReduceScatter:
    case Kind::kAllToAll:
        return others;
    case Kind::kSendRecv:
    case Kind::kBroadcast:
        break;
    }
    return 1;
}

std::string describe(const Collective& collective) {
    const bool ideal = collective.engine == Engine::kEndPoint;
    return fmt::format("{}{} of {} over {} {}{}",
                       collective.algorithm == Algorithm::kDirect ? "" : to_text(collective.algorithm) + " ",
                       to_text(collective.kind), format_size(collective.size_bytes), collective.count(),
                       ideal ? "end points" : "GPUs",
                       ideal                                          ? ""
                       : collective.engine == Engine::kCopyEngine     ? " by copy engines"
                       : collective.buffers == MemoryName::Kind::kEgm ? " by SMs, in EGM"
                                                                      : " by SMs");
}

Work collective_work(const Collective& collective, const Topology& topology, const Location& where) {
    Work work;
    work.what = describe(collective);
    work.size_bytes = collective.size_bytes;
    work.bus_factor = bus_factor(collective.kind, collective.count());
    Builder(collective, topology, where, work.graph).build();
    return work;
}

} // namespace sim
