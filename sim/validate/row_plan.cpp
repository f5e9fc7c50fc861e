#include "sim/validate/row_plan.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/error_bands.h"
#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/suggest.h"
#include "sim/topology_loader.h"
#include "sim/units.h"
#include "sim/validate/machine_parts.h"
#include "sim/validate/memory_words.h"
#include "sim/words.h"

namespace sim::validate {

using Kind = MachineParts::Kind;
using Role = MachineParts::Role;
using Shape = RowOperation::Shape;
using Counting = RowOperation::Counting;
using Direction = RowOperation::Direction;
using Player = RowOperation::Player;

namespace {

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "\"";
}

/// One stream of a scenario, key by key.
struct StreamText {
    Settings keys;

    void set(const std::string& key, const std::string& value) {
        for (auto& [name, old] : keys) {
            if (name == key) {
                old = value;
                return;
            }
        }
        keys.emplace_back(key, value);
    }
    std::string get(const std::string& key) const {
        const auto found = std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.first == key; });
        return found == keys.end() ? "" : found->second;
    }
    void drop(const std::string& key) {
        keys.erase(std::remove_if(keys.begin(), keys.end(), [&](const auto& each) { return each.first == key; }),
                   keys.end());
    }
    std::string text() const {
        std::string out;
        for (const auto& [key, value] : keys) {
            out += fmt::format("{}{}: {}", out.empty() ? "{" : ", ", key, value);
        }
        return out + "}";
    }
};

const char* engine_suffix(Engine engine) {
    switch (engine) {
    case Engine::kCpu:
        return "cpu";
    case Engine::kSm:
        return "sm";
    case Engine::kCopyEngine:
        return "ce";
    case Engine::kNic:
        break;
    }
    return "nic";
}

bool is_read(Operation operation) {
    return operation == Operation::kRead || operation == Operation::kRandomRead ||
           operation == Operation::kPointerChase || operation == Operation::kPingPong;
}
bool is_write(Operation operation) { return operation == Operation::kWrite || operation == Operation::kRandomWrite; }
bool is_stream_kernel(Operation operation) {
    return operation == Operation::kStreamCopy || operation == Operation::kStreamScale ||
           operation == Operation::kStreamAdd || operation == Operation::kStreamTriad;
}

constexpr unsigned kThreadsPerBlock = 1024;
constexpr unsigned kSweepPoints = 8; ///< of "max(read|write) over 1..n": n/8, 2n/8 ... n

} // namespace

std::string RowPlan::traffic() const {
    std::string out;
    for (const RowGroup& group : groups) {
        out += fmt::format("  - group: {}\n    streams:\n", quoted(group.name));
        for (const std::string& stream : group.streams) {
            out += fmt::format("      - {}\n", stream);
        }
    }
    return out;
}

std::string RowPlan::scenario(const std::string& name, const std::string& description) const {
    return fmt::format("scenario: {}\ndescription: {}\n{}traffic:\n{}", quoted(name), quoted(description), header,
                       traffic());
}

/// The work on one row.
class OneRow {
public:
    OneRow(RowPlanner& planner, MeasuredRow& row, Diagnostics& diagnostics)
        : planner_(planner), row_(row), diagnostics_(diagnostics) {}

    RowPlan plan() {
        const bool operation = read_operation();
        const bool memories = read_memories();
        const bool threads = read_threads();
        const bool page = read_page();
        const bool initiator = read_initiator();
        if (!find_machine() || !operation || !memories || !threads || !page || !initiator || row_.faulty) {
            return std::move(plan_);
        }
        if (op_.kind == RowOperation::Kind::kNotModelled) {
            plan_.unsupported = op_.why_not;
        }
        if (check_metric() && plan_.unsupported.empty()) {
            write();
        }
        return std::move(plan_);
    }

private:
    void reject(Column column, const std::string& message, const std::string& suggestion = {}) {
        row_.reject(column, message, suggestion, diagnostics_);
    }
    void unsupported(const std::string& why) {
        if (plan_.unsupported.empty()) {
            plan_.unsupported = why;
        }
    }

    bool read_operation() {
        if (row_.text(kOperation).empty()) {
            return false;
        }
        OperationFault fault;
        const auto operation = parse_operation(row_.text(kOperation), fault);
        if (!operation) {
            reject(kOperation, fault.message, fault.suggestion);
            return false;
        }
        op_ = *operation;
        return true;
    }

    bool read_memories() {
        bool good = true;
        for (const auto& [column, into] : {std::pair{kSourceMemory, &source_}, {kTargetMemory, &target_}}) {
            std::string fault, suggestion;
            *into = parse_memories(row_.text(column), fault, suggestion);
            if (!fault.empty()) {
                reject(column, fault, suggestion);
                good = false;
            }
        }
        return good;
    }

    bool read_threads() {
        const std::string& text = row_.text(kThreads);
        if (text.empty() || text == "best" || text == "all") {
            return true;
        }
        std::string left = text, right;
        for (const char* times : {"x", "X", "\u00d7", "*"}) {
            if (const auto at = text.find(times); at != std::string::npos) {
                left = text.substr(0, at);
                right = text.substr(at + std::string(times).size());
                break;
            }
        }
        const auto trim = [](const std::string& part) {
            const auto first = part.find_first_not_of(' ');
            return first == std::string::npos ? "" : part.substr(first, part.find_last_not_of(' ') - first + 1);
        };
        const auto a = parse_count(trim(left));
        const auto b = right.empty() ? Parsed<std::uint64_t>(0) : parse_count(trim(right));
        if (!a || !b || *a == 0 || *a > 1'000'000 || (!right.empty() && (*b == 0 || *b > kThreadsPerBlock))) {
            reject(kThreads, fmt::format("threads {} is no number of threads", in_quotes(text)),
                   "write 72, for a GPU blocks x threads of a block as in 264x1024, or best");
            return false;
        }
        if (right.empty()) {
            threads_ = static_cast<unsigned>(*a);
        } else {
            blocks_ = static_cast<unsigned>(*a);
            threads_ = static_cast<unsigned>(*b);
        }
        return true;
    }

    bool read_page() {
        for (const std::uint64_t good : {0ull, 4ull << 10, 64ull << 10, 2ull << 20, 512ull << 20, 1ull << 30}) {
            if (row_.page_bytes == good) {
                return true;
            }
        }
        reject(kPageSize, fmt::format("page_size {} is no page of these machines", row_.page_bytes),
               "write 4096, 65536, 2097152, 536870912 or 1073741824");
        return false;
    }

    /// "Hopper", "A100 x8", "8x H100", "Grace x2".
    bool read_initiator() {
        initiator_.clear();
        for (const std::string& word : words_of(row_.text(kInitiator))) {
            const bool factor = word.size() > 1 && word.size() < 6 && (word[0] == 'x' || word.back() == 'x') &&
                                std::all_of(word.begin() + (word[0] == 'x'), word.end() - (word[0] != 'x'),
                                            [](unsigned char c) { return std::isdigit(c) != 0; });
            if (factor && word != "x86") {
                count_ = static_cast<unsigned>(std::stoul(word.substr(word[0] == 'x' ? 1 : 0)));
            } else if (word != "gpu" || initiator_.empty()) {
                initiator_ += (initiator_.empty() ? "" : " ") + word;
            }
        }
        if (op_.initiators > 0) {
            count_ = op_.initiators;
        }
        if (count_ == 0 || count_ > 1024) {
            reject(kInitiator, fmt::format("{} is no number of initiators", count_));
            return false;
        }
        return !initiator_.empty();
    }

    bool find_machine() {
        const std::string& name = row_.text(kSystem);
        if (name.empty()) {
            return false;
        }
        const MeasuredSystem* system = find_system(planner_.systems_, name);
        SystemMachine machine;
        if (system != nullptr) {
            bool known = true;
            machine = find_variant(*system, row_.text(kVariant), known);
            if (!known) {
                plan_.warnings.push_back(fmt::format("variant {} is none that systems.yaml tells apart: taken as {}",
                                                     in_quotes(row_.text(kVariant)),
                                                     machine.topology.empty() ? "the system's own" : machine.topology));
            }
        } else if (const std::string path = named_topology(name); !path.empty()) {
            machine.topology = path;
        } else {
            std::vector<std::string> names;
            for (const MeasuredSystem& each : planner_.systems_) {
                names.insert(names.end(), each.names.begin(), each.names.end());
            }
            const std::string near = nearest(name, names);
            reject(kSystem, fmt::format("system {} is not known", in_quotes(name)),
                   near.empty() ? "name a system of validation/systems.yaml, a machine such as gh200-quad, or a "
                                  "topology file; --systems FILE adds your own"
                                : fmt::format("did you mean \"{}\"?", near));
            return false;
        }
        if (!machine.not_modelled.empty()) {
            unsupported(machine.not_modelled);
            return true;
        }
        const bool network =
            op_.kind == RowOperation::Kind::kNetwork || op_.kind == RowOperation::Kind::kNetworkLatency;
        if (network && !machine.network_topology.empty()) {
            machine.topology = machine.network_topology;
        }
        std::string why;
        if (named_topology(machine.topology).empty()) {
            unsupported(fmt::format("there is no machine {} among the topologies", in_quotes(machine.topology)));
            return true;
        }
        topology_ = planner_.machine(machine.topology, machine.set, why);
        if (topology_ == nullptr) {
            reject(kSystem, fmt::format("the machine of system {} does not load: {}", in_quotes(name), why));
            return false;
        }
        machine_ = machine;
        if (planner_.off_ != nullptr) {
            const Settings off = planner_.off_->settings(*topology_);
            machine_.set.insert(machine_.set.end(), off.begin(), off.end());
        }
        return row_.text(kInitiator).empty() ? false : find_kind(system);
    }

    /// A shipped machine, or a path.
    std::string named_topology(const std::string& name) const {
        if (name.ends_with(".yaml")) {
            return planner_.search_.input().exists(name) ? name : "";
        }
        for (const std::string& folder : planner_.search_.topology_directories) {
            if (name.find('/') == std::string::npos && planner_.search_.input().exists(folder + "/" + name + ".yaml")) {
                return name;
            }
        }
        return {};
    }

    /// Which kind of part the initiator's name is.
    bool find_kind(const MeasuredSystem* system) {
        static const std::vector<std::pair<std::string, Kind>> general = {
            {"cpu", Kind::kCpu},        {"host", Kind::kCpu},      {"gpu", Kind::kGpu},      {"device", Kind::kGpu},
            {"nic", Kind::kNic},        {"hca", Kind::kNic},       {"connectx", Kind::kNic}, {"connectx 7", Kind::kNic},
            {"connectx 8", Kind::kNic}, {"slingshot", Kind::kNic}, {"cassini", Kind::kNic},
        };
        static const std::vector<std::pair<std::string, Kind>> models = {
            {"grace", Kind::kCpu},  {"x86", Kind::kCpu},  {"xeon", Kind::kCpu},      {"epyc", Kind::kCpu},
            {"hopper", Kind::kGpu}, {"h100", Kind::kGpu}, {"h200", Kind::kGpu},      {"h800", Kind::kGpu},
            {"gh200", Kind::kGpu},  {"a100", Kind::kGpu}, {"blackwell", Kind::kGpu}, {"b200", Kind::kGpu},
            {"gb200", Kind::kGpu},  {"b300", Kind::kGpu}, {"gb300", Kind::kGpu},
        };
        std::vector<std::string> candidates;
        const auto matches = [&](const std::vector<std::string>& names) {
            return std::any_of(names.begin(), names.end(), [&](const std::string& each) {
                candidates.push_back(each);
                const auto words = words_of(each);
                return fmt::format("{}", fmt::join(words, " ")) == initiator_;
            });
        };
        for (const auto& [name, kind] : general) {
            candidates.push_back(name);
            if (name == initiator_) {
                kind_ = kind;
                return true;
            }
        }
        if (system != nullptr && matches(system->cpu)) {
            kind_ = Kind::kCpu;
            return true;
        }
        if (system != nullptr && matches(system->gpu)) {
            kind_ = Kind::kGpu;
            gpu_name_ = system->gpu.front();
            return true;
        }
        for (const auto& [name, kind] : models) {
            if (name == initiator_) {
                if (system == nullptr) {
                    kind_ = kind;
                    return true;
                }
                reject(kInitiator, fmt::format("{} has no {}", in_quotes(row_.text(kSystem)), row_.text(kInitiator)),
                       fmt::format("its initiators: {}", fmt::join(names_of(*system), ", ")));
                return false;
            }
            candidates.push_back(name);
        }
        const std::string near = nearest(row_.text(kInitiator), candidates);
        reject(kInitiator, fmt::format("initiator {} is not known", in_quotes(row_.text(kInitiator))),
               near.empty() ? "write Grace, Hopper, B200, H100 x8, NIC ..."
                            : fmt::format("did you mean \"{}\"?", near));
        return false;
    }
    static std::vector<std::string> names_of(const MeasuredSystem& system) {
        std::vector<std::string> names = system.cpu;
        names.insert(names.end(), system.gpu.begin(), system.gpu.end());
        return names;
    }

    bool check_metric() {
        using K = RowOperation::Kind;
        const Metric metric = *row_.metric;
        const bool chase = op_.kind == K::kStream && op_.operation == Operation::kPointerChase;
        bool fits = true;
        std::string wants;
        switch (op_.kind) {
        case K::kPingPong:
            fits = metric == Metric::kRoundTrip || metric == Metric::kLatency;
            wants = "roundtrip";
            break;
        case K::kNetworkLatency:
            fits = metric == Metric::kLatency;
            wants = "latency";
            break;
        case K::kGemm:
            fits = metric == Metric::kComputeRate;
            wants = "compute_rate";
            break;
        case K::kGenerate:
            fits = metric == Metric::kRuntime;
            wants = "runtime";
            break;
        case K::kNotModelled:
            break;
        case K::kCollective:
            fits = class_of(metric) == MetricClass::kBandwidth && metric != Metric::kStreamBandwidth;
            wants = "busbw or algbw";
            break;
        default:
            fits = chase ? metric == Metric::kLatency
                         : metric == Metric::kBandwidth || metric == Metric::kBandwidthCopy ||
                               metric == Metric::kStreamBandwidth;
            wants = chase ? "latency" : "bandwidth";
        }
        if (!fits) {
            reject(kMetric,
                   fmt::format("metric {} does not go with {}", row_.text(kMetric), in_quotes(row_.text(kOperation))),
                   fmt::format("write {}", wants));
        }
        return fits;
    }

    // From here on every word is understood; what fails now is for the machine to say.

    void write() {
        MachineParts parts(*topology_);
        parts_ = &parts;
        find_engine();
        if (row_.faulty || !plan_.unsupported.empty()) {
            return;
        }
        if (parts.of(kind_).empty()) {
            unsupported(fmt::format("{} has no {}", topology_->name,
                                    kind_ == Kind::kNic   ? "NIC"
                                    : kind_ == Kind::kGpu ? "GPU"
                                                          : "CPU"));
            return;
        }
        local_ = parts.of(kind_).front();
        if (op_.all_initiators && count_ == 1) {
            count_ = static_cast<unsigned>(parts.of(kind_).size());
        }
        write_groups();
        if (plan_.unsupported.empty() && !row_.faulty) {
            write_header();
        } else {
            plan_.groups.clear();
        }
    }

    void find_engine() {
        const std::string& text = row_.text(kEngine);
        if (!text.empty()) {
            static const std::vector<std::pair<std::string, Engine>> words = {
                {"cpu", Engine::kCpu}, {"sm", Engine::kSm}, {"ce", Engine::kCopyEngine}, {"nic", Engine::kNic}};
            const auto written = words_of(text);
            bool found = false;
            for (const auto& [word, engine] : words) {
                if (written.size() == 1 && written[0] == word) {
                    engine_ = engine;
                    found = true;
                }
            }
            if (!found) {
                reject(kEngine, fmt::format("engine {} is not known", in_quotes(text)), "write CPU, SM, CE or NIC");
                return;
            }
        } else if (op_.engine) {
            engine_ = *op_.engine;
        } else {
            reject(kEngine, "engine is empty", "write CPU, SM, CE or NIC");
            return;
        }
        const bool fits = kind_ == Kind::kCpu   ? engine_ == Engine::kCpu
                          : kind_ == Kind::kNic ? engine_ == Engine::kNic
                                                : engine_ == Engine::kSm || engine_ == Engine::kCopyEngine;
        if (!fits) {
            reject(kEngine, fmt::format("a {} has no engine {}", row_.text(kInitiator), engine_suffix(engine_)),
                   kind_ == Kind::kCpu   ? "write CPU"
                   : kind_ == Kind::kNic ? "write NIC"
                                         : "write SM or CE");
        } else if (op_.engine && !text.empty() && *op_.engine != engine_) {
            reject(kEngine, fmt::format("engine {} where the operation says {}", text, engine_suffix(*op_.engine)));
        }
    }

    /// The name that a scenario has for a memory, as seen from `part`; empty (and unsupported) if there is none.
    std::string memory(const MemoryWord& word, const std::string& part) {
        if (!word.exact.empty()) {
            return word.exact;
        }
        const Role role = word.role == MemoryWord::Role::kPeer     ? Role::kPeer
                          : word.role == MemoryWord::Role::kRemote ? Role::kRemote
                                                                   : Role::kLocal;
        std::string owner;
        std::string kind;
        switch (word.kind) {
        case MemoryWord::Kind::kHbm:
            owner = parts_->gpu(part, role);
            kind = ".hbm";
            break;
        case MemoryWord::Kind::kHost:
            owner = parts_->cpu(part, role);
            kind = ".system";
            break;
        case MemoryWord::Kind::kEgm:
            owner = parts_->cpu(part, role);
            kind = ".egm";
            if (!topology_->egm) {
                unsupported(fmt::format("{} has no EGM", topology_->name));
                return {};
            }
            break;
        case MemoryWord::Kind::kCache: // of the initiator; the working set decides
            owner = kind_ == Kind::kGpu ? part : parts_->cpu(part, Role::kLocal);
            kind = kind_ == Kind::kGpu ? ".hbm" : ".system";
            break;
        case MemoryWord::Kind::kNone:
            return {};
        }
        if (owner.empty()) {
            unsupported(fmt::format("{} has no {} for {}", topology_->name, word.text, part));
            return {};
        }
        return owner + kind;
    }

    /// The only memory of a cell; rejects a list of operands.
    MemoryWord only(const std::vector<MemoryWord>& words, Column column) {
        if (words.size() > 1) {
            reject(column, "operands by name belong to a GEMM", "name one memory");
        }
        return words.empty() ? MemoryWord{} : words.front();
    }

    /// The memory that a read reads, or a write writes: by its cell, else by the other one.
    MemoryWord one_memory(bool of_write) {
        const MemoryWord from = only(source_, kSourceMemory), to = only(target_, kTargetMemory);
        const MemoryWord& first = of_write ? to : from;
        const MemoryWord& second = of_write ? from : to;
        const MemoryWord& found = first.kind != MemoryWord::Kind::kNone || !first.exact.empty() ? first : second;
        if (found.kind == MemoryWord::Kind::kNone && found.exact.empty()) {
            reject(of_write ? kTargetMemory : kSourceMemory,
                   fmt::format("{} needs a {}", in_quotes(row_.text(kOperation)),
                               of_write ? "target memory" : "source memory"),
                   "write LPDDR.local, HBM.peer, EGM.remote ...");
        }
        return found;
    }

    StreamText stream(const std::string& part, Engine engine, Operation operation) const {
        StreamText text;
        text.set("from", fmt::format("{}.{}", part, engine_suffix(engine)));
        text.set("op", to_text(operation));
        return text;
    }

    /// What the system's programs are like, then what the row says of size, threads and allocator.
    void add_details(StreamText& text, Engine engine, Operation operation, bool counted) {
        const std::string suffix = engine_suffix(engine);
        const bool touches_host = mentions(text, ".system");
        if (touches_host && engine != Engine::kCpu && engine != Engine::kNic) {
            const std::string& benchmark = op_.benchmark;
            if (op_.allocator == Allocator::kPinned || op_.allocator == Allocator::kSystem) {
                text.set("allocator", to_text(*op_.allocator));
            } else if (benchmark == "nvbandwidth" || benchmark == "comm-scope" || benchmark == "opencl") {
                text.set("allocator", "pinned");
            }
        } else if (op_.allocator == Allocator::kSystem && !mentions(text, ".egm")) {
            text.set("allocator", "system");
        }
        for (const std::string& key : {suffix, suffix + " " + to_text(operation)}) {
            if (const auto settings = machine_.streams.find(key); settings != machine_.streams.end()) {
                for (const auto& [name, value] : settings->second) {
                    text.set(name, value);
                }
            }
        }
        if (op_.latency && operation == Operation::kPointerChase && engine == Engine::kSm) {
            text.set("bypass_l1", "true");
        }
        if (!counted) {
            return;
        }
        if (row_.size_bytes > 0 && operation != Operation::kPingPong) {
            text.set("working_set", fmt::format("{} B", std::max<std::uint64_t>(row_.size_bytes, 1024)));
            if (engine == Engine::kSm && operation != Operation::kPointerChase && operation != Operation::kRandomRead &&
                operation != Operation::kRandomWrite && operation != Operation::kPingPong) {
                text.set("kernel_per_pass", "true"); // a size is that of one kernel
            }
        } else if (const std::uint64_t cache = cache_bytes(); cache > 0) {
            text.set("working_set", fmt::format("{} B", cache));
        }
        if (row_.page_bytes > 65536) {
            text.set("page_size", format_size(row_.page_bytes));
        }
        if (operation == Operation::kPointerChase || operation == Operation::kPingPong) {
            if (engine == Engine::kCpu && operation == Operation::kPointerChase) {
                text.set("threads", "1");
            }
            return;
        }
        if (engine == Engine::kCpu && threads_ > 0) {
            text.set("threads", fmt::format("{}", std::max(threads_ / std::max(count_, 1u), 1u)));
        } else if (engine == Engine::kSm && op_.one_thread) {
            text.set("blocks", "1");
            text.set("threads", "1");
        } else if (engine == Engine::kSm && threads_ > 0) {
            const unsigned blocks = blocks_ > 0 ? blocks_ : (threads_ + kThreadsPerBlock - 1) / kThreadsPerBlock;
            text.set("blocks", fmt::format("{}", blocks));
            text.set("threads", fmt::format("{}", blocks_ > 0 ? threads_ : std::min(threads_, kThreadsPerBlock)));
        }
        if (op_.one_thread && engine == Engine::kCpu) {
            text.set("threads", "1");
        }
    }

    static bool mentions(const StreamText& text, const std::string& kind) {
        return std::any_of(text.keys.begin(), text.keys.end(), [&](const auto& each) {
            return (each.first == "source" || each.first == "target") && each.second.ends_with(kind);
        });
    }

    /// Half of the cache that the row names, where it does not say a size.
    std::uint64_t cache_bytes() const {
        for (const auto* words : {&source_, &target_}) {
            for (const MemoryWord& word : *words) {
                if (word.kind != MemoryWord::Kind::kCache) {
                    continue;
                }
                const Part* part = topology_->find(local_);
                if (const auto* gpu = std::get_if<models::GpuSpec>(&part->spec)) {
                    return (word.level == 1 ? gpu->l1.capacity_bytes : gpu->l2.capacity_bytes) / 2;
                }
                if (const auto* cpu = std::get_if<models::CpuSpec>(&part->spec);
                    cpu != nullptr && word.level <= cpu->caches.size()) {
                    return cpu->caches[word.level - 1].capacity_bytes / 2;
                }
            }
        }
        return 0;
    }

    /// A stream of the row's own operation by `part`; `source` and `target` are names of memories or empty.
    StreamText own_stream(const std::string& part, Operation operation, const std::string& source,
                          const std::string& target) {
        StreamText text = stream(part, engine_, operation);
        if (!source.empty() && !is_write(operation)) {
            text.set("source", source);
        }
        if (!target.empty() && !is_read(operation)) {
            text.set("target", target);
        }
        add_details(text, engine_, operation, true);
        return text;
    }

    void add_group(const std::vector<StreamText>& streams, std::size_t counted) {
        const std::string op = streams.front().get("op");
        for (const auto& [word, operation] : operation_words()) {
            if (word == op) {
                plan_.kind = band_kind(engine_, operation);
            }
        }
        RowGroup group;
        group.name = row_.id() + (plan_.groups.empty() ? "" : fmt::format(" #{}", plan_.groups.size() + 1));
        for (std::size_t i = 0; i < streams.size(); ++i) {
            StreamText text;
            text.set("name", fmt::format("\"{}{}\"", i < counted ? "" : "background ", i + 1));
            text.keys.insert(text.keys.end(), streams[i].keys.begin(), streams[i].keys.end());
            group.streams.push_back(text.text());
        }
        group.counted = counted;
        plan_.groups.push_back(std::move(group));
    }

    /// A row and what runs beside it.
    void add_streams(std::vector<StreamText> streams) {
        std::size_t counted = streams.size();
        if (op_.bidirectional) {
            const auto forth = streams;
            for (const StreamText& one : forth) {
                streams.push_back(reversed(one));
            }
            if (op_.counting == Counting::kSum) {
                counted = streams.size();
            }
        }
        for (const RowOperation::Background& background : op_.background) {
            add_background(background, streams);
        }
        add_group(streams, counted);
    }

    /// The same the other way: a copy back, between two GPUs by the other one; a write for a read.
    StreamText reversed(const StreamText& forth) const {
        StreamText back = forth;
        const std::string source = forth.get("source"), target = forth.get("target");
        back.drop("source");
        back.drop("target");
        if (source.empty() || target.empty()) {
            back.set("op", source.empty() ? "read" : "write");
            back.set(source.empty() ? "source" : "target", source.empty() ? target : source);
            return back;
        }
        back.set("source", target);
        back.set("target", source);
        const auto owner = [](const std::string& memory) { return memory.substr(0, memory.rfind('.')); };
        if (kind_ == Kind::kGpu && source.ends_with(".hbm") && target.ends_with(".hbm")) {
            const std::string self = owner(forth.get("from"));
            back.set("from", fmt::format("{}.{}", self == owner(source) ? owner(target) : owner(source),
                                         engine_suffix(engine_)));
        }
        return back;
    }

    void add_background(const RowOperation::Background& background, std::vector<StreamText>& streams) {
        std::string part = background.engine == Engine::kCpu   ? parts_->cpu(local_, Role::kLocal)
                           : background.engine == Engine::kNic ? first_nic()
                                                               : parts_->gpu(local_, Role::kLocal);
        if (part.empty()) {
            unsupported(
                fmt::format("{} has no {} for the background", topology_->name, engine_suffix(background.engine)));
            return;
        }
        for (unsigned i = 0; i < background.initiators; ++i) {
            const std::string who = parts_->next(part, i + (background.of_peer ? 1 : 0));
            StreamText text = stream(who, background.engine, background.operation);
            std::string fault, suggestion;
            for (const bool is_source : {true, false}) {
                const std::string& word = is_source ? background.source : background.target;
                const bool needed = is_source ? !is_write(background.operation) : !is_read(background.operation);
                if (!needed) {
                    continue;
                }
                const auto words =
                    parse_memories(word.empty() ? default_memory(background, is_source) : word, fault, suggestion);
                if (!fault.empty() || words.empty()) {
                    reject(kOperation, "background: " + (fault.empty() ? "no memory" : fault), suggestion);
                    return;
                }
                text.set(is_source ? "source" : "target", memory(words.front(), local_));
            }
            add_details(text, background.engine, background.operation, false);
            if (background.threads > 0 && background.engine == Engine::kCpu) {
                text.set("threads", fmt::format("{}", background.threads));
            }
            if (background.bytes_per_second > 0) {
                text.set("rate_cap", format_rate(background.bytes_per_second));
            }
            streams.push_back(std::move(text));
        }
    }

    /// Where background traffic goes that does not say: CPU memory; the target of a copy, the GPU's own.
    static std::string default_memory(const RowOperation::Background& background, bool is_source) {
        if (background.operation == Operation::kCopy) {
            return is_source ? "HBM.local" : background.source.empty() ? "LPDDR.local" : "HBM.local";
        }
        if (is_stream_kernel(background.operation) && !is_source && !background.source.empty()) {
            return background.source;
        }
        return "LPDDR.local";
    }

    std::string first_nic() const {
        const auto& nics = parts_->of(Kind::kNic);
        return nics.empty() ? "" : nics.front();
    }

    void write_groups() {
        using K = RowOperation::Kind;
        switch (op_.kind) {
        case K::kStream:
            write_stream(op_.operation);
            break;
        case K::kDot:
            plan_.figure.mean = false;
            write_stream(Operation::kRead);
            break;
        case K::kBestStream:
            for (const Operation each :
                 {Operation::kStreamCopy, Operation::kStreamScale, Operation::kStreamAdd, Operation::kStreamTriad}) {
                write_stream(each);
            }
            write_stream(Operation::kRead); // the dot product
            break;
        case K::kReadOrWrite:
            write_sweep();
            break;
        case K::kPingPong:
            write_ping_pong();
            break;
        case K::kCollective:
            write_collective();
            break;
        case K::kNetwork:
        case K::kNetworkLatency:
            write_network();
            break;
        case K::kGemm:
            write_gemm();
            break;
        case K::kGenerate:
            write_generate();
            break;
        case K::kNotModelled:
            break;
        }
    }

    std::vector<std::string> initiators() {
        const auto& all = parts_->of(kind_);
        if (count_ > all.size()) {
            unsupported(fmt::format("{} has {} {} in a node, not {}", topology_->name, all.size(),
                                    kind_ == Kind::kGpu   ? "GPUs"
                                    : kind_ == Kind::kCpu ? "CPUs"
                                                          : "NICs",
                                    count_));
            return {};
        }
        return {all.begin(), all.begin() + count_};
    }

    void write_stream(Operation operation) {
        plan_.figure.of = operation == Operation::kPointerChase ? RowFigure::Of::kLatency : RowFigure::Of::kBandwidth;
        plan_.figure.mean = op_.counting == Counting::kMean;
        plan_.figure.factor = counted_factor(operation);
        if (!check_direction(operation)) {
            return;
        }
        if (op_.shape != Shape::kEach) {
            write_fan(operation);
            return;
        }
        std::vector<StreamText> streams;
        for (const std::string& part : initiators()) {
            const auto [from, to] = ends(operation, part);
            if (row_.faulty || !plan_.unsupported.empty()) {
                return;
            }
            streams.push_back(own_stream(part, operation, from, to));
        }
        if (!streams.empty()) {
            add_streams(std::move(streams));
        }
    }

    /// The memories of a stream by `part`.
    std::pair<std::string, std::string> ends(Operation operation, const std::string& part) {
        if (is_read(operation)) {
            return {memory(one_memory(false), part), ""};
        }
        if (is_write(operation)) {
            return {"", memory(one_memory(true), part)};
        }
        const MemoryWord from = only(source_, kSourceMemory);
        MemoryWord to = only(target_, kTargetMemory);
        if (!named(from)) {
            reject(kSourceMemory, fmt::format("{} needs a source memory", in_quotes(row_.text(kOperation))),
                   "write LPDDR.local, HBM.peer, EGM.remote ...");
            return {};
        }
        if (!named(to)) {
            to = from;
        }
        return {memory(from, part), memory(to, part)};
    }
    static bool named(const MemoryWord& word) { return word.kind != MemoryWord::Kind::kNone || !word.exact.empty(); }

    /// From what our streams count to what the metric counts.
    double counted_factor(Operation operation) const {
        if (*row_.metric == Metric::kStreamBandwidth) {
            return operation == Operation::kCopy ? 2 : 1;
        }
        return operation == Operation::kStreamCopy || operation == Operation::kStreamScale ? 0.5 : 1;
    }

    bool check_direction(Operation operation) {
        if (op_.direction == Direction::kUnsaid || is_read(operation) || is_write(operation)) {
            return true;
        }
        const auto check = [&](const std::vector<MemoryWord>& words, Column column, bool host) {
            for (const MemoryWord& word : words) {
                const bool is_host = word.kind == MemoryWord::Kind::kHost || word.kind == MemoryWord::Kind::kEgm;
                if (word.exact.empty() && named(word) && is_host != host) {
                    reject(column,
                           fmt::format("{} is {}, where the operation says {}", word.text,
                                       is_host ? "CPU memory" : "GPU memory", in_quotes(row_.text(kOperation))),
                           host ? "write LPDDR.local, EGM.local or DDR5.host" : "write HBM.local or HBM.peer");
                    return false;
                }
            }
            return true;
        };
        const bool from_host = op_.direction == Direction::kHostToDevice || op_.direction == Direction::kHostToHost;
        const bool to_host = op_.direction == Direction::kDeviceToHost || op_.direction == Direction::kHostToHost;
        return check(source_, kSourceMemory, from_host) && check(target_, kTargetMemory, to_host);
    }

    /// Many initiators on one memory, or one initiator on many.
    void write_fan(Operation operation) {
        const auto all = parts_->of(kind_);
        const bool copies = !is_read(operation) && !is_write(operation);
        const MemoryWord from = only(source_, kSourceMemory), to = only(target_, kTargetMemory);
        const auto is_local = [](const MemoryWord& word) { return word.role == MemoryWord::Role::kLocal; };
        // The memory in the middle is the first part's; who is at the rim moves the bytes unless the cells say that
        // the middle does: then its own memory is "local" and the others' are "peer".
        const MemoryWord& middle = op_.shape == Shape::kFanIn ? to : from;
        const bool by_middle = copies ? is_local(middle) : op_.shape == Shape::kFanOut;
        const bool excludes_middle =
            copies ? !is_local(from) || !is_local(to) : !is_local(one_memory(is_write(operation)));
        std::vector<std::string> rim(all.begin() + (excludes_middle || by_middle ? 1 : 0), all.end());
        if (excludes_middle && !by_middle) { // those whose own memory the middle is are no rim
            const std::string home = parts_->cpu(local_, Role::kLocal);
            if (middle_on_socket(operation)) {
                rim.erase(
                    std::remove_if(rim.begin(), rim.end(),
                                   [&](const std::string& part) { return parts_->cpu(part, Role::kLocal) == home; }),
                    rim.end());
            }
        }
        const unsigned wanted = op_.fan > 0 ? op_.fan : static_cast<unsigned>(rim.size());
        if (wanted == 0 || wanted > rim.size()) {
            unsupported(fmt::format("{} has {} parts for a fan of {}", topology_->name, rim.size(), wanted));
            return;
        }
        rim.resize(wanted);
        std::vector<StreamText> streams;
        for (const std::string& other : rim) {
            const std::string part = by_middle ? local_ : other;
            // Seen from the middle, "peer" is the part at the rim; seen from the rim, it is the middle.
            const auto name = [&](const MemoryWord& word) {
                const std::string owner = is_local(word) ? part : by_middle ? other : local_;
                MemoryWord local = word;
                local.role = MemoryWord::Role::kLocal;
                return memory(local, owner);
            };
            std::string source, target;
            if (copies) {
                source = name(from);
                target = name(named(to) ? to : from);
            } else {
                const MemoryWord word = one_memory(is_write(operation));
                MemoryWord local = word;
                local.role = MemoryWord::Role::kLocal;
                const std::string place = memory(local, by_middle ? other : local_);
                (is_write(operation) ? target : source) = place;
            }
            if (row_.faulty || !plan_.unsupported.empty()) {
                return;
            }
            streams.push_back(own_stream(part, operation, source, target));
        }
        add_streams(std::move(streams));
    }

    /// The middle of a fan is memory of a CPU, which several GPUs may share.
    bool middle_on_socket(Operation operation) {
        const MemoryWord word = is_read(operation) || is_write(operation) ? one_memory(is_write(operation))
                                : op_.shape == Shape::kFanIn              ? only(target_, kTargetMemory)
                                                                          : only(source_, kSourceMemory);
        return word.kind == MemoryWord::Kind::kHost || word.kind == MemoryWord::Kind::kEgm;
    }

    void write_sweep() {
        const unsigned last = op_.sweep ? op_.sweep->second : 0;
        const unsigned first = op_.sweep ? op_.sweep->first : 1;
        if (last == 0) {
            write_stream(Operation::kRead);
            write_stream(Operation::kWrite);
            return;
        }
        unsigned before = 0;
        for (unsigned i = 1; i <= kSweepPoints; ++i) {
            const unsigned point = std::max(first, last * i / kSweepPoints);
            if (point == before) {
                continue;
            }
            before = point;
            (engine_ == Engine::kSm ? blocks_ : threads_) = point;
            if (engine_ == Engine::kSm) {
                threads_ = kThreadsPerBlock;
            }
            write_stream(Operation::kRead);
            write_stream(Operation::kWrite);
        }
    }

    void write_ping_pong() {
        plan_.figure.of = RowFigure::Of::kLatency;
        const std::string cpu = parts_->cpu(local_, Role::kLocal);
        const std::string gpu = parts_->gpu(local_, Role::kLocal);
        const auto name = [&](Player player, bool peer) {
            const std::string own = player == Player::kHost ? cpu : gpu;
            if (own.empty()) {
                unsupported(fmt::format("{} has no GPU beside {}", topology_->name, local_));
                return std::string();
            }
            const std::string part = !peer                     ? own
                                     : player == Player::kHost ? parts_->cpu(local_, Role::kPeer)
                                                               : parts_->gpu(local_, Role::kPeer);
            if (part.empty()) {
                unsupported(fmt::format("{} has no peer of {}", topology_->name, own));
            }
            return part + (player == Player::kHost ? ".cpu" : ".sm");
        };
        StreamText text;
        const std::string from = name(op_.from, false), peer = name(op_.to, op_.peer_player);
        const std::string flag = memory(one_memory(false), local_);
        if (!plan_.unsupported.empty() || row_.faulty) {
            return;
        }
        text.set("from", from);
        text.set("op", to_text(Operation::kPingPong));
        text.set("source", flag);
        if (from != peer) {
            text.set("peer", peer);
        }
        add_streams({text});
    }

    /// A collective as the streams of its steady state: a ring of neighbours, all pairs, or the pairs of a send-recv.
    void write_collective() {
        if (op_.algorithm == "tree" || op_.algorithm == "nvls") {
            unsupported(fmt::format("collectives by {} are not expressed as rows yet", op_.algorithm));
            return;
        }
        if (count_ == 1) {
            count_ = static_cast<unsigned>(parts_->of(kind_).size());
        }
        const auto ranks = initiators();
        if (ranks.size() < 2) {
            unsupported(fmt::format("{} has fewer than two GPUs", topology_->name));
            return;
        }
        const MemoryWord word = named(only(source_, kSourceMemory)) ? only(source_, kSourceMemory) : MemoryWord::hbm();
        MemoryWord own = word;
        own.role = MemoryWord::Role::kLocal;
        const bool all = op_.collective == "all-to-all";
        std::vector<StreamText> streams;
        for (std::size_t i = 0; i < ranks.size(); ++i) {
            for (std::size_t step = 1; step < (all ? ranks.size() : 2); ++step) {
                const std::string to = ranks[(i + step) % ranks.size()];
                StreamText text = stream(ranks[i], engine_, Operation::kCopy);
                text.set("source", memory(own, ranks[i]));
                text.set("target", memory(own, to));
                add_details(text, engine_, Operation::kCopy, false);
                streams.push_back(std::move(text));
            }
        }
        // Bytes a second out of one GPU: the bus bandwidth.
        const double n = static_cast<double>(ranks.size());
        plan_.figure.factor = 1 / n;
        if (*row_.metric == Metric::kAlgBandwidth) {
            plan_.figure.factor /= op_.collective == "all-reduce"                                   ? 2 * (n - 1) / n
                                   : op_.collective == "broadcast" || op_.collective == "send-recv" ? 1
                                                                                                    : (n - 1) / n;
        }
        add_streams(std::move(streams));
    }

    void write_network() {
        const bool read = row_.text(kOperation).find("read") != std::string::npos;
        const Operation operation = read ? Operation::kRead : Operation::kWrite;
        MemoryWord far = only(target_, kTargetMemory);
        const MemoryWord near = only(source_, kSourceMemory);
        if (near.role == MemoryWord::Role::kRemote) {
            far = near;
        }
        std::string place = memory(named(far) ? far : MemoryWord::remote_host(), local_);
        if (op_.other_rack) { // the last node stands in another rack than the first
            if (topology_->nodes().size() < 3) {
                unsupported(fmt::format("{} has no node in another rack", topology_->name));
                return;
            }
            place = parts_->last_cpu() + ".system";
        }
        if (!plan_.unsupported.empty() || row_.faulty) {
            return;
        }
        if (topology_->find(place.substr(0, place.rfind('.')))->node == topology_->find(local_)->node) {
            unsupported(fmt::format("{} has no second node for its NICs to reach", topology_->name));
            return;
        }
        std::vector<StreamText> streams;
        for (const std::string& part : initiators()) {
            StreamText text = own_stream(part, operation, place, place);
            if (op_.kind == RowOperation::Kind::kNetworkLatency) {
                plan_.figure.of = RowFigure::Of::kHalfRoundTrip;
                text.set("burst", "64 B");
                text.set("working_set", "64 KiB");
                text.set("rate_cap", "10 MB/s"); // one in flight: nothing waits
            }
            streams.push_back(std::move(text));
        }
        add_streams(std::move(streams));
    }

    void write_gemm() {
        const auto found = planner_.kernels_.gemm.find({gpu_name_, op_.precision});
        if (found == planner_.kernels_.gemm.end()) {
            unsupported(fmt::format("validation/kernels.yaml has no {} GEMM of {}", op_.precision,
                                    gpu_name_.empty() ? row_.text(kInitiator) : gpu_name_));
            return;
        }
        if (row_.size_bytes == 0) {
            reject(kSizeBytes, "size_bytes is empty", "a GEMM needs the bytes of one matrix");
            return;
        }
        const Kernels::Gemm& gemm = found->second;
        const double n = std::floor(std::sqrt(static_cast<double>(row_.size_bytes) / gemm.element_bytes));
        plan_.figure.of = RowFigure::Of::kComputeRate;
        plan_.figure.operations = 2 * n * n * n;
        plan_.figure.peak = gemm.flops_per_second;
        std::map<std::string, double> bytes; // by memory
        for (const MemoryWord& word : source_) {
            const bool own = word.kind == MemoryWord::Kind::kHbm && word.role == MemoryWord::Role::kLocal;
            const double passes = own ? 1 : n / (word.operand == 'B' ? gemm.b_reuse : gemm.a_reuse);
            bytes[memory(word, local_)] += static_cast<double>(row_.size_bytes) * passes;
        }
        if (source_.size() != 2 || source_[0].operand == source_[1].operand) {
            reject(kSourceMemory, "a GEMM has two operands", "write A=HBM.local;B=LPDDR.local");
            return;
        }
        if (!plan_.unsupported.empty()) {
            return;
        }
        for (const auto& [place, amount] : bytes) {
            StreamText text = stream(local_, Engine::kSm, Operation::kRead);
            text.set("source", place);
            add_details(text, Engine::kSm, Operation::kRead, false);
            plan_.figure.bytes.push_back(amount);
            add_group({text}, 1);
        }
    }

    void write_generate() {
        if (row_.size_bytes == 0) {
            reject(kSizeBytes, "size_bytes is empty", "a generation needs the bytes of its weights");
            return;
        }
        plan_.figure.of = RowFigure::Of::kRuntime;
        plan_.figure.seconds = planner_.kernels_.generate_host_seconds;
        plan_.figure.bytes = {static_cast<double>(row_.size_bytes) * op_.tokens};
        StreamText text = stream(local_, engine_, Operation::kRead);
        text.set("source", memory(one_memory(false), local_));
        add_details(text, engine_, Operation::kRead, false);
        add_streams({text});
    }

    void write_header() {
        std::string& out = plan_.header;
        if (machine_.set.empty()) {
            out += fmt::format("machine: {}\n", quoted(machine_.topology));
        } else {
            out += fmt::format("machine:\n  topology: {}\n  set:\n", quoted(machine_.topology));
            for (const auto& [key, value] : machine_.set) {
                out += fmt::format("    {}: {}\n", quoted(key), quoted(value));
            }
        }
        std::string software;
        const bool legacy = !topology_->egm && (machine_.vm || op_.vm); // an x86 host has pages of 4 KiB
        if (row_.page_bytes == 4096 || legacy) {
            software += "  host_page_size: 4 KiB\n";
        }
        if (machine_.vm || op_.vm) {
            software += legacy ? "  guest_page_size: 4 KiB\n" : "";
            software += "  compare_native: false\n  vms:\n    - name: vm0\n      memory:\n";
            const std::string node = topology_->find(local_)->node;
            for (const Part& part : topology_->parts) {
                if (topology_->egm && std::holds_alternative<models::CpuSpec>(part.spec) && part.node == node) {
                    software += fmt::format("        - {{of: {}.egm}}\n", part.name);
                }
            }
            if (!topology_->egm) { // ordinary memory of one socket; half of it leaves the host enough
                const std::string cpu = parts_->cpu(local_, Role::kLocal);
                const models::MemorySpec* memory = memory_on(*topology_, cpu);
                software += fmt::format("        - {{of: {}.system, size: {} GiB}}\n", cpu,
                                        (memory != nullptr ? memory->capacity_bytes >> 31 : 1));
            }
            software += fmt::format("      gpus: [{}]\n", fmt::join(parts_->of(Kind::kGpu), ", "));
        }
        if (!software.empty()) {
            out += "software:\n" + software;
        }
    }

    RowPlanner& planner_;
    MeasuredRow& row_;
    Diagnostics& diagnostics_;
    RowPlan plan_;
    RowOperation op_;
    std::vector<MemoryWord> source_, target_;
    unsigned blocks_ = 0, threads_ = 0;
    std::string initiator_, gpu_name_;
    unsigned count_ = 1;
    SystemMachine machine_;
    const Topology* topology_ = nullptr;
    const MachineParts* parts_ = nullptr;
    Kind kind_ = Kind::kCpu;
    Engine engine_ = Engine::kCpu;
    std::string local_;
};

RowPlanner::~RowPlanner() = default;

RowPlan RowPlanner::plan(MeasuredRow& row, Diagnostics& diagnostics) { return OneRow(*this, row, diagnostics).plan(); }

const Topology* RowPlanner::machine(const std::string& topology, const Settings& set, std::string& why) {
    std::string key = topology;
    for (const auto& [name, value] : set) {
        key += "\n" + name + "=" + value;
    }
    const auto [found, fresh] = machines_.try_emplace(key);
    Loaded& loaded = found->second;
    if (fresh) {
        Diagnostics diagnostics;
        MachineRequest request;
        request.path_or_name = topology;
        request.where = {"systems.yaml", 0, 0};
        YamlNode values = make_map(request.where);
        for (const auto& [name, value] : set) {
            values.entries.push_back({name, request.where, make_scalar(value, request.where)});
        }
        request.set = set.empty() ? nullptr : &values;
        loaded.topology = load_topology(request, search_, diagnostics);
        if (diagnostics.has_errors()) {
            for (const Diagnostic& each : diagnostics.all()) {
                if (loaded.why.empty() && each.severity == Diagnostic::Severity::kError) {
                    loaded.why = each.message + (each.suggestion.empty() ? "" : "; " + each.suggestion);
                }
            }
            loaded.topology.reset();
        }
    }
    why = loaded.why;
    return loaded.topology ? &*loaded.topology : nullptr;
}

} // namespace sim::validate
