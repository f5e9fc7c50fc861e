#pragma once

namespace CLI {
class App;
}

namespace sim::validate {

/// Adds `egmsim validate` to the program. `code` gets its exit code: 0 done, 2 a file or a row that makes no sense (the
/// good rows are run and reported all the same), 3 a `--gate` that is not met, 130 interrupted.
void add_validate_command(CLI::App& app, int& code);

} // namespace sim::validate
