#include "sim/workload.h"

#include <algorithm>
#include <optional>

namespace sim {

namespace {

using Index = WorkGraph::Index;
using Spans = std::vector<std::pair<Index, Index>>;

/// The n-th of evenly spread numbers in [0, 1): multiples of the golden ratio, in whole millionths of a millionth.
double spread(std::uint64_t n) { return static_cast<double>(n * 618'033'988'750ull % 1'000'000'000'000ull) / 1e12; }

WorkFigure rate(const std::string& name, const std::string& unit, double amount) {
    return {WorkFigure::Kind::kRate, name, unit, amount, {}, 0};
}

void add_quantiles(Work& work, const std::string& what, const Spans& spans) {
    if (!spans.empty()) {
        work.figures.push_back({WorkFigure::Kind::kSpan, what + " p50", "ns", 0, spans, 5'000});
        work.figures.push_back({WorkFigure::Kind::kSpan, what + " p99", "ns", 0, spans, 9'900});
        work.figures.push_back({WorkFigure::Kind::kSpan, what + " max", "ns", 0, spans, 10'000});
    }
}

void add_busy(Work& work, const std::string& what, const Spans& spans, std::size_t engines) {
    if (!spans.empty()) {
        work.figures.push_back({WorkFigure::Kind::kShare, what, "%", static_cast<double>(engines), spans, 0});
    }
}

void after(WorkGraph& graph, std::optional<Index> before, Index node) {
    if (before) {
        graph.order(*before, node);
    }
}

} // namespace

void build_decode(const DecodeWork& plan, Work& work) {
    WorkGraph& graph = work.graph;
    Spans computing, steps;
    for (const DecodeWork::Gpu& gpu : plan.gpus) {
        std::vector<Index> computed;
        std::optional<Index> loaded, held;
        std::uint64_t loads = 0;
        std::vector<Index> freed; // computing that empties a buffer, in order
        for (unsigned token = 0; token < plan.tokens; ++token) {
            Index first = 0;
            for (unsigned layer = 0; layer < plan.layers; ++layer) {
                const bool resident = spread(layer + 1) < plan.resident;
                std::optional<Index> load;
                if (!resident) {
                    load = graph.transfer(gpu.load, plan.layer_bytes);
                    after(graph, loaded, *load);
                    if (loads >= plan.buffers) {
                        graph.order(freed[loads - plan.buffers], *load);
                    }
                    loaded = load;
                    ++loads;
                }
                const Index compute = graph.compute(plan.layer_bytes, plan.compute_rate);
                after(graph, load, compute);
                after(graph, held, compute);
                if (!resident) {
                    freed.push_back(compute);
                }
                if (layer == 0) {
                    first = compute;
                }
                computing.emplace_back(compute, compute);
                computed.push_back(compute);
                held = compute;
                if (plan.exchange_bytes != 0) {
                    held = graph.transfer(gpu.exchange, plan.exchange_bytes);
                    graph.order(compute, *held);
                }
            }
            steps.emplace_back(first, *held);
        }
    }
    const double tokens = static_cast<double>(plan.tokens) * plan.batch;
    work.figures.push_back(rate("decoded", "tokens/s", tokens));
    add_quantiles(work, "step, from its first layer on", steps);
    add_busy(work, "SMs compute", computing, plan.gpus.size());
}

void build_kv_cache(const KvCacheWork& plan, Work& work) {
    WorkGraph& graph = work.graph;
    Spans fetches;
    std::uint64_t number = 0;
    for (const KvCacheWork::Gpu& gpu : plan.gpus) {
        std::vector<std::optional<Index>> last(plan.concurrency);
        for (unsigned request = 0; request < plan.requests; ++request) {
            std::optional<Index>& before = last[request % plan.concurrency];
            ++number;
            if (spread(number) >= plan.hit_rate) {
                const auto home = static_cast<std::size_t>(
                    spread(number * 7919 + 13) * static_cast<double>(gpu.fetch.size())); // another order than the hits
                const Index fetch = graph.transfer(gpu.fetch[home], plan.block_bytes);
                after(graph, before, fetch);
                fetches.emplace_back(fetch, fetch);
                before = fetch;
            }
            if (plan.compute != 0) {
                const Index compute = graph.compute(plan.compute);
                after(graph, before, compute);
                before = compute;
            }
        }
    }
    const double all = static_cast<double>(plan.gpus.size()) * plan.requests;
    work.figures.push_back(rate("served", "blocks/s", all));
    work.figures.push_back(rate("fetched", "blocks/s", static_cast<double>(fetches.size())));
    add_quantiles(work, "fetch", fetches);
}

void build_embedding(const EmbeddingWork& plan, Work& work) {
    WorkGraph& graph = work.graph;
    Spans gathers, computing;
    const auto hot = static_cast<std::uint64_t>(plan.hit_rate * plan.rows + 0.5);
    const std::uint64_t cold = plan.rows - hot;
    for (const EmbeddingWork::Gpu& gpu : plan.gpus) {
        std::vector<Index> computed;
        std::optional<Index> gathered;
        for (unsigned batch = 0; batch < plan.batches; ++batch) {
            const Index begin = graph.barrier();
            const Index end = graph.barrier();
            after(graph, gathered, begin);
            if (batch >= plan.buffers) {
                graph.order(computed[batch - plan.buffers], begin);
            }
            for (const auto& [path, rows] : {std::pair{gpu.cold, cold}, {gpu.hot, hot}}) {
                if (rows != 0) {
                    const Index gather = graph.transfer(path, rows * plan.row_bytes);
                    graph.order(begin, gather);
                    graph.order(gather, end);
                }
            }
            const Index compute = graph.compute(plan.compute);
            graph.order(end, compute);
            if (batch > 0) {
                graph.order(computed.back(), compute);
            }
            gathered = end;
            gathers.emplace_back(begin, end);
            computing.emplace_back(compute, compute);
            computed.push_back(compute);
        }
    }
    const double batches = static_cast<double>(plan.gpus.size()) * plan.batches;
    work.figures.push_back(rate("looked up", "rows/s", batches * plan.rows));
    work.figures.push_back(rate("finished", "batches/s", batches));
    add_quantiles(work, "gather of a batch", gathers);
    if (plan.compute != 0) {
        add_busy(work, "SMs compute", computing, plan.gpus.size());
    }
}

void build_checkpoint(const CheckpointWork& plan, Work& work) {
    WorkGraph& graph = work.graph;
    Spans whole;
    for (const GraphPath path : plan.gpus) {
        std::vector<std::optional<Index>> last(plan.concurrency);
        const Index begin = graph.barrier();
        const Index end = graph.barrier();
        std::size_t slot = 0;
        for (std::uint64_t done = 0; done < plan.bytes; done += plan.chunk_bytes) {
            const Index chunk = graph.transfer(path, std::min(plan.chunk_bytes, plan.bytes - done));
            std::optional<Index>& before = last[slot++ % plan.concurrency];
            graph.order(before.value_or(begin), chunk);
            before = chunk;
        }
        for (const auto& chunk : last) {
            after(graph, chunk, end);
        }
        whole.emplace_back(begin, end);
    }
    add_quantiles(work, "checkpoint of a GPU", whole);
}

void build_moe(const MoeWork& plan, Work& work) {
    WorkGraph& graph = work.graph;
    const std::size_t gpus = plan.send.size();
    const double shares = plan.skew + static_cast<double>(gpus) - 1; // popularity of all experts together
    const double assigned = static_cast<double>(plan.tokens) * plan.top_k;
    const auto tokens_to = [&](std::size_t expert) {
        return static_cast<std::uint64_t>(assigned * (expert == 0 ? plan.skew : 1) / shares + 0.5);
    };
    Spans dispatches, combines, computing, layers;
    std::vector<Index> ready(gpus);
    for (Index& one : ready) {
        one = graph.barrier();
    }
    for (unsigned layer = 0; layer < plan.layers; ++layer) {
        const Index begin = graph.barrier();
        for (const Index one : ready) {
            graph.order(one, begin);
        }
        std::vector<Index> arrived(gpus), computed(gpus), next(gpus);
        for (std::size_t to = 0; to < gpus; ++to) {
            arrived[to] = graph.barrier();
            next[to] = graph.barrier();
            const std::uint64_t bytes = tokens_to(to) * plan.token_bytes;
            computed[to] = graph.compute(std::max<std::uint64_t>(bytes * gpus, 1), plan.compute_rate);
            graph.order(ready[to], arrived[to]);
            graph.order(arrived[to], computed[to]);
            if (plan.expert_bytes != 0) {
                const Index load = graph.transfer(plan.load[to], plan.expert_bytes);
                graph.order(ready[to], load);
                graph.order(load, computed[to]);
            }
            computing.emplace_back(computed[to], computed[to]);
            dispatches.emplace_back(begin, arrived[to]);
        }
        for (std::size_t from = 0; from < gpus; ++from) {
            graph.order(computed[from], next[from]); // its own tokens need no way
            for (std::size_t shift = 1; shift < gpus; ++shift) {
                const std::size_t to = (from + shift) % gpus;
                const std::uint64_t bytes = tokens_to(to) * plan.token_bytes;
                if (bytes == 0) {
                    continue;
                }
                const Index dispatch = graph.transfer(plan.send[from][to], bytes);
                graph.order(ready[from], dispatch);
                graph.order(dispatch, arrived[to]);
                const Index combine = graph.transfer(plan.send[to][from], bytes);
                graph.order(computed[to], combine);
                graph.order(combine, next[from]);
                combines.emplace_back(combine, combine);
            }
        }
        const Index end = graph.barrier();
        for (std::size_t i = 0; i < gpus; ++i) {
            graph.order(next[i], end);
        }
        layers.emplace_back(begin, end);
        ready = next;
    }
    work.figures.push_back(
        rate("processed", "tokens/s", static_cast<double>(plan.tokens) * static_cast<double>(gpus) * plan.layers));
    add_quantiles(work, "layer", layers);
    add_quantiles(work, "dispatch to an expert", dispatches);
    add_quantiles(work, "combine of a pair", combines);
    add_busy(work, "SMs compute", computing, gpus);
}

} // namespace sim
