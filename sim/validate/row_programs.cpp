// The part of `RowTraffic` that writes ping-pongs, collectives, networks and programs.

#include "sim/validate/row_traffic.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "sim/error_bands.h"
#include "sim/fields.h"
#include "sim/units.h"
#include "sim/words.h"

namespace sim::validate {

using Shape = RowOperation::Shape;
using Counting = RowOperation::Counting;
using Direction = RowOperation::Direction;
using Player = RowOperation::Player;

namespace {

constexpr std::uint64_t kStepwiseBytesMax = 64ull << 20; ///< of a collective that is carried out step by step
constexpr std::uint64_t kStepwiseBytes = 256ull << 20;   ///< where the row does not say how much

} // namespace

void RowTraffic::write_ping_pong() {
    plan_.figure.of = RowFigure::Of::kLatency;
    const std::string cpu = parts_.cpu(local_, Role::kLocal);
    const std::string gpu = parts_.gpu(local_, Role::kLocal);
    const auto name = [&](Player player, bool peer) {
        const std::string own = player == Player::kHost ? cpu : gpu;
        if (own.empty()) {
            unsupported(fmt::format("{} has no GPU beside {}", topology_->name, local_));
            return std::string();
        }
        const std::string part = !peer                     ? own
                                 : player == Player::kHost ? parts_.cpu(local_, Role::kPeer)
                                                           : parts_.gpu(local_, Role::kPeer);
        if (part.empty()) {
            unsupported(fmt::format("{} has no peer of {}", topology_->name, own));
        }
        return part + (player == Player::kHost ? ".cpu" : ".sm");
    };
    StreamText text;
    const std::string from = name(op_.from, false), peer = name(op_.to, op_.peer_player);
    const std::string flag = memory(one_memory(false), local_);
    if (!plan_.unsupported.empty() || row_.faulty) {
        return;
    }
    text.set("from", from);
    text.set("op", to_text(Operation::kPingPong));
    text.set("source", flag);
    if (from != peer) {
        text.set("peer", peer);
    }
    add_streams({text});
}

void RowTraffic::write_collective() {
    if (count_ == 1) {
        count_ = static_cast<unsigned>(parts_.of(kind_).size());
    }
    const auto ranks = initiators();
    if (ranks.size() < 2) {
        unsupported(fmt::format("{} has fewer than two GPUs", topology_->name));
        return;
    }
    // A tree, reduction in the switches and a message that is soon over have no steady state: they are carried out.
    const bool stepwise = op_.algorithm == "tree" || op_.algorithm == "nvls" ||
                          (row_.size_bytes > 0 && row_.size_bytes <= kStepwiseBytesMax);
    if (stepwise) {
        write_stepwise(ranks);
        return;
    }
    const MemoryWord word = only(source_, kSourceMemory).named() ? only(source_, kSourceMemory) : MemoryWord::hbm();
    MemoryWord own = word;
    own.role = MemoryWord::Role::kLocal;
    // Rings on GPUs that are joined directly go over all their links in turn: each GPU sends to all others alike.
    const bool all = op_.collective == "all-to-all" || linked(ranks[0], ranks[1]);
    std::vector<StreamText> streams;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
        for (std::size_t step = 1; step < (all ? ranks.size() : 2); ++step) {
            const std::string to = ranks[(i + step) % ranks.size()];
            StreamText text = stream(ranks[i], engine_, Operation::kCopy);
            text.set("source", memory(own, ranks[i]));
            text.set("target", memory(own, to));
            add_details(text, engine_, Operation::kCopy, false);
            streams.push_back(std::move(text));
        }
    }
    // Bytes a second out of one GPU: the bus bandwidth.
    const double n = static_cast<double>(ranks.size());
    plan_.figure.factor = 1 / n;
    if (*row_.metric == Metric::kAlgBandwidth) {
        plan_.figure.factor /= op_.collective == "all-reduce"                                   ? 2 * (n - 1) / n
                               : op_.collective == "broadcast" || op_.collective == "send-recv" ? 1
                                                                                                : (n - 1) / n;
    }
    add_streams(std::move(streams));
}

void RowTraffic::write_stepwise(const std::vector<std::string>& ranks) {
    StreamText text;
    text.set("collective", op_.collective);
    text.set("name", quoted(row_.id()));
    text.set("among", fmt::format("[{}]", fmt::join(ranks, ", ")));
    if (!op_.algorithm.empty()) {
        text.set("algorithm", op_.algorithm);
    }
    text.set("size", fmt::format("{} B", row_.size_bytes > 0 ? row_.size_bytes : kStepwiseBytes));
    plan_.figure.of = *row_.metric == Metric::kAlgBandwidth ? RowFigure::Of::kBandwidth : RowFigure::Of::kBusBandwidth;
    plan_.kind = band_kind(Engine::kSm, Operation::kCopy);
    RowGroup group;
    group.name = row_.id();
    group.work = text.text();
    plan_.groups.push_back(std::move(group));
}

bool RowTraffic::linked(const std::string& a, const std::string& b) const {
    return std::any_of(topology_->links.begin(), topology_->links.end(), [&](const Link& link) {
        return link.kind == LinkKind::kNvlink && ((link.a == a && link.b == b) || (link.a == b && link.b == a));
    });
}

void RowTraffic::write_network() {
    const bool read = row_.text(kOperation).find("read") != std::string::npos;
    const Operation operation = read ? Operation::kRead : Operation::kWrite;
    MemoryWord far = only(target_, kTargetMemory);
    const MemoryWord near = only(source_, kSourceMemory);
    if (near.role == MemoryWord::Role::kRemote) {
        far = near;
    }
    std::string place = memory(far.named() ? far : MemoryWord::remote_host(), local_);
    if (op_.other_rack) { // the last node stands in another rack than the first
        if (topology_->nodes().size() < 3) {
            unsupported(fmt::format("{} has no node in another rack", topology_->name));
            return;
        }
        place = parts_.last_cpu() + ".system";
    }
    if (!plan_.unsupported.empty() || row_.faulty) {
        return;
    }
    if (topology_->find(place.substr(0, place.rfind('.')))->node == topology_->find(local_)->node) {
        unsupported(fmt::format("{} has no second node for its NICs to reach", topology_->name));
        return;
    }
    std::vector<StreamText> streams;
    for (const std::string& part : initiators()) {
        StreamText text = own_stream(part, operation, place, place);
        if (op_.kind == RowOperation::Kind::kNetworkLatency) {
            plan_.figure.of = RowFigure::Of::kHalfRoundTrip;
            text.set("burst", "64 B");
            text.set("working_set", "64 KiB");
            text.set("rate_cap", "10 MB/s"); // one in flight: nothing waits
        }
        streams.push_back(std::move(text));
    }
    add_streams(std::move(streams));
}

void RowTraffic::write_gemm() {
    const auto found = kernels_.gemm.find({gpu_name_, op_.precision});
    if (found == kernels_.gemm.end()) {
        unsupported(fmt::format("validation/kernels.yaml has no {} GEMM of {}", op_.precision,
                                gpu_name_.empty() ? row_.text(kInitiator) : gpu_name_));
        return;
    }
    if (row_.size_bytes == 0) {
        reject(kSizeBytes, "size_bytes is empty", "a GEMM needs the bytes of one matrix");
        return;
    }
    const Kernels::Gemm& gemm = found->second;
    const double n = std::floor(std::sqrt(static_cast<double>(row_.size_bytes) / gemm.element_bytes));
    plan_.figure.of = RowFigure::Of::kComputeRate;
    plan_.figure.operations = 2 * n * n * n;
    plan_.figure.peak = gemm.flops_per_second;
    std::map<std::string, double> bytes; // by memory
    for (const MemoryWord& word : source_) {
        const bool own = word.kind == MemoryWord::Kind::kHbm && word.role == MemoryWord::Role::kLocal;
        const double passes = own ? 1 : n / (word.operand == 'B' ? gemm.b_reuse : gemm.a_reuse);
        bytes[memory(word, local_)] += static_cast<double>(row_.size_bytes) * passes;
    }
    if (source_.size() != 2 || source_[0].operand == source_[1].operand) {
        reject(kSourceMemory, "a GEMM has two operands", "write A=HBM.local;B=LPDDR.local");
        return;
    }
    if (!plan_.unsupported.empty()) {
        return;
    }
    for (const auto& [place, amount] : bytes) {
        StreamText text = stream(local_, Engine::kSm, Operation::kRead);
        text.set("source", place);
        add_details(text, Engine::kSm, Operation::kRead, false);
        plan_.figure.bytes.push_back(amount);
        add_group({text}, 1);
    }
}

void RowTraffic::write_generate() {
    if (row_.size_bytes == 0) {
        reject(kSizeBytes, "size_bytes is empty", "a generation needs the bytes of its weights");
        return;
    }
    plan_.figure.of = RowFigure::Of::kRuntime;
    plan_.figure.seconds = kernels_.generate_host_seconds;
    plan_.figure.bytes = {static_cast<double>(row_.size_bytes) * op_.tokens};
    StreamText text = stream(local_, engine_, Operation::kRead);
    text.set("source", memory(one_memory(false), local_));
    add_details(text, engine_, Operation::kRead, false);
    add_streams({text});
}

} // namespace sim::validate
