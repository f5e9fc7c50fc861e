#include "tests/contract/outcome.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace contract {

std::string errno_name(int number) {
    const char* const name = strerrorname_np(number);
    return name ? name : "errno " + std::to_string(number);
}

std::string text(std::int64_t result) { return result < 0 ? errno_name(static_cast<int>(-result)) : "ok"; }

std::string number(std::int64_t result) { return result < 0 ? text(result) : std::to_string(result); }

std::string in_turn(std::initializer_list<std::string> outcomes) {
    std::string all;
    for (const std::string& outcome : outcomes)
        all += (all.empty() ? "" : " then ") + outcome;
    return all;
}

std::string hex(std::uint64_t value) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "0x%llx", static_cast<unsigned long long>(value));
    return digits;
}

std::string pages(std::uint64_t bytes, std::uint64_t page_size) {
    if (bytes % page_size != 0)
        return std::to_string(bytes) + " bytes";
    const std::uint64_t count = bytes / page_size;
    return std::to_string(count) + (count == 1 ? " page" : " pages");
}

} // namespace contract
