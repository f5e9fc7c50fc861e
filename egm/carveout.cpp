#include "egm/carveout.h"

#include <fmt/format.h>

#include "egm/block_size.h"
#include "egm/carveout_device.h"
#include "egm/errors.h"

namespace egm {

Result<std::unique_ptr<Carveout>> Carveout::open(Syscalls& syscalls, const CarveoutInfo& info) {
    return CharDeviceCarveout::open(syscalls, info);
}

Result<void> Carveout::check_inside(const char* call, std::uint64_t file_offset, std::uint64_t size) const {
    if (size != 0 && file_offset < info_.size && size <= info_.size - file_offset)
        return {};
    return fail(rule_error(call, info_.device_path,
                           fmt::format("{} at offset {:#x} are not inside the carveout of {}", in_binary_units(size),
                                       file_offset, in_binary_units(info_.size))));
}

} // namespace egm
