#include "sim/mappings.h"
#include "sim/stream_planner_parts.h"

namespace sim {

using models::Leg;

/// Messages to another ideal end point.
PlannedStream StreamPlanner::plan_end_point(const Stream& stream) {
    PlannedStream planned;
    planned.stream = &stream;
    planned.end_point = &machine_.end_point(stream.initiator);
    planned.job.name = stream.name;
    planned.job.burst_bytes = stream.burst_bytes;
    planned.job.write_window = 1ull << 62;
    planned.window = "nothing of its own";
    Leg leg;
    leg.write = true;
    leg.aperture = models::Aperture::kFabric;
    leg.destination = leg.memory = static_cast<std::uint16_t>(*part_index(scenario_.topology, stream.target.part));
    leg.granule = static_cast<std::uint32_t>(stream.packet_bytes);
    planned.job.write = std::move(leg);
    return planned;
}

/// The window of a multicast group: its addresses count from the begin of each member's HBM, and the GPU's own page
/// tables map it.
Leg StreamPlanner::multicast_leg(const Stream& stream, const LegPath& path, bool write, PlannedStream& planned) {
    Leg leg;
    leg.write = write;
    leg.aperture = path.aperture;
    leg.destination = static_cast<std::uint16_t>(path.destination);
    leg.memory = static_cast<std::uint16_t>(path.memory);
    leg.group = machine_.multicast_group(stream.group);
    leg.postable = write;
    leg.granule = static_cast<std::uint32_t>(machine_.gpu(stream.initiator).spec->payload_bytes);
    leg.working_set = stream.working_set_bytes;
    planned.mappings.push_back(
        std::make_unique<LinearMapping>(++spaces_, models::Mapping::Tables::kOwn, 0, 0, kGpuPageBytes));
    leg.mapping = planned.mappings.back().get();
    return leg;
}

} // namespace sim
