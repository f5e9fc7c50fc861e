#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "egm/vm_description.h"

namespace egm {

struct ShellWord {
    std::string text; ///< without quotes and continuations; variables stay as they are
    TextPlace place;
    bool ends_command = false; ///< an operator such as ";" or "|" or a newline, with an empty text
};

/// Cuts a shell script into words: quotes, backslashes, comments, line continuations, command separators. Nothing is
/// expanded. A quote that never ends reaches to the end of the text. No text makes it fail.
std::vector<ShellWord> shell_words(std::string_view script);

} // namespace egm
