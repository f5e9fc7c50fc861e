#include "sim/machine.h"

#include <algorithm>
#include <cassert>

#include "sim/leg_path.h"

namespace sim {

using models::Aperture;

models::Picoseconds Resource::busy_until(models::Picoseconds now) const {
    if (server != nullptr) {
        return server->busy_until(now);
    }
    return pool != nullptr ? pool->blocked_until(now) : translations->blocked_until(now);
}

Machine::Machine(const Topology& topology, const AddressPlan& plan)
    : topology_(topology), plan_(plan), routing_(topology), events_(std::make_unique<models::EventQueue>("events")) {
    for (const std::string& node : topology.nodes()) {
        stores_[node] = std::make_unique<models::SparseStore>();
    }
    for (const Part& part : topology.parts) {
        if (std::holds_alternative<models::GpuSpec>(part.spec) || std::holds_alternative<models::NicSpec>(part.spec)) {
            devices_of_[part.cpu].push_back(part.name);
        }
    }
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        build_part(i);
    }
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        attach(i);
    }
    for (std::size_t i = 0; i < topology.links.size(); ++i) {
        build_link(i);
    }
    join_smmus();
    set_routes();
    for (std::uint32_t i = 0; i < resources_.size(); ++i) {
        Resource& resource = resources_[i];
        resource.of = resource.name.substr(0, resource.name.find(' '));
        if (resource.server == nullptr) {
            pools_[resource.of].push_back(i);
        }
    }
    std::map<std::string, unsigned> numbers;
    const auto number_of = [&](const std::string& entry) {
        const auto [known, fresh] = numbers.try_emplace(entry, entries_ + 1);
        entries_ += fresh;
        return known->second;
    };
    for (const Part& part : topology.parts) {
        provenance_[part.name] = {part.trust, std::holds_alternative<models::SwitchSpec>(part.spec), part.entry,
                                  number_of(part.entry)};
    }
    for (const Link& link : topology.links) {
        provenance_[link.name] = {link.trust, true, link.entry, number_of(link.entry)};
    }
    for (const Resource& resource : resources_) {
        provenance_of_.push_back(&provenance(resource.of));
    }
}

/// SystemC looks for a port that goes from the newest one back, so they go in that order.
Machine::~Machine() {
    while (!links_.empty()) {
        links_.pop_back();
    }
    for (auto part = topology_.parts.rbegin(); part != topology_.parts.rend(); ++part) {
        switches_.erase(part->name);
        nics_.erase(part->name);
        memories_.erase(part->name);
        gpus_.erase(part->name);
        cpus_.erase(part->name);
    }
}

void Machine::add(const models::Server& server, Trust trust) {
    resource_index_.emplace(&server, static_cast<std::uint32_t>(resources_.size()));
    resources_.push_back({server.name(), trust, &server});
}

void Machine::add(const models::CreditPool& pool, Trust trust) {
    if (pool.limited()) {
        resource_index_.emplace(&pool, static_cast<std::uint32_t>(resources_.size()));
        resources_.push_back({pool.name(), trust, nullptr, &pool});
    }
}

/// The edges of a part that are not its memory: links in file order, then NICs that sit on it.
std::vector<std::string> Machine::edges_of(std::size_t part) const {
    std::vector<std::string> edges;
    for (const auto& near : routing_.graph().neighbours(part)) {
        edges.push_back(topology_.links[near.link].name);
    }
    for (const std::uint32_t other : routing_.graph().sitting_on(part)) {
        if (std::holds_alternative<models::NicSpec>(topology_.parts[other].spec)) {
            edges.push_back(topology_.parts[other].name);
        }
    }
    return edges;
}

/// Devices whose translations the SMMU of `cpu` serves.
std::vector<std::string> Machine::smmu_devices(const std::string& cpu) const {
    std::vector<std::string> devices;
    const auto mine = devices_of_.find(cpu);
    if (mine == devices_of_.end()) {
        return devices;
    }
    const bool ats = std::get<models::CpuSpec>(topology_.find(cpu)->spec).ats;
    for (const std::string& device : mine->second) {
        if (ats || std::holds_alternative<models::NicSpec>(topology_.find(device)->spec)) {
            devices.push_back(device);
        }
    }
    return devices;
}

/// The one place that turns kinds into modules.
void Machine::build_part(std::size_t index) {
    const Part& part = topology_.parts[index];
    const char* name = part.name.c_str();
    const auto named = [&](const char* suffix) { return part.name + suffix; };
    const std::vector<std::string> edges = edges_of(index);
    unsigned port = 0;
    if (const auto* spec = std::get_if<models::CpuSpec>(&part.spec)) {
        Cpu& cpu = cpus_[part.name];
        cpu.spec = spec;
        cpu.fabric = std::make_unique<models::CpuFabric>(name, *events_, *spec, edges);
        cpu.mmu = std::make_unique<models::CpuMmu>(*spec);
        cpu.cores = std::make_unique<models::Engine>(named("_cores").c_str(), *events_, packets_, *cpu.mmu);
        cpu.smmu =
            std::make_unique<models::Smmu>(named("_smmu").c_str(), *events_, spec->smmu, smmu_devices(part.name));
        models::Component::join(*cpu.cores, 0, *cpu.fabric, models::CpuFabric::kCores);
        port = models::CpuFabric::kFirstLink;
        add(cpu.fabric->remote_reads(), part.trust);
        add(cpu.smmu->walkers(), Trust::kAssumed);
    } else if (const auto* spec = std::get_if<models::GpuSpec>(&part.spec)) {
        Gpu& gpu = gpus_[part.name];
        gpu.spec = spec;
        gpu.cpu = part.cpu;
        gpu.hub = std::make_unique<models::GpuHub>(name, *events_, packets_, *spec, edges);
        const models::Gmmu::Spec mmu{spec->gmmu_tlb_entries, spec->gmmu_walk_latency,
                                     std::max(spec->ats_cache_entries, 1u), spec->ats_request_latency,
                                     std::max(spec->ats_requests_max, 1u)};
        const bool ats = !gpu.cpu.empty() && std::get<models::CpuSpec>(topology_.find(gpu.cpu)->spec).ats;
        gpu.gmmu = std::make_unique<models::Gmmu>(named("_gmmu").c_str(), *events_, packets_, mmu, ats);
        gpu.sm = std::make_unique<models::Engine>(named("_sm").c_str(), *events_, packets_, *gpu.gmmu);
        gpu.copy_engine = std::make_unique<models::Engine>(named("_ce").c_str(), *events_, packets_, *gpu.gmmu);
        models::Component::join(*gpu.sm, 0, *gpu.hub, models::GpuHub::kSm);
        models::Component::join(*gpu.copy_engine, 0, *gpu.hub, models::GpuHub::kCopyEngine);
        port = models::GpuHub::kFirstLink;
        gpu.copy_local = models::Server(named(".ce local copy"));
        gpu.copy_system_read = models::Server(named(".ce reads of CPU memory"));
        gpu.copy_system_write = models::Server(named(".ce writes to CPU memory"));
        gpu.copy_fabric = models::Server(named(".ce transfers over NVLink"));
        for (const auto* gate : {&gpu.copy_local, &gpu.copy_system_read, &gpu.copy_system_write, &gpu.copy_fabric}) {
            add(*gate, part.trust);
        }
        add(gpu.hub->l2(), part.trust);
        add(gpu.hub->l2_crossing(), part.trust);
        add(gpu.hub->inbound(), part.trust);
        add(gpu.hub->system_reads(), part.trust);
        add(gpu.hub->hub_reads(), Trust::kAssumed);
        add(gpu.hub->hub_writes(), Trust::kAssumed);
        add(gpu.hub->posted_writes(), part.trust);
        resources_.push_back(
            {part.name + " ATS requests in flight", Trust::kAssumed, nullptr, nullptr, gpu.gmmu.get()});
    } else if (const auto* spec = std::get_if<models::MemorySpec>(&part.spec)) {
        auto& memory = memories_[part.name];
        memory = std::make_unique<models::Memory>(name, *events_, *spec, store(part.node));
        add(memory->server(), part.trust);
    } else if (const auto* spec = std::get_if<models::SwitchSpec>(&part.spec)) {
        switches_[part.name] = std::make_unique<models::NvSwitch>(name, *events_, *spec, edges);
        port = models::NvSwitch::kFirstLink;
    } else if (const auto* spec = std::get_if<models::NicSpec>(&part.spec)) {
        Nic& nic = nics_[part.name];
        nic.spec = spec;
        nic.cpu = part.cpu;
        nic.port = std::make_unique<models::NicPort>(name, *events_, *spec, edges);
        nic.mmu = std::make_unique<models::Gmmu>(named("_mmu").c_str(), *events_, packets_,
                                                 models::Gmmu::Spec{spec->ats_cache_entries, 0, spec->ats_cache_entries,
                                                                    spec->ats_request_latency, spec->ats_requests_max},
                                                 true);
        nic.engine = std::make_unique<models::Engine>(named("_dma").c_str(), *events_, packets_, *nic.mmu);
        nic.wire = models::Server(named(" port rate"));
        models::Component::join(*nic.engine, 0, *nic.port, models::NicPort::kEngine);
        port = models::NicPort::kFirstLink;
        add(nic.wire, part.trust);
    }
    if (std::holds_alternative<models::EndPointSpec>(part.spec)) {
        std::uint64_t rate = 0;
        for (const auto& near : routing_.graph().neighbours(index)) {
            rate += models::Link::payload_rate(topology_.links[near.link].spec);
        }
        end_points_[part.name] = std::make_unique<models::EndPoint>(name, *events_, packets_, rate, edges);
    }
    for (const std::string& edge : edges) {
        ports_[{part.name, edge}] = port++;
    }
}

/// Memory on its CPU or GPU, a NIC on its CPU.
void Machine::attach(std::size_t index) {
    const Part& part = topology_.parts[index];
    if (part.at.empty()) {
        return;
    }
    if (std::holds_alternative<models::NicSpec>(part.spec)) {
        models::Component::join(*nics_.at(part.name).port, models::NicPort::kHost, *cpus_.at(part.at).fabric,
                                ports_.at({part.at, part.name}));
        ports_[{part.name, part.name}] = models::NicPort::kHost;
    } else {
        const unsigned port = has_gpu(part.at) ? models::GpuHub::kHbm : models::CpuFabric::kMemory;
        models::Component::join(*router(part.at), port, *memories_.at(part.name), 0);
        ports_[{part.at, part.name}] = port;
    }
}

models::Router* Machine::router(const std::string& part) {
    if (const auto found = cpus_.find(part); found != cpus_.end()) {
        return found->second.fabric.get();
    }
    if (const auto found = gpus_.find(part); found != gpus_.end()) {
        return found->second.hub.get();
    }
    if (const auto found = nics_.find(part); found != nics_.end()) {
        return found->second.port.get();
    }
    if (const auto found = end_points_.find(part); found != end_points_.end()) {
        return found->second.get();
    }
    const auto found = switches_.find(part);
    return found == switches_.end() ? nullptr : found->second.get();
}

void Machine::build_link(std::size_t index) {
    const Link& spec = topology_.links[index];
    links_.push_back(std::make_unique<models::Link>(spec.name.c_str(), *events_, spec.spec, spec.a, spec.b));
    models::Link& link = *links_.back();
    models::Component::join(*router(spec.a), ports_.at({spec.a, spec.name}), link, 0);
    models::Component::join(*router(spec.b), ports_.at({spec.b, spec.name}), link, 1);
    add(link.sublink(0), spec.trust);
    add(link.sublink(1), spec.trust);
}

std::uint64_t Machine::crossings() const {
    std::uint64_t sum = 0;
    for (const auto& link : links_) {
        sum += link->sublink(0).turns() + link->sublink(1).turns();
    }
    return sum;
}

/// ATS and DMA translation, and the carveout's base as firmware programs it into each GPU.
void Machine::join_smmus() {
    for (auto& [name, cpu] : cpus_) {
        unsigned port = 0;
        for (const std::string& device : smmu_devices(name)) {
            models::Gmmu& mmu = has_gpu(device) ? *gpus_.at(device).gmmu : *nics_.at(device).mmu;
            models::Component::join(mmu, 0, *cpu.smmu, port++);
        }
    }
    for (auto& [name, gpu] : gpus_) {
        const auto dram = plan_.dram.find(gpu.cpu);
        if (topology_.egm && dram != plan_.dram.end()) {
            gpu.hub->set_egm(dram->second.carveout.begin.value,
                             static_cast<std::uint16_t>(memory_at(topology_, gpu.cpu)));
        }
    }
}

void Machine::set_routes() {
    std::map<std::size_t, std::size_t> counts;
    for (const Part& part : topology_.parts) {
        numbers_.push_back(counts[part.spec.index()]++);
    }
    for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
        const Part& part = topology_.parts[i];
        models::Router* const router = this->router(part.name);
        if (router == nullptr) {
            continue;
        }
        std::map<const Routing::Hop*, std::vector<models::Router::Hop>> ports_of; // many destinations share their hops
        for (const Routing::Route& route : routing_.from(i)) {
            std::vector<models::Router::Hop>& ports = ports_of[route.hops.data()];
            for (std::size_t hop = ports.size(); hop < route.hops.size(); ++hop) {
                const auto& [attachment, edge, weight] = route.hops[hop];
                const std::string& name = attachment ? topology_.parts[edge].name : topology_.links[edge].name;
                ports.push_back({ports_.at({part.name, name}), weight});
            }
            set_route(i, *router, route.network, route.destination, ports);
        }
    }
}

/// Over all of `ports`, or the one that the destination's number names.
void Machine::set_route(std::size_t part, models::Router& router, models::Aperture network, std::size_t destination,
                        const std::vector<models::Router::Hop>& ports) {
    const auto* const chip = std::get_if<models::SwitchSpec>(&topology_.parts[part].spec);
    const auto to = static_cast<std::uint16_t>(destination);
    if (chip != nullptr && chip->by_destination) {
        router.set_route(network, to, {ports[numbers_[destination] % ports.size()]});
    } else {
        router.set_route(network, to, ports);
    }
}

std::uint16_t Machine::multicast_group(const std::vector<std::string>& gpus) {
    assert(multicast_problem(topology_, routing_, gpus).empty());
    const auto [known, fresh] = groups_.try_emplace(gpus, static_cast<std::uint16_t>(groups_.size() + 1));
    if (!fresh) {
        return known->second;
    }
    std::vector<models::NvSwitch::Member> members;
    for (const std::string& gpu : gpus) {
        members.push_back({static_cast<std::uint16_t>(*topology_.index_of(gpu)),
                           static_cast<std::uint16_t>(memory_at(topology_, gpu)), plan_.hbm.at(gpu).begin.value});
    }
    for (const std::string& each : switches_of(topology_, routing_, gpus.front())) {
        switches_.at(each)->set_group(packets_, known->second, members);
    }
    return known->second;
}

const std::vector<std::uint32_t>& Machine::pools_of(const std::string& part) const {
    static const std::vector<std::uint32_t> kNone;
    const auto found = pools_.find(part);
    return found == pools_.end() ? kNone : found->second;
}

const Machine::Provenance& Machine::provenance(const std::string& name) const {
    static const Provenance kNothing;
    const auto found = provenance_.find(name);
    return found == provenance_.end() ? kNothing : found->second;
}

void Machine::flush_translations() {
    for (auto& [name, cpu] : cpus_) {
        cpu.mmu->flush();
        cpu.smmu->flush();
    }
    for (auto& [name, gpu] : gpus_) {
        gpu.gmmu->flush();
    }
    for (auto& [name, nic] : nics_) {
        nic.mmu->flush();
    }
}

} // namespace sim
