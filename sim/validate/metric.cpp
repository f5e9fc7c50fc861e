#include "sim/validate/metric.h"

#include <algorithm>

namespace sim::validate {

const std::vector<std::pair<std::string, Metric>>& metric_words() {
    static const std::vector<std::pair<std::string, Metric>> words = {
        {"bandwidth", Metric::kBandwidth},
        {"bandwidth_copy", Metric::kBandwidthCopy},
        {"stream_bandwidth", Metric::kStreamBandwidth},
        {"busbw", Metric::kBusBandwidth},
        {"algbw", Metric::kAlgBandwidth},
        {"latency", Metric::kLatency},
        {"roundtrip", Metric::kRoundTrip},
        {"compute_rate", Metric::kComputeRate},
        {"runtime", Metric::kRuntime},
        {"percent_reduction", Metric::kPercentReduction},
    };
    return words;
}

MetricClass class_of(Metric metric) {
    switch (metric) {
    case Metric::kBandwidth:
    case Metric::kBandwidthCopy:
    case Metric::kStreamBandwidth:
    case Metric::kBusBandwidth:
    case Metric::kAlgBandwidth:
        return MetricClass::kBandwidth;
    case Metric::kLatency:
    case Metric::kRoundTrip:
        return MetricClass::kLatency;
    default:
        return MetricClass::kOther;
    }
}

const char* to_string(MetricClass metric_class) {
    switch (metric_class) {
    case MetricClass::kBandwidth:
        return "bandwidth";
    case MetricClass::kLatency:
        return "latency";
    case MetricClass::kOther:
        break;
    }
    return "other";
}

const std::vector<MeasuredUnit>& units_of(Metric metric) {
    static const std::vector<MeasuredUnit> rates = {
        {"GB/s", 1e9},  {"GiB/s", 1073741824.0}, {"MB/s", 1e6},    {"MiB/s", 1048576.0},
        {"TB/s", 1e12}, {"kB/s", 1e3},           {"Gb/s", 1.25e8}, {"Tb/s", 1.25e11},
    };
    static const std::vector<MeasuredUnit> times = {{"ns", 1e3}, {"us", 1e6}, {"ms", 1e9}, {"s", 1e12}};
    static const std::vector<MeasuredUnit> flops = {{"TFLOPS", 1e12}, {"GFLOPS", 1e9}, {"PFLOPS", 1e15}};
    static const std::vector<MeasuredUnit> percents = {{"percent", 1}, {"%", 1}};
    switch (metric) {
    case Metric::kLatency:
    case Metric::kRoundTrip:
    case Metric::kRuntime:
        return times;
    case Metric::kComputeRate:
        return flops;
    case Metric::kPercentReduction:
        return percents;
    default:
        return rates;
    }
}

const MeasuredUnit* find_unit(Metric metric, std::string_view name) {
    const auto& units = units_of(metric);
    const auto found =
        std::find_if(units.begin(), units.end(), [&](const MeasuredUnit& unit) { return unit.name == name; });
    return found == units.end() ? nullptr : &*found;
}

} // namespace sim::validate
