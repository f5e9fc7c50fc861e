#include "sim/words.h"

#include <cerrno>

namespace sim {
namespace {

template <class T>
std::string word_of(const std::vector<std::pair<std::string, T>>& words, T value) {
    for (const auto& [word, each] : words) {
        if (each == value) {
            return word;
        }
    }
    return "default";
}

} // namespace

const std::vector<std::pair<std::string, Engine>>& engine_words() {
    static const std::vector<std::pair<std::string, Engine>> words = {
        {"cpu", Engine::kCpu}, {"sm", Engine::kSm}, {"ce", Engine::kCopyEngine}, {"nic", Engine::kNic}};
    return words;
}

const std::vector<std::pair<std::string, Operation>>& operation_words() {
    static const std::vector<std::pair<std::string, Operation>> words = {{"read", Operation::kRead},
                                                                         {"write", Operation::kWrite},
                                                                         {"copy", Operation::kCopy},
                                                                         {"stream-copy", Operation::kStreamCopy},
                                                                         {"stream-scale", Operation::kStreamScale},
                                                                         {"stream-add", Operation::kStreamAdd},
                                                                         {"stream-triad", Operation::kStreamTriad},
                                                                         {"random-read", Operation::kRandomRead},
                                                                         {"random-write", Operation::kRandomWrite},
                                                                         {"pointer-chase", Operation::kPointerChase},
                                                                         {"ping-pong", Operation::kPingPong}};
    return words;
}

const std::vector<std::pair<std::string, Allocator>>& allocator_words() {
    static const std::vector<std::pair<std::string, Allocator>> words = {{"cudaMalloc", Allocator::kCudaMalloc},
                                                                         {"system", Allocator::kSystem},
                                                                         {"egm", Allocator::kEgm},
                                                                         {"pinned", Allocator::kPinned}};
    return words;
}

const std::vector<std::pair<std::string, IommuBackend>>& iommu_words() {
    static const std::vector<std::pair<std::string, IommuBackend>> words = {
        {"type1", IommuBackend::kType1},
        {"iommufd", IommuBackend::kIommufdStrict},
        {"iommufd-tolerant", IommuBackend::kIommufdTolerant}};
    return words;
}

const std::vector<std::pair<std::string, MemoryName::Kind>>& memory_words() {
    static const std::vector<std::pair<std::string, MemoryName::Kind>> words = {
        {"hbm", MemoryName::Kind::kHbm}, {"egm", MemoryName::Kind::kEgm}, {"system", MemoryName::Kind::kSystem}};
    return words;
}

const std::vector<std::pair<std::string, int>>& errno_words() {
    static const std::vector<std::pair<std::string, int>> words = {
        {"EPERM", EPERM},   {"ENOENT", ENOENT}, {"EINTR", EINTR},   {"EIO", EIO},       {"ENXIO", ENXIO},
        {"EBADF", EBADF},   {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EFAULT", EFAULT},
        {"EBUSY", EBUSY},   {"EEXIST", EEXIST}, {"ENODEV", ENODEV}, {"EINVAL", EINVAL}, {"EMFILE", EMFILE},
        {"ENOTTY", ENOTTY}, {"ENOSPC", ENOSPC}, {"ERANGE", ERANGE}, {"ETIME", ETIME},   {"EOPNOTSUPP", EOPNOTSUPP}};
    return words;
}

const std::vector<std::pair<std::string, Collective::Kind>>& collective_words() {
    using Kind = Collective::Kind;
    static const std::vector<std::pair<std::string, Kind>> words = {
        {"send-recv", Kind::kSendRecv},   {"all-gather", Kind::kAllGather}, {"reduce-scatter", Kind::kReduceScatter},
        {"all-reduce", Kind::kAllReduce}, {"all-to-all", Kind::kAllToAll},  {"broadcast", Kind::kBroadcast}};
    return words;
}

const std::vector<std::pair<std::string, Collective::Algorithm>>& algorithm_words() {
    using Algorithm = Collective::Algorithm;
    static const std::vector<std::pair<std::string, Algorithm>> words = {{"direct", Algorithm::kDirect},
                                                                         {"ring", Algorithm::kRing},
                                                                         {"tree", Algorithm::kTree},
                                                                         {"nvls", Algorithm::kNvls}};
    return words;
}

std::string to_text(Collective::Kind kind) { return word_of(collective_words(), kind); }
std::string to_text(Collective::Algorithm algorithm) { return word_of(algorithm_words(), algorithm); }
std::string to_text(Engine engine) { return word_of(engine_words(), engine); }
std::string to_text(Operation operation) { return word_of(operation_words(), operation); }
std::string to_text(Allocator allocator) { return word_of(allocator_words(), allocator); }
std::string to_text(IommuBackend backend) { return word_of(iommu_words(), backend); }

std::string to_text(const MemoryName& memory) {
    if (memory.kind == MemoryName::Kind::kEndPoint) {
        return memory.part;
    }
    return memory.kind == MemoryName::Kind::kMulticast ? "the group of " + memory.part
           : memory.kind == MemoryName::Kind::kNone    ? ""
                                                       : memory.part + "." + word_of(memory_words(), memory.kind);
}

} // namespace sim
