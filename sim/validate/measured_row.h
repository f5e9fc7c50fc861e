#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/validate/csv.h"
#include "sim/validate/metric.h"

namespace sim::validate {

/// The columns of a file of measurements; docs/validation.md says what may stand in each.
enum Column {
    kId,
    kSystem,
    kVariant,
    kInitiator,
    kEngine,
    kOperation,
    kSourceMemory,
    kTargetMemory,
    kHops,
    kSizeBytes,
    kPageSize,
    kThreads,
    kMetric,
    kValue,
    kUnit,
    kSource,
    kNote,
    kColumns
};
const std::array<std::string, kColumns>& column_names();

/// One published measurement.
struct MeasuredRow {
    std::array<CsvCell, kColumns> cells; ///< texts without surrounding blanks
    std::size_t number = 0;              ///< in the file, from 0
    bool faulty = false;                 ///< a cell cannot be read; `fault` says why
    std::string fault;                   ///< its first fault, for reports

    std::optional<Metric> metric; ///< also of a faulty row, if it says so
    double value = 0;             ///< bytes a second, picoseconds, FLOP a second or percent
    MeasuredUnit unit{"", 1};     ///< as written
    std::uint64_t size_bytes = 0; ///< 0 = not said
    std::uint64_t page_bytes = 0; ///< 0 = not said
    unsigned hops = 0;

    const std::string& id() const { return cells[kId].text; }
    const std::string& text(Column column) const { return cells[column].text; }

    /// Reports a fault of a cell, and marks the row.
    void reject(Column column, const std::string& message, const std::string& suggestion, Diagnostics& diagnostics);
};

/// Reads a whole file. The first row names the columns, in any order; id, system, initiator, engine, operation, metric,
/// value and unit must be there, the others count as empty if they are not, and an unknown one is an error. A row with
/// a fault is returned all the same, marked. Returns nothing if the file has no usable head.
std::vector<MeasuredRow> read_measured_rows(const std::string& text, const std::string& file, Diagnostics& diagnostics);

} // namespace sim::validate
