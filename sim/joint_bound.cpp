#include "sim/static_bound.h"

#include <algorithm>
#include <glpk.h>
#include <limits>
#include <map>

namespace sim {

namespace {

constexpr double kPicosecondsPerSecond = 1e12;
constexpr double kScale = 1e9;               ///< rates in GB/s, so that the solver's tolerances fit
constexpr std::size_t kFewStreams = 16;      ///< so many are solved at once
constexpr std::size_t kEntriesMax = 200'000; ///< of the program's matrix: beyond, the simplex takes minutes
constexpr double kSame = 1e-9;               ///< rounding of sums over all streams

/// The columns are streams, by their number; a row is a resource with its uses.
struct Program {
    std::map<std::uint32_t, std::vector<std::pair<int, double>>> rows;
    std::vector<double> worth; ///< counted bytes of a byte, by column
    std::vector<double> most;  ///< bytes a second, by column
    std::size_t entries = 0;
};

Program program_of(const std::vector<const PlannedStream*>& streams, const std::vector<const StreamBound*>& bounds) {
    Program program;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        for (const auto& [resource, picoseconds] : bounds[i]->uses) {
            program.rows[resource].emplace_back(static_cast<int>(i), picoseconds);
            ++program.entries;
        }
        program.worth.push_back(streams[i]->bytes_per_unit_byte);
        program.most.push_back(bounds[i]->own_bytes_per_second);
    }
    return program;
}

struct Sandwich {
    double reached; ///< by all streams at the same rate: the optimum is no less
    double proved;  ///< the optimum is no more
};

/// Streams that are all alike share the machine evenly, which can be proved without a solver. At the rate t that all
/// can have, some resources are full. Were y picoseconds of each of those worth a byte (y = 1 / the least that a
/// stream's byte takes of all of them together), no set of rates could be worth more than all of their time (weak
/// duality).
Sandwich evenly(const Program& program) {
    const double worth = program.worth.front();
    double rate = *std::min_element(program.most.begin(), program.most.end());
    double sum_of_limits = 0;
    for (const double most : program.most) {
        sum_of_limits += most;
    }
    std::vector<std::pair<double, const std::vector<std::pair<int, double>>*>> loads; // of a byte of each
    for (const auto& [resource, uses] : program.rows) {
        double load = 0;
        for (const auto& [column, picoseconds] : uses) {
            load += picoseconds;
        }
        loads.emplace_back(load, &uses);
        rate = std::min(rate, kPicosecondsPerSecond / load);
    }
    std::vector<double> takes(program.most.size()); // of the full resources, a byte of each stream
    double full = 0;
    for (const auto& [load, uses] : loads) {
        if (load * rate >= kPicosecondsPerSecond * (1 - kSame)) {
            ++full;
            for (const auto& [column, picoseconds] : *uses) {
                takes[static_cast<std::size_t>(column)] += picoseconds;
            }
        }
    }
    const double least = *std::min_element(takes.begin(), takes.end());
    const double by_resources = least > 0 ? full * kPicosecondsPerSecond / least : std::numeric_limits<double>::max();
    return {worth * rate * static_cast<double>(program.most.size()), worth * std::min(by_resources, sum_of_limits)};
}

double by_simplex(const Program& program) {
    glp_term_out(GLP_OFF);
    glp_prob* const problem = glp_create_prob();
    glp_set_obj_dir(problem, GLP_MAX);
    glp_add_cols(problem, static_cast<int>(program.most.size()));
    for (std::size_t i = 0; i < program.most.size(); ++i) {
        const int column = static_cast<int>(i) + 1;
        glp_set_obj_coef(problem, column, program.worth[i]);
        glp_set_col_bnds(problem, column, GLP_DB, 0, std::max(program.most[i] / kScale, 1e-9));
    }
    for (const auto& [resource, uses] : program.rows) {
        const int row = glp_add_rows(problem, 1);
        glp_set_row_bnds(problem, row, GLP_UP, 0, kPicosecondsPerSecond / kScale);
        std::vector<int> columns{0};
        std::vector<double> values{0};
        for (const auto& [column, picoseconds] : uses) {
            columns.push_back(column + 1);
            values.push_back(picoseconds);
        }
        glp_set_mat_row(problem, row, static_cast<int>(uses.size()), columns.data(), values.data());
    }
    glp_simplex(problem, nullptr);
    const double total = glp_get_obj_val(problem) * kScale;
    glp_delete_prob(problem);
    glp_free_env();
    return total;
}

} // namespace

double joint_bound(const std::vector<const PlannedStream*>& streams, const std::vector<const StreamBound*>& bounds) {
    const Program program = program_of(streams, bounds);
    const bool alike = std::all_of(program.worth.begin(), program.worth.end(),
                                   [&](double worth) { return worth == program.worth.front(); });
    if (alike && streams.size() > kFewStreams) {
        const Sandwich found = evenly(program);
        if (found.proved <= found.reached * (1 + kSame) || program.entries > kEntriesMax) {
            return found.proved;
        }
    }
    return by_simplex(program);
}

} // namespace sim
