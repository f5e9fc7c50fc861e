#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sim {

/// What became of a job in a child process.
struct ForkedAnswer {
    std::string text;         ///< what the job returned; empty on error
    std::string error;        ///< why there is no text: what it threw, the signal or the exit code; empty = good
    bool interrupted = false; ///< SIGINT or SIGTERM ended it, or kept it from beginning
};

using ForkedJob = std::function<std::string()>;

/// Runs each job in a forked child process, at most `parallel` at a time (0 = `cores()`), begun in their order, and
/// returns their answers in that order. A job that throws, crashes or exits becomes an error of that job; the others go
/// on.
///
/// One simulation is one process, since the SystemC kernel can be replaced but not reset: call this before the process
/// has built any SystemC object, from one thread. A child inherits everything and gives back only its text; what it
/// prints goes where the parent's goes. SIGINT and SIGTERM are passed on to the children, and nothing further is begun;
/// a second one kills them. No child outlives the parent.
///
/// `on_done`, where given, hears of each answer in the parent at once, in the order in which they come.
std::vector<ForkedAnswer>
run_forked(const std::vector<ForkedJob>& jobs, unsigned parallel = 0,
           const std::function<void(std::size_t job, const ForkedAnswer& answer)>& on_done = {});

/// Processors that this process may use; at least 1.
unsigned cores();

} // namespace sim
