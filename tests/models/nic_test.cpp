// NicPort: what a message over the wire pays at each NIC, and what one that stays on the host does not.
#include "models/nic.h"

#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

namespace {

using models::NicPort;
using models::transit;

struct NicPortTest : SimTest {
    static constexpr std::uint16_t kHere = 1, kThere = 2;

    NicPort nic;
    test::Asker engine{"engine", events, packets};
    test::Asker wire{"wire", events, packets};
    test::Answerer host{"host", events, 1, 50'000};
    test::Answerer far{"far", events, 1, 1'000'000};

    NicPortTest() : nic("nic", events, {.bytes_per_second = 1, .window_bytes = 1, .latency = 600'000}, {"out", "in"}) {
        models::Component::join(engine, 0, nic, NicPort::kEngine);
        models::Component::join(nic, NicPort::kHost, host, 0);
        models::Component::join(nic, NicPort::kFirstLink, far, 0);
        models::Component::join(wire, 0, nic, NicPort::kFirstLink + 1);
        nic.set_route(models::Aperture::kRdma, kHere, {{NicPort::kHost, 1}});
        nic.set_route(models::Aperture::kRdma, kThere, {{NicPort::kFirstLink, 1}});
    }
    models::Payload& to(models::Payload& payload, std::uint16_t destination) {
        transit(payload).aperture = models::Aperture::kRdma;
        transit(payload).destination = transit(payload).memory = destination;
        return payload;
    }
};

TEST_F(NicPortTest, RequestAndAnswerPayTheNicEachWay) {
    simulate([&] {
        engine.send(to(engine.write(64), kThere));
        engine.send(to(engine.read(64), kHere));
        wire.send(to(wire.write(64), kHere));
    });
    EXPECT_EQ(engine.replies[0].last, ns(600 + 1000 + 600));
    EXPECT_EQ(engine.replies[1].last, ns(50)) << "its own host is not over the wire";
    EXPECT_EQ(wire.last(), ns(600 + 50 + 600));
}

TEST_F(NicPortTest, TraceSaysTheSame) {
    for (const auto& [destination, latency] : {std::pair{kThere, ns(2200)}, std::pair{kHere, ns(50)}}) {
        auto& payload = to(engine.read(64), destination);
        EXPECT_EQ(engine.trace(payload).latency, latency);
        payload.release();
    }
}

} // namespace
