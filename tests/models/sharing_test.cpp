// Policies at a shared resource: each keeps its promise, alone at a link and at a memory.
//
// The link carries one byte a nanosecond and has no headers; tenants a and b (1 and 2) write to the same memory.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include "models/link.h"
#include "models/memory.h"

namespace {

using models::Payload;
using models::Picoseconds;
using models::SharingSpec;
using models::transit;
using Order = SharingSpec::Order;

/// Tenant number 0 is nobody's.
SharingSpec policy(Order order, std::vector<SharingSpec::Share> shares) {
    shares.insert(shares.begin(), SharingSpec::Share{});
    return {.order = order, .tenants = std::move(shares)};
}

/// (sum x)^2 / (n sum x^2): 1 when all get the same (Jain, Chiu, Hawe: DEC-TR-301, 1984).
double jain(const std::vector<double>& shares) {
    double sum = 0, squares = 0;
    for (const double share : shares) {
        sum += share;
        squares += share * share;
    }
    return sum * sum / (static_cast<double>(shares.size()) * squares);
}

/// Tenants that each keep some bursts in flight, over one link (or straight) to a memory that answers at once.
struct SharingTest : SimTest {
    /// Keeps `window` bursts of `bytes` in flight from `begin` to `end`.
    struct Tenant final : models::Component {
        Tenant(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets,
               unsigned number, std::uint64_t bytes, unsigned window, bool write)
            : Component(name, events), packets_(packets), number_(number), bytes_(bytes), window_(window),
              write_(write) {
            add_port("out");
        }
        void begin() {
            for (unsigned i = 0; i < window_; ++i) {
                send();
            }
        }
        void stop() { stopped_ = true; }

        std::uint64_t done = 0; ///< bytes
        Picoseconds slowest = 0;

    private:
        struct Again final : models::EventQueue::Handler {
            Tenant* tenant = nullptr;
            void fire(void* argument) override { tenant->back(*static_cast<Payload*>(argument)); }
        };
        void send() {
            Payload& payload = packets_.take(write_ ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND, 0, bytes_);
            transit(payload).granule = static_cast<std::uint32_t>(bytes_);
            transit(payload).tenant = static_cast<std::uint16_t>(number_);
            transit(payload).token = reinterpret_cast<void*>(events().now());
            send_request(0, payload, 0);
        }
        void response(unsigned, Payload& payload, Picoseconds delay) override {
            again_.tenant = this;
            events().at(events().now() + delay, again_, &payload);
        }
        void back(Payload& payload) {
            done += bytes_;
            slowest = std::max(slowest, events().now() - reinterpret_cast<Picoseconds>(transit(payload).token));
            payload.release();
            if (!stopped_) {
                send();
            }
        }
        void request(unsigned, Payload&, Picoseconds) override {}
        void trace(unsigned, Payload&, models::PathTrace&) override {}
        unsigned access(unsigned, Payload&) override { return 0; }

        models::PacketPool& packets_;
        unsigned number_;
        std::uint64_t bytes_;
        unsigned window_;
        bool write_;
        bool stopped_ = false;
        Again again_;
    };

    /// All tenants' way into the shared resource, and back by the way they came.
    struct Funnel final : models::Component {
        Funnel(const sc_core::sc_module_name& name, models::EventQueue& events, unsigned tenants)
            : Component(name, events) {
            for (unsigned i = 0; i < tenants; ++i) {
                add_port("in" + std::to_string(i));
            }
            add_port("out");
        }
        void request(unsigned port, Payload& payload, Picoseconds delay) override {
            transit(payload).push(port);
            send_request(ports() - 1, payload, delay);
        }
        void response(unsigned, Payload& payload, Picoseconds delay) override {
            send_response(transit(payload).pop(), payload, delay);
        }
        void trace(unsigned, Payload&, models::PathTrace&) override {}
        unsigned access(unsigned, Payload&) override { return 0; }
    };

    struct Load {
        std::uint64_t bytes = 100;
        unsigned window = 100;
        bool write = true;
        bool late = false; ///< begins when the measurement does
    };

    std::vector<std::unique_ptr<Tenant>> tenants;

    /// Bytes a nanosecond of each tenant in 100 us after 20 us.
    std::vector<double> run(const SharingSpec& spec, const std::vector<Load>& loads, bool at_memory) {
        Funnel funnel("funnel", events, static_cast<unsigned>(loads.size()));
        models::Link link("link", events, {.line_bytes_per_second = 1'000'000'000, .latency = 100'000});
        test::Answerer sink("sink", events, 1);
        models::SparseStore store;
        models::Memory memory("memory", events,
                              {.read_bytes_per_second = 1'000'000'000,
                               .write_bytes_per_second = 1'000'000'000,
                               .read_latency = 200'000,
                               .write_latency = 200'000},
                              store);
        const auto out = static_cast<unsigned>(loads.size());
        if (at_memory) {
            memory.share(spec);
            models::Component::join(funnel, out, memory, 0);
            models::Component::join(link, 0, sink, 0); // unused, but every socket needs its other end
        } else {
            link.share(0, spec);
            link.share(1, spec);
            models::Component::join(funnel, out, link, 0);
            models::Component::join(link, 1, sink, 0);
        }
        test::Asker spare("spare", events, packets);
        if (at_memory) {
            models::Component::join(spare, 0, link, 1);
        } else {
            models::Component::join(spare, 0, memory, 0);
        }
        for (unsigned i = 0; i < loads.size(); ++i) {
            tenants.push_back(std::make_unique<Tenant>(("tenant" + std::to_string(i)).c_str(), events, packets, i + 1,
                                                       loads[i].bytes, loads[i].window, loads[i].write));
            models::Component::join(*tenants.back(), 0, funnel, i);
        }
        std::vector<double> rates;
        simulate([&] {
            const auto begin = [&](bool late) {
                for (std::size_t i = 0; i < tenants.size(); ++i) {
                    if (loads[i].late == late) {
                        tenants[i]->begin();
                    }
                }
            };
            begin(false);
            wait_until(ns(20'000));
            std::vector<std::uint64_t> before;
            for (auto& tenant : tenants) {
                before.push_back(tenant->done);
                tenant->slowest = 0;
            }
            begin(true);
            wait_until(ns(120'000));
            for (std::size_t i = 0; i < tenants.size(); ++i) {
                rates.push_back(static_cast<double>(tenants[i]->done - before[i]) / 100'000);
                tenants[i]->stop();
            }
        });
        EXPECT_EQ(packets.in_flight(), 0u) << "all drains, whatever the policy";
        return rates;
    }
};

struct SharingOfLinkOrMemory : SharingTest, testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(, SharingOfLinkOrMemory, testing::Bool(),
                         [](const auto& info) { return info.param ? "memory" : "link"; });

TEST_P(SharingOfLinkOrMemory, FirstComeSharesByBytesInFlight) {
    const auto rates = run(policy(Order::kFirstCome, {}), {{.window = 30}, {.window = 10}}, GetParam());
    EXPECT_NEAR(rates[0], 0.75, 0.01);
    EXPECT_NEAR(rates[1], 0.25, 0.01);
}

TEST_P(SharingOfLinkOrMemory, WeightsHoldWhateverIsInFlight) {
    const auto rates = run(policy(Order::kWeightedFair, {{.weight = 3}, {.weight = 1}}),
                           {{.window = 100}, {.bytes = 400, .window = 200}}, GetParam());
    EXPECT_NEAR(rates[0], 0.75, 0.0075); // within 1 %
    EXPECT_NEAR(rates[1], 0.25, 0.0025);
}

TEST_P(SharingOfLinkOrMemory, EqualWeightsAreFairByJainsIndex) {
    const std::vector<Load> loads{
        {.bytes = 50, .window = 40}, {.window = 5}, {.bytes = 200, .window = 10}, {.bytes = 400, .window = 10}};
    EXPECT_GT(jain(run(policy(Order::kWeightedFair, {}), loads, GetParam())), 0.9999);
}

TEST_P(SharingOfLinkOrMemory, FirstComeIsNotFair) {
    const std::vector<Load> loads{
        {.bytes = 50, .window = 40}, {.window = 5}, {.bytes = 200, .window = 10}, {.bytes = 400, .window = 10}};
    // In flight are 2 000, 500, 2 000 and 4 000 B: (8.5)^2 / (4 * (4 + 0.25 + 4 + 16)) = 0.745
    EXPECT_NEAR(jain(run(policy(Order::kFirstCome, {}), loads, GetParam())), 0.745, 0.03);
}

TEST_P(SharingOfLinkOrMemory, WhatAWeightLeavesOthersGet) { // work conservation
    // The first has one burst in flight at a time: it takes 100 ns there and 200 ns of flight or latency (the answer of
    // the link has no bytes), plus at most one burst of the other before it. The second gets all the rest.
    const auto rates =
        run(policy(Order::kWeightedFair, {{.weight = 9}, {.weight = 1}}), {{.window = 1}, {}}, GetParam());
    EXPECT_NEAR(rates[0] + rates[1], 1, 0.005);
    EXPECT_LT(rates[0], 100. / 300);
    EXPECT_GT(rates[0], 100. / 400 - 0.01);
}

TEST_P(SharingOfLinkOrMemory, WhoWasIdleIsNotPaidForIt) {
    // The first was alone for 20 us. The second takes half from when it comes, not more until it has caught up.
    const auto rates = run(policy(Order::kWeightedFair, {}), {{}, {.late = true}}, GetParam());
    EXPECT_NEAR(rates[0], 0.5, 0.01);
    EXPECT_NEAR(rates[1], 0.5, 0.01);
}

TEST_P(SharingOfLinkOrMemory, HighPriorityGetsWhatItGetsAlone) {
    const auto rates =
        run(policy(Order::kStrictPriority, {{.priority = 1}, {}}), {{.window = 2}, {.window = 1000}}, GetParam());
    // Alone: two bursts in 300 ns. A burst of the other that has begun is not broken off: 100 ns at most each time.
    EXPECT_GE(rates[0], 200. / 400 - 0.01);
    EXPECT_NEAR(rates[0] + rates[1], 1, 0.005);
}

TEST_P(SharingOfLinkOrMemory, StrictPriorityStarvesAndNothingElseDoes) {
    const auto strict = run(policy(Order::kStrictPriority, {{.priority = 1}, {}}), {{}, {}}, GetParam());
    EXPECT_NEAR(strict[0], 1, 0.001);
    EXPECT_LE(strict[1], 0.001);
}

TEST_P(SharingOfLinkOrMemory, NoStarvationByWeightsHoweverUneven) {
    const auto rates =
        run(policy(Order::kWeightedFair, {{.weight = 99}, {.weight = 1}}), {{.window = 1000}, {}}, GetParam());
    EXPECT_NEAR(rates[1], 0.01, 0.0015);
    EXPECT_LE(tenants[1]->slowest, ns(100 * 100 * 100 * 1.1)); // 100 of its own before it, each 100 bursts apart
}

TEST_P(SharingOfLinkOrMemory, CapIsHeldExactlyAndTheRestGoesToOthers) {
    const auto rates =
        run(policy(Order::kFirstCome, {{.cap_bytes_per_second = 200'000'000}, {}}), {{.window = 500}, {}}, GetParam());
    EXPECT_NEAR(rates[0], 0.2, 0.0005);
    EXPECT_NEAR(rates[1], 0.8, 0.001);
}

TEST_P(SharingOfLinkOrMemory, CapIsAllThatDoesNotConserveWork) {
    const auto rates = run(policy(Order::kFirstCome, {{.cap_bytes_per_second = 200'000'000}}), {{}}, GetParam());
    EXPECT_NEAR(rates[0], 0.2, 0.0005); // though the rest of the resource is idle
}

TEST_P(SharingOfLinkOrMemory, CapIsNotSavedUpWhileIdle) {
    // Nothing sent for 20 us, 4 kB at its cap: kSlack, 200 B, is all that it may make up for in the next 100 us.
    const auto rates = run(policy(Order::kFirstCome, {{.cap_bytes_per_second = 200'000'000}, {}}),
                           {{.late = true}, {.window = 10}}, GetParam());
    EXPECT_NEAR(rates[0], 0.2, 0.003);
}

TEST_P(SharingOfLinkOrMemory, MinimumIsNotSavedUpWhileIdle) {
    // 30 % of 20 us would be 6 kB that go before all else, 6 % of what passes in 100 us.
    const auto rates = run(policy(Order::kFirstCome, {{.floor_bytes_per_second = 300'000'000}, {}}),
                           {{.window = 50, .late = true}, {.window = 1000}}, GetParam());
    EXPECT_NEAR(rates[0], 0.3, 0.02);
}

TEST_P(SharingOfLinkOrMemory, CapHoldsBesideWeights) {
    const auto rates = run(policy(Order::kWeightedFair,
                                  {{.weight = 8, .cap_bytes_per_second = 100'000'000}, {.weight = 1}, {.weight = 2}}),
                           {{}, {}, {}}, GetParam());
    EXPECT_NEAR(rates[0], 0.1, 0.0005);
    EXPECT_NEAR(rates[1], 0.3, 0.003); // 1 : 2 of the 0.9 that are left
    EXPECT_NEAR(rates[2], 0.6, 0.006);
}

TEST_P(SharingOfLinkOrMemory, MinimumIsKeptAgainstACrowdAndLeftToOthersWhenUnused) {
    const auto spec = policy(Order::kFirstCome, {{.floor_bytes_per_second = 400'000'000}, {}});
    const auto rates = run(spec, {{.window = 50}, {.window = 1000}}, GetParam());
    EXPECT_GE(rates[0], 0.4 * 0.99); // first come alone would give it 50 / 1050
    EXPECT_NEAR(rates[0] + rates[1], 1, 0.005);
}

TEST_P(SharingOfLinkOrMemory, UnusedMinimumGoesToOthers) {
    const auto rates =
        run(policy(Order::kFirstCome, {{.floor_bytes_per_second = 400'000'000}, {}}), {{.window = 1}, {}}, GetParam());
    EXPECT_NEAR(rates[0] + rates[1], 1, 0.005);
    EXPECT_GE(rates[1], 0.6);
}

TEST_P(SharingOfLinkOrMemory, ReadsAndWritesOfATenantCountTogether) {
    // At the link reads use the other direction: each tenant has its own there. At the memory all meet.
    const auto rates = run(policy(Order::kWeightedFair, {{.weight = 3}, {.weight = 1}}),
                           {{.window = 100, .write = false}, {.window = 100}}, GetParam());
    EXPECT_NEAR(rates[0], GetParam() ? 0.75 : 1, 0.01);
    EXPECT_NEAR(rates[1], GetParam() ? 0.25 : 1, 0.01);
}

} // namespace
