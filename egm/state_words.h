#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The words of a state file's line.
namespace egm {

/// `name` in quotes, without white space: whatever is not a letter, digit or one of "_-.:/+@" stands as %XX.
std::string quoted_word(std::string_view name);

/// Reads the words of one line in order. The first word that is not what was asked for makes every later answer none.
class WordReader {
public:
    explicit WordReader(std::string_view line) : rest_(line) {}

    /// The next word is `word`.
    bool expect(std::string_view word);
    /// The next word, a decimal or (with 0x) hexadecimal number up to `max`.
    std::optional<std::uint64_t> number(std::uint64_t max = ~std::uint64_t{0});
    /// The next word, quoted.
    std::optional<std::string> name();
    /// The next word, one of two: true for the first.
    std::optional<bool> either(std::string_view first, std::string_view second);

    bool at_end() const { return rest_.empty(); }
    /// What was expected where the line first went wrong; empty while all is well.
    const std::string& fault() const { return fault_; }
    /// All was as expected, and nothing is left.
    bool done();

private:
    std::string_view next();
    void wrong(std::string_view word, const std::string& expected);

    std::string_view rest_;
    std::string fault_;
};

} // namespace egm
