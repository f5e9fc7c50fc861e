#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A VM as someone else's command line or domain describes it: what the linter looks at, whatever the format was.
namespace egm {

/// A place in a text; lines and columns count from 1, columns in bytes. Line 0: nowhere in particular.
struct TextPlace {
    unsigned line = 0;
    unsigned column = 0;

    friend auto operator<=>(const TextPlace&, const TextPlace&) = default;
};

enum class BackendKind {
    kFile,  ///< memory-backend-file: EGM if its path is an EGM device
    kOther, ///< anonymous memory or a memfd
};

/// A piece of host memory for the guest.
struct DescribedBackend {
    std::string id;
    BackendKind kind = BackendKind::kFile;
    std::string path;
    std::uint64_t size = 0;   ///< bytes; 0 when it is not said
    std::uint64_t offset = 0; ///< in the file
    std::uint64_t align = 0;  ///< of the mapping; 0 when it is not said
    bool can_align = true;    ///< the format has a word for it
    bool share = false;
    bool prealloc = false;
    bool hugepages = false;
    TextPlace place;
};

struct DescribedNode {
    int number = 0;
    bool has_cpus = false;
    std::string backend; ///< id; empty for a node without memory of its own
    TextPlace place;
};

/// A host device given to the guest.
struct DescribedDevice {
    std::string id;
    std::string bdf; ///< on the host, with its domain, in lower case
    std::string bus; ///< root port or bus that it is plugged into
    bool iommufd = false;
    bool hotplug = false; ///< not of the kind that cannot be unplugged
    bool migration = false;
    bool managed = false; ///< libvirt may take it from its driver
    TextPlace place;
};

/// A tie of a PCI device to a NUMA node: an initiator, or EGM.
struct DescribedLink {
    std::string device;
    int node = -1;
    TextPlace place;
};

struct DescribedSmmu {
    std::string bus;
    bool accelerated = false;
    TextPlace place;
};

/// Something that does not go with EGM wherever it stands: an option for migration, dirty logging, hugepages.
struct DescribedHazard {
    enum class Kind {
        kMigration,      ///< cannot work: EGM memory takes no dirty logging
        kDirtyLog,       ///< the same, asked for on its own
        kHugepages,      ///< EGM is no huge page memory
        kMachineSmmu,    ///< a machine-wide virtual SMMU, beside those of expander buses
        kNoAcpi,         ///< the guest learns of EGM through ACPI
        kMemlockLimited, ///< locked memory is limited
        kMemoryBackend,  ///< the machine's own memory beside that of nodes
    };
    Kind kind;
    std::string what; ///< as it stands in the text
    TextPlace place;
};

struct VmDescription {
    std::string name; ///< for messages
    TextPlace place;
    std::vector<DescribedBackend> backends;
    std::vector<DescribedNode> nodes;
    std::vector<DescribedDevice> devices;
    std::vector<DescribedLink> initiators;
    std::vector<DescribedLink> egm_links;
    std::vector<DescribedSmmu> smmus;
    std::map<std::string, std::string> bus_of_port; ///< the expander bus behind which a root port hangs
    std::optional<std::uint64_t> memory;            ///< bytes in all
    TextPlace memory_place;
    std::optional<std::uint64_t> mmio_window; ///< bytes
    TextPlace machine_place;
    bool kvm = false; ///< runs by hardware virtualization
    std::vector<DescribedHazard> hazards;
};

} // namespace egm
