#pragma once

#include <cstdint>
#include <string>

#include "sequence.h"

namespace properties {

/// How many random operations, and from which seed. EGMSIM_OPERATIONS and EGMSIM_SEED replace the defaults; under a
/// sanitizer a thirtieth is done.
std::uint64_t operations(std::uint64_t by_default);
std::uint64_t first_seed(std::uint64_t by_default);

/// Checks `operations` steps in random sequences of `length`. The first that fails ends the test: it is minimised and
/// printed with its seed and the command that runs it again. `property`: its name in EGMSIM_SEQUENCE.
void search(const std::string& property, const Check& check, std::uint64_t seed, std::uint64_t operations,
            std::size_t length, std::uint32_t kinds);

/// Runs the sequence in EGMSIM_SEQUENCE ("<property>: <sequence>") if it is one for this property. False: it is not.
bool replay(const std::string& property, const Check& check);

} // namespace properties
