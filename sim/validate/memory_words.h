#pragma once

#include <string>
#include <vector>

namespace sim::validate {

/// A memory as a row names it.
struct MemoryWord {
    enum class Kind { kNone, kHost, kHbm, kEgm, kCache } kind = Kind::kNone;
    enum class Role { kLocal, kPeer, kRemote } role = Role::kLocal; ///< as seen by the initiator
    unsigned level = 0;                                             ///< of a cache
    char operand = 0;                                               ///< of a GEMM: 'A', 'B' or 'C'
    std::string exact;                                              ///< "hopper1.hbm", a name of the machine itself
    std::string text;                                               ///< as written

    bool named() const { return kind != Kind::kNone || !exact.empty(); } ///< not `reg` or empty

    static MemoryWord hbm();
    static MemoryWord remote_host();
};

/// Reads a memory cell: `LPDDR.local`, `HBM.peer`, `EGM.remote`, `DDR5.host`, `L2`, `reg` (none), `hopper1.hbm`, or the
/// operands of a GEMM, `A=HBM.local;B=LPDDR.local`. An empty cell is none. On a fault says what and what to write.
std::vector<MemoryWord> parse_memories(const std::string& text, std::string& fault, std::string& suggestion);

} // namespace sim::validate
