// The look at a VM's memory: where does it look, and does it notice memory that is not what it should be?

#include "egm/linux/memory_pattern.h"

#include <cstring>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kPage = 64 * kKiB;

/// A machine whose only memory is that of the region, page by page.
class FakeMachine final : public Machine {
public:
    FakeSyscalls kernel;
    Hva begin{};
    std::map<std::uint64_t, std::uint64_t> leads_to; ///< page offsets that lead to another page's memory
    std::map<std::uint64_t, std::vector<std::uint8_t>> pages;
    std::uint64_t hole = ~0ull; ///< offset of a page that is not mapped

    Syscalls& syscalls() override { return kernel; }
    bool is_modelled() const override { return true; }
    std::string title() const override { return "fake"; }
    std::uint64_t now() const override { return 0; }
    bool write_memory(Hva at, const void* from, std::size_t size) override {
        EXPECT_EQ(size, kPage);
        std::memcpy(page(at).data(), from, size);
        return at - begin != hole;
    }
    bool read_memory(Hva at, void* into, std::size_t size) override {
        EXPECT_EQ(size, kPage);
        std::memcpy(into, page(at).data(), size);
        return at - begin != hole;
    }
    std::optional<bool> guest_sees(int, Ipa, Hva) override { return std::nullopt; }
    std::optional<bool> device_sees(const std::string&, Iova, Hva) override { return std::nullopt; }
    std::string held() override { return ""; }

private:
    std::vector<std::uint8_t>& page(Hva at) {
        const std::uint64_t offset = at - begin;
        const auto other = leads_to.find(offset);
        auto& memory = pages[other == leads_to.end() ? offset : other->second];
        memory.resize(kPage);
        return memory;
    }
};

struct MemoryPatternTest : testing::Test {
    FakeMachine machine;
    GuestRegion region{.pxm = 4, .size = 2 * kGiB, .hva = {0x7000'0000'0000}, .largest_block = kGiB};

    MemoryPatternTest() { machine.begin = region.hva; }
};

TEST_F(MemoryPatternTest, LooksAtBothEndsAndBothSidesOfABlockBoundary) {
    EXPECT_THAT(pages_to_check(region, kPage), ElementsAre(0, kGiB - kPage, kGiB, 2 * kGiB - kPage));
}

TEST_F(MemoryPatternTest, BoundariesAreThoseOfTheAddressNotOfTheRegion) {
    region.hva = region.hva + kGiB / 2;
    region.size = kGiB;
    EXPECT_THAT(pages_to_check(region, kPage), ElementsAre(0, kGiB / 2 - kPage, kGiB / 2, kGiB - kPage));
}

TEST_F(MemoryPatternTest, LooksOnBothSidesOfRetiredMemoryAndNeverIntoIt) {
    region.size = kGiB;
    region.file_offset = 4 * kGiB; // retired offsets are those of the carveout
    region.retired = {{4 * kGiB + 10 * kPage, 2 * kPage}};
    EXPECT_THAT(pages_to_check(region, kPage), ElementsAre(0, 9 * kPage, 12 * kPage, kGiB - kPage));
    region.retired = {{4 * kGiB, kPage}, {5 * kGiB - kPage, kPage}};
    EXPECT_THAT(pages_to_check(region, kPage), ElementsAre(kPage, kGiB - 2 * kPage));
}

TEST_F(MemoryPatternTest, SamplesWhereThereAreTooManyBoundaries) {
    region.size = 8 * kTiB;
    region.largest_block = 2 * kMiB;
    EXPECT_LE(pages_to_check(region, kPage).size(), 2u * 4096 + 2);
    EXPECT_GE(pages_to_check(region, kPage).size(), 4096u);
}

TEST_F(MemoryPatternTest, GoodMemoryIsWellAndHoldsDifferentNumbersEverywhere) {
    const MemoryVerdict verdict = check_memory(machine, region);
    EXPECT_EQ(verdict.fault, "");
    EXPECT_EQ(verdict.pages, 4u);
    std::set<std::uint64_t> words;
    for (const auto& [offset, page] : machine.pages)
        for (std::size_t i = 0; i < kPage; i += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, page.data() + i, sizeof word);
            words.insert(word);
        }
    EXPECT_EQ(words.size(), 4 * kPage / sizeof(std::uint64_t));
}

TEST_F(MemoryPatternTest, MemoryThatWasNotClearedIsTold) {
    machine.pages[kGiB].resize(kPage);
    machine.pages[kGiB][16] = 1;
    EXPECT_THAT(check_memory(machine, region).fault,
                HasSubstr("did not clear the memory: offset 0x40000010 holds 0x0000000000000001"));
}

TEST_F(MemoryPatternTest, TwoOffsetsWithTheSameMemoryAreTold) {
    machine.leads_to[2 * kGiB - kPage] = 0; // a mapping that does not go on linearly
    EXPECT_THAT(check_memory(machine, region).fault, HasSubstr("offset 0x0 holds "));
}

TEST_F(MemoryPatternTest, PageThatIsNotMappedIsTold) {
    machine.hole = kGiB;
    EXPECT_EQ(check_memory(machine, region).fault, "offset 0x40000000 is not mapped");
}

} // namespace
} // namespace egm
