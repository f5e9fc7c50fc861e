#include "sim/diagnostics.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace sim {

std::string to_text(const Diagnostic& diagnostic) {
    std::string text = diagnostic.where.file;
    if (diagnostic.where.line > 0) {
        text += fmt::format(":{}:{}", diagnostic.where.line, diagnostic.where.column);
    }
    if (!text.empty()) {
        text += ": ";
    }
    text += diagnostic.severity == Diagnostic::Severity::kError ? "error: " : "warning: ";
    text += diagnostic.message;
    if (!diagnostic.suggestion.empty()) {
        text += "; " + diagnostic.suggestion;
    }
    for (char& c : text) { // a quoted value may hold anything; a diagnostic stays on its line
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            c = ' ';
        }
    }
    return text;
}

void Diagnostics::error(const Location& where, std::string message, std::string suggestion) {
    add({Diagnostic::Severity::kError, where, std::move(message), std::move(suggestion)});
}

void Diagnostics::warning(const Location& where, std::string message, std::string suggestion) {
    add({Diagnostic::Severity::kWarning, where, std::move(message), std::move(suggestion)});
}

void Diagnostics::add(Diagnostic diagnostic) {
    const bool error = diagnostic.severity == Diagnostic::Severity::kError;
    if (error && errors_ >= kErrorsMax) {
        ++errors_;
        ++left_out_;
        return;
    }
    if (!seen_.insert(to_text(diagnostic)).second) {
        return;
    }
    errors_ += error ? 1 : 0;
    all_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::all() const {
    std::map<std::string, std::size_t> files; // each with its order of appearance
    for (const Diagnostic& diagnostic : all_) {
        files.emplace(diagnostic.where.file, files.size());
    }
    std::vector<Diagnostic> sorted = all_;
    std::stable_sort(sorted.begin(), sorted.end(), [&](const Diagnostic& a, const Diagnostic& b) {
        return std::make_tuple(files[a.where.file], a.where.line, a.where.column) <
               std::make_tuple(files[b.where.file], b.where.line, b.where.column);
    });
    return sorted;
}

void Diagnostics::print(std::ostream& out) const {
    for (const Diagnostic& diagnostic : all()) {
        out << to_text(diagnostic) << '\n';
    }
    if (left_out_ > 0) {
        out << fmt::format("error: and {} more errors\n", left_out_);
    }
}

} // namespace sim
