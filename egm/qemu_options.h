#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace egm {

/// The value of a QEMU option: "driver,key=value,..." or the JSON object that libvirt writes. Keys may come again.
class QemuOptions {
public:
    /// `implied`: the key of a first piece without "=", such as "driver". "a" alone means "a=on", ",," is a comma.
    /// None: the text begins like JSON and is none, or no flat object.
    static std::optional<QemuOptions> parse(std::string_view text, std::string_view implied);

    /// The last value of `key`; empty when absent.
    std::string get(std::string_view key) const;
    bool has(std::string_view key) const;
    /// "on", "yes", "true", "y".
    bool is_on(std::string_view key) const;
    bool is_off(std::string_view key) const; ///< said to be off: not merely absent

    const std::vector<std::pair<std::string, std::string>>& all() const { return entries_; }

private:
    std::vector<std::pair<std::string, std::string>> entries_;
};

/// A size as QEMU reads it: decimal or hexadecimal bytes, or with a suffix B, K, M, G, T, P, E in powers of 1024, of
/// which the numbers may have a fraction. `unit` is for a bare number. None for anything else and for what is too
/// large.
std::optional<std::uint64_t> parse_qemu_size(std::string_view text, std::uint64_t unit = 1);

} // namespace egm
