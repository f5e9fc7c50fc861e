#include "models/linux/frame_pool.h"

#include <iterator>

namespace models::linux {

Frames::~Frames() { pool_.give_back(range_); }

FramePool::FramePool(const std::vector<egm::Range<egm::Spa>>& by_socket) {
    for (const auto& range : by_socket) {
        if (range.size > 0) {
            give_back(range);
        }
    }
}

std::shared_ptr<const Frames> FramePool::allocate(std::uint64_t size, std::uint64_t hva, std::uint64_t congruence) {
    for (const auto& [begin, free] : free_) {
        const std::uint64_t at = begin + ((hva - begin) & (congruence - 1));
        const std::uint64_t end = begin + free;
        if (at > end || end - at < size) {
            continue;
        }
        const std::uint64_t head = begin;
        free_.erase(head);
        if (at > head) {
            free_[head] = at - head;
        }
        if (at + size < end) {
            free_[at + size] = end - (at + size);
        }
        return std::make_shared<const Frames>(*this, egm::Range<egm::Spa>{{at}, size});
    }
    return nullptr;
}

void FramePool::give_back(egm::Range<egm::Spa> range) {
    std::uint64_t begin = range.begin.value;
    std::uint64_t size = range.size;
    auto after = free_.lower_bound(begin);
    if (after != free_.end() && after->first == begin + size) {
        size += after->second;
        after = free_.erase(after);
    }
    if (after != free_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == begin) {
            begin = before->first;
            size += before->second;
            free_.erase(before);
        }
    }
    free_[begin] = size;
}

} // namespace models::linux
