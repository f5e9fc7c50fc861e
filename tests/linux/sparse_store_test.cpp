// SparseStore: does it hold the bytes of terabytes, and only the pages that were written?

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "models/sparse_store.h"

namespace test {
namespace {

constexpr std::uint64_t kPage = models::SparseStore::kPageBytes;

TEST(SparseStoreTest, UntouchedMemoryReadsZeroAndCostsNothing) {
    models::SparseStore store;
    std::uint64_t value = 7;
    store.read({0x1234'5678'9ABC}, &value, sizeof value);
    EXPECT_EQ(value, 0u);
    EXPECT_EQ(store.committed_bytes(), 0u);
}

TEST(SparseStoreTest, WriteAcrossPagesCommitsBoth) {
    models::SparseStore store;
    const std::uint64_t value = 0x0102030405060708;
    store.write({3 * kPage - 4}, &value, sizeof value);
    std::uint64_t read = 0;
    store.read({3 * kPage - 4}, &read, sizeof read);
    EXPECT_EQ(read, value);
    EXPECT_EQ(store.committed_bytes(), 2 * kPage);
}

TEST(SparseStoreTest, ClearGivesWholePagesBackAndZeroesParts) {
    models::SparseStore store;
    const std::vector<char> ones(4 * kPage, 1);
    store.write({0}, ones.data(), ones.size());
    store.clear({{kPage / 2}, 2 * kPage});
    EXPECT_EQ(store.committed_bytes(), 3 * kPage) << "page 1 is whole; 0 and 2 are cut";
    std::vector<char> read(4 * kPage, 9);
    store.read({0}, read.data(), read.size());
    for (std::uint64_t i = 0; i < read.size(); ++i) {
        ASSERT_EQ(read[i], i < kPage / 2 || i >= 2 * kPage + kPage / 2 ? 1 : 0) << i;
    }
}

TEST(SparseStoreTest, LastPageOfTheAddressSpaceWorks) {
    models::SparseStore store;
    const char written = 'x';
    store.write({~0ull}, &written, 1);
    char read = 0;
    store.read({~0ull}, &read, 1);
    EXPECT_EQ(read, 'x');
}

TEST(SparseStoreProperty, AgreesWithAnArrayOfBytes) {
    models::SparseStore store;
    std::vector<unsigned char> oracle(5 * kPage, 0);
    std::mt19937 random(42);
    for (int step = 0; step < 500; ++step) {
        const std::uint64_t at = random() % oracle.size();
        const std::uint64_t size = 1 + random() % (oracle.size() - at);
        if (random() % 2 == 0) {
            const std::vector<unsigned char> bytes(size, static_cast<unsigned char>(random()));
            store.write({at}, bytes.data(), size);
            std::memcpy(oracle.data() + at, bytes.data(), size);
        } else {
            store.clear({{at}, size});
            std::memset(oracle.data() + at, 0, size);
        }
        std::vector<unsigned char> read(oracle.size(), 0xEE);
        store.read({0}, read.data(), read.size());
        ASSERT_EQ(read, oracle) << "step " << step;
    }
}

} // namespace
} // namespace test
