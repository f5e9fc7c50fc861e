#include "sim/trace_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/stream_loader.h"
#include "sim/trace.h"

namespace sim {

namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::size_t kPathsMax = 4096;

/// What the accesses of one path have in common.
struct Seen {
    std::string initiator, op, memory;
    std::uint64_t end = 0; ///< of the working set
    std::uint64_t bytes = 0;
    int line = 0; ///< that reaches the end
};

std::string beside(const std::string& scenario, const std::string& file) {
    const std::size_t slash = scenario.rfind('/');
    return file.starts_with('/') || slash == std::string::npos ? file : scenario.substr(0, slash + 1) + file;
}

} // namespace

std::shared_ptr<const Work> read_trace(const YamlNode& item, const SoftwareSetup* software, const Topology* topology,
                                       Diagnostics& diagnostics) {
    const std::size_t errors = diagnostics.errors();
    Fields fields(item, "trace", diagnostics);
    auto trace = std::make_shared<Trace>();
    std::string name, vm;
    fields.text("trace", trace->file);
    fields.text("name", name); // the group's
    fields.text("vm", vm);
    fields.count("in_flight", trace->in_flight, {.max = 65536});
    fields.finish();
    if (trace->file.empty() || diagnostics.errors() != errors || topology == nullptr) {
        return nullptr;
    }
    const std::string named = trace->file;
    trace->file = beside(item.where.file, trace->file);
    std::map<std::string, Seen> seen;
    TraceReader reader(trace->file, diagnostics);
    for (TraceLine line; reader.next(line);) {
        Seen& path = seen[line.path()];
        if (line.offset + line.bytes > path.end) {
            path = {line.initiator, line.op, line.memory, line.offset + line.bytes, path.bytes, line.number};
        }
        path.bytes += line.bytes;
        ++trace->accesses;
        trace->last = line.time;
        if (seen.size() > kPathsMax) {
            diagnostics.error({trace->file, line.number, 1},
                              fmt::format("more than {} ways between initiators and memories", kPathsMax));
            return nullptr;
        }
    }
    if (trace->accesses == 0 && diagnostics.errors() == errors) {
        diagnostics.error({trace->file, 0, 0}, "has no access");
    }
    auto work = std::make_shared<Work>();
    SpreadReader spreads;
    for (const auto& [key, path] : seen) {
        const Location where{trace->file, path.line, 1};
        YamlNode node = make_map(where);
        const auto add = [&](const std::string& field, const std::string& value) {
            node.entries.push_back({field, where, make_scalar(value, where)});
        };
        add("from", path.initiator);
        add("op", path.op);
        add(path.op == "read" ? "source" : "target", path.memory);
        add("working_set", fmt::format("{} B", std::max(path.end, kMiB)));
        if (!topology->egm && path.memory.ends_with(".system") && path.initiator.ends_with(".sm")) {
            add("allocator", "pinned");
        }
        if (!vm.empty()) {
            add("vm", vm);
        }
        const WorkGraph::Index index =
            work->graph.add_path(read_stream(node, "access", software, topology, spreads, diagnostics));
        trace->paths[key] = index;
        work->graph.transfer(index, path.bytes);
    }
    if (diagnostics.errors() != errors) {
        return nullptr;
    }
    work->what = fmt::format("replay of {} accesses of {}", trace->accesses, named);
    work->trace = std::move(trace);
    return work;
}

} // namespace sim
