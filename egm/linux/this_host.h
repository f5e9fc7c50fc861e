#pragma once

#include "egm/linux/linux_syscalls.h"
#include "egm/linux/machine.h"

namespace egm {

/// The host that egmctl runs on.
class ThisHost final : public Machine {
public:
    ThisHost();

    Syscalls& syscalls() override { return syscalls_; }
    bool is_modelled() const override { return false; }
    std::string title() const override { return "this host"; }
    std::uint64_t now() const override;
    bool write_memory(Hva at, const void* from, std::size_t size) override;
    bool read_memory(Hva at, void* into, std::size_t size) override;
    std::optional<bool> guest_sees(int, Ipa, Hva) override { return std::nullopt; }
    std::optional<bool> device_sees(const std::string&, Iova, Hva) override { return std::nullopt; }
    /// Counts open descriptors, and the mappings of devices in /proc/self/maps.
    std::string held() override;

private:
    std::size_t descriptors();
    std::size_t device_mappings();

    LinuxSyscalls syscalls_;
    std::size_t descriptors_at_start_ = 0;
};

} // namespace egm
