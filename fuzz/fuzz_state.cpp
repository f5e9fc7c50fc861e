// Feeds any text to the reader of the region allocator's state: it must answer with an allocator or with an error that
// says why, and what it takes must be written and read back unchanged.
//
// The first byte chooses what the rest is: 'r' the file as it is, anything else the lines before the checksum, which is
// then added; without that, hardly an input would get behind it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "egm/address.h"
#include "egm/allocator_state.h"

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::cerr << what << '\n';
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::vector<egm::CarveoutInfo> carveouts = {
        {.pxm = 4, .size = 100 * egm::kGiB, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}},
        {.pxm = 5, .size = 100 * egm::kGiB, .gpu_bdfs = {"0018:01:00.0"}}};
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] != 'r')
        text += "checksum " + egm::allocator_checksum(text) + "\n";
    for (const egm::AllocationPolicy& policy :
         {egm::AllocationPolicy{}, egm::AllocationPolicy::whole_tray(), egm::AllocationPolicy::base_per_vm()}) {
        const auto read = egm::allocator_from_text(text, "state", carveouts, 64 * egm::kKiB, policy);
        if (!read) {
            require(!read.error().advice.empty(), "a refusal without a reason");
            continue;
        }
        for (const int pxm : {4, 5})
            require(read->usable(pxm) + read->losses(pxm).total() == 100 * egm::kGiB, "the bytes do not add up");
        const std::string written = egm::allocator_text(*read);
        const auto again = egm::allocator_from_text(written, "state", carveouts, 64 * egm::kKiB, policy);
        require(again && egm::allocator_text(*again) == written, "what is written is not read back");
    }
    return 0;
}
