#include "egm/dma_mapper.h"

#include <cassert>
#include <cerrno>

#include "egm/iommufd_mapper.h"
#include "egm/type1_mapper.h"

namespace egm {

const char* to_string(IommuMode mode) {
    switch (mode) {
    case IommuMode::kType1:
        return "type1";
    case IommuMode::kIommufdStrict:
        return "iommufd-strict";
    case IommuMode::kIommufdTolerant:
        return "iommufd-tolerant";
    case IommuMode::kIommufdDmaBuf:
        return "iommufd-dma-buf";
    }
    assert(false);
    return "";
}

Result<std::unique_ptr<DmaMapper>> DmaMapper::create(Syscalls& syscalls, IommuMode mode) {
    switch (mode) {
    case IommuMode::kType1:
        return Type1Mapper::open(syscalls);
    case IommuMode::kIommufdStrict:
        return IommufdMapper::open(syscalls, false);
    case IommuMode::kIommufdTolerant:
        return IommufdMapper::open(syscalls, true);
    case IommuMode::kIommufdDmaBuf:
        break;
    }
    return fail(
        Error{EOPNOTSUPP, "open IOMMU", to_string(mode), "no kernel maps EGM into an IOAS by dma-buf yet: use type1"});
}

} // namespace egm
