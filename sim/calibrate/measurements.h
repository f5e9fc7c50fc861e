#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/topology.h"

namespace sim::calibrate {

/// One measured figure.
struct Measurement {
    std::string id;   ///< "CAL-021", "device_to_device_memcpy_read_ce"
    std::string what; ///< for people
    double value = 0; ///< bytes a second, or picoseconds
    bool is_latency = false;
    std::string unusable; ///< why the model has no figure for it; else empty
    std::size_t twin = 0; ///< the first measurement of the same: one prediction is enough for both
};

/// Measured figures, and what the model says of them on a machine.
class Measurements {
public:
    virtual ~Measurements() = default;

    const std::vector<Measurement>& all() const { return all_; }

    /// Predictions of `rows` with `overrides` of the machine, in the unit of the measurement; 0 where there is none,
    /// and then `why` says why if it is given. Runs simulations: to be called in a child process, once.
    virtual std::vector<double> predict(const std::vector<std::size_t>& rows, const std::vector<std::string>& overrides,
                                        std::vector<std::string>* why) const = 0;

    /// Rows that one process should work out, at most.
    virtual std::size_t chunk() const = 0;

protected:
    std::vector<Measurement> all_;
};

/// Where measurements come from and which machine they are of.
struct MeasurementSource {
    std::string file;
    std::string machine;              ///< name or path of a topology
    std::vector<std::string> systems; ///< CSV: rows of these systems only; empty = all, which must be of one
    const Topology* topology = nullptr;
};

/// Rows of a CSV file with the columns of docs/validation.md. nullptr after an error; rows that are not understood are
/// errors, with their line and column, and rows that the models cannot express are marked.
std::unique_ptr<Measurements> read_csv_measurements(const MeasurementSource& source, const SearchPath& search,
                                                    Diagnostics& diagnostics);

/// What nvbandwidth writes with `-j`: each matrix of a test case is one figure, the mean of its cells. nullptr after an
/// error.
std::unique_ptr<Measurements> read_nvbandwidth_measurements(const MeasurementSource& source, const SearchPath& search,
                                                            Diagnostics& diagnostics);

} // namespace sim::calibrate
