// Ideal end points: who sends when, at which rate, and when has it all arrived?
//
// Links of one byte a nanosecond and 100 ns, without headers.
#include "tests/models/sim_test.h"

#include "models/end_point.h"
#include "models/link.h"
#include "models/nvswitch.h"

namespace {

using models::Picoseconds;
using testing::ElementsAre;

struct EndPointTest : SimTest, models::JobClient {
    static constexpr unsigned kHosts = 4;
    std::vector<std::unique_ptr<models::EndPoint>> hosts;
    std::vector<std::unique_ptr<models::Link>> links;
    std::unique_ptr<models::NvSwitch> crossbar;
    std::vector<std::unique_ptr<models::StreamJob>> jobs;
    std::map<std::uintptr_t, Picoseconds> arrived; ///< by token
    unsigned acknowledged_count = 0;

    EndPointTest() {
        std::vector<std::string> names;
        for (unsigned i = 0; i < kHosts; ++i) {
            names.push_back("link" + std::to_string(i));
        }
        crossbar = std::make_unique<models::NvSwitch>("crossbar", events, models::SwitchSpec{.ports = kHosts}, names);
        const models::LinkSpec spec{
            .line_bytes_per_second = 1'000'000'000, .latency = 100'000, .store_and_forward = true};
        for (unsigned i = 0; i < kHosts; ++i) {
            hosts.push_back(std::make_unique<models::EndPoint>(("host" + std::to_string(i)).c_str(), events, packets,
                                                               models::Link::payload_rate(spec),
                                                               std::vector<std::string>{names[i]}));
            links.push_back(std::make_unique<models::Link>(names[i].c_str(), events, spec));
            models::Component::join(*hosts[i], 0, *links[i], 0);
            models::Component::join(*links[i], 1, *crossbar, i);
            crossbar->set_route(models::Aperture::kFabric, static_cast<std::uint16_t>(i), {{i, 1}});
            for (std::uint16_t other = 0; other < kHosts; ++other) {
                hosts[i]->set_route(models::Aperture::kFabric, other, {{0, 1}});
            }
        }
    }

    const models::StreamJob& to(std::uint16_t destination, std::uint64_t burst = 100, std::uint32_t packet = 100) {
        jobs.push_back(std::make_unique<models::StreamJob>());
        models::Leg leg;
        leg.write = true;
        leg.aperture = models::Aperture::kFabric;
        leg.destination = destination;
        leg.granule = packet;
        jobs.back()->write = leg;
        jobs.back()->burst_bytes = burst;
        return *jobs.back();
    }
    void send(unsigned from, const models::StreamJob& job, std::uint64_t bytes, std::uintptr_t token) {
        hosts[from]->start(job, bytes, *this, reinterpret_cast<void*>(token));
    }
    void delivered(void* token) override { arrived[reinterpret_cast<std::uintptr_t>(token)] = now(); }
    void acknowledged(void*) override { ++acknowledged_count; }
    void failed(void*, const std::string& why) override { ADD_FAILURE() << why; }
};

TEST_F(EndPointTest, MessageTakesItsBytesTwoFlightsAndOnePacketAtTheSwitch) {
    simulate([&] { send(0, to(1), 1000, 1); });
    EXPECT_EQ(arrived[1], ns(1000 + 2 * 100 + 100));
    EXPECT_EQ(acknowledged_count, 1u);
    EXPECT_EQ(packets.in_flight(), 0u);
    EXPECT_EQ(links[1]->sublink(1).bytes(), 1000u);
    EXPECT_EQ(links[1]->sublink(0).bytes(), 0u) << "nobody answers";
}

TEST_F(EndPointTest, BurstOfPacketsIsForwardedPacketByPacket) {
    simulate([&] { send(0, to(1, 1000, 100), 1000, 1); });
    EXPECT_EQ(arrived[1], ns(1000 + 2 * 100 + 100)) << "the same as packet by packet";
}

TEST_F(EndPointTest, TransfersTakeTurnsBurstByBurst) {
    simulate([&] {
        send(0, to(1), 300, 1);
        send(0, to(2), 300, 2);
        send(0, to(3), 100, 3);
    });
    // Bursts of 100 leave for 1 2 3 1 2 1 2: the last for 1 with the sixth, that for 2 with the seventh.
    EXPECT_EQ(arrived[3], ns(300 + 300));
    EXPECT_EQ(arrived[1], ns(600 + 300));
    EXPECT_EQ(arrived[2], ns(700 + 300));
}

TEST_F(EndPointTest, LateTransferJoinsTheTurnAndNotTheEndOfAQueue) {
    simulate([&] {
        send(0, to(1), 100'000, 1);
        wait_until(ns(1000));
        send(0, to(2), 100, 2);
    });
    EXPECT_LE(arrived[2], ns(1000 + 300 + 300)); // two bursts for 1 may be ahead
    EXPECT_EQ(arrived[1], ns(100'000 + 100 + 300));
}

TEST_F(EndPointTest, ManyToOneShareItsLink) {
    simulate([&] {
        for (unsigned from = 1; from < kHosts; ++from) {
            send(from, to(0), 1000, from);
        }
    });
    Picoseconds last = 0;
    for (const auto& [token, time] : arrived) {
        last = std::max(last, time);
    }
    EXPECT_EQ(last, ns(3 * 1000 + 2 * 100 + 100));
}

TEST_F(EndPointTest, StopSendsNothingMore) {
    simulate([&] {
        send(0, to(1), 1'000'000, 1);
        wait_until(ns(1050));
        hosts[0]->stop();
    });
    EXPECT_TRUE(arrived.empty());
    EXPECT_EQ(links[0]->sublink(0).bytes(), 1100u); // the burst that began at 1000 ns was the last
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(EndPointTest, TraceSaysWhatTheLinksPay) {
    const auto path = hosts[0]->trace_path(*to(1).write, 100);
    EXPECT_EQ(path.arrival, ns(200));
    double there = 0;
    for (const auto& use : path.uses) {
        there += use.picoseconds;
    }
    EXPECT_DOUBLE_EQ(there, static_cast<double>(ns(200))) << "100 bytes on each of two links, and no answer";
}

} // namespace
