#include "egm/nested_object.h"

#include "egm/uapi/iommufd.h"
#include "egm/uapi/vfio.h"

namespace egm {
namespace {

Result<void> attach(const FileDescriptor& device, std::uint32_t page_table) {
    uapi::VfioDeviceAttachIommufdPt request{.argsz = sizeof request, .flags = 0, .pt_id = page_table};
    auto done = device.ioctl(uapi::kVfioDeviceAttachIommufdPt, &request, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
    if (!done)
        return fail(done.error());
    return {};
}

} // namespace

void IommuObject::destroy() {
    if (!iommu_)
        return;
    uapi::IommuDestroy request{.size = sizeof request, .id = id_};
    (void)iommu_->ioctl(uapi::kIommuDestroy, &request, "IOMMU_DESTROY");
    iommu_ = nullptr;
}

Result<Attachment> Attachment::make(const FileDescriptor& device, std::uint32_t page_table, std::uint32_t fallback) {
    if (auto done = attach(device, page_table); !done)
        return fail(done.error());
    return Attachment(device, fallback);
}

Attachment::~Attachment() {
    if (device_)
        (void)attach(*device_, fallback_); // refused: the page table stays in use until the device is closed
}

} // namespace egm
