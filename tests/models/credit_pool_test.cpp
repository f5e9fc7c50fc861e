// CreditPool: who gets the room that comes free?
#include "tests/models/sim_test.h"

#include "models/credit_pool.h"

namespace {

using models::Payload;
using testing::ElementsAre;

struct CreditPoolTest : testing::Test {
    models::PacketPool packets;
    models::CreditPool pool{"trackers", 256};
    std::vector<Payload*> taken;

    ~CreditPoolTest() override {
        for (Payload* payload : taken) {
            payload->release();
        }
    }
    Payload& read(std::uint64_t bytes) {
        taken.push_back(&packets.take(tlm::TLM_READ_COMMAND, taken.size(), bytes));
        return *taken.back();
    }
    /// Gives 64 bytes back, and says which packet (by its number) got the room.
    std::uint64_t next_after_giving(models::Picoseconds now) {
        pool.give(64, now);
        Payload* const next = pool.next(now);
        return next == nullptr ? ~std::uint64_t{0} : next->get_address();
    }
};

TEST_F(CreditPoolTest, OneSourceIsServedInOrder) {
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(pool.take(read(64), 0));
    }
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(pool.take(read(64), 10));
    }
    EXPECT_EQ(pool.next(50), nullptr);
    EXPECT_EQ(next_after_giving(100), 4u);
    EXPECT_EQ(next_after_giving(200), 5u);
    EXPECT_EQ(pool.blocked_until(200), 190u);
    EXPECT_EQ(next_after_giving(300), 6u);
    EXPECT_EQ(pool.blocked_until(1000), 290u);
}

TEST_F(CreditPoolTest, SourcesTakeTurnsByBytesHoweverManyTheyHaveWaiting) {
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(pool.take(read(64), 0));
    }
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(pool.take(read(64), 0, 1)); // packets 4 to 7 of source 1
    }
    EXPECT_FALSE(pool.take(read(64), 0, 2)); // 8 and 9 of source 2
    EXPECT_FALSE(pool.take(read(64), 0, 2));
    std::vector<std::uint64_t> order;
    for (int i = 0; i < 6; ++i) {
        order.push_back(next_after_giving(100));
    }
    EXPECT_THAT(order, ElementsAre(4, 8, 5, 9, 6, 7));
}

TEST_F(CreditPoolTest, WhoComesLateDoesNotOvertakeThoseWhoWait) {
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(pool.take(read(64), 0));
    }
    EXPECT_FALSE(pool.take(read(64), 0, 1));
    pool.give(64, 10);
    EXPECT_FALSE(pool.take(read(64), 10, 2)); // there is room, but somebody waits for it
    EXPECT_EQ(pool.next(10)->get_address(), 4u);
}

TEST_F(CreditPoolTest, WhoComesBackOneByOneGetsNoMoreThanItsTurn) {
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(pool.take(read(64), 0));
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_FALSE(pool.take(read(64), 0, 1)); // packets 4 to 23 of source 1
    }
    EXPECT_FALSE(pool.take(read(64), 0, 2));
    int second = 0;
    for (int i = 0; i < 20; ++i) {
        if (next_after_giving(100) >= 24) { // source 2, which has another one at once
            ++second;
            EXPECT_FALSE(pool.take(read(64), 100, 2));
        }
    }
    EXPECT_EQ(second, 10);
}

TEST_F(CreditPoolTest, WithoutALimitNobodyWaits) {
    models::CreditPool open("open", 0);
    EXPECT_FALSE(open.limited());
    EXPECT_TRUE(open.take(read(1 << 20), 0));
    EXPECT_TRUE(open.take(read(1 << 20), 0));
}

} // namespace
