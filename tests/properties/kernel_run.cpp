#include "kernel_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <sys/mman.h>

#include "egm/bring_up.h"
#include "egm/carveout.h"
#include "egm/discovery.h"
#include "egm/dma_mapper.h"
#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"

namespace properties {
namespace {

using egm::Hva;
using egm::IommuMode;
using egm::Iova;
using egm::kGiB;
using egm::kKiB;
using egm::kMiB;
using egm::Spa;
using models::linux::KernelConfig;
using models::linux::SimSyscalls;

constexpr std::uint64_t kCarveoutBytes = 64 * kMiB;
constexpr std::uint64_t kOrdinaryPages = 8;
constexpr std::array<const char*, 3> kGpus = {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0"};
constexpr std::array<int, 3> kGpuCarveout = {4, 4, 5};

struct NoClock final : models::linux::Clock {
    void pass(std::uint64_t) override {}
};
struct SilentListener final : egm::StepListener {
    void begin(std::string_view, std::string_view) override {}
    void end() override {}
};

Spa carveout_base(int pxm) { return {0x1000'0000'0000ull * std::uint64_t(pxm - 4) + 2 * kGiB}; }

/// Two sockets with a small carveout each, and three GPUs.
KernelConfig configuration(std::uint64_t setup) {
    Random random(setup);
    constexpr std::uint64_t kPages[] = {4 * kKiB, 16 * kKiB, 64 * kKiB};
    KernelConfig config{.page_size = kPages[random.below(3)]};
    for (int socket = 0; socket < 2; ++socket) {
        const Spa base = carveout_base(4 + socket);
        config.carveouts.push_back({.pxm = 4 + socket, .range = {base, kCarveoutBytes}});
        for (std::uint32_t i = random.below(4); i > 0; --i)
            config.carveouts.back().retired.push_back(base + random.below(kCarveoutBytes / (64 * kKiB)) * 64 * kKiB);
        config.host_memory.push_back({base + 8 * kGiB, 256 * kMiB});
    }
    for (int i = 0; i < int(kGpus.size()); ++i) {
        const int socket = kGpuCarveout[std::size_t(i)] - 4;
        config.carveouts[std::size_t(socket)].gpu_bdfs.emplace_back(kGpus[std::size_t(i)]);
        config.gpus.push_back({.bdf = kGpus[std::size_t(i)],
                               .iommu_group = 7 + i,
                               .vfio_index = i,
                               .device_id = 0x2941,
                               .socket = socket,
                               .hbm = {{0x0400'0000'0000ull + std::uint64_t(i) * 0x100'0000'0000ull}, 4 * kGiB}});
    }
    return config;
}

class Run {
public:
    Run(const Sequence& sequence, const DoorFactory& door)
        : sequence_(sequence), kernel_(configuration(sequence.setup), clock_, store_),
          wrapped_(door ? door(kernel_) : nullptr), door_(wrapped_ ? *wrapped_ : kernel_) {
        if (auto found = egm::discover(kernel_))
            carveouts_ = *found;
        page_ = kernel_.page_size();
    }

    std::optional<std::string> go() {
        if (carveouts_.size() != 2)
            return "the carveouts are not found";
        for (step_ = 0; step_ < sequence_.steps.size() && fault_.empty(); ++step_) {
            do_step(sequence_.steps[step_]);
            look(sequence_.steps[step_].arguments[3]);
        }
        release_all();
        return fault_.empty() ? std::nullopt : std::optional(fault_);
    }

private:
    struct DmaEntry {
        std::uint64_t size = 0;
        Hva hva;
    };
    struct Mapper {
        std::unique_ptr<egm::DmaMapper> mapper;
        std::string bdf;
        std::map<std::uint64_t, DmaEntry> entries; ///< by IOVA
    };

    void do_step(const Step& step) {
        const auto& [a, b, c, d] = step.arguments;
        switch (step.kind) {
        case 0:
        case 1:
        case 2:
            return acquire(b, vms_[a % 2], [&] { return bring_up(step); });
        case 3:
            return vms_[a % 2].reset();
        case 4:
        case 5:
            return acquire(b, open_[a % 2], [&] { return egm::Carveout::open(door_, carveouts_[a % 2]); });
        case 6:
            return open_[a % 2].reset();
        case 7:
        case 8: {
            auto& mapping = mappings_[a % 4];
            if (open_[c % 2])
                acquire(b, mapping, [&] { return (*open_[c % 2])->map(piece(c), piece(d) + page_, alignment(d)); });
            return;
        }
        case 9: {
            unmap_from_devices(mappings_[a % 4]);
            return mappings_[a % 4].reset();
        }
        case 10:
        case 11:
            return acquire(b, mappers_[a % 2], [&] { return attach(step); });
        case 12:
            return mappers_[a % 2].reset();
        case 13:
        case 14:
        case 15:
            return dma_map(a, b, c);
        case 16:
        case 17:
            return dma_unmap(a, b, c);
        default:
            return a % 8 == 0 ? release_all() : (void)0;
        }
    }

    /// A multiple of the page that is inside the carveout, or just not.
    std::uint64_t piece(std::uint32_t number) const {
        return (number >> 1) % (kCarveoutBytes / 16 / page_ + 2) * page_ * 4;
    }
    std::uint64_t alignment(std::uint32_t number) const { return page_ << (number % 10); }

    /// Makes `made`, after what was there is gone. If it can be made, one of the calls may fail on the way; then all
    /// must be as before. (What cannot be made is undone already: a fault in an undo is beyond remedy.)
    template <class T, class Make>
    void acquire(std::uint32_t fault, std::optional<T>& made, const Make& make) {
        if constexpr (std::is_same_v<T, egm::Mapping>)
            unmap_from_devices(made);
        made.reset();
        const SimSyscalls::OpenState before = kernel_.open_state();
        const auto left_something = [&](const egm::Error& error) {
            if (!(kernel_.open_state() == before))
                wrong("something is left of what failed: " + error.message());
        };
        auto result = make();
        if (!result)
            return left_something(result.error());
        if (fault % 2 == 1) {
            { const T released = std::move(*result); }
            constexpr int kErrors[] = {EIO, ENOMEM, EINTR, EBUSY, ENODEV, EINVAL, EFAULT};
            constexpr std::uint64_t kNever = 1'000'000;
            kernel_.fail_call(1 + (fault >> 1) % ((fault >> 11) % 2 == 0 ? 24 : 96), kErrors[(fault >> 8) % 7]);
            result = make();
            kernel_.fail_call(kNever, EIO);
            if (!result)
                return left_something(result.error());
        }
        made.emplace(std::move(*result));
    }

    egm::Result<egm::VirtualMachine> bring_up(const Step& step) {
        const auto& [a, b, c, d] = step.arguments;
        constexpr IommuMode kModes[] = {IommuMode::kType1, IommuMode::kIommufdStrict, IommuMode::kIommufdTolerant};
        egm::VmRequest request{.name = a % 2 == 0 ? "vm0" : "vm1", .vcpus = 1, .iommu = kModes[(a >> 1) % 3]};
        const std::uint32_t which = 1 + c % 3; // bits: socket 0, socket 1
        for (std::size_t i = 0; i < 2; ++i)
            if ((which >> i) % 2 == 1)
                request.regions.push_back({.pxm = int(4 + i), .size = (c >> 2) % 2 == 0 ? 0 : piece(c >> 3)});
        for (std::size_t i = 0; i < kGpus.size(); ++i)
            if ((which >> (kGpuCarveout[i] - 4)) % 2 == 1)
                request.gpu_bdfs.emplace_back(kGpus[i]);
        request.block_alignment = d % 4 == 0 ? alignment(d >> 2) : 0;
        return egm::bring_up(door_, request, listener_);
    }

    egm::Result<Mapper> attach(const Step& step) {
        const auto& [a, b, c, d] = step.arguments;
        auto mapper = egm::DmaMapper::create(door_, c % 2 == 0 ? IommuMode::kType1 : IommuMode::kIommufdStrict);
        if (!mapper)
            return egm::fail(mapper.error());
        const std::string bdf = kGpus[(c >> 1) % 3];
        if (auto attached = (*mapper)->attach(bdf); !attached)
            return egm::fail(attached.error());
        return Mapper{std::move(*mapper), bdf, {}};
    }

    void dma_map(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
        auto& mapper = mappers_[a % 2];
        const auto& mapping = mappings_[(a >> 1) % 4];
        if (!mapper)
            return;
        const bool egm = mapping && (a >> 3) % 4 != 0;
        if (!egm && ordinary_.value == 0)
            ordinary_ = map_ordinary();
        const Hva hva = egm ? mapping->hva() : ordinary_;
        const std::uint64_t size = std::min((1 + b % 4) * page_, egm ? mapping->size() : kOrdinaryPages * page_);
        const std::uint64_t iova = c % 64 * page_;
        bool overlaps = false;
        for (const auto& [begin, entry] : mapper->entries)
            overlaps |= begin < iova + size && iova < begin + entry.size;
        const SimSyscalls::OpenState before = kernel_.open_state();
        const auto outcome =
            mapper->mapper->map({iova}, hva, size, egm ? egm::MemoryKind::kEgm : egm::MemoryKind::kOrdinary, "piece");
        if (outcome && overlaps)
            return wrong("two DMA mappings overlap");
        if (outcome)
            mapper->entries[iova] = {size, hva};
        else if (!(kernel_.open_state() == before))
            wrong("something is left of a DMA mapping that failed");
        else if (!egm && (!overlaps || outcome.error().error_number != EEXIST))
            wrong("ordinary memory: " + outcome.error().message());
    }

    Hva map_ordinary() {
        void* const at =
            kernel_.mmap(nullptr, kOrdinaryPages * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return {reinterpret_cast<std::uintptr_t>(at)};
    }

    void dma_unmap(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
        auto& mapper = mappers_[a % 2];
        if (!mapper)
            return;
        const std::uint64_t size = (1 + b % 8) * page_;
        const std::uint64_t iova = c % 64 * page_;
        std::uint64_t whole = 0;
        bool cut = false;
        for (const auto& [begin, entry] : mapper->entries) {
            if (begin + entry.size <= iova || iova + size <= begin)
                continue;
            if (iova <= begin && begin + entry.size <= iova + size)
                whole += entry.size;
            else
                cut = true;
        }
        const auto bytes = mapper->mapper->unmap({{iova}, size});
        if (cut != !bytes)
            return wrong(cut ? "a part of a DMA mapping was unmapped" : "unmap: " + bytes.error().message());
        if (cut)
            return;
        if (*bytes != whole)
            return wrong(fmt::format("unmap: {} bytes, expected {}", *bytes, whole));
        std::erase_if(mapper->entries,
                      [&](const auto& entry) { return iova <= entry.first && entry.first < iova + size; });
    }

    /// Memory that goes away is unmapped first, as the logic does it.
    void unmap_from_devices(const std::optional<egm::Mapping>& mapping) {
        if (!mapping)
            return;
        for (auto& mapper : mappers_) {
            if (!mapper)
                continue;
            for (auto entry = mapper->entries.begin(); entry != mapper->entries.end();) {
                if (entry->second.hva != mapping->hva()) {
                    ++entry;
                    continue;
                }
                if (!mapper->mapper->unmap({{entry->first}, entry->second.size}))
                    wrong("a DMA mapping cannot be unmapped");
                entry = mapper->entries.erase(entry);
            }
        }
    }

    /// Every view of every byte: linear, and nothing retired in a guest.
    void look(std::uint32_t where) {
        for (const auto& vm : vms_)
            if (vm)
                for (std::size_t i = 0; i < vm->regions().size(); ++i)
                    look_at(*vm, vm->regions()[i], vm->layout().nodes[i], where);
        for (const auto& mapper : mappers_)
            if (mapper)
                for (std::uint64_t page = 0; page < 68; ++page) {
                    const auto seen = kernel_.iommu(mapper->bdf, {page * page_});
                    auto entry = mapper->entries.upper_bound(page * page_);
                    const bool mapped =
                        entry != mapper->entries.begin() && (--entry, page * page_ - entry->first < entry->second.size);
                    if (mapped != seen.has_value())
                        return wrong(mapped ? "a DMA mapping is gone" : "a DMA mapping is left");
                    if (mapped && seen->spa != kernel_.host(entry->second.hva + (page * page_ - entry->first))->spa)
                        return wrong("DMA goes to other bytes");
                }
    }

    void look_at(const egm::VirtualMachine& vm, const egm::GuestRegion& region, const egm::GuestMemoryNode& node,
                 std::uint32_t where) {
        if (region.file_offset != 0)
            return wrong("a region that a GPU reaches does not start at offset 0");
        for (const std::uint64_t offset : {std::uint64_t{0}, where * page_ % region.size, region.size - 1}) {
            const auto seen = kernel_.stage2(vm.vm_fd(), region.ipa + offset);
            if (!seen || seen->spa != carveout_base(region.pxm) + offset)
                return wrong("the guest's memory is not linear");
        }
        const KernelConfig config = configuration(sequence_.setup);
        for (const auto& range : node.usable)
            for (const Spa retired : config.carveouts[std::size_t(region.pxm - 4)].retired)
                if (range.contains(region.ipa + (retired - carveout_base(region.pxm))))
                    return wrong("the guest has retired memory");
    }

    void release_all() {
        for (auto& vm : vms_)
            vm.reset();
        for (auto& mapping : mappings_) {
            unmap_from_devices(mapping);
            mapping.reset();
        }
        for (auto& mapper : mappers_)
            mapper.reset();
        for (auto& carveout : open_)
            carveout.reset();
        if (ordinary_.value != 0)
            kernel_.munmap(reinterpret_cast<void*>(ordinary_.value), kOrdinaryPages * page_);
        ordinary_ = {};
        const SimSyscalls::OpenState held = kernel_.open_state();
        if (!(held == SimSyscalls::OpenState{}))
            wrong(fmt::format("left when all is released: {} fds, {} mappings, {} IOVAs, {} slots, {} pinned bytes",
                              held.fds, held.vmas, held.dma_entries, held.memory_slots, held.pinned_bytes));
    }

    void wrong(const std::string& what) {
        if (fault_.empty())
            fault_ = fmt::format("step {}: {}", step_, what);
    }

    const Sequence& sequence_;
    NoClock clock_;
    models::SparseStore store_;
    SilentListener listener_;
    SimSyscalls kernel_;
    std::unique_ptr<egm::Syscalls> wrapped_;
    egm::Syscalls& door_;
    std::vector<egm::CarveoutInfo> carveouts_;
    std::uint64_t page_ = 0;
    Hva ordinary_; ///< anonymous memory; 0 while there is none
    std::array<std::optional<std::unique_ptr<egm::Carveout>>, 2> open_;
    std::array<std::optional<egm::Mapping>, 4> mappings_;
    std::array<std::optional<Mapper>, 2> mappers_;
    std::array<std::optional<egm::VirtualMachine>, 2> vms_;
    std::size_t step_ = 0;
    std::string fault_;
};

} // namespace

std::optional<std::string> run_on_kernel(const Sequence& sequence, const DoorFactory& door) {
    return Run(sequence, door).go();
}

} // namespace properties
