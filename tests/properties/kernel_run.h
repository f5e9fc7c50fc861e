#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "egm/syscalls.h"
#include "sequence.h"

namespace properties {

/// What stands between the logic and the modelled kernel. Nothing, but where the checker itself is tested.
using DoorFactory = std::function<std::unique_ptr<egm::Syscalls>(egm::Syscalls& kernel)>;

/// Kinds of steps of a sequence for the modelled kernel.
inline constexpr std::uint32_t kKernelKinds = 19;

/// Runs a sequence of open, close, map, unmap, attach, bring-up, teardown and reset on a modelled kernel that its setup
/// chooses; any call of those that acquire something may fail. What fails must leave everything as it was, what is
/// mapped must translate linearly, and when all is released nothing may be left. The first fault, or none.
std::optional<std::string> run_on_kernel(const Sequence& sequence, const DoorFactory& door = {});

} // namespace properties
