#include "sim/error_bands.h"

#include <map>

#include "sim/fields.h"
#include "sim/input_files.h"
#include "sim/shipped_topologies.h"
#include "sim/words.h"

namespace sim {
namespace {

const std::map<std::string, ErrorBand>& bands() {
    static const std::map<std::string, ErrorBand> all = [] {
        std::map<std::string, ErrorBand> found;
        const std::string path = shipped_file("validation/recorded.yaml");
        Diagnostics diagnostics; // `egmsim validate` tells what is wrong with the file
        const auto text = path.empty() ? std::nullopt : DiskFiles().read(path, diagnostics);
        const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
        const YamlNode* list = tree ? tree->find("bands") : nullptr;
        for (const YamlNode& node : list != nullptr ? list->items : std::vector<YamlNode>{}) {
            ErrorBand band;
            std::uint64_t rows = 0;
            Fields fields(node, "band", diagnostics);
            fields.text("of", band.of);
            fields.count("rows", rows);
            fields.share("within", band.within, 0, 1000);
            band.rows = rows;
            found[band.of] = band;
        }
        return found;
    }();
    return all;
}

} // namespace

std::string band_kind(Engine engine, Operation operation) {
    std::string kind;
    switch (operation) {
    case Operation::kRead:
        kind = "read";
        break;
    case Operation::kWrite:
        kind = "write";
        break;
    case Operation::kCopy:
        kind = "copy";
        break;
    case Operation::kStreamCopy:
    case Operation::kStreamScale:
    case Operation::kStreamAdd:
    case Operation::kStreamTriad:
        kind = "stream";
        break;
    case Operation::kRandomRead:
    case Operation::kRandomWrite:
        kind = "random";
        break;
    case Operation::kPointerChase:
        kind = "chase";
        break;
    default:
        kind = "ping-pong";
        break;
    }
    return to_text(engine) + " " + kind;
}

std::vector<std::string> band_names(bool is_latency, const std::string& kind, const std::string& grade) {
    const std::string metric = is_latency ? "latency " : "bandwidth ";
    return {metric + kind + " " + grade, metric + grade};
}

std::optional<ErrorBand> error_band(const StreamResult& line) {
    if (!line.fault.empty()) {
        return std::nullopt;
    }
    const std::string kind = band_kind(line.stream->engine, line.stream->operation);
    for (const std::string& name : band_names(line.is_latency, kind, to_string(line.grade))) {
        if (const auto found = bands().find(name); found != bands().end()) {
            return found->second;
        }
    }
    return std::nullopt;
}

} // namespace sim
