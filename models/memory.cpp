#include "models/memory.h"

#include <algorithm>
#include <cassert>

namespace models {

namespace {
/// Picoseconds of service over which the share of writes is averaged: long against the phases in which a GPU's blocks
/// all read or all write.
constexpr double kMixMemory = 5e6;
} // namespace

Memory::Memory(const sc_core::sc_module_name& name, EventQueue& events, const MemorySpec& spec, SparseStore& store)
    : Component(name, events), spec_(spec), store_(store), server_(basename()) {
    assert(spec.read_bytes_per_second > 0 && spec.write_bytes_per_second > 0);
    assert(spec.channels > 0 && spec.batch_bytes > 0);
    add_port("bus");
}

double Memory::turnaround_per_byte(double share_written) const {
    return 2 * std::min(share_written, 1 - share_written) * static_cast<double>(spec_.turnaround) /
           (static_cast<double>(spec_.batch_bytes) * spec_.channels);
}

void Memory::tell_arrived(Payload& payload, Picoseconds time) {
    Delivery* const delivery = transit(payload).delivery;
    if (payload.is_write() && delivery != nullptr) {
        transit(payload).delivery = nullptr; // told once, even if the answer is lost and the write comes again
        delivery->arrived(time, payload.get_data_length());
    }
}

void Memory::request(unsigned, Payload& payload, Picoseconds delay) {
    if (transit(payload).home_hit) {
        tell_arrived(payload, events().now() + delay + transit(payload).tail);
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        send_response(0, payload, delay);
        return;
    }
    events().at(events().now() + delay, *this, &payload);
}

void Memory::fire(void* argument) {
    const Picoseconds now = events().now();
    if (argument == nullptr) {
        if (now == next_turn_) { // else another turn was found to come earlier
            next_turn_ = kNever;
            serve_waiting(now);
        }
        return;
    }
    auto& payload = *static_cast<Payload*>(argument);
    if (sharing_) {
        queue(payload, now);
        serve_waiting(now);
    } else {
        serve(payload, now);
    }
}

void Memory::queue(Payload& payload, Picoseconds now) {
    Transit& packet = transit(payload);
    packet.arrived = now;
    packet.ticket = tickets_++;
    packet.wire_bytes = static_cast<std::uint32_t>(payload.get_data_length());
    sharing_->push(payload.is_write() ? Sharing::kRequests : Sharing::kResponses, payload);
}

/// Starts what the policy lets start now, and plans the next turn.
void Memory::serve_waiting(Picoseconds now) {
    Picoseconds later = kNever;
    while (!sharing_->empty()) {
        if (server_.free() > now) {
            later = server_.free();
            break;
        }
        Payload* const write = sharing_->front(Sharing::kRequests, now, later);
        Payload* const read = sharing_->front(Sharing::kResponses, now, later);
        if (write == nullptr && read == nullptr) {
            break;
        }
        const bool read_next = write == nullptr || (read != nullptr && sharing_->before(*read, *write, now));
        Payload& next = read_next ? *read : *write;
        sharing_->pop(read_next ? Sharing::kResponses : Sharing::kRequests, next, now);
        const Picoseconds came = transit(next).arrived;
        transit(next).tail -= std::min(transit(next).tail, now - came); // what has come in while it waited
        serve(next, now);
        later = kNever;
    }
    if (later < next_turn_) {
        next_turn_ = later;
        events().at(later, *this);
    }
}

void Memory::serve(Payload& payload, Picoseconds now) {
    Transit& packet = transit(payload);
    const std::uint64_t bytes = payload.get_data_length();
    const bool write = payload.is_write();

    const double size = static_cast<double>(bytes);
    turnaround_owed_ += turnaround_per_byte(share_written_) * size;
    const auto turnaround = static_cast<Picoseconds>(turnaround_owed_);
    turnaround_owed_ -= static_cast<double>(turnaround);

    const auto work = static_cast<std::uint64_t>(size * packet.service_scale);
    const auto turn = server_.serve(now, work, write ? spec_.write_bytes_per_second : spec_.read_bytes_per_second);
    server_.occupy(now, turnaround);
    const double served = static_cast<double>(turn.duration);
    share_written_ = (share_written_ * kMixMemory + (write ? served : 0)) / (kMixMemory + served);
    (write ? bytes_written_ : bytes_read_) += bytes;

    const Picoseconds queueing =
        server_.queueing_delay(write ? spec_.write_queueing_quantum : spec_.queueing_quantum, spec_.queueing_depth);
    Picoseconds answer = turn.start + queueing + (write ? spec_.write_latency : spec_.read_latency);
    if (write) {
        answer += packet.tail; // acknowledged when the last byte is in
        packet.tail = 0;
        tell_arrived(payload, answer);
    } else {
        packet.tail = turn.duration;
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    send_response(0, payload, answer - now);
}

void Memory::response(unsigned, Payload&, Picoseconds) { assert(false && "a memory asks nobody"); }

void Memory::trace(unsigned, Payload& payload, PathTrace& trace) {
    if (transit(payload).home_hit) {
        return;
    }
    const bool write = payload.is_write();
    const double rate = static_cast<double>(write ? spec_.write_bytes_per_second : spec_.read_bytes_per_second);
    trace.add(server_, payload.get_data_length() * double{transit(payload).service_scale} * 1e12 / rate);
    const Picoseconds latency = write ? spec_.write_latency : spec_.read_latency;
    trace.add_latency(basename(), latency, latency);
}

unsigned Memory::access(unsigned, Payload& payload) {
    const egm::Spa at{payload.get_address()};
    const std::size_t size = payload.get_data_length();
    auto* data = payload.get_data_ptr();
    if (payload.is_write()) {
        store_.write(at, data, size);
    } else {
        store_.read(at, data, size);
    }
    return static_cast<unsigned>(size);
}

} // namespace models
