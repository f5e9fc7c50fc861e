#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace sim {

/// Adds the verb `compare` to a command line. Where it is called, `chosen` becomes what is to be done: it returns the
/// exit code.
void add_compare_command(CLI::App& app, std::function<int()>& chosen);

} // namespace sim
