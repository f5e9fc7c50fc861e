#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "egm/guest_layout.h"
#include "egm/region_allocator.h"
#include "sequence.h"

namespace properties {

/// The allocator under test. Wrappers that break it on purpose override a call.
class Subject {
public:
    explicit Subject(egm::RegionAllocator allocator) : allocator(std::move(allocator)) {}
    virtual ~Subject() = default;

    virtual egm::Result<std::vector<egm::Region>> allocate_all(std::span<const egm::AllocationRequest> requests) {
        return allocator.allocate_all(requests);
    }
    virtual egm::Result<void> free(int id) { return allocator.free(id); }
    virtual egm::Result<egm::Region> grow(int id, std::uint64_t size) { return allocator.grow(id, size); }
    virtual egm::Result<egm::Region> shrink(int id, std::uint64_t size) { return allocator.shrink(id, size); }
    virtual egm::GuestLayout lay_out(const egm::GuestLayoutRequest& request) { return egm::lay_out_guest(request); }

    egm::RegionAllocator allocator;
};
using SubjectFactory = std::function<std::unique_ptr<Subject>(egm::RegionAllocator)>;

/// Kinds of steps of a sequence for an allocator.
inline constexpr std::uint32_t kAllocatorKinds = 16;

/// Runs a sequence on a machine and under a policy that its setup chooses, and compares with the oracle after each
/// step. The first difference, with the step's number, or none.
std::optional<std::string> run_on_allocator(const Sequence& sequence, const SubjectFactory& make);
std::optional<std::string> run_on_allocator(const Sequence& sequence);

} // namespace properties
