#pragma once

#include <string>

#include <tl/expected.hpp>

namespace egm {

/// What went wrong when the kernel or the hardware refused: who refused, what was being done, and what the person
/// at the terminal can do about it.
struct Error {
    int error_number = 0; ///< a Linux errno, positive; 0 when the refusal is a rule of ours and no call was made
    std::string call;     ///< the call as a person would write it: "open", "ioctl VFIO_IOMMU_MAP_DMA"
    std::string object;   ///< what it was done to: "/dev/egm4", "region vm0/egm4 [0x0, 0x6fc0000000)"
    std::string advice;   ///< what can be done about it, a sentence; may be empty

    /// One line: "EBUSY: open /dev/egm4: another VM or an earlier mapping holds the carveout".
    std::string message() const;
};

/// A value, or the `Error` that prevented it. Never throws; the caller handles or returns it.
template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

/// The symbolic name of an errno ("EBUSY"), or "errno 4711" when there is none.
std::string errno_name(int error_number);

} // namespace egm
