#pragma once

#include <string>

#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// Who has a device open or mapped, this process too: "process 4711", or "" when nobody has.
///
/// For drivers that hand a carveout out twice: the second opener would share it with, or even clear it under, the
/// first. Looks at every /proc/<pid>/fd and map_files, so it sees other processes only as root. It opens nothing and
/// leaves nothing behind that could go stale. What is taken between this look and the open after it goes unseen.
/// Where there is no /proc, nobody is seen. Errors: those of listing /proc.
Result<std::string> holder_of(Syscalls& syscalls, const std::string& device_path);

} // namespace egm
