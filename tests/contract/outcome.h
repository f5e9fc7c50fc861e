#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace contract {

/// "ENOENT" for 2; "errno 999" for a number without a name here.
std::string errno_name(int number);

/// A call's result as an outcome: the errno's name for a negative one, else "ok".
std::string text(std::int64_t result);

/// The same, but the number of a success is part of the outcome.
std::string number(std::int64_t result);

/// "EBUSY then ok". A braced list asks its questions from left to right, which operands of + need not.
std::string in_turn(std::initializer_list<std::string> outcomes);

/// "0x1f".
std::string hex(std::uint64_t value);

/// "3 pages", "1 page"; "100 bytes" for what is no whole number of pages.
std::string pages(std::uint64_t bytes, std::uint64_t page_size);

} // namespace contract
