#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/validate/kernels.h"
#include "sim/validate/row_machine.h"
#include "sim/validate/row_plan.h"
#include "sim/validate/stream_text.h"

namespace sim::validate {

/// Writes the traffic of one row, whose every word is understood: what fails here is for the machine to say
/// (`RowPlan::unsupported`), or a cell that its operation needs and that is empty.
class RowTraffic {
public:
    RowTraffic(MeasuredRow& row, const RowRequest& request, const RowMachine& machine, const Kernels& kernels,
               RowPlan& plan, Diagnostics& diagnostics)
        : row_(row), op_(request.op), source_(request.source), target_(request.target), blocks_(request.blocks),
          threads_(request.threads), count_(request.count), machine_(machine.machine), topology_(machine.topology),
          kind_(machine.kind), engine_(machine.engine), gpu_name_(machine.gpu_name), kernels_(kernels), plan_(plan),
          diagnostics_(diagnostics), parts_(*machine.topology) {}

    /// Fills `plan.groups` and `plan.figure`; leaves no groups on a fault.
    void write();

    const std::string& initiator() const { return local_; } ///< the first, once written

private:
    using Kind = MachineParts::Kind;
    using Role = MachineParts::Role;

    void write_groups();
    void reject(Column column, const std::string& message, const std::string& suggestion = {}) {
        row_.reject(column, message, suggestion, diagnostics_);
    }
    void unsupported(const std::string& why) {
        if (plan_.unsupported.empty()) {
            plan_.unsupported = why;
        }
    }

    /// The name that a scenario has for a memory, as seen from `part`; empty (and unsupported) if there is none.
    std::string memory(const MemoryWord& word, const std::string& part);
    /// The only memory of a cell; rejects a list of operands.
    MemoryWord only(const std::vector<MemoryWord>& words, Column column);
    /// The memory that a read reads, or a write writes: by its cell, else by the other one.
    MemoryWord one_memory(bool of_write);
    StreamText stream(const std::string& part, Engine engine, Operation operation) const;
    /// What the system's programs are like, then what the row says of size, threads and allocator.
    void add_details(StreamText& text, Engine engine, Operation operation, bool counted);
    /// Half of the cache that the row names, where it does not say a size.
    std::uint64_t cache_bytes() const;
    /// A stream of the row's own operation by `part`; `source` and `target` are names of memories or empty.
    StreamText own_stream(const std::string& part, Operation operation, const std::string& source,
                          const std::string& target);
    void add_group(const std::vector<StreamText>& streams, std::size_t counted);
    /// A row and what runs beside it.
    void add_streams(std::vector<StreamText> streams);
    /// The same the other way: a copy back, between two GPUs by the other one; a write for a read.
    StreamText reversed(const StreamText& forth) const;
    void add_background(const RowOperation::Background& background, std::vector<StreamText>& streams);
    /// Where background traffic goes that does not say: CPU memory; the target of a copy, the GPU's own.
    static std::string default_memory(const RowOperation::Background& background, bool is_source);
    std::string first_nic() const;
    std::vector<std::string> initiators();
    void write_stream(Operation operation);
    /// The memories of a stream by `part`.
    std::pair<std::string, std::string> ends(Operation operation, const std::string& part);
    /// From what our streams count to what the metric counts.
    double counted_factor(Operation operation) const;
    bool check_direction(Operation operation);
    /// Many initiators on one memory, or one initiator on many.
    void write_fan(Operation operation);
    /// The middle of a fan is memory of a CPU, which several GPUs may share.
    bool middle_on_socket(Operation operation);
    void write_sweep();
    void write_ping_pong();
    /// A collective as the streams of its steady state: a ring of neighbours, all pairs, or the pairs of a send-recv.
    void write_collective();
    /// A collective from its first step to its last.
    void write_stepwise(const std::vector<std::string>& ranks);
    bool linked(const std::string& a, const std::string& b) const;
    void write_network();
    void write_gemm();
    void write_generate();

    MeasuredRow& row_;
    const RowOperation& op_;
    const std::vector<MemoryWord>& source_;
    const std::vector<MemoryWord>& target_;
    unsigned blocks_, threads_; ///< of the group that is written
    unsigned count_;
    const SystemMachine& machine_;
    const Topology* topology_;
    Kind kind_;
    Engine engine_;
    const std::string& gpu_name_;
    const Kernels& kernels_;
    RowPlan& plan_;
    Diagnostics& diagnostics_;
    const MachineParts parts_;
    std::string local_;
};

} // namespace sim::validate
