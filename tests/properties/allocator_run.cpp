#include "allocator_run.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/allocator_state.h"
#include "egm/block_size.h"
#include "oracle.h"

namespace properties {
namespace {

using egm::AllocationPolicy;
using egm::AllocationRequest;
using egm::CarveoutInfo;
using egm::kKiB;
using egm::kMiB;
using egm::Region;
using egm::RetiredRange;

/// A small machine and a policy.
struct Setup {
    std::uint64_t page = 0;
    AllocationPolicy policy;
    std::vector<CarveoutInfo> carveouts;
    std::vector<std::string> all_gpus;

    explicit Setup(std::uint64_t number) {
        Random random(number);
        constexpr std::uint64_t kPages[] = {4 * kKiB, 16 * kKiB, 64 * kKiB};
        page = kPages[random.below(3)];
        const AllocationPolicy policies[] = {{},
                                             {.offset_zero = false},
                                             {.all_gpus_together = false},
                                             AllocationPolicy::whole_tray(),
                                             AllocationPolicy::vm_per_socket(),
                                             AllocationPolicy::base_per_vm(),
                                             AllocationPolicy::base_per_vm()};
        policy = policies[random.below(7)];
        policy.live_resize = static_cast<egm::LiveResize>(random.below(3));
        if (random.below(4) == 0)
            policy.granule = 32 * kMiB;
        const std::uint64_t big = egm::block_size_max(page);
        const std::uint32_t count = 1 + random.below(3);
        for (std::uint32_t i = 0; i < count; ++i) {
            CarveoutInfo info{.pxm = int(4 + i)};
            info.size = (2 + random.below(6)) * big + random.below(3) * (big / 16) + random.below(3) * page +
                        random.below(2) * 1000;
            for (std::uint32_t gpu = random.below(3); gpu > 0; --gpu)
                info.gpu_bdfs.push_back(fmt::format("00{}{}:01:00.0", i, gpu));
            all_gpus.insert(all_gpus.end(), info.gpu_bdfs.begin(), info.gpu_bdfs.end());
            carveouts.push_back(std::move(info));
        }
    }
};

class Run {
public:
    Run(const Sequence& sequence, const SubjectFactory& make)
        : sequence_(sequence), setup_(sequence.setup), big_(egm::block_size_max(setup_.page)),
          subject_(make({setup_.carveouts, setup_.page, setup_.policy})),
          oracle_(setup_.carveouts, setup_.page, setup_.policy) {}

    std::optional<std::string> go() {
        for (step_ = 0; step_ < sequence_.steps.size() && fault_.empty(); ++step_) {
            do_step(sequence_.steps[step_]);
            compare_bytes(int(step_ % setup_.carveouts.size()));
            if (step_ % 16 == 15 || step_ + 1 == sequence_.steps.size())
                compare_all();
        }
        return fault_.empty() ? std::nullopt : std::optional(fault_);
    }

private:
    void do_step(const Step& step) {
        const auto& [a, b, c, d] = step.arguments;
        switch (step.kind) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
            return allocate({request(a, b, c, d)});
        case 6: {
            std::vector<AllocationRequest> requests; // all of the machine, as a tray's VM asks
            for (std::size_t i = 0; i < setup_.carveouts.size(); ++i) {
                requests.push_back(request(a, b, c, d));
                requests.back().pxm = setup_.carveouts[i].pxm;
                requests.back().gpu_bdfs = setup_.all_gpus;
            }
            return allocate(requests);
        }
        case 7:
        case 8:
        case 9: {
            const int id = region_id(a);
            return compare("free", subject_->free(id), oracle_.free(id));
        }
        case 10:
            return resize(region_id(a), size(b, c), true);
        case 11:
            return resize(region_id(a), size(b, c), false);
        case 12:
            return compare("free all", subject_->allocator.free_all(owner(a)), oracle_.free_all(owner(a)));
        case 13: {
            const bool live = b % 4 == 0;
            return compare("set live", subject_->allocator.set_live(owner(a), live), oracle_.set_live(owner(a), live));
        }
        case 14:
            return set_retired(a, b, c, d);
        default:
            return a % 8 == 0 ? write_and_read() : look_as_guest(b);
        }
    }

    static std::string owner(std::uint32_t a) { return std::string("vm") + char('0' + a % 5); }
    int region_id(std::uint32_t a) const {
        const auto& regions = oracle_.regions();
        return regions.empty() ? int(a % 4) : regions[a % regions.size()].id;
    }
    /// 0 is the smallest size there is, one page.
    std::uint64_t size(std::uint32_t b, std::uint32_t c) const {
        const std::uint64_t units[] = {setup_.page, setup_.page, big_ / 16, big_ / 16, big_ / 16, big_, big_, 0};
        return units[b % 8] * (1 + c % 4) + ((b >> 3) % 4 == 3 ? setup_.page : 0) + ((b >> 5) % 64 == 63 ? 512 : 0);
    }
    AllocationRequest request(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) const {
        const std::size_t carveout = (a >> 3) % (setup_.carveouts.size() * 8 + 1);
        AllocationRequest request{.owner = owner(a),
                                  .pxm = carveout == setup_.carveouts.size() * 8 ? 99 : int(4 + carveout / 8)};
        request.size = size(b, c);
        request.fixed_offset = d % 2 == 1;
        request.gpu_visible = (d >> 1) % 2 == 1;
        if (request.fixed_offset && (d >> 2) % 2 == 1)
            request.file_offset = size(d >> 3, d >> 6);
        const std::uint32_t gpus = c >> 2;
        if (gpus % 4 == 1)
            request.gpu_bdfs = setup_.all_gpus;
        else if (gpus % 4 != 2 && request.pxm != 99)
            request.gpu_bdfs = setup_.carveouts[std::size_t(request.pxm - 4)].gpu_bdfs;
        return request;
    }

    void allocate(const std::vector<AllocationRequest>& requests) {
        std::vector<Region> expected;
        const int error = oracle_.allocate_all(requests, expected);
        const auto made = subject_->allocate_all(requests);
        compare("allocate", made, error);
        if (made && error == 0 && *made != expected)
            wrong(fmt::format("allocate: region at {:#x} of {:#x} bytes, expected at {:#x} of {:#x}",
                              made->front().file_offset, made->front().reserved, expected.front().file_offset,
                              expected.front().reserved));
    }

    void resize(int id, std::uint64_t size, bool grow) {
        const int error = oracle_.resize(id, size, grow);
        compare(grow ? "grow" : "shrink", grow ? subject_->grow(id, size) : subject_->shrink(id, size), error);
    }

    void set_retired(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
        const CarveoutInfo& info = setup_.carveouts[a % setup_.carveouts.size()];
        std::vector<RetiredRange> ranges;
        for (const std::uint32_t block : {b, c, d})
            if (block % 3 != 0)
                ranges.push_back({info.size / kMiB * (block % 1024) * kMiB / 1024 / (64 * kKiB) * (64 * kKiB),
                                  64 * kKiB * (block % 5)});
        ranges = egm::normalise(std::move(ranges), info.size);
        subject_->allocator.set_retired(info.pxm, ranges);
        oracle_.set_retired(info.pxm, std::move(ranges));
    }

    /// The tool ends and starts again.
    void write_and_read() {
        const std::string text = egm::allocator_text(subject_->allocator);
        auto read = egm::allocator_from_text(text, "state", setup_.carveouts, setup_.page, setup_.policy);
        if (!read)
            return wrong("the state is not read back: " + read.error().message());
        for (const CarveoutInfo& info : setup_.carveouts)
            read->set_retired(info.pxm, oracle_.retired(info.pxm));
        subject_->allocator = std::move(*read);
        if (egm::allocator_text(subject_->allocator) != text)
            wrong("the state that is read back differs");
    }

    /// The guest's map of a region: its usable memory and the holes, in order, make the region, and no retired byte is
    /// usable. Guest addresses follow the region's bytes one by one, since IPA minus RAM base is the offset in it.
    void look_as_guest(std::uint32_t b) {
        const auto& regions = subject_->allocator.regions();
        if (regions.empty())
            return;
        const Region& region = std::next(regions.begin(), std::ptrdiff_t(b % regions.size()))->second;
        const std::vector<RetiredRange>& retired = oracle_.retired(region.pxm);
        const egm::GuestLayout layout = subject_->lay_out({.nodes = {{region.size, region.file_offset, retired}}});
        std::uint64_t usable = 0;
        for (const auto& range : layout.nodes.at(0).usable) {
            usable += range.size;
            const std::uint64_t begin = range.begin - layout.nodes[0].ram.begin + region.file_offset;
            if (range.begin < layout.nodes[0].ram.begin || begin + range.size > region.file_offset + region.size)
                return wrong("the guest has memory outside its region");
            if (!egm::clip(retired, begin, range.size).empty())
                return wrong("the guest has retired memory");
        }
        if (usable + egm::total_bytes(egm::clip(retired, region.file_offset, region.size)) != region.size)
            wrong("the guest lacks memory that is not retired");
    }

    template <class T>
    void compare(const char* what, const egm::Result<T>& result, int expected) {
        const int error = result ? 0 : result.error().error_number;
        if (error != expected)
            wrong(fmt::format("{}: {}, expected {}", what, result ? "success" : result.error().message(),
                              expected == 0 ? "success" : egm::errno_name(expected)));
    }

    void compare_bytes(int carveout) {
        const CarveoutInfo& info = setup_.carveouts[std::size_t(carveout)];
        const egm::Losses losses = subject_->allocator.losses(info.pxm);
        const std::uint64_t usable = subject_->allocator.usable(info.pxm);
        if (usable + losses.total() != info.size)
            return wrong(fmt::format("the bytes of egm{} do not add up", info.pxm));
        if (!(losses == oracle_.losses(info.pxm)) || usable != oracle_.usable(info.pxm))
            wrong(fmt::format("the losses of egm{} are not those counted anew", info.pxm));
    }

    void compare_all() {
        const auto& regions = subject_->allocator.regions();
        if (auto fault = oracle_.fault(regions))
            return wrong(*fault);
        const auto same = [](const auto& entry, const Region& region) { return entry.second == region; };
        if (!std::equal(regions.begin(), regions.end(), oracle_.regions().begin(), oracle_.regions().end(), same))
            wrong("the regions are not the expected ones");
    }

    void wrong(const std::string& what) {
        if (fault_.empty())
            fault_ = fmt::format("step {}: {}", step_, what);
    }

    const Sequence& sequence_;
    const Setup setup_;
    const std::uint64_t big_;
    std::unique_ptr<Subject> subject_;
    Oracle oracle_;
    std::size_t step_ = 0;
    std::string fault_;
};

} // namespace

std::optional<std::string> run_on_allocator(const Sequence& sequence, const SubjectFactory& make) {
    return Run(sequence, make).go();
}

std::optional<std::string> run_on_allocator(const Sequence& sequence) {
    return run_on_allocator(
        sequence, [](egm::RegionAllocator allocator) { return std::make_unique<Subject>(std::move(allocator)); });
}

} // namespace properties
