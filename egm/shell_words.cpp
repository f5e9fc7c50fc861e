#include "egm/shell_words.h"

namespace egm {
namespace {

class Cutter {
public:
    explicit Cutter(std::string_view script) : script_(script) {}

    std::vector<ShellWord> cut() {
        while (at_ < script_.size()) {
            const char c = script_[at_];
            if (c == '\\' && follows_newline(at_ + 1)) {
                step(script_[at_ + 1] == '\r' ? 3 : 2);
            } else if (c == '\n' || c == ';' || c == '|' || c == '&') {
                end_word();
                words_.push_back({.text = {}, .place = place_, .ends_command = true});
                step();
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\0') { // NUL: as in /proc/PID/cmdline
                end_word();
                step();
            } else if (c == '#' && !in_word_) {
                while (at_ < script_.size() && script_[at_] != '\n')
                    step();
            } else {
                begin_word();
                take();
            }
        }
        end_word();
        return std::move(words_);
    }

private:
    bool follows_newline(std::size_t at) const {
        return at < script_.size() &&
               (script_[at] == '\n' || (script_[at] == '\r' && at + 1 < script_.size() && script_[at + 1] == '\n'));
    }

    void step(std::size_t count = 1) {
        for (; count > 0 && at_ < script_.size(); --count, ++at_) {
            if (script_[at_] == '\n')
                place_ = {place_.line + 1, 1};
            else
                ++place_.column;
        }
    }

    void begin_word() {
        if (!in_word_)
            word_ = {.text = {}, .place = place_};
        in_word_ = true;
    }

    void end_word() {
        if (in_word_)
            words_.push_back(std::move(word_));
        in_word_ = false;
    }

    /// One character of a word, or one quoted piece.
    void take() {
        const char c = script_[at_];
        step();
        if (c == '\'' || c == '"') {
            take_quoted(c);
        } else if (c == '\\') {
            if (at_ < script_.size()) {
                word_.text += script_[at_];
                step();
            }
        } else {
            word_.text += c;
        }
    }

    void take_quoted(char quote) {
        while (at_ < script_.size() && script_[at_] != quote) {
            if (quote == '"' && script_[at_] == '\\' && at_ + 1 < script_.size()) {
                const char next = script_[at_ + 1];
                if (next == '\n') {
                    step(2);
                    continue;
                }
                if (next == '"' || next == '\\' || next == '$' || next == '`')
                    step();
            }
            word_.text += script_[at_];
            step();
        }
        step(); // the closing quote, if any
    }

    const std::string_view script_;
    std::size_t at_ = 0;
    TextPlace place_{1, 1};
    bool in_word_ = false;
    ShellWord word_;
    std::vector<ShellWord> words_;
};

} // namespace

std::vector<ShellWord> shell_words(std::string_view script) { return Cutter(script).cut(); }

} // namespace egm
