#pragma once

namespace CLI {
class App;
}

namespace sim::calibrate {

/// Adds the verb `calibrate` to the program; when it is called, it sets `code` to the exit code: 0, 2 or 130.
void add_calibrate_command(CLI::App& app, int& code);

} // namespace sim::calibrate
