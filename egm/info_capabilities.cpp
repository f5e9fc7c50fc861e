#include "egm/info_capabilities.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "egm/uapi/vfio.h"

namespace egm {
namespace {

/// Enough for the capabilities of every known kernel, so that one call does.
constexpr std::size_t kRoom = 4096;
constexpr std::size_t kRoomMax = 1024 * 1024;
constexpr int kRoundsMax = 8;

} // namespace

Result<InfoBuffer> InfoBuffer::ask(const FileDescriptor& file, unsigned long request, const void* head,
                                   std::size_t head_size, const char* call) {
    std::size_t room = std::max(kRoom, head_size);
    for (int round = 0; round < kRoundsMax; ++round) {
        std::vector<std::byte> bytes(room);
        std::memcpy(bytes.data(), head, head_size);
        auto argsz = static_cast<std::uint32_t>(room);
        std::memcpy(bytes.data(), &argsz, sizeof argsz);
        if (auto done = file.ioctl(request, bytes.data(), call); !done)
            return fail(done.error());
        std::memcpy(&argsz, bytes.data(), sizeof argsz);
        if (argsz <= room)
            return InfoBuffer(std::move(bytes));
        if (argsz > kRoomMax)
            break;
        room = argsz;
    }
    return fail(Error{EPROTO, std::string("ioctl ") + call, file.name(),
                      "the kernel keeps asking for a larger buffer than any known capability needs"});
}

std::optional<std::size_t> InfoBuffer::find(std::uint32_t first, std::uint16_t id) const {
    std::size_t offset = first;
    // Each header takes 8 bytes, so a longer walk goes in circles.
    for (std::size_t steps = bytes_.size() / sizeof(uapi::VfioInfoCapHeader); offset != 0 && steps > 0; --steps) {
        const auto header = at<uapi::VfioInfoCapHeader>(offset);
        if (!header)
            return std::nullopt;
        if (header->id == id)
            return offset;
        offset = header->next;
    }
    return std::nullopt;
}

} // namespace egm
