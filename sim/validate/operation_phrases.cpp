#include "sim/validate/operation_phrases.h"

namespace sim::validate {
namespace {

using Kind = RowOperation::Kind;
using Direction = RowOperation::Direction;
using Counting = RowOperation::Counting;
using Player = RowOperation::Player;
using Shape = RowOperation::Shape;

auto stream(Operation operation) {
    return [operation](RowOperation& row) { set_operation(row, operation); };
}
auto kind(Kind what) {
    return [what](RowOperation& row) { set_kind(row, what); };
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
        set_kind(row, Kind::kCollective);
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
        set_kind(row, Kind::kNotModelled);
        row.why_not = why;
    };
}
auto fan(Shape shape) {
    return [shape](RowOperation& row) { set_fan(row, shape); };
}
/// In the names of nvbandwidth's tests, where "read" and "write" say whose engine copies.
auto nvbandwidth_fan(Shape shape) {
    return [shape](RowOperation& row) {
        set_fan(row, shape);
        row.benchmark = "nvbandwidth";
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

} // namespace

const std::vector<OperationPhrase>& operation_phrases() {
    static const std::vector<OperationPhrase> table = {
        // Benchmarks, which decide what a bare "copy" is and how host memory is allocated.
        {"nvbandwidth", benchmark("nvbandwidth")},
        {"p2pbandwidthlatencytest", benchmark("p2p")},
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
        {"cudamemcpypeer", stream(Operation::kCopy)},
        {"cudamemcpypeerasync", stream(Operation::kCopy)},
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
             set_operation(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"host to device latency",
         [](RowOperation& row) {
             set_operation(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"device device latency",
         [](RowOperation& row) {
             set_operation(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"device to device latency",
         [](RowOperation& row) {
             set_operation(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"p2p latency",
         [](RowOperation& row) {
             set_operation(row, Operation::kPointerChase);
             row.latency = true;
         }},
        {"host to all", all_gpus(Direction::kHostToDevice, Counting::kMean)},
        {"all to host", all_gpus(Direction::kDeviceToHost, Counting::kMean)},
        {"all to one", nvbandwidth_fan(Shape::kFanIn)},
        {"one to all", nvbandwidth_fan(Shape::kFanOut)},
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
        {"egm", [](RowOperation& row) { row.egm = true; }},
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
             set_kind(row, Kind::kGemm);
             row.precision = "FP64";
         }},
        {"sgemm",
         [](RowOperation& row) {
             set_kind(row, Kind::kGemm);
             row.precision = "FP32";
         }},
        {"hgemm",
         [](RowOperation& row) {
             set_kind(row, Kind::kGemm);
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

const std::set<std::string>& filler_words() {
    static const std::set<std::string> words = {"of",
                                                "the",
                                                "a",
                                                "an",
                                                "and",
                                                "by",
                                                "from",
                                                "to",
                                                "into",
                                                "in",
                                                "on",
                                                "at",
                                                "over",
                                                "via",
                                                "through",
                                                "once",
                                                "test",
                                                "kernel",
                                                "kernels",
                                                "bandwidth",
                                                "bw",
                                                "perf",
                                                "rate",
                                                "speed",
                                                "transfer",
                                                "transfers",
                                                "memory",
                                                "together",
                                                "simultaneously",
                                                "concurrently",
                                                "async",
                                                "peer",
                                                "remote",
                                                "local",
                                                "hbm",
                                                "lpddr",
                                                "nvlink",
                                                "nvswitch",
                                                "c2c",
                                                "pcie"};
    return words;
}

void set_operation(RowOperation& row, Operation operation) {
    row.kind = Kind::kStream;
    row.operation = operation;
    row.named = true;
}

void set_kind(RowOperation& row, RowOperation::Kind kind) {
    row.kind = kind;
    row.named = true;
}

void set_fan(RowOperation& row, RowOperation::Shape shape) {
    row.shape = shape;
    row.all_initiators = shape == Shape::kFanIn;
    row.counting = Counting::kSum;
}

} // namespace sim::validate
