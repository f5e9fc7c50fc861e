#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <tlm>
#include <vector>

#include "models/specs.h"

namespace models {

class LinkRoom;

/// Which network an address belongs to. A packet never changes networks but at a GPU hub.
enum class Aperture : std::uint8_t {
    kSystem, ///< system physical addresses: the coherent fabrics, C2C, Grace-to-Grace links, PCIe
    kEgm,    ///< offset in the carveout of the GPU's own socket; the hub adds the base that firmware programmed
    kFabric, ///< the window of another GPU, over NVLink and NVSwitch
    kRdma,   ///< system addresses of any node, through NICs and network links
};
inline constexpr std::size_t kApertures = 4;

/// Who wants to know that written bytes have arrived in their memory, which is before the writer hears of it.
class Delivery {
public:
    /// `time`: when the last of these bytes is in, now or later.
    virtual void arrived(Picoseconds time, std::uint64_t bytes) = 0;

protected:
    ~Delivery() = default;
};

/// What our packets carry beside the TLM-2.0 generic payload.
///
/// Data pointers are null on timing traffic: bytes move only where somebody looks (`transport_dbg`).
struct Transit {
    static constexpr unsigned kHopsMax = 24;

    // What every crossing looks at comes first, in one cache line.
    Aperture aperture = Aperture::kSystem;
    bool into_carveout = false;    ///< kFabric: the owner's EGM window, not its HBM window
    bool postable = false;         ///< write that a hub may acknowledge early
    bool home_hit = false;         ///< served by a cache at the memory's home: no DRAM access
    bool l2_hit = false;           ///< served by the L2 of the GPU that asks
    bool coherent = false;         ///< load or store of a CPU core
    bool lost = false;             ///< met a dead link: what comes back carries nothing
    bool tracked = false;          ///< holds room in the tracker of the hub that sent it
    std::uint8_t tracker_hops = 0; ///< with `tracked`: how far the request had come there
    std::uint16_t destination = 0; ///< part index: a memory, or in kFabric the owner GPU
    std::uint16_t memory = 0;      ///< part index of the memory that answers in the end
    std::uint16_t tenant = 0;      ///< who asks: the number of its VM, from 1; 0 = nobody's
    std::uint8_t input = 0;        ///< port by which it came into the switch that it is in
    bool answered = true;          ///< false: a message, which ends where it arrives
    std::uint16_t group = 0;       ///< multicast group that a switch turns it into copies for; 0 = none
    std::uint8_t hops = 0;
    std::uint32_t granule = 64;   ///< payload of one wire packet: a burst of n granules carries n headers
    std::uint32_t room_bytes = 0; ///< credits of `room` that it holds
    LinkRoom* room = nullptr;     ///< of the link that it came by into the switch that it is in
    Picoseconds tail = 0;         ///< the last byte comes this much after the first
    std::array<std::uint8_t, kHopsMax> way_back{}; ///< ports by which the request came

    void* token = nullptr;        ///< the initiator's own record
    Delivery* delivery = nullptr; ///< told by the memory that takes this write; null: nobody asks
    float service_scale = 1;      ///< memory time of this burst, relative to an undisturbed one
    float l2_far = 0;             ///< with `l2_hit`: share of it that lies in another partition of the L2

    // While it waits for a resource that a policy divides (`Sharing`).
    std::uint32_t wire_bytes = 0;               ///< what it takes of the resource
    Picoseconds arrived = 0;                    ///< its first byte
    std::uint64_t ticket = 0;                   ///< its place in the order of arrival
    tlm::tlm_generic_payload* behind = nullptr; ///< next in the queue

    void push(unsigned port) {
        assert(hops < kHopsMax);
        way_back[hops++] = static_cast<std::uint8_t>(port);
    }
    unsigned pop() {
        assert(hops > 0);
        return way_back[--hops];
    }
};

using Payload = tlm::tlm_generic_payload;

/// A generic payload with its `Transit` in the same piece of memory: looking an extension up costs more than the rest
/// of a crossing. Our sockets take no other payload.
class Packet final : public Payload {
public:
    explicit Packet(tlm::tlm_mm_interface* pool) : Payload(pool) {}
    alignas(64) Transit transit;
};

/// `payload` will be needed soon: what a crossing looks at of it comes into the cache meanwhile.
inline void prefetch(const Payload& payload) {
    __builtin_prefetch(&payload);
    __builtin_prefetch(&static_cast<const Packet&>(payload).transit, 1);
}

/// Precondition: `payload` is a `Packet`, as everything from a `PacketPool` is.
inline Transit& transit(Payload& payload) { return static_cast<Packet&>(payload).transit; }

/// Packets, used again and again: nothing is allocated per packet in steady state.
class PacketPool final : public tlm::tlm_mm_interface {
public:
    /// A payload with reference count 1 and a fresh `Transit`. Give back with `release()`.
    Payload& take(tlm::tlm_command command, std::uint64_t address, std::uint64_t bytes);
    void free(Payload* payload) override;

    std::size_t in_flight() const { return all_.size() - idle_.size(); }

private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
};

} // namespace models
