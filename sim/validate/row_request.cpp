#include "sim/validate/row_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/units.h"

namespace sim::validate {
namespace {

class RequestReader {
public:
    RequestReader(MeasuredRow& row, RowRequest& into, Diagnostics& diagnostics)
        : row_(row), into_(into), diagnostics_(diagnostics) {}

    bool read() {
        const bool operation = read_operation();
        const bool memories = read_memories();
        const bool threads = read_threads();
        const bool page = read_page();
        const bool initiator = read_initiator();
        return operation && memories && threads && page && initiator && (!row_.metric || check_metric());
    }

private:
    void reject(Column column, const std::string& message, const std::string& suggestion = {}) {
        row_.reject(column, message, suggestion, diagnostics_);
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
        into_.op = *operation;
        return true;
    }

    bool read_memories() {
        bool good = true;
        for (const auto& [column, into] : {std::pair{kSourceMemory, &into_.source}, {kTargetMemory, &into_.target}}) {
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
            into_.threads = static_cast<unsigned>(*a);
        } else {
            into_.blocks = static_cast<unsigned>(*a);
            into_.threads = static_cast<unsigned>(*b);
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
        into_.initiator.clear();
        for (const std::string& word : words_of(row_.text(kInitiator))) {
            const bool factor = word.size() > 1 && word.size() < 6 && (word[0] == 'x' || word.back() == 'x') &&
                                std::all_of(word.begin() + (word[0] == 'x'), word.end() - (word[0] != 'x'),
                                            [](unsigned char c) { return std::isdigit(c) != 0; });
            if (factor && word != "x86") {
                into_.count = static_cast<unsigned>(std::stoul(word.substr(word[0] == 'x' ? 1 : 0)));
            } else if (word != "gpu" || into_.initiator.empty()) {
                into_.initiator += (into_.initiator.empty() ? "" : " ") + word;
            }
        }
        if (into_.op.initiators > 0) {
            into_.count = into_.op.initiators;
        }
        if (into_.count == 0 || into_.count > 1024) {
            reject(kInitiator, fmt::format("{} is no number of initiators", into_.count));
            return false;
        }
        return !into_.initiator.empty();
    }

    bool check_metric() {
        using K = RowOperation::Kind;
        const Metric metric = *row_.metric;
        const bool chase = into_.op.kind == K::kStream && into_.op.operation == Operation::kPointerChase;
        bool fits = true;
        std::string wants;
        switch (into_.op.kind) {
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

    MeasuredRow& row_;
    RowRequest& into_;
    Diagnostics& diagnostics_;
};

} // namespace

bool read_request(MeasuredRow& row, RowRequest& into, Diagnostics& diagnostics) {
    return RequestReader(row, into, diagnostics).read();
}

} // namespace sim::validate
