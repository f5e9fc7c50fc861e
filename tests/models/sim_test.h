#pragma once

#include <functional>
#include <string>
#include <systemc>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/event_queue.h"
#include "models/packet.h"

/// A test in front of a fresh SystemC kernel: one process a test (`gtest_discover_tests`), since a kernel cannot be
/// reset.
///
/// Build the models as members of the fixture, then call `simulate` once. The test fails on any warning or error of
/// SystemC, and when a thread never finished.
class SimTest : public testing::Test {
public:
    using Picoseconds = models::Picoseconds;

    static constexpr Picoseconds ns(double n) { return static_cast<Picoseconds>(n * 1000); }
    Picoseconds now() const { return events.now(); }
    /// For threads of `simulate`: lets time pass until `time`.
    void wait_until(Picoseconds time) const {
        if (time > now()) {
            sc_core::wait(sc_core::sc_time::from_value(time - now()));
        }
    }

protected:
    SimTest();
    ~SimTest() override;

    /// Runs `threads` side by side, each in an SC_THREAD, until nothing is left to happen.
    void simulate(std::vector<std::function<void()>> threads);
    void simulate(std::function<void()> thread) { simulate(std::vector{std::move(thread)}); }

    models::EventQueue events{"events"};
    models::PacketPool packets;
};
