#include "sim/binding.h"

#include <algorithm>
#include <limits>
#include <set>

namespace sim {

namespace {
constexpr double kBusy = 0.93;        ///< share of the time from which on a server binds
constexpr std::size_t kBusiest = 512; ///< resources that a report names at most: a fabric has tens of thousands
constexpr double kWaitedFor = 0.5;    ///< share of the time from which on a pool of requests in flight binds
} // namespace

ResourceSample sample(Machine& machine) {
    ResourceSample taken;
    taken.time = machine.events().now();
    for (const Resource& resource : machine.resources()) {
        taken.busy.push_back(resource.busy_until(taken.time));
    }
    return taken;
}

std::vector<std::pair<std::string, double>> busy_shares(Machine& machine, const ResourceSample& before,
                                                        const ResourceSample& after) {
    std::vector<std::pair<std::string, double>> shares;
    const double time = static_cast<double>(after.time - before.time);
    for (std::size_t i = 0; i < before.busy.size() && i < after.busy.size() && time > 0; ++i) {
        const double share = static_cast<double>(after.busy[i] - before.busy[i]) / time;
        if (share > 0) {
            shares.emplace_back(machine.resources()[i].name, std::min(share, 1.0));
        }
    }
    std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    shares.resize(std::min(shares.size(), kBusiest));
    return shares;
}

Binding largest_part(const StreamBound& bound, double latency) {
    Binding binding;
    std::map<std::string, double> parts;
    for (const auto& [component, time] : bound.stages) {
        parts[component] += time;
    }
    double largest = 0;
    for (const auto& [component, time] : parts) {
        if (time > largest) {
            largest = time;
            binding.resource = component;
        }
    }
    binding.share_of_time = latency > 0 ? std::min(largest / latency, 1.0) : 0;
    return binding;
}

Binding find_binding(const PlannedStream& planned, const StreamBound& bound, const StreamResult& line, Machine& machine,
                     const ResourceSample& before, const ResourceSample& after) {
    if (planned.is_latency) {
        return largest_part(bound, line.value);
    }
    Binding binding;
    const double time = static_cast<double>(std::max<models::Picoseconds>(after.time - before.time, 1));
    const Resource* busiest = nullptr;
    const Resource* awaited = nullptr;
    double busy = 0;
    double waited = 0;
    const auto share_of = [&](std::uint32_t resource) {
        return std::min(static_cast<double>(after.busy[resource] - before.busy[resource]) / time, 1.0);
    };
    for (const auto& [index, picoseconds] : bound.uses) {
        const Resource& resource = machine.resources()[index];
        if (const double share = share_of(index); resource.server != nullptr && share > busy) {
            busy = share;
            busiest = &resource;
        }
    }
    for (const std::uint32_t index : machine.pools_of(planned.stream->initiator)) {
        if (const double share = share_of(index); share > waited) {
            waited = share;
            awaited = &machine.resources()[index];
        }
    }
    const Resource* limit = nullptr;
    if (busiest != nullptr && busy >= kBusy) {
        binding.share_of_time = busy;
        limit = busiest;
    } else if (awaited != nullptr && waited >= kWaitedFor) {
        binding.share_of_time = waited;
        limit = awaited;
    } else {
        binding.share_of_time = 1;
    }
    binding.resource = limit != nullptr ? limit->name : bound.own_limit;
    say_widening(binding, planned, bound, line.value, limit, machine);
    return binding;
}

void say_widening(Binding& binding, const PlannedStream& planned, const StreamBound& bound, double value,
                  const Resource* limit, const Machine& machine) {
    double next = std::numeric_limits<double>::max();
    const auto consider = [&](double bytes_per_second, const std::string& name) {
        if (bytes_per_second < next) {
            next = bytes_per_second;
            binding.next = name;
        }
    };
    for (const auto& [index, picoseconds] : bound.uses) {
        const Resource& resource = machine.resources()[index];
        if (&resource != limit) {
            consider(1e12 / picoseconds, resource.name);
        }
    }
    if (limit != nullptr) {
        consider(bound.own_bytes_per_second, bound.own_limit);
    }
    const double rate = value / planned.bytes_per_unit_byte;
    if (rate > 0 && next < std::numeric_limits<double>::max()) {
        binding.widening_worth = std::max(std::min(2 * rate, next) / rate - 1, 0.0);
        if (next >= 2 * rate) {
            binding.next.clear(); // still the same, only wider
        }
    }
}

void lower_grade(StreamResult& line, Grade grade, const std::string& reason) {
    line.grade = std::max(line.grade, grade);
    if (std::find(line.reasons.begin(), line.reasons.end(), reason) == line.reasons.end()) {
        line.reasons.push_back(reason);
    }
}

const char* to_string(Grade grade) {
    switch (grade) {
    case Grade::kCalibrated:
        return "calibrated";
    case Grade::kComposed:
        return "composed";
    case Grade::kExtrapolated:
        return "extrapolated";
    }
    return "";
}

void set_grade(const PlannedStream& planned, const StreamBound& bound, Machine& machine, StreamResult& line) {
    const Stream& stream = *planned.stream;
    line.grade = Grade::kCalibrated;
    const auto lower = [&](Grade grade, const std::string& reason) { lower_grade(line, grade, reason); };
    std::set<std::string> passed{stream.initiator};
    for (const auto& [component, time] : bound.stages) {
        passed.insert(component);
    }
    std::vector<unsigned> named(machine.entries() + 1); // two of an entry say all that hundreds of them would
    for (const auto& [index, time] : bound.uses) {
        unsigned& count = named[machine.provenance(index).number];
        if (machine.resources()[index].server != nullptr && count < 2) {
            count += passed.insert(machine.resources()[index].of).second;
        }
    }
    unsigned crossings = 0;
    for (const std::string& name : passed) {
        const Machine::Provenance& provenance = machine.provenance(name);
        crossings += provenance.crossing;
        if (provenance.trust == Trust::kAssumed) {
            lower(Grade::kExtrapolated, "assumed figures: " + provenance.entry);
        } else if (provenance.trust == Trust::kDerived) {
            lower(Grade::kComposed, "derived figures: " + provenance.entry);
        }
    }
    const auto is_egm = [](const models::Leg& leg) {
        const auto at = [](const models::Leg& place) {
            return place.aperture == models::Aperture::kEgm || place.into_carveout;
        };
        return at(leg) || std::any_of(leg.others.begin(), leg.others.end(), at);
    };
    if (std::any_of(planned.job.reads.begin(), planned.job.reads.end(), is_egm) ||
        (planned.job.write && is_egm(*planned.job.write))) {
        lower(Grade::kComposed, "EGM was never measured: composed of the path to system memory, without ATS");
    }
    if (crossings > 1) {
        lower(Grade::kComposed, "path over several links");
    }
    if (stream.operation == Operation::kRandomRead || stream.operation == Operation::kRandomWrite) {
        lower(Grade::kExtrapolated, "random access was never calibrated");
    }
    if (stream.operation == Operation::kPingPong) {
        lower(Grade::kComposed,
              "a ping-pong is two separate turns here; real polling overlaps them (two SMs on CPU memory: "
              "1122 ns measured, CAL-155)");
    }
    if (stream.engine == Engine::kCpu && stream.operation != Operation::kPointerChase &&
        stream.operation != Operation::kPingPong &&
        stream.working_set_bytes <= machine.cpu(stream.initiator).spec->caches.back().capacity_bytes) {
        lower(Grade::kExtrapolated, "the working set fits the CPU's caches, which the model leaves out of streams");
    }
    for (const std::string& assumption : planned.assumptions) {
        lower(Grade::kExtrapolated, "assumed: " + assumption);
    }
}

} // namespace sim
