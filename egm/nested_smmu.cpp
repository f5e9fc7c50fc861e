#include "egm/nested_smmu.h"

#include <bit>
#include <cassert>
#include <cerrno>
#include <set>

#include <fmt/format.h>
#include <sys/mman.h>

#include "egm/errors.h"
#include "egm/uapi/iommufd.h"

namespace egm {
namespace {

constexpr std::uint64_t kCommandBytes = 16; ///< of one SMMU command
constexpr std::uint64_t kQueueBytesMin = 2 * kCommandBytes;
constexpr std::uint32_t kQueuesLog2Max = 7; ///< 128 queues are the most that the hardware's register page has

constexpr std::uint64_t bits(unsigned high, unsigned low) { return (~0ull >> (63 - high)) & (~0ull << low); }

Result<void> check_devices(const IommufdMapper& mapper, const std::vector<NestedDevice>& devices) {
    const char* const call = "nest SMMU";
    if (devices.empty())
        return fail(rule_error(call, "", "there is no device to nest the translation of"));
    std::set<std::uint32_t> streams;
    for (const NestedDevice& device : devices) {
        if (!mapper.find_device(device.bdf))
            return fail(rule_error(call, device.bdf, "the device is not attached to this IOAS"));
        if (!streams.insert(device.stream_id).second)
            return fail(rule_error(call, device.bdf,
                                   fmt::format("StreamID {:#x} is another device's of this guest", device.stream_id)));
    }
    return {};
}

} // namespace

Result<StreamTableEntry> host_part(const StreamTableEntry& guest, const std::string& object) {
    constexpr std::uint64_t kWord0 = bits(0, 0) | bits(3, 1) | bits(5, 4) | bits(51, 6) | bits(63, 59);
    constexpr std::uint64_t kWord1 = bits(1, 0) | bits(3, 2) | bits(5, 4) | bits(7, 6) | bits(27, 27) | bits(29, 28);
    constexpr std::uint64_t kAbort = 0, kBypass = 4, kStage1 = 5;
    if ((guest[0] & 1) == 0)
        return StreamTableEntry{0, 0};
    const std::uint64_t config = guest[0] >> 1 & 7;
    if (config != kAbort && config != kBypass && config != kStage1)
        return fail(
            rule_error("nest SMMU", object,
                       fmt::format("the guest's stream table entry has Cfg {}: a guest can have stage 1, bypass "
                                   "and abort, and no stage 2 of its own",
                                   config)));
    if ((guest[1] >> 28 & 3) > 1)
        return fail(rule_error("nest SMMU", object, "the guest's stream table entry asks for split-stage ATS"));
    return StreamTableEntry{guest[0] & kWord0, guest[1] & kWord1};
}

Result<std::unique_ptr<NestedSmmu>> NestedSmmu::create(Syscalls& syscalls, IommufdMapper& mapper,
                                                       const std::vector<NestedDevice>& devices) {
    if (auto valid = check_devices(mapper, devices); !valid)
        return fail(valid.error());
    std::unique_ptr<NestedSmmu> nested(new NestedSmmu(syscalls, mapper));
    const std::uint32_t first = mapper.find_device(devices[0].bdf)->id;
    for (const auto stage : {&NestedSmmu::find_queues, &NestedSmmu::make_parent})
        if (auto done = (nested.get()->*stage)(first); !done)
            return fail(done.error());
    for (const NestedDevice& device : devices) {
        auto attached = Attachment::make(mapper.find_device(device.bdf)->file, nested->parent_.id(), mapper.ioas());
        if (!attached)
            return fail(attached.error());
        nested->attached_.push(std::move(*attached));
    }
    if (auto done = nested->make_viommu(first); !done)
        return fail(done.error());
    for (const NestedDevice& device : devices)
        if (auto done = nested->make_vdevice(device, *mapper.find_device(device.bdf)); !done)
            return fail(done.error());
    return nested;
}

NestedSmmu::~NestedSmmu() {
    while (queues_.size() > 0)
        queues_.pop();
    while (!entries_.empty())
        entries_.pop_back();
}

Result<void> NestedSmmu::find_queues(std::uint32_t device) {
    const char* const call = "IOMMU_GET_HW_INFO";
    uapi::IommuHwInfo info{.size = sizeof info, .flags = 0, .dev_id = device};
    if (auto done = mapper_.iommu().ioctl(uapi::kIommuGetHwInfo, &info, call); !done)
        return fail(done.error());
    if (info.out_data_type != uapi::kIommuHwInfoTypeArmSmmuv3 &&
        info.out_data_type != uapi::kIommuHwInfoTypeTegra241Cmdqv)
        return fail(Error{EOPNOTSUPP, std::string("ioctl ") + call, mapper_.iommu().name(),
                          "the device is not behind an SMMUv3 that this kernel (6.13 or later) can nest"});

    // Asking for the queues by name is newer than nesting itself.
    uapi::IommuHwInfoTegra241Cmdqv queues{};
    info = {.size = sizeof info,
            .flags = uapi::kIommuHwInfoFlagInputType,
            .dev_id = device,
            .data_len = sizeof queues,
            .data_uptr = reinterpret_cast<std::uintptr_t>(&queues),
            .out_data_type = uapi::kIommuHwInfoTypeTegra241Cmdqv};
    auto asked = mapper_.iommu().ioctl(uapi::kIommuGetHwInfo, &info, call);
    if (!asked && (asked.error().error_number == EOPNOTSUPP || asked.error().error_number == EINVAL))
        return {};
    if (!asked)
        return fail(asked.error());
    if (info.out_data_type == uapi::kIommuHwInfoTypeTegra241Cmdqv && queues.log2_vcmdqs <= kQueuesLog2Max)
        queues_max_ = 1u << queues.log2_vcmdqs;
    return {};
}

Result<void> NestedSmmu::make_parent(std::uint32_t device) {
    uapi::IommuHwptAlloc request{
        .size = sizeof request, .flags = uapi::kIommuHwptAllocNestParent, .dev_id = device, .pt_id = mapper_.ioas()};
    if (auto done = mapper_.iommu().ioctl(uapi::kIommuHwptAlloc, &request, "IOMMU_HWPT_ALLOC", "nesting parent"); !done)
        return fail(done.error());
    parent_ = IommuObject(mapper_.iommu(), request.out_hwpt_id);
    return {};
}

Result<void> NestedSmmu::make_viommu(std::uint32_t device) {
    uapi::IommuViommuTegra241Cmdqv registers{};
    uapi::IommuViommuAlloc request{.size = sizeof request,
                                   .flags = 0,
                                   .type = uapi::kIommuViommuTypeArmSmmuv3,
                                   .dev_id = device,
                                   .hwpt_id = parent_.id()};
    if (queues_max_ > 0) {
        request.type = uapi::kIommuViommuTypeTegra241Cmdqv;
        request.data_len = sizeof registers;
        request.data_uptr = reinterpret_cast<std::uintptr_t>(&registers);
    }
    if (auto done = mapper_.iommu().ioctl(uapi::kIommuViommuAlloc, &request, "IOMMU_VIOMMU_ALLOC"); !done)
        return fail(done.error());
    viommu_ = IommuObject(mapper_.iommu(), request.out_viommu_id);
    if (queues_max_ > 0)
        return map_registers(registers.out_vintf_mmap_offset, registers.out_vintf_mmap_length);
    return {};
}

Result<void> NestedSmmu::map_registers(std::uint64_t offset, std::uint64_t size) {
    const char* const name = "queue registers of /dev/iommu";
    if (size == 0 || !is_aligned(offset | size, syscalls_.page_size()))
        return fail(Error{EPROTO, "ioctl IOMMU_VIOMMU_ALLOC", name, "the kernel tells a range that cannot be mapped"});
    void* const at = syscalls_.mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, mapper_.iommu().get(),
                                    static_cast<std::int64_t>(offset));
    if (at == kMapFailed)
        return fail(call_error("mmap", name));
    registers_ = MappedRange(syscalls_, {reinterpret_cast<std::uintptr_t>(at)}, size);
    return {};
}

Result<void> NestedSmmu::make_vdevice(const NestedDevice& device, const IommufdMapper::Device& host) {
    uapi::IommuVdeviceAlloc request{
        .size = sizeof request, .viommu_id = viommu_.id(), .dev_id = host.id, .virt_id = device.stream_id};
    auto done = mapper_.iommu().ioctl(uapi::kIommuVdeviceAlloc, &request, "IOMMU_VDEVICE_ALLOC", device.bdf);
    if (!done)
        return fail(done.error());
    devices_.push({&host, IommuObject(mapper_.iommu(), request.out_vdevice_id)});
    entries_.emplace_back();
    return {};
}

Result<void> NestedSmmu::set_entry(const std::string& bdf, const StreamTableEntry& guest) {
    std::size_t i = 0;
    while (i < devices_.size() && devices_[i].host->file.name() != bdf)
        ++i;
    assert(i < devices_.size());
    const IommufdMapper::Device& host = *devices_[i].host;
    auto words = host_part(guest, bdf);
    if (!words)
        return fail(words.error());
    uapi::IommuHwptArmSmmuv3 data{{(*words)[0], (*words)[1]}};
    uapi::IommuHwptAlloc request{.size = sizeof request,
                                 .flags = 0,
                                 .dev_id = host.id,
                                 .pt_id = viommu_.id(),
                                 .data_type = uapi::kIommuHwptDataArmSmmuv3,
                                 .data_len = sizeof data,
                                 .data_uptr = reinterpret_cast<std::uintptr_t>(&data)};
    if (auto done = mapper_.iommu().ioctl(uapi::kIommuHwptAlloc, &request, "IOMMU_HWPT_ALLOC", bdf); !done)
        return fail(done.error());
    IommuObject page_table(mapper_.iommu(), request.out_hwpt_id);
    auto attached = Attachment::make(host.file, page_table.id(), parent_.id());
    if (!attached)
        return fail(attached.error());
    if (entries_[i])
        entries_[i]->attached.forget();
    entries_[i].reset();
    entries_[i].emplace(Entry{std::move(page_table), std::move(*attached)});
    return {};
}

Result<void> NestedSmmu::add_queue(const Range<Ipa>& ring) {
    const std::string name = fmt::format("vCMDQ {} at {:#x}", queues_.size(), ring.begin.value);
    const auto refuse = [&](std::string why) { return fail(rule_error("add queue", name, std::move(why))); };
    if (queues_max_ == 0)
        return fail(
            Error{EOPNOTSUPP, "add queue", name, "this SMMU, or this kernel (before 6.17), has no such queues"});
    if (queues_.size() >= queues_max_)
        return fail(Error{ENOSPC, "add queue", name, fmt::format("the guest has all {} queues already", queues_max_)});
    if (ring.size < kQueueBytesMin || !std::has_single_bit(ring.size))
        return refuse("its length must be a power of two from 32 bytes on");
    if (!is_aligned(ring.begin.value, ring.size))
        return refuse("its base must be a multiple of its length");
    if (!mapper_.is_contiguous({{ring.begin.value}, ring.size}, syscalls_.page_size()))
        return refuse("its ring must lie in memory that is mapped for DMA and physically contiguous: in EGM, or within "
                      "one page");
    uapi::IommuHwQueueAlloc request{.size = sizeof request,
                                    .flags = 0,
                                    .viommu_id = viommu_.id(),
                                    .type = uapi::kIommuHwQueueTypeTegra241Cmdqv,
                                    .index = std::uint32_t(queues_.size()),
                                    .out_hw_queue_id = 0,
                                    .nesting_parent_iova = ring.begin.value,
                                    .length = ring.size};
    if (auto done = mapper_.iommu().ioctl(uapi::kIommuHwQueueAlloc, &request, "IOMMU_HW_QUEUE_ALLOC", name); !done)
        return fail(done.error());
    queues_.push(IommuObject(mapper_.iommu(), request.out_hw_queue_id));
    return {};
}

} // namespace egm
