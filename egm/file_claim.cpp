#include "egm/file_claim.h"

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>

#include "egm/durable_file.h"
#include "egm/errors.h"
#include "egm/file_descriptor.h"
#include "egm/process_identity.h"

namespace egm {
namespace {

constexpr const char* kCall = "claim";

Error taken(const std::string& path, const std::string& name, const std::optional<ProcessIdentity>& holder) {
    if (!holder)
        return {EBUSY, kCall, path,
                "it is claimed by " + name + ", which is no name of ours: remove it if it is stale"};
    return {EBUSY, kCall, path,
            "process " + holder->pid +
                " is changing it: try again when it has ended, or if there is no such process "
                "in any container, remove " +
                name};
}

} // namespace

Result<FileClaim> FileClaim::take(Syscalls& syscalls, std::string path) {
    const auto self = identify_self(syscalls);
    if (!self)
        return fail(self.error());
    const std::string prefix = path + ".claim.";
    const std::string own = prefix + to_string(*self);
    auto made = FileDescriptor::open(syscalls, own, O_WRONLY | O_CREAT | O_EXCL);
    if (!made && made.error().error_number == EEXIST)
        return fail(Error{EBUSY, kCall, path, "this very process is changing it"});
    if (!made) {
        Error error = made.error();
        if (error.error_number == ENOENT)
            error.advice = "make the directory " + directory_of(path) + " first";
        return fail(std::move(error));
    }
    FileClaim claim(syscalls, std::move(path), own); // from here on, whoever asks sees this claim

    const std::string directory = directory_of(claim.path_);
    std::vector<std::string> names;
    if (syscalls.list_directory(directory.c_str(), names) < 0)
        return fail(call_error("list", directory));
    const std::size_t slash = prefix.rfind('/');
    const std::string start = slash == prefix.npos ? prefix : prefix.substr(slash + 1);
    for (const std::string& name : names) {
        if (!name.starts_with(start))
            continue;
        const std::string other = prefix + name.substr(start.size());
        if (other == own)
            continue;
        const auto holder = process_from(name.substr(start.size()));
        if (!holder || !has_ended(syscalls, *holder, *self))
            return fail(taken(claim.path_, other, holder));
        syscalls.unlink(other.c_str()); // best effort: whoever asks next will try again
    }
    return claim;
}

FileClaim::FileClaim(FileClaim&& other) noexcept
    : syscalls_(other.syscalls_), path_(std::move(other.path_)), name_(std::exchange(other.name_, {})) {}

FileClaim& FileClaim::operator=(FileClaim&& other) noexcept {
    if (this != &other) {
        give_back();
        syscalls_ = other.syscalls_;
        path_ = std::move(other.path_);
        name_ = std::exchange(other.name_, {});
    }
    return *this;
}

FileClaim::~FileClaim() { give_back(); }

void FileClaim::give_back() {
    if (!name_.empty())
        syscalls_->unlink(name_.c_str());
}

} // namespace egm
