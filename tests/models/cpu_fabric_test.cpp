// CpuFabric: what does crossing a socket cost, and how many loads may be under way over its coherent links?
//
// 20 ns from a core, 11 ns to cross; the far end answers after 100 ns. Room for 256 bytes of remote loads.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/cpu_fabric.h"

namespace {

using models::transit;

using models::Aperture;
using models::CpuFabric;

struct CpuFabricTest : SimTest {
    static constexpr std::uint16_t kRam = 1, kRemote = 2;

    CpuFabric fabric{
        "grace", events, {.remote_read_window_bytes = 256, .core_latency = 20'000, .fabric_latency = 11'000}, {"c2c"}};
    test::Asker cores{"cores", events, packets};
    test::Answerer ram{"ram", events, 1};
    test::Answerer remote{"remote", events, 1, 100'000};

    CpuFabricTest() {
        models::Component::join(cores, 0, fabric, CpuFabric::kCores);
        models::Component::join(fabric, CpuFabric::kMemory, ram, 0);
        models::Component::join(fabric, CpuFabric::kFirstLink, remote, 0);
        fabric.set_route(Aperture::kSystem, kRam, {{CpuFabric::kMemory, 1}});
        fabric.set_route(Aperture::kSystem, kRemote, {{CpuFabric::kFirstLink, 1}});
    }

    const test::Reply& send(std::uint16_t destination, std::uint64_t bytes, bool write = false) {
        auto& payload = write ? cores.write(bytes) : cores.read(bytes);
        transit(payload).destination = destination;
        return cores.send(payload);
    }
};

TEST_F(CpuFabricTest, LoadPaysTheCoreAndBothHalvesOfTheFabric) {
    simulate([&] { send(kRam, 64); });
    EXPECT_EQ(cores.last(), ns(20 + 11));
}

TEST_F(CpuFabricTest, RemoteLoadsRunAtWindowOverLatency) {
    simulate([&] {
        for (int i = 0; i < 40; ++i) {
            send(kRemote, 64);
        }
    });
    // Four at a time; a place is free once the answer is at the fabric, which then hands it on to the core.
    EXPECT_EQ(cores.last(), 10 * ns(20 + 5.5 + 100) + ns(5.5));
    EXPECT_EQ(cores.answered(), 40u);
    EXPECT_EQ(fabric.remote_reads().blocked_until(now()), 9 * ns(20 + 5.5 + 100));
}

TEST_F(CpuFabricTest, StoresAndLocalLoadsNeedNoRoomAmongRemoteLoads) {
    simulate([&] {
        for (int i = 0; i < 4; ++i) {
            send(kRemote, 64);
        }
        for (int i = 0; i < 8; ++i) {
            EXPECT_FALSE(send(kRemote, 64, true).come);
            send(kRam, 64);
        }
    });
    EXPECT_EQ(cores.last(), ns(20 + 11 + 100));
    EXPECT_EQ(fabric.remote_reads().blocked_until(now()), 0u);
}

TEST_F(CpuFabricTest, LargeLoadThatReturnsLetsAllIntoItsRoom) {
    simulate([&] {
        send(kRemote, 256);
        for (int i = 0; i < 4; ++i) {
            send(kRemote, 64);
        }
    });
    EXPECT_EQ(cores.last(), 2 * ns(20 + 5.5 + 100) + ns(5.5));
}

TEST_F(CpuFabricTest, LoadLargerThanTheWindowPassesToo) {
    simulate([&] {
        send(kRemote, 1024);
        send(kRemote, 64);
    });
    EXPECT_EQ(cores.answered(), 2u);
    EXPECT_EQ(cores.last(), 2 * ns(20 + 5.5 + 100) + ns(5.5));
}

/// What comes in over a link and goes out again.
struct CpuFabricPassageTest : SimTest {
    CpuFabric fabric{"grace",
                     events,
                     {.remote_read_window_bytes = 64, .core_latency = 20'000, .fabric_latency = 11'000},
                     {"c2c", "cpu0-1"}};
    test::Asker gpu{"gpu", events, packets};
    test::Asker cores{"cores", events, packets};
    test::Answerer far{"far", events, 2, 100'000};

    CpuFabricPassageTest() {
        models::Component::join(cores, 0, fabric, CpuFabric::kCores);
        models::Component::join(fabric, CpuFabric::kMemory, far, 0);
        models::Component::join(gpu, 0, fabric, CpuFabric::kFirstLink);
        models::Component::join(fabric, CpuFabric::kFirstLink + 1, far, 1);
        fabric.set_route(Aperture::kSystem, 1, {{CpuFabric::kFirstLink + 1, 1}});
    }
};

TEST_F(CpuFabricPassageTest, PassageIsNotThatOfACore) {
    simulate([&] {
        for (int i = 0; i < 8; ++i) { // more than a core's window
            gpu.send(gpu.read(64));
        }
    });
    EXPECT_EQ(gpu.last(), ns(11 + 100));
}

} // namespace
