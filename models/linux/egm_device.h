#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "egm/address.h"
#include "models/linux/egm_traits.h"
#include "models/linux/host.h"

namespace models::linux {

/// One carveout behind /dev/egm<PXM>, in any of the public drivers' shapes (`EgmTraits`).
///
///     open      the first clears the whole carveout in one thread: time = size / scrub rate, whatever is mapped later;
///               another meanwhile or afterwards: see `SecondOpen`
///     mmap      E1, E2: offset >= size EINVAL, wrap EOVERFLOW, beyond the end EINVAL. C, D: the offset counts modulo
///               2^40, wrap EOVERFLOW, beyond the end EINVAL. A, B: no check, always from the carveout's start.
///               All base-page PTEs are written at once
///     ioctl     the retired pages, by the argsz protocol: too small a buffer is answered 0 (or ENOSPC, if the host is
///               so configured), with the size and no entry. D also exports a dma-buf
///     release   when the last descriptor and the last mapping have gone; nothing is cleared
///     poison    A, C, D, E1: a memory error in a mapped page joins the list, and its owner gets SIGBUS
///
/// Shape B's second opener has a file without a carveout. Its ioctl is EINVAL; its mmap follows a null pointer in the
/// kernel, which here is EFAULT and an entry in `Host::kernel_faults`.
///
/// Not modelled: lseek, read (EINVAL as in all drivers), a failing copy of a single entry, ENOMEM and EINTR of an open
/// (`SimSyscalls::fail_call` gives them).
class EgmDevice {
public:
    EgmDevice(Host& host, const CarveoutConfig& carveout);

    /// 0 and the file, or a negative errno.
    int open(std::shared_ptr<File>& file);
    /// The memory at `at` turns out bad. False: not this carveout's.
    bool poison(egm::Spa at);

private:
    friend class EgmFile;

    void clear();
    /// The offsets that the ioctl lists, in the driver's order.
    std::vector<std::uint64_t> listed() const;

    Host& host_;
    const CarveoutConfig carveout_;
    const EgmTraits& traits_;
    std::vector<std::uint64_t> retired_; ///< offsets of the entries, in the order in which they came
    unsigned users_ = 0;
    bool locked_ = false; ///< somebody clears the carveout
};

} // namespace models::linux
