#include "sim/runner.h"

#include <algorithm>
#include <systemc>

#include "sim/binding.h"
#include "sim/fluid_group.h"
#include "sim/machine.h"
#include "sim/measure.h"
#include "sim/view_check.h"
#include "sim/work_group.h"

namespace sim {

namespace {

/// The thread in which software runs: the bring-up waits for the kernel's calls here, and the measurement for traffic.
class Software final : public sc_core::sc_module {
public:
    Software(const sc_core::sc_module_name& name, std::function<void()> act) : sc_module(name), act_(std::move(act)) {
        SC_HAS_PROCESS(Software);
        SC_THREAD(run);
        set_stack_size(1 << 20);
    }

private:
    void run() {
        act_();
        sc_core::sc_stop();
    }

    std::function<void()> act_;
};

class Run {
public:
    Run(const Scenario& scenario, Fidelity fidelity, const RunListener& listener)
        : scenario_(scenario), listener_(listener), plan_(plan_addresses(scenario.topology, scenario.software)),
          machine_(scenario.topology, plan_), planner_(scenario, machine_), software_("software", [this] { act(); }) {
        machine_.set_sharing(scenario);
        result_.scenario = &scenario;
        result_.fidelity = fidelity;
    }

    RunResult go() {
        sc_core::sc_start();
        result_.simulated = sc_core::sc_time_stamp().value();
        result_.events = machine_.events().fired();
        result_.crossings = machine_.crossings();
        return std::move(result_);
    }

private:
    bool go_on() {
        if (listener_.go_on && !listener_.go_on()) {
            result_.interrupted = true;
        }
        return !result_.interrupted;
    }
    void say(const std::string& what) {
        if (listener_.progress) {
            listener_.progress(what);
        }
    }

    void act() {
        const SoftwareSetup& software = scenario_.software;
        if (software.vms.empty() || software.compare_native) {
            traffic(nullptr);
        }
        if (software.vms.empty() || !go_on()) {
            return;
        }
        say("bring-up");
        HostOs host(scenario_, plan_,
                    [this](const std::string& node) -> models::SparseStore& { return machine_.store(node); });
        const auto done = host.bring_up();
        result_.steps = host.steps();
        if (!done) {
            result_.bring_up_error = done.error();
        } else {
            result_.vms = host.vms();
            result_.views = check_views(scenario_, machine_, host);
            const bool sound = std::all_of(result_.views.begin(), result_.views.end(),
                                           [](const ViewCheck& check) { return check.agree; });
            if (sound) {
                machine_.flush_translations();
                traffic(&host);
            }
        }
        result_.undone = host.shut_down();
    }

    void traffic(HostOs* host) {
        SettingResult setting;
        setting.virtualized = host != nullptr;
        for (const StreamGroup& group : scenario_.groups) {
            if (!go_on()) {
                break;
            }
            say((host != nullptr ? "vm: " : "native: ") + group.name);
            GroupResult result = run_group(group, host);
            const bool stopped = result.work && result.work->times.interrupted;
            if (!result.streams.empty() || (result.work && !stopped)) { // else interrupted before anything was known
                setting.groups.push_back(std::move(result));
            }
        }
        result_.settings.push_back(std::move(setting));
    }

    GroupResult run_work_of(const StreamGroup& group, HostOs* host) {
        std::vector<PlannedStream> paths;
        for (const Stream& path : group.work->graph.paths()) {
            auto one = planner_.plan(path, host);
            if (!one) {
                GroupResult result;
                result.group = &group;
                result.work.emplace().times.fault = one.error();
                return result;
            }
            paths.push_back(std::move(*one));
            if (result_.measured()) {
                warm(paths.back()); // as after a round before, which a benchmark does not count
            }
        }
        return work_group(group, paths, machine_, result_.fidelity, scenario_.faults, [this] { return go_on(); });
    }

    GroupResult run_group(const StreamGroup& group, HostOs* host) {
        planner_.begin_group();
        if (group.work != nullptr) {
            return run_work_of(group, host);
        }
        std::vector<PlannedStream> planned;
        std::vector<StreamResult> refused;
        for (const Stream& stream : group.streams) {
            auto one = planner_.plan(stream, host);
            if (one) {
                planned.push_back(std::move(*one));
            } else {
                StreamResult line;
                line.stream = &stream;
                line.fault = one.error();
                refused.push_back(std::move(line));
            }
        }
        GroupResult result;
        result.group = &group;
        if (!planned.empty()) {
            result = work_out(group, planned);
        }
        if (group.streams.size() > 1) { // measured alone, if at all
            for (StreamResult& line : result.streams) {
                lower_grade(line, Grade::kComposed, "together with other streams");
            }
        }
        result.streams.insert(result.streams.end(), refused.begin(), refused.end());
        std::stable_sort(result.streams.begin(), result.streams.end(),
                         [](const StreamResult& a, const StreamResult& b) { return a.stream < b.stream; });
        return result;
    }

    GroupResult work_out(const StreamGroup& group, std::vector<PlannedStream>& planned) {
        if (!result_.measured()) {
            GroupResult result = result_.fidelity == Fidelity::kFluid ? fluid_group(group, planned, machine_)
                                                                      : bound_group(group, planned, machine_);
            for (StreamResult& line : result.streams) {
                if (!scenario_.faults.faults.empty()) {
                    lower_grade(line, Grade::kExtrapolated, kNothingBreaks);
                }
            }
            return result;
        }
        for (PlannedStream& stream : planned) {
            warm_random(stream);
        }
        GroupResult result = measure_group(group, planned, machine_, scenario_.measurement, scenario_.faults,
                                           [this] { return go_on(); });
        if (result_.fidelity == Fidelity::kAll) {
            const GroupResult fluid = fluid_group(group, planned, machine_);
            for (std::size_t i = 0; i < result.streams.size(); ++i) { // none, or all in the same order
                result.streams[i].fluid = {fluid.streams[i].value, fluid.streams[i].binding.resource};
            }
            result.total_fluid = fluid.total;
        }
        return result;
    }

    /// Fills TLBs as a long run would have, for accesses without order: their cold misses would take a simulated
    /// second to become rare.
    void warm_random(PlannedStream& stream) {
        if (stream.job.pattern == models::StreamJob::Pattern::kChase ||
            stream.job.pattern == models::StreamJob::Pattern::kRandom) {
            warm(stream);
        }
    }

    void warm(PlannedStream& stream) {
        if (stream.translator == nullptr) {
            return;
        }
        const auto warm_leg = [&](const models::Leg& leg) {
            stream.translator->warm(*leg.mapping, leg.working_set, stream.job.workers);
            if (leg.mapping->tables() == models::Mapping::Tables::kSmmu) {
                for (const Part& part : scenario_.topology.parts) {
                    if (part.name == home_cpu(scenario_.topology, stream.stream->initiator)) {
                        machine_.cpu(part.name).smmu->warm(*leg.mapping, leg.working_set);
                    }
                }
            }
        };
        const auto warm_places = [&](const models::Leg& leg) {
            for (std::size_t i = 0; i < leg.places(); ++i) {
                warm_leg(leg.place(i));
            }
        };
        for (const models::Leg& leg : stream.job.reads) {
            warm_places(leg);
        }
        if (stream.job.write) {
            warm_places(*stream.job.write);
        }
    }

    const Scenario& scenario_;
    const RunListener& listener_;
    AddressPlan plan_;
    Machine machine_;
    StreamPlanner planner_;
    Software software_;
    RunResult result_;
};

} // namespace

RunResult run_scenario(const Scenario& scenario, Fidelity fidelity, const RunListener& listener) {
    return Run(scenario, fidelity, listener).go();
}

} // namespace sim
