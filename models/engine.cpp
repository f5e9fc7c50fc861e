// Jobs: how they start, stop and end.
#include "models/engine_job.h"

#include <algorithm>
#include <cassert>

namespace models {

void Engine::Worker::fire(void*) {
    waking = false;
    --job->waking;
    engine->issue(*this);
    engine->free_if_over(*job);
}

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

} // namespace models
