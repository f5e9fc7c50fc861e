// Paths without traffic: what one costs, and the bytes at its end.
#include "models/engine_job.h"

namespace models {

template <class Walk>
PathTrace Engine::walk_leg(const Leg& leg, std::uint64_t bytes, unsigned components, Walk walk) {
    const auto leaf = leg.mapping->at(0);
    PathTrace path;
    path.components = components;
    Payload& payload = packet(leg, leaf ? leaf->address : 0, bytes);
    payload.set_extension(&path);
    walk(payload);
    payload.clear_extension(&path);
    payload.release();
    return path;
}

PathTrace Engine::trace_path(const Leg& leg, std::uint64_t bytes, unsigned components) {
    return walk_leg(leg, bytes, components, [&](Payload& payload) { pass_on(0, payload); });
}

PathTrace Engine::trace_part(const Leg& leg, std::uint64_t bytes, Component& from, unsigned port, unsigned components) {
    return walk_leg(leg, bytes, components, [&](Payload& payload) { from.walk(port, payload); });
}

bool Engine::access_bytes(const Leg& leg, std::uint64_t offset, void* data, std::uint64_t size) {
    const auto leaf = leg.mapping->at(offset);
    if (!leaf) {
        return false;
    }
    Payload& payload = packet(leg, leaf->address, size);
    payload.set_data_ptr(static_cast<unsigned char*>(data));
    const bool moved = pass_on(0, payload) == size;
    payload.release();
    return moved;
}

void Engine::trace(unsigned, Payload&, PathTrace&) {}

} // namespace models
