#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sim {

/// A plot of lines in a terminal: braille dots (Unicode 2800 to 28FF) for the lines, a mark for each point.
struct TextPlot {
    struct Line {
        std::string name;
        std::vector<std::pair<double, double>> points; ///< in rising order of x; none of them infinite
        bool joined = true;                            ///< false: marks only, for what has nothing between
    };
    struct Tick {
        double at;
        std::string label;
    };

    std::string title;       ///< with the unit of y
    std::string x_title;     ///< with its unit
    std::vector<Line> lines; ///< at most eight are told apart by their marks
    std::vector<Tick> ticks; ///< of x, in rising order; those for which there is no room are left out
    std::optional<double> knee;
    unsigned columns = 64, rows = 12; ///< of the field, in characters; at least 2

    /// Lines of text, each with its end; empty without a point.
    std::string draw() const;
};

/// Numbers for the labels of an axis from `low` to `high`: multiples of 1, 2 or 5 times a power of ten, at most `count`
/// of them. Preconditions: `low < high`, `count >= 2`.
std::vector<double> round_numbers(double low, double high, unsigned count);

} // namespace sim
