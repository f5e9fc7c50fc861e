#pragma once

#include <string>
#include <string_view>

#include "egm/result.h"

/// How an `Error` comes about: from a call that the kernel refused, or from a rule of ours.
namespace egm {

/// The error of the call that has just failed. Reads `errno` first, then looks up the advice. The arguments are views
/// so that building them cannot disturb `errno`.
Error call_error(std::string_view call, std::string_view object);

/// The same for a known error number.
Error call_error(int error_number, std::string_view call, std::string_view object);

/// A rule of ours was broken and no call was made: EINVAL, with the sentence that says which rule and what to do.
Error rule_error(std::string_view call, std::string_view object, std::string advice);

/// What a person can do about `error_number` from `call` on `object`: a sentence, or nothing when we know none.
std::string_view advice_for(int error_number, std::string_view call, std::string_view object);

} // namespace egm
