// NVSwitch: what does a request to a multicast group cost on each link, and when is it answered?
//
// An asker and three members, each behind a link of one byte a nanosecond and 100 ns, no headers; the switch takes 7
// ns, a member answers after 10 ns. The asker is no member, so that sums stay apart.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/link.h"
#include "models/nvswitch.h"

namespace {

using models::transit;
using testing::ElementsAre;

struct MulticastTest : SimTest, models::Delivery {
    static constexpr unsigned kMembers = 3;
    models::NvSwitch nvswitch{"nvswitch", events, {.ports = 4, .latency = 7'000}, {"asker", "a", "b", "c"}};
    test::Asker asker{"asker", events, packets};
    std::vector<std::unique_ptr<models::Link>> links; ///< the asker's, then the members'
    std::vector<std::unique_ptr<test::Answerer>> members;
    std::vector<Picoseconds> arrivals;

    /// `buffer`: room in the switch for what comes from the asker; 0 = without end.
    explicit MulticastTest(std::uint64_t buffer = 0) {
        models::LinkSpec spec{.line_bytes_per_second = 1'000'000'000, .latency = 100'000, .buffer_bytes = buffer};
        for (unsigned i = 0; i <= kMembers; ++i) {
            links.push_back(std::make_unique<models::Link>(("link" + std::to_string(i)).c_str(), events, spec));
            models::Component::join(*links[i], 1, nvswitch, i);
            spec.buffer_bytes = 0;
        }
        models::Component::join(asker, 0, *links[0], 0);
        std::vector<models::NvSwitch::Member> group;
        for (std::uint16_t i = 1; i <= kMembers; ++i) {
            members.push_back(
                std::make_unique<test::Answerer>(("member" + std::to_string(i)).c_str(), events, 1, 10'000));
            models::Component::join(*members.back(), 0, *links[i], 0);
            nvswitch.set_route(models::Aperture::kFabric, i, {{i, 1}});
            group.push_back({i, static_cast<std::uint16_t>(10 + i), 0x1000u * i});
        }
        nvswitch.set_group(packets, 1, group);
    }

    models::Payload& to_group(models::Payload& payload) {
        transit(payload).aperture = models::Aperture::kFabric;
        transit(payload).destination = 1;
        transit(payload).group = 1;
        return payload;
    }
    void arrived(Picoseconds time, std::uint64_t bytes) override {
        EXPECT_EQ(bytes, 64u) << "of the write, not of its copies";
        arrivals.push_back(time);
    }
};

TEST_F(MulticastTest, WriteGoesToEachMemberAndIsAnsweredWhenAllHave) {
    members[1]->arrival = ns(30);
    simulate([&] {
        auto& payload = to_group(asker.write(64, 0x20));
        transit(payload).delivery = this;
        asker.send(payload);
    });
    // Flight, switch, flight; the tail of 64 ns; a member's 10 ns; and back without bytes.
    EXPECT_EQ(asker.last(), ns(2 * 100 + 7 + 64 + 10 + 2 * 100 + 7));
    EXPECT_THAT(arrivals, ElementsAre(ns(2 * 100 + 7 + 64 + 30))); // in the slowest member
    EXPECT_EQ(links[0]->sublink(0).bytes(), 64u);
    for (unsigned i = 1; i <= kMembers; ++i) {
        EXPECT_EQ(links[i]->sublink(1).bytes(), 64u);
        ASSERT_EQ(members[i - 1]->arrivals.size(), 1u);
        EXPECT_EQ(members[i - 1]->arrivals[0].address, 0x1000u * i + 0x20);
        EXPECT_EQ(members[i - 1]->arrivals[0].destination, i);
    }
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, ReadAsksAllAndReturnsOneSum) {
    simulate([&] { asker.send(to_group(asker.read(64))); });
    // The members' answers come in side by side, and their sum leaves as they come: one serialisation in all.
    EXPECT_EQ(asker.last(), ns(4 * 100 + 2 * 7 + 10 + 64));
    for (unsigned i = 1; i <= kMembers; ++i) {
        EXPECT_EQ(links[i]->sublink(0).bytes(), 64u) << "each member sends all of its bytes";
        EXPECT_EQ(links[i]->sublink(1).bytes(), 0u);
    }
    EXPECT_EQ(links[0]->sublink(1).bytes(), 64u) << "and the asker gets them once";
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, ReductionWaitsForTheBusiestMember) {
    simulate([&] {
        auto& other = asker.read(640); // occupies member b's link
        transit(other).aperture = models::Aperture::kFabric;
        transit(other).destination = 2;
        asker.send(other);
        asker.send(to_group(asker.read(64)));
    });
    // b answers the other read first: its first byte comes 640 ns later, and the link to the asker is free by then.
    EXPECT_EQ(asker.last(), ns(4 * 100 + 2 * 7 + 10 + 640 + 64));
}

TEST_F(MulticastTest, ManyRequestsOverlapAndReuseTheirRecords) {
    simulate([&] {
        for (int round = 0; round < 3; ++round) {
            for (int i = 0; i < 100; ++i) {
                asker.send(to_group(i % 2 == 0 ? asker.read(64) : asker.write(64)));
            }
            wait_until(now() + ns(100'000));
        }
    });
    EXPECT_EQ(asker.answered(), 300u);
    EXPECT_EQ(packets.in_flight(), 0u);
    for (unsigned i = 1; i <= kMembers; ++i) {
        EXPECT_EQ(links[i]->sublink(0).bytes(), 150u * 64);
        EXPECT_EQ(links[i]->sublink(1).bytes(), 150u * 64);
    }
}

// What a request costs when all is well; one that is lost takes no longer.
constexpr double kWriteTakes = 2 * 100 + 7 + 64 + 10 + 2 * 100 + 7;

TEST_F(MulticastTest, WriteThatADeadMemberLosesIsAnsweredAsLost) {
    links[2]->set_dead(true);
    simulate([&] {
        auto& payload = to_group(asker.write(64));
        transit(payload).delivery = this;
        asker.send(payload);
    });
    EXPECT_EQ(asker.replies[0].status, tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_EQ(asker.last(), ns(kWriteTakes)); // when the others have answered
    EXPECT_THAT(arrivals, testing::IsEmpty()) << "not everybody has it";
    EXPECT_EQ(members[0]->arrivals.size(), 1u);
    EXPECT_EQ(members[1]->arrivals.size(), 0u);
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, SumWithoutADeadMemberIsNoSum) {
    links[2]->set_dead(true);
    simulate([&] { asker.send(to_group(asker.read(64))); });
    EXPECT_EQ(asker.replies[0].status, tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_EQ(links[0]->sublink(1).bytes(), 0u) << "what is lost comes back without bytes";
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, ArrivalIsToldOnceThoughAnAnswerIsLost) {
    simulate([&] {
        auto& payload = to_group(asker.write(64));
        transit(payload).delivery = this;
        asker.send(payload);
        wait_until(ns(250)); // on the wire to all members; b's answer comes at 281 ns
        links[2]->set_dead(true);
    });
    EXPECT_EQ(asker.replies[0].status, tlm::TLM_GENERIC_ERROR_RESPONSE);
    EXPECT_EQ(arrivals.size(), 1u);
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, MemberWithoutAWayIsALostAnswerAndNoStandstill) {
    for (std::uint16_t member = 1; member <= kMembers; ++member) { // the first, the second, in the end all
        nvswitch.clear_route(models::Aperture::kFabric, member);
    }
    nvswitch.set_route(models::Aperture::kFabric, 3, {{3, 1}});
    simulate([&] {
        asker.send(to_group(asker.write(64)));
        wait_until(ns(1000));
        EXPECT_EQ(asker.answered(), 1u);
        EXPECT_EQ(members[2]->arrivals.size(), 1u);
        nvswitch.clear_route(models::Aperture::kFabric, 3);
        asker.send(to_group(asker.read(64)));
    });
    for (const test::Reply& reply : asker.replies) {
        EXPECT_TRUE(reply.come);
        EXPECT_EQ(reply.status, tlm::TLM_GENERIC_ERROR_RESPONSE);
    }
    EXPECT_EQ(packets.in_flight(), 0u);
}

/// Room for 128 bytes in the switch; the link of one member dies, whether its copy is the first, which has the
/// request's room, or another.
struct CreditedMulticastTest : MulticastTest, testing::WithParamInterface<unsigned> {
    CreditedMulticastTest() : MulticastTest(128) {}
};

INSTANTIATE_TEST_SUITE_P(DeadMember, CreditedMulticastTest, testing::Values(1, 2, 3));

TEST_P(CreditedMulticastTest, AllCreditsAreBackAfterLossesAndNoneTwice) {
    simulate([&] {
        links[GetParam()]->set_dead(true);
        for (int i = 0; i < 50; ++i) {
            asker.send(to_group(i % 2 == 0 ? asker.write(64) : asker.read(64)));
        }
        wait_until(ns(50'000));
        EXPECT_EQ(asker.answered(), 50u);
        nvswitch.clear_route(models::Aperture::kFabric, static_cast<std::uint16_t>(GetParam()));
        for (int i = 0; i < 50; ++i) {
            asker.send(to_group(asker.write(64)));
        }
        wait_until(ns(100'000));
        EXPECT_EQ(asker.answered(), 100u);
        links[GetParam()]->set_dead(false);
        nvswitch.set_route(models::Aperture::kFabric, static_cast<std::uint16_t>(GetParam()), {{GetParam(), 1}});
        for (int i = 0; i < 3; ++i) { // each fills the buffer
            asker.send(to_group(asker.write(128)));
        }
    });
    // The first starts at once: the buffer is empty. Its room is back after flight, switch and flight, and not before,
    // though three copies have left.
    EXPECT_EQ(asker.replies[100].last, ns(100'000 + kWriteTakes + 64));
    EXPECT_EQ(asker.replies[101].last - asker.replies[100].last, ns(2 * 100 + 7));
    EXPECT_EQ(asker.replies[102].last - asker.replies[101].last, ns(2 * 100 + 7));
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(MulticastTest, TraceSumsWhatTrafficPays) {
    auto& payload = to_group(asker.read(64));
    const auto path = asker.trace(payload);
    payload.release();
    EXPECT_EQ(path.latency, ns(4 * 100 + 2 * 7 + 10));
    std::map<const models::Server*, double> uses;
    for (const auto& use : path.uses) {
        uses[use.server] += use.picoseconds;
    }
    EXPECT_DOUBLE_EQ(uses[&links[0]->sublink(1)], static_cast<double>(ns(64)));
    for (unsigned i = 1; i <= kMembers; ++i) {
        EXPECT_DOUBLE_EQ(uses[&links[i]->sublink(0)], static_cast<double>(ns(64)));
    }
}

} // namespace
