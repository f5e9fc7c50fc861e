// The YAML tree: is every value found at its place, and is whatever we do not read refused in words?
#include "sim/yaml_tree.h"

#include <algorithm>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace sim;
using testing::HasSubstr;

struct YamlTreeTest : testing::Test {
    std::optional<YamlNode> parse(const std::string& text) { return parse_yaml(text, "f.yaml", diagnostics); }

    std::string said() const {
        std::string text;
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            text += to_text(diagnostic) + "\n";
        }
        return text;
    }

    Diagnostics diagnostics;
};

TEST_F(YamlTreeTest, KeysAndValuesKnowTheirLineAndColumn) {
    const auto tree = parse("a: 1\nb:\n  - {c: x, d: 'y z'}\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->entries[1].where.line, 2);
    EXPECT_EQ(tree->entries[1].where.column, 1);
    const YamlNode& d = *tree->find("b")->items.at(0).find("d");
    EXPECT_EQ(d.text, "y z");
    EXPECT_EQ(d.where.line, 3);
    EXPECT_EQ(d.where.column, 15);
}

TEST_F(YamlTreeTest, AnAbsentValueStandsAtItsKey) {
    const auto tree = parse("a:\nb: 1\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(tree->find("a")->kind, YamlNode::Kind::kNull);
    EXPECT_EQ(tree->find("a")->where.line, 1);
}

TEST_F(YamlTreeTest, ADuplicateKeyIsAnErrorAndTheFirstCounts) {
    const auto tree = parse("a: 1\nb: 2\na: {x: 3}\n");
    ASSERT_TRUE(tree);
    EXPECT_EQ(said(), "f.yaml:3:1: error: the key \"a\" stands twice in this map; the first is in line 1\n");
    EXPECT_EQ(tree->find("a")->text, "1");
    EXPECT_EQ(tree->entries.size(), 2u);
}

TEST_F(YamlTreeTest, WhatYamlCanAndWeDoNotReadIsRefused) {
    const std::pair<const char*, const char*> cases[] = {
        {"a: &x 1\n", "f.yaml:1:4: error: anchors (&name) and aliases (*name) are not read; write the value out"},
        {"a: &x [1]\nb: *x\n", "anchors"},
        {"a: !int 1\n", "the tag \"!int\" is not read; leave it out"},
        {"a: 1\n---\nb: 2\n", "a second document begins here; keep one document a file"},
        {"[a, b]: 1\n", "a key cannot be a list or a map"},
        {"{a: 1}: 1\n", "a key cannot be a list or a map"},
        {": 1\n", "a key is missing"},
        {"", "the file is empty"},
        {"a: [1, 2\n", "not valid YAML"},
        {"a: b: c\n", "not valid YAML"},
        {"a: \"x\n", "not valid YAML: a quote is not closed; close it where the value ends"},
        {"a: 'x\nb: 3", "a quote is not closed"},
        {"\ta: 1\n", "not valid YAML"},
        {"a: *nobody\n", "not valid YAML"},
        {"a: blackwell{0}, {b: blackwell{0}}\n}", "not valid YAML"},
    };
    for (const auto& [text, expected] : cases) {
        diagnostics = {};
        EXPECT_FALSE(parse(text)) << text;
        EXPECT_THAT(said(), HasSubstr(expected)) << text;
    }
}

TEST_F(YamlTreeTest, DeepNestingIsRefusedAndNotFollowed) {
    for (const char* open : {"[", "{a: ", "- ", "? "}) {
        std::string text;
        for (int i = 0; i < 100'000; ++i) {
            text += open;
        }
        diagnostics = {};
        EXPECT_FALSE(parse(text)) << open;
        EXPECT_TRUE(diagnostics.has_errors());
    }
}

TEST_F(YamlTreeTest, ALargeFileIsRefused) {
    EXPECT_FALSE(parse(std::string(kYamlBytesMax + 1, '#')));
    EXPECT_EQ(said(), "f.yaml: error: the file is larger than 4 MiB\n");
}

TEST_F(YamlTreeTest, TooManyValuesAreRefused) {
    std::string text;
    for (std::size_t i = 0; i <= kYamlNodesMax; ++i) {
        text += "- x\n";
    }
    EXPECT_FALSE(parse(text));
    EXPECT_THAT(said(), HasSubstr("more than 200000 values"));
}

TEST_F(YamlTreeTest, ControlCharactersDoNotReachTheTerminal) {
    parse("\"a\\u001b[31m\\nb\": 1\n\"a\\u001b[31m\\nb\": 2\n");
    const std::string text = said();
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

} // namespace
