// What did a misspelt word most likely mean, and is it found among the names of the largest machine without delay?
#include "sim/suggest.h"

#include <ctime>

#include <fmt/format.h>

#include "tests/sim/input_test.h"

namespace {

using testing::Contains;
using testing::HasSubstr;

TEST(SuggestTest, TheFewestLettersToChangeWin) {
    const std::vector<std::string> names{"latency", "bandwidth", "buffer", "ports"};
    EXPECT_EQ(sim::nearest("latnecy", names), "latency");      // neighbours swapped
    EXPECT_EQ(sim::nearest("lateny", names), "latency");       // one left out
    EXPECT_EQ(sim::nearest("BandwidthS", names), "bandwidth"); // one too many, case ignored
    EXPECT_EQ(sim::nearest("bufert", names), "buffer");        // one left out, one too many
    EXPECT_EQ(sim::nearest("zzzz", names), "");
    EXPECT_EQ(sim::nearest("", names), "");
}

TEST(SuggestTest, AThirdOfTheLettersMayBeWrongAndNoMore) {
    EXPECT_EQ(sim::nearest("abcxxf", {"abcdef"}), "abcdef"); // two of six
    EXPECT_EQ(sim::nearest("abxxxf", {"abcdef"}), "");       // three
    EXPECT_EQ(sim::nearest("ab", {"ba"}), "ba");             // one always may
    EXPECT_EQ(sim::nearest("ab", {"cd"}), "");
}

TEST(SuggestTest, OfNamesEquallyNearTheFirstIsTaken) {
    EXPECT_EQ(sim::nearest("hopper", {"hopper1", "hopper0"}), "hopper1");
    EXPECT_EQ(sim::nearest("hopper0x", {"hopper1", "hopper0"}), "hopper0"); // a nearer one behind it
}

TEST(SuggestTest, TheBeginningOfANameMeansIt) {
    EXPECT_EQ(sim::nearest("grace0", {"hopper0.sm", "grace0.system"}), "grace0.system");
    EXPECT_EQ(sim::suggest("zzzz", {"a", "b"}), "one of: a, b");
}

TEST(SuggestTest, WordsAsLongAsTheyMayBeAreCompared) {
    const std::string longest(64, 'x');
    EXPECT_EQ(sim::nearest(longest, {longest.substr(1) + "y"}), longest.substr(1) + "y");
    EXPECT_EQ(sim::nearest(longest, {"y" + longest}), "") << "no slip of the keyboard";
}

struct SuggestInTopologyTest : InputTest {};

TEST_F(SuggestInTopologyTest, ASlipInARangeOfTenThousandLinksIsToldAtOnce) {
    // A part that is not there, of another name for each link and of one for all; each may have meant any of thousands.
    const std::string good = "b: \"leaf{0/36}-{1}\"";
    for (const auto& [bad, told] : {std::pair{"b: \"laef{0/36}-{1}\"", "\"laef11-1\"; did you mean \"leaf11-1\"?"},
                                    {"b: \"leaf{0/36}-{1\"", "\"leaf{0/36}-{1\""}}) {
        std::string text = files.texts.at("topologies/nvl576.yaml");
        ASSERT_NE(text.find(good), std::string::npos);
        text.replace(text.find(good), good.size(), bad);
        const std::clock_t begin = std::clock();
        EXPECT_FALSE(topology(text));
        EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 3) << "of computing";
        EXPECT_THAT(said(), Contains(HasSubstr(std::string("there is no part ") + told)));
    }
}

} // namespace
