#pragma once

#include <cstdint>

#include "egm/address.h"

namespace models::linux {

/// Where an address leads, and the size of the page-table block that says so.
struct Translation {
    egm::Spa spa;
    std::uint64_t block_bytes = 0;

    friend bool operator==(const Translation&, const Translation&) = default;
};

} // namespace models::linux
