#pragma once

namespace sim {

/// Exit codes, as docs/scenarios.md lists them.
enum Exit { kDone = 0, kInternal = 1, kBadInput = 2, kImpossible = 3, kInterrupted = 130 };

} // namespace sim
