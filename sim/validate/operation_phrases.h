#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "sim/validate/operation_words.h"

namespace sim::validate {

/// Words of an operation, and what they say.
struct OperationPhrase {
    const char* words;
    std::function<void(RowOperation&)> means;
};

/// All phrases; a longer one goes before a shorter one, and what a later one says replaces what an earlier one said.
const std::vector<OperationPhrase>& operation_phrases();

/// Words that say nothing beyond what the columns say.
const std::set<std::string>& filler_words();

void set_operation(RowOperation& row, Operation operation);
void set_kind(RowOperation& row, RowOperation::Kind kind);
void set_fan(RowOperation& row, RowOperation::Shape shape);

} // namespace sim::validate
