#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "models/stream_job.h"
#include "sim/host.h"
#include "sim/leg_path.h"
#include "sim/machine.h"

namespace sim {

/// A stream made ready to run: its job, the engine that runs it, and the mappings its legs point to.
struct PlannedStream {
    const Stream* stream = nullptr;
    models::Engine* engine = nullptr;
    models::StreamJob job;
    std::vector<std::unique_ptr<models::Mapping>> mappings;
    unsigned bytes_per_unit_byte = 1; ///< STREAM kernels count what they read and write
    bool is_latency = false;          ///< result in ns (pointer chase, ping-pong), else in GB/s
    models::Translator* translator = nullptr;
    std::vector<std::string> assumptions; ///< parameters without a published figure that this stream's result rests on
    std::string window;                   ///< what limits its requests in flight, in words
};

/// Turns streams of a scenario into jobs, natively or in their VM. One planner serves a whole run: it numbers address
/// spaces and places working sets.
class StreamPlanner {
public:
    /// All outlive the planner and what it planned.
    StreamPlanner(const Scenario& scenario, Machine& machine);

    /// `host` null: bare metal. The error is a sentence for the user. May let simulated time pass (memory is touched).
    tl::expected<PlannedStream, std::string> plan(const Stream& stream, HostOs* host);
    /// A new group begins: memory is handed out from the start again.
    void begin_group() { used_.clear(); }

private:
    struct Piece;
    struct Side;

    tl::expected<Piece, std::string> place(const Stream& stream, const MemoryName& memory, HostOs* host);
    tl::expected<models::Leg, std::string> leg(const Stream& stream, const Side& side, const MemoryName& memory,
                                               bool write, HostOs* host, PlannedStream& planned);
    tl::expected<models::Leg, std::string> spread_leg(const Stream& stream, const Side& side,
                                                      std::span<const MemoryName> memories, bool write, HostOs* host,
                                                      PlannedStream& planned);
    std::unique_ptr<models::Mapping> mapping(const Stream& stream, const Side& side, const MemoryName& memory,
                                             const LegPath& path, const Piece& piece, HostOs* host,
                                             PlannedStream& planned);
    void set_windows(const Stream& stream, const Side& side, HostOs* host, PlannedStream& planned);
    void set_caches(const Stream& stream, const Side& side, const MemoryName& memory, models::Leg& leg);
    void set_gates(const Stream& stream, const Side& side, PlannedStream& planned);
    void set_gate(const Side& side, const MemoryName& source, const MemoryName& target, models::Leg* read,
                  models::Leg* write);
    double cached_share(std::uint64_t capacity, std::uint64_t working_set);
    std::uint16_t tenant_number(const Stream& stream) const;
    const egm::VirtualMachine* vm_of(const Stream& stream, HostOs& host, std::size_t& index) const;

    const Scenario& scenario_;
    Machine& machine_;
    const std::vector<std::string> tenants_; ///< that a sharing policy may tell apart; empty when there is no policy
    std::uint32_t spaces_ = 0;
    std::map<std::string, std::uint64_t> used_;                        ///< by VM and memory: bytes handed out
    std::map<std::pair<std::uint64_t, std::uint64_t>, double> shares_; ///< known results of `chase_hit_share`
};

} // namespace sim
