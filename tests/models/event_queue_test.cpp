// EventQueue: in what order do events fire, and when?
#include "tests/models/sim_test.h"

#include <array>
#include <map>
#include <random>

namespace {

using testing::ElementsAre;
using testing::Pair;

struct EventQueueTest : SimTest, models::EventQueue::Handler {
    std::vector<std::pair<int, Picoseconds>> fired;
    std::function<void(int)> then = [](int) {};

    void at(Picoseconds time, int id) { events.at(time, *this, reinterpret_cast<void*>(std::intptr_t{id})); }
    void fire(void* argument) override {
        const int id = static_cast<int>(reinterpret_cast<std::intptr_t>(argument));
        fired.emplace_back(id, now());
        then(id);
    }
};

TEST_F(EventQueueTest, EventsFireInTimeOrderAtTheirTime) {
    at(30, 3);
    at(10, 1);
    at(20, 2);
    EXPECT_EQ(events.pending(), 3u);
    simulate([] {});
    EXPECT_THAT(fired, ElementsAre(Pair(1, 10), Pair(2, 20), Pair(3, 30)));
    EXPECT_EQ(events.fired(), 3u);
}

TEST_F(EventQueueTest, EventsOfOneInstantFireInTheOrderInWhichTheyWereScheduled) {
    for (int id = 0; id < 100; ++id) {
        at(id % 2 == 0 ? 7 : 5, id);
    }
    simulate([] {});
    ASSERT_EQ(fired.size(), 100u);
    for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(fired[static_cast<std::size_t>(i)], Pair(2 * i + 1, 5));
        EXPECT_THAT(fired[static_cast<std::size_t>(50 + i)], Pair(2 * i, 7));
    }
}

TEST_F(EventQueueTest, EventForThisInstantFiresAfterThoseAlreadyScheduledForIt) {
    then = [&](int id) {
        if (id == 1) {
            at(now(), 3);
        }
    };
    at(10, 1);
    at(10, 2);
    simulate([] {});
    EXPECT_THAT(fired, ElementsAre(Pair(1, 10), Pair(2, 10), Pair(3, 10)));
}

TEST_F(EventQueueTest, EarlierEventOvertakesTheOneThatIsWaitedFor) {
    at(100, 1);
    simulate([&] {
        wait_until(10);
        at(20, 2);
        at(300, 3);
    });
    EXPECT_THAT(fired, ElementsAre(Pair(2, 20), Pair(1, 100), Pair(3, 300)));
}

TEST_F(EventQueueTest, QueueThatRanEmptyWakesAgain) {
    at(1, 1);
    simulate([&] {
        wait_until(50);
        at(50, 2);
        wait_until(60);
        at(70, 3);
    });
    EXPECT_THAT(fired, ElementsAre(Pair(1, 1), Pair(2, 50), Pair(3, 70)));
}

// Equal keys of a multimap keep the order of their insertion: the same promise, by another data structure.
TEST_F(EventQueueTest, RandomEventsFireAsFromAMultimap) {
    std::mt19937_64 random(1);
    std::multimap<Picoseconds, int> expected;
    int next = 0;
    const auto schedule = [&](Picoseconds time) {
        expected.emplace(time, next);
        at(time, next++);
    };
    then = [&](int id) {
        ASSERT_FALSE(expected.empty());
        ASSERT_THAT(*expected.begin(), Pair(now(), id));
        expected.erase(expected.begin());
        for (std::uint64_t i = random() % 3; next < 50'000 && i > 0; --i) {
            schedule(now() + random() % 100);
        }
    };
    for (int i = 0; i < 10'000; ++i) {
        schedule(random() % 5'000);
    }
    simulate([] {});
    EXPECT_TRUE(expected.empty());
    EXPECT_EQ(fired.size(), static_cast<std::size_t>(next));
    EXPECT_GT(next, 20'000);
}

// The queue goes ahead of the kernel between the turns of processes; nobody may see it.
TEST_F(EventQueueTest, ProcessSeesAtEachOfItsTurnsWhatHasFiredByThenAndNoMore) {
    for (int id = 1; id <= 100; ++id) {
        at(static_cast<Picoseconds>(10 * id), id);
    }
    simulate([&] {
        for (Picoseconds time = 0; time <= 1'000; time += 125) {
            wait_until(time);
            EXPECT_EQ(sc_core::sc_time_stamp().value(), time);
            EXPECT_EQ(fired.size(), time / 10);
        }
    });
}

TEST_F(EventQueueTest, IsInStepWithTheKernelInAnInstantInWhichAProcessHasATurn) {
    std::vector<Picoseconds> kernel;
    then = [&](int) { kernel.push_back(sc_core::sc_time_stamp().value()); };
    for (int id = 1; id <= 4; ++id) {
        at(static_cast<Picoseconds>(10 * id), id);
    }
    simulate([&] { wait_until(30); });
    ASSERT_EQ(kernel.size(), 4u);
    EXPECT_LT(kernel[1], 20u); // else this test would show nothing
    EXPECT_EQ(kernel[2], 30u);
}

// By the rules of SystemC: a notification within an instant comes behind all that the instant began with.
TEST_F(EventQueueTest, WhoIsNotifiedGoesOnAfterThoseWhoseTurnItIsAnyway) {
    sc_core::sc_event event;
    then = [&](int id) {
        if (id == 2) {
            events.notify(event);
        }
    };
    at(10, 1);
    at(20, 2);
    std::string turns;
    const auto at_20 = [&] {
        wait_until(20);
        turns += 'a';
    };
    simulate({[&] {
                  sc_core::wait(event);
                  turns += 'n';
              },
              at_20, at_20, at_20});
    EXPECT_EQ(turns, "aaan");
}

TEST_F(EventQueueTest, WhoIsNotifiedGoesOnInThatInstantAfterAllOfIt) {
    sc_core::sc_event event;
    then = [&](int id) {
        if (id == 2) {
            events.notify(event);
        }
    };
    at(10, 1);
    at(20, 2);
    at(20, 3);
    at(30, 4);
    simulate([&] {
        sc_core::wait(event);
        EXPECT_EQ(sc_core::sc_time_stamp().value(), 20u);
        EXPECT_EQ(fired.size(), 3u);
        at(25, 5);
    });
    EXPECT_THAT(fired, ElementsAre(Pair(1, 10), Pair(2, 20), Pair(3, 20), Pair(5, 25), Pair(4, 30)));
}

TEST_F(EventQueueTest, WhoIsNotifiedByAProcessGoesOnAtOnce) {
    sc_core::sc_event event;
    Picoseconds woken = 0;
    simulate({[&] {
                  sc_core::wait(event);
                  woken = sc_core::sc_time_stamp().value();
              },
              [&] {
                  wait_until(40);
                  events.notify(event);
              }});
    EXPECT_EQ(woken, 40u);
}

TEST_F(EventQueueTest, TimeOfTheKernelEndsWithTheLastEvent) {
    at(10, 1);
    at(70, 2);
    simulate([] {});
    EXPECT_EQ(sc_core::sc_time_stamp().value(), 70u);
}

TEST_F(EventQueueTest, KeepsPaceWithTheKernelWhereItMust) {
    events.keep_pace();
    then = [](int id) { EXPECT_EQ(sc_core::sc_time_stamp().value(), static_cast<Picoseconds>(id)); };
    for (int id = 1; id <= 5; ++id) {
        at(static_cast<Picoseconds>(id), id);
    }
    simulate([] {});
    EXPECT_EQ(fired.size(), 5u);
}

// The worst order for lanes: each event is out of order in all that hold one.
TEST_F(EventQueueTest, EventsScheduledLatestFirstFireEarliestFirst) {
    constexpr int kEvents = 1'000;
    for (int id = 0; id < kEvents; ++id) {
        at(static_cast<Picoseconds>(kEvents - id), id);
    }
    at(kEvents, kEvents); // with the first, and after it
    simulate([] {});
    ASSERT_EQ(fired.size(), kEvents + 1u);
    for (int i = 0; i < kEvents; ++i) {
        EXPECT_THAT(fired[static_cast<std::size_t>(i)], Pair(kEvents - 1 - i, i + 1));
    }
    EXPECT_THAT(fired.back(), Pair(kEvents, kEvents));
}

/// What fires at one resource schedules for another, by a few delays: the events come nearly in order.
struct FewDelaysTest : EventQueueTest {
    struct Resource final : models::EventQueue::Handler {
        FewDelaysTest* test = nullptr;
        void fire(void* argument) override { test->turn(static_cast<int>(reinterpret_cast<std::intptr_t>(argument))); }
    };

    std::array<Resource, 7> resources;
    std::mt19937_64 random{1};
    std::multimap<Picoseconds, int> expected;
    int next = 0;

    void schedule(Picoseconds time) {
        Resource& resource = resources[random() % resources.size()];
        resource.test = this;
        expected.emplace(time, next);
        events.at(time, resource, reinterpret_cast<void*>(std::intptr_t{next++}));
    }
    void turn(int id) {
        ASSERT_FALSE(expected.empty());
        ASSERT_THAT(*expected.begin(), Pair(now(), id));
        expected.erase(expected.begin());
        constexpr Picoseconds kDelays[] = {250, 250, 250, 260, 0, 3};
        for (std::uint64_t i = random() % 3; next < 50'000 && i > 0; --i) {
            schedule(now() + kDelays[random() % std::size(kDelays)]);
        }
    }
};

TEST_F(FewDelaysTest, EventsNearlyInOrderFireAsFromAMultimap) {
    for (int i = 0; i < 1'000; ++i) {
        schedule(random() % 500);
    }
    EXPECT_EQ(events.pending(), expected.size());
    simulate([] {});
    EXPECT_TRUE(expected.empty());
    EXPECT_GT(next, 10'000);
    EXPECT_EQ(events.fired(), static_cast<std::uint64_t>(next));
}

} // namespace
