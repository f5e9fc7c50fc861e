#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/contract/world.h"

namespace contract {

/// What a case must answer, and where the answer depends on the kernel's release or the machine.
///
///     Expected("EINVAL").from(703, "EOVERFLOW")      EOVERFLOW on Linux 7.3 and later
///     Expected("0").on(Arch::kArm64, "EINVAL")
class Expected {
public:
    Expected(const char* text) : text_(text) {}

    /// Kernels of `version` (major * 100 + minor) and later. Later calls take precedence.
    Expected from(int version, const char* text) const { return with({version, false, Arch::kX86, text}); }
    Expected on(Arch arch, const char* text) const { return with({0, true, arch, text}); }

    std::string at(const Facts& facts) const {
        std::string answer = text_;
        for (const Exception& exception : exceptions_)
            if (facts.version >= exception.version && (!exception.one_arch || exception.arch == facts.arch))
                answer = exception.text;
        return answer;
    }

private:
    struct Exception {
        int version;
        bool one_arch;
        Arch arch;
        std::string text;
    };
    Expected with(Exception exception) const {
        Expected more = *this;
        more.exceptions_.push_back(std::move(exception));
        return more;
    }

    std::string text_;
    std::vector<Exception> exceptions_;
};

/// One question to a kernel, with the answer that the project relies on. Cases share nothing: each opens what it needs
/// and lets it go.
struct Case {
    const char* id;                         ///< stable: "type1.map.overlap_head"
    unsigned needs;                         ///< of `Facility`
    std::function<std::string(World&)> run; ///< the outcome: a word or two, without addresses
    Expected expected;
};

using Cases = std::vector<Case>;

} // namespace contract
