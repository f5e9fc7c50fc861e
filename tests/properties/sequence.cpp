#include "sequence.h"

#include <algorithm>
#include <charconv>

namespace properties {

std::uint64_t Random::next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

Sequence random_sequence(std::uint64_t seed, std::size_t length, std::uint32_t kinds) {
    Random random(seed);
    Sequence sequence{.setup = random.below(kArguments)};
    sequence.steps.resize(length);
    for (Step& step : sequence.steps) {
        step.kind = random.below(kinds);
        for (std::uint32_t& argument : step.arguments)
            argument = random.below(kArguments);
    }
    return sequence;
}

std::string to_text(const Sequence& sequence) {
    std::string text = std::to_string(sequence.setup);
    for (const Step& step : sequence.steps) {
        text += " | " + std::to_string(step.kind);
        for (const std::uint32_t argument : step.arguments)
            text += " " + std::to_string(argument);
    }
    return text;
}

std::optional<Sequence> sequence_from(std::string_view text) {
    Sequence sequence;
    bool well_formed = true;
    const auto number = [&]() -> std::uint64_t {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        well_formed &= error == std::errc();
        text.remove_prefix(std::size_t(end - text.data()));
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        return value;
    };
    sequence.setup = number();
    while (well_formed && !text.empty()) {
        if (text.front() != '|')
            return std::nullopt;
        text.remove_prefix(1);
        Step step{.kind = std::uint32_t(number())};
        for (std::uint32_t& argument : step.arguments)
            argument = std::uint32_t(number());
        sequence.steps.push_back(step);
    }
    return well_formed ? std::optional(sequence) : std::nullopt;
}

namespace {

/// Leaves out runs of steps, from half of all down to single ones, as long as one can be left out.
bool leave_out_steps(Sequence& sequence, const Check& check) {
    bool smaller = false;
    for (std::size_t run = std::max<std::size_t>(sequence.steps.size() / 2, 1); run >= 1; run /= 2)
        for (std::size_t at = 0; at < sequence.steps.size();) {
            Sequence without = sequence;
            const auto first = without.steps.begin() + std::ptrdiff_t(at);
            without.steps.erase(first, first + std::ptrdiff_t(std::min(run, without.steps.size() - at)));
            if (check(without)) {
                sequence = std::move(without);
                smaller = true;
            } else {
                at += run;
            }
        }
    return smaller;
}

/// Leaves out any two steps.
bool leave_out_pairs(Sequence& sequence, const Check& check) {
    for (std::size_t i = 0; i < sequence.steps.size(); ++i)
        for (std::size_t j = i + 1; j < sequence.steps.size(); ++j) {
            Sequence without = sequence;
            without.steps.erase(without.steps.begin() + std::ptrdiff_t(j));
            without.steps.erase(without.steps.begin() + std::ptrdiff_t(i));
            if (check(without)) {
                sequence = std::move(without);
                return true;
            }
        }
    return false;
}

/// Leaves out a step and changes another one: which of several things it means depends on how many there are.
bool leave_out_and_redirect(Sequence& sequence, const Check& check) {
    for (std::size_t i = 0; i < sequence.steps.size(); ++i)
        for (std::size_t j = i; j + 1 < sequence.steps.size(); ++j)
            for (std::size_t argument = 0; argument < 4; ++argument)
                for (std::uint32_t value = 0; value < 4; ++value) {
                    Sequence without = sequence;
                    without.steps.erase(without.steps.begin() + std::ptrdiff_t(i));
                    without.steps[j].arguments[argument] = value;
                    if (check(without)) {
                        sequence = std::move(without);
                        return true;
                    }
                }
    return false;
}

/// `number` is one of `sequence`.
bool make_smaller(const Sequence& sequence, std::uint32_t& number, const Check& check) {
    const std::uint32_t before = number;
    for (const std::uint32_t smaller : {0u, 1u, before / 16, before / 2, before - 1}) {
        if (smaller >= before)
            continue;
        number = smaller;
        if (check(sequence))
            return true;
    }
    number = before;
    return false;
}

bool make_arguments_smaller(Sequence& sequence, const Check& check) {
    bool any = false;
    for (Step& step : sequence.steps)
        for (std::uint32_t& argument : step.arguments)
            while (argument != 0 && make_smaller(sequence, argument, check))
                any = true;
    return any;
}

} // namespace

Sequence minimise(const Sequence& failing, const Check& check) {
    Sequence smallest = failing;
    while (leave_out_steps(smallest, check) || leave_out_pairs(smallest, check) ||
           leave_out_and_redirect(smallest, check) || make_arguments_smaller(smallest, check)) {
    }
    return smallest;
}

} // namespace properties
