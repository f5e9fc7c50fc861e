#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "egm/discovery.h"
#include "egm/doctor.h"

/// The parts of the doctor. Each appends what it finds.
namespace egm::doctor {

using Findings = std::vector<Finding>;
using Verdict = Finding::Verdict;
using Scope = Finding::Scope;

// The machine and its kernel.
void examine_processor(Syscalls& syscalls, Findings& findings);
void examine_kernel_version(Syscalls& syscalls, Findings& findings);
void examine_page_size(Syscalls& syscalls, Findings& findings);
void examine_kvm(Syscalls& syscalls, Findings& findings);
void examine_map_count(Syscalls& syscalls, Findings& findings);
void examine_hugepages(Syscalls& syscalls, Findings& findings);

// Carveouts and GPUs.
void examine_carveouts(Syscalls& syscalls, Findings& findings, std::vector<CarveoutInfo>& carveouts);
void examine_gpus(Syscalls& syscalls, const std::vector<CarveoutInfo>& carveouts, Findings& findings);

// What maps for DMA.
void examine_iommu(Syscalls& syscalls, Findings& findings);
void examine_vfio(Syscalls& syscalls, Findings& findings);
/// The IOMMU group of a GPU: that there is one, that nothing in it stands in the way, and that its nodes are there.
void examine_group(Syscalls& syscalls, const std::string& bdf, Scope scope, Findings& findings);

// The process that runs the doctor: a VM monitor needs the same.
void examine_process(Syscalls& syscalls, bool for_fallback, Findings& findings);

// Helpers.

/// Whether `directory` has an entry `name`; false when it cannot be listed.
bool exists(Syscalls& syscalls, const std::string& directory, std::string_view name);
/// The name of the driver that holds a PCI device; none when no driver does.
std::optional<std::string> driver_of(Syscalls& syscalls, const std::string& bdf);
/// What follows `key` on the line of `text` that begins with it, without blanks at its ends; none without such a line.
std::optional<std::string> value_after(const std::string& text, std::string_view key);

} // namespace egm::doctor
