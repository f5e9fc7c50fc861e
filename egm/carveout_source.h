#pragma once

#include <memory>
#include <vector>

#include "egm/carveout.h"

namespace egm {

/// How a kernel shows carveouts.
enum class CarveoutForm {
    kCharDevice,       ///< /dev/egm<PXM>, by every driver there is
    kExperimentalVfio, ///< a device region of a GPU's VFIO device, as reviewers proposed; no kernel has it yet
};

/// Where carveouts come from: finds them, with their sizes and GPUs, and opens them to be mapped and queried.
class CarveoutSource {
public:
    virtual ~CarveoutSource() = default;

    /// All carveouts that it sees, by ascending proximity domain. Changes nothing. Errors: those of the reads.
    virtual Result<std::vector<CarveoutInfo>> find() = 0;

    /// Opens one that `find` has found. Errors: as `Carveout::open`.
    virtual Result<std::unique_ptr<Carveout>> open(const CarveoutInfo& info) = 0;
};

/// `discover` and `Carveout::open`.
class CharDeviceSource final : public CarveoutSource {
public:
    explicit CharDeviceSource(Syscalls& syscalls) : syscalls_(syscalls) {}

    Result<std::vector<CarveoutInfo>> find() override { return discover(syscalls_); }
    Result<std::unique_ptr<Carveout>> open(const CarveoutInfo& info) override {
        return Carveout::open(syscalls_, info);
    }

private:
    Syscalls& syscalls_;
};

} // namespace egm
