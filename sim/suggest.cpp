#include "sim/suggest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sim {
namespace {

constexpr std::size_t kWordMax = 64; ///< longer words are no slips of the keyboard

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
            }
        }
    }
    return d[a.size()][b.size()];
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
        const std::size_t here = distance(word, candidate);
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
