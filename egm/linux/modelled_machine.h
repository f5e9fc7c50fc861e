#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "egm/linux/machine.h"

namespace egm {

/// What --on, --kernel and --fault say.
struct ModelRequest {
    std::string topology;            ///< the name of a shipped machine, or a file
    std::string kernel;              ///< "egm=E2,vfio=6.18,page_size=64KiB": the words of a scenario's `kernel:`
    std::vector<std::string> faults; ///< "retired_pages=grace0,offsets=[1GiB]": the words of a scenario's `faults:`
};

/// The modelled kernel (models/linux) of the host that a topology describes, with a clock that only counts. The machine
/// is there from its firmware's tables to its device nodes; nothing of this host is touched.
///
/// Null when the request is faulty; every fault is then told on `complaints`, with its file and line.
std::unique_ptr<Machine> make_modelled_machine(const ModelRequest& request, std::ostream& complaints);

} // namespace egm
