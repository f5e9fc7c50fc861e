// KVM memory slots. Run on the modelled kernel only: under QEMU without nested virtualisation no guest has KVM for
// arm64, so the expected answers come from Linux Documentation/virt/kvm/api.rst and virt/kvm/kvm_main.c.
#include "egm/uapi/kvm.h"
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t kIpa = 0x4000'0000;

struct Vm : Process {
    explicit Vm(World& world) : Process(world), kvm(must_open("/dev/kvm")), vm(must(create(), "KVM_CREATE_VM")) {}
    std::int64_t create() { return adopt(ioctl_value(kvm, uapi::kKvmCreateVm, 40)); }
    std::int64_t set(std::uint32_t slot, std::uint64_t ipa, std::uint64_t size, std::uint64_t hva,
                     std::uint32_t flags = 0) {
        uapi::KvmUserspaceMemoryRegion region{};
        region.slot = slot;
        region.flags = flags;
        region.guest_phys_addr = ipa;
        region.memory_size = size;
        region.userspace_addr = hva;
        return ioctl(vm, uapi::kKvmSetUserMemoryRegion, &region);
    }
    const std::int64_t kvm;
    const std::int64_t vm;
};

} // namespace

Cases kvm_cases() {
    return {
        {"kvm.api_version", kKvm,
         [](World& w) {
             Process p(w);
             return number(p.ioctl(p.must_open("/dev/kvm"), uapi::kKvmGetApiVersion));
         },
         "12"},
        {"kvm.slot", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, kIpa, 4 * v.page(), v.memory(4)));
         },
         "ok"},
        {"kvm.slot.size_misaligned", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, kIpa, v.page() + 512, v.memory(4)));
         },
         "EINVAL"},
        {"kvm.slot.address_misaligned", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, kIpa + 512, v.page(), v.memory(4)));
         },
         "EINVAL"},
        {"kvm.slot.overlap", kKvm,
         [](World& w) {
             Vm v(w);
             const std::uint64_t memory = v.memory(8);
             Process::must(v.set(0, kIpa, 4 * v.page(), memory), "first slot");
             return text(v.set(1, kIpa + 3 * v.page(), 4 * v.page(), memory));
         },
         "EEXIST"},
        {"kvm.slot.next_to_another", kKvm,
         [](World& w) {
             Vm v(w);
             const std::uint64_t memory = v.memory(8);
             Process::must(v.set(0, kIpa, 4 * v.page(), memory), "first slot");
             return text(v.set(1, kIpa + 4 * v.page(), 4 * v.page(), memory));
         },
         "ok"},
        {"kvm.slot.remove", kKvm,
         [](World& w) {
             Vm v(w);
             const std::uint64_t memory = v.memory(4);
             Process::must(v.set(0, kIpa, 4 * v.page(), memory), "slot");
             return text(v.set(0, kIpa, 0, memory));
         },
         "ok"},
        {"kvm.slot.beyond_the_guest_addresses", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, std::uint64_t{1} << 40, v.page(), v.memory(1)));
         },
         "EFAULT"},
        {"kvm.slot.wraps", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, kMaxU64 - v.page() + 1, 2 * v.page(), v.memory(2)));
         },
         "EINVAL"},
        {"kvm.slot.unknown_flag", kKvm,
         [](World& w) {
             Vm v(w);
             return text(v.set(0, kIpa, v.page(), v.memory(1), 1u << 20));
         },
         "EINVAL"},
        {"kvm.slot.egm", kKvm | kEgm,
         [](World& w) {
             Vm v(w);
             const std::int64_t at = v.map_file(v.must_open(w.facts().egm_path), w.facts().egm_size);
             return text(v.set(0, kIpa, w.facts().egm_size, static_cast<std::uint64_t>(at)));
         },
         "ok"},
        {"kvm.slot.egm_with_dirty_log", kKvm | kEgm,
         [](World& w) {
             Vm v(w);
             const std::int64_t at = v.map_file(v.must_open(w.facts().egm_path), w.facts().egm_size);
             return text(
                 v.set(0, kIpa, w.facts().egm_size, static_cast<std::uint64_t>(at), uapi::kKvmMemLogDirtyPages));
         },
         "EINVAL"},
    };
}

} // namespace contract
