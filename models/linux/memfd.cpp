#include "models/linux/memfd.h"

#include <algorithm>
#include <cerrno>

#include "models/linux/blocks.h"
#include "models/linux/call_argument.h"

namespace models::linux {

std::shared_ptr<const Frames> MemfdFile::memory() {
    if (!frames_) {
        const std::uint64_t page = host_.page_size();
        frames_ = host_.frames.allocate(size_, 0, size_ >= pmd_bytes(page) ? pmd_bytes(page) : page);
        if (frames_) {
            host_.store.clear(frames_->range());
            host_.pass(transfer_picoseconds(size_, host_.costs().scrub_bytes_per_second));
        }
    }
    return frames_;
}

int MemfdFile::mmap(Vma& vma) {
    if (vma.file_position > size_ || vma.size > size_ - vma.file_position) {
        return -EINVAL;
    }
    vma.frames = memory();
    if (!vma.frames) {
        return -ENOMEM;
    }
    vma.spa = vma.frames->range().begin + vma.file_position;
    return 0;
}

std::int64_t MemfdFile::pread(void* into, std::size_t size, std::uint64_t offset) {
    if (offset >= size_ || size == 0) {
        return 0;
    }
    size = std::min<std::uint64_t>(size, size_ - offset);
    if (!is_user_pointer(into)) {
        return -EFAULT;
    }
    const auto frames = memory();
    if (!frames) {
        return -ENOMEM;
    }
    host_.store.read(frames->range().begin + offset, into, size);
    return static_cast<std::int64_t>(size);
}

std::int64_t MemfdFile::pwrite(const void* from, std::size_t size, std::uint64_t offset) {
    if (offset > size_ || size > size_ - offset) {
        return -ENOSPC;
    }
    if (size > 0 && !is_user_pointer(from)) {
        return -EFAULT;
    }
    const auto frames = memory();
    if (!frames) {
        return -ENOSPC;
    }
    host_.store.write(frames->range().begin + offset, from, size);
    return static_cast<std::int64_t>(size);
}

} // namespace models::linux
