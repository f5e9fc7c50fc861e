#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/work.h"

namespace sim {

/// A trace of accesses: who read or wrote what, and when (docs/workloads.md). Held is what describes it; its lines are
/// read again while it is replayed, so its length costs no memory.
struct Trace {
    std::string file;
    std::map<std::string, WorkGraph::Index> paths; ///< "hopper0.sm read grace0.egm": path of the work's graph
    std::uint64_t accesses = 0;
    models::Picoseconds last = 0; ///< time of the last one
    unsigned in_flight = 256;     ///< accesses of one initiator under way at most
};

/// One access of a trace.
struct TraceLine {
    models::Picoseconds time = 0; ///< after the start
    std::string initiator, op, memory;
    std::uint64_t offset = 0, bytes = 0;
    int number = 0; ///< of the line in the file, from 1

    std::string path() const { return initiator + " " + op + " " + memory; }
};

/// Reads a trace line by line, in constant memory.
class TraceReader {
public:
    /// Reads the header; what is wrong with it, or that there is no such file, goes to `diagnostics`.
    TraceReader(const std::string& file, Diagnostics& diagnostics);

    /// The next access; lines with faults, which go to `diagnostics`, are left out. False at the end, after a faulty
    /// header, and after `kTraceFaultsMax` faults.
    bool next(TraceLine& line);

private:
    bool read_line();
    void split();
    void read_header();
    bool parse(TraceLine& line);
    bool number(std::size_t column, const char* name, std::uint64_t min, std::uint64_t max, std::uint64_t& into);
    bool time(std::uint64_t& into);
    void error(const std::string& message, const std::string& suggestion = {});

    const std::string file_;
    Diagnostics& diagnostics_;
    std::ifstream input_;
    std::string text_;
    std::vector<std::string> cells_;
    std::map<std::string, std::size_t> columns_;
    models::Picoseconds unit_ = 0; ///< of the time column; 0: the header is faulty
    models::Picoseconds last_ = 0;
    int number_ = 0;
    unsigned faults_ = 0;
};

/// After so many faults the rest of a trace is not looked at.
constexpr unsigned kTraceFaultsMax = 100;

} // namespace sim
