#include "tests/contract/answers.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace contract {

namespace {
const std::string kSkipped = "skipped: ";
}

const char* arch_name(Arch arch) { return arch == Arch::kX86 ? "x86" : "arm64"; }

const Row* Answers::find(const std::string& id) const {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& candidate) { return candidate.id == id; });
    return row == rows.end() ? nullptr : &*row;
}

std::string to_text(const Answers& answers) {
    std::ostringstream text;
    text << "# kernel: " << answers.kernel << "\n# release: " << answers.release
         << "\n# arch: " << arch_name(answers.facts.arch) << "\n# version: " << answers.facts.version
         << "\n# page_size: " << answers.facts.page_size << "\n";
    for (const Row& row : answers.rows)
        text << row.id << "\t" << (row.skipped.empty() ? row.outcome : kSkipped + row.skipped) << "\n";
    return text.str();
}

std::optional<Answers> parse_answers(const std::string& text, std::string& fault) {
    Answers answers;
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const auto refuse = [&](const char* why) {
            fault = "line " + std::to_string(number) + ": " + why;
            return std::nullopt;
        };
        if (line.rfind("# ", 0) == 0) {
            const auto colon = line.find(": ");
            if (colon == std::string::npos)
                return refuse("a heading needs \"# name: value\"");
            const std::string name = line.substr(2, colon - 2), value = line.substr(colon + 2);
            if (name == "kernel")
                answers.kernel = value;
            else if (name == "release")
                answers.release = value;
            else if (name == "arch")
                answers.facts.arch = value == "x86" ? Arch::kX86 : Arch::kArm64;
            else if (name == "version")
                answers.facts.version = std::atoi(value.c_str());
            else if (name == "page_size")
                answers.facts.page_size = static_cast<std::uint64_t>(std::atoll(value.c_str()));
            else
                return refuse("an unknown heading");
            continue;
        }
        const auto tab = line.find('\t');
        if (tab == std::string::npos)
            return refuse("no tab between id and outcome");
        Row row{line.substr(0, tab), line.substr(tab + 1), "", ""};
        if (answers.find(row.id))
            return refuse("this case is there twice");
        if (row.outcome.rfind(kSkipped, 0) == 0) {
            row.skipped = row.outcome.substr(kSkipped.size());
            row.outcome.clear();
        }
        answers.rows.push_back(std::move(row));
    }
    if (answers.kernel.empty() || answers.facts.version == 0 || answers.facts.page_size == 0 || answers.rows.empty()) {
        fault = "the headings kernel, version and page_size, and rows, are needed";
        return std::nullopt;
    }
    for (const Case& question : suite())
        for (Row& row : answers.rows)
            if (row.id == question.id)
                row.expected = question.expected.at(answers.facts);
    return answers;
}

} // namespace contract
