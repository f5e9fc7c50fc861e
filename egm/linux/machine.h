#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "egm/address.h"
#include "egm/syscalls.h"

namespace egm {

/// The machine that a command of egmctl works on: this host, or a modelled one.
///
/// The logic needs no more than `syscalls`. A tool that looks at memory, tells times and checks that nothing is left
/// needs the rest, which the two machines answer differently.
class Machine {
public:
    virtual ~Machine() = default;

    virtual Syscalls& syscalls() = 0;

    virtual bool is_modelled() const = 0;
    /// "modelled gb200-tray, Linux 6.18, driver shape E2, 64 KiB pages"; "this host".
    virtual std::string title() const = 0;

    /// Picoseconds since some moment: simulated ones, or those of the host's steady clock.
    virtual std::uint64_t now() const = 0;

    /// Writes, or reads, `size` bytes through this process's mapping at `at`, as a program does that uses the memory.
    /// False: nothing is mapped there. On a real host the process then dies of SIGSEGV instead, as any program would.
    virtual bool write_memory(Hva at, const void* from, std::size_t size) = 0;
    virtual bool read_memory(Hva at, void* into, std::size_t size) = 0;

    /// Whether the guest of the VM behind `vm_fd` finds at `ipa`, or the DMA of a device at `iova`, the memory that
    /// this process has mapped at `at`. None: only the guest or the device could tell, as on a real host.
    virtual std::optional<bool> guest_sees(int vm_fd, Ipa ipa, Hva at) = 0;
    virtual std::optional<bool> device_sees(const std::string& bdf, Iova iova, Hva at) = 0;

    /// What this process holds now that it did not hold at the start, in words: "1 descriptor, 2 mappings". Empty:
    /// nothing, everything has been undone.
    virtual std::string held() = 0;
};

} // namespace egm
