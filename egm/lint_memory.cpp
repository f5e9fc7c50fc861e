#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/guest_layout.h"
#include "egm/lint_rules.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

constexpr std::string_view kEgmPath = "/dev/egm";

int pxm_of(const DescribedBackend& backend) {
    return backend.path.starts_with(kEgmPath) ? parse_number(std::string_view(backend.path).substr(kEgmPath.size()))
                                              : -1;
}

void check_size(const LintCase& lint, const DescribedBackend& backend, const CarveoutInfo& carveout) {
    const std::uint64_t page = lint.machine.page_size;
    if (backend.size == 0)
        return; // not said, or a variable: told when it was read
    const std::string has = fmt::format("{} has {}", backend.path, in_binary_units(carveout.size));
    if (backend.size > carveout.size || backend.offset > carveout.size - backend.size)
        lint.error(backend.place, fmt::format("{}, and {} are asked of it", has, in_binary_units(backend.size)),
                   "give at most " + in_binary_units(carveout.size));
    else if (!is_aligned(backend.size, page))
        lint.error(backend.place,
                   fmt::format("{} are no multiple of the host's page, {}", in_binary_units(backend.size),
                               in_binary_units(page)),
                   "give whole pages");
    else if (backend.size < carveout.size)
        lint.warning(backend.place,
                     fmt::format("{}, and {} of it stay unused", has, in_binary_units(carveout.size - backend.size)),
                     "products give a VM all of it; QEMU versions that do not cut off retired memory behind the node "
                     "need that too");
}

void check_mapping(const LintCase& lint, const DescribedBackend& backend) {
    if (backend.offset != 0)
        lint.error(backend.place,
                   fmt::format("{} is used from offset {:#x}: the GPUs count from its beginning, and would touch other "
                               "memory than the CPUs",
                               backend.path, backend.offset),
                   "leave out the offset");
    if (!backend.share)
        lint.error(backend.place,
                   "the mapping of " + backend.path + " is private: the guest would write to copies of its pages",
                   "say share=on");
    if (!backend.prealloc)
        lint.note(backend.place, "the memory of " + backend.path + " is not preallocated", "products say prealloc=on");
    const std::uint64_t block = block_size_max(lint.machine.page_size);
    if (backend.align != 0 && !std::has_single_bit(backend.align))
        lint.error(backend.place, in_binary_units(backend.align) + " as align is no power of two",
                   fmt::format("say align={}M", block / kMiB));
    else if (backend.can_align && backend.align < block)
        lint.warning(backend.place,
                     fmt::format("{} is mapped at a multiple of {} only: KVM then finds no place for blocks of {}",
                                 backend.path, in_binary_units(std::max(backend.align, lint.machine.page_size)),
                                 in_binary_units(block)),
                     fmt::format("say align={}M", block / kMiB));
}

/// Where each node with memory begins; none when a size is unknown.
std::map<int, Ipa> node_bases(const LintCase& lint) {
    std::map<int, std::uint64_t> sizes;
    for (const DescribedNode& node : lint.vm.nodes)
        if (const DescribedBackend* backend = lint.backend(node.backend))
            sizes[node.number] = backend->size;
    std::map<int, Ipa> bases;
    Ipa next = kGuestRamBase;
    for (const auto& [number, size] : sizes) {
        if (size == 0 || size > kTiB * 1024)
            return {};
        bases[number] = next;
        next = next + size;
    }
    return bases;
}

void check_alignment(const LintCase& lint) {
    const std::uint64_t block = block_size_max(lint.machine.page_size);
    for (const auto& [number, base] : node_bases(lint)) {
        const DescribedNode* node = lint.node(number);
        if (is_aligned(base.value, block) || lint.carveout_of_node(number) == nullptr)
            continue;
        const SlotPlacement slot{.page_size = lint.machine.page_size,
                                 .hva = Hva{0},
                                 .ipa = base,
                                 .size = align_down(lint.backend(node->backend)->size, lint.machine.page_size)};
        if (!is_aligned(base.value, lint.machine.page_size))
            continue; // the size in front of it is the fault
        lint.warning(node->place,
                     fmt::format("node {} begins at {:#x}, no multiple of {}: its largest block is {}", number,
                                 base.value, in_binary_units(block), in_binary_units(largest_block(slot).block)),
                     "give the nodes in front of it sizes that are multiples of " + in_binary_units(block) +
                         ", or put it first");
    }
}

void check_numbers(const LintCase& lint) {
    std::set<int> numbers;
    for (const DescribedNode& node : lint.vm.nodes) {
        if (node.number < 0)
            continue; // told when it was read
        if (!numbers.insert(node.number).second)
            lint.error(node.place, fmt::format("node {} is there twice", node.number), "number each node once");
    }
    if (!numbers.empty() && *numbers.rbegin() != int(numbers.size()) - 1) {
        int missing = 0;
        while (numbers.contains(missing))
            ++missing;
        lint.error(lint.vm.nodes.front().place, fmt::format("there is no node {}", missing),
                   "number the nodes from 0 without gaps");
    }
}

void check_order(const LintCase& lint) {
    std::set<int> initiators;
    for (const DescribedLink& link : lint.vm.initiators)
        initiators.insert(link.node);
    if (initiators.empty())
        return;
    for (const DescribedNode& node : lint.vm.nodes)
        if (node.has_cpus && node.number > *initiators.begin())
            lint.error(node.place,
                       fmt::format("node {} has CPUs and comes behind initiator node {}: Linux numbers nodes with CPUs "
                                   "first, and the GPUs' nodes would be others",
                                   node.number, *initiators.begin()),
                       "nodes with CPUs, then initiators, then nodes with memory alone");
}

void check_sum(const LintCase& lint) {
    std::uint64_t sum = 0;
    bool known = !lint.vm.nodes.empty() && lint.vm.memory.has_value();
    for (const DescribedNode& node : lint.vm.nodes)
        if (!node.backend.empty()) {
            const DescribedBackend* backend = lint.backend(node.backend);
            known = known && backend != nullptr && backend->size != 0 && sum <= ~0ull - backend->size;
            sum += known ? backend->size : 0;
        }
    if (known && sum != 0 && sum != *lint.vm.memory)
        lint.error(
            lint.vm.memory_place,
            fmt::format("the VM has {}, and its nodes have {}", in_binary_units(*lint.vm.memory), in_binary_units(sum)),
            "make them equal: all memory of a VM with EGM is EGM");
}

} // namespace

bool is_egm(const DescribedBackend& backend) { return pxm_of(backend) >= 0; }

const CarveoutInfo* LintCase::carveout_of_backend(const DescribedBackend& backend) const {
    return find_carveout(machine.carveouts, pxm_of(backend));
}

void check_backends(const LintCase& lint) {
    std::map<std::string, std::string> used; ///< backend by path
    for (const DescribedBackend& backend : lint.vm.backends) {
        if (!is_egm(backend))
            continue;
        if (const auto [first, fresh] = used.emplace(backend.path, backend.id); !fresh)
            lint.error(backend.place, backend.path + " is used twice: a carveout is one node",
                       "merge it with \"" + first->second + "\"");
        if (const CarveoutInfo* carveout = lint.carveout_of_backend(backend))
            check_size(lint, backend, *carveout);
        else
            lint.error(backend.place, "this machine has no " + backend.path, "\"egmctl list\" shows what it has");
        check_mapping(lint, backend);
        if (std::none_of(lint.vm.nodes.begin(), lint.vm.nodes.end(),
                         [&](const DescribedNode& node) { return node.backend == backend.id; }))
            lint.error(backend.place, backend.path + " is no node's memory", "say -numa node,memdev=" + backend.id);
    }
}

void check_nodes(const LintCase& lint) {
    std::set<std::string> backends;
    for (const DescribedNode& node : lint.vm.nodes) {
        if (node.backend.empty())
            continue;
        if (lint.backend(node.backend) == nullptr)
            lint.error(node.place, "there is no memory backend \"" + node.backend + "\"", "name one of the VM's");
        else if (!backends.insert(node.backend).second)
            lint.error(node.place, "backend \"" + node.backend + "\" is the memory of two nodes",
                       "give each node its own");
    }
    check_numbers(lint);
    check_order(lint);
    check_sum(lint);
    check_alignment(lint);
}

} // namespace egm
