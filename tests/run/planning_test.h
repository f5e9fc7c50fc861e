#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "sim/machine.h"
#include "sim/scenario_loader.h"
#include "tests/models/sim_test.h"
#include "tests/run/program.h"

/// A machine built in the test's own process from a scenario's text, as the runner builds it.
struct PlanningTest : ProgramTest {
    /// Fails the test when the scenario does not load.
    void load(const std::string& text) {
        sim::Diagnostics diagnostics;
        sim::SearchPath search;
        search.topology_directories.emplace_back(EGMSIM_SOURCE_DIR "/topologies");
        scenario = sim::load_scenario(file("scenario.yaml", text), {}, search, diagnostics);
        for (const sim::Diagnostic& fault : diagnostics.all()) {
            ADD_FAILURE() << sim::to_text(fault);
        }
        ASSERT_TRUE(scenario);
        plan = sim::plan_addresses(scenario->topology, scenario->software);
        machine = std::make_unique<sim::Machine>(scenario->topology, plan);
    }

    std::optional<sim::Scenario> scenario;
    sim::AddressPlan plan;
    std::unique_ptr<sim::Machine> machine;
};
