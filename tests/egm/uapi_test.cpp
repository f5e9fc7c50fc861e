// uapi: are the request numbers those that the kernel's macros give, and the struct sizes those that calls carry?
//
// Offsets are asserted at compile time beside the structs. Here the numbers are built again from their parts, as
// Linux include/uapi/asm-generic/ioctl.h does: direction << 30 | size << 16 | type << 8 | number.

#include <gtest/gtest.h>

#include "egm/uapi/egm.h"
#include "egm/uapi/iommufd.h"
#include "egm/uapi/kvm.h"
#include "egm/uapi/vfio.h"

namespace egm::uapi {
namespace {

constexpr unsigned long io(char type, unsigned number) { return (unsigned long)(type) << 8 | number; }
constexpr unsigned long iow(char type, unsigned number, std::size_t size) {
    return 1ul << 30 | size << 16 | io(type, number);
}
constexpr unsigned long iowr(char type, unsigned number, std::size_t size) {
    return 3ul << 30 | size << 16 | io(type, number);
}

TEST(UapiTest, EgmNumbers) {
    EXPECT_EQ(kEgmRetiredPagesList, io('E', 100));
    EXPECT_EQ(kEgmExportDmabuf, iowr('E', 101, sizeof(EgmExportDmabuf)));
}

TEST(UapiTest, VfioNumbersCountFrom100) {
    const auto vfio = [](unsigned n) { return io(';', 100 + n); };
    EXPECT_EQ(kVfioGetApiVersion, vfio(0));
    EXPECT_EQ(kVfioCheckExtension, vfio(1));
    EXPECT_EQ(kVfioSetIommu, vfio(2));
    EXPECT_EQ(kVfioGroupGetStatus, vfio(3));
    EXPECT_EQ(kVfioGroupSetContainer, vfio(4));
    EXPECT_EQ(kVfioGroupUnsetContainer, vfio(5));
    EXPECT_EQ(kVfioGroupGetDeviceFd, vfio(6));
    EXPECT_EQ(kVfioDeviceGetInfo, vfio(7));
    EXPECT_EQ(kVfioDeviceGetRegionInfo, vfio(8));
    EXPECT_EQ(kVfioDeviceReset, vfio(11));
    EXPECT_EQ(kVfioIommuGetInfo, vfio(12));
    EXPECT_EQ(kVfioIommuMapDma, vfio(13));
    EXPECT_EQ(kVfioIommuUnmapDma, vfio(14));
    EXPECT_EQ(kVfioDeviceFeature, vfio(17));
    EXPECT_EQ(kVfioDeviceBindIommufd, vfio(18));
    EXPECT_EQ(kVfioDeviceAttachIommufdPt, vfio(19));
    EXPECT_EQ(kVfioDeviceDetachIommufdPt, vfio(20));
}

TEST(UapiTest, IommufdNumbersCountFrom128) {
    unsigned number = 0x80;
    for (const unsigned long request : {kIommuDestroy,
                                        kIommuIoasAlloc,
                                        kIommuIoasAllowIovas,
                                        kIommuIoasCopy,
                                        kIommuIoasIovaRanges,
                                        kIommuIoasMap,
                                        kIommuIoasUnmap,
                                        kIommuOption,
                                        kIommuVfioIoas,
                                        kIommuHwptAlloc,
                                        kIommuGetHwInfo,
                                        kIommuHwptSetDirtyTracking,
                                        kIommuHwptGetDirtyBitmap,
                                        kIommuHwptInvalidate,
                                        kIommuFaultQueueAlloc,
                                        kIommuIoasMapFile,
                                        kIommuViommuAlloc,
                                        kIommuVdeviceAlloc,
                                        kIommuIoasChangeProcess,
                                        kIommuVeventqAlloc,
                                        kIommuHwQueueAlloc})
        EXPECT_EQ(request, io(';', number++));
}

TEST(UapiTest, KvmNumbers) {
    EXPECT_EQ(kKvmGetApiVersion, io('\xAE' & 0x7f, 0) | 0x8000);
    EXPECT_EQ(kKvmSetUserMemoryRegion & 0xffff, 0xAE46u);
    EXPECT_EQ(kKvmSetUserMemoryRegion, iow(0, 0x46, sizeof(KvmUserspaceMemoryRegion)) | 0xAE00);
}

TEST(UapiTest, SizesThatTheKernelChecks) {
    EXPECT_EQ(sizeof(VfioIommuType1DmaMap), 32u);
    EXPECT_EQ(sizeof(VfioIommuType1DmaUnmap), 24u);
    EXPECT_EQ(sizeof(IommuIoasMap), 40u);
    EXPECT_EQ(sizeof(IommuIoasUnmap), 24u);
    EXPECT_EQ(sizeof(IommuHwptAlloc), 48u);
    EXPECT_EQ(sizeof(KvmUserspaceMemoryRegion), 32u);
    EXPECT_EQ(sizeof(EgmRetiredPagesList) + 65536 * sizeof(EgmRetiredPage), 1024u * 1024 + 8);
}

} // namespace
} // namespace egm::uapi
