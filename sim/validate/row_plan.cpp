#include "sim/validate/row_plan.h"

#include <fmt/format.h>

#include "sim/machine_names.h"
#include "sim/validate/row_traffic.h"

namespace sim::validate {
namespace {

/// Machine and software of a row.
std::string header(const MeasuredRow& row, const RowOperation& op, const RowMachine& found,
                   const std::string& initiator) {
    const SystemMachine& machine = found.machine;
    const Topology& topology = *found.topology;
    const MachineParts parts(topology);
    std::string out;
    if (machine.set.empty()) {
        out += fmt::format("machine: {}\n", quoted(machine.topology));
    } else {
        out += fmt::format("machine:\n  topology: {}\n  set:\n", quoted(machine.topology));
        for (const auto& [key, value] : machine.set) {
            out += fmt::format("    {}: {}\n", quoted(key), quoted(value));
        }
    }
    std::string software;
    const bool legacy = !topology.egm && (machine.vm || op.vm); // an x86 host has pages of 4 KiB
    if (row.page_bytes == 4096 || legacy) {
        software += "  host_page_size: 4 KiB\n";
    }
    if (machine.vm || op.vm) {
        software += legacy ? "  guest_page_size: 4 KiB\n" : "";
        software += "  compare_native: false\n  vms:\n    - name: vm0\n      memory:\n";
        const std::string node = topology.find(initiator)->node;
        for (const Part& part : topology.parts) {
            if (topology.egm && std::holds_alternative<models::CpuSpec>(part.spec) && part.node == node) {
                software += fmt::format("        - {{of: {}.egm}}\n", part.name);
            }
        }
        if (!topology.egm) { // ordinary memory of one socket; half of it leaves the host enough
            const std::string cpu = parts.cpu(initiator, MachineParts::Role::kLocal);
            const models::MemorySpec* memory = memory_on(topology, cpu);
            software += fmt::format("        - {{of: {}.system, size: {} GiB}}\n", cpu,
                                    (memory != nullptr ? memory->capacity_bytes >> 31 : 1));
        }
        software += fmt::format("      gpus: [{}]\n", fmt::join(parts.of(MachineParts::Kind::kGpu), ", "));
    }
    if (!software.empty()) {
        out += "software:\n" + software;
    }
    return out;
}

} // namespace

std::string RowPlan::traffic() const {
    std::string out;
    for (const RowGroup& group : groups) {
        if (!group.work.empty()) {
            out += fmt::format("  - {}\n", group.work);
            continue;
        }
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

RowPlan RowPlanner::plan(MeasuredRow& row, Diagnostics& diagnostics) {
    RowPlan plan;
    RowRequest request;
    RowMachine machine;
    const bool understood = read_request(row, request, diagnostics);
    const bool found = find_row_machine(row, request, systems_, machines_, off_, machine, diagnostics);
    plan.warnings = machine.warnings;
    if (!understood || !found || row.faulty) {
        return plan;
    }
    plan.unsupported = request.op.kind == RowOperation::Kind::kNotModelled ? request.op.why_not : machine.unsupported;
    if (plan.unsupported.empty()) {
        RowTraffic traffic(row, request, machine, kernels_, plan, diagnostics);
        traffic.write();
        if (!plan.groups.empty()) {
            plan.header = header(row, request.op, machine, traffic.initiator());
        }
    }
    return plan;
}

} // namespace sim::validate
