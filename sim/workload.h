#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/work.h"

namespace sim {

/// What people put in EGM, as graphs of transfers and computing. Paths are streams that are in the graph already;
/// `GraphPath` is the number of one. Computing is a time, or an amount at a rate; it keeps a GPU's SMs, so that two
/// pieces of one GPU never overlap, while copies do.
using GraphPath = WorkGraph::Index;

/// Weights that do not fit into HBM, streamed layer by layer for decode. Each GPU, for each token and layer:
///
///     load(l)     after compute(l - buffers), and after load(l - 1): a copy into one of the buffers
///     compute(l)  after load(l), compute(l - 1) and what it exchanged
///     exchange(l) after compute(l): activations for another GPU
///
/// Layers that are resident are computed on without a load.
struct DecodeWork {
    struct Gpu {
        std::string name;
        GraphPath load = 0;
        GraphPath exchange = 0;
    };
    std::vector<Gpu> gpus;
    unsigned layers = 1, tokens = 1, buffers = 2;
    unsigned batch = 1;            ///< tokens that a step decodes at once
    std::uint64_t layer_bytes = 1; ///< of each GPU
    double resident = 0;           ///< share of the layers that stay in HBM
    double compute_rate = 0;       ///< bytes of weights a second
    std::uint64_t exchange_bytes = 0;
};
void build_decode(const DecodeWork& plan, Work& work);

/// A tier of KV-cache blocks: each GPU has `concurrency` requests under way, each after the other: a fetch unless the
/// block is in HBM, then computing. Hits and homes are spread evenly (multiples of the golden ratio), not drawn.
struct KvCacheWork {
    struct Gpu {
        std::vector<GraphPath> fetch; ///< by memory of the tier
    };
    std::vector<Gpu> gpus;
    std::uint64_t block_bytes = 1;
    unsigned requests = 1; ///< of each GPU
    unsigned concurrency = 1;
    double hit_rate = 0;
    models::Picoseconds compute = 0;
};
void build_kv_cache(const KvCacheWork& plan, Work& work);

/// Embedding tables: batch after batch, each GPU gathers rows at random, those that are hot from its HBM, the rest from
/// the table, and then computes; gathers run ahead by `buffers`.
struct EmbeddingWork {
    struct Gpu {
        GraphPath cold = 0, hot = 0;
    };
    std::vector<Gpu> gpus;
    std::uint64_t row_bytes = 1;
    unsigned rows = 1; ///< of a batch and GPU
    unsigned batches = 1, buffers = 2;
    double hit_rate = 0;
    models::Picoseconds compute = 0;
};
void build_embedding(const EmbeddingWork& plan, Work& work);

/// Each GPU writes `bytes` in chunks, `concurrency` at a time.
struct CheckpointWork {
    std::vector<GraphPath> gpus;
    std::uint64_t bytes = 1, chunk_bytes = 1;
    unsigned concurrency = 2;
};
void build_checkpoint(const CheckpointWork& plan, Work& work);

/// A layer with experts, one on each GPU: tokens are dispatched to `top_k` experts each, computed on, and combined
/// where they came from. Expert 0 is `skew` times as popular as the others. With `expert_bytes` its weights are
/// streamed from `load` while tokens arrive.
struct MoeWork {
    std::vector<std::vector<GraphPath>> send; ///< from GPU to GPU; of a GPU to itself nothing is sent
    std::vector<GraphPath> load;
    unsigned tokens = 1; ///< of each GPU
    unsigned top_k = 2, layers = 1;
    std::uint64_t token_bytes = 1, expert_bytes = 0;
    double skew = 1;
    double compute_rate = 0; ///< bytes of activations a second
};
void build_moe(const MoeWork& plan, Work& work);

} // namespace sim
