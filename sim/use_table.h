#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace sim {

/// A resource of the machine, by its number in `Machine::resources`, and how many picoseconds of its time a byte takes.
using ResourceUse = std::pair<std::uint32_t, double>;

/// Sums what a stream uses of each resource.
class UseTable {
public:
    explicit UseTable(std::size_t resources) : sums_(resources), touched_(resources) {}

    void add(std::uint32_t resource, double picoseconds) {
        if (touched_[resource] == 0) {
            touched_[resource] = 1;
            resources_.push_back(resource);
        }
        sums_[resource] += picoseconds;
    }

    /// The sums in the order of the resources, without those that are zero; the table is empty then.
    std::vector<ResourceUse> take() {
        std::vector<ResourceUse> uses;
        uses.reserve(resources_.size());
        const auto take_one = [&](std::uint32_t resource) {
            if (sums_[resource] > 0) {
                uses.emplace_back(resource, sums_[resource]);
            }
            sums_[resource] = 0;
            touched_[resource] = 0;
        };
        if (resources_.size() > sums_.size() / 16) { // looking at all is quicker than sorting
            for (std::uint32_t resource = 0; resource < touched_.size(); ++resource) {
                if (touched_[resource] != 0) {
                    take_one(resource);
                }
            }
        } else {
            std::sort(resources_.begin(), resources_.end());
            std::for_each(resources_.begin(), resources_.end(), take_one);
        }
        resources_.clear();
        return uses;
    }

private:
    std::vector<double> sums_;
    std::vector<std::uint8_t> touched_;
    std::vector<std::uint32_t> resources_;
};

} // namespace sim
