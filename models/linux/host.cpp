#include "models/linux/host.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/mman.h>

#include "models/linux/blocks.h"

namespace models::linux {

Host::Host(KernelConfig config, Clock& clock, SparseStore& store)
    : config(std::move(config)), clock(clock), store(store), frames(this->config.host_memory),
      mm(this->config.page_size, static_cast<std::size_t>(this->config.map_count_max)), fds(this->config.nofile_limit) {
    assert(faults(this->config).empty());
}

int Host::walk(egm::Range<egm::Hva> range, bool write, std::vector<Piece>& pieces) {
    // First who may, then memory: a range with a hole at its end takes nothing.
    const int needed = PROT_READ | (write ? PROT_WRITE : 0);
    egm::Hva at = range.begin;
    while (at < range.end()) {
        const Vma* vma = mm.find(at);
        if (!vma || (vma->protection & needed) != needed) {
            return -EFAULT;
        }
        at = vma->end();
    }
    std::uint64_t clearing_ps = 0;
    for (at = range.begin; at < range.end();) {
        Vma& vma = *mm.find(at);
        if (const int error = populate(vma, clearing_ps); error < 0) {
            pass(clearing_ps);
            return error;
        }
        const std::uint64_t from = at - vma.begin;
        const std::uint64_t size = std::min(vma.end(), range.end()) - at;
        Piece piece{.offset = at - range.begin,
                    .spa = *vma.spa + from,
                    .size = size,
                    .pfnmap = vma.pfnmap,
                    .frames = vma.frames};
        if (vma.huge && config.version >= 615) {
            const auto blocks = blocks_in({at.value, piece.spa.value, size}, block_sizes(page_size()));
            for (const auto& [bytes, number] : blocks) {
                (bytes == page_size() ? piece.page_steps : piece.huge_steps) += number;
            }
        } else {
            piece.page_steps = size / page_size();
        }
        at = at + size;
        if (!pieces.empty() && pieces.back().pfnmap && piece.pfnmap &&
            pieces.back().spa + pieces.back().size == piece.spa) {
            pieces.back().size += piece.size; // the walk collects contiguous PFNs across mappings
            pieces.back().page_steps += piece.page_steps;
            pieces.back().huge_steps += piece.huge_steps;
        } else {
            pieces.push_back(std::move(piece));
        }
    }
    pass(clearing_ps);
    return 0;
}

int Host::populate(Vma& vma, std::uint64_t& picoseconds) {
    if (vma.spa) {
        return 0;
    }
    assert(!vma.file && !vma.frames);
    const std::uint64_t congruence = vma.size >= pmd_bytes(page_size()) ? pmd_bytes(page_size()) : page_size();
    vma.frames = frames.allocate(vma.size, vma.begin.value, congruence);
    if (!vma.frames) {
        return -ENOMEM;
    }
    vma.spa = vma.frames->range().begin;
    store.clear(vma.frames->range());
    picoseconds += transfer_picoseconds(vma.size, costs().scrub_bytes_per_second);
    return 0;
}

void Host::pass(std::uint64_t picoseconds) {
    if (picoseconds > 0 && !exiting_) {
        clock.pass(picoseconds);
    }
}

void Host::exit_process() {
    exiting_ = true;
    fds.clear();
    mm.clear();
}

} // namespace models::linux
