#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "sim/report_text.h"
#include "sim/sweep_knees.h"
#include "sim/sweep_report.h"
#include "sim/text_plot.h"

namespace sim {
namespace {

constexpr std::size_t kLinesInPlot = 8;
constexpr std::size_t kPlots = 4;
constexpr std::size_t kHeaderWidth = 16;

/// How the numbers of a column are written: one unit and one number of decimals for all.
struct ColumnStyle {
    std::string unit;
    double scale = 1; ///< of a number in the table
    int decimals = 0;

    std::string text(double number) const { return fmt::format("{:.{}f}", number / scale, decimals); }
    std::string with_unit(double number) const { return text(number) + (unit.empty() ? "" : " " + unit); }
    /// A difference, with its sign.
    std::string change(double number) const { return (number < 0 ? "" : "+") + with_unit(number); }
};

struct Larger {
    std::string_view of, unit;
    double factor;
};
constexpr std::array<Larger, 7> kLarger{{{"ns", "us", 1e3},
                                         {"ns", "ms", 1e6},
                                         {"ns", "s", 1e9},
                                         {"GB/s", "TB/s", 1e3},
                                         {"B", "KiB", 1024},
                                         {"B", "MiB", 1048576},
                                         {"B", "GiB", 1073741824}}};

ColumnStyle style_of(const SweepResult& result, std::size_t column) {
    ColumnStyle style;
    style.unit = result.unit(column);
    double most = 0;
    for (const SweepPoint& point : result.points) {
        if (point.shown[column] && point.shown[column]->number) {
            most = std::max(most, std::abs(*point.shown[column]->number));
        }
    }
    const std::string unit = style.unit;
    for (const Larger& larger : kLarger) {
        if (larger.of == unit && most >= 2 * larger.factor) {
            style.unit = larger.unit;
            style.scale = larger.factor;
        }
    }
    for (double shown = most / style.scale; shown < 1000 && style.decimals < 4 && most > 0; shown *= 10) {
        style.decimals += shown < 999.95; // four digits of the largest
    }
    return style;
}

std::string cell(const SweepPoint& point, std::size_t column, const ColumnStyle& style) {
    const auto& figure = point.shown[column];
    return !figure ? "-" : figure->number ? style.text(*figure->number) : figure->text;
}

/// `text` in lines of at most `kHeaderWidth` characters where blanks and slashes allow it.
std::vector<std::string> folded(const std::string& text) {
    std::vector<std::string> lines(1);
    for (std::size_t begin = 0; begin < text.size();) {
        const bool is_unit = text[begin] == '[';
        const std::size_t end = is_unit ? text.size() : std::min(text.find_first_of(" /", begin), text.size() - 1) + 1;
        const std::string word = text.substr(begin, end - begin);
        const std::size_t shown = word.size() - (word.back() == ' ');
        if (!lines.back().empty() && lines.back().size() + shown > kHeaderWidth) {
            lines.emplace_back();
        }
        lines.back() += word;
        begin = end;
    }
    for (std::string& line : lines) {
        line.erase(line.find_last_not_of(' ') + 1);
    }
    return lines;
}

/// Columns of text, as wide as their widest cell; the first `left` are flush left.
std::string table(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += (i > 0 ? "  " : "") +
                    (i < left ? fmt::format("{:<{}}", row[i], widths[i]) : fmt::format("{:>{}}", row[i], widths[i]));
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    }
    return out;
}

class Text {
public:
    explicit Text(const SweepResult& result) : result_(result), plan_(result.request->plan) {
        for (std::size_t column = 0; column < result.columns.size(); ++column) {
            styles_.push_back(style_of(result, column));
        }
    }

    std::string points() const {
        std::vector<std::vector<std::string>> rows = header();
        std::string reasons;
        for (const SweepPoint& point : result_.points) {
            std::vector<std::string> row = labels(point);
            const bool any = std::any_of(point.shown.begin(), point.shown.end(), [](const auto& one) { return one; });
            for (std::size_t column = 0; any && column < result_.columns.size(); ++column) {
                row.push_back(cell(point, column, styles_[column]));
            }
            if (!point.failed.empty()) {
                row.push_back(point.interrupted ? "interrupted" : "failed");
                if (!point.interrupted) {
                    reasons += "  " + at(point) + ": " + point.failed + "\n";
                }
            }
            rows.push_back(std::move(row));
        }
        return table(rows, plan_.axes.size()) + (reasons.empty() ? "" : "failed:\n" + reasons);
    }

    /// A plot of each figure that the knee is about, or else of the first few, where two points at least have it.
    std::string plots() const {
        std::string out;
        const std::vector<SweepLine> lines = sweep_lines(plan_);
        if (lines.size() > kLinesInPlot) {
            return fmt::format("\nNo plot: {} lines are too many to tell apart; see the table, --csv or --json.\n",
                               lines.size());
        }
        std::size_t drawn = 0;
        for (std::size_t column = 0; column < result_.columns.size() && drawn < kPlots; ++column) {
            if (plan_.knee && result_.columns[column] != plan_.knee->of &&
                result_.columns[column] != plan_.knee->against) {
                continue;
            }
            TextPlot plot;
            plot.title = titled(column);
            plot.x_title = short_name(plan_.axes.front());
            std::size_t most = 0;
            for (const SweepLine& line : lines) {
                plot.lines.push_back({line.name, dots(line, column), !plan_.axes.front().path.empty()});
                most = std::max(most, plot.lines.back().points.size());
            }
            if (most < 2) {
                continue;
            }
            const SweepAxis& axis = plan_.axes.front();
            for (std::size_t i = 0; i < axis.values.size(); ++i) {
                plot.ticks.push_back({place_on_line(axis, i), axis.values[i].label});
            }
            if (result_.knees.size() == 1 && result_.knees[0].answer.knee) {
                plot.knee = place_on_line(axis, knee_point(result_.knees[0]).place.front());
            }
            out += "\n" + plot.draw();
            ++drawn;
        }
        return out;
    }

    std::string knees() const {
        std::string out;
        const std::vector<SweepLine> lines = sweep_lines(plan_);
        for (std::size_t i = 0; i < result_.knees.size(); ++i) {
            out += "\n" + knee(result_.knees[i], lines[i].name);
        }
        return out;
    }

private:
    /// The names of the columns, each over as many lines as it needs; the last ones stand on the table.
    std::vector<std::vector<std::string>> header() const {
        std::vector<std::vector<std::string>> columns;
        std::size_t height = 0;
        for (const SweepAxis& axis : plan_.axes) {
            columns.push_back(folded(short_name(axis)));
        }
        for (std::size_t column = 0; column < result_.columns.size(); ++column) {
            columns.push_back(folded(titled(column)));
        }
        for (const auto& column : columns) {
            height = std::max(height, column.size());
        }
        std::vector<std::vector<std::string>> rows(height, std::vector<std::string>(columns.size()));
        for (std::size_t column = 0; column < columns.size(); ++column) {
            const std::size_t above = height - columns[column].size();
            for (std::size_t i = 0; i < columns[column].size(); ++i) {
                rows[above + i][column] = columns[column][i];
            }
        }
        return rows;
    }

    std::string titled(std::size_t column) const {
        const std::string& unit = styles_[column].unit;
        return result_.columns[column] + (unit.empty() ? "" : " [" + unit + "]");
    }

    std::vector<std::string> labels(const SweepPoint& point) const {
        std::vector<std::string> all;
        for (std::size_t axis = 0; axis < plan_.axes.size(); ++axis) {
            all.push_back(plan_.axes[axis].values[point.place[axis]].label);
        }
        return all;
    }

    std::string at(const SweepPoint& point) const {
        std::string text;
        const auto values = labels(point);
        for (std::size_t axis = 0; axis < values.size(); ++axis) {
            text += (axis > 0 ? ", " : "") + short_name(plan_.axes[axis]) + " " + values[axis];
        }
        return text;
    }

    std::vector<std::pair<double, double>> dots(const SweepLine& line, std::size_t column) const {
        std::vector<std::pair<double, double>> dots;
        for (const std::size_t i : line.points) {
            const SweepPoint& point = result_.points[i];
            if (point.shown[column] && point.shown[column]->number) {
                dots.emplace_back(place_on_line(plan_.axes.front(), point.place.front()),
                                  *point.shown[column]->number / styles_[column].scale);
            }
        }
        return dots;
    }

    const SweepPoint& knee_point(const SweepKnee& knee) const {
        return result_.points[knee.points[knee.answer.knee->at]];
    }

    std::string label(std::size_t point) const {
        return plan_.axes.front().values[result_.points[point].place.front()].label;
    }

    /// Where it is, and what either side of it costs and gives.
    std::string knee(const SweepKnee& knee, const std::string& line) const {
        const KneeQuestion& question = *plan_.knee;
        const std::string what = (line.empty() ? "" : line + ": ") + question.of +
                                 (question.against.empty() ? " over the axis" : " against " + question.against);
        if (!knee.answer.knee) {
            return fmt::format("No knee of {}: {}.\n", what, knee.answer.why_none);
        }
        const std::size_t bend = knee.answer.knee->at, last = knee.points.size() - 1;
        std::string out =
            fmt::format("Knee of {}: at {} {}, {:.2f} from the chord.\n", what, short_name(plan_.axes.front()),
                        label(knee.points[bend]), knee.answer.knee->distance);
        out += side(knee, 0, bend);
        out += side(knee, bend, last);
        return out;
    }

    std::string side(const SweepKnee& knee, std::size_t from, std::size_t to) const {
        const KneeQuestion& question = *plan_.knee;
        const auto share = [&](const std::vector<double>& values) {
            return (values[to] - values[from]) / (values.back() - values.front()) * 100;
        };
        std::string out = fmt::format(
            "  from {} to {}: {} {} ({:.0f} % of its range)", label(knee.points[from]), label(knee.points[to]),
            question.of, styles_[result_.column(question.of)].change(knee.y[to] - knee.y[from]), share(knee.y));
        if (question.against.empty()) {
            return out + fmt::format(" in {:.0f} % of the axis\n", share(knee.x));
        }
        return out + fmt::format(" for {} {} ({:.0f} %)\n", question.against,
                                 styles_[result_.column(question.against)].change(knee.x[to] - knee.x[from]),
                                 share(knee.x));
    }

    const SweepResult& result_;
    const SweepPlan& plan_;
    std::vector<ColumnStyle> styles_;
};

} // namespace

std::string sweep_text(const SweepResult& result, bool plots) {
    const Fidelity fidelity = result.request->fidelity;
    std::string out = fmt::format(
        "{} on {}: {} points (seed {}{})\n", result.scenario, result.machine, result.points.size(), result.seed,
        fidelity == Fidelity::kTransaction ? "" : std::string("; fidelity ") + to_string(fidelity));
    if (!result.description.empty()) {
        out += result.description + "\n";
    }
    const Text text(result);
    out += "\n" + text.points();
    if (plots) {
        out += text.plots();
    }
    out += text.knees();
    if (result.interrupted) {
        out += "\nInterrupted: the points above are what was known until then.\n";
    }
    return out;
}

} // namespace sim
