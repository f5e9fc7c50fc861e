#include "sim/nvbandwidth_streams.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sim {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::uint64_t kLatencyBuffer = 2 * kMiB;
constexpr std::uint64_t kSmallBuffer = 64 * kMiB;
constexpr unsigned kThreads = 512, kUnroll = 12; // of the usual kernel
constexpr unsigned kThreadsSmall = 1024;         // of the one for small buffers, and of that for both ways

using Pairs = std::vector<std::pair<std::string, std::string>>;

YamlNode node_of(const NvbandwidthRequest& request, Pairs pairs) {
    if (!request.vm.empty()) {
        pairs.emplace_back("vm", request.vm);
    }
    YamlNode node = make_map(request.where);
    for (auto& [key, value] : pairs) {
        node.entries.push_back({key, request.where, make_scalar(std::move(value), request.where)});
    }
    return node;
}

} // namespace

YamlNode nvbandwidth_chase(const NvbandwidthRequest& request, const std::string& gpu, const std::string& memory) {
    Pairs pairs{{"from", gpu + ".sm"},
                {"op", "pointer-chase"},
                {"source", memory},
                {"working_set", fmt::format("{} B", kLatencyBuffer)},
                {"bypass_l1", "true"}};
    if (memory.ends_with(".system")) {
        pairs.emplace_back("allocator", "pinned");
    }
    return node_of(request, std::move(pairs));
}

YamlNode nvbandwidth_copy(const NvbandwidthRequest& request, const NvbandwidthCopy& copy, Engine engine,
                          const models::GpuSpec& driver, std::size_t kernels_there) {
    const bool sm = engine == Engine::kSm;
    Pairs pairs{{"from", copy.driver + (sm ? ".sm" : ".ce")},
                {"op", "copy"},
                {"source", copy.source},
                {"target", copy.target},
                {"working_set", fmt::format("{} B", request.buffer_bytes)}};
    if (copy.source.ends_with(".system") || copy.target.ends_with(".system")) {
        pairs.emplace_back("allocator", "pinned");
    }
    if (sm) {
        const bool small = copy.half_a_block || request.buffer_bytes < kSmallBuffer;
        const unsigned threads = copy.half_a_block ? kThreadsSmall / 2 : small ? kThreadsSmall : kThreads;
        const std::size_t wanted =
            small ? std::size_t{driver.sms} * std::max(driver.threads_per_sm / kThreadsSmall, 1u) : driver.sms;
        const std::size_t resident = std::size_t{driver.sms} * std::max(driver.threads_per_sm / threads, 1u);
        pairs.emplace_back("blocks",
                           std::to_string(std::min(wanted, std::max<std::size_t>(resident / kernels_there, 1))));
        pairs.emplace_back("threads", std::to_string(threads));
        pairs.emplace_back("unroll", std::to_string(small ? 1 : kUnroll));
    }
    return node_of(request, std::move(pairs));
}

} // namespace sim
