#include "search.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>
#include <unistd.h>

namespace properties {
namespace {

char running[128] = ""; ///< what an assertion that ends the program leaves as a trace

void say_what_ran(int) {
    if (write(STDERR_FILENO, running, sizeof running) < 0)
        _exit(2);
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
}

std::uint64_t from_environment(const char* name, std::uint64_t by_default) {
    const char* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : by_default;
}

} // namespace

std::uint64_t operations(std::uint64_t by_default) {
#ifdef __SANITIZE_ADDRESS__
    by_default /= 30;
#endif
    return from_environment("EGMSIM_OPERATIONS", by_default);
}

std::uint64_t first_seed(std::uint64_t by_default) { return from_environment("EGMSIM_SEED", by_default); }

void search(const std::string& property, const Check& check, std::uint64_t seed, std::uint64_t operations,
            std::size_t length, std::uint32_t kinds) {
    std::signal(SIGABRT, say_what_ran);
    for (std::uint64_t done = 0; done < operations; done += length, ++seed) {
        std::snprintf(running, sizeof running, "\n%s: the sequence of EGMSIM_SEED=%llu ran\n", property.c_str(),
                      static_cast<unsigned long long>(seed));
        const Sequence sequence = random_sequence(seed, length, kinds);
        if (!check(sequence))
            continue;
        const Sequence smallest = minimise(sequence, check);
        ADD_FAILURE() << property << ", seed " << seed << ": " << *check(smallest) << "\nminimised to "
                      << smallest.steps.size() << " steps; again with\n    EGMSIM_SEQUENCE='" << property << ": "
                      << to_text(smallest) << "' build/test_properties --gtest_filter='*Replay*'";
        return;
    }
}

bool replay(const std::string& property, const Check& check) {
    const char* const text = std::getenv("EGMSIM_SEQUENCE");
    const std::string start = property + ": ";
    if (!text || !std::string(text).starts_with(start))
        return false;
    const auto sequence = sequence_from(std::string(text).substr(start.size()));
    if (!sequence) {
        ADD_FAILURE() << "EGMSIM_SEQUENCE is no sequence: " << text;
        return true;
    }
    if (const auto fault = check(*sequence))
        ADD_FAILURE() << *fault;
    return true;
}

} // namespace properties
