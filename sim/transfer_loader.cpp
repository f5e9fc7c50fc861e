#include "sim/transfer_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/stream_loader.h"
#include "sim/words.h"
#include "sim/work.h"

namespace sim {

std::shared_ptr<const Work> read_transfer(const YamlNode& item, const std::string& label, const SoftwareSetup* software,
                                          const Topology* topology, SpreadReader& spreads, Diagnostics& diagnostics) {
    const std::string what = fmt::format("transfer {}", in_quotes(label));
    const std::size_t errors = diagnostics.errors();
    YamlNode keys = make_map(item.where); // those of the stream
    YamlNode own = make_map(item.where);
    for (const YamlEntry& entry : item.entries) {
        (entry.key == "transfer" || entry.key == "size" ? own : keys).entries.push_back(entry);
    }
    std::uint64_t size = 0;
    Fields fields(own, what, diagnostics);
    fields.node("transfer");
    fields.size("size", size, {.max = 1ull << 44, .likely = "MiB"});
    fields.require({"size"}, "say how much it moves, \"size: 64 KiB\"");
    fields.finish();
    for (const char* key : {"start", "stop", "rate_cap"}) {
        if (const YamlNode* node = keys.find(key)) {
            diagnostics.error(node->where, fmt::format("{}: {} belongs to streams that run on", what, key),
                              "leave it out");
        }
    }
    if (keys.find("working_set") == nullptr && size > 0) {
        keys.entries.push_back({"working_set", item.where,
                                make_scalar(fmt::format("{} B", std::max<std::uint64_t>(size, 1024)), item.where)});
    }
    const Stream stream = read_stream(keys, what, software, topology, spreads, diagnostics);
    if (stream.operation == Operation::kPointerChase || stream.operation == Operation::kPingPong) {
        diagnostics.error(item.where, fmt::format("{}: {} has no end", what, to_text(stream.operation)),
                          "put it into a group of streams");
    }
    if (diagnostics.errors() != errors || topology == nullptr) {
        return nullptr;
    }
    auto work = std::make_shared<Work>();
    const auto path = work->graph.add_path(stream);
    work->graph.transfer(path, size);
    work->what = fmt::format("{}, {}", stream.name, format_size(size));
    work->size_bytes = size;
    return work;
}

} // namespace sim
