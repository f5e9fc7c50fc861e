#include "sim/validate/stream_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim::validate {

void StreamText::set(const std::string& key, const std::string& value) {
    for (auto& [name, old] : keys) {
        if (name == key) {
            old = value;
            return;
        }
    }
    keys.emplace_back(key, value);
}

std::string StreamText::get(const std::string& key) const {
    const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.first == key; });
    return found == keys.end() ? "" : found->second;
}

void StreamText::drop(const std::string& key) {
    keys.erase(std::remove_if(keys.begin(), keys.end(), [&](const auto& each) { return each.first == key; }),
               keys.end());
}

bool StreamText::touches(const std::string& kind) const {
    return get("source").ends_with(kind) || get("target").ends_with(kind);
}

std::string StreamText::text() const {
    std::string out;
    for (const auto& [key, value] : keys) {
        out += fmt::format("{}{}: {}", out.empty() ? "{" : ", ", key, value);
    }
    return out + "}";
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "\"";
}

const char* engine_suffix(Engine engine) {
    switch (engine) {
    case Engine::kCpu:
        return "cpu";
    case Engine::kSm:
        return "sm";
    case Engine::kCopyEngine:
        return "ce";
    default:
        return "nic";
    }
}

bool only_reads(Operation operation) {
    return operation == Operation::kRead || operation == Operation::kRandomRead ||
           operation == Operation::kPointerChase || operation == Operation::kPingPong;
}

bool only_writes(Operation operation) { return operation == Operation::kWrite || operation == Operation::kRandomWrite; }

} // namespace sim::validate
