#include "tests/contract/edu.h"

#include "egm/uapi/vfio.h"

namespace contract {

namespace {
constexpr std::uint64_t kConfigSpace = std::uint64_t{egm::uapi::kVfioPciConfigRegionIndex} << 40;
constexpr std::uint64_t kCommandRegister = 4;
constexpr std::uint16_t kMemoryAndBusMaster = 0x6;
constexpr std::uint16_t kMemoryOnly = 0x2;
} // namespace

Edu::Edu(Process& process, std::int64_t device_fd, bool bus_master) : process_(process), fd_(device_fd) {
    const std::uint16_t command = bus_master ? kMemoryAndBusMaster : kMemoryOnly;
    Process::must(process_.pwrite(fd_, &command, sizeof command, kConfigSpace + kCommandRegister),
                  "write of the command register");
}

void Edu::set(std::uint64_t offset, std::uint64_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    Process::must(process_.pwrite(fd_, &word, sizeof word, offset), "write of a register");
}

std::uint32_t Edu::get(std::uint64_t offset) {
    std::uint32_t word = 0;
    Process::must(process_.pread(fd_, &word, sizeof word, offset), "read of a register");
    return word;
}

void Edu::transfer(std::uint64_t source, std::uint64_t destination, std::uint64_t size, std::uint32_t command) {
    set(0x80, source);
    set(0x88, destination);
    set(0x90, size);
    set(0x98, command);
    for (int look = 0; (get(0x98) & 1) != 0; ++look) { // the device takes its time: 100 ms under QEMU
        if (look == 10'000)
            throw SetupFailed("the device's DMA never ended");
        process_.world.wait();
    }
}

std::string fetched(Process& process, Edu& edu, std::uint64_t iova, std::uint64_t mapped, std::uint64_t memory,
                    std::uint64_t value) {
    edu.fetch(iova, sizeof value);
    process.put(memory, ~value);
    edu.deliver(mapped, sizeof value);
    return process.get(memory) == value ? "arrived" : "blocked";
}

std::string delivered(Process& process, Edu& edu, std::uint64_t iova, std::uint64_t memory, std::uint64_t mapped,
                      std::uint64_t mapped_memory) {
    constexpr std::uint64_t kNew = 0x0123'4567'89AB'CDEF;
    process.put(mapped_memory, kNew);
    edu.fetch(mapped, sizeof kNew);
    process.put(memory, ~kNew);
    edu.deliver(iova, sizeof kNew);
    return process.get(memory) == kNew ? "arrived" : "blocked";
}

} // namespace contract
