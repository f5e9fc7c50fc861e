#include "sim/validate/background_words.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "sim/validate/operation_phrases.h"

namespace sim::validate {
namespace {

class BackgroundReader {
public:
    explicit BackgroundReader(const std::vector<std::string>& words) : words_(words) {}

    std::optional<RowOperation::Background> read(OperationFault& fault) {
        RowOperation::Background background;
        bool named = false, engine = false;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            const std::string& word = words_[i];
            const std::string next = i + 1 < words_.size() ? words_[i + 1] : "";
            const auto does = [&](Operation operation) {
                background.operation = operation;
                named = true;
            };
            const auto by = [&](Engine which) {
                background.engine = which;
                engine = true;
            };
            if (is_number(word) && next == "threads") {
                background.threads = to_number(word);
                ++i;
            } else if (is_number(word) && (next == "gb" || next == "gb/s")) {
                background.bytes_per_second = to_number(word) * 1'000'000'000ull;
                i += i + 2 < words_.size() && words_[i + 2] == "s" ? 2 : 1;
            } else if (is_number(word) && (next == "gpus" || next == "peers" || next == "peer" || next == "other")) {
                background.initiators = to_number(word);
                background.of_peer = background.of_peer || next != "gpus";
                ++i;
            } else if (word == "cpu" || word == "grace" || word == "cores" || word == "host" || word == "x86") {
                by(Engine::kCpu);
            } else if (word == "sm" || word == "sms" || word == "gpu" || word == "hopper" || word == "gpus" ||
                       word == "blackwell") {
                by(Engine::kSm);
            } else if (word == "ce" || (word == "copy" && next == "engine")) {
                by(Engine::kCopyEngine);
                i += word == "copy";
                if (!named) {
                    background.operation = Operation::kCopy;
                }
            } else if (word == "nic") {
                by(Engine::kNic);
            } else if (word == "peer" || word == "other") {
                background.of_peer = true;
            } else if (word == "read" || word == "reads" || word == "reading") {
                does(Operation::kRead);
            } else if (word == "write" || word == "writes" || word == "writing") {
                does(Operation::kWrite);
            } else if (word == "copy" || word == "copies" || word == "copying" || word == "memcpy") {
                does(Operation::kCopy);
            } else if (word == "triad" || word == "add" || word == "scale") {
                does(word == "triad" ? Operation::kStreamTriad
                     : word == "add" ? Operation::kStreamAdd
                                     : Operation::kStreamScale);
            } else if (word == "stream") {
                does(next == "copy" ? Operation::kStreamCopy : Operation::kStreamTriad);
                i += next == "copy";
            } else if (word == "random" && (next == "read" || next == "reads")) {
                does(Operation::kRandomRead);
                ++i;
            } else if (word == "h2d" || word == "d2h") {
                does(Operation::kCopy);
                background.source = word == "h2d" ? "LPDDR.local" : "HBM.local";
                background.target = word == "h2d" ? "HBM.local" : "LPDDR.local";
                if (!engine) {
                    by(Engine::kCopyEngine);
                }
            } else if (const std::string memory = as_memory(word); !memory.empty()) {
                (background.source.empty() ? background.source : background.target) = memory;
            } else if (word != "background" && word != "traffic" && word != "concurrent" && word != "load" &&
                       word != "all" && word != "running" && word != "same" && word != "time" &&
                       filler_words().count(word) == 0) {
                fault = {fmt::format("background: the word \"{}\" is not known", word),
                         "write as in \"with background CPU read LPDDR.local\", \"with background CE copy HBM.local "
                         "to LPDDR.local\""};
                return std::nullopt;
            }
        }
        if (!named && !(engine && background.engine == Engine::kCopyEngine)) {
            fault = {"background: it does not say what runs", "write as in \"with background CPU read LPDDR.local\""};
            return std::nullopt;
        }
        if (background.operation == Operation::kWrite || background.operation == Operation::kRandomWrite) {
            std::swap(background.source, background.target);
        }
        return background;
    }

private:
    static std::string as_memory(const std::string& word) {
        for (const char* kind : {"lpddr", "hbm", "egm", "ddr5", "ddr4"}) {
            if (word == kind) {
                return std::string(kind) + (kind[0] == 'd' ? ".host" : ".local");
            }
            if (word.rfind(std::string(kind) + ".", 0) == 0) {
                return word;
            }
        }
        return {};
    }

    const std::vector<std::string>& words_;
};

} // namespace

std::optional<RowOperation::Background> parse_background(const std::vector<std::string>& words, OperationFault& fault) {
    return BackgroundReader(words).read(fault);
}

bool is_number(const std::string& word) {
    return !word.empty() && word.size() < 7 &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}
unsigned to_number(const std::string& word) { return static_cast<unsigned>(std::stoul(word)); }

} // namespace sim::validate
