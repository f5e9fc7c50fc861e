#include "sim/nvbandwidth.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/gpu_classes.h"
#include "sim/nvbandwidth_kernels.h"
#include "sim/stream_loader.h"

namespace sim {

using Shape = NvbandwidthTest::Shape;

class NvbandwidthMaker::Impl {
public:
    Impl(const NvbandwidthRequest& request, const SoftwareSetup* software, const Topology& topology, std::size_t& room,
         Diagnostics& diagnostics)
        : request_(request), software_(software), topology_(topology), classes_(topology), room_(room),
          diagnostics_(diagnostics) {}

    std::vector<StreamGroup> make(const NvbandwidthTest& test, std::vector<std::string> gpus) {
        test_ = &test;
        case_ = std::make_shared<NvbandwidthCase>();
        case_->test = &test;
        case_->gpus = std::move(gpus);
        groups_.clear();
        group_of_.clear();
        case_->waived = why_waived();
        if (case_->waived.empty()) {
            fill();
        }
        if (groups_.empty()) {
            groups_.push_back({std::string(test.name), {}, request_.where, {}});
        } else {
            case_->groups = groups_.size();
        }
        for (StreamGroup& group : groups_) {
            group.nvbandwidth = case_;
        }
        return std::move(groups_);
    }

private:
    std::size_t count() const { return case_->gpus.size(); }
    const std::string& gpu(std::size_t i) const { return case_->gpus[i]; }
    std::string host(std::size_t i) const { return topology_.find(gpu(i))->cpu + ".system"; }
    static std::string hbm(const std::string& gpu) { return gpu + ".hbm"; }

    std::string why_waived() {
        if (test_->shape == Shape::kMulticast) {
            return "streams have no multicast group to store to; \"collective: broadcast\" with \"algorithm: nvls\" "
                   "moves "
                   "the same bytes";
        }
        const bool pairs = test_->shape == Shape::kPair || test_->shape == Shape::kPairBothWays ||
                           test_->shape == Shape::kPairLatency || test_->shape == Shape::kAllOne;
        if (count() < 2 && (pairs || test_->multinode)) {
            return "needs two GPUs or more";
        }
        if (pairs || test_->multinode) {
            for (std::size_t i = 0; i < count(); ++i) {
                for (std::size_t j = 0; j < count(); ++j) {
                    if (i != j && !classes_.of_pair(gpu(i), gpu(j)).empty()) {
                        return {};
                    }
                }
            }
            return "no GPU reaches another one's memory over NVLink";
        }
        return {};
    }

    NvbandwidthCase::Matrix& matrix(std::size_t rows, std::size_t columns, const std::string& part = {}) {
        std::string name(test_->name);
        std::string description(test_->description);
        if (!part.empty()) {
            name += "_" + part;
            std::string title = part;
            title[0] = static_cast<char>(title[0] - 'a' + 'A');
            description = fmt::format(fmt::runtime(description), title);
        }
        case_->matrices.push_back({name, description, rows, columns, {}});
        case_->matrices.back().cells.resize(rows * columns);
        return case_->matrices.back();
    }

    void fill() {
        switch (test_->shape) {
        case Shape::kHost:
        case Shape::kHostBothWays:
        case Shape::kHostLatency:
        case Shape::kLocal:
            fill_each();
            break;
        case Shape::kPair:
        case Shape::kPairBothWays:
        case Shape::kPairLatency:
            fill_pairs();
            break;
        case Shape::kAllHost:
        case Shape::kAllHostBothWays:
            fill_all_hosts();
            break;
        case Shape::kAllOne:
            fill_all_one();
            break;
        case Shape::kBisect:
            fill_bisect();
            break;
        case Shape::kMulticast:
            break;
        }
    }

    /// A GPU and its host memory: a copy each way; that which is measured comes first.
    std::vector<NvbandwidthCopy> with_host(std::size_t i, bool both) const {
        std::vector<NvbandwidthCopy> copies{{gpu(i), host(i), hbm(gpu(i)), false},
                                            {gpu(i), hbm(gpu(i)), host(i), false}};
        if (test_->outward) {
            std::swap(copies[0], copies[1]);
        }
        if (!both) {
            copies.pop_back();
        }
        return copies;
    }

    void fill_each() {
        NvbandwidthCase::Matrix& cells = matrix(1, count());
        const bool both = test_->shape == Shape::kHostBothWays;
        for (std::size_t i = 0; i < count(); ++i) {
            const std::string label = fmt::format("{} {}", test_->name, i);
            const std::string likeness = classes_.of_gpu(gpu(i));
            if (both && test_->engine == Engine::kSm) {
                if (const auto group = kernels_both_ways(likeness, label, {i})) {
                    cells.cells[i] = {*group, {}, kernel_both_ways_bytes(spec(i)), 0};
                    ++case_->cells;
                }
                continue;
            }
            std::vector<NvbandwidthCopy> copies = with_host(i, both);
            if (test_->shape == Shape::kLocal) {
                copies = {{gpu(i), hbm(gpu(i)), hbm(gpu(i)), false}};
            }
            const auto group = test_->shape == Shape::kHostLatency ? group_of(likeness, label, chase(gpu(i), host(i)))
                                                                   : group_of(likeness, label, copies);
            if (group) {
                cells.cells[i] = {*group, {0}, 0, 0};
                ++case_->cells;
            }
        }
    }

    /// A copy between the GPU of a row and that of a column, as the row's GPU sees it.
    NvbandwidthCopy between(std::size_t row, std::size_t column) const {
        NvbandwidthCopy copy{gpu(test_->driven ? row : column), hbm(gpu(column)), hbm(gpu(row)), false};
        if (test_->outward) {
            std::swap(copy.source, copy.target);
        }
        return copy;
    }

    void fill_pairs() {
        const bool both = test_->shape == Shape::kPairBothWays;
        const std::string key(test_->key);
        const std::vector<std::string> parts =
            both ? std::vector<std::string>{key + "1", key + "2", "total"} : std::vector<std::string>{""};
        for (const std::string& part : parts) {
            matrix(count(), count(), part);
        }
        for (std::size_t row = 0; row < count(); ++row) {
            for (std::size_t column = 0; column < count(); ++column) {
                const std::string there = classes_.of_pair(gpu(row), gpu(column));
                if (there.empty()) {
                    continue;
                }
                const std::string label = fmt::format("{} {},{}", test_->name, row, column);
                std::vector<NvbandwidthCopy> copies{between(row, column)};
                if (both) {
                    copies.push_back(between(column, row));
                }
                const std::string likeness = there + " back " + classes_.of_pair(gpu(column), gpu(row));
                const auto group = test_->shape == Shape::kPairLatency
                                       ? group_of(likeness, label, chase(gpu(row), hbm(gpu(column))))
                                       : group_of(likeness, label, copies);
                if (!group) {
                    return;
                }
                const std::size_t at = row * count() + column;
                case_->matrices[0].cells[at] = {*group, {0}, 0, 0};
                if (both) {
                    case_->matrices[1].cells[at] = {*group, {1}, 0, 0};
                    case_->matrices[2].cells[at] = {*group, {0, 1}, 0, 0};
                }
                ++case_->cells;
            }
        }
    }

    /// In their steady state it does not matter whose turn it is to be measured: one group gives all cells.
    void fill_all_hosts() {
        const bool both = test_->shape == Shape::kAllHostBothWays;
        NvbandwidthCase::Matrix& cells = matrix(1, count());
        std::vector<NvbandwidthCopy> copies;
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < count(); ++i) {
            const std::vector<NvbandwidthCopy> mine = with_host(i, both);
            copies.insert(copies.end(), mine.begin(), mine.end());
            all.push_back(i);
        }
        const bool kernels = both && test_->engine == Engine::kSm;
        const auto group = kernels ? kernels_both_ways("all", std::string(test_->name), all)
                                   : group_of("all", std::string(test_->name), copies);
        if (group) {
            for (std::size_t i = 0; i < count(); ++i) {
                cells.cells[i] = kernels ? NvbandwidthCase::Cell{*group, {}, kernel_both_ways_bytes(spec(i)), i}
                                         : NvbandwidthCase::Cell{*group, {both ? 2 * i : i}, 0, 0};
            }
            case_->cells = count();
        }
    }

    void fill_all_one() {
        NvbandwidthCase::Matrix& cells = matrix(1, count());
        for (std::size_t one = 0; one < count(); ++one) {
            std::vector<NvbandwidthCopy> copies;
            std::vector<std::string> ways;
            std::vector<std::size_t> streams;
            for (std::size_t other = 0; other < count(); ++other) {
                const std::string way = classes_.of_pair(gpu(one), gpu(other));
                if (!way.empty()) {
                    streams.push_back(copies.size());
                    copies.push_back(between(one, other));
                    ways.push_back(way + " back " + classes_.of_pair(gpu(other), gpu(one)));
                }
            }
            if (copies.empty()) {
                continue;
            }
            std::sort(ways.begin(), ways.end());
            std::string likeness;
            for (const std::string& way : ways) {
                likeness += way + "\n";
            }
            const auto group = group_of(likeness, fmt::format("{} {}", test_->name, one), copies);
            if (!group) {
                return;
            }
            cells.cells[one] = {*group, streams, 0, 0};
            ++case_->cells;
        }
    }

    void fill_bisect() {
        NvbandwidthCase::Matrix& cells = matrix(count(), 1);
        std::vector<NvbandwidthCopy> copies;
        std::vector<std::size_t> rows;
        for (std::size_t i = 0; i < count(); ++i) {
            const std::size_t peer = (i + count() / 2) % count();
            if (!classes_.of_pair(gpu(i), gpu(peer)).empty()) {
                copies.push_back(between(i, peer));
                rows.push_back(i);
            }
        }
        if (const auto group = group_of("all", std::string(test_->name), copies)) {
            for (std::size_t stream = 0; stream < rows.size(); ++stream) {
                cells.cells[rows[stream]] = {*group, {stream}, 0, 0};
            }
            case_->cells = rows.size();
        }
    }

    // --- groups ----------------------------------------------------------------------------------------------------

    const models::GpuSpec& spec(std::size_t i) const { return std::get<models::GpuSpec>(topology_.find(gpu(i))->spec); }
    std::optional<std::size_t> kernels_both_ways(const std::string& likeness, const std::string& label,
                                                 const std::vector<std::size_t>& gpus) {
        const auto [at, added] = group_of_.try_emplace(request_.distinct ? likeness : label, groups_.size());
        if (!added) {
            case_->shared = true;
            return at->second;
        }
        auto work = std::make_shared<Work>();
        for (const std::size_t i : gpus) {
            const auto path = [&](const std::string& source, const std::string& target) {
                return work->graph.add_path(
                    stream(nvbandwidth_copy(request_, {gpu(i), source, target, true}, Engine::kSm, spec(i), 1), label));
            };
            const WorkGraph::Index in = path(host(i), hbm(gpu(i))), out = path(hbm(gpu(i)), host(i));
            add_kernel_both_ways(*work, in, out, spec(i), gpu(i));
        }
        work->what = label;
        groups_.push_back({label, {}, request_.where, std::move(work)});
        return groups_.size() - 1;
    }

    Stream stream(const YamlNode& node, const std::string& label) {
        room_ -= std::min<std::size_t>(room_, 1);
        return read_stream(node, "nvbandwidth: " + label, software_, &topology_, no_spreads_, diagnostics_);
    }

    std::vector<YamlNode> chase(const std::string& gpu, const std::string& memory) const {
        return {nvbandwidth_chase(request_, gpu, memory)};
    }

    std::optional<std::size_t> group_of(const std::string& likeness, const std::string& label,
                                        const std::vector<NvbandwidthCopy>& copies) {
        std::map<std::string, std::size_t> kernels;
        for (const NvbandwidthCopy& copy : copies) {
            ++kernels[copy.driver];
        }
        std::vector<YamlNode> nodes;
        nodes.reserve(copies.size());
        for (const NvbandwidthCopy& copy : copies) {
            nodes.push_back(nvbandwidth_copy(request_, copy, test_->engine,
                                             std::get<models::GpuSpec>(topology_.find(copy.driver)->spec),
                                             kernels[copy.driver]));
        }
        return group_of(likeness, label, nodes);
    }

    /// The group of what is alike; a new one if nothing was. None after an error.
    std::optional<std::size_t> group_of(const std::string& likeness, const std::string& label,
                                        const std::vector<YamlNode>& nodes) {
        const auto [at, added] = group_of_.try_emplace(request_.distinct ? likeness : label, groups_.size());
        if (!added) {
            case_->shared = true;
            return at->second;
        }
        const std::size_t errors_before = diagnostics_.errors();
        StreamGroup group{label, {}, request_.where, {}};
        if (nodes.size() > room_) {
            diagnostics_.error(
                request_.where, fmt::format("nvbandwidth: {} needs more streams than a scenario may have", label),
                request_.distinct ? "name fewer \"gpus\"" : "name fewer \"gpus\", or write \"pairs: distinct\"");
            room_ = 0;
            return std::nullopt;
        }
        room_ -= nodes.size();
        for (const YamlNode& node : nodes) {
            Stream stream =
                read_stream(node, "nvbandwidth: " + label, software_, &topology_, no_spreads_, diagnostics_);
            if (diagnostics_.errors() != errors_before) {
                return std::nullopt;
            }
            group.streams.push_back(std::move(stream));
        }
        groups_.push_back(std::move(group));
        return groups_.size() - 1;
    }

    const NvbandwidthRequest& request_;
    const SoftwareSetup* software_;
    const Topology& topology_;
    GpuClasses classes_;
    std::size_t& room_;
    Diagnostics& diagnostics_;
    SpreadReader no_spreads_; ///< every stream has one memory on each side
    const NvbandwidthTest* test_ = nullptr;
    std::shared_ptr<NvbandwidthCase> case_;
    std::vector<StreamGroup> groups_;
    std::map<std::string, std::size_t> group_of_;
};

NvbandwidthMaker::NvbandwidthMaker(const NvbandwidthRequest& request, const SoftwareSetup* software,
                                   const Topology& topology, std::size_t& room, Diagnostics& diagnostics)
    : impl_(std::make_unique<Impl>(request, software, topology, room, diagnostics)) {}

NvbandwidthMaker::~NvbandwidthMaker() = default;

std::vector<StreamGroup> NvbandwidthMaker::make(const NvbandwidthTest& test, std::vector<std::string> gpus) {
    return impl_->make(test, std::move(gpus));
}

} // namespace sim
