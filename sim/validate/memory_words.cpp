#include "sim/validate/memory_words.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"

namespace sim::validate {
namespace {

std::string lower(const std::string& text) {
    std::string out;
    for (const unsigned char c : text) {
        out += static_cast<char>(std::tolower(c));
    }
    return out;
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// What stands in round brackets says more about a memory that is already named: "L1 (own SM)".
std::string without_brackets(const std::string& text) {
    const auto open = text.find('(');
    return open != std::string::npos && text.ends_with(")") ? trimmed(text.substr(0, open)) : text;
}

struct Spelling {
    const char* word;
    MemoryWord::Kind kind;
    MemoryWord::Role role;
    unsigned level;
};

const std::vector<Spelling>& spellings() {
    using Kind = MemoryWord::Kind;
    using Role = MemoryWord::Role;
    static const std::vector<Spelling> all = {
        {"LPDDR.local", Kind::kHost, Role::kLocal, 0},   {"LPDDR.peer", Kind::kHost, Role::kPeer, 0},
        {"LPDDR.remote", Kind::kHost, Role::kRemote, 0}, {"LPDDR5X.local", Kind::kHost, Role::kLocal, 0},
        {"LPDDR5X.peer", Kind::kHost, Role::kPeer, 0},   {"LPDDR5X.remote", Kind::kHost, Role::kRemote, 0},
        {"HBM.local", Kind::kHbm, Role::kLocal, 0},      {"HBM.peer", Kind::kHbm, Role::kPeer, 0},
        {"HBM.remote", Kind::kHbm, Role::kRemote, 0},    {"EGM.local", Kind::kEgm, Role::kLocal, 0},
        {"EGM.peer", Kind::kEgm, Role::kPeer, 0},        {"EGM.remote", Kind::kEgm, Role::kRemote, 0},
        {"DDR5.host", Kind::kHost, Role::kLocal, 0},     {"DDR4.host", Kind::kHost, Role::kLocal, 0},
        {"DDR.host", Kind::kHost, Role::kLocal, 0},      {"DDR5.local", Kind::kHost, Role::kLocal, 0},
        {"DDR4.local", Kind::kHost, Role::kLocal, 0},    {"DDR5.peer", Kind::kHost, Role::kPeer, 0},
        {"DDR4.peer", Kind::kHost, Role::kPeer, 0},      {"DDR5.remote", Kind::kHost, Role::kRemote, 0},
        {"DDR4.remote", Kind::kHost, Role::kRemote, 0},  {"host", Kind::kHost, Role::kLocal, 0},
        {"L1", Kind::kCache, Role::kLocal, 1},           {"L2", Kind::kCache, Role::kLocal, 2},
        {"L3", Kind::kCache, Role::kLocal, 3},           {"reg", Kind::kNone, Role::kLocal, 0},
    };
    return all;
}

MemoryWord parse_one(const std::string& written, std::string& fault, std::string& suggestion) {
    MemoryWord word;
    word.text = written;
    const std::string plain = lower(without_brackets(written));
    std::vector<std::string> candidates;
    for (const Spelling& each : spellings()) {
        candidates.emplace_back(each.word);
        if (lower(each.word) == plain) {
            word.kind = each.kind;
            word.role = each.role;
            word.level = each.level;
            return word;
        }
    }
    for (const char* kind : {".hbm", ".egm", ".system"}) {
        if (plain.ends_with(kind) && plain.size() > std::string(kind).size()) {
            word.exact = written;
            return word;
        }
    }
    if (fault.empty()) {
        fault = fmt::format("memory {} is not known", in_quotes(written));
        suggestion = suggest(written, candidates);
    }
    return word;
}

} // namespace

MemoryWord MemoryWord::hbm() { return {Kind::kHbm, Role::kLocal, 0, 0, "", "HBM.local"}; }
MemoryWord MemoryWord::remote_host() { return {Kind::kHost, Role::kRemote, 0, 0, "", "LPDDR.remote"}; }

std::vector<MemoryWord> parse_memories(const std::string& text, std::string& fault, std::string& suggestion) {
    std::vector<MemoryWord> words;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(';', begin), text.size());
        std::string part = trimmed(text.substr(begin, end - begin));
        begin = end + 1;
        char operand = 0;
        if (part.size() > 2 && part[1] == '=' && part[0] >= 'A' && part[0] <= 'C') {
            operand = part[0];
            part = trimmed(part.substr(2));
        }
        if (!part.empty()) {
            words.push_back(parse_one(part, fault, suggestion));
            words.back().operand = operand;
        }
    }
    return words;
}

} // namespace sim::validate
