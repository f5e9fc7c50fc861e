#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/scenario.h"
#include "sim/work_figures.h"

namespace sim {

/// A fixed amount of work as a graph: transfers of so many bytes, times of computing, and what must be over before
/// what. Collectives, and every other workload that comes to an end, are made of it.
///
/// To build one: `add_path` for each way in which bytes go (a `Stream`: its engine, operation, memories, blocks and
/// burst; what it says of times is ignored), then nodes, then `order`. A path may serve any number of transfers, one
/// after the other or at once. Give it to a `StreamGroup` as its `work`; `run_work` (sim/work_run.h) carries it out
/// burst by burst, `fluid_work` (sim/work_fluid.h) by fluid rates, both with the same `WorkTimes` (sim/work_result.h)
/// as answer.
///
/// A transfer is over when its last byte has arrived: a read at its initiator, a write (and the writing half of a copy)
/// in the memory that it is for, whether or not the writer has heard of it. Nodes that nothing holds back begin at time
/// 0, those of one instant in the order of their numbers.
class WorkGraph {
public:
    using Index = std::uint32_t;

    struct Node {
        enum class Kind : std::uint8_t {
            kTransfer, ///< `bytes` over `path`
            kCompute,  ///< nothing but `time`; what computes on the same engine is for `order` to say
            kBarrier,  ///< takes no time
        } kind = Kind::kBarrier;
        bool acknowledged = false; ///< kTransfer: over only when the initiator knows that all has arrived
        Index path = 0;
        std::uint64_t bytes = 0;
        models::Picoseconds time = 0;
        models::Picoseconds not_before = 0; ///< after the start of the work
    };
    struct Order {
        Index before;
        Index after;
    };

    Index add_path(Stream stream);
    /// Preconditions: `path` was added; `bytes > 0`.
    Index transfer(Index path, std::uint64_t bytes);
    Index compute(models::Picoseconds time);
    /// `amount` (bytes, operations) at so much a second, rounded up to a picosecond. Precondition: `per_second > 0`.
    Index compute(std::uint64_t amount, double per_second);
    Index barrier();
    /// Node `after` begins when `before` is over, and all else that it was told to wait for.
    void order(Index before, Index after);
    Node& node(Index index) { return nodes_[index]; }

    const std::vector<Stream>& paths() const { return paths_; }
    const std::vector<Node>& nodes() const { return nodes_; }
    const std::vector<Order>& orders() const { return orders_; }

    /// Nodes that wait for each other in a circle; empty if there are none. A graph with a circle never ends: builders
    /// check what users may have written, and `run_work` refuses it.
    std::vector<Index> cycle() const;
    /// A name for messages: "hopper0.sm write hopper1.hbm #17".
    std::string name(Index node) const;

private:
    std::vector<Stream> paths_;
    std::vector<Node> nodes_;
    std::vector<Order> orders_;
};

struct Trace; // sim/trace.h

/// A graph as a group of a scenario has it, with what its report says.
struct Work {
    WorkGraph graph;
    std::string what;             ///< "all-reduce of 256 MiB over 8 GPUs, ring"
    std::uint64_t size_bytes = 0; ///< what bandwidth is counted of: algbw = size / time. 0 = the bytes of all transfers
    double bus_factor = 0;        ///< busbw = algbw x factor, as nccl-tests counts; 0 = no such figure
    std::vector<WorkFigure> figures;         ///< what it is about beside its finish
    std::shared_ptr<const Trace> trace = {}; ///< a replay: the graph has only its paths, the rest is read as it runs
};

/// The nodes that follow each node, in one array, in the order in which they were told.
class WorkFollowers {
public:
    explicit WorkFollowers(const WorkGraph& graph);

    const WorkGraph::Index* begin(WorkGraph::Index node) const { return followers_.data() + starts_[node]; }
    const WorkGraph::Index* end(WorkGraph::Index node) const { return followers_.data() + starts_[node + 1]; }
    /// By node: how many others it waits for.
    const std::vector<WorkGraph::Index>& waits_for() const { return waits_for_; }

private:
    std::vector<std::size_t> starts_;
    std::vector<WorkGraph::Index> followers_;
    std::vector<WorkGraph::Index> waits_for_;
};

} // namespace sim
