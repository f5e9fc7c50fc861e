// GpuHub: where does an address lead, what does it cost to cross a GPU, and what waits for what?
//
// The L2 takes 40 ns, a request from outside 30 ns; HBM answers at once, memory over C2C after 1000 ns. The EGM of the
// socket begins at 0x4000'0000.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/gpu_hub.h"

namespace {

using models::transit;

using models::Aperture;
using models::GpuHub;
using test::Reply;

constexpr std::uint64_t kEgmBase = 0x4000'0000;

models::GpuSpec hub_spec() {
    models::GpuSpec spec;
    spec.l2.latency = 40'000;
    spec.l2_bytes_per_second = 2'000'000'000;
    spec.l2_far_latency = 80'000;
    spec.l2_crossing_bytes_per_second = 500'000'000;
    spec.inbound_latency = 30'000;
    spec.inbound_bytes_per_second = 1'000'000'000;
    spec.system_read_window_bytes = 128;
    spec.posted_write_bytes = 128;
    spec.posted_write_latency = 5'000;
    return spec;
}

struct GpuHubTest : SimTest {
    static constexpr std::uint16_t kHbm = 1, kLpddr = 2, kPeer = 3;

    GpuHub hub;
    test::Asker sm{"sm", events, packets};
    test::Asker copy_engine{"ce", events, packets};
    test::Asker cpu{"cpu", events, packets};
    test::Answerer hbm{"hbm", events, 1};
    test::Answerer lpddr{"lpddr", events, 1, 1'000'000};

    /// C2C is both the way to the CPU's memory and the way in for `cpu`, so that a stub passes on either.
    struct Crossing final : models::Component {
        Crossing(const sc_core::sc_module_name& name, models::EventQueue& events, GpuHub& hub, test::Asker& cpu,
                 test::Answerer& lpddr)
            : Component(name, events) {
            join(hub, GpuHub::kFirstLink, *this, add_port("hub"));
            join(cpu, 0, *this, add_port("cpu"));
            join(*this, add_port("lpddr"), lpddr, 0);
        }
        void request(unsigned port, models::Payload& payload, Picoseconds delay) override {
            send_request(port == 0 ? 2 : 0, payload, delay);
        }
        void response(unsigned port, models::Payload& payload, Picoseconds delay) override {
            send_response(port == 0 ? 1 : 0, payload, delay);
        }
        void trace(unsigned port, models::Payload& payload, models::PathTrace&) override { access(port, payload); }
        unsigned access(unsigned port, models::Payload& payload) override {
            return pass_on(port == 0 ? 2 : 0, payload);
        }
    } c2c{"c2c", events, hub, cpu, lpddr};
    test::Asker peer{"peer", events, packets};

    explicit GpuHubTest(const models::GpuSpec& spec = hub_spec())
        : hub("hopper", events, packets, spec, {"c2c", "nvl"}) {
        models::Component::join(sm, 0, hub, GpuHub::kSm);
        models::Component::join(copy_engine, 0, hub, GpuHub::kCopyEngine);
        models::Component::join(hub, GpuHub::kHbm, hbm, 0);
        models::Component::join(hub, GpuHub::kFirstLink + 1, peer, 0);
        hub.set_egm(kEgmBase, kLpddr);
        hub.set_route(Aperture::kSystem, kHbm, {{GpuHub::kHbm, 1}});
        hub.set_route(Aperture::kSystem, kLpddr, {{GpuHub::kFirstLink, 1}});
    }

    static models::Payload& to(models::Payload& payload, Aperture aperture, std::uint16_t memory,
                               std::uint16_t destination = 0) {
        transit(payload).aperture = aperture;
        transit(payload).memory = memory;
        transit(payload).destination = destination != 0 ? destination : memory;
        return payload;
    }
};

TEST_F(GpuHubTest, EgmAddressIsAnOffsetToWhichTheHubAddsTheBase) {
    simulate([&] { sm.send(to(sm.read(64, 0x1234), Aperture::kEgm, kLpddr)); });
    ASSERT_EQ(lpddr.arrivals.size(), 1u);
    EXPECT_EQ(lpddr.arrivals[0].address, kEgmBase + 0x1234);
    EXPECT_EQ(lpddr.arrivals[0].aperture, Aperture::kSystem);
    EXPECT_EQ(lpddr.arrivals[0].destination, kLpddr);
}

TEST_F(GpuHubTest, SystemAddressGoesOutUnchanged) {
    simulate([&] { sm.send(to(sm.read(64, 0x1234), Aperture::kSystem, kLpddr)); });
    ASSERT_EQ(lpddr.arrivals.size(), 1u);
    EXPECT_EQ(lpddr.arrivals[0].address, 0x1234u);
}

TEST_F(GpuHubTest, FabricWindowOfHbmLeadsToHbm) {
    simulate([&] { peer.send(to(peer.read(64, 0x1234), Aperture::kFabric, kHbm, kPeer)); });
    ASSERT_EQ(hbm.arrivals.size(), 1u);
    EXPECT_EQ(hbm.arrivals[0].address, 0x1234u);
    EXPECT_EQ(peer.last(), ns(30));
}

TEST_F(GpuHubTest, FabricWindowOfEgmLeadsToTheCarveoutOfTheOwnersSocket) {
    simulate([&] {
        auto& payload = to(peer.read(64, 0x1234), Aperture::kFabric, kLpddr, kPeer);
        transit(payload).into_carveout = true;
        peer.send(payload);
    });
    ASSERT_EQ(lpddr.arrivals.size(), 1u);
    EXPECT_EQ(lpddr.arrivals[0].address, kEgmBase + 0x1234);
    EXPECT_EQ(peer.last(), ns(30 + 1000));
}

TEST_F(GpuHubTest, BytesGoTheSameWayAsTraffic) {
    std::uint64_t data = 0;
    auto& payload = to(sm.write(8, 0x40), Aperture::kEgm, kLpddr);
    EXPECT_EQ(sm.move(payload, &data), 8u);
    payload.release();
    ASSERT_EQ(lpddr.arrivals.size(), 1u);
    EXPECT_EQ(lpddr.arrivals[0].address, kEgmBase + 0x40);
}

TEST_F(GpuHubTest, TraceLeavesThePacketAsItWas) {
    auto& payload = to(sm.read(64, 0x1234), Aperture::kEgm, kLpddr);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(sm.trace(payload).latency, ns(40 + 1000));
        EXPECT_EQ(payload.get_address(), 0x1234u);
        EXPECT_EQ(transit(payload).aperture, Aperture::kEgm);
    }
    payload.release();
}

TEST_F(GpuHubTest, TraceSaysForHowLongAnAccessHoldsRoomInTheHub) {
    // Half the L2's latency on the way out, then 1000 ns until the far end's answer is here.
    auto& read = to(sm.read(64), Aperture::kSystem, kLpddr);
    auto path = sm.trace(read);
    ASSERT_EQ(path.holds.size(), 1u);
    EXPECT_EQ(path.holds[0].pool, &hub.system_reads());
    EXPECT_EQ(path.holds[0].byte_picoseconds, 64 * (20'000 + 1'000'000));
    read.release();

    auto& write = to(sm.write(64), Aperture::kEgm, kLpddr);
    transit(write).postable = true;
    path = sm.trace(write);
    ASSERT_EQ(path.holds.size(), 1u);
    EXPECT_EQ(path.holds[0].pool, &hub.posted_writes());
    EXPECT_EQ(path.holds[0].byte_picoseconds, 64 * (20'000 + 1'000'000));
    EXPECT_EQ(path.latency, ns(40 + 5)) << "the engine hears from the buffer";
    write.release();

    auto& own = to(sm.read(64), Aperture::kSystem, kHbm);
    EXPECT_TRUE(sm.trace(own).holds.empty());
    own.release();
}

TEST_F(GpuHubTest, L2HitEndsThereAtTheL2sBandwidth) {
    simulate([&] {
        for (int i = 0; i < 2; ++i) {
            auto& payload = to(sm.read(64), Aperture::kSystem, kHbm);
            transit(payload).l2_hit = true;
            sm.send(payload);
        }
    });
    EXPECT_EQ(sm.replies[0].last, ns(40 + 64 / 2.));
    EXPECT_EQ(sm.replies[1].last, ns(64 / 2. + 40 + 64 / 2.));
    EXPECT_TRUE(hbm.arrivals.empty());
}

// A quarter lies in the other partition: 16 of 64 bytes cross over at half a byte a nanosecond, 32 ns, which is as long
// as all of them take from the L2; the latency is 40 ns and a quarter of what it is longer from there.
TEST_F(GpuHubTest, HitInTheOtherPartitionCrossesOver) {
    models::PathTrace path;
    simulate([&] {
        for (int i = 0; i < 2; ++i) {
            auto& payload = to(sm.read(64), Aperture::kSystem, kHbm);
            transit(payload).l2_hit = true;
            transit(payload).l2_far = i == 0 ? 0.25f : 0.5f;
            sm.send(payload);
        }
        auto& traced = to(sm.read(64), Aperture::kSystem, kHbm);
        transit(traced).l2_hit = true;
        transit(traced).l2_far = 0.5f;
        path = sm.trace(traced);
        traced.release();
    });
    EXPECT_EQ(sm.replies[0].last, ns(40 + 10 + 32));
    EXPECT_EQ(sm.replies[1].last, ns(32 + 40 + 20 + 64)); // 32 bytes cross over: 64 ns
    EXPECT_EQ(hub.l2_crossing().bytes(), 16u + 32);
    EXPECT_EQ(path.latency, ns(40 + 20));
    ASSERT_EQ(path.uses.size(), 2u);
    EXPECT_EQ(path.uses[1].picoseconds, 64e3);
}

TEST_F(GpuHubTest, StoreThatLeavesIsAcknowledgedFromTheBuffer) {
    simulate([&] {
        auto& posted = to(sm.write(64), Aperture::kEgm, kLpddr);
        transit(posted).postable = true;
        sm.send(posted);
        auto& awaited = to(copy_engine.write(64), Aperture::kEgm, kLpddr);
        copy_engine.send(awaited);
        auto& at_home = to(sm.write(64), Aperture::kSystem, kHbm);
        transit(at_home).postable = true; // but does not leave
        sm.send(at_home);
    });
    EXPECT_EQ(sm.replies[0].last, ns(40 + 5));
    EXPECT_EQ(copy_engine.last(), ns(40 + 1000));
    EXPECT_EQ(sm.replies[1].last, ns(40));
    EXPECT_EQ(lpddr.arrivals.size(), 2u); // the posted data did go out
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(GpuHubTest, FullPostedWriteBufferWaitsForTheFarEnd) {
    simulate([&] {
        for (int i = 0; i < 5; ++i) { // room for two
            auto& payload = to(sm.write(64), Aperture::kEgm, kLpddr);
            transit(payload).postable = true;
            sm.send(payload);
        }
    });
    const Picoseconds round_trip = ns(40 / 2. + 1000); // from the hub to its memory and back
    EXPECT_EQ(sm.replies[1].last, ns(40 + 5));
    EXPECT_EQ(sm.replies[2].last, round_trip + ns(40 + 5));
    EXPECT_EQ(sm.replies[4].last, 2 * round_trip + ns(40 + 5));
    EXPECT_EQ(hub.posted_writes().blocked_until(now()), 2 * round_trip);
}

TEST_F(GpuHubTest, SmLoadsFromCpuMemoryShareAWindowAndCopiesDoNot) {
    simulate([&] {
        for (int i = 0; i < 6; ++i) { // room for two at a time
            sm.send(to(sm.read(64), Aperture::kEgm, kLpddr));
            copy_engine.send(to(copy_engine.read(64), Aperture::kEgm, kLpddr));
        }
        sm.send(to(sm.read(64), Aperture::kSystem, kHbm));
    });
    EXPECT_EQ(sm.replies[5].last, 3 * ns(40 / 2. + 1000) + ns(40 / 2.));
    EXPECT_EQ(sm.replies[6].last, ns(40)); // own HBM needs no room
    EXPECT_EQ(copy_engine.last(), ns(40 + 1000));
}

struct SharedTrackersTest : GpuHubTest {
    static models::GpuSpec shared_spec() {
        models::GpuSpec spec = hub_spec();
        spec.system_read_window_bytes = 0;
        spec.hub_read_window_bytes = 128;
        return spec;
    }
    SharedTrackersTest() : GpuHubTest(shared_spec()) {}
};

// Two tracked reads at a time, 20 ns to the way out for an engine, 15 ns for a peer, and back after 1000 ns.
TEST_F(SharedTrackersTest, SmsCopyEnginesAndPeersShareTheReadsInFlight) {
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            sm.send(to(sm.read(64), Aperture::kEgm, kLpddr));
        }
        copy_engine.send(to(copy_engine.read(64), Aperture::kEgm, kLpddr));
        auto& remote = to(peer.read(64), Aperture::kFabric, kLpddr, kPeer);
        transit(remote).into_carveout = true;
        peer.send(remote);
    });
    EXPECT_EQ(sm.replies[1].last, ns(20 + 1000 + 20)); // two are on their way at once
    // The next two places: one to the SMs, whose turn it is by number, one to the copy engine.
    EXPECT_EQ(sm.replies[2].last, ns(1020) + ns(1040));
    EXPECT_EQ(copy_engine.last(), ns(1020) + ns(1040));
    // Then the peer, and the SMs' last.
    EXPECT_EQ(peer.last(), ns(2 * 1020) + ns(15 + 1000 + 15));
    EXPECT_EQ(sm.replies[3].last, ns(2 * 1020) + ns(1040));
    EXPECT_EQ(hub.hub_reads().blocked_until(now()), ns(2 * 1020));
}

struct WriteTrackersTest : GpuHubTest {
    static models::GpuSpec shared_spec() {
        models::GpuSpec spec = hub_spec();
        spec.posted_write_bytes = 64;
        spec.hub_write_window_bytes = 128;
        return spec;
    }
    WriteTrackersTest() : GpuHubTest(shared_spec()) {}
};

// Room for two. The first two SM stores take it, and are acknowledged at once; a copy's write and a store of a peer
// into the carveout wait until it comes back after 20 + 1000 ns, and then are on their way for as long as any other.
TEST_F(WriteTrackersTest, StoresCopiesAndPeersShareTheWritesInFlight) {
    models::PathTrace path;
    simulate([&] {
        for (int i = 0; i < 2; ++i) {
            auto& posted = to(sm.write(64), Aperture::kEgm, kLpddr);
            transit(posted).postable = true;
            sm.send(posted);
        }
        copy_engine.send(to(copy_engine.write(64), Aperture::kEgm, kLpddr));
        auto& remote = to(peer.write(64), Aperture::kFabric, kLpddr, kPeer);
        transit(remote).into_carveout = true;
        peer.send(remote);
        copy_engine.send(to(copy_engine.read(64), Aperture::kEgm, kLpddr)); // reads have room of their own
        auto& traced = to(copy_engine.write(64), Aperture::kEgm, kLpddr);
        path = copy_engine.trace(traced);
        traced.release();
    });
    EXPECT_EQ(sm.replies[0].last, ns(40 + 5));
    EXPECT_EQ(sm.replies[1].last, ns(40 + 5));
    EXPECT_EQ(copy_engine.replies[0].last, ns(20 + 1000) + ns(20 + 1000 + 20));
    EXPECT_EQ(peer.replies[0].last, ns(20 + 1000) + ns(15 + 1000 + 15));
    EXPECT_EQ(copy_engine.replies[1].last, ns(40 + 1000));
    EXPECT_EQ(hub.hub_writes().blocked_until(now()), ns(20 + 1000));
    EXPECT_EQ(hub.posted_writes().blocked_until(now()), 0u) << "they go to CPU memory";
    ASSERT_EQ(path.holds.size(), 1u);
    EXPECT_EQ(path.holds[0].pool, &hub.hub_writes());
    EXPECT_EQ(packets.in_flight(), 0u);
}

/// A hub whose NVLink loses the first write, or the acknowledgement of it; its C2C leads to the same memory.
struct LostPostedWriteTest : SimTest {
    static constexpr std::uint16_t kOwner = 3, kOwnersHbm = 5;

    struct FarEnd final : models::Component {
        FarEnd(const sc_core::sc_module_name& name, models::EventQueue& events) : Component(name, events) {
            add_port("hub");
        }
        bool arrives = false; ///< the first one
        unsigned asked = 0;

        void request(unsigned port, models::Payload& payload, Picoseconds delay) override {
            models::Transit& packet = transit(payload);
            packet.lost = ++asked == 1;
            const bool there = !packet.lost || arrives;
            if (there) { // the owner's hub has turned it into a system address
                packet.aperture = Aperture::kSystem;
                packet.destination = packet.memory;
            }
            payload.set_response_status(there ? tlm::TLM_OK_RESPONSE : tlm::TLM_GENERIC_ERROR_RESPONSE);
            send_response(port, payload, delay);
        }
        void response(unsigned, models::Payload&, Picoseconds) override {}
        void trace(unsigned, models::Payload&, models::PathTrace&) override {}
        unsigned access(unsigned, models::Payload&) override { return 0; }
    };

    GpuHub hub{"hopper", events, packets, hub_spec(), {"c2c", "nvl"}};
    test::Asker sm{"sm", events, packets}, copy_engine{"ce", events, packets};
    test::Answerer hbm{"hbm", events, 1}, c2c{"c2c", events, 1};
    FarEnd owner{"owner", events};

    LostPostedWriteTest() {
        models::Component::join(sm, 0, hub, GpuHub::kSm);
        models::Component::join(copy_engine, 0, hub, GpuHub::kCopyEngine);
        models::Component::join(hub, GpuHub::kHbm, hbm, 0);
        models::Component::join(hub, GpuHub::kFirstLink, c2c, 0);
        models::Component::join(hub, GpuHub::kFirstLink + 1, owner, 0);
        hub.set_route(Aperture::kFabric, kOwner, {{GpuHub::kFirstLink + 1, 1}});
        hub.set_route(Aperture::kSystem, kOwnersHbm, {{GpuHub::kFirstLink, 1}});
    }

    void write_twice() {
        simulate([&] {
            for (int i = 0; i < 2; ++i) { // each fills the buffer
                auto& payload = GpuHubTest::to(sm.write(128), Aperture::kFabric, kOwnersHbm, kOwner);
                transit(payload).postable = true;
                sm.send(payload);
            }
        });
        EXPECT_EQ(sm.answered(), 2u);
        EXPECT_EQ(hub.lost().packets, 1u);
        EXPECT_EQ(hub.lost().bytes, 128u);
        EXPECT_EQ(c2c.arrivals.size(), 0u);
        EXPECT_EQ(packets.in_flight(), 0u);
    }
};

TEST_F(LostPostedWriteTest, OneThatIsLostIsSentAgain) {
    write_twice();
    EXPECT_EQ(owner.asked, 3u);
}

TEST_F(LostPostedWriteTest, OneWhoseAcknowledgementIsLostIsThereAndIsNotSentByAnotherWay) {
    owner.arrives = true;
    write_twice();
    EXPECT_EQ(owner.asked, 2u);
}

TEST_F(GpuHubTest, CoherentRequestsQueueAtTheInboundPort) {
    simulate([&] {
        for (int i = 0; i < 2; ++i) {
            auto& payload = to(cpu.read(64), Aperture::kSystem, kHbm);
            transit(payload).coherent = true;
            cpu.send(payload);
        }
        cpu.send(to(cpu.read(64), Aperture::kSystem, kHbm)); // of a device: does not queue
    });
    EXPECT_EQ(cpu.replies[0].last, ns(30));
    EXPECT_EQ(cpu.replies[1].last, ns(64 + 30));
    EXPECT_EQ(cpu.replies[2].last, ns(30));
    EXPECT_EQ(hub.inbound().bytes(), 128u);
}

TEST_F(GpuHubTest, DisturbedCoherentRequestsTakeTheInboundPortLonger) {
    simulate([&] {
        for (int i = 0; i < 2; ++i) {
            auto& payload = to(cpu.write(64), Aperture::kSystem, kHbm);
            transit(payload).coherent = true;
            transit(payload).service_scale = 1.5f;
            cpu.send(payload);
        }
    });
    EXPECT_EQ(cpu.replies[0].last, ns(30));
    EXPECT_EQ(cpu.replies[1].last, ns(1.5 * 64 + 30));
}

} // namespace
