#pragma once

#include <string>
#include <vector>

#include "sim/validate/measured_row.h"
#include "sim/validate/memory_words.h"
#include "sim/validate/operation_words.h"

namespace sim::validate {

constexpr unsigned kThreadsPerBlock = 1024; ///< most of one GPU block

/// What the cells of a row ask for, before anything is known of its machine.
struct RowRequest {
    RowOperation op;
    std::vector<MemoryWord> source, target;
    unsigned blocks = 0, threads = 0; ///< as written: "264x1024" or "72"; 0 = not said
    std::string initiator;            ///< its words, without the number: "grace"
    unsigned count = 1;               ///< of initiators
};

/// Reads the cells; what makes no sense is reported and marks the row. False if anything did, or a needed cell is
/// empty.
bool read_request(MeasuredRow& row, RowRequest& into, Diagnostics& diagnostics);

} // namespace sim::validate
