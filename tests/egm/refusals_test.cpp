// Every refusal that a caller should tell apart: does the error carry the number, the call, the object, and what the
// person can do? One row for each line of the list of errors that the kernel's interfaces give on the way to a VM.

#include <cerrno>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/carveout.h"
#include "egm/dma_mapper.h"
#include "egm/kvm_slots.h"
#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;

struct Refusal {
    const char* name;
    int number;
    const char* call;
    const char* object;
    const char* advice;
    /// Makes the machine refuse, and the logic meet it.
    std::function<Error(FakeSyscalls&)> meet;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

template <class T>
Error error_of(const Result<T>& result) {
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
}

CarveoutInfo egm4(FakeSyscalls& kernel) { return (*discover(kernel))[0]; }

auto open_answers(int number) {
    return [number](FakeSyscalls& kernel) {
        kernel.devices["/dev/egm4"] = number;
        return error_of(Carveout::open(kernel, egm4(kernel)));
    };
}

/// The kernel refuses the mapping, not we: the size that sysfs shows is stale, say.
auto mmap_answers(int number) {
    return [number](FakeSyscalls& kernel) {
        auto carveout = std::move(*Carveout::open(kernel, egm4(kernel)));
        kernel.fail_at = kernel.calls + 2; // after the reservation
        kernel.fail_with = number;
        return error_of(carveout->map(0, kGiB, kGiB));
    };
}

auto list_answers(int number) {
    return [number](FakeSyscalls& kernel) {
        auto carveout = std::move(*Carveout::open(kernel, egm4(kernel)));
        kernel.refused["ioctl 0x4564"] = number;
        return error_of(carveout->retired());
    };
}

auto slot_answers(int number) {
    return [number](FakeSyscalls& kernel) {
        kernel.refused["ioctl 0x4020ae46"] = number;
        auto vm = std::move(*KvmVm::create(kernel, 43, true));
        return error_of(vm.set_slot(0, {kGiB}, {kGiB}, kGiB, "vm0/egm4"));
    };
}

auto map_answers(IommuMode mode, const char* request, int number) {
    return [=](FakeSyscalls& kernel) {
        auto mapper = std::move(*DmaMapper::create(kernel, mode));
        EXPECT_TRUE(mapper->attach("0008:01:00.0"));
        kernel.refused[request] = number;
        return error_of(mapper->map({kGiB}, {kGiB}, kGiB, MemoryKind::kEgm, "vm0/egm4"));
    };
}

auto attach_answers(IommuMode mode, const char* request, int number) {
    return [=](FakeSyscalls& kernel) {
        auto mapper = std::move(*DmaMapper::create(kernel, mode));
        kernel.refused[request] = number;
        return error_of(mapper->attach("0008:01:00.0"));
    };
}

constexpr const char* kMapDma = "ioctl 0x3b71";
constexpr const char* kIoasMap = "ioctl 0x3b85";
constexpr const char* kOpenDevice = "ioctl 0x3b6a";
constexpr const char* kBindDevice = "ioctl 0x3b76";
constexpr auto kType1 = IommuMode::kType1;
constexpr auto kStrict = IommuMode::kIommufdStrict;

struct RefusalTest : testing::TestWithParam<Refusal> {};

TEST_P(RefusalTest, SaysNumberCallObjectAndRemedy) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    {
        const Error error = GetParam().meet(kernel);
        EXPECT_EQ(error.error_number, GetParam().number) << error.message();
        EXPECT_EQ(error.call, GetParam().call);
        EXPECT_EQ(error.object, GetParam().object);
        EXPECT_THAT(error.advice, HasSubstr(GetParam().advice));
    }
    EXPECT_TRUE(kernel.clean());
    EXPECT_THAT(kernel.violations, testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RefusalTest,
    testing::ValuesIn(std::vector<Refusal>{
        {"OpenNoNode", ENOENT, "open", "/dev/egm4", "EGM is off in the firmware", open_answers(ENOENT)},
        {"OpenNoDriver", ENXIO, "open", "/dev/egm4", "load the EGM driver", open_answers(ENXIO)},
        {"OpenNotRoot", EACCES, "open", "/dev/egm4", "run as root", open_answers(EACCES)},
        {"OpenHeld", EBUSY, "open", "/dev/egm4", "another VM holds the carveout, or an earlier mapping",
         open_answers(EBUSY)},
        {"OpenNoMapping", EINVAL, "open", "/dev/egm4", "firmware describes no memory", open_answers(EINVAL)},
        {"OpenScrubNoMemory", ENOMEM, "open", "/dev/egm4", "try again", open_answers(ENOMEM)},
        {"OpenScrubKilled", EINTR, "open", "/dev/egm4", "the next open clears it again", open_answers(EINTR)},
        {"MapOutside", EINVAL, "mmap", "/dev/egm4", "read egm_size again", mmap_answers(EINVAL)},
        {"MapWraps", EOVERFLOW, "mmap", "/dev/egm4", "not inside the carveout", mmap_answers(EOVERFLOW)},
        {"MapNoTables", ENOMEM, "mmap", "/dev/egm4", "page tables of the mapping", mmap_answers(ENOMEM)},
        {"ListWrongRequest", EINVAL, "ioctl EGM_RETIRED_PAGES_LIST", "/dev/egm4", "does not know this request",
         list_answers(EINVAL)},
        {"ListNotEgm", ENOTTY, "ioctl EGM_RETIRED_PAGES_LIST", "/dev/egm4", "not an EGM device", list_answers(ENOTTY)},
        {"SlotUncacheable", EINVAL, "ioctl KVM_SET_USER_MEMORY_REGION", "vm0/egm4", "FEAT_S2FWB and DIC",
         slot_answers(EINVAL)},
        {"SlotOverlaps", EEXIST, "ioctl KVM_SET_USER_MEMORY_REGION", "vm0/egm4", "overlaps another slot",
         slot_answers(EEXIST)},
        {"SlotTooHigh", EFAULT, "ioctl KVM_SET_USER_MEMORY_REGION", "vm0/egm4", "widest guest address",
         slot_answers(EFAULT)},
        {"Type1Overlap", EEXIST, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4", "overlaps",
         map_answers(kType1, kMapDma, EEXIST)},
        {"Type1Full", ENOSPC, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4", "65535 mappings",
         map_answers(kType1, kMapDma, ENOSPC)},
        {"Type1Range", EINVAL, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4", "outside the IOVA ranges",
         map_answers(kType1, kMapDma, EINVAL)},
        {"Type1Memlock", ENOMEM, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4", "ulimit -l",
         map_answers(kType1, kMapDma, ENOMEM)},
        {"Type1BadMemory", EFAULT, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4", "not mapped readable and writable",
         map_answers(kType1, kMapDma, EFAULT)},
        {"IommufdEgm", EFAULT, "ioctl IOMMU_IOAS_MAP", "vm0/egm4", "use the type1 container",
         map_answers(kStrict, kIoasMap, EFAULT)},
        {"IommufdOverlap", EEXIST, "ioctl IOMMU_IOAS_MAP", "vm0/egm4", "overlaps",
         map_answers(kStrict, kIoasMap, EEXIST)},
        {"IommufdMemlock", ENOMEM, "ioctl IOMMU_IOAS_MAP", "vm0/egm4", "for all VMs of the user",
         map_answers(kStrict, kIoasMap, ENOMEM)},
        {"GpuNotReady", ETIME, "ioctl VFIO_GROUP_GET_DEVICE_FD", "0008:01:00.0", "not ready within 30 s",
         attach_answers(kType1, kOpenDevice, ETIME)},
        {"GpuNotReadyIommufd", ETIME, "ioctl VFIO_DEVICE_BIND_IOMMUFD", "0008:01:00.0", "not ready within 30 s",
         attach_answers(kStrict, kBindDevice, ETIME)},
        {"GpuHeld", EBUSY, "ioctl VFIO_GROUP_GET_DEVICE_FD", "0008:01:00.0", "one VM at a time",
         attach_answers(kType1, kOpenDevice, EBUSY)},
        {"GpuHeldIommufd", EINVAL, "ioctl VFIO_DEVICE_BIND_IOMMUFD", "0008:01:00.0", "one VM at a time",
         attach_answers(kStrict, kBindDevice, EINVAL)}}),
    [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace egm
