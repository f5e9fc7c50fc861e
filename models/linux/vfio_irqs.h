#pragma once

#include <cstdint>

#include "models/linux/vfio_pci_device.h"

/// VFIO_DEVICE_GET_IRQ_INFO and VFIO_DEVICE_SET_IRQS. Source: Linux drivers/vfio/vfio_main.c
/// (vfio_set_irqs_validate_and_prepare), drivers/vfio/pci/vfio_pci_core.c, vfio_pci_intrs.c.
///
/// Each answers 0 or a negative errno. Not modelled: eventfds, so an interrupt that is given one never arrives, and any
/// other file in its place is refused as Linux does.
namespace models::linux {

std::int64_t get_irq_info(const Host& host, const VfioPciDevice& device, void* argument);
std::int64_t set_irqs(const Host& host, const VfioPciDevice& device, const void* argument);

} // namespace models::linux
