#include "sim/traffic_loader.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/nvbandwidth.h"
#include "sim/ranges.h"
#include "sim/stream_loader.h"
#include "sim/suggest.h"
#include "sim/trace_loader.h"
#include "sim/workload_loader.h"

namespace sim {
namespace {

const std::vector<std::string> kForms = {"group",     "each_alone",  "fan_in",   "fan_out",
                                         "all_pairs", "nvbandwidth", "workload", "trace"};

class TrafficReader {
public:
    TrafficReader(const SoftwareSetup* software, const Topology* topology, Diagnostics& diagnostics)
        : software_(software), topology_(topology), diagnostics_(diagnostics) {}

    std::vector<StreamGroup> read(const YamlNode& node) {
        if (!node.is_sequence() || node.items.empty()) {
            diagnostics_.error(node.where, "traffic is no list of groups", "begin each with \"- group: name\"");
            return {};
        }
        for (const YamlNode& item : node.items) {
            read_item(item);
        }
        return std::move(groups_);
    }

private:
    void read_item(const YamlNode& item) {
        if (item.find("nvbandwidth") != nullptr) {
            std::size_t room = kStreamsMax - std::min(count_, kStreamsMax);
            for (StreamGroup& group : read_nvbandwidth(item, software_, topology_, room, diagnostics_)) {
                groups_.push_back(std::move(group));
            }
            count_ = kStreamsMax - room;
            return;
        }
        if (item.find("workload") != nullptr) {
            add_work(item, "workload", read_workload(item, software_, topology_, diagnostics_));
            return;
        }
        if (item.find("trace") != nullptr) {
            add_work(item, "trace", read_trace(item, software_, topology_, diagnostics_));
            return;
        }
        std::string form;
        for (const std::string& each : kForms) {
            if (item.find(each) != nullptr) {
                if (!form.empty()) {
                    diagnostics_.error(item.where, fmt::format("traffic: both {} and {}", form, each),
                                       "write one of them");
                    return;
                }
                form = each;
            }
        }
        if (form.empty()) {
            const std::string near = item.entries.empty() ? std::string() : item.entries.front().key;
            diagnostics_.error(item.where,
                               "traffic: an entry without group, each_alone, fan_in, fan_out, all_pairs, nvbandwidth, "
                               "workload or trace",
                               nearest(near, kForms).empty() ? "begin it with \"- group: name\""
                                                             : suggest(near, kForms));
            return;
        }
        const YamlNode& label_node = *item.find(form);
        if (!label_node.is_scalar() || label_node.text.empty()) {
            diagnostics_.error(label_node.where, fmt::format("traffic: {} has no name", form),
                               fmt::format("write \"{}: a name\", and the rest in the lines below", form));
            return;
        }
        const std::string& label = label_node.text;
        if (!labels_.insert(label).second) {
            diagnostics_.error(label_node.where, fmt::format("traffic: the name {} is taken", in_quotes(label)));
        }
        if (form == "group" || form == "each_alone") {
            read_listed(item, form, label);
        } else {
            read_shorthand(item, form, label);
        }
    }

    /// Named by its `name`, else by what it is; a second of that name gets a number.
    void add_work(const YamlNode& item, const std::string& key, std::shared_ptr<const Work> work) {
        const YamlNode* name = item.find("name");
        const YamlNode& kind = *item.find(key);
        std::string label = name != nullptr && name->is_scalar() ? name->text : kind.text;
        const std::string first = label;
        for (unsigned number = 2; !labels_.insert(label).second; ++number) {
            label = fmt::format("{} #{}", first, number);
        }
        groups_.push_back({label, {}, item.where, std::move(work)});
    }

    void read_listed(const YamlNode& item, const std::string& form, const std::string& label) {
        Fields fields(item, fmt::format("{} {}", form, in_quotes(label)), diagnostics_);
        fields.node(form);
        const YamlNode* streams = fields.node("streams");
        fields.finish();
        if (streams == nullptr || !streams->is_sequence() || streams->items.empty()) {
            fields.error("streams", "is missing or no list", "begin each stream with \"- \"");
            return;
        }
        std::vector<Stream> read;
        for (std::size_t i = 0; i < streams->items.size(); ++i) {
            const YamlNode& node = streams->items[i];
            const YamlNode* name = node.find("name");
            const bool named = name != nullptr && name->is_scalar() && !name->text.empty();
            add(read, node, named ? "stream " + in_quotes(name->text) : fmt::format("{} stream {}", fields.what(), i));
        }
        add_groups(std::move(read), form == "group", label, item.where);
    }

    /// A shorthand is one stream whose `from`, `source` or `target` is a list.
    void read_shorthand(const YamlNode& item, const std::string& form, const std::string& label) {
        const std::string what = fmt::format("{} {}", form, in_quotes(label));
        YamlNode stream = make_map(item.where);
        bool together = true;
        for (const YamlEntry& entry : item.entries) {
            if (entry.key == form) {
                continue;
            }
            if (entry.key == "name") {
                diagnostics_.error(entry.where, what + ": name: its streams are named by what they do", "leave it out");
            } else if (entry.key == "mode" && form == "all_pairs") {
                Fields fields(item, what, diagnostics_);
                fields.choice<bool>("mode", together, {{"together", true}, {"one_at_a_time", false}});
            } else {
                stream.entries.push_back(entry);
                if (entry.key == "from" || entry.key == "source" || entry.key == "target") {
                    expand(stream.entries.back().value);
                }
            }
        }
        const bool many_from = form != "fan_out", many_memories = form != "fan_in";
        const std::string listed = listed_memory(stream);
        bool good = check_list(stream, "from", many_from, what);
        if (many_memories && listed.empty()) {
            diagnostics_.error(item.where, what + ": no list of memories",
                               "write \"source: [grace0.egm, grace1.egm]\"");
            good = false;
        }
        for (const char* key : {"source", "target"}) {
            good = check_list(stream, key, many_memories && key == listed, what) && good;
        }
        if (!good) {
            return;
        }
        std::vector<Stream> read;
        for (const YamlNode& from : values(stream, "from")) {
            for (const YamlNode& memory : values(stream, listed)) {
                YamlNode one = stream;
                *one.find("from") = from;
                if (YamlNode* slot = one.find(listed)) {
                    *slot = memory;
                }
                add(read, one, what);
            }
        }
        add_groups(std::move(read), together, label, item.where);
    }

    /// Names with ranges, alone or in a list, become the list that they stand for.
    void expand(YamlNode& node) {
        const bool alone = node.is_scalar() && node.text.find('[') != std::string::npos;
        if (!alone && !node.is_sequence()) {
            return;
        }
        YamlNode list;
        list.kind = YamlNode::Kind::kSequence;
        list.where = node.where;
        for (const YamlNode& item : alone ? std::vector<YamlNode>{node} : node.items) {
            if (!item.is_scalar() || item.text.find('[') == std::string::npos) {
                list.items.push_back(item);
                continue;
            }
            for (RangeName& one : expand_ranges(item.text, item.where, diagnostics_)) {
                list.items.push_back(make_scalar(std::move(one.name), item.where));
            }
        }
        node = std::move(list);
    }

    /// `source` or `target`, whichever is a list; empty if neither is.
    static std::string listed_memory(const YamlNode& stream) {
        for (const char* key : {"source", "target"}) {
            const YamlNode* node = stream.find(key);
            if (node != nullptr && node->is_sequence()) {
                return key;
            }
        }
        return {};
    }

    bool check_list(const YamlNode& stream, const std::string& key, bool list, const std::string& what) {
        const YamlNode* node = stream.find(key);
        if (node == nullptr) {
            if (list || key == "from") {
                diagnostics_.error(stream.where, fmt::format("{}: no {}", what, key));
            }
            return !list && key != "from";
        }
        if (list && (!node->is_sequence() || node->items.empty())) {
            diagnostics_.error(node->where, fmt::format("{}: {} is no list", what, key), "write \"[a, b]\"");
            return false;
        }
        if (!list && node->is_sequence()) {
            diagnostics_.error(node->where, fmt::format("{}: {} is a list", what, key),
                               "fan_in: many from; fan_out: many memories; all_pairs: both");
            return false;
        }
        return true;
    }

    static std::vector<YamlNode> values(const YamlNode& stream, const std::string& key) {
        const YamlNode* node = stream.find(key);
        if (node == nullptr) {
            return {YamlNode{}}; // one round, nothing replaced
        }
        return node->is_sequence() ? node->items : std::vector<YamlNode>{*node};
    }

    void add(std::vector<Stream>& streams, const YamlNode& node, const std::string& what) {
        if (++count_ > kStreamsMax) {
            diagnostics_.error(node.where, fmt::format("more than {} streams", kStreamsMax));
            return;
        }
        Stream stream = read_stream(node, what, software_, topology_, spreads_, diagnostics_);
        streams.push_back(std::move(stream));
    }

    void add_groups(std::vector<Stream> streams, bool together, const std::string& label, const Location& where) {
        std::map<std::string, int> seen;
        for (Stream& stream : streams) {
            if (const int before = seen[stream.name]++; before > 0 && !stream.name.empty()) {
                stream.name += fmt::format(" #{}", before + 1);
            }
        }
        if (together) {
            groups_.push_back({label, std::move(streams), where});
            return;
        }
        for (Stream& stream : streams) {
            std::string name = stream.name;
            Location at = stream.where;
            std::vector<Stream> alone;
            alone.push_back(std::move(stream));
            groups_.push_back({std::move(name), std::move(alone), std::move(at)});
        }
    }

    const SoftwareSetup* software_;
    const Topology* topology_;
    Diagnostics& diagnostics_;
    SpreadReader spreads_;
    std::vector<StreamGroup> groups_;
    std::set<std::string> labels_;
    std::size_t count_ = 0;
};

} // namespace

std::vector<StreamGroup> read_traffic(const YamlNode& node, const SoftwareSetup* software, const Topology* topology,
                                      Diagnostics& diagnostics) {
    return TrafficReader(software, topology, diagnostics).read(node);
}

} // namespace sim
