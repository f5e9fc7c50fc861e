#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "egm/file_claim.h"
#include "egm/result.h"
#include "egm/syscalls.h"

/// Small files that are replaced as a whole, so that a reader, a crash or a power failure finds the old or the new one.
namespace egm {

/// The directory part of a path: "/var/lib" of "/var/lib/state", "." of "state".
std::string directory_of(const std::string& path);

/// All of a file; none when there is no such file. Needs no claim: what it reads is of one replacement.
/// Errors: those of open(2) and pread(2); EFBIG above 64 MiB, which no file of ours is.
Result<std::optional<std::string>> read_file(Syscalls& syscalls, const std::string& path);

/// Replaces the claimed file: writes PATH.new beside it, syncs it, renames it and syncs the directory. A symlink is
/// replaced, not followed. Errors: those of the calls; the file is the old one then, unless only the last sync failed.
Result<void> replace_file(const FileClaim& claim, std::string_view bytes);

} // namespace egm
