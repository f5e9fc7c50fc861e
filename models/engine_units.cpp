// Units: when a worker issues its next burst, and where that goes.
#include "models/engine_job.h"

#include <algorithm>
#include <cassert>

#include "models/random.h"

namespace models {

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

} // namespace models
