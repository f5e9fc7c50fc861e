#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "egm/region_allocator.h"

namespace properties {

/// What a region allocator must do, as plainly as it can be said: lists that are searched from end to end, and figures
/// that are counted anew each time. It answers with 0 or the errno.
class Oracle {
public:
    Oracle(std::vector<egm::CarveoutInfo> carveouts, std::uint64_t page_size, egm::AllocationPolicy policy)
        : carveouts_(std::move(carveouts)), page_size_(page_size), policy_(policy) {}

    int allocate_all(const std::vector<egm::AllocationRequest>& requests, std::vector<egm::Region>& made);
    int free(int id);
    int free_all(const std::string& owner);
    int resize(int id, std::uint64_t size, bool grow);
    int set_live(const std::string& owner, bool live);
    void set_retired(int pxm, std::vector<egm::RetiredRange> ranges);

    const std::vector<egm::Region>& regions() const { return regions_; } ///< by id
    egm::Losses losses(int pxm) const;
    std::uint64_t usable(int pxm) const;
    /// What is wrong with `regions` whatever was asked for: overlaps, ends behind the carveout, offsets against the
    /// rule. None: nothing.
    std::optional<std::string> fault(const std::map<int, egm::Region>& regions) const;
    const std::vector<egm::RetiredRange>& retired(int pxm) const;

private:
    struct Gap {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    const egm::CarveoutInfo* carveout(int pxm) const;
    std::uint64_t pages(int pxm) const;
    std::vector<Gap> gaps(int pxm) const;
    std::uint64_t retired_bytes(int pxm, std::uint64_t begin, std::uint64_t end) const;
    std::uint64_t rounded(std::uint64_t size, std::uint64_t offset, int pxm) const;
    const egm::Region* find(int id) const;
    bool has_region(const std::string& owner) const;
    int refuse(const egm::AllocationRequest& request) const;
    int place(const egm::AllocationRequest& request, egm::Region& region) const;
    void drop(int id);

    std::vector<egm::CarveoutInfo> carveouts_;
    std::uint64_t page_size_;
    egm::AllocationPolicy policy_;
    std::vector<egm::Region> regions_;
    std::map<std::string, std::set<std::string>> gpus_; ///< by owner
    std::set<std::string> live_;
    std::map<int, std::vector<egm::RetiredRange>> retired_;
    int next_id_ = 0;
};

} // namespace properties
