#include "sim/spec_fields.h"

#include <algorithm>
#include <iterator>

namespace sim {
namespace {

constexpr std::uint64_t kKiB = 1ull << 10, kMiB = 1ull << 20, kTiB = 1ull << 40;

const std::string kUsePreset = "name a preset that has them, or write them here";

// Latencies of hardware; a slip of three digits in a unit is out of bounds for most.
constexpr Bounds kLatency{.min = 1, .max = 100'000'000}; // 100 us
constexpr Bounds kLatencyOrNone{.min = 0, .max = 100'000'000};
constexpr Bounds kRate{.min = 1'000'000, .max = 1'000'000'000'000'000}; // 1 MB/s to 1 PB/s
constexpr Bounds kWindow{.min = 1, .max = 1ull << 30, .likely = "KiB"};
constexpr Bounds kWindowOrNone{.min = 0, .max = 1ull << 30, .likely = "KiB"};
constexpr Bounds kPacket{.min = 1, .max = 64 * kKiB, .likely = "B"};
constexpr Bounds kHeader{.min = 0, .max = 4 * kKiB, .likely = "B"};
constexpr Bounds kBuffer{.min = 64, .max = 64 * kMiB, .likely = "KiB"};
constexpr Bounds kEntries{.min = 1, .max = 1u << 24};

const std::vector<std::pair<std::string, models::GpuSpec::FabricAddresses>> kFabricAddresses{
    {"any", models::GpuSpec::FabricAddresses::kAny},
    {"hopper", models::GpuSpec::FabricAddresses::kHopper},
    {"blackwell", models::GpuSpec::FabricAddresses::kBlackwell}};

void need(Fields& fields, bool complete, std::initializer_list<std::string_view> keys) {
    if (complete) {
        fields.require(keys, kUsePreset);
    }
}

/// Reads the map under `key` with `read`, if it is there.
template <class Read>
void nested(Fields& fields, std::string_view key, Read read) {
    if (const YamlNode* node = fields.node(key)) {
        Fields inner(*node, fields.what() + ": " + std::string(key), fields.diagnostics());
        read(inner);
        inner.finish();
    }
}

void read_cache(Fields& fields, models::CacheSpec& cache, bool complete) {
    fields.size("capacity", cache.capacity_bytes, {.max = kTiB, .likely = "KiB"});
    fields.time("latency", cache.latency, kLatency);
    need(fields, complete, {"capacity", "latency"});
}

/// Over the level of that name, if `caches` has one; else as a further level.
void read_cache_level(Fields& fields, const std::string& name, std::vector<models::CacheSpec>& caches, bool complete) {
    const auto there =
        std::find_if(caches.begin(), caches.end(), [&](const models::CacheSpec& cache) { return cache.name == name; });
    models::CacheSpec cache = there != caches.end() ? *there : models::CacheSpec{.name = name};
    read_cache(fields, cache, complete);
    if (there != caches.begin() && cache.capacity_bytes > 0 &&
        cache.capacity_bytes <= std::prev(there)->capacity_bytes) {
        fields.error("capacity", "is not larger than that of " + std::prev(there)->name,
                     "each level is larger than the one before");
    }
    there != caches.end() ? void(*there = cache) : caches.push_back(cache);
}

void read_smmu(Fields& fields, models::SmmuSpec& smmu, bool complete) {
    fields.count("tlb_entries", smmu.tlb_entries, kEntries);
    fields.time("tlb_latency", smmu.tlb_latency, kLatency);
    fields.count("walkers", smmu.walkers, {.max = 4096});
    fields.time("walk_access", smmu.walk_access, kLatency);
    fields.count("stage2_tlb_entries", smmu.stage2_tlb_entries, kEntries);
    need(fields, complete, {"tlb_entries", "tlb_latency", "walkers", "walk_access"});
}

void read_copy_engine(Fields& fields, models::CopyEngineSpec& engine, bool complete) {
    fields.count("engines", engine.engines, {.max = 64});
    fields.size("window", engine.window_bytes, kWindow);
    fields.size("payload", engine.payload_bytes, kPacket);
    fields.rate("local_bandwidth", engine.local_bytes_per_second, kRate);
    fields.rate("system_read_bandwidth", engine.system_read_bytes_per_second, kRate);
    fields.rate("system_write_bandwidth", engine.system_write_bytes_per_second, kRate);
    fields.rate("fabric_bandwidth", engine.fabric_bytes_per_second, kRate);
    need(fields, complete, {"engines", "window"});
}

} // namespace

void read_spec(Fields& fields, models::MemorySpec& spec, bool complete) {
    fields.size("capacity", spec.capacity_bytes, {.min = kMiB, .max = 8 * kTiB});
    fields.rate("read_bandwidth", spec.read_bytes_per_second, kRate);
    fields.rate("write_bandwidth", spec.write_bytes_per_second, kRate);
    fields.time("read_latency", spec.read_latency, kLatency);
    fields.time("write_latency", spec.write_latency, kLatency);
    fields.count("channels", spec.channels, {.max = 4096});
    fields.time("turnaround", spec.turnaround, kLatencyOrNone);
    fields.size("batch", spec.batch_bytes, {.max = kMiB, .likely = "KiB"});
    fields.time("queueing_quantum", spec.queueing_quantum, kLatencyOrNone);
    fields.time("write_queueing_quantum", spec.write_queueing_quantum, kLatencyOrNone);
    fields.share("queueing_depth", spec.queueing_depth, 0.01, 1000);
    need(fields, complete, {"capacity", "read_bandwidth", "write_bandwidth", "read_latency", "write_latency"});
}

void read_spec(Fields& fields, models::CpuSpec& spec, bool complete) {
    fields.count("cores", spec.cores, {.max = 4096});
    fields.size("line", spec.line_bytes, {.min = 16, .max = 4 * kKiB, .likely = "B"});
    fields.size("core_read_window", spec.core_read_window_bytes, kWindow);
    fields.rate("core_read_bandwidth", spec.core_read_bytes_per_second, kRate);
    fields.size("core_write_window", spec.core_write_window_bytes, kWindow);
    fields.rate("core_write_bandwidth", spec.core_write_bytes_per_second, kRate);
    fields.size("remote_read_window", spec.remote_read_window_bytes, kWindowOrNone);
    fields.time("core_latency", spec.core_latency, kLatency);
    fields.time("fabric_latency", spec.fabric_latency, kLatency);
    fields.time("core_to_core_latency", spec.core_to_core_latency, kLatency);
    fields.time("remote_home_latency", spec.remote_home_latency, kLatencyOrNone);
    fields.share("all_core_clock", spec.all_core_clock, 0.01, 1);
    fields.count("threads_knee", spec.threads_knee, {.min = 0, .max = 4096});
    fields.share("threads_loss", spec.threads_loss, 0, 0.99);
    nested(fields, "caches", [&](Fields& caches) {
        for (const char* name : {"L1", "L2", "L3", "L4"}) {
            nested(caches, name, [&](Fields& one) { read_cache_level(one, name, spec.caches, complete); });
        }
    });
    fields.size("owner_cache", spec.owner_cache_bytes, {.min = 0, .max = kTiB, .likely = "MiB"});
    fields.size("pinned_cache", spec.pinned_cache_bytes, {.min = 0, .max = kTiB, .likely = "MiB"});
    fields.size("prefetch_reach", spec.prefetch_reach_bytes, {.min = 0, .max = kTiB, .likely = "MiB"});
    fields.time("prefetch_latency", spec.prefetch_latency, kLatencyOrNone);
    fields.count("tlb_entries", spec.tlb_entries, kEntries);
    fields.count("walk_cache_entries", spec.walk_cache_entries, kEntries);
    nested(fields, "smmu", [&](Fields& smmu) { read_smmu(smmu, spec.smmu, complete); });
    fields.boolean("ats", spec.ats);
    need(fields, complete,
         {"cores", "core_read_window", "core_read_bandwidth", "core_write_window", "core_write_bandwidth",
          "core_latency", "fabric_latency", "core_to_core_latency", "tlb_entries", "smmu"});
}

void read_spec(Fields& fields, models::GpuSpec& spec, bool complete) {
    fields.count("sms", spec.sms, {.max = 4096});
    fields.count("threads_per_sm", spec.threads_per_sm, {.min = 32, .max = 4096});
    fields.size("payload", spec.payload_bytes, kPacket);
    fields.size("load_per_thread", spec.load_bytes_per_thread, {.max = 256, .likely = "B"});
    fields.rate("block_issue_bandwidth", spec.block_issue_bytes_per_second, kRate);
    fields.time("block_overhead", spec.block_overhead, kLatencyOrNone);
    fields.size("block_write_window", spec.block_write_window_bytes, kWindow);
    nested(fields, "l1", [&](Fields& l1) { read_cache(l1, spec.l1, complete); });
    nested(fields, "l2", [&](Fields& l2) { read_cache(l2, spec.l2, complete); });
    spec.l1.name = "L1";
    spec.l2.name = "L2";
    fields.rate("l2_bandwidth", spec.l2_bytes_per_second, kRate);
    fields.count("l2_partitions", spec.l2_partitions, {.max = 16});
    fields.time("l2_far_latency", spec.l2_far_latency, kLatencyOrNone);
    fields.rate("l2_crossing_bandwidth", spec.l2_crossing_bytes_per_second, kRate);
    fields.time("kernel_launch", spec.kernel_launch, kLatencyOrNone);
    fields.time("l2_atomic_overhead", spec.l2_atomic_overhead, kLatencyOrNone);
    fields.time("handover_latency", spec.handover_latency, kLatencyOrNone);
    fields.time("inbound_latency", spec.inbound_latency, kLatency);
    fields.rate("inbound_bandwidth", spec.inbound_bytes_per_second, kRate);
    fields.time("inbound_queueing_quantum", spec.inbound_queueing_quantum, kLatencyOrNone);
    fields.share("inbound_queueing_depth", spec.inbound_queueing_depth, 0.01, 1000);
    fields.size("system_read_window", spec.system_read_window_bytes, kWindowOrNone);
    fields.size("hub_read_window", spec.hub_read_window_bytes, kWindowOrNone);
    fields.size("hub_write_window", spec.hub_write_window_bytes, kWindowOrNone);
    fields.size("posted_write", spec.posted_write_bytes, kWindow);
    fields.time("posted_write_latency", spec.posted_write_latency, kLatency);
    fields.count("gmmu_tlb_entries", spec.gmmu_tlb_entries, kEntries);
    fields.time("gmmu_walk_latency", spec.gmmu_walk_latency, kLatency);
    fields.count("ats_cache_entries", spec.ats_cache_entries, {.min = 0, .max = 1u << 24});
    fields.time("ats_request_latency", spec.ats_request_latency, kLatencyOrNone);
    fields.count("ats_requests_max", spec.ats_requests_max, {.max = 4096});
    fields.choice("fabric_addresses", spec.fabric_addresses, kFabricAddresses);
    nested(fields, "copy_engine", [&](Fields& engine) { read_copy_engine(engine, spec.copy_engine, complete); });
    need(fields, complete,
         {"sms", "block_issue_bandwidth", "block_write_window", "l1", "l2", "l2_bandwidth", "inbound_latency",
          "inbound_bandwidth", "posted_write", "posted_write_latency", "gmmu_tlb_entries", "gmmu_walk_latency",
          "copy_engine"});
}

void read_spec(Fields& fields, models::SwitchSpec& spec, bool complete) {
    fields.count("ports", spec.ports, {.min = 2, .max = 4096});
    fields.link_rate("port_bandwidth", spec.port_bytes_per_second, kRate);
    fields.time("latency", spec.latency, kLatency);
    need(fields, complete, {"ports", "port_bandwidth", "latency"});
}

void read_spec(Fields& fields, models::NicSpec& spec, bool complete) {
    fields.link_rate("bandwidth", spec.bytes_per_second, kRate);
    fields.size("window", spec.window_bytes, kWindow);
    fields.size("payload", spec.payload_bytes, kPacket);
    fields.time("latency", spec.latency, kLatency);
    fields.count("ats_cache_entries", spec.ats_cache_entries, kEntries);
    fields.time("ats_request_latency", spec.ats_request_latency, kLatencyOrNone);
    fields.count("ats_requests_max", spec.ats_requests_max, {.max = 4096});
    need(fields, complete, {"bandwidth", "window", "latency"});
}

void read_spec(Fields& fields, models::LinkSpec& spec, bool complete) {
    fields.link_rate("bandwidth", spec.line_bytes_per_second, kRate);
    fields.count("count", spec.count, {.max = 1024});
    fields.share("efficiency", spec.efficiency, 0.01, 1);
    fields.time("latency", spec.latency, kLatency);
    fields.size("header", spec.header_bytes, kHeader);
    fields.size("write_header", spec.write_header_bytes, kHeader);
    fields.boolean("store_and_forward", spec.store_and_forward);
    fields.size("buffer", spec.buffer_bytes, kBuffer);
    need(fields, complete, {"bandwidth", "latency"});
}

} // namespace sim
