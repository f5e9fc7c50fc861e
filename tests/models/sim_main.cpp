// GoogleTest inside SystemC: tests run where a program's `sc_main` would.
#include "tests/models/sim_test.h"

#include <cstdlib>
#include <memory>

namespace {

class Thread final : public sc_core::sc_module {
public:
    Thread(const sc_core::sc_module_name& name, std::function<void()> act) : sc_module(name), act_(std::move(act)) {
        SC_HAS_PROCESS(Thread);
        SC_THREAD(run);
        set_stack_size(1 << 20);
    }
    bool finished = false;

private:
    void run() {
        act_();
        finished = true;
    }

    std::function<void()> act_;
};

void report(const sc_core::sc_report& what, const sc_core::sc_actions& actions) {
    if (what.get_severity() >= sc_core::SC_WARNING) {
        ADD_FAILURE() << "SystemC: " << what.get_msg_type() << ": " << what.get_msg();
    }
    if (what.get_severity() >= sc_core::SC_ERROR) {
        sc_core::sc_report_handler::default_handler(what, actions);
    }
}

} // namespace

SimTest::SimTest() { sc_core::sc_report_handler::set_handler(report); }

SimTest::~SimTest() { EXPECT_EQ(events.pending(), 0u) << "something was to happen that never did"; }

void SimTest::simulate(std::vector<std::function<void()>> threads) {
    std::vector<std::unique_ptr<Thread>> modules;
    for (auto& thread : threads) {
        const std::string name = "thread" + std::to_string(modules.size());
        modules.push_back(std::make_unique<Thread>(name.c_str(), std::move(thread)));
    }
    sc_core::sc_start();
    for (const auto& module : modules) {
        EXPECT_TRUE(module->finished) << module->basename() << " never finished";
    }
}

int sc_main(int argc, char* argv[]) {
    testing::InitGoogleMock(&argc, argv);
    return RUN_ALL_TESTS();
}

int main(int argc, char* argv[]) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    return sc_core::sc_elab_and_sim(argc, argv);
}
