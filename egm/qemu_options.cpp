#include "egm/qemu_options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include <nlohmann/json.hpp>

#include "egm/address.h"

namespace egm {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

std::string scalar_text(const nlohmann::json& value) {
    if (value.is_boolean())
        return value.get<bool>() ? "on" : "off";
    return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', true);
}

/// One level deep: what is nested further keeps its JSON text.
std::optional<Entries> parse_json(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object())
        return std::nullopt;
    Entries entries;
    for (const auto& [key, value] : json.items()) {
        if (value.is_array())
            for (const auto& item : value)
                entries.emplace_back(key, item.is_structured() ? std::string() : scalar_text(item));
        else
            entries.emplace_back(key, value.is_structured() ? std::string() : scalar_text(value));
    }
    return entries;
}

bool is_word(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

} // namespace

std::optional<QemuOptions> QemuOptions::parse(std::string_view text, std::string_view implied) {
    QemuOptions options;
    if (text.starts_with('{')) {
        auto entries = parse_json(text);
        if (!entries)
            return std::nullopt;
        options.entries_ = std::move(*entries);
        return options;
    }
    std::string piece;
    const auto end_piece = [&] {
        const std::size_t equals = piece.find('=');
        if (equals != std::string::npos)
            options.entries_.emplace_back(piece.substr(0, equals), piece.substr(equals + 1));
        else if (options.entries_.empty() && !implied.empty())
            options.entries_.emplace_back(std::string(implied), piece);
        else if (!piece.empty())
            options.entries_.emplace_back(piece, "on");
        piece.clear();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != ',')
            piece += text[i];
        else if (i + 1 < text.size() && text[i + 1] == ',')
            piece += text[++i];
        else
            end_piece();
    }
    end_piece();
    return options;
}

std::string QemuOptions::get(std::string_view key) const {
    const auto found =
        std::find_if(entries_.rbegin(), entries_.rend(), [&](const auto& entry) { return entry.first == key; });
    return found == entries_.rend() ? std::string() : found->second;
}

bool QemuOptions::has(std::string_view key) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.first == key; });
}

bool QemuOptions::is_on(std::string_view key) const { return is_word(get(key), {"on", "yes", "true", "y"}); }

bool QemuOptions::is_off(std::string_view key) const { return is_word(get(key), {"off", "no", "false", "n"}); }

std::optional<std::uint64_t> parse_qemu_size(std::string_view text, std::uint64_t unit) {
    if (text.starts_with("0x") || text.starts_with("0X")) {
        std::uint64_t bytes = 0;
        const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), bytes, 16);
        return error == std::errc() && end == text.data() + text.size() ? std::optional(bytes) : std::nullopt;
    }
    if (!text.empty() && std::isalpha(static_cast<unsigned char>(text.back()))) {
        constexpr std::string_view kLetters = "BKMGTPE";
        const std::size_t power = kLetters.find(char(std::toupper(static_cast<unsigned char>(text.back()))));
        if (power == kLetters.npos)
            return std::nullopt;
        unit = 1ull << (10 * power);
        text.remove_suffix(1);
    }
    std::uint64_t whole = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, whole);
    if (error != std::errc() || whole > ~0ull / unit)
        return std::nullopt;
    if (end == last)
        return whole * unit;
    double part = 0;
    if (*end != '.' || std::from_chars(end, last, part).ptr != last || !std::isfinite(part) || part < 0 || part >= 1)
        return std::nullopt;
    const std::uint64_t rest = std::uint64_t(part * double(unit));
    return whole * unit > ~0ull - rest ? std::nullopt : std::optional(whole * unit + rest);
}

} // namespace egm
