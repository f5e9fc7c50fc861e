#include "sim/suggest.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sim {
namespace {

constexpr std::size_t kWordMax = 64; ///< longer words are no slips of the keyboard

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`; `limit` if it takes that many or
/// more, as it does for nearly all of the thousands of names of a large machine. Precondition: `kWordMax` at most each.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) >= limit) {
        return limit;
    }
    std::array<std::array<std::size_t, kWordMax + 1>, 3> rows; // of the last three letters of `a`
    std::size_t least_before = 0;
    for (std::size_t i = 0; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& before = rows[(i + 2) % 3];
        row[0] = i;
        std::size_t least = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            if (i == 0) {
                row[j] = j;
                continue;
            }
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({before[j] + 1, row[j - 1] + 1, before[j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = std::min(row[j], rows[(i + 1) % 3][j - 2] + 1);
            }
            least = std::min(least, row[j]);
        }
        if (std::min(least, least_before) >= limit) { // a swap looks two rows back
            return limit;
        }
        least_before = least;
    }
    return std::min(rows[a.size() % 3][b.size()], limit);
}

} // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > kWordMax) {
        return {};
    }
    std::string best;
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > kWordMax) {
            continue;
        }
        const std::size_t here = distance(word, candidate, best_distance);
        if (here < best_distance) {
            best = candidate;
            best_distance = here;
        }
    }
    if (best.empty() && word.size() >= 3) { // "hopper0" for "hopper0.sm"
        const auto longer = std::find_if(candidates.begin(), candidates.end(),
                                         [&](const std::string& candidate) { return candidate.starts_with(word); });
        return longer == candidates.end() ? best : *longer;
    }
    return best;
}

std::string suggest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr std::size_t kListed = 12;
    if (const std::string best = nearest(word, candidates); !best.empty()) {
        return fmt::format("did you mean \"{}\"?", best);
    }
    if (candidates.empty()) {
        return {};
    }
    const std::size_t shown = std::min(candidates.size(), kListed);
    return fmt::format("one of: {}{}", fmt::join(candidates.begin(), candidates.begin() + std::ptrdiff_t(shown), ", "),
                       shown < candidates.size() ? ", ..." : "");
}

} // namespace sim
