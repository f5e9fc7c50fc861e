#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egm/bring_up.h"
#include "models/linux/sim_syscalls.h"
#include "sim/address_plan.h"
#include "sim/scenario.h"

namespace sim {

/// One step of a bring-up, with the simulated time it took.
struct BringUpStep {
    std::string vm;
    std::string step;
    std::string object;
    models::Picoseconds took = 0;
    std::uint64_t times = 1; ///< equal steps in a row are one line
};

/// What a VM's region got.
struct RegionReport {
    std::string cpu; ///< part whose memory it is
    int pxm = -1;
    std::uint64_t file_offset = 0;
    std::uint64_t size = 0;
    egm::Hva hva;
    egm::Ipa ipa;
    egm::Spa spa;                                  ///< of the first byte
    std::map<std::uint64_t, std::uint64_t> blocks; ///< stage-2 entries by block size, once all memory was touched
    std::string why_not_larger;
    std::uint64_t stage2_faults = 0;
    models::Picoseconds first_touch = 0; ///< guest touches every block once: what these faults take
    egm::Losses losses;
    bool dma_mapped = true;
};

struct VmReport {
    std::string name;
    std::vector<std::string> gpus;
    std::vector<RegionReport> regions;
    std::vector<std::string> notes;
    models::Picoseconds bring_up_time = 0;
};

/// The modelled hosts: of each node that has VMs its kernel, and in it the process that brings them up with the EGM
/// logic.
///
/// The calls wait in the SystemC thread that makes them.
class HostOs {
public:
    using StoreOfNode = std::function<models::SparseStore&(const std::string& node)>;

    HostOs(const Scenario& scenario, const AddressPlan& plan, const StoreOfNode& store);
    ~HostOs();

    /// Brings up every VM of the scenario in order. On an error everything is undone, those before it too.
    /// To be called from an SC_THREAD.
    egm::Result<void> bring_up();

    const std::vector<BringUpStep>& steps() const { return steps_; }
    const std::vector<VmReport>& vms() const { return reports_; }
    const std::vector<egm::VirtualMachine>& machines() const { return machines_; }
    /// The kernel that the VM of this number (as in the scenario) runs on.
    models::linux::SimSyscalls& kernel(std::size_t vm = 0) { return *kernel_of_[vm]; }
    /// Ends all VMs; true when nothing stays open, mapped or pinned.
    bool shut_down();

private:
    class SystemcClock;
    class Recorder;

    egm::Result<void> bring_up_one(const VmSetup& setup, models::linux::SimSyscalls& kernel);
    VmReport report(const VmSetup& setup, const egm::VirtualMachine& vm, models::linux::SimSyscalls& kernel);

    const Scenario& scenario_;
    const AddressPlan& plan_;
    std::unique_ptr<SystemcClock> clock_;
    std::map<std::string, std::unique_ptr<models::linux::SimSyscalls>> kernels_; ///< by node
    std::vector<models::linux::SimSyscalls*> kernel_of_;                         ///< by VM of the scenario
    std::vector<BringUpStep> steps_;
    std::vector<VmReport> reports_;
    std::vector<egm::VirtualMachine> machines_;
};

} // namespace sim
