#include "sim/validate/operation_words.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "sim/suggest.h"
#include "sim/validate/background_words.h"
#include "sim/validate/operation_phrases.h"

namespace sim::validate {
namespace {

using Kind = RowOperation::Kind;
using Direction = RowOperation::Direction;
using Counting = RowOperation::Counting;
using Shape = RowOperation::Shape;

/// "7b", "13b", "1.5b": the size of a model.
bool is_model_size(const std::string& word) {
    return word.size() > 1 && word.size() < 8 && word.back() == 'b' &&
           std::isdigit(static_cast<unsigned char>(word[0]));
}

std::string joined(const std::vector<std::string>& words, std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end && i < words.size(); ++i) {
        text += (text.empty() ? "" : " ") + words[i];
    }
    return text;
}

class OperationReader {
public:
    OperationReader(const std::string& text, OperationFault& fault) : words_(words_of(text)), fault_(fault) {}

    std::optional<RowOperation> read() {
        if (!split_background()) {
            return std::nullopt;
        }
        while (next_ < words_.size()) {
            if (!take_number() && !take_phrase() && !take_filler()) {
                return unknown();
            }
        }
        if (!finish()) {
            return std::nullopt;
        }
        return row_;
    }

private:
    /// Cuts off what begins with "with" or "while".
    bool split_background() {
        for (std::size_t i = 1; i < words_.size(); ++i) {
            const std::string& word = words_[i];
            const bool payload = i + 3 < words_.size() && words_[i + 2] == "b" && words_[i + 3] == "payloads";
            if ((word == "with" || word == "while" || word == "alongside" || word == "during") && !payload) {
                std::vector<std::string> one;
                std::vector<std::vector<std::string>> parts;
                for (std::size_t k = i + 1; k < words_.size(); ++k) {
                    if (words_[k] == "and" && !one.empty()) {
                        parts.push_back(std::move(one));
                        one.clear();
                    } else {
                        one.push_back(words_[k]);
                    }
                }
                parts.push_back(std::move(one));
                for (const auto& part : parts) {
                    const auto background = parse_background(part, fault_);
                    if (!background) {
                        return false;
                    }
                    row_.background.push_back(*background);
                }
                words_.resize(i);
                return true;
            }
        }
        return true;
    }

    const std::string& at(std::size_t ahead) const {
        static const std::string none;
        return next_ + ahead < words_.size() ? words_[next_ + ahead] : none;
    }

    bool take_number() {
        const std::string& word = at(0);
        const auto done = [&](std::size_t words) {
            next_ += words;
            return true;
        };
        if (word == "over" && at(1).find("..") != std::string::npos && (at(2) == "threads" || at(2) == "blocks")) {
            const auto dots = at(1).find("..");
            const std::string low = at(1).substr(0, dots), high = at(1).substr(dots + 2);
            if (!is_number(low) || !is_number(high) || to_number(low) == 0 || to_number(low) > to_number(high)) {
                return false;
            }
            row_.sweep = {to_number(low), to_number(high)};
            return done(3);
        }
        if (is_number(word) && (at(1) == "gpus" || at(1) == "devices" || at(1) == "sockets" || at(1) == "superchips")) {
            row_.initiators = to_number(word);
            return done(2);
        }
        if (word == "fan" && (at(1) == "in" || at(1) == "out") && is_number(at(2))) {
            set_fan(row_, at(1) == "in" ? Shape::kFanIn : Shape::kFanOut);
            row_.all_initiators = false;
            row_.fan = to_number(at(2));
            return done(3);
        }
        if ((word == "up" && at(1) == "to" && is_number(at(2)) && at(3) == "tokens") ||
            (is_number(word) && at(1) == "tokens")) {
            row_.tokens = to_number(is_number(word) ? word : at(2));
            return done(is_number(word) ? 2 : 4);
        }
        if (word == "batch" && at(1) == "1") {
            return done(2);
        }
        if (word.rfind("nvlink", 0) == 0 && at(1) == "payload" && at(2) == "rate" && at(3) == "with" &&
            is_number(at(4)) && at(5) == "b" && at(6) == "payloads") {
            set_operation(row_, Operation::kRead); // an SM packet has 128 B, one of a copy engine up to 256 B
            row_.engine = to_number(at(4)) <= 128 ? Engine::kSm : Engine::kCopyEngine;
            return done(at(7) == "all" && is_number(at(8)) && at(9) == "links" ? 10 : 7);
        }
        if (word == "llama" && is_number(at(1))) {
            return done(is_model_size(at(2)) ? 3 : 2);
        }
        return false;
    }

    bool take_phrase() {
        const OperationPhrase* longest = nullptr;
        std::size_t length = 0;
        for (const OperationPhrase& phrase : operation_phrases()) {
            const std::vector<std::string> words = words_of(phrase.words);
            if (words.size() > length && next_ + words.size() <= words_.size() &&
                std::equal(words.begin(), words.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_))) {
                longest = &phrase;
                length = words.size();
            }
        }
        if (longest == nullptr) {
            return false;
        }
        longest->means(row_);
        if (joined(words_, next_, next_ + 1) == "opencl") {
            row_.benchmark = "opencl";
        }
        next_ += length;
        return true;
    }

    bool take_filler() {
        if (filler_words().count(at(0)) == 0) {
            return false;
        }
        ++next_;
        return true;
    }

    std::nullopt_t unknown() {
        std::vector<std::string> candidates;
        const std::size_t length = std::min<std::size_t>(words_.size() - next_, 3);
        for (const OperationPhrase& phrase : operation_phrases()) {
            candidates.emplace_back(phrase.words);
        }
        std::string near;
        for (std::size_t n = length; n > 0 && near.empty(); --n) { // "pinter chase" is nearer than "pinter"
            near = nearest(joined(words_, next_, next_ + n), candidates);
        }
        fault_ = {fmt::format("operation: the word \"{}\" is not known", at(0)),
                  near.empty() ? "docs/validation.md lists the words of operations"
                               : fmt::format("did you mean \"{}\"?", near)};
        return std::nullopt;
    }

    bool finish() {
        if (!row_.named && row_.direction == Direction::kUnsaid && row_.shape == Shape::kEach) {
            fault_ = {"operation: it does not say what is done", "write read, write, copy, H2D, pointer-chase ..."};
            return false;
        }
        const bool reads_or_writes =
            row_.kind == Kind::kStream && (row_.operation == Operation::kRead || row_.operation == Operation::kWrite);
        // "D2D read CE" and "all_to_one_write" are copies: the word says whose engine moves the bytes.
        if (!row_.named || (reads_or_writes && (row_.direction != Direction::kUnsaid ||
                                                (row_.benchmark == "nvbandwidth" && row_.shape != Shape::kEach)))) {
            row_.kind = Kind::kStream;
            row_.operation = Operation::kCopy;
        }
        if (row_.benchmark == "stream" && row_.kind == Kind::kStream && row_.operation == Operation::kCopy) {
            row_.operation = Operation::kStreamCopy;
        }
        if (row_.benchmark == "p2p" && row_.bidirectional && row_.counting == Counting::kUnsaid) {
            row_.counting = Counting::kSum; // what that program prints
        }
        if (row_.kind == Kind::kGemm && row_.precision.empty()) {
            fault_ = {"operation: a GEMM without its precision", "write TF32, FP16, FP32 or FP64"};
            return false;
        }
        return true;
    }

    std::vector<std::string> words_;
    OperationFault& fault_;
    std::size_t next_ = 0;
    RowOperation row_;
};

} // namespace

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words{""};
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0 || c == '.' || c == '%') {
            words.back() += static_cast<char>(std::tolower(c));
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) {
        words.pop_back();
    }
    for (std::string& word : words) { // the full stop of a sentence
        while (word.size() > 1 && word.back() == '.') {
            word.pop_back();
        }
    }
    return words;
}

std::optional<RowOperation> parse_operation(const std::string& text, OperationFault& fault) {
    return OperationReader(text, fault).read();
}

} // namespace sim::validate
