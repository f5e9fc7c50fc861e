#include "egm/iova_space.h"

#include <cerrno>
#include <limits>

#include <fmt/format.h>

#include "egm/block_size.h"
#include "egm/errors.h"

namespace egm {
namespace {

constexpr const char* kCall = "map DMA";

bool wraps(std::uint64_t begin, std::uint64_t size) { return begin + size < begin; }

/// The first window that is not usable and that `range` meets. Precondition: no usable range holds all of `range`.
Range<Iova> window_met(const std::vector<Range<Iova>>& usable, const Range<Iova>& range) {
    Iova free_from{0};
    for (const Range<Iova>& next : usable) {
        if (free_from < next.begin && range.begin < next.begin)
            return {free_from, next.begin - free_from};
        free_from = next.end();
    }
    return {free_from, std::numeric_limits<std::uint64_t>::max() - free_from.value};
}

} // namespace

Range<Iova> inclusive(std::uint64_t first, std::uint64_t last) {
    const bool everything = first == 0 && last == std::numeric_limits<std::uint64_t>::max();
    return {{first}, everything ? last : last - first + 1};
}

Result<void> IovaSpace::check(const Range<Iova>& range, std::uint64_t begin, const std::string& name) const {
    if (range.size == 0)
        return fail(rule_error(kCall, name, "there is nothing to map"));
    if (wraps(range.begin.value, range.size) || wraps(begin, range.size))
        return fail(Error{EOVERFLOW, kCall, name, "the range wraps around the address space"});
    if (alignment != 0 && !is_aligned(range.begin.value | range.size | begin, alignment))
        return fail(rule_error(
            kCall, name, "addresses and sizes must be multiples of the IOMMU's page, " + in_binary_units(alignment)));
    if (usable.empty())
        return {};
    for (const Range<Iova>& piece : usable)
        if (piece.begin <= range.begin && range.end() <= piece.end())
            return {};
    const Range<Iova> window = window_met(usable, range);
    const std::string met = fmt::format("[{:#x}, {:#x}) meets ", range.begin.value, range.end().value);
    if (window.begin == usable.back().end())
        return fail(rule_error(kCall, name,
                               met + fmt::format("the end of this IOMMU's addresses at {:#x}: place the memory lower",
                                                 window.begin.value)));
    return fail(rule_error(kCall, name,
                           met + fmt::format("the window [{:#x}, {:#x}), which this IOMMU reserves (for interrupts, "
                                             "most often): keep guest memory out of it",
                                             window.begin.value, window.end().value)));
}

} // namespace egm
