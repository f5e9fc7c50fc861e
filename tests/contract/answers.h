#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/contract/suite.h"

namespace contract {

/// What one kernel answered to the suite: a small text that is kept.
///
///     # kernel: debian-6.1-amd64
///     # release: 6.1.0-56-amd64
///     # arch: x86
///     # version: 601
///     # page_size: 4096
///     type1.map.one_page<TAB>ok
///     iommufd.copy<TAB>skipped: no iommufd
struct Answers {
    std::string kernel;  ///< our name for it
    std::string release; ///< uname -r
    Facts facts;         ///< arch, version, page_size only
    std::vector<Row> rows;

    /// Null: that case was not asked.
    const Row* find(const std::string& id) const;
};

std::string to_text(const Answers& answers);

/// None, and `fault` says which line and why.
std::optional<Answers> parse_answers(const std::string& text, std::string& fault);

const char* arch_name(Arch arch); ///< "x86", "arm64"

} // namespace contract
