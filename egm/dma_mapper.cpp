#include "egm/dma_mapper.h"

#include <cassert>
#include <cerrno>

#include "egm/errors.h"
#include "egm/iommufd_mapper.h"
#include "egm/type1_mapper.h"

namespace egm {

const char* to_string(IommuMode mode) {
    switch (mode) {
    case IommuMode::kType1:
        return "type1";
    case IommuMode::kIommufdStrict:
        return "iommufd-strict";
    case IommuMode::kIommufdTolerant:
        return "iommufd-tolerant";
    case IommuMode::kIommufdDmaBuf:
        return "iommufd-dma-buf";
    }
    assert(false);
    return "";
}

Result<std::unique_ptr<DmaMapper>> DmaMapper::create(Syscalls& syscalls, IommuMode mode) {
    if (mode == IommuMode::kType1)
        return Type1Mapper::open(syscalls);
    auto mapper = IommufdMapper::open(syscalls, mode == IommuMode::kIommufdTolerant);
    if (!mapper)
        return fail(mapper.error());
    return std::unique_ptr<DmaMapper>(std::move(*mapper));
}

Result<void> DmaMapper::attach(const std::string& bdf) {
    iova_space_.reset();
    return attach_device(bdf);
}

Result<IovaSpace> DmaMapper::iova_space() {
    if (!iova_space_) {
        auto space = read_iova_space();
        if (!space)
            return space;
        iova_space_ = std::move(*space);
    }
    return *iova_space_;
}

Result<DmaOutcome> DmaMapper::map(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind, const std::string& name) {
    auto space = iova_space();
    if (!space)
        return fail(space.error());
    if (auto possible = space->check({iova, size}, hva.value, name); !possible)
        return fail(possible.error());
    auto outcome = map_memory(iova, hva, size, kind, name);
    if (outcome && outcome->mapped)
        mapped_[iova] = {size, kind != MemoryKind::kOrdinary};
    return outcome;
}

Result<void> DmaMapper::map_dma_buf(Iova iova, const FileDescriptor& dma_buf, std::uint64_t start, std::uint64_t size,
                                    const std::string& name) {
    auto space = iova_space();
    if (!space)
        return fail(space.error());
    if (auto possible = space->check({iova, size}, start, name); !possible)
        return possible;
    auto done = map_file(iova, dma_buf, start, size, name);
    if (done)
        mapped_[iova] = {size, true}; // what exports dma-bufs here has no other memory
    return done;
}

bool DmaMapper::splits_a_mapping(const Range<Iova>& range) const {
    const auto cut = [&](Iova boundary) { // a mapping has bytes on both sides of it
        const auto after = mapped_.lower_bound(boundary);
        return after != mapped_.begin() && boundary < std::prev(after)->first + std::prev(after)->second.size;
    };
    return cut(range.begin) || cut(range.end());
}

bool DmaMapper::is_contiguous(const Range<Iova>& range, std::uint64_t page_size) const {
    auto holder = mapped_.upper_bound(range.begin);
    if (holder == mapped_.begin())
        return false;
    --holder;
    const std::uint64_t offset = range.begin - holder->first;
    if (offset > holder->second.size || range.size > holder->second.size - offset)
        return false;
    const bool in_one_page =
        range.size != 0 && range.begin.value / page_size == (range.begin.value + (range.size - 1)) / page_size;
    return holder->second.linear || in_one_page;
}

Result<std::uint64_t> DmaMapper::unmap(const Range<Iova>& range) {
    const auto refuse = [&](int error_number, const char* why) {
        return fail(Error{error_number, "unmap DMA", "", why});
    };
    if (range.size == 0)
        return refuse(EINVAL, "there is nothing to unmap in an empty range");
    if (range.end() < range.begin)
        return refuse(EOVERFLOW, "the range wraps around the address space");
    if (splits_a_mapping(range))
        return refuse(EINVAL, "only whole mappings can be unmapped");
    const auto first = mapped_.lower_bound(range.begin);
    if (first == mapped_.end() || range.end() <= first->first)
        return 0;
    auto bytes = unmap_whole(range);
    if (bytes)
        mapped_.erase(first, mapped_.lower_bound(range.end()));
    return bytes;
}

} // namespace egm
