#pragma once

#include <cstdint>
#include <utility>

#include "egm/file_descriptor.h"

namespace egm {

/// An object of /dev/iommu of which this is the only owner: the destructor destroys it.
///
/// `iommu` outlives it. A refusal to destroy cannot be answered; closing /dev/iommu drops what is left.
class IommuObject {
public:
    IommuObject() = default;
    IommuObject(const FileDescriptor& iommu, std::uint32_t id) : iommu_(&iommu), id_(id) {}
    IommuObject(IommuObject&& other) noexcept
        : iommu_(std::exchange(other.iommu_, nullptr)), id_(std::exchange(other.id_, 0)) {}
    IommuObject& operator=(IommuObject&& other) noexcept {
        if (this != &other) {
            destroy();
            iommu_ = std::exchange(other.iommu_, nullptr);
            id_ = std::exchange(other.id_, 0);
        }
        return *this;
    }
    ~IommuObject() { destroy(); }

    std::uint32_t id() const { return id_; }

private:
    void destroy();

    const FileDescriptor* iommu_ = nullptr;
    std::uint32_t id_ = 0;
};

/// A device's DMA going through a page table. The destructor attaches it to another one again.
class Attachment {
public:
    Attachment() = default;
    /// Attaches `device`, which outlives this, to `page_table`, a HWPT or an IOAS, in the place of what it is attached
    /// to now: no DMA falls between. `fallback` is what the destructor attaches it to. Errors: those of the call, after
    /// which the device is attached as before.
    static Result<Attachment> make(const FileDescriptor& device, std::uint32_t page_table, std::uint32_t fallback);

    Attachment(Attachment&& other) noexcept
        : device_(std::exchange(other.device_, nullptr)), fallback_(other.fallback_) {}
    Attachment& operator=(Attachment&&) = delete;
    ~Attachment();

    /// The device has been attached to something else meanwhile: there is nothing to undo.
    void forget() { device_ = nullptr; }

private:
    Attachment(const FileDescriptor& device, std::uint32_t fallback) : device_(&device), fallback_(fallback) {}

    const FileDescriptor* device_ = nullptr;
    std::uint32_t fallback_ = 0;
};

} // namespace egm
