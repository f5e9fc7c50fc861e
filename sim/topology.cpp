#include "sim/topology.h"

namespace sim {

const Part* Topology::find(const std::string& name) const {
    for (const Part& part : parts) {
        if (part.name == name) {
            return &part;
        }
    }
    return nullptr;
}

} // namespace sim
