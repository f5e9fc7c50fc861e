#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"

namespace sim::validate {

/// One cell of a CSV file, without its quotes, and where it begins.
struct CsvCell {
    std::string text;
    Location where;
};

using CsvRow = std::vector<CsvCell>;

/// Reads comma-separated values (RFC 4180): a cell that holds a comma, a quote or a line break stands in double quotes,
/// and a quote in it is written twice. A byte order mark, CR LF and blank lines are fine; lines that begin with # are
/// comments. A quote that is never closed, text behind a closing quote, and a quote inside an unquoted cell are errors;
/// that row is left out and the rest is read.
std::vector<CsvRow> parse_csv(const std::string& text, const std::string& file, Diagnostics& diagnostics);

/// `text` as a cell: in quotes if it needs them.
std::string csv_cell(const std::string& text);

} // namespace sim::validate
