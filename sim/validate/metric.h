#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sim::validate {

/// What a row measures.
enum class Metric {
    kBandwidth,       ///< payload bytes a second; a copy counts the bytes of its source once
    kBandwidthCopy,   ///< the same, of a copy within one memory
    kStreamBandwidth, ///< bytes read and written a second, together
    kBusBandwidth,    ///< of a collective: algorithm bandwidth times the factor of NCCL's tests
    kAlgBandwidth,    ///< of a collective: bytes of the message / time
    kLatency,         ///< of one access
    kRoundTrip,       ///< to and fro
    kComputeRate,     ///< floating-point operations a second
    kRuntime,         ///< of a whole program
    kPercentReduction,
};

/// How errors are counted together.
enum class MetricClass { kBandwidth, kLatency, kOther };

const std::vector<std::pair<std::string, Metric>>& metric_words(); ///< bandwidth bandwidth_copy ... percent_reduction
MetricClass class_of(Metric metric);
const char* to_string(MetricClass metric_class); ///< "bandwidth" "latency" "other"

/// A unit that a cell may have, and what one of it is: bytes a second, picoseconds, FLOP a second, or percent.
struct MeasuredUnit {
    std::string name;
    double worth;
};

/// The units that go with a metric: GB/s GiB/s MB/s MiB/s TB/s kB/s Gb/s Tb/s; ns us ms s; TFLOPS GFLOPS PFLOPS;
/// percent %.
const std::vector<MeasuredUnit>& units_of(Metric metric);
/// nullptr if `metric` is not measured in `name`.
const MeasuredUnit* find_unit(Metric metric, std::string_view name);

} // namespace sim::validate
