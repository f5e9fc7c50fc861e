// A module of somebody else at the end of our link, by plain TLM-2.0 sockets: does it see the time that it should?
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include "models/link.h"

namespace {

using models::Payload;
using models::Picoseconds;

/// Answers each request when its annotated delay is over, by the kernel's time. Knows nothing of event queues.
class ForeignMemory final : public sc_core::sc_module {
public:
    tlm_utils::simple_target_socket<ForeignMemory> in{"in"};
    tlm_utils::simple_initiator_socket<ForeignMemory> out{"out"};
    std::vector<Picoseconds> seen; ///< when each request's first byte was there

    explicit ForeignMemory(const sc_core::sc_module_name& name) : sc_module(name) {
        in.register_nb_transport_fw(this, &ForeignMemory::request);
        out.register_nb_transport_bw(this, &ForeignMemory::response);
    }

private:
    tlm::tlm_sync_enum request(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
        seen.push_back((sc_core::sc_time_stamp() + delay).value());
        phase = tlm::END_REQ;
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        tlm::tlm_phase answer = tlm::BEGIN_RESP;
        sc_core::sc_time when = delay;
        in->nb_transport_bw(payload, answer, when);
        return tlm::TLM_UPDATED;
    }
    tlm::tlm_sync_enum response(Payload&, tlm::tlm_phase&, sc_core::sc_time&) {
        ADD_FAILURE() << "it asks nobody";
        return tlm::TLM_COMPLETED;
    }
};

TEST_F(SimTest, ForeignModuleSeesEachRequestAtItsTime) {
    const models::LinkSpec spec{.line_bytes_per_second = 1'000'000'000, .latency = ns(100), .write_header_bytes = 0};
    test::Asker gpu("gpu", events, packets);
    models::Link near("near", events, spec);
    models::Link far("far", events, spec);
    ForeignMemory memory("memory");
    models::Component::join(gpu, 0, near, 0);
    models::Component::join(near, 1, far, 0);
    far.port(1).out.bind(memory.in);
    memory.out.bind(far.port(1).in);
    simulate([&] {
        for (int i = 0; i < 3; ++i) {
            gpu.send(gpu.write(64)); // 64 ns each on the first link
        }
    });
    EXPECT_THAT(memory.seen, testing::ElementsAre(ns(200), ns(264), ns(328)));
    EXPECT_EQ(gpu.answered(), 3u);
    EXPECT_EQ(gpu.last(), ns(328 + 64 + 200));
}

} // namespace
