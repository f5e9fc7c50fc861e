// Router and NVSwitch: which port does a packet take, and by which does its answer return?
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/nvswitch.h"

#include <array>

namespace {

using models::transit;

using models::Aperture;
using testing::ElementsAre;

/// A switch with two askers at ports 0 and 1, and ports 2 to 5 to one answerer.
struct RouterTest : SimTest {
    models::NvSwitch nvswitch{
        "nvswitch", events, {.ports = 6, .latency = 7'000}, {"asker0", "asker1", "far0", "far1", "far2", "far3"}};
    test::Asker first{"first", events, packets};
    test::Asker second{"second", events, packets};
    test::Answerer far{"far", events, 4, 10'000};

    RouterTest() {
        models::Component::join(first, 0, nvswitch, 0);
        models::Component::join(second, 0, nvswitch, 1);
        for (unsigned i = 0; i < 4; ++i) {
            models::Component::join(nvswitch, 2 + i, far, i);
        }
    }

    void send(test::Asker& asker, std::uint16_t destination, Aperture aperture = Aperture::kFabric) {
        auto& payload = asker.read(64);
        transit(payload).aperture = aperture;
        transit(payload).destination = destination;
        asker.send(payload);
    }
    std::vector<std::size_t> arrivals() const {
        return {far.arrivals_at(0), far.arrivals_at(1), far.arrivals_at(2), far.arrivals_at(3)};
    }
};

TEST_F(RouterTest, BurstsSpreadOverPortsExactlyByTheirWeights) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 5}, {3, 5}, {4, 4}, {5, 4}});
    simulate([&] {
        for (int i = 0; i < 18; ++i) {
            send(first, 1);
        }
        EXPECT_THAT(arrivals(), ElementsAre(5, 5, 4, 4));
        for (int i = 0; i < 18 * 99; ++i) {
            send(first, 1);
        }
    });
    EXPECT_THAT(arrivals(), ElementsAre(500, 500, 400, 400));
}

TEST_F(RouterTest, WhoSendsToManyDestinationsInTurnUsesAllWaysAtOnce) {
    for (std::uint16_t destination = 1; destination <= 4; ++destination) {
        nvswitch.set_route(Aperture::kFabric, destination, {{2, 1}, {3, 1}, {4, 1}, {5, 1}});
    }
    simulate([&] {
        for (std::uint16_t destination = 1; destination <= 4; ++destination) {
            send(first, destination);
        }
        EXPECT_THAT(arrivals(), ElementsAre(1, 1, 1, 1));
    });
}

TEST_F(RouterTest, ARhythmOfDestinationsDoesNotKeepEachToOneWay) {
    for (std::uint16_t destination = 1; destination <= 4; ++destination) {
        nvswitch.set_route(Aperture::kFabric, destination, {{2, 1}, {3, 1}, {4, 1}, {5, 1}});
    }
    std::array<unsigned, 4> of_first{}; // the ways that destination 1 takes
    simulate([&] {
        for (int round = 0; round < 100; ++round) {
            const auto before = arrivals();
            send(first, 1);
            const auto after = arrivals();
            for (std::size_t port = 0; port < 4; ++port) {
                of_first[port] += static_cast<unsigned>(after[port] - before[port]);
            }
            for (std::uint16_t destination = 2; destination <= 4; ++destination) {
                send(first, destination);
            }
        }
    });
    EXPECT_THAT(arrivals(), ElementsAre(100, 100, 100, 100));
    EXPECT_THAT(of_first, testing::Each(25u));
}

TEST_F(RouterTest, PortsTakeTurnsInsteadOfRuns) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 5}, {3, 5}, {4, 4}, {5, 4}});
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            send(first, 1);
        }
    });
    EXPECT_THAT(arrivals(), ElementsAre(1, 1, 1, 1));
}

TEST_F(RouterTest, EachSetOfWaysHasItsOwnTurn) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 1}, {3, 1}});
    nvswitch.set_route(Aperture::kFabric, 2, {{4, 1}});
    nvswitch.set_route(Aperture::kSystem, 1, {{5, 1}});
    simulate([&] {
        send(first, 1);
        send(first, 2);
        send(first, 1, Aperture::kSystem);
        send(first, 1);
    });
    EXPECT_THAT(arrivals(), ElementsAre(1, 1, 1, 1));
}

TEST_F(RouterTest, LaterRouteReplacesAnEarlierOne) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 1}});
    nvswitch.set_route(Aperture::kFabric, 1, {{3, 1}});
    simulate([&] { send(first, 1); });
    EXPECT_THAT(arrivals(), ElementsAre(0, 1, 0, 0));
}

TEST_F(RouterTest, AnswerReturnsByTheWayItsRequestCame) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 1}, {3, 1}, {4, 1}});
    simulate([&] {
        for (int i = 0; i < 7; ++i) {
            send(i % 2 == 0 ? first : second, 1);
        }
    });
    EXPECT_EQ(first.answered(), 4u);
    EXPECT_EQ(second.answered(), 3u);
    EXPECT_EQ(first.last(), ns(7 + 10 + 7)); // the crossbar is non-blocking
}

TEST_F(RouterTest, TraceWalksEveryWayWithItsShareAndMovesNoTurn) {
    nvswitch.set_route(Aperture::kFabric, 1, {{2, 3}, {5, 1}});
    auto& payload = first.read(64);
    transit(payload).aperture = Aperture::kFabric;
    const auto path = first.trace(payload);
    payload.release();
    EXPECT_EQ(path.latency, ns(7 + 10 + 7));
    EXPECT_THAT(arrivals(), ElementsAre(1, 0, 0, 1));
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            send(first, 1);
        }
    });
    EXPECT_THAT(arrivals(), ElementsAre(1 + 3, 0, 0, 1 + 1));
}

} // namespace
