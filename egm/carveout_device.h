#pragma once

#include "egm/carveout.h"

namespace egm {

/// A carveout behind /dev/egm<PXM>, safe on every public driver: what only some of them do is not relied on, and what
/// only some of them refuse is refused here.
///
///     second opener    A and E1 let it in, B lets it in to an unusable descriptor (which must not be mapped: that
///                      kernel would crash). So other holders are looked for first, and on a driver that may be B the
///                      retired pages are asked for before the first mapping: EINVAL then means "busy".
///     file offset      A and B ignore it, so only 0 is mapped unless the driver is known to honour it.
///     bounds           A to D map what lies beyond, so the size is checked here.
///     retired pages    B and C list the first page of a 64 KiB block, the others all pages: `normalise` hides it.
class CharDeviceCarveout final : public Carveout {
public:
    static Result<std::unique_ptr<Carveout>> open(Syscalls& syscalls, const CarveoutInfo& info);

    Result<std::vector<RetiredRange>> retired() override;
    Result<Mapping> map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                        std::uint64_t phase) override;
    Result<FileDescriptor> export_dma_buf(std::uint64_t file_offset, std::uint64_t size) override;

private:
    CharDeviceCarveout(Syscalls& syscalls, CarveoutInfo info, FileDescriptor file)
        : Carveout(std::move(info)), syscalls_(syscalls), file_(std::move(file)) {}

    Result<void> check_offset(std::uint64_t file_offset) const;
    /// EBUSY on the descriptor of a second opener of a driver of shape B.
    Result<void> check_first_opener();

    Syscalls& syscalls_;
    FileDescriptor file_;
    bool has_answered_ = false; ///< the descriptor is not that of a second opener
};

} // namespace egm
