#include "sim/validate/plot.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/validate/report.h"

namespace sim::validate {
namespace {

constexpr double kPanel = 420;          ///< side of a panel
constexpr double kLeft = 70, kTop = 60; ///< of the first panel
constexpr double kGap = 90;             ///< between panels
constexpr double kLegendLine = 20;
constexpr double kBand = 1.1; ///< of the shaded band
constexpr const char* kFont = "font-family=\"Helvetica, Arial, sans-serif\"";

/// Okabe and Ito's colours, which people who see few colours tell apart; black last.
const std::vector<std::string>& colours() {
    static const std::vector<std::string> all = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#8C6D1F", "#000000"};
    return all;
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
    }
    return out;
}

/// A mark of the n-th system at a place: eight colours, then the next shape.
std::string mark(std::size_t system, double x, double y, const std::string& title) {
    const std::string& colour = colours()[system % colours().size()];
    const std::string style =
        fmt::format("fill=\"{}\" fill-opacity=\"0.75\" stroke=\"{}\" stroke-width=\"0.6\"", colour, colour);
    const std::string tip = title.empty() ? "/>" : fmt::format("><title>{}</title>", escaped(title));
    const double r = 4;
    switch ((system / colours().size() + system) % 4) {
    case 0:
        return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" {}{}{}\n", x, y, r, style, tip,
                           title.empty() ? "" : "</circle>");
    case 1:
        return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" {}{}{}\n", x - r + 0.5,
                           y - r + 0.5, 2 * r - 1, 2 * r - 1, style, tip, title.empty() ? "" : "</rect>");
    case 2:
        return fmt::format("<path d=\"M{:.1f} {:.1f} l{} {} h{} z\" {}{}{}\n", x, y - r, r, 2 * r - 1, -2 * r, style,
                           tip, title.empty() ? "" : "</path>");
    default:
        return fmt::format("<path d=\"M{:.1f} {:.1f} l{} {} l{} {} l{} {} z\" {}{}{}\n", x, y - r - 0.5, r + 0.5,
                           r + 0.5, -r - 0.5, r + 0.5, -r - 0.5, -r - 0.5, style, tip, title.empty() ? "" : "</path>");
    }
}

std::string text(double x, double y, const std::string& what, const std::string& anchor, double size,
                 const std::string& more = {}) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" font-size=\"{}\" {}{}>{}</text>\n", x, y,
                       anchor, size, kFont, more, escaped(what));
}

class Panel {
public:
    Panel(const RowRun& run, const std::vector<std::string>& systems, MetricClass metric_class, double left)
        : systems_(systems), left_(left), scale_(metric_class == MetricClass::kLatency ? 1e3 : 1e9),
          unit_(metric_class == MetricClass::kLatency ? "ns" : "GB/s") {
        for (const RowResult* row : rows_of(run.rows, metric_class)) {
            if (row->status == RowResult::Status::kCompared) {
                rows_.push_back(row);
            }
        }
        double least = 1e300, most = 0;
        for (const RowResult* row : rows_) {
            least = std::min({least, row->row.value / scale_, row->predicted / scale_});
            most = std::max({most, row->row.value / scale_, row->predicted / scale_});
        }
        if (!rows_.empty()) {
            low_ = std::floor(std::log10(least));
            high_ = std::max(std::ceil(std::log10(most)), low_ + 1);
        }
    }

    std::string draw(const std::string& name) const {
        std::string out = text(left_ + kPanel / 2, kTop - 14, name, "middle", 14, " font-weight=\"bold\"");
        out +=
            fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#444\"/>\n",
                        left_, kTop, kPanel, kPanel);
        out += grid();
        out += band();
        for (const RowResult* row : rows_) {
            const std::size_t system = static_cast<std::size_t>(
                std::find(systems_.begin(), systems_.end(), row->row.text(kSystem)) - systems_.begin());
            out += mark(system, x(row->row.value / scale_), y(row->predicted / scale_),
                        fmt::format("{} {}: {}, measured {}, predicted {} ({})", row->row.id(),
                                    row->row.text(kOperation), path_of(row->row), in_row_unit(row->row, row->row.value),
                                    in_row_unit(row->row, row->predicted), in_percent(row->error())));
        }
        out += text(left_ + kPanel / 2, kTop + kPanel + 38, fmt::format("measured, {}", unit_), "middle", 12);
        out += text(left_ - 48, kTop + kPanel / 2, fmt::format("predicted, {}", unit_), "middle", 12,
                    fmt::format(" transform=\"rotate(-90 {:.1f} {:.1f})\"", left_ - 48, kTop + kPanel / 2));
        return out;
    }

private:
    double place(double value) const { return (std::log10(value) - low_) / (high_ - low_) * kPanel; }
    double x(double value) const { return left_ + place(value); }
    double y(double value) const { return kTop + kPanel - place(value); }

    std::string grid() const {
        std::string out;
        for (double decade = low_; decade <= high_; ++decade) {
            const double value = std::pow(10, decade);
            const std::string label =
                decade >= 0 && decade <= 5 ? fmt::format("{:.0f}", value) : fmt::format("{:g}", value);
            out += text(x(value), kTop + kPanel + 18, label, "middle", 11);
            out += text(left_ - 8, y(value) + 4, label, "end", 11);
            for (int digit = 1; digit < 10 && decade < high_; ++digit) {
                const double at = value * digit;
                const char* colour = digit == 1 ? "#ccc" : "#eee";
                out += fmt::format("<path d=\"M{0:.1f} {1:.1f} v{2} M{3:.1f} {4:.1f} h{2}\" stroke=\"{5}\" "
                                   "stroke-width=\"0.7\" fill=\"none\"/>\n",
                                   x(at), kTop, kPanel, left_, y(at), colour);
            }
        }
        return out;
    }

    std::string band() const {
        const double shift = std::log10(kBand) / (high_ - low_) * kPanel;
        const double right = left_ + kPanel, bottom = kTop + kPanel;
        return fmt::format("<path d=\"M{:.1f} {:.1f} L{:.1f} {:.1f} H{:.1f} V{:.1f} L{:.1f} {:.1f} H{:.1f} z\" "
                           "fill=\"#0072B2\" fill-opacity=\"0.08\"/>\n"
                           "<path d=\"M{:.1f} {:.1f} L{:.1f} {:.1f}\" stroke=\"#666\" stroke-dasharray=\"4 3\"/>\n",
                           left_, bottom - shift, right - shift, kTop, right, kTop + shift, left_ + shift, bottom,
                           left_, left_, bottom, right, kTop);
    }

    std::vector<const RowResult*> rows_;
    const std::vector<std::string>& systems_;
    double left_, scale_;
    std::string unit_;
    double low_ = 0, high_ = 1;
};

} // namespace

std::string plot_svg(const RowRun& run, const std::string& title) {
    std::vector<std::string> systems;
    for (const RowResult& row : run.rows) {
        if (row.status == RowResult::Status::kCompared &&
            std::find(systems.begin(), systems.end(), row.row.text(kSystem)) == systems.end()) {
            systems.push_back(row.row.text(kSystem));
        }
    }
    const std::size_t lines = (systems.size() + 1) / 2;
    const double width = kLeft + 2 * kPanel + kGap + 30;
    const double legend = kTop + kPanel + 70;
    const double height = legend + static_cast<double>(lines) * kLegendLine + 30;
    std::string out =
        fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 "
                    "{0:.0f} {1:.0f}\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
                    width, height);
    out += text(width / 2, 24, title, "middle", 16);
    const auto name = [&](const char* what, MetricClass metric_class) {
        const Accuracy all = accuracy(rows_of(run.rows, metric_class));
        return fmt::format("{}: {} rows, mean {:.1f} %, median {:.1f} %", what, all.rows, all.mean_abs_error * 100,
                           all.median_abs_error * 100);
    };
    out += Panel(run, systems, MetricClass::kBandwidth, kLeft).draw(name("Bandwidth", MetricClass::kBandwidth));
    out +=
        Panel(run, systems, MetricClass::kLatency, kLeft + kPanel + kGap).draw(name("Latency", MetricClass::kLatency));
    for (std::size_t i = 0; i < systems.size(); ++i) {
        std::vector<const RowResult*> rows;
        for (const RowResult& row : run.rows) {
            if (row.row.text(kSystem) == systems[i]) {
                rows.push_back(&row);
            }
        }
        const Accuracy all = accuracy(rows);
        const double x = kLeft + static_cast<double>(i / lines) * (kPanel + kGap);
        const double y = legend + static_cast<double>(i % lines) * kLegendLine;
        out += mark(i, x, y, "");
        out += text(x + 12, y + 4,
                    fmt::format("{}: {} rows, mean error {:.1f} %", systems[i], all.rows, all.mean_abs_error * 100),
                    "start", 12);
    }
    out += text(kLeft, height - 12, "shaded: within 10 %", "start", 11, " fill=\"#555\"");
    return out + "</svg>\n";
}

} // namespace sim::validate
