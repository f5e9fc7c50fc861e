#include "egm/guest_layout.h"

#include <bit>
#include <cassert>

namespace egm {
namespace {

GuestMemoryNode lay_out_node(int number, const GuestNodeRequest& request, Ipa base) {
    GuestMemoryNode node{.node = number, .ram = {base, request.size}};
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
    return node;
}

} // namespace

GuestLayout lay_out_guest(const GuestLayoutRequest& request) {
    GuestLayout layout;
    Ipa base = request.ram_base;
    for (const GuestNodeRequest& node : request.nodes) {
        layout.nodes.push_back(lay_out_node(int(layout.nodes.size()), node, base));
        base = base + node.size;
    }
    layout.node_count = int(layout.nodes.size());

    for (const GuestGpuRequest& gpu : request.gpus) {
        GuestGpu seen{.bdf = gpu.bdf};
        if (gpu.memory_node >= 0) {
            assert(gpu.memory_node < int(layout.nodes.size()));
            const GuestMemoryNode& memory = layout.nodes[std::size_t(gpu.memory_node)];
            seen.egm_base = memory.ram.begin;
            seen.egm_size = memory.ram.size;
            seen.egm_pxm = memory.node;
            seen.first_initiator_node = layout.node_count;
            seen.initiator_nodes = kInitiatorNodesPerGpu;
            layout.node_count += kInitiatorNodesPerGpu;
        }
        layout.gpus.push_back(seen);
    }

    std::uint64_t window = request.high_mmio_bytes;
    if (window == 0)
        window = layout.gpus.size() <= 4 ? 4 * kTiB : 8 * kTiB;
    assert(std::has_single_bit(window));
    layout.high_mmio = {{align_up(base.value, window)}, window};
    return layout;
}

unsigned GuestLayout::address_bits() const { return unsigned(std::bit_width(high_mmio.end().value - 1)); }

} // namespace egm
