#pragma once

#include <string>

#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// The sole right to change a file, among the processes of one machine that ask for it in this way. The destructor
/// gives it back; a process that is killed loses it.
///
/// Each asks by making an empty file beside it whose name says who asks, and then looks whether others have asked:
///
///     state.claim.<boot>.<pid namespace>.<pid>.<start>
///
/// Of two that ask at once, at least the later one sees the other and withdraws, and perhaps both do; never do both go
/// on. Claims of processes that have ended are removed: their names never come again, so nobody else's can be hit.
///
/// Those who ask must see each other in /proc. A claim out of another pid namespace (a container) is respected.
class FileClaim {
public:
    /// Errors: EBUSY when another process has it or asks for it at the same time, with its number; those of making a
    /// file and of reading /proc.
    static Result<FileClaim> take(Syscalls& syscalls, std::string path);

    FileClaim(FileClaim&& other) noexcept;
    FileClaim& operator=(FileClaim&& other) noexcept;
    ~FileClaim();

    Syscalls& syscalls() const { return *syscalls_; }
    /// Of the file that may be changed.
    const std::string& path() const { return path_; }

private:
    FileClaim(Syscalls& syscalls, std::string path, std::string name)
        : syscalls_(&syscalls), path_(std::move(path)), name_(std::move(name)) {}
    void give_back();

    Syscalls* syscalls_;
    std::string path_;
    std::string name_; ///< path of the claim; empty: moved from
};

} // namespace egm
