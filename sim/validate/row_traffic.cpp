#include "sim/validate/row_traffic.h"

#include <algorithm>

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

void RowTraffic::write() {
    if (parts_.of(kind_).empty()) {
        unsupported(fmt::format("{} has no {}", topology_->name,
                                kind_ == Kind::kNic   ? "NIC"
                                : kind_ == Kind::kGpu ? "GPU"
                                                      : "CPU"));
        return;
    }
    local_ = parts_.of(kind_).front();
    if (op_.all_initiators && count_ == 1) {
        count_ = static_cast<unsigned>(parts_.of(kind_).size());
    }
    write_groups();
    if (!plan_.unsupported.empty() || row_.faulty) {
        plan_.groups.clear();
    }
}

void RowTraffic::write_groups() {
    using K = RowOperation::Kind;
    switch (op_.kind) {
    case K::kStream:
        write_stream(op_.operation);
        break;
    case K::kDot:
        plan_.figure.mean = false;
        write_stream(Operation::kRead);
        break;
    case K::kBestStream:
        for (const Operation each :
             {Operation::kStreamCopy, Operation::kStreamScale, Operation::kStreamAdd, Operation::kStreamTriad}) {
            write_stream(each);
        }
        write_stream(Operation::kRead); // the dot product
        break;
    case K::kReadOrWrite:
        write_sweep();
        break;
    case K::kPingPong:
        write_ping_pong();
        break;
    case K::kCollective:
        write_collective();
        break;
    case K::kNetwork:
    case K::kNetworkLatency:
        write_network();
        break;
    case K::kGemm:
        write_gemm();
        break;
    case K::kGenerate:
        write_generate();
        break;
    case K::kNotModelled:
        break;
    }
}

std::string RowTraffic::memory(const MemoryWord& word, const std::string& part) {
    if (!word.exact.empty()) {
        return word.exact;
    }
    const Role role = word.role == MemoryWord::Role::kPeer     ? Role::kPeer
                      : word.role == MemoryWord::Role::kRemote ? Role::kRemote
                                                               : Role::kLocal;
    std::string owner;
    std::string kind;
    MemoryWord::Kind which = word.kind;
    if (which == MemoryWord::Kind::kHost && op_.egm) {
        which = MemoryWord::Kind::kEgm;
    }
    switch (which) {
    case MemoryWord::Kind::kHbm:
        owner = parts_.gpu(part, role);
        kind = ".hbm";
        break;
    case MemoryWord::Kind::kHost:
        owner = parts_.cpu(part, role);
        kind = ".system";
        break;
    case MemoryWord::Kind::kEgm:
        owner = parts_.cpu(part, role);
        kind = ".egm";
        if (!topology_->egm) {
            unsupported(fmt::format("{} has no EGM", topology_->name));
            return {};
        }
        break;
    case MemoryWord::Kind::kCache: // of the initiator; the working set decides
        owner = kind_ == Kind::kGpu ? part : parts_.cpu(part, Role::kLocal);
        kind = kind_ == Kind::kGpu ? ".hbm" : ".system";
        break;
    case MemoryWord::Kind::kNone:
        return {};
    }
    if (owner.empty()) {
        unsupported(fmt::format("{} has no {} for {}", topology_->name, word.text, part));
        return {};
    }
    return owner + kind;
}

MemoryWord RowTraffic::only(const std::vector<MemoryWord>& words, Column column) {
    if (words.size() > 1) {
        reject(column, "operands by name belong to a GEMM", "name one memory");
    }
    return words.empty() ? MemoryWord{} : words.front();
}

MemoryWord RowTraffic::one_memory(bool of_write) {
    const MemoryWord from = only(source_, kSourceMemory), to = only(target_, kTargetMemory);
    const MemoryWord& first = of_write ? to : from;
    const MemoryWord& second = of_write ? from : to;
    const MemoryWord& found = first.kind != MemoryWord::Kind::kNone || !first.exact.empty() ? first : second;
    if (found.kind == MemoryWord::Kind::kNone && found.exact.empty()) {
        reject(of_write ? kTargetMemory : kSourceMemory,
               fmt::format("{} needs a {}", in_quotes(row_.text(kOperation)),
                           of_write ? "target memory" : "source memory"),
               "write LPDDR.local, HBM.peer, EGM.remote ...");
    }
    return found;
}

StreamText RowTraffic::stream(const std::string& part, Engine engine, Operation operation) const {
    StreamText text;
    text.set("from", fmt::format("{}.{}", part, engine_suffix(engine)));
    text.set("op", to_text(operation));
    return text;
}

void RowTraffic::add_details(StreamText& text, Engine engine, Operation operation, bool counted) {
    const std::string suffix = engine_suffix(engine);
    const bool touches_host = text.touches(".system");
    if (touches_host && engine != Engine::kCpu && engine != Engine::kNic) {
        const std::string& benchmark = op_.benchmark;
        if (op_.allocator == Allocator::kPinned || op_.allocator == Allocator::kSystem) {
            text.set("allocator", to_text(*op_.allocator));
        } else if (benchmark == "nvbandwidth" || benchmark == "p2p" || benchmark == "comm-scope" ||
                   benchmark == "opencl") {
            text.set("allocator", "pinned");
        }
    } else if (op_.allocator == Allocator::kSystem && !text.touches(".egm")) {
        text.set("allocator", "system");
    }
    for (const std::string& key : {suffix, suffix + " " + to_text(operation)}) {
        if (const auto settings = machine_.streams.find(key); settings != machine_.streams.end()) {
            for (const auto& [name, value] : settings->second) {
                text.set(name, value);
            }
        }
    }
    if (op_.latency && operation == Operation::kPointerChase && engine == Engine::kSm) {
        text.set("bypass_l1", "true");
    }
    if (!counted) {
        return;
    }
    if (row_.size_bytes > 0 && operation != Operation::kPingPong) {
        text.set("working_set", fmt::format("{} B", std::max<std::uint64_t>(row_.size_bytes, 1024)));
    } else if (const std::uint64_t cache = cache_bytes(); cache > 0) {
        text.set("working_set", fmt::format("{} B", cache));
    }
    const bool in_order = operation != Operation::kPointerChase && operation != Operation::kPingPong &&
                          operation != Operation::kRandomRead && operation != Operation::kRandomWrite;
    if (engine == Engine::kSm && in_order && row_.size_bytes > 0) {
        text.set("kernel_per_pass", "true"); // a size is that of one kernel
    }
    if (row_.page_bytes > 65536) {
        text.set("page_size", format_size(row_.page_bytes));
    }
    if (operation == Operation::kPointerChase || operation == Operation::kPingPong) {
        if (engine == Engine::kCpu && operation == Operation::kPointerChase) {
            text.set("threads", "1");
        }
        return;
    }
    if (engine == Engine::kCpu && threads_ > 0) {
        text.set("threads", fmt::format("{}", std::max(threads_ / std::max(count_, 1u), 1u)));
    } else if (engine == Engine::kSm && op_.one_thread) {
        text.set("blocks", "1");
        text.set("threads", "1");
    } else if (engine == Engine::kSm && threads_ > 0) {
        const unsigned blocks = blocks_ > 0 ? blocks_ : (threads_ + kThreadsPerBlock - 1) / kThreadsPerBlock;
        text.set("blocks", fmt::format("{}", blocks));
        text.set("threads", fmt::format("{}", blocks_ > 0 ? threads_ : std::min(threads_, kThreadsPerBlock)));
    }
    if (op_.one_thread && engine == Engine::kCpu) {
        text.set("threads", "1");
    }
}

std::uint64_t RowTraffic::cache_bytes() const {
    for (const auto* words : {&source_, &target_}) {
        for (const MemoryWord& word : *words) {
            if (word.kind != MemoryWord::Kind::kCache) {
                continue;
            }
            const Part* part = topology_->find(local_);
            if (const auto* gpu = std::get_if<models::GpuSpec>(&part->spec)) {
                return (word.level == 1 ? gpu->l1.capacity_bytes : gpu->l2.capacity_bytes) / 2;
            }
            if (const auto* cpu = std::get_if<models::CpuSpec>(&part->spec);
                cpu != nullptr && word.level <= cpu->caches.size()) {
                return cpu->caches[word.level - 1].capacity_bytes / 2;
            }
        }
    }
    return 0;
}

StreamText RowTraffic::own_stream(const std::string& part, Operation operation, const std::string& source,
                                  const std::string& target) {
    StreamText text = stream(part, engine_, operation);
    if (!source.empty() && !only_writes(operation)) {
        text.set("source", source);
    }
    if (!target.empty() && !only_reads(operation)) {
        text.set("target", target);
    }
    add_details(text, engine_, operation, true);
    return text;
}

void RowTraffic::add_group(const std::vector<StreamText>& streams, std::size_t counted) {
    const std::string op = streams.front().get("op");
    for (const auto& [word, operation] : operation_words()) {
        if (word == op) {
            plan_.kind = band_kind(engine_, operation);
        }
    }
    RowGroup group;
    group.name = row_.id() + (plan_.groups.empty() ? "" : fmt::format(" #{}", plan_.groups.size() + 1));
    for (std::size_t i = 0; i < streams.size(); ++i) {
        StreamText text;
        text.set("name", fmt::format("\"{}{}\"", i < counted ? "" : "background ", i + 1));
        text.keys.insert(text.keys.end(), streams[i].keys.begin(), streams[i].keys.end());
        group.streams.push_back(text.text());
    }
    group.counted = counted;
    plan_.groups.push_back(std::move(group));
}

void RowTraffic::add_streams(std::vector<StreamText> streams) {
    std::size_t counted = streams.size();
    if (op_.bidirectional) {
        const auto forth = streams;
        for (const StreamText& one : forth) {
            streams.push_back(reversed(one));
        }
        if (op_.counting == Counting::kSum) {
            counted = streams.size();
        }
    }
    for (const RowOperation::Background& background : op_.background) {
        add_background(background, streams);
    }
    add_group(streams, counted);
}

std::vector<std::string> RowTraffic::initiators() {
    const auto& all = parts_.of(kind_);
    if (count_ > all.size()) {
        unsupported(fmt::format("{} has {} {} in a node, not {}", topology_->name, all.size(),
                                kind_ == Kind::kGpu   ? "GPUs"
                                : kind_ == Kind::kCpu ? "CPUs"
                                                      : "NICs",
                                count_));
        return {};
    }
    return {all.begin(), all.begin() + count_};
}

void RowTraffic::write_stream(Operation operation) {
    if (engine_ == Engine::kCopyEngine && (operation == Operation::kRead || operation == Operation::kWrite)) {
        operation = Operation::kCopy; // there is nothing else that it does
    }
    plan_.figure.of = operation == Operation::kPointerChase ? RowFigure::Of::kLatency : RowFigure::Of::kBandwidth;
    plan_.figure.mean = op_.counting == Counting::kMean;
    plan_.figure.factor = counted_factor(operation);
    if (!check_direction(operation)) {
        return;
    }
    if (op_.shape != Shape::kEach) {
        write_fan(operation);
        return;
    }
    std::vector<StreamText> streams;
    for (const std::string& part : initiators()) {
        const auto [from, to] = ends(operation, part);
        if (row_.faulty || !plan_.unsupported.empty()) {
            return;
        }
        streams.push_back(own_stream(part, operation, from, to));
    }
    if (!streams.empty()) {
        add_streams(std::move(streams));
    }
}

std::pair<std::string, std::string> RowTraffic::ends(Operation operation, const std::string& part) {
    if (only_reads(operation)) {
        return {memory(one_memory(false), part), ""};
    }
    if (only_writes(operation)) {
        return {"", memory(one_memory(true), part)};
    }
    const MemoryWord from = only(source_, kSourceMemory);
    MemoryWord to = only(target_, kTargetMemory);
    if (!from.named()) {
        reject(kSourceMemory, fmt::format("{} needs a source memory", in_quotes(row_.text(kOperation))),
               "write LPDDR.local, HBM.peer, EGM.remote ...");
        return {};
    }
    if (!to.named()) {
        to = from;
    }
    return {memory(from, part), memory(to, part)};
}

double RowTraffic::counted_factor(Operation operation) const {
    if (*row_.metric == Metric::kStreamBandwidth) {
        return operation == Operation::kCopy ? 2 : 1;
    }
    return operation == Operation::kStreamCopy || operation == Operation::kStreamScale ? 0.5 : 1;
}

bool RowTraffic::check_direction(Operation operation) {
    if (op_.direction == Direction::kUnsaid || only_reads(operation) || only_writes(operation)) {
        return true;
    }
    const auto check = [&](const std::vector<MemoryWord>& words, Column column, bool host) {
        for (const MemoryWord& word : words) {
            const bool is_host = word.kind == MemoryWord::Kind::kHost || word.kind == MemoryWord::Kind::kEgm;
            if (word.exact.empty() && word.named() && is_host != host) {
                reject(column,
                       fmt::format("{} is {}, where the operation says {}", word.text,
                                   is_host ? "CPU memory" : "GPU memory", in_quotes(row_.text(kOperation))),
                       host ? "write LPDDR.local, EGM.local or DDR5.host" : "write HBM.local or HBM.peer");
                return false;
            }
        }
        return true;
    };
    const bool from_host = op_.direction == Direction::kHostToDevice || op_.direction == Direction::kHostToHost;
    const bool to_host = op_.direction == Direction::kDeviceToHost || op_.direction == Direction::kHostToHost;
    return check(source_, kSourceMemory, from_host) && check(target_, kTargetMemory, to_host);
}

} // namespace sim::validate
