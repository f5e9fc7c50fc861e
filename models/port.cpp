#include "models/port.h"

namespace models {

Component::Port::Port(const std::string& name, Component& component, unsigned index)
    : in((name + "_in").c_str()), out((name + "_out").c_str()), component_(component), index_(index) {
    in.bind(static_cast<tlm::tlm_fw_transport_if<>&>(*this));
    out.bind(static_cast<tlm::tlm_bw_transport_if<>&>(*this));
}

void Component::Port::b_transport(Payload& payload, sc_core::sc_time&) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    assert(false && "our components are approximately timed");
}

unsigned Component::add_port(const std::string& name) {
    const auto index = static_cast<unsigned>(ports_.size());
    ports_.push_back(std::make_unique<Port>(name, *this, index));
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

unsigned Component::debug(unsigned port, Payload& payload) {
    if (auto* path = payload.get_extension<PathTrace>()) {
        trace(port, payload, *path);
        return 0;
    }
    return access(port, payload);
}

} // namespace models
