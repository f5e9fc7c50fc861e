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

std::string default_name(const Stream& stream, const std::string& from) {
    std::string name = from + " " + to_text(stream.operation);
    if (stream.source.kind != MemoryName::Kind::kNone) {
        name += " " + to_text(stream.source);
    }
    if (stream.target.kind != MemoryName::Kind::kNone) {
        name += (stream.source.kind != MemoryName::Kind::kNone ? " to " : " ") + to_text(stream.target);
    }
    return name;
}

void read_memory(Fields& fields, const std::string& key, MemoryName& into, const Topology* topology) {
    if (const YamlNode* node = fields.node(key)) {
        const auto memory = read_memory_name(*node, fields.what() + ": " + key, topology, fields.diagnostics());
        into = memory.value_or(MemoryName{});
    }
}

} // namespace

Stream read_stream(const YamlNode& node, const std::string& what, const SoftwareSetup* software,
                   const Topology* topology, Diagnostics& diagnostics) {
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
    read_memory(fields, "source", stream.source, topology);
    read_memory(fields, "target", stream.target, topology);
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
    fields.time("start", stream.start, {.min = 0, .max = kSecond, .likely = "us"});
    fields.time("stop", stream.stop, {.max = kSecond, .likely = "us"});
    fields.rate("rate_cap", stream.rate_cap_bytes_per_second, {.min = 1'000'000, .max = 1'000'000'000'000'000});
    fields.require({"from", "op"}, "a stream says who does what, \"from: hopper0.sm, op: read\"");
    fields.finish();

    if (initiator && operation_known && diagnostics.errors() == errors_before) {
        check_stream(stream, fields, software, topology);
    }
    if (stream.name.empty() && from != nullptr) {
        stream.name = default_name(stream, from->text);
    }
    return stream;
}

} // namespace sim
