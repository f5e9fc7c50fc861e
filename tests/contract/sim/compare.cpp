#include "tests/contract/sim/compare.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <stdexcept>

#include "tests/contract/sim/sim_world.h"

namespace contract {

std::vector<Difference> parse_differences(const std::string& text) {
    std::vector<Difference> differences;
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        if (line.empty() || line[0] == '#')
            continue;
        std::array<std::string, 5> fields;
        std::istringstream split(line);
        for (std::string& field : fields)
            std::getline(split, field, '\t');
        if (fields[4].empty())
            throw std::runtime_error("line " + std::to_string(number) + ": five fields with tabs between are needed");
        differences.push_back({fields[0], fields[1], fields[2], fields[3], fields[4]});
    }
    return differences;
}

Answers modelled_answers(Arch arch, int version, std::uint64_t page_size) {
    SimWorld world(arch, version, page_size);
    Answers answers{"modelled", std::to_string(version / 100) + "." + std::to_string(version % 100), world.facts(), {}};
    for (const Case& question : suite())
        answers.rows.push_back(run(question, world));
    return answers;
}

namespace {

Comparison::Verdict verdict(const Row& modelled, const Row* real) {
    const bool asked = real && real->skipped.empty();
    if (!modelled.skipped.empty())
        return asked ? Comparison::kOnlyReal : Comparison::kNeither;
    if (!asked)
        return Comparison::kOnlyModelled;
    return modelled.outcome == real->outcome ? Comparison::kSame : Comparison::kDiffers;
}

} // namespace

std::vector<Comparison> compare(const Answers& real, const std::vector<Difference>& differences) {
    const Facts& facts = real.facts;
    const Answers same_arch = modelled_answers(facts.arch, facts.version, facts.page_size);
    const Answers with_egm = modelled_answers(Arch::kArm64, facts.version, facts.page_size);
    std::vector<Comparison> table;
    for (const Case& question : suite()) {
        const Row& modelled = *((question.needs & kEgm) != 0 ? with_egm : same_arch).find(question.id);
        const Row* const row = real.find(question.id);
        Comparison entry{
            question.id, modelled.outcome, row ? row->outcome : "", question.expected.at(facts), verdict(modelled, row),
            ""};
        if (entry.verdict == Comparison::kDiffers) {
            const auto listed = std::find_if(differences.begin(), differences.end(), [&](const Difference& candidate) {
                return (candidate.kernel == "*" || candidate.kernel == real.kernel) && candidate.id == entry.id &&
                       candidate.modelled == entry.modelled && candidate.real == entry.real;
            });
            if (listed != differences.end()) {
                entry.verdict = Comparison::kListed;
                entry.reason = listed->reason;
            }
        }
        table.push_back(std::move(entry));
    }
    return table;
}

} // namespace contract
