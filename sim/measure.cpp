#include "sim/measure.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <systemc>

#include "sim/batch_means.h"
#include "sim/binding.h"
#include "sim/fault_player.h"

namespace sim {

namespace {

using models::Engine;
using models::Picoseconds;

constexpr Picoseconds kMicrosecond = 1'000'000;
constexpr Picoseconds kWarmUpLeast = 15 * kMicrosecond;
constexpr Picoseconds kBatchLeast = 4 * kMicrosecond;
constexpr unsigned kBatchesLeast = 8;
constexpr Picoseconds kAfterFaults = 50 * kMicrosecond; ///< so long is measured after the last event
// Of a sum over many streams, which needs less time than each of them.
constexpr Picoseconds kSumWarmUpLeast = 5 * kMicrosecond;
constexpr Picoseconds kSumBatchLeast = kMicrosecond;
constexpr double kSumTurnoversInBatch = 0.25; ///< of all that is in flight
constexpr double kSumTurnoversWarmUp = 1.5;
constexpr double kUnitsInBatch = 64;
constexpr double kRounding = 2e-3; ///< a batch ends within a burst, and the bound is a sum of many terms

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
    BatchMeans batches;
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
             const FaultPlan& faults, const Progress& progress)
        : machine_(machine), measurement_(measurement), faults_(faults), progress_(progress), origin_(now()),
          end_(transient_end(planned)) {
        std::vector<StreamBound> bounds = static_bounds(planned, machine);
        for (std::size_t i = 0; i < planned.size(); ++i) {
            Running running;
            running.planned = &planned[i];
            running.bound = std::move(bounds[i]);
            streams_.push_back(std::move(running));
        }
    }

    void run() {
        if (!faults_.faults.empty()) {
            run_faults();
        } else if (end_) {
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
    const BatchMeans& sum() const { return sum_; }
    /// What the bandwidth streams can reach together, bytes a second; 0 without any.
    double joint() {
        if (!joint_) {
            std::vector<const PlannedStream*> moving;
            std::vector<const StreamBound*> bounds;
            for (const Running& running : streams_) {
                if (!running.planned->is_latency) {
                    moving.push_back(running.planned);
                    bounds.push_back(&running.bound);
                }
            }
            joint_ = moving.empty() ? 0 : joint_bound(moving, bounds);
        }
        return *joint_;
    }
    std::vector<Phase>& phases() { return phases_; }
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

    /// Until a stream alone has moved all that it keeps in flight.
    static double turnover(const Running& running) {
        const models::StreamJob& job = running.planned->job;
        const double window = static_cast<double>(job.reads.empty() ? job.write_window : job.read_window) * job.workers;
        return window * 1e12 / std::max(running.bound.alone_bytes_per_second, 1.0);
    }
    double longest_turnover() const {
        double longest = 0;
        for (const Running& running : streams_) {
            longest = std::max(longest, turnover(running));
        }
        return longest;
    }

    /// Long enough for many units: of the slowest stream, or of all together.
    Picoseconds batch_length() const {
        const double units = measurement_.of_sum ? kUnitsInBatch / static_cast<double>(streams_.size()) : kUnitsInBatch;
        double longest = static_cast<double>(measurement_.of_sum ? kSumBatchLeast : kBatchLeast);
        longest = std::max(longest, longest_turnover() * (measurement_.of_sum ? kSumTurnoversInBatch : 1));
        for (const Running& running : streams_) {
            const double unit = running.planned->is_latency ? running.bound.latency_ps
                                                            : static_cast<double>(running.planned->job.burst_bytes) *
                                                                  1e12 / running.bound.alone_bytes_per_second;
            longest = std::max(longest, unit * units);
        }
        return static_cast<Picoseconds>(std::min(longest, static_cast<double>(measurement_.time_max)));
    }
    Picoseconds warm_up(Picoseconds batch) const {
        return measurement_.of_sum
                   ? std::max(kSumWarmUpLeast,
                              static_cast<Picoseconds>(std::min(longest_turnover() * kSumTurnoversWarmUp,
                                                                static_cast<double>(measurement_.time_max))))
                   : std::max(kWarmUpLeast, 3 * batch);
    }

    /// Whether what is to be known is known well enough.
    bool narrow() const {
        const auto within = [&](double deviation, double mean) {
            return deviation <= measurement_.relative_error * mean;
        };
        if (measurement_.of_sum) {
            return within(sum_.half_width(), sum_.mean()) && within(sum_.drift(), sum_.mean());
        }
        return std::all_of(streams_.begin(), streams_.end(), [&](const Running& running) {
            return within(running.batches.half_width(), running.batches.mean());
        });
    }

    /// False of a sum that lies above what the streams can reach together, by more than its interval.
    bool possible() { return sum_.mean() - sum_.half_width() <= joint() * (1 + kRounding); }

    void begin_anew() {
        for (Running& running : streams_) {
            begin(running);
            running.batches = {};
        }
        sum_ = {};
        before_ = sample(machine_);
    }

    void run_steady() {
        for (Running& running : streams_) {
            start(running);
        }
        Picoseconds batch = batch_length();
        const Picoseconds limit = origin_ + measurement_.time_max;
        if (!step(warm_up(batch)) && !machine_.is_stuck()) {
            measured_ = false;
            return;
        }
        begin_anew();
        steady_ = false;
        for (unsigned count = 1; !steady_ && (now() < limit || count <= kBatchesLeast); ++count) {
            const bool go_on = step(batch);
            // Longer batches depend less on each other.
            const bool merge = sum_.size() + 1 == 2 * kBatchesLeast;
            double sum = 0;
            for (Running& running : streams_) {
                const auto counters = Engine::counters(*running.job);
                const double value = figure(*running.planned, running.last, counters, batch);
                running.batches.add(value);
                running.last = counters;
                sum += running.planned->is_latency ? 0 : value;
                if (merge) {
                    running.batches.merge_pairs();
                }
            }
            sum_.add(sum);
            if (merge) {
                sum_.merge_pairs();
                batch *= 2;
            }
            if (!go_on) {
                break;
            }
            if (count >= kBatchesLeast && narrow()) {
                steady_ = !measurement_.of_sum || possible();
                if (!steady_ && now() < limit) { // buffers on the way still fill or empty: all of this was warm-up
                    begin_anew();
                    count = 0;
                }
            }
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
                    running.batches.add(
                        figure(*running.planned, running.begin, running.end, running.ended - running.began));
                    running.planned->engine->stop(*running.job);
                }
            }
        }
        after_ = sample(machine_);
    }

    /// Links break and mend: measured from the end of the warm-up until a while after the last event, phase by phase.
    void run_faults() {
        FaultPlayer player(machine_, faults_);
        for (Running& running : streams_) {
            running.planned->job.retry = faults_.retry;
            start(running);
        }
        std::set<Picoseconds> times = player.times();
        const Picoseconds last = *times.rbegin() + kAfterFaults;
        times.insert(last);
        measured_ = step(kWarmUpLeast);
        for (Running& running : streams_) {
            begin(running);
        }
        before_ = sample(machine_);
        std::string what = "before";
        for (const Picoseconds time : times) {
            const Picoseconds began = now();
            while (now() < origin_ + time && step(std::min(origin_ + time - now(), kBatchLeast * 10))) {
            }
            add_phase(began, what);
            if (now() < origin_ + time) {
                break; // the user wants out
            }
            if (time != last) {
                what = player.act(time);
                for (Running& running : streams_) {
                    if (const std::string why = player.cut(*running.planned); !why.empty()) {
                        running.planned->engine->fail(*running.job, why);
                    }
                }
            }
        }
        for (Running& running : streams_) {
            end(running);
            running.batches.add(figure(*running.planned, running.begin, running.end, running.ended - running.began));
        }
        after_ = sample(machine_);
        drain(); // while what is broken still is
    }

    void add_phase(Picoseconds began, const std::string& what) {
        Phase phase{began - origin_, now() - origin_, what, 0, {}, 0};
        for (Running& running : streams_) {
            const auto counters = Engine::counters(*running.job);
            const double value = figure(*running.planned, running.last, counters, now() - began);
            phase.streams.push_back(value);
            phase.total += running.planned->is_latency ? 0 : value;
            phase.lost += counters.lost.packets - running.last.lost.packets;
            running.last = counters;
        }
        phases_.push_back(std::move(phase));
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
    const FaultPlan& faults_;
    const Progress& progress_;
    const Picoseconds origin_;
    const std::optional<Picoseconds> end_; ///< of a group that is measured once
    std::vector<Running> streams_;
    BatchMeans sum_; ///< of the bandwidth streams
    std::optional<double> joint_;
    std::vector<Phase> phases_; ///< between the events of faults
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
                          const Measurement& measurement, const FaultPlan& faults, const Progress& progress) {
    GroupRun run(planned, machine, measurement, faults, progress);
    run.run();

    GroupResult result;
    result.group = &group;
    if (!run.measured()) {
        return result;
    }
    result.measured = run.after().time - run.before().time;
    result.busy = busy_shares(machine, run.before(), run.after());
    for (Running& running : run.streams()) {
        const PlannedStream& stream = *running.planned;
        StreamResult line;
        line.stream = stream.stream;
        line.is_latency = stream.is_latency;
        line.value = running.batches.mean();
        line.half_width = running.batches.half_width();
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
        }
        result.streams.push_back(std::move(line));
    }
    result.phases = std::move(run.phases());
    result.total_half_width = run.sum().half_width();
    result.total_bound = run.joint();
    return result;
}

} // namespace sim
