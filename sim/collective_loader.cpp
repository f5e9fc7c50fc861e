#include "sim/collective_loader.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/collective.h"
#include "sim/fields.h"
#include "sim/ranges.h"
#include "sim/words.h"

namespace sim {

namespace {

using Kind = Collective::Kind;
using Algorithm = Collective::Algorithm;

constexpr std::uint64_t kKiB = 1 << 10, kMiB = 1 << 20, kTiB = 1ull << 40;
constexpr std::size_t kTransfersMax = 4'000'000;
constexpr unsigned kChannels = 8;                 ///< as docs/collectives.md says
constexpr std::uint64_t kChunkBytes = 512 * kKiB; ///< the same

class Reader {
public:
    Reader(const YamlNode& item, const Topology* topology, Diagnostics& diagnostics)
        : fields_(item, "collective", diagnostics), topology_(topology), diagnostics_(diagnostics), where_(item.where) {
    }

    std::shared_ptr<const Work> read() {
        const std::size_t errors = diagnostics_.errors();
        const bool kind_known = fields_.choice("collective", plan_.kind, collective_words());
        std::string name;
        fields_.text("name", name);
        direct_ = plan_.kind == Kind::kAllToAll || plan_.kind == Kind::kSendRecv;
        plan_.algorithm = direct_ ? Algorithm::kDirect : Algorithm::kRing;
        fields_.choice("algorithm", plan_.algorithm, algorithm_words());
        read_members();
        read_sizes();
        const bool by_said = fields_.choice("by", plan_.engine, {{"sm", Engine::kSm}, {"ce", Engine::kCopyEngine}});
        fields_.choice("buffers", plan_.buffers, {{"hbm", MemoryName::Kind::kHbm}, {"egm", MemoryName::Kind::kEgm}});
        fields_.count("channels", plan_.channels, {.max = 64});
        fields_.count("blocks", plan_.blocks, {.max = 1u << 20});
        fields_.size("burst", plan_.burst_bytes, {.min = 64, .max = 4 * kMiB, .likely = "KiB"});
        fields_.size("packet", plan_.packet_bytes, {.min = 64, .max = 4 * kMiB, .likely = "B"});
        fields_.count("shift", plan_.shift, {.max = 65535});
        std::string root;
        fields_.text("root", root);
        fields_.require({"among"}, "say who takes part, \"among: hopper[0..7]\"");
        fields_.finish();
        if (kind_known && topology_ != nullptr && !plan_.members.empty()) {
            check_members();
            if (diagnostics_.errors() == errors) {
                set_defaults();
                check_keys(by_said, root);
            }
        }
        if (diagnostics_.errors() != errors || topology_ == nullptr) {
            return nullptr;
        }
        return std::make_shared<const Work>(collective_work(plan_, *topology_, where_));
    }

private:
    bool ideal() const { return plan_.engine == Engine::kEndPoint; }

    void read_members() {
        const YamlNode* among = fields_.node("among");
        if (among == nullptr) {
            return;
        }
        const std::vector<YamlNode> names = among->is_sequence() ? among->items : std::vector<YamlNode>{*among};
        std::set<std::string> seen;
        for (const YamlNode& name : names) {
            if (!name.is_scalar()) {
                diagnostics_.error(name.where, "collective: among: an entry names no part", "write \"hopper[0..7]\"");
                continue;
            }
            for (const RangeName& one : expand_ranges(name.text, name.where, diagnostics_)) {
                if (!seen.insert(one.name).second) {
                    diagnostics_.error(name.where,
                                       fmt::format("collective: among: {} is there twice", in_quotes(one.name)));
                    return;
                }
                plan_.members.push_back(one.name);
            }
        }
        if (plan_.members.size() == 1) {
            fields_.error("among", "has one member", "a collective needs two at least");
        }
    }

    void read_sizes() {
        std::uint64_t per_pair = 0;
        const Bounds bounds{.min = 1, .max = 64 * kTiB, .likely = "MiB"};
        fields_.size("size", plan_.size_bytes, bounds);
        if (fields_.size("per_pair", per_pair, bounds)) {
            if (plan_.kind != Kind::kAllToAll) {
                fields_.error("per_pair", "belongs to all-to-all", "write \"size\"");
            } else if (fields_.has("size")) {
                fields_.error("per_pair", "and size are both there", "size is per_pair times the number of members");
            }
            plan_.size_bytes = per_pair * plan_.members.size();
        } else if (!fields_.has("per_pair")) {
            fields_.require({"size"}, "say how much, \"size: 256 MiB\"");
        }
        fields_.size("chunk", plan_.chunk_bytes, {.min = 64, .max = kTiB, .likely = "KiB"});
    }

    /// All GPUs, or all ideal end points.
    void check_members() {
        std::vector<std::string> known;
        for (const Part& part : topology_->parts) {
            if (std::holds_alternative<models::GpuSpec>(part.spec) ||
                std::holds_alternative<models::EndPointSpec>(part.spec)) {
                known.push_back(part.name);
            }
        }
        std::size_t end_points = 0;
        for (const std::string& member : plan_.members) {
            const Part* part = topology_->find(member);
            if (part == nullptr || (!std::holds_alternative<models::GpuSpec>(part->spec) &&
                                    !std::holds_alternative<models::EndPointSpec>(part->spec))) {
                fields_.error("among", fmt::format("{} is no GPU of this machine", in_quotes(member)),
                              suggest(member, known));
                return;
            }
            end_points += std::holds_alternative<models::EndPointSpec>(part->spec);
        }
        if (end_points == plan_.members.size()) {
            plan_.engine = Engine::kEndPoint;
        } else if (end_points != 0) {
            fields_.error("among", "has GPUs and ideal end points", "name only GPUs, or only end points");
        }
    }

    /// One channel of whole blocks between ideal end points; else several, in chunks, as libraries do.
    void set_defaults() {
        const bool stepwise = plan_.algorithm == Algorithm::kRing || plan_.algorithm == Algorithm::kTree;
        if (!ideal() && stepwise) {
            plan_.channels =
                fields_.has("channels") || plan_.algorithm == Algorithm::kTree ? plan_.channels : kChannels;
            plan_.chunk_bytes = fields_.has("chunk") ? plan_.chunk_bytes : kChunkBytes;
        }
        if (ideal() && plan_.packet_bytes == 0) {
            plan_.packet_bytes = 4 * kKiB;
        }
    }

    void refuse(std::string_view key, bool good, const std::string& why, const std::string& suggestion) {
        if (fields_.has(key) && !good) {
            fields_.error(key, why, suggestion);
        }
    }

    void check_keys(bool by_said, const std::string& root) {
        const bool stepwise = plan_.algorithm == Algorithm::kRing || plan_.algorithm == Algorithm::kTree;
        refuse("algorithm", direct_ == (plan_.algorithm == Algorithm::kDirect),
               direct_ ? to_text(plan_.kind) + " is done directly" : "is not direct", "leave it out");
        refuse("algorithm", plan_.algorithm != Algorithm::kTree || plan_.kind == Kind::kAllReduce,
               "tree is for all-reduce", "write \"ring\"");
        refuse("algorithm", plan_.algorithm != Algorithm::kNvls || !ideal(),
               "ideal end points cannot reduce in switches", "write \"ring\"");
        refuse("channels", plan_.algorithm == Algorithm::kRing, "belong to rings", "leave it out");
        refuse("chunk", stepwise, "belongs to rings and trees", "leave it out");
        refuse("blocks", plan_.engine == Engine::kSm, "belong to GPU kernels", "leave it out");
        refuse("packet", ideal(), "is for ideal end points; a GPU's packets are part of its preset", "leave it out");
        refuse("buffers", !ideal(), "are in GPUs; ideal end points have none", "leave it out");
        refuse("shift", plan_.kind == Kind::kSendRecv && plan_.shift % plan_.count() != 0,
               plan_.kind == Kind::kSendRecv ? "makes each send to itself" : "belongs to send-recv",
               plan_.kind == Kind::kSendRecv ? "write \"shift: 1\"" : "leave it out");
        if (!root.empty()) {
            const auto found = std::find(plan_.members.begin(), plan_.members.end(), root);
            plan_.root = static_cast<unsigned>(found - plan_.members.begin());
            refuse("root", plan_.kind == Kind::kBroadcast, "belongs to broadcast", "leave it out");
            refuse("root", found != plan_.members.end(), fmt::format("{} is not among them", in_quotes(root)),
                   suggest(root, plan_.members));
        }
        if (by_said && ideal()) {
            fields_.error("by", "is for GPUs", "leave it out");
        }
        const bool reduces = plan_.kind == Kind::kAllReduce || plan_.kind == Kind::kReduceScatter;
        if (plan_.engine == Engine::kCopyEngine && (reduces || plan_.algorithm == Algorithm::kNvls)) {
            fields_.error("by", "copy engines cannot add up", "write \"by: sm\"");
        }
        if (plan_.buffers == MemoryName::Kind::kEgm) {
            if (!topology_->egm) {
                fields_.error("buffers", "this machine has no EGM", "write \"buffers: hbm\"");
            } else if (plan_.algorithm == Algorithm::kNvls) {
                fields_.error("buffers", "the memory of a multicast group lies in HBM", "write \"algorithm: ring\"");
            }
        }
        if (ideal() && plan_.burst_bytes != 0 && plan_.burst_bytes % plan_.packet_bytes != 0) {
            fields_.error("burst", "is no multiple of the packet");
        }
        const std::uint64_t share = plan_.size_bytes / plan_.count();
        if (share == 0) {
            fields_.error("size", fmt::format("is less than a byte for each of {}", plan_.count()));
        }
        if (plan_.kind == Kind::kAllToAll && std::uint64_t{plan_.count()} * plan_.count() > kTransfersMax) {
            fields_.error("among", fmt::format("{} members make millions of transfers", plan_.count()));
        }
        const std::uint64_t step = plan_.chunk_bytes == 0 ? share : std::min(plan_.chunk_bytes, share);
        if (share != 0 && stepwise && plan_.size_bytes / step > kTransfersMax / (2 * plan_.count())) {
            fields_.error("chunk", "makes millions of transfers", "make it larger");
        }
    }

    Fields fields_;
    const Topology* topology_;
    Diagnostics& diagnostics_;
    const Location where_;
    Collective plan_;
    bool direct_ = false;
};

} // namespace

std::shared_ptr<const Work> read_collective(const YamlNode& item, const Topology* topology, Diagnostics& diagnostics) {
    return Reader(item, topology, diagnostics).read();
}

} // namespace sim
