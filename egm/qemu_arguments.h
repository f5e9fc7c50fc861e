#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/tray_plan.h"

namespace egm {

/// QEMU versions name the options of their accelerated SMMU differently.
enum class QemuDialect {
    kVendor10,   ///< the vendor's 10.1, which products use and which has acpi-egm-memory: pasid=on
    kMainline11, ///< 11.1: ssidsize=20 instead. It knows no acpi-egm-memory: a tree that adds it is needed all the same
};

/// The arguments of qemu-system-aarch64 that make `vm`, without a disk, a firmware and a network, which are its
/// owner's. The order is the one that products use: iommufd; memory backends; machine, processor, memory; nodes, in the
/// order of their numbers; then for each SMMU of the host an expander bus, its virtual SMMU, root ports and GPUs; then
/// initiators; then EGM links.
///
/// Where each form comes from:
/// - memory-backend-file, numa, machine, iommufd, vfio-pci-nohotplug: QEMU's qemu-options.hx and docs/system
/// - pxb-pcie, arm-smmuv3 with accel, pcie-root-port, the order of all: kata-containers,
///   src/runtime-rs/crates/hypervisor/src/qemu/ARCHITECTURE.md, Grace configurations 1 to 7
/// - acpi-generic-initiator: QEMU 9.0, qapi/qom.json
/// - acpi-egm-memory: vendor QEMU, hw/acpi/acpi_egm_memory.c
/// - align: QEMU, qapi/qom.json. Products leave it out. QEMU then maps at a multiple of the host's page only, and
///   KVM's rule HVA = file position (mod block) leaves no block larger than a page.
///
/// - the options of arm-smmuv3: nested translation on the host's SMMU, ATS and PASID, no range invalidation, 48-bit
///   output addresses; "pasid" by the sources above, "ssidsize" by what QEMU 11.1 answers to -device arm-smmuv3,help
///
/// A VM of mode type1 has neither iommufd nor a virtual SMMU: QEMU's accelerated SMMU needs iommufd.
///
/// Precondition: `vm` has EGM and vCPUs.
std::vector<std::string> qemu_arguments(const PlannedVm& vm, std::uint64_t page_size,
                                        QemuDialect dialect = QemuDialect::kVendor10);

/// A shell script that runs QEMU with `arguments`: one option a line, quoted where needed, after a comment with the
/// VM's notes.
std::string shell_script(const PlannedVm& vm, const std::vector<std::string>& arguments);

/// `text` as one word of a shell.
std::string shell_quoted(const std::string& text);

} // namespace egm
