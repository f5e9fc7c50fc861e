#include "egm/carveout_device.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>

#include "egm/carveout_holders.h"
#include "egm/errors.h"
#include "egm/uapi/egm.h"

namespace egm {
namespace {

constexpr const char* kRetiredCall = "EGM_RETIRED_PAGES_LIST";
constexpr const char* kExportCall = "EGM_EXPORT_DMABUF";

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

Result<std::unique_ptr<Carveout>> CharDeviceCarveout::open(Syscalls& syscalls, const CarveoutInfo& info) {
    if (!always_exclusive(info.shapes)) {
        auto holder = holder_of(syscalls, info.device_path);
        if (!holder)
            return fail(holder.error());
        if (!holder->empty())
            return fail(Error{EBUSY, "open", info.device_path,
                              *holder + " holds the carveout, and a " + describe(info.shapes) +
                                  " may hand it out twice: stop that process first"});
    }
    auto file = FileDescriptor::open(syscalls, info.device_path, O_RDWR);
    if (!file)
        return fail(file.error());
    return std::unique_ptr<Carveout>(new CharDeviceCarveout(syscalls, info, std::move(*file)));
}

Result<std::vector<RetiredRange>> CharDeviceCarveout::retired() {
    std::uint32_t room = sizeof(uapi::EgmRetiredPagesList);
    for (int round = 0; round < kRoundsMax; ++round) {
        std::vector<std::byte> buffer(room);
        uapi::EgmRetiredPagesList header{.argsz = room, .count = 0};
        std::memcpy(buffer.data(), &header, sizeof header);
        auto answer = file_.ioctl(uapi::kEgmRetiredPagesList, buffer.data(), kRetiredCall);
        std::memcpy(&header, buffer.data(), sizeof header);
        const bool told_to_grow = header.argsz > room;
        if (!answer && answer.error().error_number == EINVAL && may_be_unusable_when_second(info_.shapes))
            return fail(Error{EBUSY, answer.error().call, file_.name(),
                              "another VM holds the carveout; the driver of 2025 lets a second opener in and then "
                              "answers EINVAL: stop that VM first"});
        if (!answer && !(answer.error().error_number == ENOSPC && told_to_grow))
            return fail(answer.error());
        has_answered_ = true;
        if (!told_to_grow) {
            if (header.count > (room - sizeof header) / sizeof(uapi::EgmRetiredPage))
                return fail(Error{EPROTO, std::string("ioctl ") + kRetiredCall, file_.name(),
                                  "the driver claims more entries than it had room for: its layout is another one"});
            return normalise(entries(buffer, header.count), info_.size);
        }
        if (header.argsz > kAnswerBytesMax)
            break;
        room = header.argsz;
    }
    return fail(Error{EPROTO, std::string("ioctl ") + kRetiredCall, file_.name(),
                      "the driver keeps asking for a larger buffer than any list of retired pages needs"});
}

Result<void> CharDeviceCarveout::check_offset(std::uint64_t file_offset) const {
    if (file_offset == 0 || always_honours_offset(info_.shapes))
        return {};
    return fail(
        rule_error("mmap", file_.name(),
                   fmt::format("a {} may ignore the offset {:#x} and map the carveout's start instead: map from "
                               "offset 0, or say which driver it is",
                               describe(info_.shapes), file_offset)));
}

Result<void> CharDeviceCarveout::check_first_opener() {
    if (has_answered_ || !may_be_unusable_when_second(info_.shapes))
        return {};
    if (auto answered = retired(); !answered)
        return fail(answered.error());
    return {};
}

Result<Mapping> CharDeviceCarveout::map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                                        std::uint64_t phase) {
    if (auto inside = check_inside("mmap", file_offset, size); !inside)
        return fail(inside.error());
    if (auto honoured = check_offset(file_offset); !honoured)
        return fail(honoured.error());
    if (auto first = check_first_opener(); !first)
        return fail(first.error());
    auto range = map_placed(syscalls_, file_.get(), file_offset, size, {alignment, phase}, file_.name());
    if (!range)
        return fail(range.error());
    return Mapping{std::move(*range), file_offset};
}

Result<FileDescriptor> CharDeviceCarveout::export_dma_buf(std::uint64_t file_offset, std::uint64_t size) {
    if (auto inside = check_inside("ioctl EGM_EXPORT_DMABUF", file_offset, size); !inside)
        return fail(inside.error());
    const auto refuse = [&] {
        return fail(
            Error{EOPNOTSUPP, std::string("ioctl ") + kExportCall, file_.name(),
                  "a " + describe(info_.shapes) + " does not export EGM as a dma-buf: use the type1 container"});
    };
    if (!may_export_dma_buf(info_.shapes))
        return refuse();
    if (!is_aligned(file_offset | size, syscalls_.page_size()))
        return fail(rule_error("ioctl EGM_EXPORT_DMABUF", file_.name(), "offset and size must be multiples of a page"));
    if (auto first = check_first_opener(); !first)
        return fail(first.error());
    struct {
        uapi::EgmExportDmabuf head;
        uapi::EgmDmabufRange range;
    } request{{.argsz = sizeof request, .flags = 0, .nr_ranges = 1, .open_flags = O_RDWR | O_CLOEXEC},
              {file_offset, size}};
    auto fd = file_.ioctl(uapi::kEgmExportDmabuf, &request, kExportCall);
    if (!fd && (fd.error().error_number == EINVAL || fd.error().error_number == ENOTTY))
        return refuse();
    if (!fd)
        return fail(fd.error());
    info_.shapes = {DriverShape::kD}; // no other driver knows the request
    has_answered_ = true;
    return FileDescriptor(syscalls_, *fd, "dma-buf of " + file_.name());
}

} // namespace egm
