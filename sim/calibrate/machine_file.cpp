#include "sim/calibrate/machine_file.h"

#include <fmt/format.h>

#include "sim/figure_text.h"

namespace sim::calibrate {
namespace {

/// Writes a tree as block YAML, and beside some scalars a comment.
class Emitter {
public:
    explicit Emitter(std::map<std::string, std::string> comments) : comments_(std::move(comments)) {}

    void map(const YamlNode& node, std::size_t depth, const std::string& path) {
        for (const YamlEntry& entry : node.entries) {
            const std::string here = path.empty() ? entry.key : path + "\n" + entry.key;
            std::string line = std::string(2 * depth, ' ') + scalar(entry.key) + ":";
            if (entry.value.is_map()) {
                text += line + "\n";
                map(entry.value, depth + 1, here);
                continue;
            }
            line += " " + flow(entry.value);
            const auto comment = comments_.find(here);
            text += comment == comments_.end() ? line + "\n" : fmt::format("{:<48} # {}\n", line, comment->second);
        }
    }

    std::string text;

private:
    static std::string flow(const YamlNode& node) {
        if (!node.is_sequence()) {
            return scalar(node.text);
        }
        std::string items;
        for (const YamlNode& item : node.items) {
            items += (items.empty() ? "" : ", ") + scalar(item.text);
        }
        return "[" + items + "]";
    }

    /// Ranges in keys are plain, as in the files that people write; anything that YAML might read otherwise is quoted.
    static std::string scalar(const std::string& word) {
        const bool plain = !word.empty() && word.front() != ' ' && word.back() != ' ' &&
                           word.find_first_of("{}#,&*!|>'\"%@`:\\\n\t") == std::string::npos && word.front() != '[' &&
                           word.front() != '-' && word.front() != '?';
        const bool share = word.size() > 2 && word.ends_with(" %") && word.find_first_of("{}#") == std::string::npos;
        if (plain || share) {
            return word;
        }
        std::string quoted;
        for (const char c : word) {
            quoted += c == '"' || c == '\\' ? std::string{'\\', c} : c == '\n' ? "\\n" : std::string{c};
        }
        return "\"" + quoted + "\"";
    }

    std::map<std::string, std::string> comments_;
};

void set_text(YamlNode& map, const std::string& key, const std::string& text) {
    if (YamlNode* const there = map.find(key)) {
        *there = make_scalar(text, map.where);
    } else {
        map.entries.push_back({key, map.where, make_scalar(text, map.where)});
    }
}

} // namespace

std::string machine_file(const Topology& base, const std::string& name, const std::string& description,
                         const std::vector<std::string>& head, const std::vector<ReplacedFigure>& figures,
                         const InputFiles& files, Diagnostics& diagnostics) {
    const auto text = files.read(base.file, diagnostics);
    auto tree = text ? parse_yaml(*text, base.file, diagnostics) : std::nullopt;
    if (!tree || diagnostics.has_errors()) {
        return {};
    }
    set_text(*tree, "topology", name);
    set_text(*tree, "description", description);
    std::map<std::string, std::string> comments;
    for (const ReplacedFigure& figure : figures) {
        for (const std::string& entry : figure.entries) {
            for (const char* section : {"parts", "links"}) {
                YamlNode* const all = tree->find(section);
                YamlNode* const part = all != nullptr ? all->find(entry) : nullptr;
                if (part == nullptr) {
                    continue;
                }
                merge_over(*part, nested_figure(figure.figure, make_scalar(figure.text, part->where), part->where));
                std::string path = fmt::format("{}\n{}\n{}", section, entry, figure.figure);
                for (std::size_t dot = path.find('.', path.rfind('\n')); dot != std::string::npos;
                     dot = path.find('.', dot)) {
                    path[dot] = '\n';
                }
                comments[path] = figure.comment;
            }
        }
    }
    Emitter emitter(std::move(comments));
    for (const std::string& line : head) {
        emitter.text += line.empty() ? "#\n" : "# " + line + "\n";
    }
    emitter.map(*tree, 0, "");
    return emitter.text;
}

} // namespace sim::calibrate
