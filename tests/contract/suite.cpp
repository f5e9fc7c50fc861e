#include "tests/contract/suite.h"

#include <utility>

#include "tests/contract/process.h"

namespace contract {

const Cases& suite() {
    static const Cases all = [] {
        Cases cases;
        for (Cases (*group)() :
             {memory_cases, file_cases, container_cases, group_cases, type1_map_cases, type1_unmap_cases,
              type1_info_cases, device_cases, type1_dma_cases, egm_cases, egm_ioctl_cases, egm_dma_cases,
              iommufd_object_cases, iommufd_map_cases, iommufd_unmap_cases, iommufd_device_cases, iommufd_dma_cases,
              iommufd_newer_cases, kvm_cases}) {
            const Cases more = group();
            cases.insert(cases.end(), more.begin(), more.end());
        }
        return cases;
    }();
    return all;
}

std::string missing(unsigned needs, unsigned available) {
    constexpr std::pair<unsigned, const char*> kNames[] = {{kType1, "no VFIO device in a type1 container"},
                                                           {kIommufd, "no iommufd"},
                                                           {kEgm, "no EGM device"},
                                                           {kKvm, "no KVM of arm64"}};
    std::string lacks;
    for (const auto& [facility, name] : kNames)
        if ((needs & ~available & facility) != 0)
            lacks += (lacks.empty() ? "" : ", ") + std::string(name);
    return lacks;
}

Row run(const Case& question, World& world) {
    Row row{question.id, "", question.expected.at(world.facts()), missing(question.needs, world.facts().facilities)};
    if (!row.skipped.empty())
        return row;
    try {
        row.outcome = question.run(world);
    } catch (const SetupFailed& failure) {
        row.outcome = std::string("cannot ask: ") + failure.what();
    }
    return row;
}

std::string describe(const Row& row) {
    const auto padded = [](std::string word, std::size_t width) {
        return word.size() < width ? word.append(width - word.size(), ' ') : word;
    };
    if (!row.skipped.empty())
        return padded("skipped", 9) + padded(row.id, 46) + " (" + row.skipped + ")";
    if (row.passed())
        return padded("pass", 9) + padded(row.id, 46) + " " + row.outcome;
    return padded("differs", 9) + padded(row.id, 46) + " " + row.outcome + " (expected " + row.expected + ")";
}

} // namespace contract
