#include "sim/measure.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <systemc>

#include "sim/binding.h"

namespace sim {

namespace {

using models::Engine;
using models::Picoseconds;

constexpr Picoseconds kMicrosecond = 1'000'000;
constexpr Picoseconds kWarmUpLeast = 15 * kMicrosecond;
constexpr Picoseconds kBatchLeast = 4 * kMicrosecond;
constexpr unsigned kBatchesLeast = 8;
constexpr double kUnitsInBatch = 64;

/// Two-sided 95 % quantile of Student's t. Source: any table; beyond 30 degrees the normal distribution's.
double student(std::size_t degrees) {
    static constexpr double kTable[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23,
                                        2.20,  2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09,
                                        2.08,  2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04};
    return degrees == 0 ? kTable[0] : degrees <= std::size(kTable) ? kTable[degrees - 1] : 1.96;
}

struct Running {
    PlannedStream* planned = nullptr;
    StreamBound bound;
    Engine::Job* job = nullptr;
    std::string fault;
    models::StreamJob::Counters last;  ///< at the last batch's end
    models::StreamJob::Counters begin; ///< at the measurement's begin
    models::StreamJob::Counters end;
    models::Translator::Counts translations_begin;
    models::Translator::Counts translations_end;
    models::LatencyHistogram latencies; ///< between begin and end
    Picoseconds began = 0, ended = 0;
    std::vector<double> batches;

    double mean() const {
        double sum = 0;
        for (const double batch : batches) {
            sum += batch;
        }
        return batches.empty() ? 0 : sum / static_cast<double>(batches.size());
    }
    void merge_batches() {
        for (std::size_t i = 0; i < batches.size() / 2; ++i) {
            batches[i] = (batches[2 * i] + batches[2 * i + 1]) / 2;
        }
        batches.resize(batches.size() / 2);
    }
    double half_width() const {
        if (batches.size() < 2) {
            return 0;
        }
        const double average = mean();
        double squares = 0;
        for (const double batch : batches) {
            squares += (batch - average) * (batch - average);
        }
        const auto count = static_cast<double>(batches.size());
        return student(batches.size() - 1) * std::sqrt(squares / (count - 1) / count);
    }
};

/// The figure of merit between two counts: bytes a second, or picoseconds a unit.
double figure(const PlannedStream& planned, const models::StreamJob::Counters& from,
              const models::StreamJob::Counters& to, Picoseconds time) {
    if (planned.is_latency) {
        return to.units == from.units
                   ? 0
                   : static_cast<double>(to.latency - from.latency) / static_cast<double>(to.units - from.units);
    }
    return time == 0 ? 0
                     : static_cast<double>((to.bytes - from.bytes) * planned.bytes_per_unit_byte) * 1e12 /
                           static_cast<double>(time);
}

void wait_until(Picoseconds time) {
    const Picoseconds now = sc_core::sc_time_stamp().value();
    if (time > now) {
        sc_core::wait(sc_core::sc_time::from_value(time - now));
    }
}

LatencySpread spread(const models::LatencyHistogram& latencies) {
    const auto at = [&](unsigned of_ten_thousand) { return static_cast<double>(latencies.quantile(of_ten_thousand)); };
    return {at(5'000), at(9'000), at(9'900), static_cast<double>(latencies.max())};
}

class GroupRun {
public:
    GroupRun(std::vector<PlannedStream>& planned, Machine& machine, const Measurement& measurement,
             const Progress& progress)
        : machine_(machine), measurement_(measurement), progress_(progress), origin_(now()),
          end_(transient_end(planned)) {
        for (PlannedStream& stream : planned) {
            Running running;
            running.planned = &stream;
            running.bound = static_bound(stream);
            streams_.push_back(std::move(running));
        }
    }

    void run() {
        if (end_) {
            run_once(*end_);
        } else {
            run_steady();
        }
        drain();
    }

    std::vector<Running>& streams() { return streams_; }
    const ResourceSample& before() const { return before_; }
    const ResourceSample& after() const { return after_; }
    bool steady() const { return steady_; }
    /// False: the user wanted out before there was a figure.
    bool measured() const { return measured_; }

private:
    static Picoseconds now() { return sc_core::sc_time_stamp().value(); }

    void start(Running& running) { running.job = &running.planned->engine->start(running.planned->job); }

    void begin(Running& running) {
        running.begin = running.last = Engine::counters(*running.job);
        running.translations_begin = running.planned->translator->counts();
        Engine::forget_latencies(*running.job);
        running.began = now();
    }
    void end(Running& running) {
        running.end = Engine::counters(*running.job);
        running.translations_end = running.planned->translator->counts();
        running.latencies = Engine::latencies(*running.job);
        running.ended = now();
    }

    /// Long enough for many units of the slowest stream.
    Picoseconds batch_length() const {
        double longest = static_cast<double>(kBatchLeast);
        for (const Running& running : streams_) {
            const models::StreamJob& job = running.planned->job;
            const double unit = running.planned->is_latency ? running.bound.latency_ps
                                                            : static_cast<double>(job.burst_bytes) * 1e12 /
                                                                  running.bound.alone_bytes_per_second;
            longest = std::max(longest, unit * kUnitsInBatch);
            const double window =
                static_cast<double>(job.reads.empty() ? job.write_window : job.read_window) * job.workers;
            longest = std::max(longest, window * 1e12 / std::max(running.bound.alone_bytes_per_second, 1.0));
        }
        return static_cast<Picoseconds>(std::min(longest, static_cast<double>(measurement_.time_max)));
    }

    void run_steady() {
        for (Running& running : streams_) {
            start(running);
        }
        Picoseconds batch = batch_length();
        const Picoseconds limit = origin_ + measurement_.time_max;
        if (!step(std::max(kWarmUpLeast, 3 * batch)) && !machine_.is_stuck()) {
            measured_ = false;
            return;
        }
        for (Running& running : streams_) {
            begin(running);
        }
        before_ = sample(machine_);
        steady_ = false;
        for (unsigned count = 1; !steady_ && (now() < limit || count <= kBatchesLeast); ++count) {
            const bool go_on = step(batch);
            // Longer batches depend less on each other.
            const bool merge = streams_.front().batches.size() + 1 == 2 * kBatchesLeast;
            for (Running& running : streams_) {
                const auto counters = Engine::counters(*running.job);
                running.batches.push_back(figure(*running.planned, running.last, counters, batch));
                running.last = counters;
                if (merge) {
                    running.merge_batches();
                }
            }
            if (merge) {
                batch *= 2;
            }
            if (!go_on) {
                break;
            }
            steady_ =
                count >= kBatchesLeast && std::all_of(streams_.begin(), streams_.end(), [&](const Running& running) {
                    return running.half_width() <= measurement_.relative_error * running.mean();
                });
        }
        for (Running& running : streams_) {
            end(running);
        }
        after_ = sample(machine_);
    }

    /// Streams come and go: each is measured from its start to its stop.
    void run_once(Picoseconds last) {
        std::set<Picoseconds> times{last};
        for (const Running& running : streams_) {
            times.insert({running.planned->stream->start, running.planned->stream->stop});
        }
        before_ = sample(machine_);
        for (const Picoseconds time : times) {
            while (now() < origin_ + time && step(std::min(origin_ + time - now(), kBatchLeast * 10))) {
            }
            for (Running& running : streams_) {
                const Stream& stream = *running.planned->stream;
                if (stream.start == time && running.job == nullptr) {
                    start(running);
                    begin(running);
                }
                const Picoseconds stop = stream.stop != 0 ? stream.stop : last;
                if (stop == time && running.job != nullptr && running.ended == 0) {
                    end(running);
                    running.batches.push_back(
                        figure(*running.planned, running.begin, running.end, running.ended - running.began));
                    running.planned->engine->stop(*running.job);
                }
            }
        }
        after_ = sample(machine_);
    }

    bool step(Picoseconds time) {
        wait_until(now() + time);
        return !machine_.is_stuck() && (!progress_ || progress_());
    }

    /// Stops all and lets come back what is in flight, so that every byte sent can be counted received.
    void drain() {
        for (Running& running : streams_) {
            if (running.job != nullptr) {
                running.planned->engine->stop(*running.job);
            }
        }
        Picoseconds pause = kMicrosecond;
        while (std::any_of(
                   streams_.begin(), streams_.end(),
                   [](const Running& running) { return running.job != nullptr && !Engine::drained(*running.job); }) ||
               machine_.packets_in_flight() != 0) {
            if (machine_.is_stuck()) {
                give_up();
                return;
            }
            wait_until(now() + pause);
            pause *= 2; // a slow machine may hold seconds of work
        }
        for (Running& running : streams_) {
            if (running.job != nullptr) {
                running.last = Engine::counters(*running.job);
                running.fault = Engine::fault(*running.job);
                running.planned->engine->finish(*running.job);
                running.job = nullptr;
            }
        }
    }

    /// What is in flight stays where it is; its jobs are left as they are, since nothing will ask for them again.
    void give_up() {
        for (Running& running : streams_) {
            if (running.job != nullptr) {
                running.last = Engine::counters(*running.job);
                running.fault = "stands still: packets wait for each other for ever, at " + machine_.blocked_ports();
            }
        }
    }

    Machine& machine_;
    const Measurement& measurement_;
    const Progress& progress_;
    const Picoseconds origin_;
    const std::optional<Picoseconds> end_; ///< of a group that is measured once
    std::vector<Running> streams_;
    ResourceSample before_;
    ResourceSample after_;
    bool steady_ = true;
    bool measured_ = true;
};

} // namespace

std::optional<Picoseconds> transient_end(const std::vector<PlannedStream>& planned) {
    Picoseconds last = 0;
    bool transient = false;
    for (const PlannedStream& one : planned) {
        last = std::max({last, one.stream->stop, one.stream->start + kWarmUpLeast});
        transient = transient || one.stream->start != 0 || one.stream->stop != 0;
    }
    return transient ? std::optional(last) : std::nullopt;
}

GroupResult measure_group(const StreamGroup& group, std::vector<PlannedStream>& planned, Machine& machine,
                          const Measurement& measurement, const Progress& progress) {
    GroupRun run(planned, machine, measurement, progress);
    run.run();

    GroupResult result;
    result.group = &group;
    if (!run.measured()) {
        return result;
    }
    result.measured = run.after().time - run.before().time;
    result.busy = busy_shares(machine, run.before(), run.after());
    std::vector<const PlannedStream*> moving;
    std::vector<const StreamBound*> bounds;
    for (Running& running : run.streams()) {
        const PlannedStream& stream = *running.planned;
        StreamResult line;
        line.stream = stream.stream;
        line.is_latency = stream.is_latency;
        line.value = running.mean();
        line.half_width = running.half_width();
        line.steady = run.steady();
        line.bound = stream.is_latency ? running.bound.latency_ps
                                       : running.bound.alone_bytes_per_second * stream.bytes_per_unit_byte;
        const auto units = running.end.units - running.begin.units;
        line.access_latency =
            units == 0 ? 0
                       : static_cast<double>(running.end.latency - running.begin.latency) / static_cast<double>(units);
        if (units != 0) {
            line.latency_spread = spread(running.latencies);
        }
        const auto lookups = running.translations_end.lookups - running.translations_begin.lookups;
        const auto misses = running.translations_end.misses - running.translations_begin.misses;
        line.translation_misses = lookups == 0 ? 0 : static_cast<double>(misses) / static_cast<double>(lookups);
        line.bytes_sent = running.last.bytes_sent;
        line.bytes_received = running.last.bytes_received;
        line.fault = running.fault;
        if (units == 0 && line.fault.empty()) {
            line.fault = "not one access was finished while it was measured: give it a longer measurement.time_max";
        }
        line.binding = find_binding(stream, running.bound, line, machine, run.before(), run.after());
        set_grade(stream, running.bound, machine, line);
        if (!stream.is_latency) {
            result.total += line.value;
            moving.push_back(&stream);
            bounds.push_back(&running.bound);
        }
        result.streams.push_back(std::move(line));
    }
    result.total_bound = moving.empty() ? 0 : joint_bound(moving, bounds);
    return result;
}

} // namespace sim
