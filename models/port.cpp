#include "models/port.h"

namespace models {

Component::Port::Port(const std::string& name, Component& owner, unsigned index)
    : owner_(owner), index_(index), in((name + "_in").c_str()), out((name + "_out").c_str()) {
    in.bind(static_cast<tlm::tlm_fw_transport_if<>&>(*this));
    out.bind(static_cast<tlm::tlm_bw_transport_if<>&>(*this));
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

void Component::end_of_elaboration() {
    for (const auto& port : ports_) {
        ways_.push_back({port->out.operator->(), port->in.operator->()});
    }
}

unsigned Component::debug(unsigned port, Payload& payload) {
    if (auto* path = payload.get_extension<PathTrace>()) {
        if (path->components != 0) {
            --path->components;
            trace(port, payload, *path);
            ++path->components; // for the other ways of whoever has sent it here
        }
        return 0;
    }
    return access(port, payload);
}

} // namespace models
