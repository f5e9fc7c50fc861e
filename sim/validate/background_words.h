#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/validate/operation_words.h"

namespace sim::validate {

/// Reads what follows "with" or "while" in an operation: who does what in the background.
std::optional<RowOperation::Background> parse_background(const std::vector<std::string>& words, OperationFault& fault);

/// "72", a number without sign of at most six digits.
bool is_number(const std::string& word);
unsigned to_number(const std::string& word);

} // namespace sim::validate
