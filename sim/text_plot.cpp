#include "sim/text_plot.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace sim {
namespace {

constexpr std::array kMarks{"●", "○", "▲", "△", "■", "□", "◆", "◇"};
constexpr unsigned kDotsWide = 2, kDotsHigh = 4; ///< of a braille character

constexpr double kLeastRange = 0.05; ///< of y, in shares of its largest value

/// A field of braille dots, over some of whose characters marks are set.
class Canvas {
public:
    Canvas(unsigned columns, unsigned rows)
        : columns_(columns), rows_(rows), dots_(static_cast<std::size_t>(columns) * rows),
          marks_(dots_.size(), nullptr) {}

    int wide() const { return static_cast<int>(columns_ * kDotsWide); }
    int high() const { return static_cast<int>(rows_ * kDotsHigh); }

    /// Bresenham's line. From below upwards, from the left to the right.
    void line(int x0, int y0, int x1, int y1) {
        const int dx = std::abs(x1 - x0), dy = -std::abs(y1 - y0);
        const int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
        int error = dx + dy;
        for (;;) {
            dot(x0, y0);
            if (x0 == x1 && y0 == y1) {
                return;
            }
            const int twice = 2 * error;
            if (twice >= dy) {
                error += dy;
                x0 += step_x;
            }
            if (twice <= dx) {
                error += dx;
                y0 += step_y;
            }
        }
    }

    void mark(int x, int y, const char* sign) { marks_[place(x, y)] = sign; }

    std::string row(unsigned row) const {
        std::string text;
        for (unsigned column = 0; column < columns_; ++column) {
            const std::size_t i = static_cast<std::size_t>(row) * columns_ + column;
            if (marks_[i] != nullptr) {
                text += marks_[i];
            } else if (dots_[i] == 0) {
                text += ' ';
            } else { // U+2800 + dots, in UTF-8
                text += '\xE2';
                text += static_cast<char>(0xA0 | dots_[i] >> 6);
                text += static_cast<char>(0x80 | (dots_[i] & 0x3F));
            }
        }
        return text;
    }

private:
    std::size_t place(int x, int y) const {
        assert(x >= 0 && x < wide() && y >= 0 && y < high());
        const unsigned row = (static_cast<unsigned>(high() - 1 - y)) / kDotsHigh;
        return static_cast<std::size_t>(row) * columns_ + static_cast<unsigned>(x) / kDotsWide;
    }
    void dot(int x, int y) {
        // Bits of the dots of a character, by column and by row from above.
        static constexpr unsigned char kBits[kDotsWide][kDotsHigh] = {{0x01, 0x02, 0x04, 0x40},
                                                                      {0x08, 0x10, 0x20, 0x80}};
        dots_[place(x, y)] |= kBits[x % 2][(high() - 1 - y) % 4];
    }

    unsigned columns_, rows_;
    std::vector<unsigned char> dots_;
    std::vector<const char*> marks_;
};

/// A range of values, and where they lie on a row of dots.
struct Range {
    double low, high;

    int dot(double value, int dots) const {
        const double share = (value - low) / (high - low);
        return std::clamp(static_cast<int>(std::lround(share * (dots - 1))), 0, dots - 1);
    }
};

Range range_of(const std::vector<TextPlot::Line>& lines, bool of_y) {
    Range range{0, 0};
    bool first = true;
    for (const TextPlot::Line& line : lines) {
        for (const auto& [x, y] : line.points) {
            const double value = of_y ? y : x;
            range = {first ? value : std::min(range.low, value), first ? value : std::max(range.high, value)};
            first = false;
        }
    }
    if (of_y && range.low > 0 && range.low < range.high / 2) { // seen from nothing, unless all lies far above it
        range.low = 0;
    }
    const double size = std::max(std::abs(range.low), std::abs(range.high));
    const double least = of_y ? size * kLeastRange : 0;
    if (!(range.high - range.low > least)) { // one value, or a difference that nobody should see as large
        const double room = size == 0 ? 1 : size * kLeastRange;
        range = {range.low - room, range.high + room};
    }
    return range;
}

std::size_t width(const std::string& utf8) {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// Labels below their places, from the left, without overlap; the last one before those between.
std::string label_row(std::vector<std::pair<std::size_t, std::string>> labels, std::size_t columns) {
    std::string row;
    std::size_t used = 0; // in characters
    const auto begin_of = [&](const std::pair<std::size_t, std::string>& label) {
        const std::size_t half = width(label.second) / 2;
        return label.first > half ? label.first - half : 0;
    };
    const std::size_t last_begin = labels.empty() ? 0 : begin_of(labels.back());
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const std::size_t begin = begin_of(labels[i]), end = begin + width(labels[i].second);
        const bool last = i + 1 == labels.size();
        if ((used > 0 && begin < used + 1) || (!last && i > 0 && end + 1 > last_begin) ||
            (!last && end > columns + 8)) {
            continue;
        }
        row += std::string(begin - used, ' ') + labels[i].second;
        used = end;
    }
    return row;
}

} // namespace

std::vector<double> round_numbers(double low, double high, unsigned count) {
    assert(low < high && count >= 2);
    double step = 1;
    while (step * count < high - low) {
        step *= 10;
    }
    while (step / 10 * count >= high - low) {
        step /= 10;
    }
    for (const double part : {5., 2.}) {
        if (step / part * count >= high - low) {
            step /= part;
            break;
        }
    }
    std::vector<double> numbers;
    for (double at = std::ceil(low / step - 1e-9); at * step <= high + step * 1e-9; ++at) {
        numbers.push_back(at * step + 0.0); // no negative zero
    }
    return numbers;
}

std::string TextPlot::draw() const {
    assert(columns >= 2 && rows >= 2);
    const bool empty = std::all_of(lines.begin(), lines.end(), [](const Line& line) { return line.points.empty(); });
    if (empty) {
        return "";
    }
    const Range x = range_of(lines, false), y = range_of(lines, true);
    Canvas canvas(columns, rows);
    for (const Line& line : lines) {
        for (std::size_t i = 1; line.joined && i < line.points.size(); ++i) {
            canvas.line(x.dot(line.points[i - 1].first, canvas.wide()), y.dot(line.points[i - 1].second, canvas.high()),
                        x.dot(line.points[i].first, canvas.wide()), y.dot(line.points[i].second, canvas.high()));
        }
    }
    for (std::size_t i = lines.size(); i-- > 0;) { // the first line's marks lie on top
        for (const auto& [at, value] : lines[i].points) {
            canvas.mark(x.dot(at, canvas.wide()), y.dot(value, canvas.high()), kMarks[i % kMarks.size()]);
        }
    }
    std::vector<std::string> y_labels(rows);
    std::size_t label_width = 0;
    for (const double number : round_numbers(y.low, y.high, std::max(2u, rows / 2))) {
        const auto dot = static_cast<unsigned>(y.dot(number, canvas.high()));
        const unsigned row = rows - 1 - dot / kDotsHigh;
        y_labels[row] = fmt::format("{:.6g}", number);
        label_width = std::max(label_width, y_labels[row].size());
    }
    std::string out = title + "\n";
    for (unsigned row = 0; row < rows; ++row) {
        std::string text = fmt::format("  {:>{}} {}", y_labels[row], label_width, y_labels[row].empty() ? "│" : "┤");
        text += canvas.row(row);
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    }
    const std::string margin(label_width + 3, ' ');
    const auto column = [&](double at) { return static_cast<std::size_t>(x.dot(at, canvas.wide())) / kDotsWide; };
    std::vector<std::string> rule(columns, "─");
    std::vector<std::pair<std::size_t, std::string>> labels;
    for (const Tick& tick : ticks) {
        if (tick.at >= x.low && tick.at <= x.high) {
            rule[column(tick.at)] = "┴";
            labels.emplace_back(column(tick.at) + 1, tick.label);
        }
    }
    out += margin + "└";
    for (const std::string& each : rule) {
        out += each;
    }
    out += "\n";
    if (!labels.empty()) {
        out += margin + label_row(std::move(labels), columns) + "\n";
    }
    if (knee && *knee >= x.low && *knee <= x.high) {
        out += margin + std::string(column(*knee) + 1, ' ') + "^ knee\n";
    }
    out += margin + " " + x_title + "\n";
    if (lines.size() > 1) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            out += fmt::format("{} {} {}\n", margin, kMarks[i % kMarks.size()], lines[i].name);
        }
    }
    return out;
}

} // namespace sim
