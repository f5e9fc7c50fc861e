// mmap and munmap: does the modelled process map say of every page what a simple page table would say?

#include <map>
#include <random>

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

struct AddressSpaceTest : testing::Test {
    Kernel kernel;
    std::int64_t reserve(std::uint64_t size) {
        return kernel.mmap(0, size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, PROT_NONE);
    }
};

TEST_F(AddressSpaceTest, AddressesAreGivenOutDownwards) {
    EXPECT_EQ(reserve(kGiB), 0x7f00'0000'0000 - static_cast<std::int64_t>(kGiB));
    EXPECT_EQ(reserve(1), 0x7f00'0000'0000 - static_cast<std::int64_t>(kGiB + kernel.page)) << "a page at least";
    EXPECT_EQ(reserve(0), -EINVAL);
    EXPECT_EQ(reserve(1ull << 47), -ENOMEM);
    EXPECT_EQ(reserve(kMaxU64), -ENOMEM);
}

TEST_F(AddressSpaceTest, HalfATebibyteCostsNoHostMemory) {
    EXPECT_GT(reserve(512 * kGiB), 0);
    EXPECT_EQ(kernel.store.committed_bytes(), 0u);
}

TEST_F(AddressSpaceTest, FixedReplacesAndNoReplaceRefuses) {
    const auto at = u64(reserve(4 * kGiB));
    EXPECT_EQ(kernel.mmap(at + 1, kGiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), -EINVAL) << "unaligned";
    EXPECT_EQ(kernel.mmap(1ull << 47, kGiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), -ENOMEM) << "no such address";
    EXPECT_EQ(kernel.mmap(at, kGiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE), -EEXIST);
    const auto egm = kernel.open("/dev/egm4");
    EXPECT_EQ(u64(kernel.map_file(egm, kGiB, 0, at + kGiB)), at + kGiB);
    EXPECT_EQ(kernel.sys.open_state().vmas, 3u);
    EXPECT_EQ(kernel.sys.host({at + kGiB - 1}), std::nullopt) << "still a reservation";
    EXPECT_TRUE(kernel.sys.host({at + kGiB}).has_value());
    EXPECT_EQ(kernel.munmap(at, 4 * kGiB), 0);
    EXPECT_EQ(kernel.sys.open_state().vmas, 0u);
}

TEST_F(AddressSpaceTest, FixedMappingThatTheDriverRefusesLeavesAGap) {
    const auto at = u64(reserve(4 * kGiB));
    const auto egm = kernel.open("/dev/egm4");
    EXPECT_EQ(kernel.map_file(egm, kGiB, 4 * kGiB, at + kGiB), -EINVAL);
    EXPECT_EQ(u64(kernel.mmap(at + kGiB, kGiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)), at + kGiB);
}

TEST_F(AddressSpaceTest, MunmapOfNothingSucceedsAndOfNonsenseDoesNot) {
    EXPECT_EQ(kernel.munmap(0x7000'0000'0000, kGiB), 0);
    EXPECT_EQ(kernel.munmap(0x7000'0000'0001, kGiB), -EINVAL);
    EXPECT_EQ(kernel.munmap(0x7000'0000'0000, 0), -EINVAL);
    EXPECT_EQ(kernel.munmap(0x7000'0000'0000, kMaxU64), -EINVAL);
}

TEST_F(AddressSpaceTest, MmapRefusesWhatIsMalformed) {
    EXPECT_EQ(kernel.mmap(0, kGiB, MAP_ANONYMOUS), -EINVAL) << "neither shared nor private";
    EXPECT_EQ(kernel.mmap(0, kGiB, MAP_SHARED, 99), -EBADF);
    EXPECT_EQ(kernel.mmap(0, kGiB, MAP_SHARED, kernel.open("/dev/kvm")), -ENODEV);
    EXPECT_EQ(kernel.mmap(0, kGiB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB), -ENOMEM);
}

TEST_F(AddressSpaceTest, MapCountIsLimited) {
    auto config = small_host();
    config.map_count_max = 2;
    Kernel tight(config);
    const auto at = u64(tight.map_anonymous(4 * tight.page));
    EXPECT_GT(tight.map_anonymous(tight.page), 0);
    EXPECT_EQ(tight.map_anonymous(tight.page), -ENOMEM);
    EXPECT_EQ(tight.munmap(at + tight.page, tight.page), -ENOMEM) << "a hole would make one more";
    EXPECT_EQ(tight.munmap(at, tight.page), 0);
}

TEST(AddressSpaceProperty, EveryPageIsWhereAPageTableWouldHaveIt) {
    constexpr std::uint64_t kArena = 0x6000'0000'0000;
    constexpr std::uint64_t kPages = 64;
    auto config = small_host(64 * kKiB);
    const std::uint64_t page = config.page_size;
    for (const unsigned seed : {1u, 2u, 3u, 4u, 5u}) {
        Kernel kernel(config);
        const auto egm = kernel.open("/dev/egm4");
        std::mt19937 random(seed);
        const auto below = [&](std::uint64_t n) { return random() % n; };
        std::map<std::uint64_t, std::optional<std::uint64_t>> oracle; // page -> SPA; none: a reservation
        for (int step = 0; step < 2000; ++step) {
            const std::uint64_t first = below(kPages);
            const std::uint64_t count = 1 + below(kPages - first);
            const std::uint64_t at = kArena + first * page;
            switch (below(3)) {
            case 0:
                ASSERT_EQ(kernel.munmap(at, count * page), 0);
                for (std::uint64_t i = 0; i < count; ++i) {
                    oracle.erase(first + i);
                }
                break;
            case 1:
                ASSERT_EQ(u64(kernel.mmap(at, count * page, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0, PROT_NONE)),
                          at);
                for (std::uint64_t i = 0; i < count; ++i) {
                    oracle[first + i] = std::nullopt;
                }
                break;
            default: {
                const std::uint64_t offset = below(1000) * page;
                ASSERT_EQ(u64(kernel.map_file(egm, count * page, offset, at)), at);
                for (std::uint64_t i = 0; i < count; ++i) {
                    oracle[first + i] = 0x1000'0000'0000 + offset + i * page;
                }
            }
            }
            for (std::uint64_t i = 0; i < kPages; ++i) {
                const auto said = kernel.sys.host({kArena + i * page + 7});
                const auto known = oracle.find(i);
                const auto expected = known == oracle.end() ? std::nullopt : known->second;
                ASSERT_EQ(said.has_value(), expected.has_value())
                    << "seed " << seed << " step " << step << " page " << i;
                if (said) {
                    ASSERT_EQ(said->spa.value, expected.value_or(0) + 7)
                        << "seed " << seed << " step " << step << " page " << i;
                }
                // A page is taken exactly if the oracle knows it.
                if (step % 97 == 0) {
                    const auto probe = kernel.mmap(kArena + i * page, page,
                                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0, PROT_NONE);
                    ASSERT_EQ(probe == -EEXIST, known != oracle.end());
                    if (probe >= 0) {
                        kernel.munmap(kArena + i * page, page);
                    }
                }
            }
        }
        kernel.munmap(kArena, kPages * page);
        kernel.close(egm);
        EXPECT_EQ(kernel.sys.open_state(), SimSyscalls::OpenState{});
    }
}

} // namespace
} // namespace test
