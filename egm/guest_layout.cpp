#include "egm/guest_layout.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace egm {
namespace {

/// Smallest window that products use. Source: the Grace configurations of kata-containers and KubeVirt.
constexpr std::uint64_t kHighMmioMin = 4 * kTiB;

/// Fills in `ram`, `holes` and `usable`. Retired ranges are cut at the node's ends, since QEMU does not cut them.
void lay_out_memory(GuestMemoryNode& node, const GuestNodeRequest& request, Ipa base) {
    node.ram = {base, request.size};
    Ipa next = base;
    for (const RetiredRange& range : clip(request.retired, request.file_offset, request.size)) {
        const Range<Ipa> hole{base + (range.offset - request.file_offset), range.size};
        assert(next <= hole.begin && "retired ranges are sorted and disjoint");
        if (next < hole.begin)
            node.usable.push_back({next, hole.begin - next});
        node.holes.push_back(hole);
        next = hole.end();
    }
    if (next < node.ram.end())
        node.usable.push_back({next, node.ram.end() - next});
}

/// Numbers the nodes, and gives them their vCPUs.
class NodeNumbers {
public:
    explicit NodeNumbers(GuestLayout& layout) : layout_(layout) {}

    void number_cpu_nodes(const GuestLayoutRequest& request) {
        std::vector<std::size_t> with_cpus;
        for (std::size_t i = 0; i < request.nodes.size(); ++i)
            if (!request.nodes[i].memory_only)
                with_cpus.push_back(i);
        if (request.vcpus != 0 && with_cpus.size() > request.vcpus)
            with_cpus.resize(request.vcpus);
        const unsigned nodes = unsigned(with_cpus.size());
        unsigned first = 0;
        for (unsigned i = 0; i < nodes; ++i) {
            const unsigned count = request.vcpus / nodes + (i < request.vcpus % nodes);
            layout_.nodes[with_cpus[i]].vcpus = {first, count};
            first += count;
            number(with_cpus[i]);
        }
    }

    void number_initiators(GuestGpu& gpu) {
        gpu.first_initiator_node = layout_.node_count;
        gpu.initiator_nodes = kInitiatorNodesPerGpu;
        layout_.node_count += kInitiatorNodesPerGpu;
    }

    void number_the_rest() {
        for (std::size_t i = 0; i < layout_.nodes.size(); ++i)
            if (layout_.nodes[i].node < 0)
                number(i);
    }

    /// Indices of the memory nodes in the order of their numbers.
    const std::vector<std::size_t>& order() const { return order_; }

private:
    void number(std::size_t index) {
        layout_.nodes[index].node = layout_.node_count++;
        order_.push_back(index);
    }

    GuestLayout& layout_;
    std::vector<std::size_t> order_;
};

std::uint64_t window_size(const GuestLayoutRequest& request) {
    if (request.high_mmio_bytes != 0)
        return request.high_mmio_bytes;
    std::uint64_t needed = 0;
    for (const GuestGpuRequest& gpu : request.gpus)
        needed += gpu.mmio_bytes;
    return std::bit_ceil(std::max(kHighMmioMin, needed));
}

} // namespace

GuestLayout lay_out_guest(const GuestLayoutRequest& request) {
    GuestLayout layout;
    layout.nodes.assign(request.nodes.size(), {.node = -1});
    NodeNumbers numbers(layout);
    numbers.number_cpu_nodes(request);
    for (const GuestGpuRequest& gpu : request.gpus) {
        assert(gpu.memory_node < int(layout.nodes.size()));
        layout.gpus.push_back({.bdf = gpu.bdf});
        if (gpu.coherent || gpu.memory_node >= 0)
            numbers.number_initiators(layout.gpus.back());
    }
    numbers.number_the_rest();

    Ipa base = request.ram_base;
    for (const std::size_t i : numbers.order()) {
        lay_out_memory(layout.nodes[i], request.nodes[i], base);
        base = layout.nodes[i].ram.end();
    }
    for (std::size_t i = 0; i < request.gpus.size(); ++i) {
        if (request.gpus[i].memory_node < 0)
            continue;
        const GuestMemoryNode& memory = layout.nodes[std::size_t(request.gpus[i].memory_node)];
        layout.gpus[i].egm_base = memory.ram.begin;
        layout.gpus[i].egm_size = memory.ram.size;
        layout.gpus[i].egm_pxm = memory.node;
    }

    const std::uint64_t window = window_size(request);
    assert(std::has_single_bit(window));
    layout.high_mmio = {{align_up(base.value, window)}, window};
    return layout;
}

unsigned GuestLayout::address_bits() const { return unsigned(std::bit_width(high_mmio.end().value - 1)); }

} // namespace egm
