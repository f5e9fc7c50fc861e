#include "models/linux/edu_device.h"

#include <algorithm>
#include <cstring>

#include "egm/uapi/vfio.h"

namespace models::linux {

namespace {

constexpr std::uint64_t kBar0Bytes = egm::kMiB;
constexpr std::uint64_t kBuffer = 0x40000; ///< of the device's DMA addresses
constexpr std::uint64_t kDmaMask = (1ull << 28) - 1;
constexpr std::uint64_t kSource = 0x80, kDestination = 0x88, kBytes = 0x90, kCommand = 0x98;
constexpr std::uint64_t kStart = 1, kToMemory = 2;
constexpr std::uint32_t kIdentification = 0x010000ED;

/// The pieces in which the kernel makes register accesses of a read or write (vfio_pci_rdwr.c): the largest aligned
/// ones of 8 (Linux 6.10 and later), 4, 2 and 1 bytes.
template <class Access>
void in_pieces(int version, std::uint64_t offset, std::size_t size, Access access) {
    for (std::size_t done = 0; done < size;) {
        std::size_t piece = version >= 610 ? 8 : 4;
        while (piece > size - done || (offset + done) % piece != 0) {
            piece /= 2;
        }
        access(offset + done, done, piece);
        done += piece;
    }
}

} // namespace

EduDevice::EduDevice(Host& host, const PlainDeviceConfig& config, egm::Spa registers)
    : VfioPciDevice(host, config.bdf, PciConfigSpace({config.vendor, config.device_id, 0x00FF00}, 256)),
      registers_(registers) {}

VfioPciDevice::DeviceRegion EduDevice::device_region(std::uint32_t index) const {
    if (index != egm::uapi::kVfioPciBar0RegionIndex) {
        return {};
    }
    return {.size = kBar0Bytes, .length = kBar0Bytes, .spa = registers_};
}

void EduDevice::read(std::uint32_t, std::uint64_t offset, void* into, std::size_t size) {
    in_pieces(host_.config.version, offset, size, [&](std::uint64_t at, std::size_t done, std::size_t piece) {
        const std::uint64_t value = load(at, piece);
        std::memcpy(static_cast<char*>(into) + done, &value, piece);
    });
}

void EduDevice::write(std::uint32_t, std::uint64_t offset, const void* from, std::size_t size) {
    in_pieces(host_.config.version, offset, size, [&](std::uint64_t at, std::size_t done, std::size_t piece) {
        std::uint64_t value = 0;
        std::memcpy(&value, static_cast<const char*>(from) + done, piece);
        store(at, value, piece);
    });
}

std::uint64_t EduDevice::load(std::uint64_t at, std::size_t size) const {
    if (size < 4) {
        return 0; // an access that the device does not take
    }
    if (at < kSource && size != 4) {
        return ~0ull;
    }
    switch (at) {
    case 0x00:
        return kIdentification;
    case 0x04:
        return liveness_;
    case kSource:
        return source_;
    case kDestination:
        return destination_;
    case kBytes:
        return bytes_;
    case kCommand:
        return command_;
    default:
        return ~0ull;
    }
}

void EduDevice::store(std::uint64_t at, std::uint64_t value, std::size_t size) {
    if (size < 4 || (at < kSource && size != 4)) {
        return;
    }
    switch (at) {
    case 0x04:
        liveness_ = ~static_cast<std::uint32_t>(value);
        break;
    case kSource:
        source_ = value;
        break;
    case kDestination:
        destination_ = value;
        break;
    case kBytes:
        bytes_ = value;
        break;
    case kCommand:
        if ((value & kStart) != 0) {
            command_ = value;
            run_dma();
            command_ &= ~kStart;
        }
        break;
    default:
        break;
    }
}

void EduDevice::run_dma() {
    const bool to_memory = (command_ & kToMemory) != 0;
    const std::uint64_t in_device = to_memory ? source_ : destination_;
    const std::uint64_t in_memory = to_memory ? destination_ : source_;
    if (in_device < kBuffer || in_device - kBuffer > buffer_.size() ||
        bytes_ > buffer_.size() - (in_device - kBuffer)) {
        return;
    }
    if (!transfer(in_memory & kDmaMask, to_memory, in_device - kBuffer, bytes_)) {
        ++faults_;
    }
}

bool EduDevice::transfer(std::uint64_t iova, bool to_memory, std::uint64_t in_buffer, std::uint64_t size) {
    constexpr std::uint64_t kPage = 4 * egm::kKiB; // the smallest piece that a page table tells apart
    bool whole = true;
    for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t piece = std::min(size - done, kPage - (iova + done) % kPage);
        unsigned char* bytes = buffer_.data() + in_buffer + done;
        const auto reached =
            domain && config_space.bus_master() ? domain->reach({iova + done}, to_memory) : std::nullopt;
        if (!reached) {
            whole = false;
            if (!to_memory) {
                std::memset(bytes, 0, piece);
            }
        } else if (to_memory) {
            host_.store.write(*reached, bytes, piece);
        } else {
            host_.store.read(*reached, bytes, piece);
        }
        done += piece;
    }
    return whole;
}

} // namespace models::linux
