#include "sim/figure_text.h"

#include <cctype>

#include "sim/units.h"

namespace sim {

const YamlNode* find_figure(const YamlNode& figures, std::string_view path) {
    const YamlNode* node = &figures;
    for (std::size_t at = 0; node != nullptr && at <= path.size();) {
        const std::size_t dot = std::min(path.find('.', at), path.size());
        node = node->find(path.substr(at, dot - at));
        at = dot + 1;
    }
    return node;
}

YamlNode nested_figure(std::string_view path, const YamlNode& value, const Location& where) {
    const std::size_t dot = path.find('.');
    YamlNode map = make_map(where);
    map.entries.push_back({std::string(path.substr(0, dot)), where,
                           dot == std::string_view::npos ? value : nested_figure(path.substr(dot + 1), value, where)});
    return map;
}

std::optional<double> figure_value(std::string_view text) {
    for (const auto& whole : {parse_count(text), parse_size(text), parse_link_rate(text), parse_time(text)}) {
        if (whole) {
            return static_cast<double>(*whole);
        }
    }
    const auto share = parse_share(text);
    return share ? std::optional(*share) : std::nullopt;
}

std::optional<std::pair<std::string, std::string>> split_range(std::string_view text) {
    for (const std::string_view between : {" to ", " or "}) {
        const std::size_t at = text.find(between);
        if (at == std::string_view::npos || at == 0 || at + between.size() == text.size()) {
            continue;
        }
        std::string low(text.substr(0, at));
        const std::string_view high = text.substr(at + between.size());
        const std::size_t unit = high.find_first_not_of("0123456789.");
        if (std::isdigit(static_cast<unsigned char>(low.back())) != 0 && unit != std::string_view::npos && unit > 0) {
            low += high.substr(unit);
        }
        return std::pair(low, std::string(high));
    }
    return std::nullopt;
}

} // namespace sim
