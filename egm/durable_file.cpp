#include "egm/durable_file.h"

#include <cerrno>

#include <fcntl.h>

#include "egm/address.h"
#include "egm/errors.h"
#include "egm/file_descriptor.h"

namespace egm {
namespace {

constexpr std::uint64_t kBytesMax = 64 * kMiB;

Result<void> write_all(Syscalls& syscalls, const FileDescriptor& file, std::string_view bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const std::int64_t written =
            syscalls.pwrite(file.get(), bytes.data() + done, bytes.size() - done, std::int64_t(done));
        if (written < 0)
            return fail(call_error("write", file.name()));
        if (written == 0)
            return fail(
                Error{EIO, "write", file.name(), "the file takes no more bytes, and the kernel gives no reason"});
        done += std::size_t(written);
    }
    return {};
}

/// Makes `path` hold `bytes`, on the disk too. The name may still be lost at a power failure.
Result<void> write_aside(Syscalls& syscalls, const std::string& path, std::string_view bytes) {
    auto file = FileDescriptor::open(syscalls, path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file)
        return fail(file.error());
    if (auto written = write_all(syscalls, *file, bytes); !written)
        return written;
    if (syscalls.fsync(file->get()) < 0)
        return fail(call_error("fsync", path));
    return {};
}

Result<void> sync_directory(Syscalls& syscalls, const std::string& path) {
    auto directory = FileDescriptor::open(syscalls, path, O_RDONLY | O_DIRECTORY);
    if (!directory)
        return fail(directory.error());
    if (syscalls.fsync(directory->get()) < 0)
        return fail(call_error("fsync", path));
    return {};
}

} // namespace

std::string directory_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::optional<std::string>> read_file(Syscalls& syscalls, const std::string& path) {
    auto file = FileDescriptor::open(syscalls, path, O_RDONLY);
    if (!file && file.error().error_number == ENOENT)
        return std::nullopt;
    if (!file)
        return fail(file.error());
    std::string bytes;
    std::string buffer(64 * kKiB, '\0');
    for (;;) {
        const std::int64_t got = syscalls.pread(file->get(), buffer.data(), buffer.size(), std::int64_t(bytes.size()));
        if (got < 0)
            return fail(call_error("read", path));
        if (got == 0)
            return bytes;
        bytes.append(buffer, 0, std::size_t(got));
        if (bytes.size() > kBytesMax)
            return fail(Error{EFBIG, "read", path, "no file of ours is larger than 64 MiB: is it the right one?"});
    }
}

Result<void> replace_file(const FileClaim& claim, std::string_view bytes) {
    Syscalls& syscalls = claim.syscalls();
    const std::string aside = claim.path() + ".new";
    auto replaced = write_aside(syscalls, aside, bytes);
    if (replaced && syscalls.rename(aside.c_str(), claim.path().c_str()) < 0)
        replaced = fail(call_error("rename", aside));
    if (!replaced) {
        syscalls.unlink(aside.c_str());
        return replaced;
    }
    if (auto synced = sync_directory(syscalls, directory_of(claim.path())); !synced) {
        Error error = synced.error();
        error.advice = "the new " + claim.path() + " is in place, but a power failure may still bring the old one back";
        return fail(std::move(error));
    }
    return {};
}

} // namespace egm
