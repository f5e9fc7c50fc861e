#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/suggest.h"
#include "sim/units.h"
#include "sim/yaml_tree.h"

namespace sim {

/// What a quantity may be. The bounds are inclusive.
struct Bounds {
    std::uint64_t min = 1;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::string_view likely = {}; ///< unit proposed for a bare number; empty = the parser's own
};

/// Reads the keys of one YAML map strictly.
///
/// Each reader leaves `into` as it is when the key is absent, and reports an error and returns false when its value is
/// faulty; it returns true only if a value was read. `finish` reports the keys that nobody asked for.
class Fields {
public:
    /// `what` begins each message: `link c2c0`. A node that is no map is an error here and then counts as empty.
    Fields(const YamlNode& node, std::string what, Diagnostics& diagnostics);

    bool has(std::string_view key) const { return node_->find(key) != nullptr; }

    /// The value, which then counts as known; nullptr if absent.
    const YamlNode* node(std::string_view key);

    bool text(std::string_view key, std::string& into);
    bool boolean(std::string_view key, bool& into);
    bool size(std::string_view key, std::uint64_t& into, Bounds bounds = {});
    bool rate(std::string_view key, std::uint64_t& into, Bounds bounds = {});
    bool link_rate(std::string_view key, std::uint64_t& into, Bounds bounds = {});
    bool time(std::string_view key, std::uint64_t& into, Bounds bounds = {});
    bool count(std::string_view key, std::uint64_t& into, Bounds bounds = {});
    bool count(std::string_view key, unsigned& into, Bounds bounds = {});
    bool share(std::string_view key, double& into, double min, double max);
    bool texts(std::string_view key, std::vector<std::string>& into); ///< a list of scalars, or one scalar

    template <class T>
    bool choice(std::string_view key, T& into, const std::vector<std::pair<std::string, T>>& choices);

    /// Reports all of `keys` that are absent, in one message.
    void require(std::initializer_list<std::string_view> keys, const std::string& suggestion);

    /// Reports each key that was not asked for. Call it once, last.
    void finish();

    /// The place of the value of `key`, or of the map.
    Location where(std::string_view key) const;
    const Location& where() const { return node_->where; }
    const std::string& what() const { return what_; }
    const std::vector<std::string>& known() const { return known_; }
    Diagnostics& diagnostics() { return diagnostics_; }

    void error(std::string_view key, const std::string& message, const std::string& suggestion = {});

private:
    const YamlNode* scalar(std::string_view key);

    template <class Parse, class Format>
    bool quantity(std::string_view key, std::uint64_t& into, const Bounds& bounds, Parse parse, Format format);

    const YamlNode* node_;
    std::string what_;
    Diagnostics& diagnostics_;
    std::vector<std::string> known_;
};

/// One quantity outside a map, such as an item of a list.
bool read_size(const YamlNode& node, const std::string& what, std::uint64_t& into, Bounds bounds,
               Diagnostics& diagnostics);

/// `"450" has no unit`, for messages: cut when it is long.
std::string in_quotes(std::string_view text);

template <class T>
bool Fields::choice(std::string_view key, T& into, const std::vector<std::pair<std::string, T>>& choices) {
    std::string word;
    if (!text(key, word)) {
        return false;
    }
    std::vector<std::string> words;
    for (const auto& [name, value] : choices) {
        if (name == word) {
            into = value;
            return true;
        }
        words.push_back(name);
    }
    error(key, in_quotes(word) + " is not known", suggest(word, words));
    return false;
}

} // namespace sim
