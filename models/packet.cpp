#include "models/packet.h"

namespace models {

Payload& PacketPool::take(tlm::tlm_command command, std::uint64_t address, std::uint64_t bytes) {
    if (idle_.empty()) {
        all_.push_back(std::make_unique<Packet>(this));
        idle_.push_back(all_.back().get());
    }
    Packet& payload = *idle_.back();
    idle_.pop_back();
    payload.transit = Transit{};
    payload.acquire();
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(nullptr);
    payload.set_data_length(static_cast<unsigned>(bytes));
    payload.set_streaming_width(static_cast<unsigned>(bytes));
    payload.set_byte_enable_ptr(nullptr);
    payload.set_dmi_allowed(false);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    return payload;
}

void PacketPool::free(Payload* payload) { idle_.push_back(static_cast<Packet*>(payload)); }

} // namespace models
