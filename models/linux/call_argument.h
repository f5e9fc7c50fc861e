#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

/// The modelled copy_from_user and copy_to_user. Pointers come from the caller's own process and are real; those in
/// the first page (null and small numbers) are what a kernel would answer with EFAULT.
namespace models::linux {

inline bool is_user_pointer(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) >= 4096; }

/// The most entries that a call's array may have here. Linux has no such bound, but finds out where the caller's memory
/// ends; more than this is ENOMEM.
inline constexpr std::uint32_t kArrayEntriesMax = 65536;

/// False for EFAULT.
inline bool copy_in(void* into, const void* argument, std::size_t size) {
    if (!is_user_pointer(argument)) {
        return false;
    }
    std::memcpy(into, argument, size);
    return true;
}

/// False for EFAULT.
inline bool copy_out(void* argument, const void* from, std::size_t size) {
    if (!is_user_pointer(argument)) {
        return false;
    }
    std::memcpy(argument, from, size);
    return true;
}

} // namespace models::linux
