#include "sim/validate/csv.h"

#include <fmt/format.h>

namespace sim::validate {
namespace {

class CsvReader {
public:
    CsvReader(const std::string& text, const std::string& file, Diagnostics& diagnostics)
        : text_(text), diagnostics_(diagnostics) {
        at_.file = file;
        at_.line = 1;
        at_.column = 1;
        if (text_.rfind("\xEF\xBB\xBF", 0) == 0) {
            next_ = 3;
        }
    }

    std::vector<CsvRow> read() {
        std::vector<CsvRow> rows;
        while (!at_end()) {
            if (peek() == '\n' || peek() == '\r') {
                take();
            } else if (peek() == '#') {
                skip_line();
            } else {
                CsvRow row;
                good_ = true;
                read_row(row);
                if (good_) {
                    rows.push_back(std::move(row));
                }
            }
        }
        return rows;
    }

private:
    bool at_end() const { return next_ >= text_.size(); }
    char peek() const { return at_end() ? '\n' : text_[next_]; }
    char take() {
        const char c = text_[next_++];
        if (c == '\n') {
            ++at_.line;
            at_.column = 1;
        } else {
            ++at_.column;
        }
        return c;
    }
    void skip_line() {
        while (!at_end() && peek() != '\n') {
            take();
        }
    }

    void read_row(CsvRow& row) {
        while (true) {
            CsvCell cell{{}, at_};
            if (!at_end() && peek() == '"') {
                read_quoted(cell);
            } else {
                read_plain(cell);
            }
            row.push_back(std::move(cell));
            if (at_end() || peek() != ',') {
                break;
            }
            take();
        }
        if (!at_end() && peek() == '\r') {
            take();
        }
        if (!at_end() && peek() != '\n') {
            fault(at_, "text behind the closing quote of a cell", "write a quote inside a cell twice: \"\"");
        }
        skip_line();
        if (!at_end()) {
            take();
        }
    }

    void read_plain(CsvCell& cell) {
        while (!at_end() && peek() != ',' && peek() != '\n' && peek() != '\r') {
            if (peek() == '"') {
                fault(at_, "a quote inside a cell that does not begin with one",
                      "put the whole cell in quotes, and write the quote twice: \"\"");
                skip_line();
                return;
            }
            cell.text += take();
        }
    }

    void read_quoted(CsvCell& cell) {
        take();
        while (!at_end()) {
            const char c = take();
            if (c != '"') {
                cell.text += c;
            } else if (!at_end() && peek() == '"') {
                cell.text += take();
            } else {
                return;
            }
        }
        fault(cell.where, "a quote that is never closed", "close the cell with a quote");
    }

    void fault(const Location& where, const std::string& message, const std::string& suggestion) {
        if (good_) {
            diagnostics_.error(where, message, suggestion);
        }
        good_ = false;
    }

    const std::string& text_;
    Diagnostics& diagnostics_;
    Location at_;
    std::size_t next_ = 0;
    bool good_ = true;
};

} // namespace

std::vector<CsvRow> parse_csv(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
    return CsvReader(text, file, diagnostics).read();
}

std::string csv_cell(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos && text.rfind('#', 0) != 0) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

} // namespace sim::validate
