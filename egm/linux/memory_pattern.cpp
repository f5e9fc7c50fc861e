#include "egm/linux/memory_pattern.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace egm {
namespace {

/// Another number for each offset and carveout: the finaliser of SplitMix64, a bijection of 64-bit numbers.
std::uint64_t word_at(int pxm, std::uint64_t offset) {
    std::uint64_t word = offset ^ (std::uint64_t(pxm) << 56);
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
}

/// More block boundaries than these are sampled: a region of terabytes in small blocks has hundreds of thousands.
constexpr std::uint64_t kBoundariesMax = 4096;

using Page = std::vector<std::uint64_t>;

Page pattern(int pxm, std::uint64_t offset, std::uint64_t page_size) {
    Page page(page_size / sizeof(std::uint64_t));
    for (std::size_t i = 0; i < page.size(); ++i)
        page[i] = word_at(pxm, offset + i * sizeof(std::uint64_t));
    return page;
}

/// An empty text, or what differs.
std::string compare(const Page& found, const Page& expected, std::uint64_t offset) {
    const auto [at, wanted] = std::mismatch(found.begin(), found.end(), expected.begin());
    if (at == found.end())
        return "";
    return fmt::format("offset {:#x} holds {:#018x}, not {:#018x}",
                       offset + std::uint64_t(at - found.begin()) * sizeof(std::uint64_t), *at, *wanted);
}

std::string not_mapped(std::uint64_t offset) { return fmt::format("offset {:#x} is not mapped", offset); }

} // namespace

std::vector<std::uint64_t> pages_to_check(const GuestRegion& region, std::uint64_t page_size) {
    std::set<std::uint64_t> pages{0, region.size - page_size};
    const auto add_both_sides = [&](std::uint64_t boundary) { // of an offset in the region
        if (boundary >= page_size && boundary <= region.size)
            pages.insert(boundary - page_size);
        if (boundary < region.size)
            pages.insert(boundary);
    };
    if (region.largest_block > page_size) {
        const std::uint64_t first = align_up(region.hva.value, region.largest_block) - region.hva.value;
        const std::uint64_t stride = (region.size / region.largest_block / kBoundariesMax + 1) * region.largest_block;
        for (std::uint64_t at = first; at < region.size; at += stride)
            add_both_sides(at);
    }
    for (const RetiredRange& range : region.retired) {
        add_both_sides(range.offset - region.file_offset);
        add_both_sides(range.offset + range.size - region.file_offset);
    }
    std::vector<std::uint64_t> good;
    for (const std::uint64_t page : pages)
        if (clip(region.retired, region.file_offset + page, page_size).empty())
            good.push_back(page);
    return good;
}

MemoryVerdict check_memory(Machine& machine, const GuestRegion& region) {
    const std::uint64_t page_size = machine.syscalls().page_size();
    const std::vector<std::uint64_t> pages = pages_to_check(region, page_size);
    Page found(page_size / sizeof(std::uint64_t));
    const Page zero(found.size(), 0);
    MemoryVerdict verdict{.pages = pages.size()};
    for (const std::uint64_t page : pages) {
        if (!machine.read_memory(region.hva + page, found.data(), page_size))
            verdict.fault = not_mapped(page);
        else if (const std::string difference = compare(found, zero, page); !difference.empty())
            verdict.fault = "the kernel did not clear the memory: " + difference;
        if (!verdict.fault.empty())
            return verdict;
    }
    for (const std::uint64_t page : pages) {
        const Page written = pattern(region.pxm, page, page_size);
        if (!machine.write_memory(region.hva + page, written.data(), page_size)) {
            verdict.fault = not_mapped(page);
            return verdict;
        }
    }
    for (const std::uint64_t page : pages) {
        if (!machine.read_memory(region.hva + page, found.data(), page_size))
            verdict.fault = not_mapped(page);
        else
            verdict.fault = compare(found, pattern(region.pxm, page, page_size), page);
        if (!verdict.fault.empty())
            return verdict;
    }
    return verdict;
}

MemoryVerdict check_views(Machine& machine, const VirtualMachine& vm, const GuestRegion& region) {
    MemoryVerdict verdict;
    for (const std::uint64_t page : pages_to_check(region, machine.syscalls().page_size())) {
        const Hva hva = region.hva + page;
        if (const auto sees = machine.guest_sees(vm.vm_fd(), region.ipa + page, hva)) {
            ++verdict.pages;
            if (!*sees)
                verdict.fault = fmt::format("the guest finds other memory at {:#x}", (region.ipa + page).value);
        }
        if (region.dma_mapped)
            for (const std::string& bdf : vm.gpu_bdfs())
                if (const auto sees = machine.device_sees(bdf, Iova{(region.ipa + page).value}, hva); sees && !*sees)
                    verdict.fault = fmt::format("{} finds other memory at {:#x}", bdf, (region.ipa + page).value);
        if (!verdict.fault.empty())
            return verdict;
    }
    return verdict;
}

} // namespace egm
