#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sim {

struct WorkTimes;

/// A figure that a workload is about, beside its finish: tokens a second, the time of a fetch that one in a hundred
/// exceeds.
struct WorkFigure {
    enum class Kind {
        kRate,  ///< `amount` / finish, in `unit` ("tokens/s")
        kSpan,  ///< of the times from when the first node of a span begins until the second is over, in ns: their
                ///< quantile `of_ten_thousand`, by nearest rank; 10000 is the longest
        kShare, ///< of the same times, their sum / (`amount` x finish), in %: how busy so many engines are with them
    } kind = Kind::kRate;
    std::string name;
    std::string unit;
    double amount = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> spans; ///< nodes
    unsigned of_ten_thousand = 0;
};

/// A figure's value, in its unit.
struct WorkValue {
    std::string name;
    std::string unit;
    double value = 0;
};

/// The figures as far as `times` tells them: without times of nodes, as of the bound, only the rates.
std::vector<WorkValue> work_values(const std::vector<WorkFigure>& figures, const WorkTimes& times);

} // namespace sim
