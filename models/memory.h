#pragma once

#include <memory>

#include "models/port.h"
#include "models/server.h"
#include "models/sharing.h"
#include "models/sparse_store.h"
#include "models/specs.h"

namespace models {

/// LPDDR5X, HBM or DDR: one half-duplex controller with its channels.
///
/// Timing of a burst that arrives at t:
///
///     start    = max(t, free)                                 reads and writes share the time
///     free     = start + bytes * scale / rate(read or write) + turnaround
///     answer   = start + latency(read or write) + queueing
///
/// with the share w of recent service time that went into writes: a controller gathers the rarer kind until a batch of
/// it is there, serves it and turns back, so that each byte costs 2 min(w, 1 - w) * turnaround / (batch * channels).
/// `queueing` is
/// `LoadedServer::queueing_delay`: what bank conflicts add under load. `scale` is the burst's `Transit::service_scale`.
///
/// A burst that hits the home's caches (`Transit::home_hit`) is answered at once and costs no memory time.
///
/// `share` says how tenants compete for it: bursts then wait until the controller is free, and the policy says who is
/// next.
///
/// Not modelled: refresh, row hits, single channels.
class Memory final : public Component, private EventQueue::Handler {
public:
    /// Preconditions: rates, channels and batch are positive.
    Memory(const sc_core::sc_module_name& name, EventQueue& events, const MemorySpec& spec, SparseStore& store);

    /// How tenants share the controller. Before the simulation starts.
    void share(const SharingSpec& spec) { sharing_ = std::make_unique<Sharing>(spec); }

    const Server& server() const { return server_; }
    std::uint64_t bytes_read() const { return bytes_read_; }
    std::uint64_t bytes_written() const { return bytes_written_; }
    const MemorySpec& spec() const { return spec_; }

private:
    static constexpr Picoseconds kNever = ~Picoseconds{0};

    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;

    void queue(Payload& payload, Picoseconds now);
    void serve_waiting(Picoseconds now);
    void serve(Payload& payload, Picoseconds now);
    double turnaround_per_byte(double share_written) const;
    static void tell_arrived(Payload& payload, Picoseconds time);

    const MemorySpec spec_;
    SparseStore& store_;
    LoadedServer server_;
    double share_written_ = 0;   ///< of the time served recently
    double turnaround_owed_ = 0; ///< fraction of a picosecond not yet charged
    std::uint64_t bytes_read_ = 0;
    std::uint64_t bytes_written_ = 0;
    std::unique_ptr<Sharing> sharing_; ///< null: first come, by `server_` alone
    std::uint64_t tickets_ = 0;
    Picoseconds next_turn_ = kNever;
};

} // namespace models
