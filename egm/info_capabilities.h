#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "egm/file_descriptor.h"
#include "egm/result.h"

/// VFIO's way to answer more than a struct holds: capabilities, chained by offsets, behind an info struct whose `argsz`
/// tells the caller how large a buffer they need. Source: Linux include/uapi/linux/vfio.h.
namespace egm {

/// An info struct with its capabilities, as the kernel filled it. Nothing in it is trusted: reads beyond it fail.
class InfoBuffer {
public:
    /// Calls `request` with `head`, whose first field is `argsz`, and room for capabilities; again with more room
    /// while the kernel asks for it. `call` and `object` are for errors. Errors: those of the call; EPROTO when the
    /// kernel keeps asking or asks for more than 1 MiB.
    static Result<InfoBuffer> ask(const FileDescriptor& file, unsigned long request, const void* head,
                                  std::size_t head_size, const char* call);

    /// A copy of what lies at `offset`; none when it does not lie inside.
    template <class Struct>
    std::optional<Struct> at(std::size_t offset) const {
        if (offset > bytes_.size() || sizeof(Struct) > bytes_.size() - offset)
            return std::nullopt;
        Struct copy;
        std::memcpy(&copy, bytes_.data() + offset, sizeof copy);
        return copy;
    }

    /// Offset of the capability `id` in the chain that begins at `first`; none when the chain does not have it, leaves
    /// the buffer or goes in circles.
    std::optional<std::size_t> find(std::uint32_t first, std::uint16_t id) const;

private:
    explicit InfoBuffer(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    std::vector<std::byte> bytes_;
};

} // namespace egm
