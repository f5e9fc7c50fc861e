#include "sim/workload_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/ranges.h"
#include "sim/stream_loader.h"
#include "sim/workload.h"

namespace sim {

namespace {

constexpr std::uint64_t kKiB = 1 << 10, kMiB = 1 << 20, kTiB = 1ull << 40;
constexpr std::size_t kNodesMax = 2'000'000; ///< of a graph: some hundred MB
constexpr models::Picoseconds kSecond = 1'000'000'000'000;
const std::vector<std::string> kKinds = {"decode", "kv-cache", "embedding", "checkpoint", "moe"};

class Reader {
public:
    Reader(const YamlNode& item, const SoftwareSetup* software, const Topology* topology, Diagnostics& diagnostics)
        : fields_(item, "workload", diagnostics), software_(software), topology_(topology), diagnostics_(diagnostics),
          where_(item.where), errors_(diagnostics.errors()) {}

    std::shared_ptr<const Work> read() {
        std::string kind, name;
        fields_.text("workload", kind);
        fields_.text("name", name); // the group's
        fields_.text("vm", vm_);
        if (std::find(kKinds.begin(), kKinds.end(), kind) == kKinds.end()) {
            fields_.error("workload", in_quotes(kind) + " is not known", suggest(kind, kKinds));
            return nullptr;
        }
        gpus_ = names("gpus");
        fields_.require({"gpus"}, "say who does it, \"gpus: hopper[0..3]\"");
        for (const std::string& gpu : gpus_) {
            check_part(make_scalar(gpu, fields_.where("gpus")), fields_.what() + ": gpus", PartClass::kGpu, topology_,
                       diagnostics_);
        }
        memories_ = names("memory");
        fields_.choice("by", engine_, {{"ce", Engine::kCopyEngine}, {"sm", Engine::kSm}});
        if (kind == "decode") {
            decode();
        } else if (kind == "kv-cache") {
            kv_cache();
        } else if (kind == "embedding") {
            embedding();
        } else if (kind == "checkpoint") {
            checkpoint();
        } else {
            moe();
        }
        if (!sound() || topology_ == nullptr) {
            return nullptr;
        }
        if (work_->graph.nodes().size() > kNodesMax) {
            fields_.error("workload", fmt::format("has {} parts; at most {}", work_->graph.nodes().size(), kNodesMax),
                          "make it shorter: what it repeats shows after a few rounds");
            return nullptr;
        }
        return work_;
    }

private:
    bool sound() const { return diagnostics_.errors() == errors_; }
    /// After the last key of a kind was asked for: whether a graph can be built.
    bool complete() {
        fields_.finish();
        return sound() && topology_ != nullptr && !gpus_.empty();
    }

    std::vector<std::string> names(const std::string& key) {
        std::vector<std::string> found;
        const YamlNode* node = fields_.node(key);
        if (node == nullptr) {
            return found;
        }
        for (const YamlNode& one : node->is_sequence() ? node->items : std::vector<YamlNode>{*node}) {
            if (!one.is_scalar() || one.text.empty()) {
                diagnostics_.error(one.where, fmt::format("{}: {}: an entry is no name", fields_.what(), key));
                continue;
            }
            for (const RangeName& range : expand_ranges(one.text, one.where, diagnostics_)) {
                found.push_back(range.name);
            }
        }
        return found;
    }

    /// The memory of the n-th GPU: of the list, which has one for all or one for each; else its own CPU's.
    std::string memory_of(std::size_t n) {
        if (memories_.empty()) {
            return topology_->find(gpus_[n])->cpu + (topology_->egm ? ".egm" : ".system");
        }
        if (memories_.size() != 1 && memories_.size() != gpus_.size()) {
            fields_.error("memory", fmt::format("has {} names for {} GPUs", memories_.size(), gpus_.size()),
                          "name one for all of them, one for each, or none for that of its own CPU");
            memories_.resize(1);
        }
        return memories_[memories_.size() == 1 ? 0 : n];
    }

    using Pairs = std::vector<std::pair<std::string, std::string>>;

    GraphPath path(Pairs pairs) {
        YamlNode node = make_map(where_);
        const bool pinned = std::any_of(pairs.begin(), pairs.end(), [](const auto& pair) {
            return (pair.first == "source" || pair.first == "target") && pair.second.ends_with(".system");
        });
        if (pinned && engine_of(pairs) != Engine::kNic) {
            pairs.emplace_back("allocator", "pinned");
        }
        if (!vm_.empty()) {
            pairs.emplace_back("vm", vm_);
        }
        for (auto& [key, value] : pairs) {
            node.entries.push_back({key, where_, make_scalar(std::move(value), where_)});
        }
        return work_->graph.add_path(read_stream(node, fields_.what(), software_, topology_, spreads_, diagnostics_));
    }
    Engine engine_of(const Pairs& pairs) const {
        const std::string& from = pairs.front().second;
        return from.ends_with(".sm") || from.ends_with(".ce") ? Engine::kSm : Engine::kNic;
    }
    std::string initiator(const std::string& gpu) const { return gpu + (engine_ == Engine::kSm ? ".sm" : ".ce"); }
    GraphPath copy(const std::string& gpu, const std::string& source, const std::string& target, std::uint64_t bytes) {
        return path({{"from", initiator(gpu)},
                     {"op", "copy"},
                     {"source", source},
                     {"target", target},
                     {"working_set", fmt::format("{} B", std::max(bytes, kMiB))}});
    }

    void read_compute(models::Picoseconds& compute) {
        fields_.time("compute", compute, {.min = 0, .max = kSecond, .likely = "us"});
    }
    void read_compute_rate(double& rate) {
        std::uint64_t bytes_per_second = 0;
        fields_.rate("compute_rate", bytes_per_second, {.min = 1'000'000, .max = 1'000'000'000'000'000});
        rate = static_cast<double>(bytes_per_second);
    }

    void decode() {
        DecodeWork plan;
        fields_.count("layers", plan.layers, {.max = 1000});
        fields_.count("tokens", plan.tokens, {.max = 10'000});
        fields_.count("buffers", plan.buffers, {.max = 64});
        fields_.count("batch", plan.batch, {.max = 1u << 20});
        fields_.size("layer_size", plan.layer_bytes, {.min = kKiB, .max = kTiB, .likely = "MiB"});
        fields_.share("resident", plan.resident, 0, 1);
        read_compute_rate(plan.compute_rate);
        fields_.size("exchange", plan.exchange_bytes, {.min = 64, .max = kTiB, .likely = "KiB"});
        const std::vector<std::string> with = names("exchange_with"), by = names("exchange_by");
        fields_.require({"layers", "layer_size", "compute_rate"},
                        "a decode has \"layers\" of a \"layer_size\", computed on at a \"compute_rate\"");
        const bool exchanges = plan.exchange_bytes != 0;
        if (exchanges != !with.empty()) {
            fields_.error(exchanges ? "exchange" : "exchange_with", "goes with the other one",
                          "write \"exchange: 1 MiB\" and \"exchange_with: hopper[4..7]\"");
        } else if (exchanges && with.size() != gpus_.size()) {
            fields_.error("exchange_with", fmt::format("has {} names for {} GPUs", with.size(), gpus_.size()));
        } else if (!by.empty() && (by.size() != gpus_.size() || !exchanges)) {
            fields_.error("exchange_by", "names a NIC for each GPU, of an exchange");
        }
        if (!complete()) {
            return;
        }
        for (std::size_t i = 0; i < gpus_.size() && sound(); ++i) {
            DecodeWork::Gpu gpu{gpus_[i], 0, 0};
            gpu.load = copy(gpus_[i], memory_of(i), gpus_[i] + ".hbm", plan.layer_bytes * plan.buffers);
            if (exchanges && by.empty()) {
                gpu.exchange = path({{"from", gpus_[i] + ".sm"},
                                     {"op", "copy"},
                                     {"source", gpus_[i] + ".hbm"},
                                     {"target", with[i] + ".hbm"},
                                     {"working_set", fmt::format("{} B", std::max(plan.exchange_bytes, kMiB))}});
            } else if (exchanges) {
                gpu.exchange = path({{"from", by[i]},
                                     {"op", "write"},
                                     {"target", with[i] + ".hbm"},
                                     {"working_set", fmt::format("{} B", std::max(plan.exchange_bytes, kMiB))}});
            }
            plan.gpus.push_back(gpu);
        }
        const double nodes = 3.0 * plan.layers * plan.tokens * static_cast<double>(gpus_.size());
        if (sound() && fits(nodes)) {
            build_decode(plan, *work_);
            work_->what = fmt::format("decode of {} tokens, {} layers of {} on {} GPUs", plan.tokens * plan.batch,
                                      plan.layers, format_size(plan.layer_bytes), gpus_.size());
        }
    }

    void kv_cache() {
        KvCacheWork plan;
        fields_.size("block", plan.block_bytes, {.min = 64, .max = kTiB, .likely = "KiB"});
        fields_.count("requests", plan.requests, {.max = 1u << 20});
        fields_.count("concurrency", plan.concurrency, {.max = 1024});
        fields_.share("hit_rate", plan.hit_rate, 0, 1);
        read_compute(plan.compute);
        fields_.require({"block", "requests", "memory"}, "a cache has \"block\", \"requests\" of each GPU, and a "
                                                         "\"memory\" that its tier is in");
        if (!complete()) {
            return;
        }
        const std::vector<std::string> tier = memories_;
        for (const std::string& gpu : gpus_) {
            KvCacheWork::Gpu& one = plan.gpus.emplace_back();
            for (const std::string& memory : tier) {
                if (sound()) {
                    one.fetch.push_back(copy(gpu, memory, gpu + ".hbm", plan.block_bytes * plan.concurrency));
                }
            }
        }
        if (sound() && fits(2.0 * plan.requests * static_cast<double>(gpus_.size()))) {
            build_kv_cache(plan, *work_);
            work_->what = fmt::format("{} GPUs take {} blocks of {} each, {:.3g} % of them from the tier, {} at a time",
                                      gpus_.size(), plan.requests, format_size(plan.block_bytes),
                                      (1 - plan.hit_rate) * 100, plan.concurrency);
        }
    }

    void embedding() {
        EmbeddingWork plan;
        std::uint64_t table = 8ull << 30;
        fields_.size("row", plan.row_bytes, {.min = 64, .max = kMiB, .likely = "B"});
        fields_.size("table", table, {.min = kMiB, .max = 16 * kTiB, .likely = "GiB"});
        fields_.count("rows", plan.rows, {.max = 1u << 30});
        fields_.count("batches", plan.batches, {.max = 10'000});
        fields_.count("buffers", plan.buffers, {.max = 64});
        fields_.share("hit_rate", plan.hit_rate, 0, 1);
        read_compute(plan.compute);
        fields_.require({"row", "rows", "batches"},
                        "an embedding has \"rows\" of a \"row\" size in each of \"batches\"");
        if (!complete()) {
            return;
        }
        const auto gather = [&](const std::string& gpu, const std::string& memory, std::uint64_t bytes) {
            return path({{"from", gpu + ".sm"},
                         {"op", "random-read"},
                         {"source", memory},
                         {"working_set", fmt::format("{} B", bytes)}});
        };
        for (std::size_t i = 0; i < gpus_.size() && sound(); ++i) {
            EmbeddingWork::Gpu gpu;
            gpu.cold = gather(gpus_[i], memory_of(i), table);
            gpu.hot = gather(gpus_[i], gpus_[i] + ".hbm", std::min<std::uint64_t>(table, 4ull << 30));
            plan.gpus.push_back(gpu);
        }
        if (sound() && fits(5.0 * plan.batches * static_cast<double>(gpus_.size()))) {
            build_embedding(plan, *work_);
            work_->what =
                fmt::format("{} GPUs look up {} rows of {} in each of {} batches, {:.3g} % of them hot", gpus_.size(),
                            plan.rows, format_size(plan.row_bytes), plan.batches, plan.hit_rate * 100);
        }
    }

    void checkpoint() {
        CheckpointWork plan;
        plan.chunk_bytes = 16 * kMiB;
        fields_.size("size", plan.bytes, {.min = kKiB, .max = kTiB, .likely = "GiB"});
        fields_.size("chunk", plan.chunk_bytes, {.min = kKiB, .max = kTiB, .likely = "MiB"});
        fields_.count("concurrency", plan.concurrency, {.max = 64});
        fields_.require({"size"}, "say how much each GPU writes, \"size: 1 GiB\"");
        if (!complete()) {
            return;
        }
        for (std::size_t i = 0; i < gpus_.size() && sound(); ++i) {
            plan.gpus.push_back(copy(gpus_[i], gpus_[i] + ".hbm", memory_of(i), plan.chunk_bytes * plan.concurrency));
        }
        const double chunks = static_cast<double>(plan.bytes) / static_cast<double>(plan.chunk_bytes);
        if (sound() && fits((chunks + 3) * static_cast<double>(gpus_.size()))) {
            build_checkpoint(plan, *work_);
            work_->what = fmt::format("{} GPUs write {} each", gpus_.size(), format_size(plan.bytes));
        }
    }

    void moe() {
        MoeWork plan;
        fields_.count("tokens", plan.tokens, {.max = 1u << 24});
        fields_.size("token_size", plan.token_bytes, {.min = 64, .max = kMiB, .likely = "KiB"});
        fields_.count("top_k", plan.top_k, {.max = 64});
        fields_.count("layers", plan.layers, {.max = 1000});
        fields_.share("skew", plan.skew, 1, 1000);
        fields_.size("expert_size", plan.expert_bytes, {.min = kKiB, .max = kTiB, .likely = "MiB"});
        read_compute_rate(plan.compute_rate);
        fields_.require(
            {"tokens", "token_size", "compute_rate"},
            "say how many \"tokens\" of a \"token_size\" each GPU has, and the \"compute_rate\" of an expert");
        if (gpus_.size() == 1) {
            fields_.error("gpus", "has one name", "experts are spread over two GPUs at least");
        }
        if (fields_.has("memory") && plan.expert_bytes == 0) {
            fields_.error("memory", "is where experts' weights are", "write \"expert_size\" too");
        }
        if (!complete()) {
            return;
        }
        const double pairs = static_cast<double>(gpus_.size()) * static_cast<double>(gpus_.size());
        if (!fits(pairs * (2.0 * plan.layers + 1))) {
            return;
        }
        const std::uint64_t most = std::uint64_t{plan.tokens} * plan.top_k * plan.token_bytes;
        plan.send.assign(gpus_.size(), std::vector<GraphPath>(gpus_.size()));
        for (std::size_t from = 0; from < gpus_.size() && sound(); ++from) {
            for (std::size_t to = 0; to < gpus_.size() && sound(); ++to) {
                if (from != to) {
                    plan.send[from][to] =
                        path({{"from", gpus_[from] + ".sm"},
                              {"op", "copy"},
                              {"source", gpus_[from] + ".hbm"},
                              {"target", gpus_[to] + ".hbm"},
                              {"blocks", "8"},
                              {"unroll", "4"},
                              {"working_set", fmt::format("{} B", std::clamp(most, kMiB, 1024 * kMiB))}});
                }
            }
            if (plan.expert_bytes != 0 && sound()) {
                plan.load.push_back(copy(gpus_[from], memory_of(from), gpus_[from] + ".hbm", plan.expert_bytes));
            }
        }
        if (sound()) {
            build_moe(plan, *work_);
            work_->what = fmt::format("{} experts, {} tokens of {} on each GPU, {} experts a token", gpus_.size(),
                                      plan.tokens, format_size(plan.token_bytes), plan.top_k);
        }
    }

    bool fits(double nodes) {
        if (nodes > static_cast<double>(kNodesMax)) {
            fields_.error("workload", fmt::format("has about {:.0f} parts; at most {}", nodes, kNodesMax),
                          "make it shorter: what it repeats shows after a few rounds");
            return false;
        }
        return true;
    }

    Fields fields_;
    const SoftwareSetup* software_;
    const Topology* topology_;
    Diagnostics& diagnostics_;
    const Location where_;
    const std::size_t errors_;
    SpreadReader spreads_;
    std::string vm_;
    std::vector<std::string> gpus_;
    std::vector<std::string> memories_;
    Engine engine_ = Engine::kCopyEngine;
    std::shared_ptr<Work> work_ = std::make_shared<Work>();
};

} // namespace

std::shared_ptr<const Work> read_workload(const YamlNode& item, const SoftwareSetup* software, const Topology* topology,
                                          Diagnostics& diagnostics) {
    return Reader(item, software, topology, diagnostics).read();
}

} // namespace sim
