#pragma once

#include <functional>
#include <string>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "egm/linux/machine.h"
#include "egm/result.h"
#include "egm/syscalls.h"

/// The commands of egmctl. Each adds itself to the command line and has a file of its own.
namespace egm {

/// Exit status for a wrong command line, a file that cannot be read, or a machine that cannot be modelled.
inline constexpr int kUnusableInput = 2;

/// What a command finds: the command line, and the machine that it works on. Its callback leaves the exit status here.
struct Shell {
    CLI::App& app;
    /// The machine: this host, or the modelled one that --on names. Only called once the command line is read. The
    /// first call says on standard error that the machine is a modelled one; where it cannot be built, the call does
    /// not return and egmctl ends with 2.
    std::function<Machine&()> machine;
    int status = 0; ///< 0 all is well; 1 what was asked for is not so, or failed; else `kUnusableInput`
};

void add_list_command(Shell& shell);
void add_doctor_command(Shell& shell);
void add_plan_command(Shell& shell);
void add_lint_command(Shell& shell);
void add_map_test_command(Shell& shell);

/// Prints the error; the exit status for it.
int complain(const Error& error);

/// "5.583 s", "20.2 us", "0 ps": four digits.
std::string in_time(std::uint64_t picoseconds);

/// "1 GPU", "2 GPUs", "0 GPUs".
std::string counted(std::size_t number, const std::string& noun);

/// Whether carveouts may be opened for their retired pages, which clears them: on a modelled machine, or with `yes`.
/// Else says why not.
bool may_open_for_retired(const Machine& machine, bool yes);

/// How each JSON document begins: its schema version and the machine that it is about.
nlohmann::ordered_json json_head(const Machine& machine);

/// To the file `path`, which is there whole or not at all, or to standard output for "-". The exit status.
int write_json(const nlohmann::ordered_json& json, const std::string& path);

} // namespace egm
