#pragma once

#include <cstdint>
#include <memory>

#include "models/linux/address_space.h"
#include "models/linux/file.h"
#include "models/linux/host.h"

namespace models::linux {

/// A file of shared memory (tmpfs, what memfd_create makes): pages with struct page, so they can be pinned, and the
/// same in every mapping.
///
/// It gets all its memory, cleared and contiguous, at its first use. Not modelled: growing and shrinking; a mapping
/// beyond its end is EINVAL here, where Linux sends SIGBUS at the first access.
class MemfdFile final : public File {
public:
    /// `size`: bytes, whole pages.
    MemfdFile(Host& host, std::uint64_t size) : host_(host), size_(size) {}

    int mmap(Vma& vma) override;
    std::int64_t pread(void* into, std::size_t size, std::uint64_t offset) override;
    std::int64_t pwrite(const void* from, std::size_t size, std::uint64_t offset) override;
    int fsync() override { return 0; }

    std::uint64_t size() const { return size_; }
    /// Its memory, given to it if it has none yet. Null: the host has no room.
    std::shared_ptr<const Frames> memory();

private:
    Host& host_;
    const std::uint64_t size_;
    std::shared_ptr<const Frames> frames_;
};

} // namespace models::linux
