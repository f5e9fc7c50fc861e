// KVM: which memory slots are taken, and with which stage-2 blocks does a guest reach EGM?

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

constexpr std::uint64_t kRamBase = 0x4000'0000;

struct Vm {
    explicit Vm(KernelConfig config = small_host()) : kernel(std::move(config)) {
        kvm = kernel.open("/dev/kvm");
        vm = kernel.ioctl_value(kvm, uapi::kKvmCreateVm, 48);
    }

    std::int64_t slot(std::uint32_t number, std::uint64_t ipa, std::uint64_t size, std::uint64_t hva,
                      std::uint32_t flags = 0) {
        uapi::KvmUserspaceMemoryRegion call{number, flags, ipa, size, hva};
        return kernel.ioctl(vm, uapi::kKvmSetUserMemoryRegion, &call);
    }
    /// All of `node`, or `size` bytes, mapped shared at an address that is `off` modulo 1 GiB.
    std::uint64_t map_egm(const char* node, std::uint64_t size, std::uint64_t off = 0, std::uint64_t offset = 0) {
        const auto place = u64(kernel.mmap(0, size + 2 * kGiB, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, PROT_NONE));
        const auto at = egm::align_up(place, kGiB) + off;
        EXPECT_EQ(u64(kernel.map_file(kernel.open(node), size, offset, at)), at);
        return at;
    }
    std::optional<Translation> at(std::uint64_t ipa) { return kernel.sys.stage2(static_cast<int>(vm), {ipa}); }

    Kernel kernel;
    std::int64_t kvm = -1;
    std::int64_t vm = -1;
    static constexpr egm::Spa kBase{0x1000'0000'0000};
};

struct KvmTest : testing::Test, Vm {};

TEST_F(KvmTest, AnswersVersionAndCapabilities) {
    EXPECT_EQ(kernel.ioctl(kvm, uapi::kKvmGetApiVersion), 12);
    EXPECT_EQ(kernel.ioctl_value(kvm, uapi::kKvmCheckExtension, 243), 1);
    EXPECT_EQ(kernel.ioctl_value(vm, uapi::kKvmCheckExtension, 243), 1);
    EXPECT_EQ(kernel.ioctl_value(kvm, uapi::kKvmCheckExtension, 165), 48);
    auto config = small_host();
    config.version = 616;
    EXPECT_EQ(Vm(config).kernel.ioctl_value(3, uapi::kKvmCheckExtension, 243), 0) << "6.17 brought it";
}

TEST_F(KvmTest, VmHasAnIpaWidthThatTheHostOffers) {
    EXPECT_GE(kernel.ioctl_value(kvm, uapi::kKvmCreateVm, 0), 0);
    EXPECT_EQ(kernel.ioctl_value(kvm, uapi::kKvmCreateVm, 31), -EINVAL);
    EXPECT_EQ(kernel.ioctl_value(kvm, uapi::kKvmCreateVm, 49), -EINVAL);
    EXPECT_EQ(kernel.ioctl_value(kvm, uapi::kKvmCreateVm, 0x100), -EINVAL);
}

TEST_F(KvmTest, SlotRefusesWhatIsMalformed) {
    const auto hva = u64(kernel.map_anonymous(16 * kMiB));
    EXPECT_EQ(kernel.ioctl(vm, uapi::kKvmSetUserMemoryRegion, nullptr), -EFAULT);
    EXPECT_EQ(slot(0, kRamBase + 1, kMiB, hva), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, kMiB + 1, hva), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, kMiB, hva + 1), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, kMiB, hva, 4), -EINVAL);
    EXPECT_EQ(slot(0, kMaxU64 - kernel.page + 1, 2 * kernel.page, hva), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, 2 * kernel.page, kMaxU64 - kernel.page + 1), -EINVAL);
    EXPECT_EQ(slot(40000, kRamBase, kMiB, hva), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, 0, hva), -EINVAL) << "nothing to delete";
    EXPECT_EQ(slot(0, (1ull << 48) - kMiB, 2 * kMiB, hva), -EFAULT) << "beyond the VM's IPA";
    EXPECT_EQ(slot(0, (1ull << 48) - kMiB, kMiB, hva), 0) << "up to its end";
}

TEST_F(KvmTest, SlotsDoNotOverlapAndChangeOnlyTheirPlace) {
    const auto hva = u64(kernel.map_anonymous(16 * kMiB));
    EXPECT_EQ(slot(0, kRamBase, 4 * kMiB, hva), 0);
    EXPECT_EQ(slot(1, kRamBase + 4 * kMiB - kernel.page, 4 * kMiB, hva), -EEXIST);
    EXPECT_EQ(slot(1, kRamBase + 4 * kMiB, 4 * kMiB, hva), 0) << "the same memory may be there twice";
    EXPECT_EQ(slot(0, kRamBase, 2 * kMiB, hva), -EINVAL) << "no resize";
    EXPECT_EQ(slot(0, kRamBase, 4 * kMiB, hva + kMiB), -EINVAL) << "no other memory";
    EXPECT_EQ(slot(0, 2 * kRamBase, 4 * kMiB, hva), 0) << "a move";
    EXPECT_EQ(at(kRamBase), std::nullopt);
    EXPECT_EQ(slot(0, 0, 0, 0), 0);
    EXPECT_EQ(kernel.sys.open_state().memory_slots, 1u);
}

TEST_F(KvmTest, EgmSlotRefusesADirtyLogAndACpuWithoutForceWriteback) {
    const auto hva = map_egm("/dev/egm4", 4 * kGiB);
    EXPECT_EQ(slot(0, kRamBase, 4 * kGiB, hva, uapi::kKvmMemLogDirtyPages), -EINVAL);
    EXPECT_EQ(slot(0, kRamBase, 4 * kGiB, hva), 0);
    EXPECT_EQ(slot(0, kRamBase, 4 * kGiB, hva, uapi::kKvmMemLogDirtyPages), -EINVAL) << "later neither";
    auto config = small_host();
    config.stage2_force_writeback = false;
    Vm old(config);
    EXPECT_EQ(old.slot(0, kRamBase, 4 * kGiB, old.map_egm("/dev/egm4", 4 * kGiB)), -EINVAL);
}

/// One row a case of the block rule on a 4 KiB host: what is out of step, and the block that is left.
struct BlockCase {
    const char* what;
    std::uint64_t hva_off, ipa_off, file_offset, spa_off, block;
};

struct BlockRuleTest : testing::TestWithParam<BlockCase> {};

TEST_P(BlockRuleTest, BlockIsTheLargestInStep) {
    const auto& row = GetParam();
    auto config = small_host();
    config.carveouts[0].range = {{0x1000'0000'0000 + row.spa_off}, 8 * kGiB};
    Vm vm(config);
    const auto hva = vm.map_egm("/dev/egm4", 4 * kGiB, row.hva_off, row.file_offset);
    ASSERT_EQ(vm.slot(0, kRamBase + row.ipa_off, 4 * kGiB, hva), 0);
    const std::uint64_t middle = kGiB + kGiB / 2;
    EXPECT_EQ(vm.at(kRamBase + row.ipa_off + middle),
              (Translation{egm::Spa{0x1000'0000'0000 + row.spa_off} + (row.file_offset + middle), row.block}));
}

INSTANTIATE_TEST_SUITE_P(FourKib, BlockRuleTest,
                         testing::Values(BlockCase{"nothing", 0, 0, 0, 0, kGiB},
                                         BlockCase{"HVA and IPA by 2M", 2 * kMiB, 2 * kMiB, 0, 0, 2 * kMiB},
                                         BlockCase{"HVA by 2M", 2 * kMiB, 0, 0, 0, 2 * kMiB},
                                         BlockCase{"HVA by 4K", 4 * kKiB, 0, 0, 0, 4 * kKiB},
                                         BlockCase{"IPA by 2M", 0, 2 * kMiB, 0, 0, 2 * kMiB},
                                         BlockCase{"IPA by 64K", 0, 64 * kKiB, 0, 0, 4 * kKiB},
                                         BlockCase{"SPA by 2M", 0, 0, 0, 2 * kMiB, 2 * kMiB},
                                         BlockCase{"SPA by 64K", 0, 0, 0, 64 * kKiB, 4 * kKiB},
                                         BlockCase{"file by 2M", 0, 0, 2 * kMiB, 0, 2 * kMiB},
                                         BlockCase{"file by 4K", 0, 0, 4 * kKiB, 0, 4 * kKiB},
                                         BlockCase{"HVA, IPA, file by 2M", 2 * kMiB, 2 * kMiB, 2 * kMiB, 0, kGiB}),
                         [](const auto& info) { return "Row" + std::to_string(info.index); });

/// The two nodes of a VM: memory from IPA 1 GiB on, node after node.
struct TwoNodes : Vm {
    TwoNodes(std::uint64_t page, std::uint64_t size, std::uint64_t base = 0x1000'0000'0000)
        : Vm([&] {
              auto config = small_host(page);
              config.carveouts = {{.pxm = 4, .range = {{base}, size}, .gpu_bdfs = {config.gpus[0].bdf}},
                                  {.pxm = 5, .range = {{2 * base}, size}, .gpu_bdfs = {config.gpus[1].bdf}}};
              return config;
          }()),
          second(kRamBase + size) {
        EXPECT_EQ(slot(0, kRamBase, size, map_egm("/dev/egm4", size)), 0);
        EXPECT_EQ(slot(1, second, size, map_egm("/dev/egm5", size)), 0);
    }
    using Blocks = std::map<std::uint64_t, std::uint64_t>;
    Blocks blocks(std::uint64_t ipa) { return kernel.sys.stage2_blocks(static_cast<int>(vm), {ipa}); }
    const std::uint64_t second; ///< IPA of the second node
};

TEST(BlockRuleExamples, TwoNodesOf447GibAreGigabyteBlocksOn4Kib) {
    TwoNodes vm(4 * kKiB, 447 * kGiB);
    EXPECT_EQ(vm.second, 0x70'0000'0000u);
    EXPECT_EQ(vm.blocks(kRamBase), (TwoNodes::Blocks{{kGiB, 447}}));
    EXPECT_EQ(vm.blocks(vm.second), (TwoNodes::Blocks{{kGiB, 447}}));
    EXPECT_EQ(vm.at(vm.second + 447 * kGiB - 1)->block_bytes, kGiB);
}

TEST(BlockRuleExamples, TwoNodesOf447GibAre512MibBlocksOn64Kib) {
    TwoNodes vm(64 * kKiB, 447 * kGiB);
    EXPECT_EQ(vm.blocks(kRamBase), (TwoNodes::Blocks{{512 * kMiB, 894}}));
    EXPECT_EQ(vm.blocks(vm.second), (TwoNodes::Blocks{{512 * kMiB, 894}}));
}

TEST(BlockRuleExamples, SecondNodeOf56896MibFallsTo2MibOn4Kib) {
    TwoNodes vm(4 * kKiB, 56896 * kMiB);
    EXPECT_EQ(vm.second, 0xE'2400'0000u);
    // 56896 MiB = 55 GiB + 576 MiB: the first node ends in 288 blocks of 2 MiB.
    EXPECT_EQ(vm.blocks(kRamBase), (TwoNodes::Blocks{{kGiB, 55}, {2 * kMiB, 288}}));
    EXPECT_EQ(vm.blocks(vm.second), (TwoNodes::Blocks{{2 * kMiB, 28448}}));
    EXPECT_EQ(vm.at(vm.second)->block_bytes, 2 * kMiB);
}

TEST(BlockRuleExamples, SecondNodeOf56896MibFallsTo64KibOn64Kib) {
    TwoNodes vm(64 * kKiB, 56896 * kMiB);
    EXPECT_EQ(vm.at(kRamBase)->block_bytes, 512 * kMiB);
    EXPECT_EQ(vm.at(vm.second)->block_bytes, 64 * kKiB) << "512 MiB is not met";
    EXPECT_EQ(vm.blocks(vm.second), (TwoNodes::Blocks{{64 * kKiB, 56896 * 16}}));
}

TEST(BlockRuleExamples, CarveoutBaseOffByAMibCostsEveryLargeBlock) {
    TwoNodes vm(4 * kKiB, 4 * kGiB, 0x1000'0010'0000);
    EXPECT_EQ(vm.blocks(kRamBase), (TwoNodes::Blocks{{4 * kKiB, kGiB / kKiB}}));
}

TEST_F(KvmTest, BlocksAgreeWithWhatEachAddressSays) {
    const auto hva = map_egm("/dev/egm4", 3 * kGiB + 6 * kMiB + 12 * kKiB);
    ASSERT_EQ(slot(0, kRamBase, 2 * kGiB + 4 * kMiB + 8 * kKiB, hva), 0);
    std::map<std::uint64_t, std::uint64_t> seen;
    for (auto ipa = kRamBase; at(ipa).has_value();) {
        const std::uint64_t block = at(ipa)->block_bytes;
        ++seen[block];
        ipa += block;
    }
    EXPECT_EQ(seen, kernel.sys.stage2_blocks(static_cast<int>(vm), {kRamBase}));
    EXPECT_EQ(seen, (std::map<std::uint64_t, std::uint64_t>{{kGiB, 2}, {2 * kMiB, 2}, {4 * kKiB, 2}}));
}

TEST_F(KvmTest, FaultCostsOnceABlockAndAgainAfterAnUnmap) {
    const auto hva = map_egm("/dev/egm4", 4 * kGiB);
    slot(0, kRamBase, 4 * kGiB, hva);
    const auto fault = [&](std::uint64_t ipa) {
        return kernel.time([&] { kernel.sys.fault(static_cast<int>(vm), {ipa}); });
    };
    const auto cost = models::linux::CallCosts{}.stage2_fault_ps;
    EXPECT_EQ(fault(kRamBase + 123), cost);
    EXPECT_EQ(fault(kRamBase + kGiB - 1), 0u) << "the same block";
    EXPECT_EQ(fault(kRamBase + kGiB), cost) << "the next block";
    EXPECT_EQ(fault(kRamBase - 1), 0u) << "no slot";
    kernel.munmap(hva + kGiB / 2, kernel.page);
    EXPECT_EQ(fault(kRamBase + kGiB), 0u) << "not touched";
    EXPECT_EQ(fault(kRamBase), cost) << "its block was cut";
    EXPECT_EQ(at(kRamBase)->block_bytes, 2 * kMiB);
    EXPECT_EQ(at(kRamBase + kGiB / 2), std::nullopt) << "the hole";
}

TEST_F(KvmTest, FaultThatCannotUseItsBlockWritesAllSmallEntries) {
    auto config = small_host();
    config.carveouts[0].range.begin = {0x1000'0010'0000}; // 1 MiB off: HVA and IPA agree, the SPA does not
    Vm off(config);
    off.slot(0, kRamBase, 4 * kGiB, off.map_egm("/dev/egm4", 4 * kGiB));
    const auto costs = models::linux::CallCosts{};
    const std::uint64_t entries = kGiB / (4 * kKiB);
    EXPECT_EQ(off.kernel.time([&] { off.kernel.sys.fault(static_cast<int>(off.vm), {kRamBase}); }),
              costs.stage2_fault_ps + (entries - 1) * costs.stage2_entry_ps);
}

TEST_F(KvmTest, AnonymousMemoryIsTransparentHugePages) {
    const auto hva = egm::align_up(u64(kernel.map_anonymous(64 * kMiB)), 2 * kMiB);
    slot(0, kRamBase, 32 * kMiB, hva);
    EXPECT_EQ(at(kRamBase + 5 * kMiB)->block_bytes, 2 * kMiB);
    const auto read_only = u64(kernel.map_anonymous(kMiB, PROT_NONE));
    slot(1, 2 * kRamBase, kMiB, read_only);
    EXPECT_EQ(at(2 * kRamBase), std::nullopt);
}

TEST_F(KvmTest, ReservationBehindTheMappingDoesNotWidenItsBlocks) {
    const auto hva = map_egm("/dev/egm4", kGiB / 2);
    slot(0, kRamBase, kGiB, hva);
    EXPECT_EQ(at(kRamBase)->block_bytes, 2 * kMiB);
    EXPECT_EQ(at(kRamBase + kGiB / 2), std::nullopt);
}

TEST_F(KvmTest, MappingThatLosesItsFirstPageKeepsItsOtherBlocks) {
    const auto hva = map_egm("/dev/egm4", 4 * kGiB);
    slot(0, kRamBase, 4 * kGiB, hva);
    kernel.munmap(hva, kernel.page);
    EXPECT_EQ(at(kRamBase + kernel.page), (Translation{kBase + kernel.page, kernel.page}));
    EXPECT_EQ(at(kRamBase + 2 * kMiB), (Translation{kBase + 2 * kMiB, 2 * kMiB}));
    EXPECT_EQ(at(kRamBase + kGiB), (Translation{kBase + kGiB, kGiB}));
}

TEST_F(KvmTest, ClosedVmLeavesNoSlots) {
    const auto hva = u64(kernel.map_anonymous(kMiB));
    slot(0, kRamBase, kMiB, hva);
    kernel.close(vm);
    EXPECT_EQ(kernel.munmap(hva, kMiB), 0) << "which the VM no longer hears of";
    EXPECT_EQ(kernel.sys.open_state().memory_slots, 0u);
    EXPECT_EQ(at(kRamBase), std::nullopt);
}

} // namespace
} // namespace test
