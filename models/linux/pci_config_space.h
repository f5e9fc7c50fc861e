#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace models::linux {

/// The configuration space of a PCI function as vfio-pci shows it, device region 7. Source: Linux
/// drivers/vfio/pci/vfio_pci_config.c.
///
/// When the device is opened memory space is on and bus mastering is off: whoever wants DMA sets bit 2 of the command
/// register (offset 4) first.
///
/// Not modelled: capabilities but the NVIDIA DVSEC, BAR sizing, power states, the side effects of any other register.
class PciConfigSpace {
public:
    struct Identity {
        std::uint16_t vendor = 0;
        std::uint16_t device = 0;
        std::uint32_t class_code = 0; ///< 24 bits
    };

    /// `size`: 256 (conventional PCI) or 4096 bytes (PCI Express).
    PciConfigSpace(Identity identity, std::size_t size);

    std::size_t size() const { return bytes_.size(); }
    bool memory_enabled() const { return (bytes_[kCommand] & 2) != 0; }
    bool bus_master() const { return (bytes_[kCommand] & 4) != 0; }
    /// The command register as an open or a reset of the function leaves it.
    void enable();

    /// Precondition (both): the range lies inside.
    void read(std::size_t at, void* into, std::size_t size) const;
    /// Only the command register takes what is written.
    void write(std::size_t at, const void* from, std::size_t size);

    /// A designated vendor-specific capability of NVIDIA in extended space. Precondition: 4096 bytes.
    void add_nvidia_dvsec(std::uint16_t id, std::uint16_t word_at_0xa);

private:
    static constexpr std::size_t kCommand = 4;

    void put(std::size_t at, std::uint64_t value, std::size_t size);

    std::vector<unsigned char> bytes_;
};

} // namespace models::linux
