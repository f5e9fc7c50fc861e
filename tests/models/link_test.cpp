// Link: when does a packet arrive, what does it wait for, and what does it cost on the wire?
//
// One byte a nanosecond, 100 ns of flight, headers of 16 bytes and of 24 with a write: every figure can be worked out
// by hand. Asker `gpu` at end 0 and memory behind end 1; asker `cpu` at end 1 of the second link, memory behind end 0.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/link.h"

namespace {

using models::Picoseconds;
using models::transit;

constexpr models::LinkSpec kSpec{
    .line_bytes_per_second = 1'000'000'000, .latency = 100'000, .header_bytes = 16, .write_header_bytes = 24};

models::LinkSpec with(std::uint64_t line, unsigned count = 1, double efficiency = 1, bool store_and_forward = false) {
    models::LinkSpec spec = kSpec;
    spec.line_bytes_per_second = line;
    spec.count = count;
    spec.efficiency = efficiency;
    spec.store_and_forward = store_and_forward;
    return spec;
}

/// One chain of links between an asker and an answerer.
struct Chain {
    std::vector<std::unique_ptr<models::Link>> links;
    test::Asker gpu;
    test::Answerer memory;

    Chain(models::EventQueue& events, models::PacketPool& packets, const std::vector<models::LinkSpec>& specs)
        : gpu("gpu", events, packets), memory("memory", events, 1) {
        for (const models::LinkSpec& spec : specs) {
            const std::string name = "link" + std::to_string(links.size());
            links.push_back(std::make_unique<models::Link>(name.c_str(), events, spec));
        }
        models::Component::join(gpu, 0, *links.front(), 0);
        for (std::size_t i = 1; i < links.size(); ++i) {
            models::Component::join(*links[i - 1], 1, *links[i], 0);
        }
        models::Component::join(*links.back(), 1, memory, 0);
    }
};

struct LinkTest : SimTest {
    Picoseconds took(const std::vector<models::LinkSpec>& specs, bool write, std::uint64_t bytes,
                     std::uint32_t granule = 64) {
        Chain chain(events, packets, specs);
        simulate([&] {
            auto& payload = write ? chain.gpu.write(bytes) : chain.gpu.read(bytes);
            transit(payload).granule = granule;
            chain.gpu.send(payload);
        });
        return chain.gpu.last();
    }
};

TEST_F(LinkTest, WriteTakesHeaderDataAndFlightAndItsAcknowledgementTheSameBack) {
    EXPECT_EQ(took({kSpec}, true, 64), ns(24 + 64 + 100 + 16 + 100));
}

TEST_F(LinkTest, ReadTakesFlightThereAndHeaderDataAndFlightBack) {
    // The memory begins when the request's first byte is there, so that the request's header is not in the sum.
    EXPECT_EQ(took({kSpec}, false, 64), ns(100 + 16 + 64 + 100));
}

TEST_F(LinkTest, BurstCarriesAHeaderForEachGranule) {
    EXPECT_EQ(took({kSpec}, true, 256), ns(4 * 24 + 256 + 100 + 4 * 16 + 100));
}

TEST_F(LinkTest, LastGranuleMayBeShort) { EXPECT_EQ(took({kSpec}, true, 65), ns(2 * 24 + 65 + 100 + 2 * 16 + 100)); }

TEST_F(LinkTest, LargeGranuleSavesHeaders) { EXPECT_EQ(took({kSpec}, true, 256, 256), ns(24 + 256 + 100 + 16 + 100)); }

TEST_F(LinkTest, BundleHasTheRateOfItsLinksTimesTheirEfficiency) {
    EXPECT_EQ(took({with(1'000'000'000, 4, 0.5)}, true, 64), ns((24 + 64) / 2. + 100 + 16 / 2. + 100));
}

TEST_F(LinkTest, MendedBundleHasItsWholeRateAgain) {
    // Two links of 35 B a second at 90 % are 63 B a second, which two does not divide: 78 B and two headers in two
    // seconds.
    Chain chain(events, packets, {with(35, 2, 0.9)});
    std::vector<Picoseconds> took;
    simulate([&] {
        for (const unsigned lost : {0u, 1u, 0u}) {
            const Picoseconds begin = now();
            chain.links[0]->set_lost(lost);
            const test::Reply& reply = chain.gpu.send(chain.gpu.write(78));
            wait_until(begin + ns(10e9));
            took.push_back(reply.last - begin);
        }
    });
    EXPECT_NEAR(static_cast<double>(took[0]), (2 + 32 / 63.) * 1e12 + 200'000, 1);
    EXPECT_EQ(took[2], took[0]);
    EXPECT_NEAR(static_cast<double>(took[1]), (126 + 32) / 31. * 1e12 + 200'000, 1);
}

TEST_F(LinkTest, BurstFlowsThroughASecondLinkWhileItStillArrives) {
    EXPECT_EQ(took({kSpec, kSpec}, true, 64), ns(24 + 64 + 2 * 100 + 16 + 2 * 100));
}

TEST_F(LinkTest, FasterLinkCannotDeliverBeforeTheSlowerOneHasSent) {
    EXPECT_EQ(took({kSpec, with(4'000'000'000)}, true, 64), ns(24 + 64 + 2 * 100 + 16 + 2 * 100));
}

TEST_F(LinkTest, StoreAndForwardPaysSerialisationAtEachLink) {
    const auto whole = with(1'000'000'000, 1, 1, true);
    EXPECT_EQ(took({whole, whole}, true, 64), ns(2 * (24 + 64 + 100) + 2 * (16 + 100)));
}

TEST_F(LinkTest, StoreAndForwardHoldsAPacketOfABurstAndNotAllOfIt) {
    const auto whole = with(1'000'000'000, 1, 1, true);
    // Four packets of 24 + 64: all of them once, and at the second link one more; headers of the answer likewise.
    EXPECT_EQ(took({whole, whole}, true, 256), ns(5 * (24 + 64) + 2 * 100 + 5 * 16 + 2 * 100));
}

TEST_F(LinkTest, TraceSumsWhatTrafficPays) {
    Chain chain(events, packets, {kSpec});
    auto& payload = chain.gpu.write(128);
    const auto path = chain.gpu.trace(payload);
    payload.release();
    EXPECT_EQ(path.latency, ns(100 + 100));
    ASSERT_EQ(path.uses.size(), 2u);
    EXPECT_EQ(path.uses[0].server, &chain.links[0]->sublink(0));
    EXPECT_DOUBLE_EQ(path.uses[0].picoseconds, static_cast<double>(ns(2 * 24 + 128)));
    EXPECT_EQ(path.uses[1].server, &chain.links[0]->sublink(1));
    EXPECT_DOUBLE_EQ(path.uses[1].picoseconds, static_cast<double>(ns(2 * 16)));
}

/// Both ends ask and answer: a switch without latency at each, between its link, its asker and its memory.
struct End final : models::Component {
    test::Asker asker;
    test::Answerer memory;

    End(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets,
        models::Link& link, unsigned side)
        : Component(name, events), asker("asker", events, packets), memory("memory", events, 1) {
        add_port("link");
        add_port("asker");
        add_port("memory");
        join(link, side, *this, 0);
        join(asker, 0, *this, 1);
        join(*this, 2, memory, 0);
    }
    void request(unsigned port, models::Payload& payload, Picoseconds delay) override {
        send_request(port == 0 ? 2 : 0, payload, delay);
    }
    void response(unsigned port, models::Payload& payload, Picoseconds delay) override {
        send_response(port == 0 ? 1 : 0, payload, delay);
    }
    void trace(unsigned, models::Payload&, models::PathTrace&) override {}
    unsigned access(unsigned, models::Payload&) override { return 0; }
};

struct DuplexLinkTest : SimTest {
    models::Link link{"link", events, kSpec};
    End gpu{"gpu", events, packets, link, 0};
    End cpu{"cpu", events, packets, link, 1};
};

TEST_F(DuplexLinkTest, SecondWriteWaitsUntilTheFirstIsOnItsWay) {
    simulate([&] {
        gpu.asker.send(gpu.asker.write(64)); // holds the sub-link until 88 ns
        wait_until(ns(10));
        gpu.asker.send(gpu.asker.write(64));
    });
    EXPECT_EQ(gpu.asker.last(), ns(88 + 88 + 100 + 16 + 100));
}

TEST_F(DuplexLinkTest, ReadDataSharesItsDirectionWithTheOtherEndsWrites) {
    simulate([&] {
        cpu.asker.send(cpu.asker.write(128)); // holds that direction for 2 * 24 + 128 = 176 ns
        gpu.asker.send(gpu.asker.read(64));   // its data is ready at 100 ns
    });
    EXPECT_EQ(gpu.asker.last(), ns(176 + 16 + 64 + 100));
}

TEST_F(DuplexLinkTest, TwoStreamsInOneDirectionHalve) {
    simulate([&] {
        for (int i = 0; i < 100; ++i) {
            gpu.asker.send(gpu.asker.read(64)); // one stream
            gpu.asker.send(gpu.asker.read(64)); // the other
        }
    });
    // the first request's flight, 200 answers one after another, the last one's flight
    EXPECT_EQ(gpu.asker.last(), ns(100 + 200 * (16 + 64) + 100));
}

TEST_F(DuplexLinkTest, OneStreamInEachDirectionShareHeadersOnly) {
    simulate([&] {
        for (int i = 0; i < 100; ++i) {
            gpu.asker.send(gpu.asker.read(64));
            cpu.asker.send(cpu.asker.read(64));
        }
    });
    // In each direction 100 request headers and 100 answers, never idle.
    EXPECT_EQ(gpu.asker.last(), ns(100 * 16 + 100 * (16 + 64) + 100));
    EXPECT_EQ(cpu.asker.last(), gpu.asker.last());
    EXPECT_EQ(link.sublink(0).bytes(), 100u * 96);
    EXPECT_EQ(link.sublink(1).busy_until(ns(1e6)), ns(9600));
}

} // namespace
