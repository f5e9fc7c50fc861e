// An access, from its translation to its last byte.
#include "models/engine_job.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

#include "models/random.h"

namespace models {

void Engine::begin_access(Unit& unit, const Leg& leg) {
    Job& job = *unit.job;
    const StreamJob& spec = *job.spec;
    const auto leaf = leg.mapping->at(unit.at.offset % leg.working_set);
    Access& access = take_access();
    ++job.in_flight;
    access.job = &job;
    access.unit = &unit;
    access.leg = &leg;
    access.bytes = unit.bytes;
    access.delivered = false;
    access.tail = duration(unit.bytes, leg.write ? spec.write_rate : spec.read_rate);
    access.address = leaf ? leaf->address : 0;
    job.counters.bytes_sent += access.bytes;
    if (!leaf) {
        job.stopped = true;
        job.fault = fmt::format("offset {:#x} of the working set is not mapped", unit.at.offset);
        access.stage = Access::Stage::kComplete;
        events().at(events().now(), *this, &access);
        return;
    }
    access.stage = Access::Stage::kGate;
    const auto wait = translator_.translate(*leg.mapping, *leaf, unit.worker->index, *this, &access);
    if (wait && *wait > 0) {
        events().at(events().now() + *wait, *this, &access);
    } else if (wait) {
        pass_gate(access);
    }
}

void Engine::translated(void* token) { pass_gate(*static_cast<Access*>(token)); }

void Engine::take_turn(Job& job) {
    const StreamJob::Turn& turn = job.spec->turns[job.turn];
    Engine& engine = *turn.engine;
    Access& access = engine.take_access();
    ++job.in_flight;
    if (job.turn == 0) {
        job.turn_began = events().now();
    }
    access.job = &job;
    access.unit = nullptr;
    access.leg = &turn.leg;
    access.bytes = job.spec->burst_bytes;
    access.tail = 0;
    job.counters.bytes_sent += access.bytes;
    if (turn.local) {
        access.stage = Access::Stage::kComplete;
        events().at(events().now() + turn.leg.overhead, engine, &access);
        return;
    }
    access.address = turn.leg.mapping->at(0)->address;
    access.stage = Access::Stage::kEmit;
    events().at(events().now() + turn.leg.overhead, engine, &access);
}

void Engine::pass_gate(Access& access) {
    Job& job = *access.job;
    const Leg& leg = *access.leg;
    const Picoseconds now = events().now();
    if (!leg.hits.empty()) {
        double place = chance(job.random);
        for (const Leg::Hit& hit : leg.hits) {
            if (place < hit.share) {
                access.stage = Access::Stage::kComplete;
                events().at(now + hit.latency, *this, &access);
                return;
            }
            place -= hit.share;
        }
    }
    if (leg.gate != nullptr) {
        const auto turn = leg.gate->serve(now, access.bytes, leg.gate_rate);
        if (turn.start > now) {
            access.stage = Access::Stage::kEmit;
            events().at(turn.start, *this, &access);
            return;
        }
    }
    emit(access);
}

Payload& Engine::packet(const Leg& leg, std::uint64_t address, std::uint64_t bytes) {
    Payload& payload = packets_.take(leg.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, address, bytes);
    Transit& packet = transit(payload);
    packet.aperture = leg.aperture;
    packet.into_carveout = leg.into_carveout;
    packet.group = leg.group;
    packet.postable = leg.postable && leg.write;
    packet.home_hit = leg.home_share > 0;
    packet.l2_hit = leg.l2_hit;
    packet.l2_far = leg.l2_far;
    packet.coherent = leg.coherent;
    packet.destination = leg.destination;
    packet.memory = leg.memory;
    packet.tenant = leg.tenant;
    packet.granule = leg.granule;
    packet.service_scale = leg.service_scale;
    return payload;
}

void Engine::emit(Access& access) {
    const double share = access.leg->home_share;
    Payload& payload = packet(*access.leg, access.address, access.bytes);
    transit(payload).home_hit = share >= 1 || (share > 0 && chance(access.job->random) < share);
    transit(payload).tail = access.tail;
    transit(payload).token = &access;
    transit(payload).delivery = access.leg->write && access.job->finite && !access.delivered ? access.job : nullptr;
    send_request(0, payload, 0);
}

void Engine::response(unsigned, Payload& payload, Picoseconds delay) {
    auto& access = *static_cast<Access*>(transit(payload).token);
    if (transit(payload).lost) {
        access.delivered = payload.is_write() && transit(payload).delivery == nullptr;
        payload.release();
        access.job->counters.lost.add(1, access.bytes);
        access.stage = Access::Stage::kLost;
        events().at(events().now() + delay + access.job->spec->retry, *this, &access);
        return;
    }
    // A read's data cannot all be back before all of it was asked for.
    const Picoseconds tail = std::max(transit(payload).tail, payload.is_read() ? access.tail : 0);
    payload.release();
    access.stage = Access::Stage::kComplete;
    const Picoseconds hold = access.leg->write ? 0 : access.job->spec->hold;
    events().at(events().now() + delay + tail + hold, *this, &access);
}

void Engine::fire(void* argument) {
    Access& access = *static_cast<Access*>(argument);
    switch (access.stage) {
    case Access::Stage::kGate:
        pass_gate(access);
        break;
    case Access::Stage::kEmit:
        emit(access);
        break;
    case Access::Stage::kComplete:
        complete(access);
        break;
    case Access::Stage::kLost:
        send_again(access);
        break;
    }
}

/// What a job that has stopped would have asked for again is given up.
void Engine::send_again(Access& access) {
    StreamJob::Counters& counters = access.job->counters;
    if (!access.job->stopped) {
        emit(access);
        return;
    }
    counters.bytes_given_up += access.bytes;
    counters.bytes_received -= access.bytes; // which `complete` adds
    complete(access);
}

void Engine::complete(Access& access) {
    Job& job = *access.job;
    const StreamJob& spec = *job.spec;
    Unit* const unit = access.unit;
    const bool write = access.leg->write;
    job.counters.bytes_received += access.bytes;
    --job.in_flight;
    idle_accesses_.push_back(&access);
    if (unit == nullptr) {
        job.turn = (job.turn + 1) % spec.turns.size();
        if (job.turn == 0) {
            ++job.counters.units;
            job.counters.bytes += spec.burst_bytes;
            job.counters.latency += events().now() - job.turn_began;
            job.latencies.record(events().now() - job.turn_began);
        }
        if (!job.stopped) {
            take_turn(job);
        }
        return;
    }
    Worker& worker = *unit->worker;
    if (write) {
        worker.writes.give(unit->bytes, events().now());
        finish_unit(*unit);
    } else {
        worker.reads.give(unit->bytes, events().now());
        if (--unit->reads_left == 0) {
            if (spec.write) {
                begin_access(*unit, spec.write->place(unit->at.place));
            } else {
                finish_unit(*unit);
            }
        }
    }
    issue(worker);
    if (job.in_passes() && job.left == 0 && job.in_flight == 0) {
        begin_pass(job);
    }
    end_if_done(job);
}

Engine::Access& Engine::take_access() {
    if (idle_accesses_.empty()) {
        accesses_.push_back(std::make_unique<Access>());
        idle_accesses_.push_back(accesses_.back().get());
    }
    Access& access = *idle_accesses_.back();
    idle_accesses_.pop_back();
    return access;
}

void Engine::request(unsigned, Payload&, Picoseconds) { assert(false && "nobody asks an engine"); }

unsigned Engine::access(unsigned, Payload&) { return 0; }

} // namespace models
