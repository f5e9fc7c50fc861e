#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/latency_histogram.h"
#include "models/port.h"
#include "models/stream_job.h"

namespace models {

/// An initiator of traffic: the cores of a socket, the SM array or the copy engines of a GPU, a NIC.
///
/// Runs any number of jobs side by side. Each access is translated, passes the engine's own gate, goes out as a packet
/// and is complete when its last byte is back. Bytes a job counts are those of completed accesses.
///
/// A job runs until it is stopped, or, started with a number of bytes, until that many have been moved: its client
/// hears when the last of them has arrived (a read at the initiator, a write in the memory that it is for) and when all
/// is acknowledged. A finite job issues bursts of `burst_bytes` and a shorter last one, with as many workers as it has
/// bursts at most.
class Engine final : public Component, private EventQueue::Handler, private Translator::Client {
public:
    class Job;

    Engine(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, Translator& translator);
    ~Engine() override;

    /// Starts `job` now. The job and what its legs point to must outlive it. Preconditions: windows hold at least one
    /// burst, `workers > 0`.
    Job& start(const StreamJob& job);

    using Client = JobClient;
    /// As `start`, for `bytes`. The job ends by itself: neither `stop` nor `finish` is for it, and the reference is
    /// good until `client` has heard of its end. Preconditions: `bytes > 0`; no ping-pong.
    /// Its first burst lies `offset` behind where it otherwise would.
    Job& start(const StreamJob& job, std::uint64_t bytes, Client& client, void* token, std::uint64_t offset = 0);
    /// Issues nothing more; what is in flight comes back.
    void stop(Job& job);
    /// As `stop`, with a fault to tell.
    void fail(Job& job, const std::string& why);
    /// The caller needs a job that has stopped and drained no longer; nor its `StreamJob`.
    void finish(Job& job);

    static const StreamJob::Counters& counters(const Job& job);
    /// Of the units finished since the start, or since they were forgotten: the time that `Counters::latency` sums up.
    static const LatencyHistogram& latencies(const Job& job);
    static void forget_latencies(Job& job);
    static bool drained(const Job& job);
    /// Why the job stopped by itself: an access that nothing maps. Empty when it did not.
    static const std::string& fault(const Job& job);

    /// Walks the path of one burst of `leg` at `offset` and says what it costs.
    /// With `components`, only as far as those that come first.
    PathTrace trace_path(const Leg& leg, std::uint64_t bytes, unsigned components = ~0u);
    /// As `trace_path`, but from `from` on, as if come in at its `port`.
    PathTrace trace_part(const Leg& leg, std::uint64_t bytes, Component& from, unsigned port, unsigned components);
    /// Moves real bytes between `data` and the memory of `leg`, untimed. Returns false where nothing is mapped.
    bool access_bytes(const Leg& leg, std::uint64_t offset, void* data, std::uint64_t size);

private:
    struct Cursor;
    struct Worker;
    struct Unit;
    struct Access;

    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;
    void translated(void* token) override;

    template <class Walk>
    PathTrace walk_leg(const Leg& leg, std::uint64_t bytes, unsigned components, Walk walk);

    Job& take_job(const StreamJob& spec);
    void start_workers(Job& job, unsigned count);
    void wake(Worker& worker, Picoseconds time);
    void free_if_over(Job& job);
    void tell_delivered(Job& job);
    void end_if_done(Job& job);
    void begin_pass(Job& job);
    void issue(Worker& worker);
    bool may_issue(Worker& worker);
    void begin_unit(Worker& worker);
    void begin_access(Unit& unit, const Leg& leg);
    void take_turn(Job& job);
    void pass_gate(Access& access);
    void emit(Access& access);
    void complete(Access& access);
    void send_again(Access& access);
    void finish_unit(Unit& unit);
    Cursor next_burst(Worker& worker);
    Payload& packet(const Leg& leg, std::uint64_t address, std::uint64_t bytes);

    Access& take_access();

    PacketPool& packets_;
    Translator& translator_;
    std::vector<std::unique_ptr<Job>> jobs_;
    std::vector<Job*> idle_jobs_;
    std::vector<std::unique_ptr<Access>> accesses_;
    std::vector<Access*> idle_accesses_;
    std::vector<std::unique_ptr<Unit>> units_;
    std::vector<Unit*> idle_units_;
};

} // namespace models
