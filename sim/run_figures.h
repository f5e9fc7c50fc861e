#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sim {

/// One figure of a run's result, as its JSON has it (docs/json.md).
struct RunFigure {
    std::string setting;          ///< `native` or `vm`; empty: of the whole run, or of a VM
    std::string vm;               ///< name
    std::string group;            ///< name
    std::string stream;           ///< name; empty: of the group
    std::string name;             ///< the path of its keys, without their unit: `latency_spread.p99`
    std::optional<double> number; ///< none: it is a text
    std::string text;
    std::string unit; ///< `GB/s`, `ns`, `B`; empty: a share, a count or a text

    /// What somebody would ask for it by: `native:GROUP/STREAM/latency_spread.p99`.
    std::string address() const;
};

/// All figures of a result, in its order; what lies in nameless lists is left out.
std::vector<RunFigure> figures_of(const std::string& json);

/// The figure that `wanted` names, or why there is none. `wanted` is one of
///
///     [native:|vm:]WHERE/FIGURE   WHERE: a stream, GROUP/STREAM, a group or a VM
///     FIGURE                      of the whole run: `simulated`
///     /traffic/0/busy/0/resource  a JSON pointer (RFC 6901) into the result
///
/// With both settings, that of the VMs is meant, which there is none of after a failed bring-up. Short for what is
/// asked for often: `p50` `p90` `p99` `max` for `latency_spread.p50` and so on, `mean` for `latency_under_load`,
/// `limit` for `binding.resource`, `bound` for `static_bound`.
struct FoundFigure {
    std::optional<RunFigure> figure;
    std::string why; ///< "there is no ..."; empty = found
};
FoundFigure find_figure(const std::string& wanted, const std::vector<RunFigure>& figures, const std::string& json);

/// WHERE and FIGURE of `wanted`, the setting left out; both empty for a JSON pointer.
struct FigureAddress {
    std::string setting, where, figure;
};
FigureAddress figure_address(const std::string& wanted);

} // namespace sim
