#include "models/linux/pci_config_space.h"

#include <cassert>
#include <cstring>

namespace models::linux {

namespace {
constexpr std::uint16_t kNvidia = 0x10DE;
constexpr std::size_t kExtended = 0x100; ///< where the extended capabilities begin
constexpr std::uint16_t kDvsec = 0x23;   ///< id of a designated vendor-specific capability
} // namespace

PciConfigSpace::PciConfigSpace(Identity identity, std::size_t size) : bytes_(size) {
    assert(size == 256 || size == 4096);
    put(0, identity.vendor, 2);
    put(2, identity.device, 2);
    put(9, identity.class_code, 3);
    enable();
}

void PciConfigSpace::enable() { put(kCommand, 2, 2); }

void PciConfigSpace::read(std::size_t at, void* into, std::size_t size) const {
    assert(at <= bytes_.size() && size <= bytes_.size() - at);
    std::memcpy(into, bytes_.data() + at, size);
}

void PciConfigSpace::write(std::size_t at, const void* from, std::size_t size) {
    assert(at <= bytes_.size() && size <= bytes_.size() - at);
    constexpr unsigned char kWritable[2] = {0x47, 0x05}; // I/O, memory, bus master, parity; SERR, INTx disable
    const auto* bytes = static_cast<const unsigned char*>(from);
    for (std::size_t i = 0; i < size; ++i) {
        if (at + i == kCommand || at + i == kCommand + 1) {
            bytes_[at + i] = bytes[i] & kWritable[at + i - kCommand];
        }
    }
}

void PciConfigSpace::add_nvidia_dvsec(std::uint16_t id, std::uint16_t word_at_0xa) {
    assert(bytes_.size() == 4096);
    put(kExtended, kDvsec | 1u << 16, 4); // version 1, the last of the chain
    put(kExtended + 4, kNvidia | 0x10u << 20, 4);
    put(kExtended + 8, id, 2);
    put(kExtended + 10, word_at_0xa, 2);
}

void PciConfigSpace::put(std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        bytes_[at + i] = static_cast<unsigned char>(value >> (8 * i));
    }
}

} // namespace models::linux
