#pragma once

#include <string>

namespace sim {

/// Writes `text` to `path` so that the file is there whole or not at all: beside it first, synced, then renamed over.
/// "-" is standard output. Returns why it could not be done, or an empty text.
std::string write_whole_file(const std::string& path, const std::string& text);

} // namespace sim
