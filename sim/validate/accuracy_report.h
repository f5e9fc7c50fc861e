#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/validate/mechanisms.h"
#include "sim/validate/run_rows.h"

namespace sim::validate {

/// The same rows with one mechanism without effect.
struct MechanismRun {
    Mechanism mechanism;
    RowRun run;
};

/// The generated sections of docs/accuracy.md, by name: `summary`, `groups`, `large-errors`, `rows`, `not-compared`,
/// and `mechanisms` if any were run.
std::map<std::string, std::string> accuracy_sections(const RowRun& run,
                                                     const std::map<std::string, std::string>& doubtful,
                                                     const std::vector<MechanismRun>& mechanisms);

/// `text` with what stands between `<!-- generated: NAME -->` and `<!-- end -->` replaced by the sections of these
/// names; what is written by hand stays. Nothing, with `fault` set, if a begin has no end, or a name is not known: a
/// section that was not made now (`mechanisms`) stays as it is.
std::optional<std::string> replace_sections(const std::string& text, const std::map<std::string, std::string>& sections,
                                            std::string& fault);

} // namespace sim::validate
