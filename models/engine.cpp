#include "models/engine.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

#include "models/byte_window.h"

namespace models {

namespace {

/// splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t draw(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15ull;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/// In [0, 1), in steps of 2^-53.
double chance(std::uint64_t& state) { return static_cast<double>(draw(state) >> 11) * 0x1.0p-53; }

Picoseconds duration(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    assert(bytes <= Server::kBurstBytesMax);
    return bytes_per_second == 0 ? 0 : bytes * 1'000'000'000'000 / bytes_per_second;
}

} // namespace

/// Where the next burst goes: to this offset of this place of a spread leg.
struct Engine::Cursor {
    std::uint64_t offset = 0;
    std::size_t place = 0;
};

struct Engine::Worker final : EventQueue::Handler {
    Engine* engine = nullptr;
    Job* job = nullptr;
    unsigned index = 0;
    Cursor cursor;
    ByteWindow reads;
    ByteWindow writes;
    Picoseconds reads_free = 0; ///< when the next unit may be issued
    Picoseconds writes_free = 0;
    bool waking = false;

    void fire(void*) override;
};

/// A job is told by the memories when its writes have arrived.
class Engine::Job final : public Delivery, public EventQueue::Handler {
public:
    Engine* engine = nullptr;
    const StreamJob* spec = nullptr;
    Client* client = nullptr;
    void* token = nullptr;
    bool finite = false;
    std::uint64_t left = 0;      ///< bytes still to be issued: of a finite job, or of the pass
    std::uint64_t total = 0;     ///< finite
    std::uint64_t delivered = 0; ///< bytes of writes
    Picoseconds last_delivery = 0;
    bool told_delivered = false;
    bool over = false;   ///< nobody needs it any longer but workers that are still to wake
    unsigned waking = 0; ///< workers with an event
    std::vector<std::unique_ptr<Worker>> workers;
    StreamJob::Counters counters;
    LatencyHistogram latencies;
    Cursor cursor;
    std::uint64_t random = 0;
    std::size_t places = 1; ///< of the leg that is spread widest
    Picoseconds cap_free = 0;
    std::size_t turn = 0;
    Picoseconds turn_began = 0;
    std::uint64_t in_flight = 0; ///< accesses
    bool stopped = false;
    std::string fault;

    void arrived(Picoseconds time, std::uint64_t bytes) override {
        delivered += bytes;
        last_delivery = std::max(last_delivery, time);
        if (finite && delivered == total) {
            engine->events().at(last_delivery, *this, nullptr);
        }
    }
    void fire(void*) override { engine->tell_delivered(*this); }
    bool in_passes() const { return !finite && spec->pass_bytes != 0; }
    bool counted() const { return finite || spec->pass_bytes != 0; }
    bool exhausted() const { return counted() && left == 0; }
    std::uint64_t next_bytes() const { return counted() ? std::min(left, spec->burst_bytes) : spec->burst_bytes; }
};

void Engine::Worker::fire(void*) {
    waking = false;
    --job->waking;
    engine->issue(*this);
    engine->free_if_over(*job);
}

/// A burst with all its legs.
struct Engine::Unit {
    Job* job = nullptr;
    Worker* worker = nullptr;
    Cursor at;
    std::uint64_t bytes = 0; ///< of each leg
    Picoseconds began = 0;
    unsigned reads_left = 0;
};

/// One access of a unit, from its translation to its last byte.
struct Engine::Access {
    enum class Stage { kGate, kEmit, kComplete, kLost } stage = Stage::kGate;
    Job* job = nullptr;
    Unit* unit = nullptr; ///< null in a ping-pong
    const Leg* leg = nullptr;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    Picoseconds tail = 0;   ///< of the burst as it leaves: a worker issues it line by line
    bool delivered = false; ///< its bytes are where they were to go, though their acknowledgement was lost
};

Engine::Engine(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, Translator& translator)
    : Component(name, events), packets_(packets), translator_(translator) {
    add_port("hub");
}

Engine::~Engine() = default;

Engine::Job& Engine::start(const StreamJob& spec) {
    Job& job = take_job(spec);
    if (spec.pattern == StreamJob::Pattern::kPingPong) {
        take_turn(job);
        return job;
    }
    job.left = spec.pass_bytes;
    start_workers(job, spec.workers);
    return job;
}

Engine::Job& Engine::start(const StreamJob& spec, std::uint64_t bytes, Client& client, void* token,
                           std::uint64_t offset) {
    assert(bytes > 0 && spec.pattern != StreamJob::Pattern::kPingPong);
    Job& job = take_job(spec);
    job.finite = true;
    job.left = job.total = bytes;
    job.client = &client;
    job.token = token;
    const std::uint64_t bursts = (bytes + spec.burst_bytes - 1) / spec.burst_bytes;
    start_workers(job, static_cast<unsigned>(std::min<std::uint64_t>(spec.workers, bursts)));
    job.cursor.offset += offset;
    for (const auto& worker : job.workers) {
        worker->cursor.offset += offset;
    }
    return job;
}

Engine::Job& Engine::take_job(const StreamJob& spec) {
    if (idle_jobs_.empty()) {
        jobs_.push_back(std::make_unique<Job>());
        idle_jobs_.push_back(jobs_.back().get());
    }
    Job& job = *idle_jobs_.back();
    idle_jobs_.pop_back();
    auto workers = std::move(job.workers); // used again
    job = Job{};
    job.workers = std::move(workers);
    job.engine = this;
    job.spec = &spec;
    job.random = spec.seed;
    job.places = spec.write ? spec.write->places() : 1;
    for (const Leg& leg : spec.reads) {
        job.places = std::max(job.places, leg.places());
    }
    return job;
}

void Engine::start_workers(Job& job, unsigned count) {
    assert(count > 0);
    const StreamJob& spec = *job.spec;
    const Picoseconds now = events().now();
    const std::uint64_t share =
        spec.shared_cursor ? 0 : (spec.write ? *spec.write : spec.reads[0]).working_set / spec.workers;
    while (job.workers.size() < count) {
        job.workers.push_back(std::make_unique<Worker>());
    }
    for (unsigned i = 0; i < count; ++i) {
        Worker& worker = *job.workers[i];
        worker = Worker{};
        worker.engine = this;
        worker.job = &job;
        worker.index = i;
        worker.reads = ByteWindow(spec.read_window);
        worker.writes = ByteWindow(spec.write_window);
        worker.cursor = {share * i / 4096 * 4096, i % job.places};
        // Workers of a stream start spread over a microsecond (multiples of the golden ratio), as threads really do;
        // those of a finite job belong to a kernel that runs already, those of a pass begin with it.
        const Picoseconds spread = job.counted() ? 0 : static_cast<Picoseconds>(i) * 618'033'989 % 1'000'000'000 / 1000;
        wake(worker, now + spread);
    }
}

void Engine::wake(Worker& worker, Picoseconds time) {
    worker.waking = true;
    ++worker.job->waking;
    events().at(time, worker, nullptr);
}

void Engine::stop(Job& job) { job.stopped = true; }

void Engine::fail(Job& job, const std::string& why) {
    job.stopped = true;
    job.fault = why;
}

void Engine::finish(Job& job) {
    assert(drained(job));
    job.over = true;
    free_if_over(job);
}

void Engine::free_if_over(Job& job) {
    if (job.over && job.waking == 0) { // else an event still points to a worker, and will find the job stopped
        job.over = false;
        idle_jobs_.push_back(&job);
    }
}

/// The last byte of a finite job has arrived where it was to go.
void Engine::tell_delivered(Job& job) {
    job.told_delivered = true;
    job.client->delivered(job.token);
    end_if_done(job);
}

/// All of a finite job is back, or it has failed: the caller hears of it, and the job is free for another one.
void Engine::end_if_done(Job& job) {
    if (!job.finite || job.over || job.in_flight != 0) {
        return;
    }
    if (!job.fault.empty()) {
        job.over = true;
        job.client->failed(job.token, job.fault);
    } else if (job.told_delivered && job.counters.bytes == job.total) {
        job.over = true;
        job.client->acknowledged(job.token);
    } else {
        return;
    }
    free_if_over(job);
}

const StreamJob::Counters& Engine::counters(const Job& job) { return job.counters; }
const LatencyHistogram& Engine::latencies(const Job& job) { return job.latencies; }
void Engine::forget_latencies(Job& job) { job.latencies.clear(); }
const std::string& Engine::fault(const Job& job) { return job.fault; }

bool Engine::drained(const Job& job) { return job.stopped && job.in_flight == 0; }

// --- issuing ---------------------------------------------------------------------------------------------------------

bool Engine::may_issue(Worker& worker) {
    const StreamJob& spec = *worker.job->spec;
    const std::uint64_t bytes = spec.burst_bytes * spec.reads.size();
    if (spec.write && !worker.writes.fits(spec.burst_bytes, events().now())) {
        return false;
    }
    if (spec.reads.empty()) {
        return true;
    }
    return worker.reads.fits(bytes, events().now());
}

void Engine::issue(Worker& worker) {
    Job& job = *worker.job;
    if (job.stopped) {
        return;
    }
    const StreamJob& spec = *job.spec;
    while (!job.stopped && !job.exhausted() && !worker.waking && may_issue(worker)) {
        const Picoseconds now = events().now();
        const Picoseconds ready =
            std::max({now, spec.reads.empty() ? worker.writes_free : worker.reads_free, job.cap_free});
        if (ready > now) {
            wake(worker, ready);
            return;
        }
        if (spec.rate_cap != 0) {
            job.cap_free = std::max(now, job.cap_free) + duration(job.next_bytes(), spec.rate_cap);
        }
        begin_unit(worker);
    }
}

void Engine::begin_unit(Worker& worker) {
    Job& job = *worker.job;
    const StreamJob& spec = *job.spec;
    const Picoseconds now = events().now();
    if (idle_units_.empty()) {
        units_.push_back(std::make_unique<Unit>());
        idle_units_.push_back(units_.back().get());
    }
    Unit& unit = *idle_units_.back();
    idle_units_.pop_back();
    const std::uint64_t size = job.next_bytes();
    unit = {&job, &worker, next_burst(worker), size, now, static_cast<unsigned>(spec.reads.size())};
    job.left -= job.counted() ? size : 0;
    if (spec.reads.empty()) {
        worker.writes.take(size, now);
        worker.writes_free = now + duration(size, spec.write_rate);
        begin_access(unit, spec.write->place(unit.at.place));
        return;
    }
    const std::uint64_t bytes = size * spec.reads.size();
    worker.reads.take(bytes, now);
    worker.reads_free = now + duration(bytes, spec.read_rate);
    if (spec.write) {
        worker.writes.take(size, now);
    }
    for (const Leg& leg : spec.reads) {
        begin_access(unit, leg.place(unit.at.place));
    }
}

Engine::Cursor Engine::next_burst(Worker& worker) {
    Job& job = *worker.job;
    const StreamJob& spec = *job.spec;
    const std::uint64_t size = (spec.write ? *spec.write : spec.reads[0]).working_set;
    if (spec.pattern != StreamJob::Pattern::kSequential) {
        const std::uint64_t offset = draw(job.random) % (size / spec.burst_bytes) * spec.burst_bytes;
        return {offset, job.cursor.place++};
    }
    Cursor& cursor = spec.shared_cursor ? job.cursor : worker.cursor;
    if (cursor.offset + spec.burst_bytes > size) {
        cursor.offset = 0;
    }
    const Cursor burst = cursor;
    if (++cursor.place == job.places) {
        cursor.place = 0;
        cursor.offset += spec.burst_bytes;
    }
    return burst;
}

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

// --- an access on its way
// ----------------------------------------------------------------------------------------------

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

/// All of a pass is back: the next kernel begins, after its launch.
void Engine::begin_pass(Job& job) {
    job.left = job.spec->pass_bytes;
    job.cursor = {};
    if (job.stopped) {
        return;
    }
    for (unsigned i = 0; i < job.spec->workers; ++i) {
        if (!job.workers[i]->waking) {
            wake(*job.workers[i], events().now() + job.spec->launch);
        }
    }
}

void Engine::finish_unit(Unit& unit) {
    Job& job = *unit.job;
    if (job.fault.empty()) {
        ++job.counters.units;
        job.counters.bytes += unit.bytes;
        const Picoseconds hold = job.spec->reads.empty() ? 0 : job.spec->hold;
        const Picoseconds latency = events().now() - unit.began - std::min(hold, events().now() - unit.began);
        job.counters.latency += latency;
        if (!job.finite) { // else nobody asks, and there may be many jobs
            job.latencies.record(latency);
        }
    }
    idle_units_.push_back(&unit);
    if (job.finite && !job.spec->write && job.counters.bytes == job.total) {
        job.told_delivered = true; // what is read has arrived when it is back
        job.client->delivered(job.token);
    }
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

// --- looking
// -----------------------------------------------------------------------------------------------------------

template <class Walk>
PathTrace Engine::walk_leg(const Leg& leg, std::uint64_t bytes, unsigned components, Walk walk) {
    const auto leaf = leg.mapping->at(0);
    PathTrace path;
    path.components = components;
    Payload& payload = packet(leg, leaf ? leaf->address : 0, bytes);
    payload.set_extension(&path);
    walk(payload);
    payload.clear_extension(&path);
    payload.release();
    return path;
}

PathTrace Engine::trace_path(const Leg& leg, std::uint64_t bytes, unsigned components) {
    return walk_leg(leg, bytes, components, [&](Payload& payload) { pass_on(0, payload); });
}

PathTrace Engine::trace_part(const Leg& leg, std::uint64_t bytes, Component& from, unsigned port, unsigned components) {
    return walk_leg(leg, bytes, components, [&](Payload& payload) { from.walk(port, payload); });
}

bool Engine::access_bytes(const Leg& leg, std::uint64_t offset, void* data, std::uint64_t size) {
    const auto leaf = leg.mapping->at(offset);
    if (!leaf) {
        return false;
    }
    Payload& payload = packet(leg, leaf->address, size);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    const bool moved = pass_on(0, payload) == size;
    payload.release();
    return moved;
}

void Engine::request(unsigned, Payload&, Picoseconds) { assert(false && "nobody asks an engine"); }
void Engine::trace(unsigned, Payload&, PathTrace&) {}
unsigned Engine::access(unsigned, Payload&) { return 0; }

} // namespace models
