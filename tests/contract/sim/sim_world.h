#pragma once

#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"
#include "tests/contract/world.h"

namespace contract {

/// The modelled kernel as a kernel under test: a host with the edu device behind an IOMMU and, on arm64, a carveout of
/// 16 MiB at proximity domain 4 with two retired blocks, as the test guests have it.
class SimWorld final : public World {
public:
    /// A fresh kernel of `version` (major * 100 + minor). x86 has pages of 4 KiB and no EGM.
    SimWorld(Arch arch, int version, std::uint64_t page_size);

    egm::Syscalls& syscalls() override { return sys_; }
    const Facts& facts() const override { return facts_; }
    bool load(std::uint64_t address, void* into, std::size_t size) override;
    bool store(std::uint64_t address, const void* from, std::size_t size) override;
    void wait() override { clock_.pass(models::linux::kPicosecondsPerSecond / 1000); }

    /// Nothing is left open, mapped or pinned.
    bool clean() const { return sys_.open_state() == models::linux::SimSyscalls::OpenState{}; }

private:
    struct CountingClock final : models::linux::Clock {
        void pass(std::uint64_t picoseconds) override { now += picoseconds; }
        std::uint64_t now = 0;
    };

    CountingClock clock_;
    models::SparseStore bytes_;
    Facts facts_;
    models::linux::SimSyscalls sys_;
};

} // namespace contract
