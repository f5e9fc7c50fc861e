// iommufd of a FakeSyscalls: its objects, in whatever order they are made and destroyed.

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "fake_syscalls.h"

namespace egm {

bool FakeSyscalls::is(std::uint32_t id, const std::string& kind) const {
    const auto object = objects.find(id);
    return object != objects.end() && object->second.kind == kind;
}

std::uint32_t FakeSyscalls::add_object(const std::string& kind, std::uint32_t parent, std::uint64_t number) {
    if (kind != "IOAS" && kind != "device")
        log.push_back("make " + kind);
    objects[next_object_] = {kind, parent, number};
    return next_object_++;
}

int FakeSyscalls::destroy(std::uint32_t id) {
    const auto object = objects.find(id);
    if (object == objects.end())
        return -ENOENT;
    for (const auto& [other_id, other] : objects) {
        if (other.parent == id || (other.kind == "device" && other.number == id))
            return -EBUSY;
        if (other.kind == "queue" && object->second.kind == "queue" && other.number > object->second.number)
            return -EBUSY; // the last first
    }
    log.push_back("destroy " + object->second.kind);
    objects.erase(object);
    return 0;
}

int FakeSyscalls::tell_iovas(uapi::IommuIoasIovaRanges& call) const {
    const std::uint32_t room = call.num_iovas;
    call.num_iovas = std::uint32_t(iovas.size());
    call.out_iova_alignment = page;
    std::memcpy(reinterpret_cast<void*>(call.allowed_iovas), iovas.data(),
                std::min<std::size_t>(room, iovas.size()) * sizeof(uapi::IommuIovaRange));
    return room < iovas.size() ? -EMSGSIZE : 0;
}

int FakeSyscalls::tell_hardware(uapi::IommuHwInfo& call) const {
    if (!is(call.dev_id, "device"))
        return -ENOENT;
    if (call.flags == 0) {
        call.out_data_type = uapi::kIommuHwInfoTypeArmSmmuv3;
        return 0;
    }
    if (call.flags != uapi::kIommuHwInfoFlagInputType || !answers_hw_info_type || !has_vcmdq ||
        call.out_data_type != uapi::kIommuHwInfoTypeTegra241Cmdqv)
        return -EOPNOTSUPP;
    const uapi::IommuHwInfoTegra241Cmdqv info{
        .flags = 0, .version = 1, .log2_vcmdqs = 1, .log2_vsids = 4, .reserved = 0};
    std::memcpy(reinterpret_cast<void*>(call.data_uptr), &info, std::min<std::size_t>(call.data_len, sizeof info));
    call.data_len = sizeof info;
    return 0;
}

int FakeSyscalls::map_file(const uapi::IommuIoasMapFile& call) {
    const auto file = open_files.find(call.fd);
    if (file == open_files.end())
        return -EBADF;
    if (!file->second.starts_with("dma-buf of VFIO") && !iommufd_takes_foreign_dma_buf)
        return -EOPNOTSUPP;
    return map_dma(call.iova, 0, call.length, true);
}

int FakeSyscalls::add_page_table(uapi::IommuHwptAlloc& call) {
    if (!is(call.dev_id, "device") || !objects.contains(call.pt_id))
        return -ENOENT;
    if (is(call.pt_id, "IOAS")) {
        if (call.flags != uapi::kIommuHwptAllocNestParent)
            return -EOPNOTSUPP;
        call.out_hwpt_id = add_object("parent HWPT", call.pt_id, 0);
        return 0;
    }
    uapi::IommuHwptArmSmmuv3 entry;
    if (!is(call.pt_id, "vIOMMU") || call.data_type != uapi::kIommuHwptDataArmSmmuv3 || call.data_len != sizeof entry)
        return -EOPNOTSUPP;
    std::memcpy(&entry, reinterpret_cast<const void*>(call.data_uptr), sizeof entry);
    // All but V, Cfg, S1Fmt, S1ContextPtr, S1CDMax; S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS.
    if ((entry.ste[0] & 0x07f0'0000'0000'0000) != 0 || (entry.ste[1] & ~0x3800'00ffull) != 0)
        return -EIO;
    call.out_hwpt_id = add_object("nested HWPT", call.pt_id, 0);
    return 0;
}

int FakeSyscalls::add_viommu(uapi::IommuViommuAlloc& call) {
    if (!is(call.dev_id, "device") || !objects.contains(call.hwpt_id))
        return -ENOENT;
    const bool with_queues = call.type == uapi::kIommuViommuTypeTegra241Cmdqv;
    if (!is(call.hwpt_id, "parent HWPT") || (with_queues && call.data_len != sizeof(uapi::IommuViommuTegra241Cmdqv)))
        return -EINVAL;
    if (with_queues && !has_vcmdq)
        return -EOPNOTSUPP;
    if (with_queues) {
        const uapi::IommuViommuTegra241Cmdqv page_of_registers{0x1000'0000, 64 * kKiB};
        std::memcpy(reinterpret_cast<void*>(call.data_uptr), &page_of_registers, sizeof page_of_registers);
    }
    call.out_viommu_id = add_object("vIOMMU", call.hwpt_id, with_queues);
    return 0;
}

int FakeSyscalls::add_queue(uapi::IommuHwQueueAlloc& call) {
    if (!is(call.viommu_id, "vIOMMU"))
        return -ENOENT;
    const auto queues =
        std::count_if(objects.begin(), objects.end(), [&](const auto& entry) { return entry.second.kind == "queue"; });
    if (call.index != std::uint32_t(queues))
        return -EIO;
    if (!std::has_single_bit(call.length) || !is_aligned(call.nesting_parent_iova, call.length))
        return -EINVAL;
    const auto holds = [&](const auto& piece) {
        return piece.first <= call.nesting_parent_iova &&
               call.nesting_parent_iova + call.length <= piece.first + piece.second;
    };
    if (std::none_of(dma.begin(), dma.end(), holds))
        return -EINVAL;
    call.out_hw_queue_id = add_object("queue", call.viommu_id, call.index);
    return 0;
}

int FakeSyscalls::answer_iommufd(unsigned long request, void* argument) {
    switch (request) {
    case uapi::kIommuOption:
        return 0;
    case uapi::kIommuDestroy:
        return destroy(static_cast<const uapi::IommuDestroy*>(argument)->id);
    case uapi::kIommuIoasAlloc:
        static_cast<uapi::IommuIoasAlloc*>(argument)->out_ioas_id = add_object("IOAS", 0, 0);
        return 0;
    case uapi::kIommuIoasIovaRanges:
        return tell_iovas(*static_cast<uapi::IommuIoasIovaRanges*>(argument));
    case uapi::kIommuIoasMap: {
        const auto& map = *static_cast<const uapi::IommuIoasMap*>(argument);
        if (map.flags != 7)
            violations.push_back("DMA mapping that is not fixed, readable and writable");
        return map_dma(map.iova, map.user_va, map.length, true);
    }
    case uapi::kIommuIoasMapFile:
        return map_file(*static_cast<const uapi::IommuIoasMapFile*>(argument));
    case uapi::kIommuIoasUnmap: {
        auto& unmap = *static_cast<uapi::IommuIoasUnmap*>(argument);
        return unmap_dma(unmap.iova, unmap.length, true);
    }
    case uapi::kIommuGetHwInfo:
        return tell_hardware(*static_cast<uapi::IommuHwInfo*>(argument));
    case uapi::kIommuHwptAlloc:
        return add_page_table(*static_cast<uapi::IommuHwptAlloc*>(argument));
    case uapi::kIommuViommuAlloc:
        return add_viommu(*static_cast<uapi::IommuViommuAlloc*>(argument));
    case uapi::kIommuVdeviceAlloc: {
        auto& call = *static_cast<uapi::IommuVdeviceAlloc*>(argument);
        for (const auto& [id, object] : objects)
            if (object.kind == "vDEVICE" && object.number == call.virt_id)
                return -EEXIST;
        call.out_vdevice_id = add_object("vDEVICE", call.viommu_id, call.virt_id);
        return 0;
    }
    case uapi::kIommuHwQueueAlloc:
        return add_queue(*static_cast<uapi::IommuHwQueueAlloc*>(argument));
    default:
        violations.push_back(fmt::format("unexpected ioctl {:#x} of iommufd", request));
        return -ENOTTY;
    }
}

} // namespace egm
