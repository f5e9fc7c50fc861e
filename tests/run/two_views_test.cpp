// The CPU's view of a region (its mapping) and the GPU's (EGM aperture, IOVA): do they hold the same bytes?
//
// Through the real models: a vCPU goes by KVM's stage 2 and the socket's fabric, the GPU by its hub or by its DMA map.
#include "tests/run/planning_test.h"

#include "sim/host_kernel.h"
#include "sim/leg_path.h"
#include "sim/mappings.h"
#include "sim/view_check.h"

namespace {

using models::Aperture;
using models::Leg;
using models::Mapping;
using sim::GuestMapping;
using testing::HasSubstr;

std::string vm_with(const std::string& pages, const std::string& region, const std::string& more = {}) {
    return "scenario: views\nmachine: gh200\nsoftware:\n  host_page_size: " + pages + "\n  vms:\n" +
           "    - {name: vm0, memory: [{of: grace0.egm, " + region + "}], gpus: [hopper0]" + more + "}\n";
}

struct TwoViewsTest : PlanningTest {
    std::unique_ptr<sim::HostOs> host;

    /// Brings the VMs up and runs `act`, in the thread in which the kernel's calls wait.
    void simulate(const std::function<void()>& act) {
        struct Software final : sc_core::sc_module {
            Software(const sc_core::sc_module_name& name, std::function<void()> act)
                : sc_module(name), act(std::move(act)) {
                SC_HAS_PROCESS(Software);
                SC_THREAD(run);
                set_stack_size(1 << 20);
            }
            void run() {
                act();
                finished = true;
            }
            std::function<void()> act;
            bool finished = false;
        };
        Software software("software", [&] {
            host =
                std::make_unique<sim::HostOs>(*scenario, plan, [this](const std::string& node) -> models::SparseStore& {
                    return machine->store(node);
                });
            const auto done = host->bring_up();
            ASSERT_TRUE(done) << done.error().message();
            act();
            EXPECT_TRUE(host->shut_down());
        });
        sc_core::sc_start();
        EXPECT_TRUE(software.finished);
    }

    const egm::GuestRegion& region() const { return host->machines()[0].regions()[0]; }
    std::uint64_t carveout() const { return plan.dram.at("grace0").carveout.begin.value; }
};

/// The three ways to byte `offset` of the VM's region.
struct Views {
    GuestMapping by_kvm, by_smmu;
    sim::LinearMapping by_gmmu{0, Mapping::Tables::kOwn, 0, 0, 2 * egm::kMiB};
    sim::Machine& machine;
    std::uint16_t memory;

    explicit Views(TwoViewsTest& test)
        : by_kvm(0, Mapping::Tables::kOwn, test.host->kernel(), GuestMapping::Stage2::kKvm,
                 test.host->machines()[0].vm_fd(), "", test.region().ipa, 64 * egm::kKiB),
          by_smmu(0, Mapping::Tables::kSmmu, test.host->kernel(), GuestMapping::Stage2::kSmmu,
                  test.host->machines()[0].vm_fd(), sim::gpu_bdf(test.scenario->topology, "hopper0"), test.region().ipa,
                  64 * egm::kKiB),
          machine(*test.machine),
          memory(static_cast<std::uint16_t>(sim::memory_at(test.scenario->topology, "grace0"))) {}

    Leg leg(const Mapping& mapping, Aperture aperture, bool write) const {
        Leg leg;
        leg.write = write;
        leg.mapping = &mapping;
        leg.aperture = aperture;
        leg.memory = leg.destination = memory;
        return leg;
    }
    bool cpu(bool write, std::uint64_t offset, std::uint64_t& data) {
        return machine.cpu("grace0").cores->access_bytes(leg(by_kvm, Aperture::kSystem, write), offset, &data, 8);
    }
    bool gpu_aperture(bool write, std::uint64_t offset, std::uint64_t& data) {
        return machine.gpu("hopper0").sm->access_bytes(leg(by_gmmu, Aperture::kEgm, write), offset, &data, 8);
    }
    bool gpu_dma(bool write, std::uint64_t offset, std::uint64_t& data) {
        return machine.gpu("hopper0").sm->access_bytes(leg(by_smmu, Aperture::kSystem, write), offset, &data, 8);
    }
};

struct Placement {
    const char* name;
    const char* pages;
    const char* more;

    friend void PrintTo(const Placement& one, std::ostream* out) { *out << one.name; }
};

struct PlacementTest : TwoViewsTest, testing::WithParamInterface<Placement> {};

// 8 GiB less a page, so that the region ends in small blocks; retired blocks in the middle and near its end.
TEST_P(PlacementTest, EitherSideReadsWhatTheOtherWrote) {
    constexpr std::uint64_t kSize = 8 * egm::kGiB - 64 * egm::kKiB;
    const std::vector<std::uint64_t> retired{egm::kGiB, 5 * egm::kGiB + 3 * 64 * egm::kKiB};
    load(vm_with(GetParam().pages, "size: " + std::to_string(kSize) + " B", GetParam().more) +
         "  faults: [{retired_pages: grace0, offsets: [1 GiB, " + std::to_string(retired[1]) + " B]}]\n");
    simulate([&] {
        ASSERT_EQ(region().retired.size(), 2u);
        Views views(*this);
        std::vector<std::uint64_t> offsets{0, 4096 - 8, kSize / 2, kSize - 4096, kSize - 8};
        for (const std::uint64_t hole : retired) {
            offsets.push_back(hole - 8);
            offsets.push_back(hole + 64 * egm::kKiB);
        }
        std::uint64_t value = 0x1122'3344'5566'7788;
        for (const std::uint64_t offset : offsets) {
            std::uint64_t by_cpu = ++value, seen = 0, seen_by_dma = 0;
            ASSERT_TRUE(views.cpu(true, offset, by_cpu)) << std::hex << offset;
            EXPECT_TRUE(views.gpu_aperture(false, offset, seen));
            EXPECT_TRUE(views.gpu_dma(false, offset, seen_by_dma));
            EXPECT_EQ(seen, by_cpu) << std::hex << offset;
            EXPECT_EQ(seen_by_dma, by_cpu) << std::hex << offset;

            std::uint64_t by_gpu = ++value;
            EXPECT_TRUE(views.gpu_aperture(true, offset, by_gpu));
            EXPECT_TRUE(views.cpu(false, offset, seen));
            EXPECT_EQ(seen, by_gpu) << std::hex << offset;

            std::uint64_t by_device = ++value;
            EXPECT_TRUE(views.gpu_dma(true, offset, by_device));
            EXPECT_TRUE(views.cpu(false, offset, seen));
            EXPECT_EQ(seen, by_device) << std::hex << offset;

            // And it is where the carveout says: a region at offset 0 is linear from its base.
            std::uint64_t in_memory = 0;
            machine->store().read(egm::Spa{carveout() + offset}, &in_memory, sizeof in_memory);
            EXPECT_EQ(in_memory, by_device) << std::hex << offset;
        }
        for (const sim::ViewCheck& check : sim::check_views(*scenario, *machine, *host)) {
            EXPECT_TRUE(check.agree) << check.region << " " << check.how << ": " << check.detail;
        }
    });
}

INSTANTIATE_TEST_SUITE_P(Each, PlacementTest,
                         testing::Values(Placement{"Host4K", "4 KiB", ""}, Placement{"Host64K", "64 KiB", ""},
                                         Placement{"Host4KBlocksOf2M", "4 KiB", ", block_alignment: 2 MiB"},
                                         Placement{"Host4KBasePagesOnly", "4 KiB", ", block_alignment: 4 KiB"},
                                         Placement{"Host64KBasePagesOnly", "64 KiB", ", block_alignment: 64 KiB"}),
                         [](const auto& info) { return info.param.name; });

TEST_F(TwoViewsTest, NothingIsMappedBeyondTheRegion) {
    load(vm_with("64 KiB", "size: 1 GiB"));
    simulate([&] {
        Views views(*this);
        std::uint64_t data = 0;
        EXPECT_FALSE(views.cpu(false, egm::kGiB, data));
        EXPECT_FALSE(views.gpu_dma(false, egm::kGiB, data));
    });
}

// On a real machine nothing would notice: the GPU adds its own base, and touches bytes 1 GiB away from those of the
// CPU.
TEST_F(TwoViewsTest, RegionNotAtOffsetZeroIsCaughtByName) {
    load(vm_with("64 KiB", "size: 2 GiB, file_offset: 1 GiB", ", enforce_offset_zero: false"));
    simulate([&] {
        Views views(*this);
        std::uint64_t written = 42, seen = 0;
        ASSERT_TRUE(views.cpu(true, 0, written));
        ASSERT_TRUE(views.gpu_aperture(false, 0, seen));
        EXPECT_EQ(seen, 0u);
        ASSERT_TRUE(views.gpu_aperture(false, egm::kGiB, seen));
        EXPECT_EQ(seen, 42u); // here it is
        ASSERT_TRUE(views.gpu_dma(false, 0, seen));
        EXPECT_EQ(seen, 42u); // the DMA map is right

        const auto checks = sim::check_views(*scenario, *machine, *host);
        ASSERT_EQ(checks.size(), 2u);
        EXPECT_EQ(checks[0].region, "vm0/grace0.egm");
        EXPECT_EQ(checks[0].how, "EGM aperture");
        EXPECT_FALSE(checks[0].agree);
        EXPECT_THAT(checks[0].detail, HasSubstr("carveout offset 0x40000000, not 0"));
        EXPECT_EQ(checks[1].how, "DMA map");
        EXPECT_TRUE(checks[1].agree) << checks[1].detail;
    });
}

} // namespace
