// The part of `RowTraffic` that writes what runs beside a stream, fans and sweeps.

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

namespace {

constexpr unsigned kSweepPoints = 8; ///< of "max(read|write) over 1..n": n/8, 2n/8 ... n

bool is_stream_kernel(Operation operation) {
    return operation == Operation::kStreamCopy || operation == Operation::kStreamScale ||
           operation == Operation::kStreamAdd || operation == Operation::kStreamTriad;
}

} // namespace

StreamText RowTraffic::reversed(const StreamText& forth) const {
    StreamText back = forth;
    const std::string source = forth.get("source"), target = forth.get("target");
    back.drop("source");
    back.drop("target");
    if (source.empty() || target.empty()) {
        back.set("op", source.empty() ? "read" : "write");
        back.set(source.empty() ? "source" : "target", source.empty() ? target : source);
        return back;
    }
    back.set("source", target);
    back.set("target", source);
    const auto owner = [](const std::string& memory) { return memory.substr(0, memory.rfind('.')); };
    if (kind_ == Kind::kGpu && source.ends_with(".hbm") && target.ends_with(".hbm")) {
        const std::string self = owner(forth.get("from"));
        back.set("from",
                 fmt::format("{}.{}", self == owner(source) ? owner(target) : owner(source), engine_suffix(engine_)));
    }
    return back;
}

void RowTraffic::add_background(const RowOperation::Background& background, std::vector<StreamText>& streams) {
    std::string part = background.engine == Engine::kCpu   ? parts_.cpu(local_, Role::kLocal)
                       : background.engine == Engine::kNic ? first_nic()
                                                           : parts_.gpu(local_, Role::kLocal);
    if (part.empty()) {
        unsupported(fmt::format("{} has no {} for the background", topology_->name, engine_suffix(background.engine)));
        return;
    }
    for (unsigned i = 0; i < background.initiators; ++i) {
        const std::string who = parts_.next(part, i + (background.of_peer ? 1 : 0));
        StreamText text = stream(who, background.engine, background.operation);
        std::string fault, suggestion;
        for (const bool is_source : {true, false}) {
            const std::string& word = is_source ? background.source : background.target;
            const bool needed = is_source ? !only_writes(background.operation) : !only_reads(background.operation);
            if (!needed) {
                continue;
            }
            const auto words =
                parse_memories(word.empty() ? default_memory(background, is_source) : word, fault, suggestion);
            if (!fault.empty() || words.empty()) {
                reject(kOperation, "background: " + (fault.empty() ? "no memory" : fault), suggestion);
                return;
            }
            text.set(is_source ? "source" : "target", memory(words.front(), local_));
        }
        add_details(text, background.engine, background.operation, false);
        if (background.threads > 0 && background.engine == Engine::kCpu) {
            text.set("threads", fmt::format("{}", background.threads));
        }
        if (background.bytes_per_second > 0) {
            text.set("rate_cap", format_rate(background.bytes_per_second));
        }
        streams.push_back(std::move(text));
    }
}

std::string RowTraffic::default_memory(const RowOperation::Background& background, bool is_source) {
    if (background.operation == Operation::kCopy) {
        return is_source ? "HBM.local" : background.source.empty() ? "LPDDR.local" : "HBM.local";
    }
    if (is_stream_kernel(background.operation) && !is_source && !background.source.empty()) {
        return background.source;
    }
    return "LPDDR.local";
}

std::string RowTraffic::first_nic() const {
    const auto& nics = parts_.of(Kind::kNic);
    return nics.empty() ? "" : nics.front();
}

void RowTraffic::write_fan(Operation operation) {
    const auto all = parts_.of(kind_);
    const bool copies = !only_reads(operation) && !only_writes(operation);
    const MemoryWord from = only(source_, kSourceMemory), to = only(target_, kTargetMemory);
    const auto is_local = [](const MemoryWord& word) { return word.role == MemoryWord::Role::kLocal; };
    // The memory in the middle is the first part's; who is at the rim moves the bytes unless the cells say that
    // the middle does: then its own memory is "local" and the others' are "peer".
    const MemoryWord& middle = op_.shape == Shape::kFanIn ? to : from;
    const bool by_middle = copies ? is_local(middle) : op_.shape == Shape::kFanOut;
    const bool excludes_middle =
        copies ? !is_local(from) || !is_local(to) : !is_local(one_memory(only_writes(operation)));
    std::vector<std::string> rim(all.begin() + (excludes_middle || by_middle ? 1 : 0), all.end());
    if (excludes_middle && !by_middle) { // those whose own memory the middle is are no rim
        const std::string home = parts_.cpu(local_, Role::kLocal);
        if (middle_on_socket(operation)) {
            rim.erase(std::remove_if(rim.begin(), rim.end(),
                                     [&](const std::string& part) { return parts_.cpu(part, Role::kLocal) == home; }),
                      rim.end());
        }
    }
    const unsigned wanted = op_.fan > 0 ? op_.fan : static_cast<unsigned>(rim.size());
    if (wanted == 0 || wanted > rim.size()) {
        unsupported(fmt::format("{} has {} parts for a fan of {}", topology_->name, rim.size(), wanted));
        return;
    }
    rim.resize(wanted);
    std::vector<StreamText> streams;
    for (const std::string& other : rim) {
        const std::string part = by_middle ? local_ : other;
        // Seen from the middle, "peer" is the part at the rim; seen from the rim, it is the middle.
        const auto name = [&](const MemoryWord& word) {
            const std::string owner = is_local(word) ? part : by_middle ? other : local_;
            MemoryWord local = word;
            local.role = MemoryWord::Role::kLocal;
            return memory(local, owner);
        };
        std::string source, target;
        if (copies) {
            source = name(from);
            target = name(to.named() ? to : from);
        } else {
            const MemoryWord word = one_memory(only_writes(operation));
            MemoryWord local = word;
            local.role = MemoryWord::Role::kLocal;
            const std::string place = memory(local, by_middle ? other : local_);
            (only_writes(operation) ? target : source) = place;
        }
        if (row_.faulty || !plan_.unsupported.empty()) {
            return;
        }
        streams.push_back(own_stream(part, operation, source, target));
    }
    add_streams(std::move(streams));
}

bool RowTraffic::middle_on_socket(Operation operation) {
    const MemoryWord word = only_reads(operation) || only_writes(operation) ? one_memory(only_writes(operation))
                            : op_.shape == Shape::kFanIn                    ? only(target_, kTargetMemory)
                                                                            : only(source_, kSourceMemory);
    return word.kind == MemoryWord::Kind::kHost || word.kind == MemoryWord::Kind::kEgm;
}

void RowTraffic::write_sweep() {
    const unsigned last = op_.sweep ? op_.sweep->second : 0;
    const unsigned first = op_.sweep ? op_.sweep->first : 1;
    if (last == 0) {
        write_stream(Operation::kRead);
        write_stream(Operation::kWrite);
        return;
    }
    unsigned before = 0;
    for (unsigned i = 1; i <= kSweepPoints; ++i) {
        const unsigned point = std::max(first, last * i / kSweepPoints);
        if (point == before) {
            continue;
        }
        before = point;
        (engine_ == Engine::kSm ? blocks_ : threads_) = point;
        if (engine_ == Engine::kSm) {
            threads_ = kThreadsPerBlock;
        }
        write_stream(Operation::kRead);
        write_stream(Operation::kWrite);
    }
}

} // namespace sim::validate
