// Finite buffers: what a link carries when the far end has little room, who waits for whom, and who never does.
//
// One byte a nanosecond, 100 ns of flight, no headers unless said. An end point takes a burst as its first byte
// arrives, so that its credits are back 200 ns after it started.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/link.h"
#include "models/nvswitch.h"

namespace {

using models::Payload;
using models::Picoseconds;
using models::transit;

models::LinkSpec with_buffer(std::uint64_t buffer, std::uint64_t rate = 1'000'000'000) {
    return {.line_bytes_per_second = rate, .latency = 100'000, .buffer_bytes = buffer};
}

struct LinkCreditTest : SimTest {
    /// Bytes a nanosecond of `count` writes of `bytes`, all sent at once, over a link with `buffer`.
    double rate(std::uint64_t buffer, std::uint64_t bytes, unsigned count) {
        models::Link link("link", events, with_buffer(buffer));
        test::Asker gpu("gpu", events, packets);
        test::Answerer memory("memory", events, 1);
        models::Component::join(gpu, 0, link, 0);
        models::Component::join(link, 1, memory, 0);
        simulate([&] {
            for (unsigned i = 0; i < count; ++i) {
                gpu.send(gpu.write(bytes));
            }
        });
        EXPECT_EQ(gpu.answered(), count);
        // Steady from the first arrival to the last: count - 1 bursts pass in between.
        const auto& arrivals = memory.arrivals;
        return static_cast<double>(bytes) * (count - 1) * 1000 /
               static_cast<double>(arrivals.back().time - arrivals.front().time);
    }
};

// min(rate, buffer / credit round trip) = min(1, buffer / 200 ns)
TEST_F(LinkCreditTest, LargeBufferLetsTheLinkReachItsRate) { EXPECT_DOUBLE_EQ(rate(400, 50, 1000), 1); }
TEST_F(LinkCreditTest, BufferOfOneRoundTripIsJustEnough) { EXPECT_DOUBLE_EQ(rate(200, 50, 1000), 1); }
TEST_F(LinkCreditTest, HalfTheRoundTripGivesHalfTheRate) { EXPECT_NEAR(rate(100, 50, 1000), 100. / 200, 0.001); }
TEST_F(LinkCreditTest, BufferThatIsNoMultipleOfTheBurstHoldsOnAverage) {
    EXPECT_NEAR(rate(100, 64, 2000), 100. / 200, 0.01);
}
TEST_F(LinkCreditTest, SmallBurstsGiveTheSameAsLargeOnes) { EXPECT_NEAR(rate(100, 4, 5000), 100. / 200, 0.005); }
TEST_F(LinkCreditTest, BurstLargerThanTheBufferGoesInAsManyRoundTripsAsItFillsIt) {
    EXPECT_NEAR(rate(100, 400, 500), 100. / 200, 0.001);
}

TEST_F(LinkCreditTest, AnUncongestedLinkWithCreditsTakesAsLongAsOneWithout) {
    models::Link link("link", events,
                      {.line_bytes_per_second = 1'000'000'000,
                       .latency = 100'000,
                       .header_bytes = 16,
                       .write_header_bytes = 24,
                       .buffer_bytes = 1000});
    test::Asker gpu("gpu", events, packets);
    test::Answerer memory("memory", events, 1);
    models::Component::join(gpu, 0, link, 0);
    models::Component::join(link, 1, memory, 0);
    simulate([&] { gpu.send(gpu.write(64)); });
    EXPECT_EQ(gpu.last(), ns(24 + 64 + 100 + 16 + 100)); // as LinkTest has it
}

/// Two askers and two memories on a switch, each behind a link of its own.
struct SwitchCreditTest : SimTest {
    static constexpr Picoseconds kSwitch = 50'000;

    std::vector<std::unique_ptr<models::Link>> links;
    std::unique_ptr<models::NvSwitch> crossbar;
    std::vector<std::unique_ptr<test::Asker>> askers;
    std::vector<std::unique_ptr<test::Answerer>> memories;

    /// Askers at ports 0.., memories behind; memory m is destination m.
    void build(const std::vector<models::LinkSpec>& of_askers, const std::vector<models::LinkSpec>& of_memories) {
        std::vector<std::string> names(of_askers.size() + of_memories.size(), "port");
        for (std::size_t i = 0; i < names.size(); ++i) {
            names[i] += std::to_string(i);
        }
        crossbar =
            std::make_unique<models::NvSwitch>("crossbar", events, models::SwitchSpec{.latency = kSwitch}, names);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const bool asks = i < of_askers.size();
            const std::string number = std::to_string(i);
            links.push_back(std::make_unique<models::Link>(("link" + number).c_str(), events,
                                                           asks ? of_askers[i] : of_memories[i - of_askers.size()]));
            if (asks) {
                askers.push_back(std::make_unique<test::Asker>(("asker" + number).c_str(), events, packets));
                models::Component::join(*askers.back(), 0, *links.back(), 0);
            } else {
                memories.push_back(std::make_unique<test::Answerer>(("memory" + number).c_str(), events, 1));
                models::Component::join(*memories.back(), 0, *links.back(), 0);
                crossbar->set_route(models::Aperture::kSystem, static_cast<std::uint16_t>(i - of_askers.size()),
                                    {{static_cast<unsigned>(i), 1}});
            }
            models::Component::join(*links.back(), 1, *crossbar, static_cast<unsigned>(i));
        }
    }
    void send(unsigned asker, unsigned memory, std::uint64_t bytes, bool write = true) {
        Payload& payload = write ? askers[asker]->write(bytes, asker) : askers[asker]->read(bytes, asker);
        transit(payload).destination = static_cast<std::uint16_t>(memory);
        askers[asker]->send(payload);
    }
    /// Of the first `all` arrivals at a memory, those of an asker.
    std::size_t among_first(unsigned memory, std::size_t all, unsigned asker) const {
        const auto& arrivals = memories[memory]->arrivals;
        return static_cast<std::size_t>(std::count_if(arrivals.begin(), arrivals.begin() + static_cast<long>(all),
                                                      [&](const auto& one) { return one.address == asker; }));
    }
};

TEST_F(SwitchCreditTest, AFastLinkBehindASlowOneEndsNoSoonerThanItsLastByteCameIn) {
    // The first link takes 400 ns for 100 B; the second could do it in 100, but waits for its last byte.
    build({with_buffer(1000, 250'000'000)}, {with_buffer(1000)});
    simulate([&] { send(0, 0, 100); });
    EXPECT_EQ(askers[0]->last(), ns(400 + 250 + 250)); // and nothing comes back but the answer's flight
}

TEST_F(SwitchCreditTest, CreditsComeBackWhenTheNextLinkStarts) {
    // Round trip of the first link: 100 ns there, 50 ns in the switch, 100 ns back. The second link never delays.
    build({with_buffer(100)}, {with_buffer(10'000, 100'000'000'000)});
    simulate([&] {
        for (int i = 0; i < 1000; ++i) {
            send(0, 0, 50);
        }
    });
    const auto& arrivals = memories[0]->arrivals;
    EXPECT_NEAR(999 * 50 * 1000. / static_cast<double>(arrivals.back().time - arrivals.front().time), 100. / 250,
                0.001);
}

TEST_F(SwitchCreditTest, SlowOutputHoldsTheInputBackToItsOwnRate) {
    build({with_buffer(1000)}, {with_buffer(1000, 250'000'000)});
    simulate([&] {
        for (int i = 0; i < 400; ++i) {
            send(0, 0, 50);
        }
        wait_until(ns(10'000)); // by then the slow link has sent 2 500 B, and 1 000 B wait before it at most
        EXPECT_LE(links[0]->sublink(0).bytes(), 2500u + 1000 + 50 + 100);
        EXPECT_GE(links[0]->sublink(0).bytes(), 2400u + 900);
    });
    EXPECT_EQ(askers[0]->answered(), 400u);
}

TEST_F(SwitchCreditTest, InputsThatWaitForOneOutputTakeTurnsByBytes) {
    build({with_buffer(4000), with_buffer(4000), with_buffer(4000)}, {with_buffer(4000)});
    simulate([&] {
        for (int i = 0; i < 1200; ++i) { // the same bytes in bursts of 400, 200 and 50
            if (i % 8 == 0) {
                send(0, 0, 400);
            }
            if (i % 4 == 0) {
                send(1, 0, 200);
            }
            send(2, 0, 50);
        }
    });
    // While all three wait, the output's bytes divide into three: of 60 kB 20 kB each, within two bursts.
    std::array<std::uint64_t, 3> bytes{};
    const std::array<std::uint64_t, 3> burst{400, 200, 50};
    std::uint64_t sum = 0;
    for (const auto& arrival : memories[0]->arrivals) {
        bytes[arrival.address] += burst[arrival.address];
        sum += burst[arrival.address];
        if (sum >= 60'000) {
            break;
        }
    }
    for (const std::uint64_t mine : bytes) {
        EXPECT_NEAR(static_cast<double>(mine), 20'000, 800);
    }
}

TEST_F(SwitchCreditTest, InputsGetTheSameHoweverMuchOfThemWaits) {
    // The first has room for 160 bursts in front of the output, the second for ten; in order of arrival it would get as
    // much more.
    build({with_buffer(8000), with_buffer(500)}, {with_buffer(4000)});
    simulate([&] {
        for (int i = 0; i < 1200; ++i) {
            send(0, 0, 50);
            send(1, 0, 50);
        }
    });
    EXPECT_NEAR(static_cast<double>(among_first(0, 2000, 0)), 1000, 10);
}

TEST_F(SwitchCreditTest, NoneWaitsBehindAPacketForAnotherOutputWhileThereIsRoom) {
    // Four bursts for the slow memory fill 400 of 1000 B of the buffer; the fifth, for the fast one, passes them.
    build({with_buffer(1000)}, {with_buffer(1000, 10'000'000), with_buffer(1000)});
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            send(0, 0, 100);
        }
        send(0, 1, 100);
    });
    // 4 * 100 ns before it on the first link, its flight, the switch, and the flight of a link that is free
    EXPECT_EQ(memories[1]->arrivals.at(0).time, ns(400 + 100 + 50 + 100));
}

TEST_F(SwitchCreditTest, FullBufferHoldsUpWhatIsForAnotherOutput) {
    build({with_buffer(200)}, {with_buffer(1000, 10'000'000), with_buffer(1000)});
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            send(0, 0, 100);
        }
        send(0, 1, 100);
    });
    // The slow link starts its first at 150 ns and one every 10 us: its third at 20.15 us. Then the buffer holds the
    // third burst no more; 100 ns later the sender knows and sends the fifth.
    EXPECT_EQ(memories[1]->arrivals.at(0).time, ns(20'150 + 100 + 100 + 50 + 100));
}

/// Two switches and the trunk between them; at each an asker and a memory, whose link is as fast as the test says.
struct TrunkTest : SimTest {
    std::vector<std::unique_ptr<models::NvSwitch>> switches;
    std::vector<std::unique_ptr<models::Link>> links;
    std::vector<std::unique_ptr<test::Asker>> askers;
    std::vector<std::unique_ptr<test::Answerer>> memories;

    models::Link& link(std::uint64_t buffer, std::uint64_t rate) {
        links.push_back(std::make_unique<models::Link>(("link" + std::to_string(links.size())).c_str(), events,
                                                       with_buffer(buffer, rate)));
        return *links.back();
    }
    void build(std::uint64_t buffer, std::array<std::uint64_t, 2> memory_rates) {
        for (unsigned i = 0; i < 2; ++i) { // ports: asker, memory, trunk
            const std::string number = std::to_string(i);
            switches.push_back(std::make_unique<models::NvSwitch>(
                ("switch" + number).c_str(), events, models::SwitchSpec{.latency = 50'000},
                std::vector<std::string>{"asker", "memory", "trunk"}));
            askers.push_back(std::make_unique<test::Asker>(("asker" + number).c_str(), events, packets));
            memories.push_back(std::make_unique<test::Answerer>(("memory" + number).c_str(), events, 1));
            models::Link& in = link(buffer, 1'000'000'000);
            models::Component::join(*askers[i], 0, in, 0);
            models::Component::join(in, 1, *switches[i], 0);
            models::Link& out = link(buffer, memory_rates[i]);
            models::Component::join(*switches[i], 1, out, 0);
            models::Component::join(out, 1, *memories[i], 0);
            for (unsigned to = 0; to < 2; ++to) {
                switches[i]->set_route(models::Aperture::kSystem, static_cast<std::uint16_t>(to),
                                       {{to == i ? 1u : 2u, 1}});
            }
        }
        models::Link& trunk = link(buffer, 1'000'000'000);
        models::Component::join(*switches[0], 2, trunk, 0);
        models::Component::join(trunk, 1, *switches[1], 2);
    }
    void send(unsigned from, Payload& payload, unsigned memory) {
        transit(payload).destination = static_cast<std::uint16_t>(memory);
        askers[from]->send(payload);
    }
};

TEST_F(TrunkTest, ResponsesDoNotWaitForRequestsThatCannotGo) {
    // Asker 0 writes to the slow memory at the far end until the trunk's buffer is full: a burst every 100 us. What
    // memory 0 answers asker 1 goes the same way.
    build(200, {1'000'000'000, 1'000'000});
    simulate([&] {
        for (int i = 0; i < 20; ++i) {
            send(0, askers[0]->write(100), 1);
        }
        wait_until(ns(5'000));
        EXPECT_EQ(links.back()->sublink(0).bytes(), 300u); // one goes on, two lie in the buffer
        send(1, askers[1]->read(100), 0);
    });
    // request: three flights of nothing and two switches; answer: 100 B and the same
    EXPECT_EQ(askers[1]->last(), ns(5'000 + 400 + 100 + 400));
}

/// Three switches in a ring, links clockwise only used: each host sends to the switch after next.
struct RingTest : SimTest {
    static constexpr unsigned kSwitches = 5;

    std::vector<std::unique_ptr<models::NvSwitch>> switches;
    std::vector<std::unique_ptr<models::Link>> ring, stubs, homes;
    std::vector<std::unique_ptr<test::Asker>> askers;
    std::vector<std::unique_ptr<test::Answerer>> memories;

    void build(std::uint64_t buffer) {
        const auto name = [](const char* kind, unsigned i) { return kind + std::to_string(i); };
        for (unsigned i = 0; i < kSwitches; ++i) { // ports: asker, memory, clockwise out, clockwise in
            switches.push_back(std::make_unique<models::NvSwitch>(
                name("switch", i).c_str(), events, models::SwitchSpec{.latency = 50'000},
                std::vector<std::string>{"asker", "memory", "out", "in"}));
        }
        for (unsigned i = 0; i < kSwitches; ++i) {
            ring.push_back(std::make_unique<models::Link>(name("ring", i).c_str(), events, with_buffer(buffer)));
            models::Component::join(*switches[i], 2, *ring[i], 0);
            stubs.push_back(std::make_unique<models::Link>(name("stub", i).c_str(), events, with_buffer(buffer)));
            askers.push_back(std::make_unique<test::Asker>(name("asker", i).c_str(), events, packets));
            models::Component::join(*askers[i], 0, *stubs[i], 0);
            models::Component::join(*stubs[i], 1, *switches[i], 0);
            homes.push_back(std::make_unique<models::Link>(name("home", i).c_str(), events, with_buffer(buffer)));
            memories.push_back(std::make_unique<test::Answerer>(name("memory", i).c_str(), events, 1));
            models::Component::join(*switches[i], 1, *homes[i], 0);
            models::Component::join(*homes[i], 1, *memories[i], 0);
        }
        for (unsigned i = 0; i < kSwitches; ++i) {
            models::Component::join(*ring[i], 1, *switches[(i + 1) % kSwitches], 3);
            for (unsigned to = 0; to < kSwitches; ++to) {
                switches[i]->set_route(models::Aperture::kSystem, static_cast<std::uint16_t>(to),
                                       {{to == i ? 1u : 2u, 1}});
            }
        }
    }
    /// All send `count` bursts to the memory three switches on, at once.
    void saturate(unsigned count) {
        simulate([&] {
            for (unsigned n = 0; n < count; ++n) {
                for (unsigned i = 0; i < kSwitches; ++i) {
                    Payload& payload = askers[i]->write(100);
                    transit(payload).destination = static_cast<std::uint16_t>((i + 3) % kSwitches);
                    askers[i]->send(payload);
                }
            }
        });
    }
    std::size_t answered() const {
        std::size_t sum = 0;
        for (const auto& asker : askers) {
            sum += asker->answered();
        }
        return sum;
    }
};

TEST_F(RingTest, DrainsWithoutFiniteBuffers) {
    build(0);
    saturate(100);
    EXPECT_EQ(answered(), 100u * kSwitches);
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(RingTest, CircleOfFullBuffersStandsStillAndSaysWhere) {
    build(200);
    saturate(100);
    EXPECT_LT(answered(), 100u * kSwitches);
    EXPECT_GT(packets.in_flight(), 0u);
    EXPECT_EQ(events.pending(), 0u); // nothing is left to happen: the run ends, it does not hang
    for (const auto& link : ring) {
        EXPECT_GT(link->sender(0).stuck(), 0u) << link->sender(0).name();
    }
}

} // namespace
