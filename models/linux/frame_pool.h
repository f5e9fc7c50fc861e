#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "egm/address.h"

namespace models::linux {

class FramePool;

/// Physical memory behind anonymous pages. It goes back to its pool when the last mapping, DMA mapping or split part
/// that holds it has gone; the parts of a split mapping give nothing back one by one.
class Frames {
public:
    Frames(FramePool& pool, egm::Range<egm::Spa> range) : pool_(pool), range_(range) {}
    ~Frames();
    Frames(const Frames&) = delete;
    Frames& operator=(const Frames&) = delete;

    egm::Range<egm::Spa> range() const { return range_; }

private:
    FramePool& pool_;
    egm::Range<egm::Spa> range_;
};

/// The host kernel's own memory, given out in contiguous ranges, first fit by socket and address.
///
/// Not modelled: fragmentation, NUMA policy, the kernel's own use.
class FramePool {
public:
    explicit FramePool(const std::vector<egm::Range<egm::Spa>>& by_socket);

    /// `size` bytes whose address is `hva` modulo `congruence`, so that blocks of that size can map them. Null: no
    /// room.
    std::shared_ptr<const Frames> allocate(std::uint64_t size, std::uint64_t hva, std::uint64_t congruence);

private:
    friend class Frames;
    void give_back(egm::Range<egm::Spa> range);

    std::map<std::uint64_t, std::uint64_t> free_; ///< begin -> size; neighbours are joined
};

} // namespace models::linux
