#include "egm/carveout.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>

#include "egm/errors.h"
#include "egm/uapi/egm.h"

namespace egm {
namespace {

/// The largest answer: firmware's table full, and 16 pages of 4 KiB for each block.
constexpr std::uint32_t kAnswerBytesMax =
    sizeof(uapi::EgmRetiredPagesList) + 16 * uapi::kRetiredBlocksMax * sizeof(uapi::EgmRetiredPage);

/// The first call asks for the size. The list may grow between two calls, so a few more rounds are right; a kernel
/// that asks for more each time is not.
constexpr int kRoundsMax = 8;

std::vector<RetiredRange> entries(const std::vector<std::byte>& buffer, std::uint32_t count) {
    std::vector<RetiredRange> ranges;
    for (std::uint32_t i = 0; i < count; ++i) {
        uapi::EgmRetiredPage page;
        std::memcpy(&page, buffer.data() + sizeof(uapi::EgmRetiredPagesList) + i * sizeof page, sizeof page);
        ranges.push_back({page.offset, page.size});
    }
    return ranges;
}

} // namespace

Result<Carveout> Carveout::open(Syscalls& syscalls, const CarveoutInfo& info) {
    auto file = FileDescriptor::open(syscalls, info.device_path, O_RDWR);
    if (!file)
        return fail(file.error());
    return Carveout(syscalls, info, std::move(*file));
}

Result<std::vector<RetiredRange>> Carveout::retired() const {
    const char* const call = "EGM_RETIRED_PAGES_LIST";
    std::uint32_t room = sizeof(uapi::EgmRetiredPagesList);
    for (int round = 0; round < kRoundsMax; ++round) {
        std::vector<std::byte> buffer(room);
        uapi::EgmRetiredPagesList header{.argsz = room, .count = 0};
        std::memcpy(buffer.data(), &header, sizeof header);
        auto answer = file_.ioctl(uapi::kEgmRetiredPagesList, buffer.data(), call);
        std::memcpy(&header, buffer.data(), sizeof header);
        const bool told_to_grow = header.argsz > room;
        if (!answer && !(answer.error().error_number == ENOSPC && told_to_grow))
            return fail(answer.error());
        if (!told_to_grow) {
            if (header.count > (room - sizeof header) / sizeof(uapi::EgmRetiredPage))
                return fail(Error{EPROTO, std::string("ioctl ") + call, file_.name(),
                                  "the driver claims more entries than it had room for: its layout is another one"});
            return normalise(entries(buffer, header.count), info_.size);
        }
        if (header.argsz > kAnswerBytesMax)
            break;
        room = header.argsz;
    }
    return fail(Error{EPROTO, std::string("ioctl ") + call, file_.name(),
                      "the driver keeps asking for a larger buffer than any list of retired pages needs"});
}

Result<Mapping> Carveout::map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                              std::uint64_t phase) const {
    auto range = map_placed(*syscalls_, file_.get(), file_offset, size, {alignment, phase}, file_.name());
    if (!range)
        return fail(range.error());
    return Mapping{std::move(*range), file_offset};
}

} // namespace egm
