#include "sim/validate/operation_words.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "sim/suggest.h"

namespace sim::validate {
namespace {

using Kind = RowOperation::Kind;
using Direction = RowOperation::Direction;
using Counting = RowOperation::Counting;
using Player = RowOperation::Player;
using Shape = RowOperation::Shape;

struct Phrase {
    const char* words;
    std::function<void(RowOperation&)> means;
};

void is(RowOperation& row, Operation operation) {
    row.kind = Kind::kStream;
    row.operation = operation;
    row.named = true;
}
void is(RowOperation& row, Kind kind) {
    row.kind = kind;
    row.named = true;
}
auto stream(Operation operation) {
    return [operation](RowOperation& row) { is(row, operation); };
}
auto kind(Kind what) {
    return [what](RowOperation& row) { is(row, what); };
}
auto benchmark(const char* name) {
    return [name](RowOperation& row) { row.benchmark = name; };
}
auto direction(Direction which) {
    return [which](RowOperation& row) { row.direction = which; };
}
auto players(Player from, Player to) {
    return [from, to](RowOperation& row) {
        row.from = from;
        row.to = to;
    };
}
auto collective(const char* name) {
    return [name](RowOperation& row) {
        is(row, Kind::kCollective);
        row.collective = name;
    };
}
auto algorithm(const char* name) {
    return [name](RowOperation& row) { row.algorithm = name; };
}
auto precision(const char* name) {
    return [name](RowOperation& row) { row.precision = name; };
}
auto allocator(Allocator which) {
    return [which](RowOperation& row) { row.allocator = which; };
}
auto not_modelled(const char* why) {
    return [why](RowOperation& row) {
        is(row, Kind::kNotModelled);
        row.why_not = why;
    };
}
auto fan(Shape shape) {
    return [shape](RowOperation& row) {
        row.shape = shape;
        row.all_initiators = shape == Shape::kFanIn;
        row.counting = Counting::kSum;
    };
}
auto all_gpus(Direction which, Counting counting) {
    return [which, counting](RowOperation& row) {
        row.direction = which;
        row.all_initiators = true;
        row.counting = counting;
    };
}
void nothing(RowOperation&) {}

/// The words of operations. A longer phrase goes before a shorter one; what a later phrase says replaces the earlier.
const std::vector<Phrase>& phrases() {
    static const std::vector<Phrase> table = {
        // Benchmarks, which decide what a bare "copy" is and how host memory is allocated.
        {"nvbandwidth", benchmark("nvbandwidth")},
        {"p2pbandwidthlatencytest", benchmark("nvbandwidth")},
        {"bandwidthtest", benchmark("nvbandwidth")},
        {"comm scope", benchmark("comm-scope")},
        {"opencl", benchmark("opencl")},
        {"babelstream", benchmark("stream")},
        {"stream", benchmark("stream")},
        {"hbm stream", benchmark("stream")},
        {"likwid", benchmark("likwid")},
        {"nccl", benchmark("nccl")},
        {"nccl tests", benchmark("nccl")},
        {"mpi", benchmark("mpi")},
        {"osu", benchmark("mpi")},
        {"perftest", benchmark("mpi")},
        {"ib", benchmark("mpi")},
        {"rdma", benchmark("mpi")},
        {"cublas", benchmark("cublas")},
        {"cutlass", benchmark("cublas")},
        {"cuda", nothing},
        {"multichase", nothing},
        // Reads, writes, copies.
        {"read", stream(Operation::kRead)},
        {"reads", stream(Operation::kRead)},
        {"load", stream(Operation::kRead)},
        {"loads", stream(Operation::kRead)},
        {"coalesced read", stream(Operation::kRead)},
        {"sequential read", stream(Operation::kRead)},
        {"linear read", stream(Operation::kRead)},
        {"write", stream(Operation::kWrite)},
        {"writes", stream(Operation::kWrite)},
        {"store", stream(Operation::kWrite)},
        {"stores", stream(Operation::kWrite)},
        {"memset", stream(Operation::kWrite)},
        {"coalesced write", stream(Operation::kWrite)},
        {"sequential write", stream(Operation::kWrite)},
        {"linear write", stream(Operation::kWrite)},
        {"copy", stream(Operation::kCopy)},
        {"copies", stream(Operation::kCopy)},
        {"memcpy", stream(Operation::kCopy)},
        {"memory copy", stream(Operation::kCopy)},
        {"cudamemcpy", stream(Operation::kCopy)},
        {"cudamemcpyasync", stream(Operation::kCopy)},
        {"cumemcpyasync", stream(Operation::kCopy)},
        {"opencl send", stream(Operation::kCopy)},
        {"opencl receive", stream(Operation::kCopy)},
        {"scale", stream(Operation::kStreamScale)},
        {"mul", stream(Operation::kStreamScale)},
        {"add", stream(Operation::kStreamAdd)},
        {"triad", stream(Operation::kStreamTriad)},
        {"dot", kind(Kind::kDot)},
        {"best", kind(Kind::kBestStream)},
        {"pointer chase", stream(Operation::kPointerChase)},
        {"pointer chase read", stream(Operation::kPointerChase)},
        {"pointer chasing", stream(Operation::kPointerChase)},
        {"chase", stream(Operation::kPointerChase)},
        {"dependent loads", stream(Operation::kPointerChase)},
        {"random read", stream(Operation::kRandomRead)},
        {"random reads", stream(Operation::kRandomRead)},
        {"random access", stream(Operation::kRandomRead)},
        {"random gather", stream(Operation::kRandomRead)},
        {"random write", stream(Operation::kRandomWrite)},
        {"random writes", stream(Operation::kRandomWrite)},
        {"random scatter", stream(Operation::kRandomWrite)},
        {"max read write", kind(Kind::kReadOrWrite)},
        {"max write read", kind(Kind::kReadOrWrite)},
        {"best of read and write", kind(Kind::kReadOrWrite)},
        {"one thread", [](RowOperation& row) { row.one_thread = true; }},
        {"single thread", [](RowOperation& row) { row.one_thread = true; }},
        // Directions.
        {"h2d", direction(Direction::kHostToDevice)},
        {"host to device", direction(Direction::kHostToDevice)},
        {"upload", direction(Direction::kHostToDevice)},
        {"d2h", direction(Direction::kDeviceToHost)},
        {"device to host", direction(Direction::kDeviceToHost)},
        {"download", direction(Direction::kDeviceToHost)},
        {"d2d", direction(Direction::kDeviceToDevice)},
        {"device to device", direction(Direction::kDeviceToDevice)},
        {"p2p", direction(Direction::kDeviceToDevice)},
        {"peer to peer", direction(Direction::kDeviceToDevice)},
        {"h2h", direction(Direction::kHostToHost)},
        {"host to host", direction(Direction::kHostToHost)},
        {"device local copy", stream(Operation::kCopy)},
        {"multinode device to device", direction(Direction::kDeviceToDevice)},
        {"host device latency",
         [](RowOperation& row) {
             is(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"host to device latency",
         [](RowOperation& row) {
             is(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"device device latency",
         [](RowOperation& row) {
             is(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"device to device latency",
         [](RowOperation& row) {
             is(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"p2p latency",
         [](RowOperation& row) {
             is(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"host to all", all_gpus(Direction::kHostToDevice, Counting::kMean)},
        {"all to host", all_gpus(Direction::kDeviceToHost, Counting::kMean)},
        {"all to one", fan(Shape::kFanIn)},
        {"one to all", fan(Shape::kFanOut)},
        {"fan in", fan(Shape::kFanIn)},
        {"incast", fan(Shape::kFanIn)},
        {"fan out", fan(Shape::kFanOut)},
        {"bidirectional", [](RowOperation& row) { row.bidirectional = true; }},
        {"bidir", [](RowOperation& row) { row.bidirectional = true; }},
        {"both directions", [](RowOperation& row) { row.bidirectional = true; }},
        {"both ways", [](RowOperation& row) { row.bidirectional = true; }},
        {"full duplex", [](RowOperation& row) { row.bidirectional = true; }},
        {"unidirectional", [](RowOperation& row) { row.bidirectional = false; }},
        // How many, and what is counted.
        {"total", [](RowOperation& row) { row.counting = Counting::kSum; }},
        {"sum", [](RowOperation& row) { row.counting = Counting::kSum; }},
        {"aggregate", [](RowOperation& row) { row.counting = Counting::kSum; }},
        {"per gpu", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"per device", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"per direction", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"each", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"each way", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"each direction", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"mean", [](RowOperation& row) { row.counting = Counting::kMean; }},
        {"all gpus", [](RowOperation& row) { row.all_initiators = true; }},
        {"all devices", [](RowOperation& row) { row.all_initiators = true; }},
        {"both gpus", [](RowOperation& row) { row.initiators = 2; }},
        {"two gpus", [](RowOperation& row) { row.initiators = 2; }},
        {"four gpus", [](RowOperation& row) { row.initiators = 4; }},
        {"eight gpus", [](RowOperation& row) { row.initiators = 8; }},
        // Engines.
        {"ce", [](RowOperation& row) { row.engine = Engine::kCopyEngine; }},
        {"copy engine", [](RowOperation& row) { row.engine = Engine::kCopyEngine; }},
        {"dma", [](RowOperation& row) { row.engine = Engine::kCopyEngine; }},
        {"sm", [](RowOperation& row) { row.engine = Engine::kSm; }},
        {"sms", [](RowOperation& row) { row.engine = Engine::kSm; }},
        {"cpu", [](RowOperation& row) { row.engine = Engine::kCpu; }},
        // Software.
        {"in vm", [](RowOperation& row) { row.vm = true; }},
        {"in a vm", [](RowOperation& row) { row.vm = true; }},
        {"inside vm", [](RowOperation& row) { row.vm = true; }},
        {"vm", [](RowOperation& row) { row.vm = true; }},
        {"virtualized", [](RowOperation& row) { row.vm = true; }},
        {"passthrough", [](RowOperation& row) { row.vm = true; }},
        {"bare metal", [](RowOperation& row) { row.vm = false; }},
        {"native", [](RowOperation& row) { row.vm = false; }},
        {"malloc", allocator(Allocator::kSystem)},
        {"ats", allocator(Allocator::kSystem)},
        {"system allocated", allocator(Allocator::kSystem)},
        {"cudamalloc", allocator(Allocator::kCudaMalloc)},
        {"pinned", allocator(Allocator::kPinned)},
        {"cudahostalloc", allocator(Allocator::kPinned)},
        {"cudamallochost", allocator(Allocator::kPinned)},
        // Ping-pongs.
        {"ping pong", kind(Kind::kPingPong)},
        {"pingpong", kind(Kind::kPingPong)},
        {"atomic", nothing},
        {"atomics", nothing},
        {"cas", nothing},
        {"host host", players(Player::kHost, Player::kHost)},
        {"cpu cpu", players(Player::kHost, Player::kHost)},
        {"core core", players(Player::kHost, Player::kHost)},
        {"host device", players(Player::kHost, Player::kDevice)},
        {"cpu gpu", players(Player::kHost, Player::kDevice)},
        {"device host", players(Player::kDevice, Player::kHost)},
        {"gpu cpu", players(Player::kDevice, Player::kHost)},
        {"device device", players(Player::kDevice, Player::kDevice)},
        {"gpu gpu", players(Player::kDevice, Player::kDevice)},
        {"sm sm", players(Player::kDevice, Player::kDevice)},
        {"host peer host",
         [](RowOperation& row) {
             players(Player::kHost, Player::kHost)(row);
             row.peer_player = true;
         }},
        {"host peer device",
         [](RowOperation& row) {
             players(Player::kHost, Player::kDevice)(row);
             row.peer_player = true;
         }},
        {"device peer host",
         [](RowOperation& row) {
             players(Player::kDevice, Player::kHost)(row);
             row.peer_player = true;
         }},
        {"device peer device",
         [](RowOperation& row) {
             players(Player::kDevice, Player::kDevice)(row);
             row.peer_player = true;
         }},
        // Collectives.
        {"all reduce", collective("all-reduce")},
        {"allreduce", collective("all-reduce")},
        {"all gather", collective("all-gather")},
        {"allgather", collective("all-gather")},
        {"reduce scatter", collective("reduce-scatter")},
        {"reducescatter", collective("reduce-scatter")},
        {"all to all", collective("all-to-all")},
        {"alltoall", collective("all-to-all")},
        {"broadcast", collective("broadcast")},
        {"bcast", collective("broadcast")},
        {"send recv", collective("send-recv")},
        {"sendrecv", collective("send-recv")},
        {"send receive", collective("send-recv")},
        {"ring", algorithm("ring")},
        {"tree", algorithm("tree")},
        {"nvls", algorithm("nvls")},
        {"sharp", algorithm("nvls")},
        // Networks.
        {"mpi send", kind(Kind::kNetwork)},
        {"mpi bandwidth", kind(Kind::kNetwork)},
        {"mpi latency", kind(Kind::kNetworkLatency)},
        {"osu bw", kind(Kind::kNetwork)},
        {"osu latency", kind(Kind::kNetworkLatency)},
        {"ib write bw", kind(Kind::kNetwork)},
        {"ib read bw", kind(Kind::kNetwork)},
        {"ib send bw", kind(Kind::kNetwork)},
        {"rdma write", kind(Kind::kNetwork)},
        {"rdma read", kind(Kind::kNetwork)},
        {"ib write lat", kind(Kind::kNetworkLatency)},
        {"ib send lat", kind(Kind::kNetworkLatency)},
        {"same rack", [](RowOperation& row) { row.other_rack = false; }},
        {"other rack", [](RowOperation& row) { row.other_rack = true; }},
        {"one process", nothing},
        // Programs.
        {"gemm", kind(Kind::kGemm)},
        {"matmul", kind(Kind::kGemm)},
        {"tf32", precision("TF32")},
        {"fp16", precision("FP16")},
        {"bf16", precision("FP16")},
        {"fp32", precision("FP32")},
        {"fp64", precision("FP64")},
        {"dgemm",
         [](RowOperation& row) {
             is(row, Kind::kGemm);
             row.precision = "FP64";
         }},
        {"sgemm",
         [](RowOperation& row) {
             is(row, Kind::kGemm);
             row.precision = "FP32";
         }},
        {"hgemm",
         [](RowOperation& row) {
             is(row, Kind::kGemm);
             row.precision = "FP16";
         }},
        {"generate", kind(Kind::kGenerate)},
        {"token generation", kind(Kind::kGenerate)},
        {"decode", kind(Kind::kGenerate)},
        {"llama", nothing},
        {"mistral", nothing},
        {"guest tlb invalidation time saved",
         not_modelled("invalidations and command queues of the SMMU are not modelled")},
        {"low end", nothing},
        {"high end", nothing},
    };
    return table;
}

/// Words that say nothing beyond what the columns say.
const std::set<std::string>& fillers() {
    static const std::set<std::string> words = {
        "of",           "the",   "a",     "an",       "and",       "by",     "from",     "to",
        "into",         "in",    "on",    "at",       "once",      "test",   "kernel",   "kernels",
        "bandwidth",    "rate",  "speed", "transfer", "transfers", "memory", "together", "simultaneously",
        "concurrently", "async", "bw",    "perf"};
    return words;
}

bool is_number(const std::string& word) {
    return !word.empty() && word.size() < 7 &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}
unsigned to_number(const std::string& word) { return static_cast<unsigned>(std::stoul(word)); }

/// "7b", "13b", "1.5b": the size of a model.
bool is_model_size(const std::string& word) {
    return word.size() > 1 && word.size() < 8 && word.back() == 'b' &&
           std::isdigit(static_cast<unsigned char>(word[0]));
}

std::string joined(const std::vector<std::string>& words, std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end && i < words.size(); ++i) {
        text += (text.empty() ? "" : " ") + words[i];
    }
    return text;
}

/// What follows "with" or "while": who does what in the background.
class BackgroundReader {
public:
    explicit BackgroundReader(const std::vector<std::string>& words) : words_(words) {}

    std::optional<RowOperation::Background> read(OperationFault& fault) {
        RowOperation::Background background;
        bool named = false, engine = false;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            const std::string& word = words_[i];
            const std::string next = i + 1 < words_.size() ? words_[i + 1] : "";
            const auto does = [&](Operation operation) {
                background.operation = operation;
                named = true;
            };
            const auto by = [&](Engine which) {
                background.engine = which;
                engine = true;
            };
            if (is_number(word) && next == "threads") {
                background.threads = to_number(word);
                ++i;
            } else if (is_number(word) && (next == "gb" || next == "gb/s")) {
                background.bytes_per_second = to_number(word) * 1'000'000'000ull;
                i += i + 2 < words_.size() && words_[i + 2] == "s" ? 2 : 1;
            } else if (is_number(word) && (next == "gpus" || next == "peers" || next == "peer" || next == "other")) {
                background.initiators = to_number(word);
                background.of_peer = background.of_peer || next != "gpus";
                ++i;
            } else if (word == "cpu" || word == "grace" || word == "cores" || word == "host" || word == "x86") {
                by(Engine::kCpu);
            } else if (word == "sm" || word == "sms" || word == "gpu" || word == "hopper" || word == "gpus" ||
                       word == "blackwell") {
                by(Engine::kSm);
            } else if (word == "ce" || (word == "copy" && next == "engine")) {
                by(Engine::kCopyEngine);
                i += word == "copy";
                if (!named) {
                    background.operation = Operation::kCopy;
                }
            } else if (word == "nic") {
                by(Engine::kNic);
            } else if (word == "peer" || word == "other") {
                background.of_peer = true;
            } else if (word == "read" || word == "reads" || word == "reading") {
                does(Operation::kRead);
            } else if (word == "write" || word == "writes" || word == "writing") {
                does(Operation::kWrite);
            } else if (word == "copy" || word == "copies" || word == "copying" || word == "memcpy") {
                does(Operation::kCopy);
            } else if (word == "triad" || word == "add" || word == "scale") {
                does(word == "triad" ? Operation::kStreamTriad
                     : word == "add" ? Operation::kStreamAdd
                                     : Operation::kStreamScale);
            } else if (word == "stream") {
                does(next == "copy" ? Operation::kStreamCopy : Operation::kStreamTriad);
                i += next == "copy";
            } else if (word == "random" && (next == "read" || next == "reads")) {
                does(Operation::kRandomRead);
                ++i;
            } else if (word == "h2d" || word == "d2h") {
                does(Operation::kCopy);
                background.source = word == "h2d" ? "LPDDR.local" : "HBM.local";
                background.target = word == "h2d" ? "HBM.local" : "LPDDR.local";
                if (!engine) {
                    by(Engine::kCopyEngine);
                }
            } else if (const std::string memory = as_memory(word); !memory.empty()) {
                (background.source.empty() ? background.source : background.target) = memory;
            } else if (word != "background" && word != "traffic" && word != "concurrent" && word != "load" &&
                       word != "all" && word != "running" && word != "same" && word != "time" &&
                       fillers().count(word) == 0) {
                fault = {fmt::format("background: the word \"{}\" is not known", word),
                         "write as in \"with background CPU read LPDDR.local\", \"with background CE copy HBM.local "
                         "to LPDDR.local\""};
                return std::nullopt;
            }
        }
        if (!named && !(engine && background.engine == Engine::kCopyEngine)) {
            fault = {"background: it does not say what runs", "write as in \"with background CPU read LPDDR.local\""};
            return std::nullopt;
        }
        if (background.operation == Operation::kWrite || background.operation == Operation::kRandomWrite) {
            std::swap(background.source, background.target);
        }
        return background;
    }

private:
    static std::string as_memory(const std::string& word) {
        for (const char* kind : {"lpddr", "hbm", "egm", "ddr5", "ddr4"}) {
            if (word == kind) {
                return std::string(kind) + (kind[0] == 'd' ? ".host" : ".local");
            }
            if (word.rfind(std::string(kind) + ".", 0) == 0) {
                return word;
            }
        }
        return {};
    }

    const std::vector<std::string>& words_;
};

class OperationReader {
public:
    OperationReader(const std::string& text, OperationFault& fault) : words_(words_of(text)), fault_(fault) {}

    std::optional<RowOperation> read() {
        if (!split_background()) {
            return std::nullopt;
        }
        while (next_ < words_.size()) {
            if (!take_number() && !take_phrase() && !take_filler()) {
                return unknown();
            }
        }
        if (!finish()) {
            return std::nullopt;
        }
        return row_;
    }

private:
    /// Cuts off what begins with "with" or "while".
    bool split_background() {
        for (std::size_t i = 1; i < words_.size(); ++i) {
            const std::string& word = words_[i];
            const bool payload = i + 3 < words_.size() && words_[i + 2] == "b" && words_[i + 3] == "payloads";
            if ((word == "with" || word == "while" || word == "alongside" || word == "during") && !payload) {
                std::vector<std::string> one;
                std::vector<std::vector<std::string>> parts;
                for (std::size_t k = i + 1; k < words_.size(); ++k) {
                    if (words_[k] == "and" && !one.empty()) {
                        parts.push_back(std::move(one));
                        one.clear();
                    } else {
                        one.push_back(words_[k]);
                    }
                }
                parts.push_back(std::move(one));
                for (const auto& part : parts) {
                    const auto background = BackgroundReader(part).read(fault_);
                    if (!background) {
                        return false;
                    }
                    row_.background.push_back(*background);
                }
                words_.resize(i);
                return true;
            }
        }
        return true;
    }

    const std::string& at(std::size_t ahead) const {
        static const std::string none;
        return next_ + ahead < words_.size() ? words_[next_ + ahead] : none;
    }

    bool take_number() {
        const std::string& word = at(0);
        const auto done = [&](std::size_t words) {
            next_ += words;
            return true;
        };
        if (word == "over" && at(1).find("..") != std::string::npos && (at(2) == "threads" || at(2) == "blocks")) {
            const auto dots = at(1).find("..");
            const std::string low = at(1).substr(0, dots), high = at(1).substr(dots + 2);
            if (!is_number(low) || !is_number(high) || to_number(low) == 0 || to_number(low) > to_number(high)) {
                return false;
            }
            row_.sweep = {to_number(low), to_number(high)};
            return done(3);
        }
        if (is_number(word) && (at(1) == "gpus" || at(1) == "devices" || at(1) == "sockets" || at(1) == "superchips")) {
            row_.initiators = to_number(word);
            return done(2);
        }
        if (word == "fan" && (at(1) == "in" || at(1) == "out") && is_number(at(2))) {
            fan(at(1) == "in" ? Shape::kFanIn : Shape::kFanOut)(row_);
            row_.all_initiators = false;
            row_.fan = to_number(at(2));
            return done(3);
        }
        if ((word == "up" && at(1) == "to" && is_number(at(2)) && at(3) == "tokens") ||
            (is_number(word) && at(1) == "tokens")) {
            row_.tokens = to_number(is_number(word) ? word : at(2));
            return done(is_number(word) ? 2 : 4);
        }
        if (word == "batch" && at(1) == "1") {
            return done(2);
        }
        if (word.rfind("nvlink", 0) == 0 && at(1) == "payload" && at(2) == "rate" && at(3) == "with" &&
            is_number(at(4)) && at(5) == "b" && at(6) == "payloads") {
            is(row_, Operation::kRead); // an SM packet has 128 B, one of a copy engine up to 256 B
            row_.engine = to_number(at(4)) <= 128 ? Engine::kSm : Engine::kCopyEngine;
            return done(at(7) == "all" && is_number(at(8)) && at(9) == "links" ? 10 : 7);
        }
        if (word == "llama" && is_number(at(1))) {
            return done(is_model_size(at(2)) ? 3 : 2);
        }
        return false;
    }

    bool take_phrase() {
        const Phrase* longest = nullptr;
        std::size_t length = 0;
        for (const Phrase& phrase : phrases()) {
            const std::vector<std::string> words = words_of(phrase.words);
            if (words.size() > length && next_ + words.size() <= words_.size() &&
                std::equal(words.begin(), words.end(), words_.begin() + static_cast<std::ptrdiff_t>(next_))) {
                longest = &phrase;
                length = words.size();
            }
        }
        if (longest == nullptr) {
            return false;
        }
        longest->means(row_);
        if (joined(words_, next_, next_ + 1) == "opencl") {
            row_.benchmark = "opencl";
        }
        next_ += length;
        return true;
    }

    bool take_filler() {
        if (fillers().count(at(0)) == 0) {
            return false;
        }
        ++next_;
        return true;
    }

    std::nullopt_t unknown() {
        std::vector<std::string> candidates;
        const std::size_t length = std::min<std::size_t>(words_.size() - next_, 3);
        for (const Phrase& phrase : phrases()) {
            candidates.emplace_back(phrase.words);
        }
        std::string near;
        for (std::size_t n = length; n > 0 && near.empty(); --n) { // "pinter chase" is nearer than "pinter"
            near = nearest(joined(words_, next_, next_ + n), candidates);
        }
        fault_ = {fmt::format("operation: the word \"{}\" is not known", at(0)),
                  near.empty() ? "docs/validation.md lists the words of operations"
                               : fmt::format("did you mean \"{}\"?", near)};
        return std::nullopt;
    }

    bool finish() {
        if (!row_.named && row_.direction == Direction::kUnsaid && row_.shape == Shape::kEach) {
            fault_ = {"operation: it does not say what is done", "write read, write, copy, H2D, pointer-chase ..."};
            return false;
        }
        const bool reads_or_writes =
            row_.kind == Kind::kStream && (row_.operation == Operation::kRead || row_.operation == Operation::kWrite);
        // "D2D read CE" and "all_to_one_write" are copies: the word says whose engine moves the bytes.
        if (!row_.named || (reads_or_writes && (row_.direction != Direction::kUnsaid ||
                                                (row_.benchmark == "nvbandwidth" && row_.shape != Shape::kEach)))) {
            row_.kind = Kind::kStream;
            row_.operation = Operation::kCopy;
        }
        if (row_.benchmark == "stream" && row_.kind == Kind::kStream && row_.operation == Operation::kCopy) {
            row_.operation = Operation::kStreamCopy;
        }
        if (row_.kind == Kind::kGemm && row_.precision.empty()) {
            fault_ = {"operation: a GEMM without its precision", "write TF32, FP16, FP32 or FP64"};
            return false;
        }
        return true;
    }

    std::vector<std::string> words_;
    OperationFault& fault_;
    std::size_t next_ = 0;
    RowOperation row_;
};

} // namespace

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words{""};
    for (const unsigned char c : text) {
        if (std::isalnum(c) != 0 || c == '.' || c == '%') {
            words.back() += static_cast<char>(std::tolower(c));
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    if (words.back().empty()) {
        words.pop_back();
    }
    for (std::string& word : words) { // the full stop of a sentence
        while (word.size() > 1 && word.back() == '.') {
            word.pop_back();
        }
    }
    return words;
}

std::optional<RowOperation> parse_operation(const std::string& text, OperationFault& fault) {
    return OperationReader(text, fault).read();
}

} // namespace sim::validate
