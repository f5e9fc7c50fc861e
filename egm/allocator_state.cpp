#include "egm/allocator_state.h"

#include <fmt/format.h>

#include "egm/state_words.h"

namespace egm {

std::string allocator_text(const RegionAllocator& allocator) {
    std::string text = "egm-allocator-state 1\n";
    for (const auto& [pxm, info] : allocator.carveouts())
        text += fmt::format("carveout {} size {:#x}\n", pxm, info.size);
    text += fmt::format("next-region {}\n", allocator.next_id());
    for (const auto& [name, owner] : allocator.owners().all()) {
        text += fmt::format("owner {} {} gpus", quoted_word(name), owner.live ? "live" : "idle");
        for (const std::string& bdf : owner.gpus)
            text += " " + quoted_word(bdf);
        text += "\n";
    }
    for (const auto& [id, region] : allocator.regions())
        text += fmt::format("region {} owner {} carveout {} offset {:#x} size {:#x} reserved {:#x} reached-by {}\n", id,
                            quoted_word(region.owner), region.pxm, region.file_offset, region.size, region.reserved,
                            region.gpu_visible ? "gpu" : "cpu");
    return text + "checksum " + allocator_checksum(text) + "\n";
}

std::string allocator_checksum(std::string_view bytes) {
    std::uint64_t hash = 0xcbf29ce484222325; // FNV-1a's offset basis and prime for 64 bits
    for (const char byte : bytes)
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    return fmt::format("{:016x}", hash);
}

Result<RegionAllocator> load_allocator(Syscalls& syscalls, const std::string& path,
                                       const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                                       AllocationPolicy policy) {
    auto text = read_file(syscalls, path);
    if (!text)
        return fail(text.error());
    return allocator_from_text(text->value_or(""), path, carveouts, page_size, policy);
}

Result<void> save_allocator(const FileClaim& claim, const RegionAllocator& allocator) {
    return replace_file(claim, allocator_text(allocator));
}

} // namespace egm
