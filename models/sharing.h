#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/packet_fifo.h"

namespace models {

/// Packets of several tenants that wait for one resource, and whose turn it is. Within a tenant and a lane, first come.
///
/// Whoever has a `floor` and got less of late goes first (LPDDR partitions as Arm MPAM has them: minimum and maximum
/// bandwidth). Then the order of the policy holds:
///
///     weighted fair:  least start tag first; start tag = max(virtual time, last tag + last bytes / weight)
///
/// which is start-time fair queueing (Goyal, Vin, Cheng: IEEE/ACM TON 5(5), 1997): two tenants that always wait differ
/// by one burst each at most, and one that waits seldom does not wait for what the others have saved up. A cap is a
/// token bucket as deep as `kSlack` of its rate; floors look back as far. Caps and floors count data: a header is free.
///
/// Work conserving but for caps: while anybody waits whose cap allows it, somebody is next.
class Sharing {
public:
    static constexpr unsigned kRequests = 0, kResponses = 1; ///< lanes: writes have their data here, reads there
    static constexpr unsigned kLanes = 2;
    static constexpr Picoseconds kSlack = 1'000'000; ///< caps and floors hold over this time and longer (assumed)

    explicit Sharing(SharingSpec spec);

    bool empty() const { return waiting_ == 0; }
    /// To the queue of `Transit::tenant`. `Transit::wire_bytes` is what it takes of the resource, `ticket` when it
    /// came.
    void push(unsigned lane, Payload& payload);

    /// Who is next in `lane`; null if nobody waits there, or only who must not yet: then `later` becomes the time from
    /// which one may, if that is earlier.
    Payload* front(unsigned lane, Picoseconds now, Picoseconds& later);
    /// Of the fronts of two lanes, whether `a` goes before `b`.
    bool before(Payload& a, Payload& b, Picoseconds now) const;
    /// `payload`, the front of `lane`, begins at `now`.
    void pop(unsigned lane, Payload& payload, Picoseconds now);

private:
    struct Tenant {
        SharingSpec::Share share;
        std::array<PacketFifo, kLanes> waiting;
        std::uint64_t packets = 0; ///< that wait
        std::uint64_t tag = 0;     ///< start tag of what it sends next, bytes << kTagShift over weight
        Picoseconds cap_free = 0;  ///< the cap lets it send from then on
        Picoseconds floor_due = 0; ///< before that, it has had its minimum
    };
    static constexpr unsigned kTagShift = 8;

    Tenant& tenant(unsigned number);
    bool before(const Tenant& a, const Payload& first, const Tenant& b, const Payload& second, Picoseconds now) const;

    const SharingSpec spec_;
    std::vector<Tenant> tenants_;
    std::uint64_t virtual_time_ = 0;
    std::uint64_t waiting_ = 0;
};

} // namespace models
