#pragma once

#include <string>
#include <utility>
#include <vector>

#include "egm/lint.h"

/// The rules of the linter, by what they look at. Each adds its findings about one VM.
namespace egm {

/// One VM under the rules, and where its findings go.
struct LintCase {
    const VmDescription& vm;
    const std::string& file;
    const MachineSurvey& machine;
    std::vector<LintFinding>& findings;

    void error(TextPlace place, std::string message, std::string advice) const {
        findings.push_back({LintFinding::Severity::kError, file, place, std::move(message), std::move(advice)});
    }
    void warning(TextPlace place, std::string message, std::string advice) const {
        findings.push_back({LintFinding::Severity::kWarning, file, place, std::move(message), std::move(advice)});
    }
    void note(TextPlace place, std::string message, std::string advice) const {
        findings.push_back({LintFinding::Severity::kNote, file, place, std::move(message), std::move(advice)});
    }

    /// The backend of that id, or nullptr.
    const DescribedBackend* backend(const std::string& id) const;
    /// The node of that number, or nullptr.
    const DescribedNode* node(int number) const;
    /// The carveout behind a node, or nullptr.
    const CarveoutInfo* carveout_of_node(int number) const;
    /// The carveout that a backend's path names and that the machine has, or nullptr.
    const CarveoutInfo* carveout_of_backend(const DescribedBackend& backend) const;
    /// The expander bus that a device hangs behind.
    std::string bus_of(const DescribedDevice& device) const;
};

/// Whether this is an EGM device by its path, on whatever machine.
bool is_egm(const DescribedBackend& backend);

void check_backends(const LintCase& lint); ///< EGM mapped whole, shared, from its beginning, in large blocks
void check_nodes(const LintCase& lint);    ///< numbers, order, sizes and alignment of NUMA nodes
void check_gpus(const LintCase& lint);     ///< every GPU of a used carveout, its EGM link and its eight initiators
void check_buses(const LintCase& lint);    ///< virtual SMMUs as on the host, MMIO window
void check_hazards(const LintCase& lint);  ///< what does not go with EGM at all

} // namespace egm
