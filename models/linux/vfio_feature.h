#pragma once

#include <cstdint>

#include "models/linux/vfio_pci_device.h"

namespace models::linux {

/// VFIO_DEVICE_FEATURE: 0, a descriptor, or a negative errno. Source: Linux drivers/vfio/vfio_main.c,
/// drivers/vfio/pci/vfio_pci_core.c, vfio_pci_dmabuf.c.
///
/// Features: DMA_BUF (Linux 6.19), which exports pieces of a device region that can be mapped; entry into and exit from
/// low power, which change nothing here. All others are ENOTTY: migration, DMA logging, VF tokens.
std::int64_t device_feature(Host& host, const VfioPciDevice& device, void* argument);

} // namespace models::linux
