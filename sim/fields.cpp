#include "sim/fields.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sim {
namespace {

const YamlNode kEmpty = make_map({});

/// Reads one scalar; `what` is all that stands before the quoted value in a message.
template <class Parse, class Format>
bool read_quantity(const YamlNode& node, const std::string& what, std::uint64_t& into, const Bounds& bounds,
                   Diagnostics& diagnostics, Parse parse, Format format) {
    const auto value = parse(node.text, bounds.likely);
    if (!value) {
        diagnostics.error(node.where, fmt::format("{} {} {}", what, in_quotes(node.text), value.error().message),
                          value.error().suggestion);
        return false;
    }
    if (*value < bounds.min || *value > bounds.max) {
        const bool low = *value < bounds.min;
        diagnostics.error(node.where,
                          fmt::format("{} {} is too {}", what, in_quotes(node.text), low ? "small" : "large"),
                          fmt::format("{} {}", low ? "at least" : "at most", format(low ? bounds.min : bounds.max)));
        return false;
    }
    into = *value;
    return true;
}

Parsed<std::uint64_t> size_parser(std::string_view text, std::string_view likely) {
    return likely.empty() ? parse_size(text) : parse_size(text, likely);
}

} // namespace

std::string in_quotes(std::string_view text) {
    constexpr std::size_t kShown = 60;
    return text.size() <= kShown ? fmt::format("\"{}\"", text) : fmt::format("\"{}...\"", text.substr(0, kShown));
}

bool read_size(const YamlNode& node, const std::string& what, std::uint64_t& into, Bounds bounds,
               Diagnostics& diagnostics) {
    if (!node.is_scalar()) {
        diagnostics.error(node.where, what + " is not a size", "write a size such as \"64 KiB\"");
        return false;
    }
    return read_quantity(node, what, into, bounds, diagnostics, size_parser, format_size);
}

Fields::Fields(const YamlNode& node, std::string what, Diagnostics& diagnostics)
    : node_(&node), what_(std::move(what)), diagnostics_(diagnostics) {
    if (!node.is_map()) {
        diagnostics_.error(node.where, what_ + " has no keys", "write \"key: value\" pairs");
        node_ = &kEmpty;
    }
}

const YamlNode* Fields::node(std::string_view key) {
    known_.emplace_back(key);
    return node_->find(key);
}

Location Fields::where(std::string_view key) const {
    const YamlNode* value = node_->find(key);
    return value != nullptr ? value->where : node_->where;
}

void Fields::error(std::string_view key, const std::string& message, const std::string& suggestion) {
    diagnostics_.error(where(key), fmt::format("{}: {} {}", what_, key, message), suggestion);
}

const YamlNode* Fields::scalar(std::string_view key) {
    const YamlNode* value = node(key);
    if (value == nullptr || value->is_scalar()) {
        return value;
    }
    error(key, value->kind == YamlNode::Kind::kNull ? "has no value" : "takes one value, not a list or a map");
    return nullptr;
}

bool Fields::text(std::string_view key, std::string& into) {
    const YamlNode* value = scalar(key);
    if (value == nullptr) {
        return false;
    }
    if (value->text.empty()) {
        error(key, "is empty");
        return false;
    }
    into = value->text;
    return true;
}

bool Fields::boolean(std::string_view key, bool& into) {
    return choice<bool>(key, into, {{"true", true}, {"false", false}});
}

template <class Parse, class Format>
bool Fields::quantity(std::string_view key, std::uint64_t& into, const Bounds& bounds, Parse parse, Format format) {
    const YamlNode* value = scalar(key);
    return value != nullptr &&
           read_quantity(*value, fmt::format("{}: {}", what_, key), into, bounds, diagnostics_, parse, format);
}

bool Fields::size(std::string_view key, std::uint64_t& into, Bounds bounds) {
    return quantity(key, into, bounds, size_parser, format_size);
}

bool Fields::rate(std::string_view key, std::uint64_t& into, Bounds bounds) {
    return quantity(
        key, into, bounds, [](auto text, auto) { return parse_rate(text); }, format_rate);
}

bool Fields::link_rate(std::string_view key, std::uint64_t& into, Bounds bounds) {
    return quantity(
        key, into, bounds, [](auto text, auto) { return parse_link_rate(text); }, format_rate);
}

bool Fields::time(std::string_view key, std::uint64_t& into, Bounds bounds) {
    return quantity(
        key, into, bounds,
        [](auto text, auto likely) { return likely.empty() ? parse_time(text) : parse_time(text, likely); },
        format_time);
}

bool Fields::count(std::string_view key, std::uint64_t& into, Bounds bounds) {
    return quantity(
        key, into, bounds, [](auto text, auto) { return parse_count(text); },
        [](std::uint64_t value) { return std::to_string(value); });
}

bool Fields::count(std::string_view key, unsigned& into, Bounds bounds) {
    std::uint64_t value = 0;
    bounds.max = std::min<std::uint64_t>(bounds.max, std::numeric_limits<unsigned>::max());
    if (!count(key, value, bounds)) {
        return false;
    }
    into = static_cast<unsigned>(value);
    return true;
}

bool Fields::share(std::string_view key, double& into, double min, double max) {
    const YamlNode* value = scalar(key);
    if (value == nullptr) {
        return false;
    }
    const auto share = parse_share(value->text);
    if (!share) {
        error(key, fmt::format("{} {}", in_quotes(value->text), share.error().message), share.error().suggestion);
        return false;
    }
    if (*share < min || *share > max) {
        error(key, in_quotes(value->text) + " is out of range", fmt::format("{} % to {} %", min * 100, max * 100));
        return false;
    }
    into = *share;
    return true;
}

bool Fields::texts(std::string_view key, std::vector<std::string>& into) {
    const YamlNode* value = node(key);
    if (value == nullptr) {
        return false;
    }
    std::vector<std::string> read;
    if (value->is_scalar()) {
        read.push_back(value->text);
    }
    for (const YamlNode& item : value->items) {
        if (!item.is_scalar()) {
            diagnostics_.error(item.where, fmt::format("{}: {} is a list of names", what_, key));
            return false;
        }
        read.push_back(item.text);
    }
    if (!value->is_scalar() && !value->is_sequence()) {
        error(key, "is a list of names", "write \"[a, b]\"");
        return false;
    }
    into = std::move(read);
    return true;
}

void Fields::require(std::initializer_list<std::string_view> keys, const std::string& suggestion) {
    std::vector<std::string_view> missing;
    for (const std::string_view key : keys) {
        if (!has(key)) {
            missing.push_back(key);
        }
    }
    if (!missing.empty()) {
        diagnostics_.error(node_->where, fmt::format("{}: no {}", what_, fmt::join(missing, ", no ")), suggestion);
    }
}

void Fields::finish() {
    for (const YamlEntry& entry : node_->entries) {
        if (std::find(known_.begin(), known_.end(), entry.key) == known_.end()) {
            diagnostics_.error(entry.where, fmt::format("{}: unknown key {}", what_, in_quotes(entry.key)),
                               suggest(entry.key, known_));
        }
    }
}

} // namespace sim
