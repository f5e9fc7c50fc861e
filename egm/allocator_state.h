#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "egm/durable_file.h"
#include "egm/region_allocator.h"

/// A region allocator's state as a text file, so that what has been given out outlives the tool:
///
///     egm-allocator-state 1
///     carveout 4 size 0x6fc0000000
///     carveout 5 size 0x6fc0000000
///     next-region 2
///     owner "vm0" live gpus "0008:01:00.0" "0009:01:00.0"
///     region 0 owner "vm0" carveout 4 offset 0x0 size 0x6fc0000000 reserved 0x6fc0000000 reached-by gpu
///     checksum 5d0a31c2f4e9b867
///
/// Sizes and offsets are in bytes. Lines that begin with # are comments. In names, whatever is not a letter, digit or
/// one of "_-.:/+@" stands as %XX. The checksum is FNV-1a, 64 bits, over all bytes before its line; it tells damage,
/// not intent. Retired memory is not in it: the kernel is asked again.
namespace egm {

std::string allocator_text(const RegionAllocator& allocator);

/// The checksum of the bytes before the checksum's line, as it stands in the file.
std::string allocator_checksum(std::string_view bytes);

/// The allocator of `carveouts` with what `text` says; `name` is what errors call it. Empty text is a fresh state.
///
/// Errors: EINVAL with every fault and its line; with one sentence when the carveouts are not those of the text. The
/// policy's rules hold for what is read.
Result<RegionAllocator> allocator_from_text(std::string_view text, const std::string& name,
                                            const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                                            AllocationPolicy policy);

/// The same from a file; a missing one is a fresh state. Errors also those of reading it.
Result<RegionAllocator> load_allocator(Syscalls& syscalls, const std::string& path,
                                       const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                                       AllocationPolicy policy);

/// Replaces the claimed file, see `replace_file`. To change a state, take the claim before it is loaded.
Result<void> save_allocator(const FileClaim& claim, const RegionAllocator& allocator);

} // namespace egm
