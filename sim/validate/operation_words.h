#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/scenario.h"

namespace sim::validate {

/// What a row's operation says, in the words of docs/validation.md. Where bytes come from and go to stands in the row's
/// memories; a direction is checked against them.
struct RowOperation {
    enum class Kind {
        kStream,         ///< `operation`, by one engine
        kReadOrWrite,    ///< the better of reading and writing, over a sweep of threads or blocks
        kBestStream,     ///< the best of the STREAM kernels
        kDot,            ///< the dot product of BabelStream: reads two arrays
        kPingPong,       ///< between `from` and `to`
        kCollective,     ///< `collective`, over all initiators
        kNetwork,        ///< one NIC writes to, or reads from, memory behind another
        kNetworkLatency, ///< one way: half of a small write and its acknowledgement
        kGemm,
        kGenerate,   ///< reads all weights once a token
        kNotModelled ///< understood, and left out of the models: `why_not`
    };
    enum class Direction { kUnsaid, kHostToDevice, kDeviceToHost, kDeviceToDevice, kHostToHost };
    enum class Counting { kUnsaid, kSum, kMean };
    enum class Player { kHost, kDevice };

    Kind kind = Kind::kStream;
    bool named = false; ///< a word said what it does; else the direction does: a copy
    Operation operation = Operation::kCopy;
    std::string benchmark; ///< "nvbandwidth", "stream" ...; empty if none was named
    Direction direction = Direction::kUnsaid;
    std::optional<Engine> engine;
    std::optional<Allocator> allocator;
    bool egm = false;           ///< memory of CPUs is EGM, whatever the memory cells call it
    bool latency = false;       ///< of nvbandwidth: a chase whose loads the L1 does not keep
    bool bidirectional = false; ///< with the same the other way at the same time, which is not counted
    bool one_thread = false;
    bool vm = false;
    bool other_rack = false;
    bool peer_player = false; ///< ping-pong: the other player is of another socket
    Counting counting = Counting::kUnsaid;
    unsigned initiators = 0;     ///< 0 = as the row's initiator says
    bool all_initiators = false; ///< every GPU of the node
    enum class Shape { kEach, kFanIn, kFanOut } shape = Shape::kEach;
    unsigned fan = 0;                                   ///< of fan-in and fan-out; 0 = all
    std::optional<std::pair<unsigned, unsigned>> sweep; ///< threads or blocks
    Player from = Player::kHost, to = Player::kHost;    ///< of a ping-pong
    std::string collective, algorithm;                  ///< "all-reduce" ...; "ring", "tree", "nvls" or empty
    std::string precision;                              ///< of a GEMM: "TF32" ...
    unsigned tokens = 1;                                ///< of a generation
    std::string why_not;

    /// What runs at the same time and is not counted.
    struct Background {
        Engine engine = Engine::kCpu;
        Operation operation = Operation::kRead;
        std::string source, target; ///< as the memories of a row; empty = by engine and direction
        bool of_peer = false;       ///< by the next part of its class instead of the row's own
        unsigned initiators = 1;
        unsigned threads = 0;
        std::uint64_t bytes_per_second = 0; ///< 0 = as fast as it can
    };
    std::vector<Background> background;
};

/// A word that is not known, or one that contradicts another.
struct OperationFault {
    std::string message, suggestion;
};

/// Reads an operation. Case, blanks, dashes, underscores and other punctuation count alike.
std::optional<RowOperation> parse_operation(const std::string& text, OperationFault& fault);

/// `text` in small letters, in words of letters, digits, `.` and `%`.
std::vector<std::string> words_of(const std::string& text);

} // namespace sim::validate
