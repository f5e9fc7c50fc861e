#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "egm/address.h"
#include "models/linux/host.h"

namespace models::linux {

/// How one of the public EGM drivers differs from another, as data.
struct EgmTraits {
    bool exclusive;            ///< a second open waits for the first and then answers EBUSY; else opens are counted
    bool offset_honoured;      ///< mmap maps from its offset; else always from the carveout's start
    bool bounded;              ///< mmap refuses what lies beyond the carveout
    bool entry_for_every_page; ///< a retired 64 KiB block is listed as its host pages; else by its first page only
};

/// Null: that shape is not modelled yet.
const EgmTraits* egm_traits(EgmShape shape);

/// One carveout behind /dev/egm<PXM>, shape E2 (the stand-alone nvgrace-egm driver; LKML EGM RFC v2 is its base).
///
///     open      waits for the device's lock; EBUSY while an open or a mapping lives; else clears the whole carveout,
///               1 GiB at a time in one thread: time = size / scrub rate, whatever is mapped later
///     mmap      offset >= size EINVAL, wrap EOVERFLOW, beyond the end EINVAL; all base-page PTEs are written at once
///     ioctl     the retired pages, by the argsz protocol: too small a buffer is answered 0, with the size and no entry
///     release   when the last descriptor and the last mapping have gone; nothing is cleared
///
/// Not modelled: poison reports, dma-buf export.
class EgmDevice {
public:
    EgmDevice(Host& host, const CarveoutConfig& carveout);

    /// 0 and the file, or a negative errno.
    int open(std::shared_ptr<File>& file);

private:
    friend class EgmFile;

    Host& host_;
    const CarveoutConfig carveout_;
    const EgmTraits traits_;
    std::vector<std::uint64_t> retired_; ///< offsets of the entries that the ioctl lists
    unsigned users_ = 0;
    bool locked_ = false; ///< somebody clears the carveout
};

} // namespace models::linux
