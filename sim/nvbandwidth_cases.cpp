#include "sim/nvbandwidth_cases.h"

#include <algorithm>

namespace sim {

// Who drives: the tool runs a copy in the context of the memory that it prefers, the source's or the target's, and
// where that is host memory in the GPU's. The tests of one GPU and all others by SMs prefer the source even when they
// are called read.
const std::vector<NvbandwidthTest>& nvbandwidth_tests() {
    using Shape = NvbandwidthTest::Shape;
    constexpr Engine kCe = Engine::kCopyEngine, kSm = Engine::kSm;
    constexpr bool kIn = false, kOut = true, kOwn = true, kOther = false, kOne = false, kMany = true;
    static const std::vector<NvbandwidthTest> kTests{
        {Shape::kHost, "host_to_device_memcpy_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kHost, "device_to_host_memcpy_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kHostBothWays, "host_to_device_bidirectional_memcpy_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kHostBothWays, "device_to_host_bidirectional_memcpy_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "device_to_device_memcpy_read_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "device_to_device_memcpy_write_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kPairBothWays, "device_to_device_bidirectional_memcpy_read_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "read"},
        {Shape::kPairBothWays, "device_to_device_bidirectional_memcpy_write_ce", kCe, kIn, kOther, kOne,
         "memcpy CE GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "write"},
        {Shape::kAllHost, "all_to_host_memcpy_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE CPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHostBothWays, "all_to_host_bidirectional_memcpy_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHost, "host_to_all_memcpy_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE CPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHostBothWays, "host_to_all_bidirectional_memcpy_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "all_to_one_write_ce", kCe, kIn, kOther, kOne,
         "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "all_to_one_read_ce", kCe, kOut, kOther, kOne,
         "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "one_to_all_write_ce", kCe, kOut, kOwn, kOne,
         "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "one_to_all_read_ce", kCe, kIn, kOwn, kOne,
         "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kHost, "host_to_device_memcpy_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM CPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kHost, "device_to_host_memcpy_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM CPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kHostBothWays, "host_to_device_bidirectional_memcpy_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kHostBothWays, "device_to_host_bidirectional_memcpy_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "device_to_device_memcpy_read_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "device_to_device_memcpy_write_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kPairBothWays, "device_to_device_bidirectional_memcpy_read_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "read"},
        {Shape::kPairBothWays, "device_to_device_bidirectional_memcpy_write_sm", kSm, kIn, kOther, kOne,
         "memcpy SM GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "write"},
        {Shape::kAllHost, "all_to_host_memcpy_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM CPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHostBothWays, "all_to_host_bidirectional_memcpy_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHost, "host_to_all_memcpy_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM CPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllHostBothWays, "host_to_all_bidirectional_memcpy_sm", kSm, kIn, kOwn, kOne,
         "memcpy SM CPU(row) <-> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "all_to_one_write_sm", kSm, kIn, kOther, kOne,
         "memcpy SM GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "all_to_one_read_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "one_to_all_write_sm", kSm, kOut, kOwn, kOne,
         "memcpy SM GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kAllOne, "one_to_all_read_sm", kSm, kIn, kOther, kOne,
         "memcpy SM GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kHostLatency, "host_device_latency_sm", kSm, kIn, kOwn, kOne,
         "memory latency SM CPU(row) <-> GPU(column) (ns)"},
        {Shape::kPairLatency, "device_to_device_latency_sm", kSm, kIn, kOwn, kOne,
         "Device to Device Latency SM GPU(row) <-> GPU(column) (ns)"},
        {Shape::kLocal, "device_local_copy", kCe, kIn, kOwn, kOne, "memcpy local GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "multinode_device_to_device_memcpy_read_ce", kCe, kIn, kOwn, kMany,
         "memcpy CE GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "multinode_device_to_device_memcpy_write_ce", kCe, kOut, kOwn, kMany,
         "memcpy CE GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kPairBothWays, "multinode_device_to_device_bidirectional_memcpy_read_ce", kCe, kIn, kOwn, kMany,
         "memcpy CE GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "read"},
        {Shape::kPairBothWays, "multinode_device_to_device_bidirectional_memcpy_write_ce", kCe, kOut, kOwn, kMany,
         "memcpy CE GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "write"},
        {Shape::kPair, "multinode_device_to_device_memcpy_read_sm", kSm, kIn, kOwn, kMany,
         "memcpy SM GPU(row) -> GPU(column) bandwidth (GB/s)"},
        {Shape::kPair, "multinode_device_to_device_memcpy_write_sm", kSm, kOut, kOwn, kMany,
         "memcpy SM GPU(row) <- GPU(column) bandwidth (GB/s)"},
        {Shape::kPairBothWays, "multinode_device_to_device_bidirectional_memcpy_read_sm", kSm, kIn, kOwn, kMany,
         "memcpy SM GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "read"},
        {Shape::kPairBothWays, "multinode_device_to_device_bidirectional_memcpy_write_sm", kSm, kOut, kOwn, kMany,
         "memcpy SM GPU(row) <-> GPU(column) {} bandwidth (GB/s)", "write"},
        {Shape::kAllOne, "multinode_device_to_device_all_to_one_write_sm", kSm, kIn, kOther, kMany,
         "memcpy SM All Gpus -> GPU(column) total bandwidth (GB/s)"},
        {Shape::kAllOne, "multinode_device_to_device_all_from_one_read_sm", kSm, kOut, kOther, kMany,
         "memcpy SM All Gpus <- GPU(column) total bandwidth (GB/s)"},
        {Shape::kMulticast, "multinode_device_to_device_broadcast_one_to_all_sm", kSm, kOut, kOwn, kMany,
         "multicast SM GPU(column) -> All Gpus total bandwidth (GB/s)"},
        {Shape::kMulticast, "multinode_device_to_device_broadcast_all_to_all_sm", kSm, kOut, kOwn, kMany,
         "multicast SM All -> All Gpus total bandwidth (GB/s)"},
        {Shape::kBisect, "multinode_bisect_write_ce", kCe, kOut, kOwn, kMany,
         "Bisect benchmarking, simultaneous write CE BW"},
    };
    return kTests;
}

const NvbandwidthTest* find_nvbandwidth_test(std::string_view name) {
    const auto& all = nvbandwidth_tests();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& test) { return test.name == name; });
    return found == all.end() ? nullptr : &*found;
}

} // namespace sim
