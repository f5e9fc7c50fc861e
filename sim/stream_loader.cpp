#include "sim/stream_loader.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/stream_check.h"
#include "sim/words.h"

namespace sim {
namespace {

constexpr std::uint64_t kKiB = 1ull << 10, kMiB = 1ull << 20, kGiB = 1ull << 30;
constexpr models::Picoseconds kSecond = 1'000'000'000'000;

/// What a stream reads or writes: one memory, or a spread over several.
struct Operand {
    MemoryName memory; ///< the first
    std::vector<MemoryName> spread;
    std::string text;
};

std::string default_name(const Stream& stream, const std::string& from, const Operand& source, const Operand& target) {
    std::string name = from + " " + to_text(stream.operation);
    if (stream.source.kind != MemoryName::Kind::kNone) {
        name += " " + source.text;
    }
    if (stream.target.kind != MemoryName::Kind::kNone) {
        const std::string text = target.text.empty() ? to_text(stream.target) : target.text;
        name += (stream.source.kind != MemoryName::Kind::kNone ? " to " : " ") + text;
    }
    return name;
}

Operand read_operand(Fields& fields, const std::string& key, const std::string& initiator, const Topology* topology,
                     SpreadReader& spreads) {
    Operand operand;
    const YamlNode* node = fields.node(key);
    if (node == nullptr) {
        return operand;
    }
    const std::string what = fields.what() + ": " + key;
    if (!is_spread(*node)) {
        operand.memory = read_memory_name(*node, what, topology, fields.diagnostics()).value_or(MemoryName{});
        operand.text = to_text(operand.memory);
        return operand;
    }
    const Spread& spread = spreads.read(*node, what, topology, fields.diagnostics());
    operand.text = spread.text;
    if (spread.memories.empty()) {
        return operand; // reported
    }
    if (topology == nullptr || topology->find(initiator) == nullptr) {
        operand.spread = spread.memories;
    } else {
        operand.spread = places_of(spread, initiator, *topology);
    }
    if (operand.spread.empty()) {
        fields.error(key, fmt::format("spread: nothing is left for {} without its own memory", initiator),
                     "leave \"own: false\" out, or name more memories");
        return operand;
    }
    operand.memory = operand.spread.front();
    return operand;
}

} // namespace

Stream read_stream(const YamlNode& node, const std::string& what, const SoftwareSetup* software,
                   const Topology* topology, SpreadReader& spreads, Diagnostics& diagnostics) {
    const std::size_t errors_before = diagnostics.errors();
    Fields fields(node, what, diagnostics);
    Stream stream;
    stream.where = node.where;
    fields.text("name", stream.name);
    const YamlNode* from = fields.node("from");
    const auto initiator =
        from == nullptr ? std::nullopt : read_initiator(*from, what + ": from", topology, diagnostics);
    if (initiator) {
        std::tie(stream.initiator, stream.engine) = *initiator;
    }
    const bool operation_known = fields.choice("op", stream.operation, operation_words());
    Operand source = read_operand(fields, "source", stream.initiator, topology, spreads);
    Operand target = read_operand(fields, "target", stream.initiator, topology, spreads);
    stream.source = source.memory;
    stream.target = target.memory;
    stream.source_spread = std::move(source.spread);
    stream.target_spread = std::move(target.spread);
    fields.choice("allocator", stream.allocator, allocator_words());
    if (const YamlNode* peer = fields.node("peer")) {
        read_initiator(*peer, what + ": peer", topology, diagnostics);
        stream.peer = peer->text;
    }
    fields.text("vm", stream.vm);
    fields.text("tenant", stream.tenant);
    if (const YamlNode* via = fields.node("via")) {
        check_part(*via, what + ": via", PartClass::kGpu, topology, diagnostics);
        stream.via = via->text;
    }
    fields.size("working_set", stream.working_set_bytes, {.min = kKiB, .max = 1ull << 44});
    fields.size("burst", stream.burst_bytes, {.min = 64, .max = 16 * kMiB, .likely = "KiB"});
    if (stream.burst_bytes % 64 != 0) {
        fields.error("burst", "is not a multiple of 64 B");
    }
    fields.choice<std::uint64_t>(
        "page_size", stream.page_bytes,
        {{"4 KiB", 4 * kKiB}, {"64 KiB", 64 * kKiB}, {"2 MiB", 2 * kMiB}, {"512 MiB", 512 * kMiB}, {"1 GiB", kGiB}});
    fields.count("threads", stream.threads, {.max = 4096});
    fields.count("blocks", stream.blocks, {.max = 1u << 20});
    fields.count("unroll", stream.unroll, {.max = 16});
    fields.boolean("bypass_l1", stream.bypass_l1);
    fields.boolean("kernel_per_pass", stream.kernel_per_pass);
    fields.time("start", stream.start, {.min = 0, .max = kSecond, .likely = "us"});
    fields.time("stop", stream.stop, {.max = kSecond, .likely = "us"});
    fields.rate("rate_cap", stream.rate_cap_bytes_per_second, {.min = 1'000'000, .max = 1'000'000'000'000'000});
    fields.require({"from", "op"}, "a stream says who does what, \"from: hopper0.sm, op: read\"");
    fields.finish();

    if (initiator && operation_known && diagnostics.errors() == errors_before) {
        check_stream(stream, fields, software, topology);
    }
    if (stream.name.empty() && from != nullptr) {
        stream.name = default_name(stream, from->text, source, target);
    }
    return stream;
}

} // namespace sim
