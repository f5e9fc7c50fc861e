#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/carveout_shape.h"
#include "egm/syscalls.h"
#include "egm/uapi/egm.h"
#include "egm/uapi/iommufd.h"

namespace egm {

/// A small scripted kernel for the tests of the logic: knows just enough rules to notice what was left behind or undone
/// in the wrong order, and can fail any call. It takes no time and has no hardware.
class FakeSyscalls final : public Syscalls {
public:
    // What the machine has. Tests change it before the calls.
    std::size_t page = 64 * kKiB;
    std::map<std::string, std::string> files;
    std::map<std::string, std::vector<std::string>> directories;
    std::map<std::string, std::string> links;
    std::map<std::string, int> devices; ///< by path: 0, or the errno of an open
    std::map<std::string, int> refused; ///< errno by "ioctl 0x3b6a"
    std::vector<uapi::EgmRetiredPage> retired;
    bool short_list_is_enospc = false; ///< else: success, with the needed argsz
    bool list_always_grows = false;
    DriverShape shape = DriverShape::kE2; ///< of the EGM driver: set it before adding carveouts
    std::vector<std::pair<std::uint64_t, std::uint64_t>> iovas{{0, 0x7ff'ffff}, {0x810'0000, (1ull << 48) - 1}};
    bool tells_iovas = true;
    std::uint32_t dma_entries_max = 65535;
    bool iommufd_takes_egm = false;
    bool iommufd_takes_foreign_dma_buf = false; ///< else: those of VFIO devices only, as mainline
    bool vfio_exports_dma_buf = false;
    bool has_vcmdq = true;            ///< the SMMU has queues for guests
    bool answers_hw_info_type = true; ///< the kernel knows kIommuHwInfoFlagInputType
    int ipa_bits_max = 48;
    bool takes_pfnmap = true;

    // Failure injection: the call with this number, from 1, fails with `fail_with`.
    int fail_at = 0;
    int fail_with = 0;

    // What happened.
    int calls = 0;
    std::vector<std::string> log;        ///< calls that change state, as "open /dev/egm4"
    std::vector<std::string> violations; ///< things undone too late or in the wrong order

    unsigned long vm_type = 0; ///< of the last KVM_CREATE_VM: the width of a guest address

    // What is held now.
    std::map<int, std::string> open_files;
    std::map<std::uint64_t, std::uint64_t> mapped;        ///< pieces of address space: size by address
    std::map<std::uint64_t, std::string> mapped_file;     ///< path by the address of the first byte
    std::map<std::uint64_t, std::uint64_t> mapped_offset; ///< in the file, by the same address
    std::set<std::uint32_t> slots;
    std::map<std::uint64_t, std::uint64_t> dma; ///< size by IOVA

    /// A device region, and the capabilities behind its answer.
    struct DeviceRegion {
        std::uint64_t size = 0;              ///< as reported
        std::uint64_t length = 0;            ///< of the only area that can be mapped; 0: it is not announced
        std::vector<std::byte> capabilities; ///< more of them, each with its header, chained already
    };
    std::map<std::string, std::map<std::uint32_t, DeviceRegion>> device_regions; ///< by PCI address and index

    /// An object of /dev/iommu.
    struct IommuObject {
        std::string kind;         ///< "IOAS", "device", "parent HWPT", "vIOMMU", "vDEVICE", "nested HWPT", "queue"
        std::uint32_t parent = 0; ///< id of what it is made from; 0 for none
        std::uint64_t number = 0; ///< guest's StreamID, index of a queue, or page table that a device is attached to
    };
    std::map<std::uint32_t, IommuObject> objects; ///< by id

    /// Two sockets of 447 GiB, two GPUs each, as a GB200 board with two Grace CPUs shows them.
    void add_gb200();
    void add_carveout(int pxm, std::uint64_t size, const std::vector<std::string>& bdfs);
    void add_gpu(const std::string& bdf, int group);
    void add_kernel_devices();
    bool clean() const { return open_files.empty() && mapped.empty() && slots.empty() && dma.empty(); }

    int open(const char* path, int flags) override;
    int close(int fd) override;
    int ioctl(int fd, unsigned long request, void* argument) override;
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override;
    int munmap(void* address, std::size_t size) override;
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override;
    std::int64_t pwrite(int, const void*, std::size_t, std::int64_t) override { return refuse(EBADF); }
    int fsync(int) override { return refuse(EBADF); }
    int rename(const char*, const char*) override { return refuse(EROFS); }
    int unlink(const char*) override { return refuse(EROFS); }
    int list_directory(const char* path, std::vector<std::string>& names) override;
    int readlink(const char* path, std::string& target) override;
    std::size_t page_size() override { return page; }

private:
    bool injected();
    int refuse(int error_number);
    int answer(int fd, unsigned long request, void* argument);
    int add_file(const std::string& name);
    int answer_kvm(unsigned long request, void* argument);

    // fake_egm.cpp
    int open_carveout(const std::string& path);
    int answer_egm(int fd, unsigned long request, void* argument);
    int list_retired(void* argument) const;
    int export_carveout(int fd, const void* argument);
    int check_carveout_mmap(int fd, std::uint64_t offset, std::uint64_t size);

    // fake_vfio.cpp
    int answer_vfio(int fd, unsigned long request, void* argument);
    std::string bdf_of(int fd) const;
    int tell_region(int fd, void* argument) const;
    int tell_iommu(void* argument) const;
    int export_region(int fd, const void* argument);
    int map_dma(std::uint64_t iova, std::uint64_t hva, std::uint64_t size, bool iommufd);
    int unmap_dma(std::uint64_t iova, std::uint64_t& size, bool iommufd);

    // fake_iommufd.cpp
    int answer_iommufd(unsigned long request, void* argument);
    std::uint32_t add_object(const std::string& kind, std::uint32_t parent, std::uint64_t number);
    bool is(std::uint32_t id, const std::string& kind) const;
    int destroy(std::uint32_t id);
    int tell_iovas(uapi::IommuIoasIovaRanges& call) const;
    int tell_hardware(uapi::IommuHwInfo& call) const;
    int map_file(const uapi::IommuIoasMapFile& call);
    int add_page_table(uapi::IommuHwptAlloc& call);
    int add_viommu(uapi::IommuViommuAlloc& call);
    int add_queue(uapi::IommuHwQueueAlloc& call);

    std::map<std::string, std::uint64_t> carveout_size_; ///< by path
    std::set<int> unusable_;                             ///< descriptors of a second opener (shape B)
    std::map<std::string, std::string> bdf_by_path_;     ///< of the devices' own nodes
    std::map<int, std::uint32_t> device_id_;             ///< in the iommufd, by descriptor
    std::uint32_t next_object_ = 7;
    bool iommu_is_set_ = false; ///< tests use one container each
    int next_fd_ = 3;
    std::uint64_t next_address_ = 0x7000'0001'0000; ///< aligned to 64 KiB and to nothing more
};

} // namespace egm
