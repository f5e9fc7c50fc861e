#include "models/port.h"

namespace models {

unsigned Component::add_port(const std::string& name) {
    const auto index = static_cast<unsigned>(ports_.size());
    ports_.push_back(std::make_unique<Port>(name));
    Port& port = *ports_.back();
    port.in.register_nb_transport_fw(this, &Component::forward, static_cast<int>(index));
    port.in.register_transport_dbg(this, &Component::debug, static_cast<int>(index));
    port.out.register_nb_transport_bw(this, &Component::backward, static_cast<int>(index));
    return index;
}

void Component::join(Component& left, unsigned a, Component& right, unsigned b) {
    left.port(a).out.bind(right.port(b).in);
    right.port(b).out.bind(left.port(a).in);
    left.port(a).peer = right.basename();
    right.port(b).peer = left.basename();
    left.joined(a, right);
    right.joined(b, left);
}

tlm::tlm_sync_enum Component::forward(int port, Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    assert(phase == tlm::BEGIN_REQ);
    request(static_cast<unsigned>(port), payload, delay.value());
    phase = tlm::END_REQ;
    return tlm::TLM_UPDATED;
}

tlm::tlm_sync_enum Component::backward(int port, Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    assert(phase == tlm::BEGIN_RESP);
    (void)phase;
    response(static_cast<unsigned>(port), payload, delay.value());
    return tlm::TLM_COMPLETED;
}

unsigned Component::debug(int port, Payload& payload) {
    if (auto* path = payload.get_extension<PathTrace>()) {
        trace(static_cast<unsigned>(port), payload, *path);
        return 0;
    }
    return access(static_cast<unsigned>(port), payload);
}

} // namespace models
