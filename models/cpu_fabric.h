#pragma once

#include "models/credit_pool.h"
#include "models/router.h"
#include "models/specs.h"

namespace models {

/// The coherent fabric of a CPU socket: Grace's SCF, or an x86 host's. Joins cores, memory and links.
///
/// A request from the cores pays `core_latency`; every request that passes pays `fabric_latency`, half of it on the way
/// and half on the way back. Loads of the cores to memory behind a coherent link share `remote_read_window_bytes`.
class CpuFabric final : public Router, private EventQueue::Handler {
public:
    /// Ports: cores, memory, then one for each of `links`.
    CpuFabric(const sc_core::sc_module_name& name, EventQueue& events, const CpuSpec& spec,
              const std::vector<std::string>& links);

    static constexpr unsigned kCores = 0;
    static constexpr unsigned kMemory = 1;
    static constexpr unsigned kFirstLink = 2;

    const CreditPool& remote_reads() const { return remote_reads_; }

private:
    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;

    void fire(void* argument) override;

    bool is_remote_read(Payload& payload, unsigned from, unsigned to) const;
    void pass(unsigned to, Payload& payload, Picoseconds delay);

    const CpuSpec spec_;
    CreditPool remote_reads_;
};

} // namespace models
