#pragma once

#include "models/specs.h"
#include "sim/fields.h"

namespace sim {

/// The keys of each part's figures: a field's name without its unit, `read_bandwidth` for `read_bytes_per_second`.
///
/// Each overload reads what is there into `spec`; with `complete`, figures that the model cannot do without are
/// reported when absent. A preset may be incomplete, a part in a machine may not. docs/topologies.md lists every key.
void read_spec(Fields& fields, models::MemorySpec& spec, bool complete);
void read_spec(Fields& fields, models::CpuSpec& spec, bool complete);
void read_spec(Fields& fields, models::GpuSpec& spec, bool complete);
void read_spec(Fields& fields, models::SwitchSpec& spec, bool complete);
void read_spec(Fields& fields, models::NicSpec& spec, bool complete);
void read_spec(Fields& fields, models::EndPointSpec& spec, bool complete);
void read_spec(Fields& fields, models::LinkSpec& spec, bool complete);

} // namespace sim
