#pragma once

#include <cstdint>
#include <vector>

#include "egm/address.h"
#include "models/linux/file.h"

namespace models::linux {

/// An exported dma-buf: physical memory without struct page behind a file descriptor. Source: Linux
/// drivers/vfio/pci/vfio_pci_dmabuf.c; the EGM drivers' nvgrace_egm_dmabuf.c.
///
/// Not modelled: attachment by anything but iommufd, mmap of the dma-buf, revocation by a reset.
class DmaBufFile final : public File {
public:
    enum class Exporter {
        kVfio, ///< iommufd maps it
        kEgm,  ///< shape D's; mainline iommufd does not know it
    };

    DmaBufFile(Exporter exporter, std::vector<egm::Range<egm::Spa>> pieces)
        : exporter(exporter), pieces(std::move(pieces)) {}

    const Exporter exporter;
    const std::vector<egm::Range<egm::Spa>> pieces;

    std::uint64_t size() const {
        std::uint64_t bytes = 0;
        for (const auto& piece : pieces) {
            bytes += piece.size;
        }
        return bytes;
    }
};

} // namespace models::linux
