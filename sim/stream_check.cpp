#include "sim/stream_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/machine_names.h"
#include "sim/suggest.h"
#include "sim/words.h"

namespace sim {
namespace {

using Kind = MemoryName::Kind;

bool is_copy(Operation operation) {
    switch (operation) {
    case Operation::kCopy:
    case Operation::kStreamCopy:
    case Operation::kStreamScale:
    case Operation::kStreamAdd:
    case Operation::kStreamTriad:
        return true;
    default:
        return false;
    }
}

bool is_write(Operation operation) { return operation == Operation::kWrite || operation == Operation::kRandomWrite; }

/// The checks of one stream.
class Checker {
public:
    Checker(Stream& stream, Fields& fields, const SoftwareSetup* software, const Topology* topology)
        : stream_(stream), fields_(fields), software_(software), topology_(topology) {}

    void run() {
        check_operands();
        check_engine();
        check_times();
        if (topology_ == nullptr) {
            return;
        }
        check_threads();
        check_paths();
        check_allocator();
        if (software_ != nullptr) {
            check_vm();
        }
        check_working_set();
    }

private:
    std::string op() const { return to_text(stream_.operation); }

    std::array<std::pair<const char*, std::span<const MemoryName>>, 2> operands() const {
        return {{{"source", stream_.sources()}, {"target", stream_.targets()}}};
    }

    void refuse(std::string_view key, const std::string& why, const std::string& suggestion) {
        if (fields_.has(key)) {
            fields_.error(key, why, suggestion);
        }
    }

    void check_operands() {
        if (is_write(stream_.operation)) {
            fields_.require({"target"}, fmt::format("a {} says what it writes, \"target: grace0.egm\"", op()));
            refuse("source", fmt::format("does not go with op {}", op()), "write \"target\"");
        } else {
            fields_.require({"source"}, fmt::format("a {} says what it reads, \"source: grace0.egm\"", op()));
            if (!is_copy(stream_.operation)) {
                refuse("target", fmt::format("does not go with op {}", op()), "write \"source\"");
            }
        }
        if (is_copy(stream_.operation) && stream_.target.kind == Kind::kNone) {
            stream_.target = stream_.source;
        }
        if (is_copy(stream_.operation) && !fields_.has("target")) {
            stream_.target_spread = stream_.source_spread;
        }
        if (stream_.operation == Operation::kPingPong && !stream_.source_spread.empty()) {
            fields_.error("source", "a ping-pong has one flag in one memory", "name one memory");
        }
        if (stream_.operation != Operation::kPingPong) {
            refuse("peer", "belongs to op ping-pong", "leave it out");
        }
    }

    void check_engine() {
        if (stream_.engine == Engine::kCopyEngine && stream_.operation != Operation::kCopy) {
            fields_.error("op", fmt::format("{} is nothing a copy engine does", op()),
                          "write \"op: copy\", or use .sm");
        }
        if (stream_.engine == Engine::kNic && stream_.operation != Operation::kRead &&
            stream_.operation != Operation::kWrite && stream_.operation != Operation::kPointerChase) {
            fields_.error("op", fmt::format("{} is nothing a NIC does", op()),
                          "write \"op: read\", \"op: write\" or \"op: pointer-chase\"");
        }
        if (stream_.engine != Engine::kSm) {
            refuse("blocks", "belongs to GPU kernels", "leave it out, or use .sm");
            refuse("unroll", "belongs to GPU kernels", "leave it out, or use .sm");
            refuse("kernel_per_pass", "belongs to GPU kernels", "leave it out, or use .sm");
        }
        if (stream_.engine == Engine::kCopyEngine || stream_.engine == Engine::kNic) {
            refuse("threads", "belongs to CPU and GPU threads", "leave it out");
        }
        if (stream_.peer.ends_with(".ce") || stream_.peer.ends_with(".nic")) {
            fields_.error("peer", fmt::format("{} cannot compare and exchange", in_quotes(stream_.peer)),
                          "use a .cpu or a .sm");
        }
    }

    void check_times() {
        if (stream_.stop > 0 && stream_.stop <= stream_.start) {
            fields_.error("stop", fmt::format("is not after the start at {}", format_time(stream_.start)));
        }
    }

    void check_threads() {
        const Part* part = topology_->find(stream_.initiator);
        if (const auto* cpu = std::get_if<models::CpuSpec>(&part->spec);
            cpu != nullptr && stream_.threads > cpu->cores) {
            fields_.error("threads",
                          fmt::format("{} is more than the {} cores of {}", stream_.threads, cpu->cores, part->name));
        }
        if (const auto* gpu = std::get_if<models::GpuSpec>(&part->spec);
            gpu != nullptr && stream_.engine == Engine::kSm) {
            if (stream_.threads > 1024) {
                fields_.error("threads", fmt::format("{} is too many for a block", stream_.threads), "at most 1024");
                return;
            }
            const unsigned threads = stream_.threads > 0 ? stream_.threads : 1024;
            const std::uint64_t resident = std::uint64_t(gpu->sms) * std::max(1u, gpu->threads_per_sm / threads);
            if (stream_.blocks > resident) {
                fields_.error("blocks",
                              fmt::format("{} is more than run at once on {} with {} threads each", stream_.blocks,
                                          part->name, threads),
                              fmt::format("at most {}", resident));
            }
        }
    }

    /// What the machine's links do not allow at all.
    void check_paths() {
        const auto* cpu = std::get_if<models::CpuSpec>(&topology_->find(stream_.initiator)->spec);
        for (const auto& [key, memories] : operands()) {
            const auto hbm = std::find_if(memories.begin(), memories.end(),
                                          [](const MemoryName& memory) { return memory.kind == Kind::kHbm; });
            if (cpu != nullptr && !cpu->ats && hbm != memories.end()) {
                fields_.error(
                    key, fmt::format("{}: {} has no coherent link to GPU memory", to_text(*hbm), stream_.initiator),
                    "let the GPU copy");
            }
        }
        if (!stream_.via.empty()) {
            const std::string& cpu = topology_->find(stream_.via)->cpu;
            const auto on_socket = [&](const MemoryName& memory) {
                return memory.kind == Kind::kEgm && memory.part == cpu;
            };
            if (!stream_.source_spread.empty() || !stream_.target_spread.empty()) {
                fields_.error("via", "does not go with a spread", "write \"windows: all\" in the spread");
            } else if (!on_socket(stream_.source) && !on_socket(stream_.target)) {
                fields_.error("via", fmt::format("{} serves no EGM of this stream", stream_.via),
                              "name a GPU of the socket whose EGM is read or written");
            }
        }
    }

    void check_allocator() {
        const auto touches = [&](Kind kind) {
            const auto is = [&](const MemoryName& memory) { return memory.kind == kind; };
            return std::ranges::any_of(stream_.sources(), is) || std::ranges::any_of(stream_.targets(), is);
        };
        const auto needs = [&](Allocator allocator, bool fits, const std::string& what) {
            if (stream_.allocator == allocator && !fits) {
                fields_.error("allocator",
                              fmt::format("{} gives {}, which this stream does not touch", to_text(allocator), what));
            }
        };
        needs(Allocator::kCudaMalloc, touches(Kind::kHbm), "HBM");
        needs(Allocator::kEgm, touches(Kind::kEgm), "EGM");
        needs(Allocator::kPinned, touches(Kind::kSystem), "system memory");
        needs(Allocator::kSystem, touches(Kind::kSystem) || touches(Kind::kHbm), "system memory");
        const Part* part = topology_->find(stream_.initiator);
        if (stream_.allocator == Allocator::kSystem && std::holds_alternative<models::GpuSpec>(part->spec) &&
            !has_ats(*part)) {
            fields_.error("allocator", fmt::format("system: {} cannot use CPU page tables (no ATS)", part->name),
                          "write \"allocator: pinned\"");
        }
    }

    bool has_ats(const Part& gpu) const {
        return std::any_of(topology_->parts.begin(), topology_->parts.end(), [&](const Part& part) {
            const auto* cpu = std::get_if<models::CpuSpec>(&part.spec);
            return cpu != nullptr && part.cpu == gpu.cpu && cpu->ats;
        });
    }

    /// The region of `memory`'s socket that `vm` has; nullptr if none.
    static const RegionSetup* region_of(const VmSetup& vm, const std::string& cpu) {
        for (const RegionSetup& region : vm.memory) {
            if (region.memory.substr(0, region.memory.rfind('.')) == cpu) {
                return &region;
            }
        }
        return nullptr;
    }

    static bool has_gpu(const VmSetup& vm, const std::string& gpu) {
        return std::find(vm.gpus.begin(), vm.gpus.end(), gpu) != vm.gpus.end();
    }

    bool has_initiator(const VmSetup& vm) const {
        const Part* part = topology_->find(stream_.initiator);
        if (std::holds_alternative<models::GpuSpec>(part->spec)) {
            return has_gpu(vm, part->name);
        }
        const std::string& cpu = std::holds_alternative<models::NicSpec>(part->spec) ? part->at : part->name;
        return region_of(vm, cpu) != nullptr;
    }

    /// In the run with VMs, a stream belongs to one that has all it touches.
    void check_vm() {
        if (software_->vms.empty()) {
            refuse("vm", "names a VM, but there are none", "add it below software.vms");
            return;
        }
        std::vector<std::string> names;
        for (const VmSetup& vm : software_->vms) {
            names.push_back(vm.name);
            if (vm_ == nullptr && (stream_.vm.empty() ? has_initiator(vm) : vm.name == stream_.vm)) {
                vm_ = &vm;
            }
        }
        if (vm_ == nullptr && !stream_.vm.empty()) {
            fields_.error("vm", fmt::format("{} does not exist", in_quotes(stream_.vm)), suggest(stream_.vm, names));
        } else if (vm_ == nullptr) {
            fields_.error("from", fmt::format("{}: no VM has it", stream_.initiator),
                          "add it to a VM's gpus, or a region of its memory to a VM's memory");
        } else if (!has_initiator(*vm_)) {
            fields_.error("from", fmt::format("{}: VM {} does not have it", stream_.initiator, vm_->name),
                          "add it to the VM's gpus, or a region of its memory to the VM's memory");
        } else {
            check_vm_memory();
        }
    }

    void check_vm_memory() {
        const auto missing = [&](const MemoryName& memory) {
            return memory.kind == Kind::kHbm    ? !has_gpu(*vm_, memory.part)
                   : memory.kind != Kind::kNone ? region_of(*vm_, memory.part) == nullptr
                                                : false;
        };
        for (const auto& [key, memories] : operands()) {
            if (const auto memory = std::find_if(memories.begin(), memories.end(), missing); memory != memories.end()) {
                fields_.error(key, fmt::format("VM {} has nothing of {}", vm_->name, to_text(*memory)),
                              "give it to the VM, or name another VM");
            }
        }
        if (stream_.engine == Engine::kCpu && vm_->vcpus > 0 && stream_.threads > vm_->vcpus) {
            fields_.error("threads",
                          fmt::format("{} is more than the {} vCPUs of VM {}", stream_.threads, vm_->vcpus, vm_->name));
        }
    }

    /// Each memory must hold the working set of each side; a side in a VM has what the VM has of it.
    void check_working_set() {
        const bool twice = stream_.source.kind == stream_.target.kind && stream_.source.part == stream_.target.part;
        for (const auto& [key, memories] : operands()) {
            for (const MemoryName& memory : memories) {
                if (!check_room(memory, twice)) {
                    return;
                }
            }
        }
    }

    bool check_room(const MemoryName& memory, bool twice) {
        const models::MemorySpec* spec = memory.kind == Kind::kNone ? nullptr : memory_on(*topology_, memory.part);
        if (spec == nullptr) {
            return true;
        }
        std::uint64_t room = spec->capacity_bytes;
        if (const RegionSetup* region = vm_ != nullptr ? region_of(*vm_, memory.part) : nullptr;
            region != nullptr && region->size_bytes > 0 && memory.kind != Kind::kHbm) {
            room = std::min(room, region->size_bytes);
        }
        room = twice ? room / 2 : room;
        if (!fields_.has("working_set")) {
            stream_.working_set_bytes = std::min(stream_.working_set_bytes, room);
        } else if (stream_.working_set_bytes > room) {
            fields_.error("working_set", fmt::format("does not fit {}{}", to_text(memory), twice ? " twice" : ""),
                          "at most " + format_size(room));
            return false;
        }
        return true;
    }

    Stream& stream_;
    Fields& fields_;
    const SoftwareSetup* software_;
    const Topology* topology_;
    const VmSetup* vm_ = nullptr;
};

} // namespace

void check_stream(Stream& stream, Fields& fields, const SoftwareSetup* software, const Topology* topology) {
    Checker(stream, fields, software, topology).run();
}

} // namespace sim
