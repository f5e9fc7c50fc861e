#pragma once

#include <string>

#include "sim/scenario.h"
#include "sim/validate/systems.h"

namespace sim::validate {

/// One entry of a scenario's traffic as text: a map of YAML, key by key.
struct StreamText {
    Settings keys;

    void set(const std::string& key, const std::string& value); ///< over an old value
    std::string get(const std::string& key) const;              ///< empty if absent
    void drop(const std::string& key);
    bool touches(const std::string& kind) const; ///< its source or target is a memory of this kind, ".hbm"
    std::string text() const;                    ///< "{from: hopper0.sm, op: read}"
};

/// `text` as a YAML scalar in double quotes.
std::string quoted(const std::string& text);

const char* engine_suffix(Engine engine); ///< "cpu" "sm" "ce" "nic"

/// What an operation does to the memories that it names: reads one, writes one, or both.
bool only_reads(Operation operation);
bool only_writes(Operation operation);

} // namespace sim::validate
