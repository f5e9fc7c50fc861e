#include "sim/call_cost_fields.h"

namespace sim {

const std::vector<CallCostKey>& call_cost_keys() {
    using Costs = models::linux::CallCosts;
    using Kind = CallCostKey::Kind;
    static const std::vector<CallCostKey> keys{
        {"syscall", &Costs::syscall_ps},
        {"open", &Costs::open_ps},
        {"scrub_bandwidth", &Costs::scrub_bytes_per_second, Kind::kRate},
        {"pte_fill", &Costs::pte_fill_ps},
        {"pte_drop", &Costs::pte_drop_ps},
        {"type1_page_step", &Costs::type1_page_step_ps},
        {"type1_huge_step", &Costs::type1_huge_step_ps},
        {"pin_page", &Costs::pin_page_ps},
        {"unpin_page", &Costs::unpin_page_ps},
        {"iommu_block", &Costs::iommu_block_ps},
        {"kvm_slot", &Costs::kvm_slot_ps},
        {"kvm_create", &Costs::kvm_create_ps},
        {"stage2_fault", &Costs::stage2_fault_ps},
        {"stage2_entry", &Costs::stage2_entry_ps},
        {"device_reset", &Costs::device_reset_ps},
        {"gpu_poll", &Costs::gpu_poll_ps, Kind::kPause},
        {"gpu_timeout", &Costs::gpu_timeout_ps, Kind::kPause},
        {"gpu_dvsec_poll", &Costs::gpu_dvsec_poll_ps, Kind::kPause},
    };
    return keys;
}

const CallCostKey* find_call_cost(std::string_view key) {
    for (const CallCostKey& each : call_cost_keys()) {
        if (each.key == key) {
            return &each;
        }
    }
    return nullptr;
}

std::string to_text(const CallCostKey& key, const models::linux::CallCosts& costs) {
    return key.kind == CallCostKey::Kind::kRate ? format_rate(costs.*key.member) : format_time(costs.*key.member);
}

void read_call_costs(Fields& fields, models::linux::CallCosts& costs) {
    constexpr std::uint64_t kMinute = 60 * models::linux::CallCosts::kSecondPs;
    for (const CallCostKey& each : call_cost_keys()) {
        if (each.kind == CallCostKey::Kind::kRate) {
            fields.rate(each.key, costs.*each.member, {.min = 1'000'000, .max = 1'000'000'000'000'000});
        } else {
            fields.time(each.key, costs.*each.member,
                        {.min = each.kind == CallCostKey::Kind::kPause, .max = kMinute, .likely = "ns"});
        }
    }
}

} // namespace sim
