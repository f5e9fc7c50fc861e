// Does the modelled kernel answer what the suite expects, and what real kernels were recorded to answer?
//
// One test a kernel rather than a case: a thousand processes would take longer than the questions.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/contract/sim/compare.h"
#include "tests/contract/sim/sim_world.h"

namespace contract {
namespace {

const std::string kFolder = EGMSIM_SOURCE_DIR "/tests/contract/answers";

std::string file_text(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<Difference> differences() { return parse_differences(file_text(kFolder + "/differences.tsv")); }

struct Kernel {
    Arch arch;
    int version;
    std::uint64_t page_size;
};

std::string name(const testing::TestParamInfo<Kernel>& kernel) {
    return std::string(arch_name(kernel.param.arch)) + "_" + std::to_string(kernel.param.version) + "_" +
           std::to_string(kernel.param.page_size / egm::kKiB) + "k";
}

struct ModelledKernelTest : testing::TestWithParam<Kernel> {};

TEST_P(ModelledKernelTest, AnswersAsExpected) {
    const auto [arch, version, page_size] = GetParam();
    const auto listed = differences();
    SimWorld world(arch, version, page_size);
    for (const Case& question : suite()) {
        const Row row = run(question, world);
        const bool known = std::any_of(listed.begin(), listed.end(), [&](const Difference& difference) {
            return difference.id == row.id && difference.modelled == row.outcome && difference.real == row.expected;
        });
        EXPECT_TRUE(!row.differs() || known) << describe(row);
        EXPECT_TRUE(world.clean()) << question.id << " left something behind";
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, ModelledKernelTest,
                         testing::Values(Kernel{Arch::kX86, 601, 4096}, Kernel{Arch::kX86, 612, 4096},
                                         Kernel{Arch::kX86, 703, 4096}, Kernel{Arch::kArm64, 601, 4096},
                                         Kernel{Arch::kArm64, 612, 4096}, Kernel{Arch::kArm64, 618, 4096},
                                         Kernel{Arch::kArm64, 703, 4096}, Kernel{Arch::kArm64, 703, 16384},
                                         Kernel{Arch::kArm64, 703, 65536}),
                         name);

std::vector<std::string> recorded() {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder))
        if (entry.path().extension() == ".tsv" && entry.path().stem() != "differences")
            paths.push_back(entry.path().string());
    return paths;
}

struct RecordedKernelTest : testing::TestWithParam<std::string> {
    Answers answers() const {
        std::string fault;
        const auto parsed = parse_answers(file_text(GetParam()), fault);
        EXPECT_TRUE(parsed) << GetParam() << ": " << fault;
        return parsed.value_or(Answers{});
    }
};

TEST_P(RecordedKernelTest, AnswersAsTheModelledOneEntryByEntry) {
    unsigned both = 0;
    for (const Comparison& entry : compare(answers(), differences())) {
        EXPECT_NE(entry.verdict, Comparison::kDiffers)
            << entry.id << ": modelled " << entry.modelled << ", real " << entry.real
            << " (a difference with a reason belongs into tests/contract/answers/differences.tsv)";
        both += entry.verdict == Comparison::kSame || entry.verdict == Comparison::kListed;
    }
    EXPECT_GE(both, 150u) << "cases that both kernels were asked";
}

TEST_P(RecordedKernelTest, AnswersAsTheCasesExpect) {
    for (const Row& row : answers().rows)
        EXPECT_FALSE(row.differs()) << describe(row);
}

TEST_P(RecordedKernelTest, WasAskedEveryCase) {
    const Answers real = answers();
    for (const Case& question : suite())
        EXPECT_NE(real.find(question.id), nullptr)
            << question.id << " is not in " << GetParam() << ": record it again with ./test --real-kernels";
    EXPECT_EQ(real.rows.size(), suite().size()) << "it has answers to cases that are gone";
}

INSTANTIATE_TEST_SUITE_P(Kernels, RecordedKernelTest, testing::ValuesIn(recorded()), [](const auto& path) {
    std::string stem = std::filesystem::path(path.param).stem();
    std::replace_if(
        stem.begin(), stem.end(), [](unsigned char c) { return !std::isalnum(c); }, '_');
    return stem;
});

TEST(DifferencesTest, EachIsMetByARecordedKernel) {
    std::set<std::string> met;
    for (const std::string& path : recorded()) {
        std::string fault;
        for (const Comparison& entry : compare(*parse_answers(file_text(path), fault), differences()))
            if (entry.verdict == Comparison::kListed)
                met.insert(entry.id);
    }
    for (const Difference& difference : differences())
        EXPECT_TRUE(met.contains(difference.id)) << difference.id << " is listed, and no recorded kernel shows it";
}

TEST(SuiteTest, IdsAreUnique) {
    std::set<std::string> ids;
    for (const Case& question : suite())
        EXPECT_TRUE(ids.insert(question.id).second) << question.id;
}

TEST(SuiteTest, ADifferenceIsSeen) {
    Answers real = modelled_answers(Arch::kX86, 601, 4096);
    real.kernel = "bent";
    Row* const row = const_cast<Row*>(real.find("type1.map.overlap_head"));
    ASSERT_NE(row, nullptr);
    row->outcome = "ok";
    const auto verdict = [&](const std::vector<Difference>& listed) {
        for (const Comparison& entry : compare(real, listed))
            if (entry.id == row->id)
                return entry.verdict;
        return Comparison::kNeither;
    };
    EXPECT_EQ(verdict({}), Comparison::kDiffers);
    EXPECT_EQ(verdict({{"*", row->id, "EEXIST", "ok", "because"}}), Comparison::kListed);
    EXPECT_EQ(verdict({{"bent", row->id, "EEXIST", "ok", "because"}}), Comparison::kListed);
    EXPECT_EQ(verdict({{"another", row->id, "EEXIST", "ok", "because"}}), Comparison::kDiffers);
    EXPECT_EQ(verdict({{"*", row->id, "EEXIST", "EINVAL", "because"}}), Comparison::kDiffers) << "it changed since";
}

TEST(SuiteTest, AnswersComeBackFromTheirText) {
    const Answers written = modelled_answers(Arch::kArm64, 612, 4096);
    std::string fault;
    const auto read = parse_answers(to_text(written), fault);
    ASSERT_TRUE(read) << fault;
    EXPECT_EQ(to_text(*read), to_text(written));
    EXPECT_FALSE(parse_answers("", fault));
    EXPECT_FALSE(parse_answers("# kernel: x\n# version: 612\n# page_size: 4096\nno tab\n", fault));
    EXPECT_EQ(fault, "line 4: no tab between id and outcome");
    EXPECT_FALSE(parse_answers(to_text(written) + "file.open.missing\tok\n", fault));
}

} // namespace
} // namespace contract
