#include "sim/trace.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"

namespace sim {

namespace {

constexpr std::size_t kLineMax = 4096;
constexpr std::uint64_t kBytesMax = 1ull << 30; ///< of one access
constexpr std::uint64_t kOffsetMax = 1ull << 44;
constexpr std::uint64_t kTimeMax = 3'600'000'000'000'000; ///< an hour, in picoseconds
const std::vector<std::string> kColumns = {"time_ps", "time_ns", "time_us", "initiator",
                                           "op",      "memory",  "offset",  "bytes"};

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string::npos ? std::string() : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

} // namespace

TraceReader::TraceReader(const std::string& file, Diagnostics& diagnostics)
    : file_(file), diagnostics_(diagnostics), input_(file) {
    if (!input_) {
        diagnostics_.error({file_, 0, 0}, "cannot be read");
        return;
    }
    text_.reserve(kLineMax);
    read_header();
}

void TraceReader::error(const std::string& message, const std::string& suggestion) {
    diagnostics_.error({file_, number_, 1}, message, suggestion);
    if (++faults_ == kTraceFaultsMax) {
        diagnostics_.error({file_, number_, 1},
                           fmt::format("{} faults: the rest of the trace was not looked at", faults_));
    }
}

/// The next line that says something, without its end; a longer one than `kLineMax` is a fault, and passed over.
bool TraceReader::read_line() {
    while (faults_ < kTraceFaultsMax) {
        text_.clear();
        ++number_;
        int c = 0;
        bool too_long = false;
        while ((c = input_.get()) != std::ifstream::traits_type::eof() && c != '\n') {
            if (text_.size() < kLineMax) {
                text_.push_back(static_cast<char>(c));
            } else {
                too_long = true;
            }
        }
        if (too_long) {
            error(fmt::format("a line of more than {} characters", kLineMax));
            continue;
        }
        if (!text_.empty() && text_.back() == '\r') {
            text_.pop_back();
        }
        const std::string what = trimmed(text_);
        if (!what.empty() && what.front() != '#') {
            return true;
        }
        if (c == std::ifstream::traits_type::eof()) {
            return false;
        }
    }
    return false;
}

void TraceReader::split() {
    cells_.clear();
    std::size_t begin = 0;
    for (std::size_t comma = 0; comma != std::string::npos; begin = comma + 1) {
        comma = text_.find(',', begin);
        cells_.push_back(trimmed(text_.substr(begin, comma == std::string::npos ? comma : comma - begin)));
    }
}

void TraceReader::read_header() {
    if (!read_line()) {
        number_ = 1;
        error("is empty", "begin it with \"time_ns,initiator,op,memory,offset,bytes\"");
        return;
    }
    split();
    const unsigned before = faults_;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        if (std::find(kColumns.begin(), kColumns.end(), cells_[i]) == kColumns.end()) {
            error(fmt::format("no trace has a column {}", in_quotes(cells_[i])), suggest(cells_[i], kColumns));
        } else if (!columns_.emplace(cells_[i].starts_with("time_") ? "time" : cells_[i], i).second) {
            error(fmt::format("the column {} is there twice", in_quotes(cells_[i])));
        }
    }
    for (const char* column : {"time", "initiator", "op", "memory", "offset", "bytes"}) {
        if (columns_.count(column) == 0 && faults_ == before) {
            error(fmt::format("the header has no column \"{}{}\"", column, std::string(column) == "time" ? "_ns" : ""),
                  "begin the file with \"time_ns,initiator,op,memory,offset,bytes\"");
        }
    }
    if (faults_ == before) {
        const std::string& time = cells_[columns_["time"]];
        unit_ = time == "time_ps" ? 1 : time == "time_ns" ? 1'000 : 1'000'000;
    }
}

bool TraceReader::number(std::size_t column, const char* name, std::uint64_t min, std::uint64_t max,
                         std::uint64_t& into) {
    const std::string& cell = cells_[column];
    const auto [end, fault] = std::from_chars(cell.data(), cell.data() + cell.size(), into);
    if (cell.empty() || fault != std::errc{} || end != cell.data() + cell.size()) {
        error(fmt::format("{} {} is no whole number", name, in_quotes(cell)));
        return false;
    }
    if (into < min || into > max) {
        error(fmt::format("{} {} is too {}", name, cell, into < min ? "small" : "large"),
              fmt::format("{} to {}", min, max));
        return false;
    }
    return true;
}

/// A decimal number of the header's unit, exact to a picosecond.
bool TraceReader::time(std::uint64_t& into) {
    const std::string& cell = cells_[columns_["time"]];
    const std::size_t dot = cell.find('.');
    const std::string whole = cell.substr(0, dot);
    std::string rest = dot == std::string::npos ? std::string() : cell.substr(dot + 1);
    std::size_t digits = 0;
    for (models::Picoseconds unit = unit_; unit > 1; unit /= 10) {
        ++digits;
    }
    while (rest.size() > digits && rest.back() == '0') {
        rest.pop_back();
    }
    const bool plain = !whole.empty() && (whole + rest).find_first_not_of("0123456789") == std::string::npos;
    if (!plain || rest.size() > digits || whole.size() > 16) {
        error(fmt::format("time {} is no decimal number of so many places", in_quotes(cell)),
              "times are exact to a picosecond");
        return false;
    }
    rest.resize(digits, '0');
    into = std::stoull(whole) * unit_ + (rest.empty() ? 0 : std::stoull(rest));
    if (into > kTimeMax) {
        error(fmt::format("time {} is too large", cell), "an hour at most");
        return false;
    }
    return true;
}

bool TraceReader::parse(TraceLine& line) {
    split();
    line.number = number_;
    if (cells_.size() != columns_.size()) {
        error(fmt::format("has {} cells, its header {}", cells_.size(), columns_.size()));
        return false;
    }
    const unsigned before = faults_;
    line.initiator = cells_[columns_["initiator"]];
    line.op = cells_[columns_["op"]];
    line.memory = cells_[columns_["memory"]];
    number(columns_["offset"], "offset", 0, kOffsetMax, line.offset);
    number(columns_["bytes"], "bytes", 1, kBytesMax, line.bytes);
    if (line.op != "read" && line.op != "write") {
        error(fmt::format("op {} is not known", in_quotes(line.op)), "\"read\" or \"write\"");
    }
    if (time(line.time)) {
        if (line.time < last_) {
            error("its time is before that of the line before", "sort the trace by time");
        }
        last_ = std::max(last_, line.time);
    }
    return faults_ == before;
}

bool TraceReader::next(TraceLine& line) {
    while (unit_ != 0 && read_line()) {
        if (parse(line)) {
            return true;
        }
    }
    return false;
}

} // namespace sim
