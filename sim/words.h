#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/collective.h"
#include "sim/scenario.h"

namespace sim {

/// How scenarios spell what `sim/scenario.h` enumerates, in the order in which the documentation lists it.
const std::vector<std::pair<std::string, Engine>>& engine_words();           ///< cpu sm ce nic
const std::vector<std::pair<std::string, Operation>>& operation_words();     ///< read write copy stream-copy ...
const std::vector<std::pair<std::string, Allocator>>& allocator_words();     ///< cudaMalloc system egm pinned
const std::vector<std::pair<std::string, IommuBackend>>& iommu_words();      ///< type1 iommufd iommufd-tolerant
const std::vector<std::pair<std::string, MemoryName::Kind>>& memory_words(); ///< hbm egm system
const std::vector<std::pair<std::string, int>>& errno_words();               ///< EPERM ENOMEM ...

const std::vector<std::pair<std::string, Collective::Kind>>& collective_words();
const std::vector<std::pair<std::string, Collective::Algorithm>>& algorithm_words();

std::string to_text(Collective::Kind kind);
std::string to_text(Collective::Algorithm algorithm);
std::string to_text(Engine engine);
std::string to_text(Operation operation);
std::string to_text(Allocator allocator); ///< "default" for `kDefault`
std::string to_text(IommuBackend backend);
std::string to_text(const MemoryName& memory); ///< "grace0.egm"; empty for none

} // namespace sim
