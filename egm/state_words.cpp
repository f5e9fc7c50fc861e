#include "egm/state_words.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace egm {
namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-.:/+@").find(c) != std::string_view::npos;
}

std::optional<std::uint64_t> parse(std::string_view digits, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::string> unquoted(std::string_view word) {
    if (word.size() < 2 || word.front() != '"' || word.back() != '"')
        return std::nullopt;
    word = word.substr(1, word.size() - 2);
    std::string name;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '%') {
            if (!is_plain(word[i]))
                return std::nullopt;
            name += word[i];
            continue;
        }
        const auto byte = word.size() - i > 2 ? parse(word.substr(i + 1, 2), 16) : std::nullopt;
        if (!byte)
            return std::nullopt;
        name += char(*byte);
        i += 2;
    }
    return name;
}

/// A word out of an unknown file, fit to be shown.
std::string shown(std::string_view word) {
    constexpr std::size_t kLongest = 40;
    std::string text;
    for (const char c : word.substr(0, kLongest))
        text += c > ' ' && c < 127 ? c : '?';
    return text + (word.size() > kLongest ? "..." : "");
}

} // namespace

std::string quoted_word(std::string_view name) {
    std::string text = "\"";
    for (const char c : name) {
        if (is_plain(c))
            text += c;
        else
            text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return text + "\"";
}

std::string_view WordReader::next() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return word;
}

void WordReader::wrong(std::string_view word, const std::string& expected) {
    if (fault_.empty())
        fault_ = word.empty() ? "it ends where " + expected + " is expected"
                              : "\"" + shown(word) + "\" stands where " + expected + " is expected";
}

bool WordReader::expect(std::string_view word) {
    const std::string_view found = next();
    if (found != word)
        wrong(found, "\"" + std::string(word) + "\"");
    return fault_.empty();
}

std::optional<std::uint64_t> WordReader::number(std::uint64_t max) {
    const std::string_view word = next();
    const auto value = word.starts_with("0x") ? parse(word.substr(2), 16) : parse(word, 10);
    if (!value || *value > max)
        wrong(word, "a number up to " + std::to_string(max));
    return fault_.empty() ? value : std::nullopt;
}

std::optional<std::string> WordReader::name() {
    const std::string_view word = next();
    auto name = unquoted(word);
    if (!name)
        wrong(word, "a name in quotes");
    return fault_.empty() ? name : std::nullopt;
}

std::optional<bool> WordReader::either(std::string_view first, std::string_view second) {
    const std::string_view word = next();
    if (word != first && word != second)
        wrong(word, "\"" + std::string(first) + "\" or \"" + std::string(second) + "\"");
    return fault_.empty() ? std::optional(word == first) : std::nullopt;
}

bool WordReader::done() {
    if (fault_.empty() && !rest_.empty())
        fault_ = "\"" + shown(rest_) + "\" is too much";
    return fault_.empty();
}

} // namespace egm
