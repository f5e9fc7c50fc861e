#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/contract/case.h"

namespace contract {

// The groups of cases, one file or half a file each.
Cases memory_cases();
Cases file_cases();
Cases container_cases();
Cases group_cases();
Cases type1_map_cases();
Cases type1_unmap_cases();
Cases type1_info_cases();
Cases device_cases();
Cases type1_dma_cases();
Cases egm_cases();
Cases egm_ioctl_cases();
Cases egm_dma_cases();
Cases iommufd_object_cases();
Cases iommufd_map_cases();
Cases iommufd_unmap_cases();
Cases iommufd_device_cases();
Cases iommufd_dma_cases();
Cases iommufd_newer_cases();
Cases kvm_cases();

/// All of them, in that order.
const Cases& suite();

/// One case's outcome on one kernel.
struct Row {
    std::string id;
    std::string outcome;  ///< empty: skipped
    std::string expected; ///< by the case, for this kernel
    std::string skipped;  ///< what the kernel lacks; empty: it ran

    bool passed() const { return skipped.empty() && outcome == expected; }
    bool differs() const { return skipped.empty() && outcome != expected; }
};

/// Runs one case; never throws. A step before its question that fails is the outcome.
Row run(const Case& question, World& world);

/// "no iommufd, no KVM of arm64": what `available` lacks of `needs`; empty when nothing.
std::string missing(unsigned needs, unsigned available);

/// "pass     type1.map.one_page                 ok", one line without a newline.
std::string describe(const Row& row);

} // namespace contract
