#include "egm/errors.h"

#include <cerrno>

namespace egm {
namespace {

struct Name {
    int number;
    const char* name;
};

constexpr Name kNames[] = {
    {EPERM, "EPERM"},         {ENOENT, "ENOENT"},         {EINTR, "EINTR"},           {EIO, "EIO"},
    {ENXIO, "ENXIO"},         {E2BIG, "E2BIG"},           {EBADF, "EBADF"},           {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"},       {EACCES, "EACCES"},         {EFAULT, "EFAULT"},         {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"},       {ENODEV, "ENODEV"},         {ENOTDIR, "ENOTDIR"},       {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},       {ENFILE, "ENFILE"},         {EMFILE, "EMFILE"},         {ENOTTY, "ENOTTY"},
    {EFBIG, "EFBIG"},         {ENOSPC, "ENOSPC"},         {ESPIPE, "ESPIPE"},         {EROFS, "EROFS"},
    {EPIPE, "EPIPE"},         {ERANGE, "ERANGE"},         {EDEADLK, "EDEADLK"},       {ENAMETOOLONG, "ENAMETOOLONG"},
    {ENOSYS, "ENOSYS"},       {ELOOP, "ELOOP"},           {ETIME, "ETIME"},           {EOVERFLOW, "EOVERFLOW"},
    {EMSGSIZE, "EMSGSIZE"},   {EOPNOTSUPP, "EOPNOTSUPP"}, {EADDRINUSE, "EADDRINUSE"}, {ETIMEDOUT, "ETIMEDOUT"},
    {EHWPOISON, "EHWPOISON"}, {EPROTO, "EPROTO"},         {EBADMSG, "EBADMSG"},
};

/// One row: matches when the call begins with `call`, the object begins with `object`, and the number is equal.
struct Advice {
    std::string_view call;
    std::string_view object;
    int number;
    std::string_view sentence;
};

// The first match wins, so special rows come first. Sources: the EGM driver postings, Linux
// drivers/vfio/vfio_iommu_type1.c, drivers/iommu/iommufd, Documentation/virt/kvm/api.rst.
constexpr Advice kAdvice[] = {
    {"open", "/dev/egm", ENOENT, "EGM is off in the firmware, or the EGM driver is not loaded"},
    {"open", "/dev/egm", ENXIO, "the device node is there but no driver answers: load the EGM driver"},
    {"open", "/dev/egm", EACCES, "the node belongs to root with mode 0600: run as root or change its owner"},
    {"open", "/dev/egm", EINVAL, "firmware describes no memory for this carveout: look at the kernel's log"},
    {"open", "/dev/egm", EBUSY,
     "another VM holds the carveout, or an earlier mapping of it still lives: stop that VM, or unmap and close first"},
    {"open", "/dev/egm", ENOMEM, "the kernel could not clear the carveout before handing it out: try again"},
    {"open", "/dev/egm", EINTR, "the clearing of the carveout was interrupted: the next open clears it again"},
    {"mmap", "/dev/egm", EINVAL, "the region is not inside the carveout: read egm_size again and plan anew"},
    {"mmap", "/dev/egm", EOVERFLOW, "offset plus size wraps: the region is not inside the carveout"},
    {"mmap", "/dev/egm", ENOMEM, "no memory for the page tables of the mapping, or no address space left"},
    {"mmap", "", ENOMEM, "not enough free memory or address space: give the VM less, or free some"},
    {"ioctl EGM_RETIRED_PAGES_LIST", "", EINVAL,
     "someone else opened the carveout first (2025 driver), or the driver does not know this request"},
    {"ioctl EGM_RETIRED_PAGES_LIST", "", ENOTTY, "this is not an EGM device, or its driver is of another kind"},
    {"open", "/dev/kvm", ENOENT, "this kernel has no KVM, or the processor's virtualization is off"},
    {"open", "/dev/kvm", EACCES, "add the user to the group kvm, or run as root"},
    {"ioctl KVM_CREATE_VM", "", EINVAL, "the kernel does not offer guest addresses this wide"},
    {"ioctl KVM_SET_USER_MEMORY_REGION", "", EEXIST, "the slot overlaps another slot of this VM"},
    {"ioctl KVM_SET_USER_MEMORY_REGION", "", EFAULT, "the slot ends beyond the widest guest address of this VM"},
    {"ioctl KVM_SET_USER_MEMORY_REGION", "", EINVAL,
     "EGM needs a processor with FEAT_S2FWB and DIC and no dirty-page logging; sizes and addresses are page multiples"},
    {"ioctl KVM_SET_USER_MEMORY_REGION", "", ENOMEM, "the kernel has no memory left for the slot"},
    {"open", "/dev/vfio/devices/", ENOENT, "bind the GPU to nvgrace-gpu-vfio-pci; the kernel needs VFIO device nodes"},
    {"open", "/dev/vfio/devices/", EBUSY, "another VM holds this GPU: a GPU belongs to one VM at a time"},
    {"open", "/dev/vfio/devices/", EACCES, "change the owner of the device node, or run as root"},
    {"open", "/dev/vfio/vfio", ENOENT, "load the module vfio, or use iommufd"},
    {"open", "/dev/vfio/", ENOENT, "bind the GPU to nvgrace-gpu-vfio-pci (or vfio-pci), so that its group appears"},
    {"open", "/dev/vfio/", EBUSY, "another VM holds this GPU's group: a GPU belongs to one VM at a time"},
    {"open", "/dev/vfio/", EACCES, "change the owner of the group's node, or run as root"},
    {"open", "/dev/iommu", ENOENT, "this kernel has no iommufd: use the type1 container"},
    {"open", "/dev/iommu", EACCES, "run as root, or change the owner of /dev/iommu"},
    {"", "", ETIME,
     "the GPU's memory or its C2C link was not ready within 30 s: reset the GPU and look at the kernel's log"},
    {"ioctl VFIO_GROUP_GET_DEVICE_FD", "", EBUSY, "another VM holds this GPU: a GPU belongs to one VM at a time"},
    {"ioctl VFIO_GROUP_GET_DEVICE_FD", "", ENODEV, "this device is not in the group, or no VFIO driver holds it"},
    {"ioctl VFIO_GROUP_SET_CONTAINER", "", EBUSY, "the group is already in another container: another VM holds it"},
    {"ioctl VFIO_SET_IOMMU", "", ENODEV, "the kernel has no type1 IOMMU driver: load vfio_iommu_type1"},
    {"ioctl VFIO_SET_IOMMU", "", EPERM, "the platform cannot isolate interrupts: the SMMU or IOMMU must remap them"},
    {"ioctl VFIO_IOMMU_MAP_DMA", "", EEXIST, "the range overlaps one that is mapped already"},
    {"ioctl VFIO_IOMMU_MAP_DMA", "", ENOSPC,
     "the container holds 65535 mappings already: map larger pieces, or raise vfio_iommu_type1.dma_entry_limit"},
    {"ioctl VFIO_IOMMU_MAP_DMA", "", EINVAL,
     "the range is outside the IOVA ranges of this IOMMU, or not a multiple of its page size"},
    {"ioctl VFIO_IOMMU_MAP_DMA", "", ENOMEM, "raise the limit of locked memory (ulimit -l, LimitMEMLOCK)"},
    {"ioctl VFIO_IOMMU_MAP_DMA", "", EFAULT, "part of the range is not mapped readable and writable in this process"},
    {"ioctl VFIO_IOMMU_UNMAP_DMA", "", EINVAL, "only whole mappings can be unmapped"},
    {"ioctl VFIO_DEVICE_BIND_IOMMUFD", "", EBUSY, "another VM holds this GPU through its group"},
    {"ioctl VFIO_DEVICE_BIND_IOMMUFD", "", EINVAL, "another VM holds this GPU: a GPU belongs to one VM at a time"},
    {"ioctl IOMMU_IOAS_MAP_FILE", "", EOPNOTSUPP,
     "this kernel's iommufd takes no dma-buf of this exporter, only those of VFIO devices: use the type1 container for "
     "EGM"},
    {"ioctl IOMMU_IOAS_MAP_FILE", "", EINVAL,
     "before Linux 6.19 iommufd maps memfds only, and no dma-buf: use the type1 container; on a newer kernel the range "
     "is "
     "reserved in this IOAS, or not a multiple of its alignment"},
    {"ioctl IOMMU_IOAS_MAP_FILE", "", ENOTTY, "mapping files needs Linux 6.13 or later: use the type1 container"},
    {"ioctl IOMMU_IOAS_MAP_FILE", "", ENODEV, "the exporter has taken its memory back: the device was reset or closed"},
    {"ioctl IOMMU_IOAS_MAP", "", EFAULT, "part of the range is not mapped in this process"},
    {"ioctl IOMMU_IOAS_MAP", "", EEXIST, "the range overlaps one that is mapped already"},
    {"ioctl IOMMU_IOAS_MAP", "", EINVAL, "the range is reserved in this IOAS, or not a multiple of its alignment"},
    {"ioctl IOMMU_IOAS_MAP", "", ENOMEM,
     "raise the limit of locked memory (ulimit -l, LimitMEMLOCK); without privilege it counts for all VMs of the user"},
    {"ioctl IOMMU_IOAS_UNMAP", "", EBUSY, "a device still uses the range: detach it first"},
    {"readlink", "/sys/bus/pci/devices/", ENOENT, "no such PCI device, or the IOMMU is off"},
    {"list", "/sys/bus/pci/devices/", ENOENT,
     "no such PCI device, or no VFIO driver holds it, or the kernel has no VFIO device nodes"},
};

} // namespace

std::string errno_name(int error_number) {
    for (const Name& name : kNames)
        if (name.number == error_number)
            return name.name;
    return "errno " + std::to_string(error_number);
}

std::string_view advice_for(int error_number, std::string_view call, std::string_view object) {
    for (const Advice& row : kAdvice)
        if (row.number == error_number && call.starts_with(row.call) && object.starts_with(row.object))
            return row.sentence;
    return {};
}

std::string Error::message() const {
    std::string text = error_number == 0 ? std::string() : errno_name(error_number) + ": ";
    text += call;
    if (!object.empty())
        text += " " + object;
    if (!advice.empty())
        text += ": " + advice;
    return text;
}

Error call_error(std::string_view call, std::string_view object) { return call_error(errno, call, object); }

Error call_error(int error_number, std::string_view call, std::string_view object) {
    return {error_number, std::string(call), std::string(object), std::string(advice_for(error_number, call, object))};
}

Error rule_error(std::string_view call, std::string_view object, std::string advice) {
    return {EINVAL, std::string(call), std::string(object), std::move(advice)};
}

} // namespace egm
