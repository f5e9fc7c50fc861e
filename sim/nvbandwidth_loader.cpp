#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/nvbandwidth.h"

namespace sim {
namespace {

constexpr std::uint64_t kMiB = 1ull << 20;
constexpr std::size_t kGpusMax = 256; // of one matrix

std::vector<std::string> test_names() {
    std::vector<std::string> names{"all"};
    for (const NvbandwidthTest& test : nvbandwidth_tests()) {
        names.emplace_back(test.name);
    }
    return names;
}

NvbandwidthRequest read_request(Fields& fields, const Topology* topology) {
    NvbandwidthRequest request;
    request.where = fields.where();
    const YamlNode& tests = *fields.node("nvbandwidth");
    const std::vector<YamlNode> named = tests.is_sequence() ? tests.items : std::vector<YamlNode>{tests};
    for (const YamlNode& name : named) {
        const NvbandwidthTest* test = name.is_scalar() ? find_nvbandwidth_test(name.text) : nullptr;
        if (name.is_scalar() && name.text == "all") {
            for (const NvbandwidthTest& each : nvbandwidth_tests()) {
                request.tests.push_back(&each);
            }
        } else if (test == nullptr) {
            fields.diagnostics().error(name.where,
                                       fmt::format("nvbandwidth: {} is no test case",
                                                   name.is_scalar() ? in_quotes(name.text) : std::string("that")),
                                       suggest(name.text, test_names()));
        } else if (std::find(request.tests.begin(), request.tests.end(), test) != request.tests.end()) {
            fields.diagnostics().error(name.where, fmt::format("nvbandwidth: {} is named twice", name.text));
        } else {
            request.tests.push_back(test);
        }
    }
    if (named.empty()) {
        fields.error("nvbandwidth", "names no test case", "write \"nvbandwidth: all\"");
    }
    if (const YamlNode* gpus = fields.node("gpus")) {
        for (const YamlNode& gpu : gpus->is_sequence() ? gpus->items : std::vector<YamlNode>{*gpus}) {
            if (!check_part(gpu, "nvbandwidth: gpus", PartClass::kGpu, topology, fields.diagnostics())) {
                continue;
            }
            if (std::find(request.gpus.begin(), request.gpus.end(), gpu.text) != request.gpus.end()) {
                fields.diagnostics().error(gpu.where, fmt::format("nvbandwidth: gpus: {} is named twice", gpu.text));
            }
            request.gpus.push_back(gpu.text);
        }
    }
    fields.text("vm", request.vm);
    fields.size("buffer_size", request.buffer_bytes, {.min = kMiB, .max = 1ull << 36, .likely = "MiB"});
    fields.choice("pairs", request.distinct, {{"distinct", true}, {"all", false}});
    fields.finish();
    return request;
}

/// Those of the list; else of the VM; else of the machine, of its first node for the tests of one node.
std::vector<std::string> gpus_of(const NvbandwidthRequest& request, bool multinode, const SoftwareSetup* software,
                                 const Topology& topology) {
    if (!request.gpus.empty()) {
        return request.gpus;
    }
    if (software != nullptr) {
        for (const VmSetup& vm : software->vms) {
            if (request.vm.empty() ? !vm.gpus.empty() : vm.name == request.vm) {
                return vm.gpus;
            }
        }
    }
    std::vector<std::string> gpus;
    for (const Part& part : topology.parts) {
        if (std::holds_alternative<models::GpuSpec>(part.spec) &&
            (multinode || part.node == topology.nodes().front())) {
            gpus.push_back(part.name);
        }
    }
    return gpus;
}

} // namespace

std::vector<StreamGroup> read_nvbandwidth(const YamlNode& entry, const SoftwareSetup* software,
                                          const Topology* topology, std::size_t& room, Diagnostics& diagnostics) {
    const std::size_t errors_before = diagnostics.errors();
    Fields fields(entry, "nvbandwidth", diagnostics);
    const NvbandwidthRequest request = read_request(fields, topology);
    std::vector<StreamGroup> groups;
    if (topology == nullptr || diagnostics.errors() != errors_before) {
        return groups;
    }
    NvbandwidthMaker maker(request, software, *topology, room, diagnostics);
    for (const NvbandwidthTest* test : request.tests) {
        std::vector<std::string> gpus = gpus_of(request, test->multinode, software, *topology);
        if (gpus.size() > kGpusMax) {
            diagnostics.error(
                fields.where("gpus"),
                fmt::format("nvbandwidth: {}: {} GPUs; a matrix has {} at most", test->name, gpus.size(), kGpusMax),
                "name some of them in \"gpus: [...]\"");
            break;
        }
        for (StreamGroup& group : maker.make(*test, std::move(gpus))) {
            groups.push_back(std::move(group));
        }
        if (diagnostics.errors() != errors_before) {
            break; // the others would say the same
        }
    }
    return groups;
}

} // namespace sim
