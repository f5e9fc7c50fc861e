#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "models/cpu_fabric.h"
#include "models/cpu_mmu.h"
#include "models/end_point.h"
#include "models/engine.h"
#include "models/gmmu.h"
#include "models/gpu_hub.h"
#include "models/link.h"
#include "models/memory.h"
#include "models/nic.h"
#include "models/nvswitch.h"
#include "models/smmu.h"
#include "sim/address_plan.h"
#include "sim/routing.h"
#include "sim/scenario.h"
#include "sim/topology.h"

namespace sim {

/// Something that can limit a stream: a server (busy for a share of the time) or a pool of requests in flight (waited
/// for during a share of the time).
struct Resource {
    std::string name;
    Trust trust;
    const models::Server* server = nullptr;
    const models::CreditPool* pool = nullptr;
    const models::Gmmu* translations = nullptr;
    std::string of = {}; ///< the part or link that it belongs to: "c2c0" of "c2c0 grace0>hopper0"

    /// Time up to `now` that it was busy or waited for.
    models::Picoseconds busy_until(models::Picoseconds now) const;
};

/// A topology turned into SystemC modules, with their sockets joined and their routes set. Build it before the
/// simulation starts; there is one machine to a process, as there is one SystemC kernel.
class Machine {
public:
    struct Cpu {
        const models::CpuSpec* spec;
        std::unique_ptr<models::CpuFabric> fabric;
        std::unique_ptr<models::CpuMmu> mmu;
        std::unique_ptr<models::Engine> cores;
        std::unique_ptr<models::Smmu> smmu;
    };
    struct Gpu {
        const models::GpuSpec* spec;
        std::unique_ptr<models::GpuHub> hub;
        std::unique_ptr<models::Gmmu> gmmu;
        std::unique_ptr<models::Engine> sm;
        std::unique_ptr<models::Engine> copy_engine;
        models::Server copy_local; ///< gates of the copy engines
        models::Server copy_system_read;
        models::Server copy_system_write;
        models::Server copy_fabric;
        std::string cpu; ///< part whose socket it belongs to
    };
    struct Nic {
        const models::NicSpec* spec;
        std::unique_ptr<models::NicPort> port;
        std::unique_ptr<models::Gmmu> mmu;
        std::unique_ptr<models::Engine> engine;
        models::Server wire;
        std::string cpu;
    };

    /// Precondition: `topology` was checked. It must outlive the machine.
    Machine(const Topology& topology, const AddressPlan& plan);
    ~Machine();

    const Topology& topology() const { return topology_; }
    const AddressPlan& plan() const { return plan_; }
    const Routing& routing() const { return routing_; }
    models::EventQueue& events() { return *events_; }
    /// The bytes of a node, by its own physical addresses. Precondition: the machine has this node.
    models::SparseStore& store(const std::string& node = {}) { return *stores_.at(node); }
    std::uint64_t crossings() const; ///< bursts over links so far, one for each link
    std::size_t packets_in_flight() const { return packets_.in_flight(); }

    Cpu& cpu(const std::string& part) { return cpus_.at(part); }
    Gpu& gpu(const std::string& part) { return gpus_.at(part); }
    Nic& nic(const std::string& part) { return nics_.at(part); }
    models::Memory& memory(const std::string& part) { return *memories_.at(part); }
    /// In the order of the topology.
    const std::vector<std::unique_ptr<models::Link>>& links() const { return links_; }
    bool has_gpu(const std::string& part) const { return gpus_.count(part) != 0; }

    models::EndPoint& end_point(const std::string& part) { return *end_points_.at(part); }
    /// The number of the multicast group of these GPUs, which every switch that they hang on then knows. Precondition:
    /// `multicast_problem` has none.
    std::uint16_t multicast_group(const std::vector<std::string>& gpus);

    const std::vector<Resource>& resources() const { return resources_; }
    /// Number of the resource that is this server or pool. Precondition: there is one.
    std::uint32_t index_of(const void* server_or_pool) const { return resource_index_.at(server_or_pool); }
    /// Numbers of the limits on requests in flight of a part.
    const std::vector<std::uint32_t>& pools_of(const std::string& part) const;
    /// Routes of the NVLink fabric follow `routing`, at once and everywhere; what has no way any more is turned round.
    void set_fabric_routes(const Routing& routing);
    /// Of all hubs, so far.
    models::LostPackets lost_posted_writes() const;
    models::Link& link(std::size_t index) { return *links_[index]; }
    /// The module of a part that passes packets on; null for a memory.
    models::Router* router(const std::string& part);

    /// How far to trust the figures of a part or link, and whether a packet crosses from one chip to another in it.
    struct Provenance {
        Trust trust = Trust::kCalibrated;
        bool crossing = false;
        std::string entry;   ///< of the file: a range stands there once
        unsigned number = 0; ///< of the entry, from 1
    };
    /// Of the part or link of this name; of another name, what lowers nothing.
    const Provenance& provenance(const std::string& name) const;
    const Provenance& provenance(std::uint32_t resource) const { return *provenance_of_[resource]; }
    unsigned entries() const { return entries_; } ///< highest `Provenance::number`

    /// Lets tenants share resources as the scenario says. Before the simulation starts.
    void set_sharing(const Scenario& scenario);

    /// Packets are under way and nothing is left to happen: they wait for each other for ever.
    bool is_stuck() const { return events_->pending() == 0 && packets_.in_flight() != 0; }
    /// Where packets wait for room that never comes, in words.
    std::string blocked_ports() const;

    /// Forgets all translations: another software set-up begins.
    void flush_translations();

private:
    void build_part(std::size_t index);
    void build_link(std::size_t index);
    void attach(std::size_t index);
    void join_smmus();
    void set_routes();
    void set_route(std::size_t part, models::Router& router, models::Aperture network, std::size_t destination,
                   const std::vector<models::Router::Hop>& ports);
    std::vector<std::string> edges_of(std::size_t part) const;
    std::vector<std::string> smmu_devices(const std::string& cpu) const;
    void add(const models::Server& server, Trust trust);
    void add(const models::CreditPool& pool, Trust trust);

    const Topology& topology_;
    const AddressPlan& plan_;
    const Routing routing_;
    std::map<std::string, std::unique_ptr<models::SparseStore>> stores_; ///< by node
    std::map<std::string, std::vector<std::string>> devices_of_;         ///< GPUs and NICs by CPU, in file order
    models::PacketPool packets_;
    std::unique_ptr<models::EventQueue> events_;
    std::map<std::string, Cpu> cpus_;
    std::map<std::string, Gpu> gpus_;
    std::map<std::string, Nic> nics_;
    std::map<std::string, std::unique_ptr<models::NvSwitch>> switches_;
    std::map<std::string, std::unique_ptr<models::EndPoint>> end_points_;
    std::map<std::vector<std::string>, std::uint16_t> groups_; ///< by their GPUs
    std::map<std::string, std::unique_ptr<models::Memory>> memories_;
    std::vector<std::unique_ptr<models::Link>> links_;
    std::map<std::pair<std::string, std::string>, unsigned> ports_; ///< (router part, link or attached part) -> port
    std::vector<std::size_t> numbers_;                              ///< of each part among those of its kind
    std::vector<Resource> resources_;
    std::unordered_map<const void*, std::uint32_t> resource_index_;     ///< by server or pool
    std::unordered_map<std::string, std::vector<std::uint32_t>> pools_; ///< by part
    std::unordered_map<std::string, Provenance> provenance_;
    std::vector<const Provenance*> provenance_of_; ///< by resource
    unsigned entries_ = 0;
};

} // namespace sim
