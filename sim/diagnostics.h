#pragma once

#include <cstddef>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "sim/topology.h"

namespace sim {

/// One fault or doubt about an input, and what to write instead.
struct Diagnostic {
    enum class Severity { kError, kWarning } severity = Severity::kError;
    Location where;
    std::string message;
    std::string suggestion; ///< may be empty
};

/// "scenarios/x.yaml:14:18: error: link c2c: bandwidth "450" has no unit; write "450 GB/s"".
std::string to_text(const Diagnostic& diagnostic);

/// Collects every fault of the inputs, so that a user sees all of them in one go.
///
/// The same message at the same place counts once: a range in a topology stands for many parts. Beyond
/// `kErrorsMax` errors only their number is kept.
class Diagnostics {
public:
    static constexpr std::size_t kErrorsMax = 200;

    void error(const Location& where, std::string message, std::string suggestion = {});
    void warning(const Location& where, std::string message, std::string suggestion = {});

    bool has_errors() const { return errors_ > 0; }
    std::size_t errors() const { return errors_; }
    bool empty() const { return all_.empty(); }

    /// In the order of the files' first faults, then of lines and columns.
    std::vector<Diagnostic> all() const;

    /// Each of `all()` on a line of its own.
    void print(std::ostream& out) const;

private:
    void add(Diagnostic diagnostic);

    std::vector<Diagnostic> all_;
    std::set<std::string> seen_;
    std::size_t errors_ = 0;
    std::size_t left_out_ = 0;
};

} // namespace sim
