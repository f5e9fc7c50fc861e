#pragma once

#include <string>
#include <vector>

#include "tests/contract/answers.h"

namespace contract {

/// A difference between the modelled kernel and a real one that has a reason. One line of answers/differences.tsv:
///
///     kernel<TAB>case<TAB>modelled outcome<TAB>real outcome<TAB>reason
///
/// `kernel` is a name of tests/contract/real/kernels.sh, or * for each.
struct Difference {
    std::string kernel;
    std::string id;
    std::string modelled;
    std::string real;
    std::string reason;
};

/// Throws std::runtime_error with the line's number.
std::vector<Difference> parse_differences(const std::string& text);

/// One case on the modelled kernel and on a real one.
struct Comparison {
    enum Verdict {
        kSame,
        kListed,       ///< they differ, and differences.tsv says so and why
        kDiffers,      ///< they differ otherwise
        kOnlyModelled, ///< the real kernel lacks what the case needs
        kOnlyReal,
        kNeither,
    };
    std::string id;
    std::string modelled; ///< outcome; empty: not run
    std::string real;
    std::string expected; ///< by the case, for the real kernel
    Verdict verdict = kSame;
    std::string reason; ///< of a listed difference
};

/// Runs the suite on the modelled kernel that `real` describes, and compares entry by entry. Cases that need an EGM
/// device run on a modelled arm64 host, since x86 has no EGM; the test guest of x86 has one all the same.
std::vector<Comparison> compare(const Answers& real, const std::vector<Difference>& differences);

/// The suite's answers on a fresh modelled kernel.
Answers modelled_answers(Arch arch, int version, std::uint64_t page_size);

} // namespace contract
