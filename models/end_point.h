#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "models/router.h"
#include "models/server.h"
#include "models/stream_job.h"

namespace models {

/// An ideal end point of a fabric: it sends at the rate of its links, and takes whatever comes, at no cost of its own.
/// No hub, no memory, no window. For fabrics by themselves, and for works whose finish can be said in a formula.
///
/// Its transfers take turns, a burst each, in the order in which they began:
///
///     burst leaves = max(now, last one left + last one's bytes / rate)
///
/// A burst is a message: a write that nobody answers. It has arrived when its last byte is there.
class EndPoint final : public Router, private EventQueue::Handler {
public:
    /// A port for each of `links`; `bytes_per_second` is their sum, in one direction.
    EndPoint(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets,
             std::uint64_t bytes_per_second, const std::vector<std::string>& links);
    ~EndPoint() override;

    static constexpr unsigned kFirstLink = 0;

    /// Sends `bytes` as `job` says: to the place of its write, in its bursts. `client` hears when the last byte has
    /// arrived, and at once that it is acknowledged, since nobody acknowledges. `job` outlives the transfer.
    void start(const StreamJob& job, std::uint64_t bytes, JobClient& client, void* token);
    /// Begins nothing more of what waits.
    void stop() { waiting_.clear(); }

    /// As `Engine::trace_path`.
    PathTrace trace_path(const Leg& leg, std::uint64_t bytes);

private:
    /// One `start`. Told by the end point that takes its bursts.
    struct Transfer final : Delivery, EventQueue::Handler {
        EndPoint* sender = nullptr;
        const StreamJob* job = nullptr;
        JobClient* client = nullptr;
        void* token = nullptr;
        std::uint64_t left = 0;      ///< still to be sent
        std::uint64_t to_arrive = 0; ///< still to arrive
        Picoseconds last = 0;        ///< when the last of what has been told has arrived

        void arrived(Picoseconds time, std::uint64_t bytes) override;
        void fire(void*) override;
    };

    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;

    void send(Transfer& transfer, std::uint64_t bytes);
    Payload& message(const Leg& leg, std::uint64_t bytes);

    PacketPool& packets_;
    const std::uint64_t rate_;
    Server pace_;
    bool waking_ = false;
    std::deque<Transfer*> waiting_; ///< in turn
    std::vector<std::unique_ptr<Transfer>> transfers_;
    std::vector<Transfer*> idle_;
};

} // namespace models
