// Reads a state's text: first the lines, each fault with its number, then the rules of the allocator.

#include <algorithm>
#include <cerrno>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "egm/allocator_state.h"
#include "egm/block_size.h"
#include "egm/state_words.h"

namespace egm {
namespace {

constexpr std::uint64_t kIntMax = std::numeric_limits<int>::max();
constexpr std::size_t kFaultsShown = 16;

struct OwnerLine {
    std::size_t line = 0;
    bool live = false;
    std::vector<std::string> gpus;
    bool has_region = false;
};

struct RegionLine {
    std::size_t line = 0;
    Region region;
};

class StateReader {
public:
    StateReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

    Result<RegionAllocator> run(const std::vector<CarveoutInfo>& machine, std::uint64_t page_size,
                                AllocationPolicy policy) {
        read_lines();
        if (!version_seen_)
            return fail(error());
        if (faults_.empty() && carveouts_ != sizes(machine))
            return fail(refusal("the state is of another machine, with " + list(carveouts_) + ", while this one has " +
                                list(sizes(machine)) + ": move the file away to start anew"));
        RegionAllocator allocator(machine, page_size, policy);
        if (faults_.empty())
            fill(allocator);
        if (!faults_.empty())
            return fail(error());
        return allocator;
    }

private:
    using Sizes = std::map<int, std::uint64_t>;

    static Sizes sizes(const std::vector<CarveoutInfo>& machine) {
        Sizes sizes;
        for (const CarveoutInfo& info : machine)
            sizes.emplace(info.pxm, info.size);
        return sizes;
    }
    static std::string list(const Sizes& sizes) {
        std::string text;
        for (const auto& [pxm, size] : sizes)
            text += fmt::format("{}egm{} of {}", text.empty() ? "" : ", ", pxm, in_binary_units(size));
        return text.empty() ? "no carveout" : text;
    }

    Error refusal(std::string why) const { return {EINVAL, "read state", name_, std::move(why)}; }
    Error error() const {
        std::string why;
        for (std::size_t i = 0; i < faults_.size() && i < kFaultsShown; ++i)
            why += (i == 0 ? "" : "; ") + faults_[i];
        if (faults_.size() > kFaultsShown)
            why += fmt::format("; and {} more", faults_.size() - kFaultsShown);
        return refusal(std::move(why));
    }
    void fault(std::size_t line, const std::string& what) { faults_.push_back(fmt::format("line {}: {}", line, what)); }

    void read_lines() {
        std::size_t line = 0;
        for (std::size_t at = 0; at < text_.size() && !checksum_seen_;) {
            const std::size_t end = text_.find('\n', at);
            if (end == text_.npos)
                break; // without its end, a line may be a part of one
            ++line;
            read_line(line, at, text_.substr(at, end - at));
            if (!version_seen_ && !faults_.empty())
                return;
            at = end + 1;
            rest_ = at;
        }
        if (!checksum_seen_)
            fault(line + 1, "the file ends without its checksum: the end is missing");
        else if (rest_ != text_.size())
            fault(line + 1, "something follows the checksum");
        if (version_seen_ && !next_seen_)
            fault(line + 1, "there is no line next-region");
    }

    void read_line(std::size_t line, std::size_t at, std::string_view words) {
        if (words.starts_with('#'))
            return;
        const std::string_view kind = words.substr(0, words.find(' '));
        WordReader reader(words);
        reader.expect(kind);
        if (kind == "egm-allocator-state" && !version_seen_)
            read_version(line, reader);
        else if (!version_seen_)
            return fault(line, "this is no state of the region allocator: it does not begin with egm-allocator-state");
        else if (kind == "carveout")
            read_carveout(line, reader);
        else if (kind == "next-region")
            read_next(line, reader);
        else if (kind == "owner")
            read_owner(line, reader);
        else if (kind == "region")
            read_region(line, reader);
        else if (kind == "checksum")
            read_checksum(line, words, at);
        else
            return fault(line, "it begins with none of carveout, next-region, owner, region, checksum");
        if (kind != "checksum" && !reader.done())
            fault(line, reader.fault());
    }

    void read_version(std::size_t line, WordReader& reader) {
        const auto version = reader.number();
        version_seen_ = version == 1;
        if (version && !version_seen_)
            fault(line, fmt::format("it is of version {}, and this program reads version 1", *version));
    }

    void read_carveout(std::size_t line, WordReader& reader) {
        const auto pxm = reader.number(kIntMax);
        reader.expect("size");
        const auto size = reader.number();
        if (reader.done() && !carveouts_.emplace(int(*pxm), *size).second)
            fault(line, fmt::format("carveout {} is there twice", *pxm));
    }

    void read_next(std::size_t line, WordReader& reader) {
        const auto number = reader.number(kIntMax);
        if (next_seen_)
            fault(line, "next-region is there twice");
        next_seen_ = true;
        next_ = int(number.value_or(0));
    }

    void read_owner(std::size_t line, WordReader& reader) {
        const auto name = reader.name();
        const auto live = reader.either("live", "idle");
        reader.expect("gpus");
        OwnerLine owner{.line = line, .live = live.value_or(false)};
        while (reader.fault().empty() && !reader.at_end())
            if (auto bdf = reader.name())
                owner.gpus.push_back(std::move(*bdf));
        if (reader.done() && !owners_.emplace(*name, std::move(owner)).second)
            fault(line, "the owner is there twice");
    }

    void read_region(std::size_t line, WordReader& reader) {
        Region region;
        region.id = int(reader.number(kIntMax).value_or(0));
        reader.expect("owner");
        region.owner = reader.name().value_or("");
        reader.expect("carveout");
        region.pxm = int(reader.number(kIntMax).value_or(0));
        reader.expect("offset");
        region.file_offset = reader.number().value_or(0);
        reader.expect("size");
        region.size = reader.number().value_or(0);
        reader.expect("reserved");
        region.reserved = reader.number().value_or(0);
        reader.expect("reached-by");
        region.gpu_visible = reader.either("gpu", "cpu").value_or(false);
        if (!reader.done())
            return;
        const auto owner = owners_.find(region.owner);
        if (owner == owners_.end())
            return fault(line, "no line before it names its owner");
        owner->second.has_region = true;
        regions_.push_back({line, std::move(region)});
    }

    void read_checksum(std::size_t line, std::string_view words, std::size_t at) {
        checksum_seen_ = true;
        if (words != "checksum " + allocator_checksum(text_.substr(0, at)))
            fault(line, "the checksum is not that of the lines before it: the file was damaged, or changed by hand");
    }

    void fill(RegionAllocator& allocator) {
        for (const RegionLine& each : regions_)
            if (each.region.id >= next_)
                fault(each.line, "the region's number is not below next-region");
            else if (auto adopted = allocator.adopt(each.region, owners_.at(each.region.owner).gpus); !adopted)
                fault(each.line, adopted.error().advice);
        for (const auto& [name, owner] : owners_)
            if (!owner.has_region)
                fault(owner.line, "the owner has no region");
        if (!faults_.empty())
            return;
        for (const auto& [name, owner] : owners_)
            (void)allocator.set_live(name, owner.live); // it has a region, so it is known
        allocator.set_next_id(next_);
    }

    std::string_view text_;
    std::string name_;
    std::vector<std::string> faults_;
    bool version_seen_ = false;
    bool next_seen_ = false;
    bool checksum_seen_ = false;
    std::size_t rest_ = 0; ///< behind the last line that was read
    Sizes carveouts_;
    int next_ = 0;
    std::map<std::string, OwnerLine> owners_;
    std::vector<RegionLine> regions_;
};

} // namespace

Result<RegionAllocator> allocator_from_text(std::string_view text, const std::string& name,
                                            const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                                            AllocationPolicy policy) {
    if (text.empty())
        return RegionAllocator(carveouts, page_size, policy);
    return StateReader(text, name).run(carveouts, page_size, policy);
}

} // namespace egm
