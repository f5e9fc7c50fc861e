#include "sim/mappings.h"

namespace sim {

std::optional<models::Mapping::Leaf> GuestMapping::at(std::uint64_t offset) const {
    const std::uint64_t ipa = ipa_.value + offset;
    auto found = blocks_.upper_bound(ipa);
    if (found == blocks_.begin() || ipa >= std::prev(found)->first + std::prev(found)->second.bytes) {
        const auto translation =
            stage2_ == Stage2::kKvm ? kernel_.stage2(vm_fd_, egm::Ipa{ipa}) : kernel_.iommu(bdf_, egm::Iova{ipa});
        if (!translation) {
            return std::nullopt;
        }
        const std::uint64_t into = ipa % translation->block_bytes;
        found =
            blocks_.insert_or_assign(ipa - into, Block{translation->block_bytes, translation->spa.value - into}).first;
    } else {
        --found;
    }
    const Block& block = found->second;
    return Leaf{block.spa + (ipa - found->first), ipa, page_bytes_, block.bytes};
}

} // namespace sim
