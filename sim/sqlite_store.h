#pragma once

#include <string>

#include "sim/sweep.h"

namespace sim {

/// Adds a sweep, with every figure of every point, to the SQLite database `path`, which is made if it is not there.
/// docs/sweep.md describes the tables. All of the sweep is added, or nothing: one transaction; another program that
/// writes at the same time is waited for. A database of another program is left alone. Returns why it could not be
/// done, or an empty text. Precondition: the sweep kept all figures (`SweepRequest::all_figures`).
std::string store_sweep(const std::string& path, const SweepResult& result);

} // namespace sim
