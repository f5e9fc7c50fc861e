#include "models/end_point.h"

#include <algorithm>
#include <cassert>

namespace models {

EndPoint::EndPoint(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets,
                   std::uint64_t bytes_per_second, const std::vector<std::string>& links)
    : Router(name, events), packets_(packets), rate_(bytes_per_second) {
    for (const std::string& link : links) {
        add_port(link);
    }
}

EndPoint::~EndPoint() = default;

void EndPoint::start(const StreamJob& job, std::uint64_t bytes, JobClient& client, void* token) {
    assert(bytes > 0 && job.write && rate_ > 0);
    if (idle_.empty()) {
        transfers_.push_back(std::make_unique<Transfer>());
        idle_.push_back(transfers_.back().get());
    }
    Transfer& transfer = *idle_.back();
    idle_.pop_back();
    transfer.sender = this;
    transfer.job = &job;
    transfer.client = &client;
    transfer.token = token;
    transfer.left = transfer.to_arrive = bytes;
    transfer.last = 0;
    waiting_.push_back(&transfer);
    if (!waking_) {
        waking_ = true;
        events().at(std::max(events().now(), pace_.free()), *this, nullptr);
    }
}

/// The next burst: of the transfer whose turn it is.
void EndPoint::fire(void*) {
    waking_ = false;
    if (waiting_.empty()) {
        return;
    }
    Transfer& transfer = *waiting_.front();
    waiting_.pop_front();
    const std::uint64_t bytes = std::min(transfer.left, transfer.job->burst_bytes);
    transfer.left -= bytes;
    if (transfer.left > 0) {
        waiting_.push_back(&transfer);
    }
    pace_.serve(events().now(), bytes, rate_);
    if (!waiting_.empty()) {
        waking_ = true;
        events().at(pace_.free(), *this, nullptr);
    }
    send(transfer, bytes);
}

Payload& EndPoint::message(const Leg& leg, std::uint64_t bytes) {
    Payload& payload = packets_.take(tlm::TLM_WRITE_COMMAND, 0, bytes);
    Transit& packet = transit(payload);
    packet.aperture = leg.aperture;
    packet.destination = packet.memory = leg.destination;
    packet.granule = leg.granule;
    packet.answered = false;
    return payload;
}

void EndPoint::send(Transfer& transfer, std::uint64_t bytes) {
    Payload& payload = message(*transfer.job->write, bytes);
    transit(payload).delivery = &transfer;
    send_request(choose(transit(payload)), payload, 0);
}

/// A message for this end point.
void EndPoint::request(unsigned, Payload& payload, Picoseconds delay) {
    const Transit& packet = transit(payload);
    packet.delivery->arrived(events().now() + delay + packet.tail, payload.get_data_length());
    payload.release();
}

void EndPoint::Transfer::arrived(Picoseconds time, std::uint64_t bytes) {
    to_arrive -= bytes;
    last = std::max(last, time);
    if (to_arrive == 0) {
        sender->events().at(last, *this, nullptr);
    }
}

void EndPoint::Transfer::fire(void*) {
    JobClient& told = *client;
    void* const about = token;
    sender->idle_.push_back(this);
    told.delivered(about);
    told.acknowledged(about);
}

void EndPoint::response(unsigned, Payload&, Picoseconds) { assert(false && "nobody answers a message"); }

void EndPoint::trace(unsigned, Payload&, PathTrace&) {}

PathTrace EndPoint::trace_path(const Leg& leg, std::uint64_t bytes) {
    PathTrace path;
    Payload& payload = message(leg, bytes);
    payload.set_extension(&path);
    trace_onward(payload, path);
    payload.clear_extension(&path);
    payload.release();
    return path;
}

unsigned EndPoint::access(unsigned, Payload&) { return 0; } // it has no bytes

} // namespace models
