#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "egm/address.h"
#include "egm/syscalls.h"
#include "models/linux/egm_device.h"
#include "models/linux/egm_driver.h"
#include "models/linux/file_tree.h"
#include "models/linux/host.h"
#include "models/linux/kernel_config.h"
#include "models/linux/translation.h"
#include "models/linux/vfio_group.h"
#include "models/linux/vfio_pci_device.h"

namespace models::linux {

class MemfdFile;

/// The modelled Linux kernel of one host, and one process in it that calls: the VM monitor with the EGM logic inside.
///
/// Calls answer with what Linux answers, to the errno, and take time through the clock. Pointers in arguments are the
/// caller's own and real; addresses that `mmap` gives out are made up and never dereferenced.
///
/// When it goes, the process ends: everything is released, in no time.
class SimSyscalls final : public egm::Syscalls {
public:
    /// Precondition: `faults(config)` is empty. `clock` and `store` outlive this.
    SimSyscalls(KernelConfig config, Clock& clock, models::SparseStore& store);
    ~SimSyscalls() override;

    int open(const char* path, int flags) override;
    int close(int fd) override;
    int ioctl(int fd, unsigned long request, void* argument) override;
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override;
    int munmap(void* address, std::size_t size) override;
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override;
    std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) override;
    int fsync(int fd) override;
    int rename(const char* from, const char* to) override;
    int unlink(const char* path) override;
    int list_directory(const char* path, std::vector<std::string>& names) override;
    int readlink(const char* path, std::string& target) override;
    std::size_t page_size() override { return host_.page_size(); }

    // What the traffic goes through.

    /// KVM stage 2 of the VM behind `vm_fd`, as it is or would be faulted in. None: no such VM, slot or mapping.
    /// Anonymous memory is filled on the way, and that time passes.
    std::optional<Translation> stage2(int vm_fd, egm::Ipa ipa);
    /// The same for a guest's access: the first in each block lets the time of a stage-2 fault pass.
    std::optional<Translation> fault(int vm_fd, egm::Ipa ipa);
    /// What stage 2 of the memory slot that holds `ipa` is made of once all of it has been touched: number of entries
    /// by block size in bytes. Empty: no such VM or slot.
    std::map<std::uint64_t, std::uint64_t> stage2_blocks(int vm_fd, egm::Ipa ipa) const;
    /// What the SMMU (or VT-d) stage 2 of that device holds. None: the DMA faults. Precondition: `bdf` is configured.
    std::optional<Translation> iommu(const std::string& bdf, egm::Iova iova) const;
    /// DMAs of a plain device that the IOMMU refused, wholly or in part. Precondition: `bdf` is a plain device.
    std::uint64_t dma_faults(const std::string& bdf) const;
    /// The memory at `at` turns out bad (an uncorrectable ECC error). With a driver that watches its carveout, a mapped
    /// page joins the retired pages and `signals` grows. False: `at` lies in no carveout that a driver has.
    bool poison(egm::Spa at);
    /// Where the process got SIGBUS for bad memory, oldest first.
    const std::vector<egm::Hva>& signals() const { return host_.signals; }
    /// What would have crashed a real kernel, a sentence each; the call that did it answered EFAULT.
    const std::vector<std::string>& kernel_faults() const { return host_.kernel_faults; }
    /// What loading the EGM driver's module, or setting up its nodes, answered: 0 or a negative errno. See `EgmDriver`.
    int egm_driver_error() const { return egm_driver_.error; }
    /// The VM monitor's own mapping: base pages for EGM, blocks for GPU memory that faults in huge (Linux 6.19), and
    /// one PMD for anonymous memory that fills it. None: not mapped, no permission, or not touched yet.
    std::optional<Translation> host(egm::Hva hva) const;

    /// The machine loses power: what regular files hold afterwards. Everything the process has is gone, so this is the
    /// last thing to do but for opening files anew. See `FileTree::lose_power`.
    void lose_power(Unsynced kept) { tree_.lose_power(kept); }

    /// All that is held. All zero after a complete undo.
    struct OpenState {
        std::size_t fds = 0;
        std::size_t vmas = 0;
        std::size_t dma_entries = 0; ///< of all containers and IOASes
        std::size_t memory_slots = 0;
        std::uint64_t pinned_bytes = 0;

        friend bool operator==(const OpenState&, const OpenState&) = default;
    };
    OpenState open_state() const;

    /// The `n`-th call through the door from now (1: the next) fails with `error_number` and does nothing else, but
    /// that a failing `close` releases its descriptor all the same, as Linux does. A later request replaces an earlier
    /// one that has not happened. Precondition: n > 0, `error_number` > 0.
    void fail_call(std::uint64_t n, int error_number);
    /// Takes back what `fail_call` asked for and has not happened: the number of that call, counted as `calls` does; 0:
    /// nothing was asked for.
    std::uint64_t disarm() { return std::exchange(failing_call_, 0); }
    const CallCosts& costs() const { return host_.costs(); }
    /// Calls through the door so far, failed ones too; `page_size` is none.
    std::uint64_t calls() const { return calls_; }

private:
    /// Counts the call and lets its base cost pass. False: it fails as asked for by `fail_call`, and errno is set.
    bool enter();
    void add_device_nodes();
    egm::Spa next_registers() const;
    struct VfioPlace {
        int iommu_group;
        int vfio_index;
        bool bound; ///< a VFIO driver has it
    };
    void add_vfio_device(std::unique_ptr<VfioPciDevice> owned, const VfioPlace& place);
    template <class Driver>
    void add_node(const std::string& path, bool there);
    VfioPciDevice& device(const std::string& bdf) const;

    Host host_;
    const EgmDriver egm_driver_;
    std::vector<std::unique_ptr<EgmDevice>> carveouts_;
    std::vector<std::unique_ptr<VfioPciDevice>> devices_;
    std::map<int, VfioGroup> groups_; ///< by number
    std::vector<std::shared_ptr<MemfdFile>> memory_files_;
    FileTree tree_;
    std::uint64_t calls_ = 0;
    std::uint64_t failing_call_ = 0; ///< 0: none
    int failing_errno_ = 0;
};

} // namespace models::linux
