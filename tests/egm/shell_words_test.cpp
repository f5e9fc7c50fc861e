// Shell words and QEMU's option strings: is text cut as the shell and QEMU cut it?

#include "egm/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"
#include "egm/qemu_arguments.h"
#include "egm/qemu_options.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::vector<std::string> words(std::string_view script) {
    std::vector<std::string> all;
    for (const ShellWord& word : shell_words(script))
        all.push_back(word.ends_command ? "|" : word.text);
    return all;
}

TEST(ShellWordsTest, QuotesAndBackslashesBelongToWords) {
    EXPECT_THAT(words(R"(a 'b c' "d $e \" \n" f\ g h''i)"), ElementsAre("a", "b c", R"(d $e " \n)", "f g", "hi"));
}

TEST(ShellWordsTest, ContinuedLinesAreOneCommandAndNewlinesEndIt) {
    EXPECT_THAT(words("a \\\n b\nc; d & e | f"), ElementsAre("a", "b", "|", "c", "|", "d", "|", "e", "|", "f"));
    EXPECT_THAT(words("a \\\r\n b"), ElementsAre("a", "b"));
}

TEST(ShellWordsTest, CommentsReachToTheEndOfTheLine) {
    EXPECT_THAT(words("a # b 'c\nd#e"), ElementsAre("a", "|", "d#e"));
}

TEST(ShellWordsTest, PlacesCountFromOne) {
    const auto all = shell_words("a\n  bc 'd'\n");
    EXPECT_EQ(all[2].place, (TextPlace{2, 3}));
    EXPECT_EQ(all[3].place, (TextPlace{2, 6}));
}

TEST(ShellWordsTest, QuoteWithoutEndReachesToTheEndOfTheText) {
    EXPECT_THAT(words("a 'b\nc"), ElementsAre("a", "b\nc"));
    EXPECT_THAT(words("a \\"), ElementsAre("a", ""));
}

TEST(ShellWordsTest, WhatIsQuotedIsReadBack) {
    for (const std::string text : {"plain", "with space", "it's", "$HOME", "", "a\"b", "a\\b", "*", "node,nodeid=0"})
        EXPECT_THAT(words(shell_quoted(text)), ElementsAre(text)) << shell_quoted(text);
}

TEST(QemuOptionsTest, FirstPieceMayLeaveOutItsKeyAndCommasAreDoubled) {
    const auto options = QemuOptions::parse("virt,accel=kvm,file=a,,b,usb", "type");
    ASSERT_TRUE(options);
    EXPECT_THAT(options->all(),
                ElementsAre(Pair("type", "virt"), Pair("accel", "kvm"), Pair("file", "a,b"), Pair("usb", "on")));
    EXPECT_TRUE(options->is_on("usb"));
    EXPECT_FALSE(options->is_off("absent"));
}

TEST(QemuOptionsTest, LastValueCounts) { EXPECT_EQ(QemuOptions::parse("a=1,a=2", "")->get("a"), "2"); }

TEST(QemuOptionsTest, JsonIsTheSame) {
    const auto options = QemuOptions::parse(R"({"driver":"x","on":true,"size":447,"list":[1,"b"],"deep":{"a":1}})", "");
    ASSERT_TRUE(options);
    EXPECT_EQ(options->get("driver"), "x");
    EXPECT_TRUE(options->is_on("on"));
    EXPECT_EQ(options->get("size"), "447");
    EXPECT_EQ(options->get("list"), "b");
    EXPECT_FALSE(QemuOptions::parse("{\"driver\"", ""));
    EXPECT_FALSE(QemuOptions::parse("{]", ""));
}

TEST(QemuOptionsTest, SizesAreThoseOfQemu) {
    EXPECT_EQ(parse_qemu_size("447G"), 447 * kGiB);
    EXPECT_EQ(parse_qemu_size("4t"), 4 * kTiB);
    EXPECT_EQ(parse_qemu_size("1.5G"), kGiB + 512 * kMiB);
    EXPECT_EQ(parse_qemu_size("16", kMiB), 16 * kMiB);
    EXPECT_EQ(parse_qemu_size("0x6fc0000000"), 447 * kGiB);
    EXPECT_EQ(parse_qemu_size("100B"), 100u);
    for (const char* text : {"", "G", "-1", "1x", "1..5G", "1.G5", "99999999999E", "20000000000000000000", "0x", "1.5"})
        EXPECT_TRUE(!parse_qemu_size(text) || std::string(text) == "1.5") << text;
}

} // namespace
} // namespace egm
