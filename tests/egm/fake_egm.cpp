// The EGM driver of a FakeSyscalls, in all six shapes.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "egm/uapi/egm.h"
#include "fake_syscalls.h"

namespace egm {

int FakeSyscalls::open_carveout(const std::string& path) {
    const auto is_path = [&](const auto& entry) { return entry.second == path; };
    const bool held = std::any_of(open_files.begin(), open_files.end(), is_path) ||
                      std::any_of(mapped_file.begin(), mapped_file.end(), is_path);
    if (held && traits(shape).second_open == SecondOpen::kBusy)
        return refuse(EBUSY);
    const int fd = add_file(path);
    if (held && traits(shape).second_open == SecondOpen::kUnusable)
        unusable_.insert(fd);
    return fd;
}

int FakeSyscalls::check_carveout_mmap(int fd, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t there = carveout_size_.at(open_files.at(fd));
    if (unusable_.contains(fd))
        violations.push_back("mapped what a second opener has: this kernel has crashed");
    if (offset != 0 && !traits(shape).offset_honoured)
        violations.push_back("mapped from an offset that this driver ignores");
    const bool inside = offset < there && size <= there - offset;
    if (inside)
        return 0;
    if (!traits(shape).bounded)
        violations.push_back("mapped memory beyond the carveout");
    return traits(shape).bounded ? -EINVAL : 0;
}

int FakeSyscalls::list_retired(void* argument) const {
    uapi::EgmRetiredPagesList header;
    std::memcpy(&header, argument, sizeof header);
    const std::uint32_t room = header.argsz;
    const auto needed = std::uint32_t(sizeof header + retired.size() * sizeof(uapi::EgmRetiredPage));
    if (list_always_grows || room < needed) {
        header = {list_always_grows ? room + 16 : needed, 0};
        std::memcpy(argument, &header, sizeof header);
        return short_list_is_enospc ? -ENOSPC : 0;
    }
    header.count = std::uint32_t(retired.size());
    std::memcpy(argument, &header, sizeof header);
    if (!retired.empty())
        std::memcpy(static_cast<char*>(argument) + sizeof header, retired.data(), needed - sizeof header);
    return 0;
}

int FakeSyscalls::export_carveout(int fd, const void* argument) {
    struct {
        uapi::EgmExportDmabuf head;
        uapi::EgmDmabufRange range;
    } call;
    std::memcpy(&call, argument, sizeof call);
    const std::uint64_t there = carveout_size_.at(open_files.at(fd));
    if (call.head.argsz < sizeof call || call.head.flags != 0 || call.head.nr_ranges != 1 || call.range.length == 0 ||
        !is_aligned(call.range.offset | call.range.length, page) || call.range.offset + call.range.length > there)
        return -EINVAL;
    return add_file("dma-buf of " + open_files.at(fd));
}

int FakeSyscalls::answer_egm(int fd, unsigned long request, void* argument) {
    if (unusable_.contains(fd))
        return -EINVAL;
    if (request == uapi::kEgmRetiredPagesList)
        return list_retired(argument);
    if (request == uapi::kEgmExportDmabuf && traits(shape).exports_dma_buf)
        return export_carveout(fd, argument);
    return -EINVAL;
}

} // namespace egm
