#include "sim/yaml_tree.h"

#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace sim {
namespace {

/// Thrown out of the parser's events; the error is already reported.
struct Stop {};

/// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(std::string file, Diagnostics& diagnostics) : file_(std::move(file)), diagnostics_(diagnostics) {}

    YamlNode take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1) {
            stop(at(mark), "a second document begins here", "keep one document a file");
        }
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        if (wants_key()) {
            stop(at(mark), "a key is missing", "write \"key: value\"");
        }
        YamlNode node;
        // yaml-cpp marks an absent value by whatever follows it; a person looks at the key.
        node.where = open_.empty() || !open_.back().node.is_map() ? at(mark) : open_.back().key_where;
        place(std::move(node));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_anchor(mark, 1); }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (wants_key()) {
            begin_entry(value, at(mark));
            return;
        }
        place(make_scalar(value, at(mark)));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::kSequence);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::kMap);
    }
    void OnMapEnd() override { close(); }

private:
    /// A collection that has begun and not ended.
    struct Open {
        YamlNode node;
        bool key_read = false; ///< of a map: the key of the value that comes next
        bool dropped = false;  ///< that key is a duplicate: its value is read and forgotten
        std::string key;
        Location key_where;
        std::map<std::string, Location> keys;
    };

    Location at(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

    [[noreturn]] void stop(const Location& where, std::string message, std::string suggestion) {
        diagnostics_.error(where, std::move(message), std::move(suggestion));
        throw Stop{};
    }

    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor != 0) {
            stop(at(mark), "anchors (&name) and aliases (*name) are not read", "write the value out");
        }
    }

    void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
        if (!tag.empty() && tag != "?" && tag != "!") {
            stop(at(mark), fmt::format("the tag \"{}\" is not read", tag), "leave it out");
        }
    }

    bool wants_key() const { return !open_.empty() && open_.back().node.is_map() && !open_.back().key_read; }

    void begin_entry(const std::string& key, const Location& where) {
        Open& map = open_.back();
        const auto [first, fresh] = map.keys.emplace(key, where);
        map.dropped = !fresh;
        if (map.dropped) {
            diagnostics_.error(where, fmt::format("the key \"{}\" stands twice in this map", key),
                               fmt::format("the first is in line {}", first->second.line));
        }
        map.key = key;
        map.key_where = where;
        map.key_read = true;
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlNode::Kind kind) {
        refuse_anchor(mark, anchor);
        refuse_tag(mark, tag);
        if (wants_key()) {
            stop(at(mark), "a key cannot be a list or a map", "close each { and [, and quote values that contain them");
        }
        if (open_.size() >= kYamlDepthMax) {
            stop(at(mark), fmt::format("nested deeper than {} levels", kYamlDepthMax), {});
        }
        Open collection;
        collection.node.kind = kind;
        collection.node.where = at(mark);
        open_.push_back(std::move(collection));
    }

    void close() {
        YamlNode node = std::move(open_.back().node);
        open_.pop_back();
        place(std::move(node));
    }

    void place(YamlNode node) {
        if (++nodes_ > kYamlNodesMax) {
            stop(node.where, fmt::format("more than {} values in one file", kYamlNodesMax), {});
        }
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = open_.back();
        if (parent.node.is_sequence()) {
            parent.node.items.push_back(std::move(node));
            return;
        }
        if (!parent.dropped) {
            parent.node.entries.push_back({std::move(parent.key), parent.key_where, std::move(node)});
        }
        parent.key_read = false;
    }

    const std::string file_;
    Diagnostics& diagnostics_;
    std::vector<Open> open_;
    YamlNode root_;
    std::size_t nodes_ = 0;
    int documents_ = 0;
};

} // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const YamlEntry& entry : entries) {
        if (entry.key == key) {
            return &entry.value;
        }
    }
    return nullptr;
}

YamlNode* YamlNode::find(std::string_view key) {
    return const_cast<YamlNode*>(static_cast<const YamlNode*>(this)->find(key));
}

YamlNode make_scalar(std::string text, const Location& where) {
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.text = std::move(text);
    node.where = where;
    return node;
}

YamlNode make_map(const Location& where) {
    YamlNode node;
    node.kind = YamlNode::Kind::kMap;
    node.where = where;
    return node;
}

void merge_over(YamlNode& base, const YamlNode& over) {
    if (!base.is_map() || !over.is_map()) {
        base = over;
        return;
    }
    base.where = over.where;
    for (const YamlEntry& entry : over.entries) {
        if (YamlNode* there = base.find(entry.key)) {
            merge_over(*there, entry.value);
        } else {
            base.entries.push_back(entry);
        }
    }
}

std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, Diagnostics& diagnostics) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
        diagnostics.error({file, 1, 1}, "the file is empty");
        return std::nullopt;
    }
    if (text.size() > kYamlBytesMax) {
        diagnostics.error({file, 0, 0}, fmt::format("the file is larger than {} MiB", kYamlBytesMax >> 20));
        return std::nullopt;
    }
    TreeBuilder builder(file, diagnostics);
    try {
        // Without the end marker, yaml-cpp takes a quote that is never closed for one that ends with the file.
        std::istringstream stream(text + "\n...\n");
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(builder)) {
            diagnostics.error({file, 1, 1}, "the file is empty");
            return std::nullopt;
        }
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Stop&) {
    } catch (const YAML::Exception& fault) {
        const Location where{file, fault.mark.line + 1, fault.mark.column + 1};
        if (fault.msg == YAML::ErrorMsg::DOC_IN_SCALAR || fault.msg == YAML::ErrorMsg::EOF_IN_SCALAR) {
            diagnostics.error(where, "not valid YAML: a quote is not closed", "close it where the value ends");
        } else {
            diagnostics.error(where, "not valid YAML: " + fault.msg, "quote values that contain { } [ ] # or \": \"");
        }
    } catch (const std::exception& fault) {
        diagnostics.error({file, 0, 0}, fmt::format("not valid YAML: {}", fault.what()));
    }
    return std::nullopt;
}

} // namespace sim
