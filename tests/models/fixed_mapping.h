#pragma once

#include <limits>

#include "models/mapping.h"

namespace test {

/// Memory mapped one to one, in pages and blocks of fixed size, up to `end`.
class FixedMapping final : public models::Mapping {
public:
    FixedMapping(std::uint32_t space, Tables tables, std::uint64_t page_bytes, std::uint64_t block_bytes = 0,
                 std::uint64_t end = std::numeric_limits<std::uint64_t>::max())
        : Mapping(space, tables), page_bytes_(page_bytes), block_bytes_(block_bytes), end_(end) {}

    std::optional<Leaf> at(std::uint64_t offset) const override {
        return offset < end_ ? std::optional(Leaf{offset, offset, page_bytes_, block_bytes_}) : std::nullopt;
    }

private:
    std::uint64_t page_bytes_, block_bytes_, end_;
};

} // namespace test
