#include "sim/validate/run_rows.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/forked.h"
#include "sim/host_kernel.h"
#include "sim/reach_check.h"
#include "sim/report_json.h"
#include "sim/runner.h"
#include "sim/scenario_loader.h"
#include "sim/validate/row_figure.h"

namespace sim::validate {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kRowsPerProcess = 16; ///< few enough to keep all cores busy, many enough to share a machine

/// The file system with one more text in it.
class WithText final : public InputFiles {
public:
    WithText(const InputFiles& others, std::string path, std::string text)
        : others_(others), path_(std::move(path)), text_(std::move(text)) {}

    bool exists(const std::string& path) const override { return path == path_ || others_.exists(path); }
    std::optional<std::string> read(const std::string& path, Diagnostics& diagnostics) const override {
        return path == path_ ? text_ : others_.read(path, diagnostics);
    }
    std::vector<std::string> list(const std::string& directory) const override { return others_.list(directory); }

private:
    const InputFiles& others_;
    std::string path_, text_;
};

/// Rows that run in one process.
struct Batch {
    std::vector<std::size_t> rows;
};

/// The work of a child: loads a batch as one scenario and runs it. What one row's scenario has wrong is that row's
/// fault; the others run without it.
class BatchRun {
public:
    BatchRun(const std::vector<RowResult>& rows, Batch batch, const SearchPath& search, const RowRunOptions& options)
        : rows_(rows), batch_(std::move(batch)), search_(search), options_(options) {}

    std::string operator()() {
        Json answer;
        answer["faults"] = Json::object();
        while (!batch_.rows.empty()) {
            Diagnostics diagnostics;
            const auto scenario = load(diagnostics);
            if (scenario) {
                const Json result = Json::parse(json_report(run_scenario(*scenario, options_.fidelity, {})));
                answer["traffic"] = result.at("traffic");
                if (result.contains("error")) {
                    answer["error"] = result["error"];
                }
                break;
            }
            for (const auto& [row, fault] : faults(diagnostics)) {
                answer["faults"][std::to_string(row)] = fault;
                batch_.rows.erase(std::remove(batch_.rows.begin(), batch_.rows.end(), row), batch_.rows.end());
            }
        }
        return answer.dump();
    }

private:
    std::optional<Scenario> load(Diagnostics& diagnostics) {
        std::string text = fmt::format("scenario: rows\n{}traffic:\n", rows_[batch_.rows.front()].plan.header);
        ends_.clear();
        head_ = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
        for (const std::size_t row : batch_.rows) {
            text += rows_[row].plan.traffic();
            ends_.push_back(static_cast<int>(std::count(text.begin(), text.end(), '\n')));
        }
        const WithText files(search_.input(), kName, text);
        SearchPath search = search_;
        search.files = &files;
        auto scenario = load_scenario(kName, options_.sets, search, diagnostics);
        if (scenario) {
            check_reach(*scenario, diagnostics);
            check_host(*scenario, diagnostics);
        }
        return diagnostics.has_errors() ? std::nullopt : std::move(scenario);
    }

    /// By row; a fault of the machine is one of all rows.
    std::map<std::size_t, std::string> faults(const Diagnostics& diagnostics) const {
        std::map<std::size_t, std::string> found;
        std::string general;
        for (const Diagnostic& each : diagnostics.all()) {
            if (each.severity != Diagnostic::Severity::kError) {
                continue;
            }
            const std::string text = each.message + (each.suggestion.empty() ? "" : "; " + each.suggestion);
            const auto end = std::lower_bound(ends_.begin(), ends_.end(), each.where.line);
            const bool in_row = each.where.file == kName && end != ends_.end() && each.where.line > head_;
            if (in_row) {
                found.emplace(batch_.rows[static_cast<std::size_t>(end - ends_.begin())], text);
            } else if (general.empty()) {
                general = text;
            }
        }
        if (found.empty()) {
            for (const std::size_t row : batch_.rows) {
                found.emplace(row, general);
            }
        }
        return found;
    }
    static constexpr const char* kName = "rows.yaml";
    const std::vector<RowResult>& rows_;
    Batch batch_;
    const SearchPath& search_;
    const RowRunOptions& options_;
    int head_ = 0;          ///< last line before the rows
    std::vector<int> ends_; ///< last line of each row
};

} // namespace

const char* to_string(RowResult::Status status) {
    switch (status) {
    case RowResult::Status::kCompared:
        return "compared";
    case RowResult::Status::kUnsupported:
        return "unsupported";
    case RowResult::Status::kFaulty:
        break;
    }
    return "faulty";
}

RowRun run_rows(std::vector<MeasuredRow> rows, RowPlanner& planner, const SearchPath& search,
                const RowRunOptions& options, Diagnostics& diagnostics) {
    RowRun run;
    std::vector<Batch> batches;
    std::map<std::string, std::size_t> open; // by header, the batch that still has room
    for (MeasuredRow& measured : rows) {
        RowResult row;
        row.row = std::move(measured);
        row.plan = planner.plan(row.row, diagnostics);
        if (row.row.faulty) {
            refuse(row, RowResult::Status::kFaulty, row.row.fault);
        } else if (row.plan.groups.empty()) {
            refuse(row, RowResult::Status::kUnsupported, row.plan.unsupported);
        } else {
            const auto [found, fresh] = open.try_emplace(row.plan.header, batches.size());
            if (fresh || batches[found->second].rows.size() == kRowsPerProcess) {
                found->second = batches.size();
                batches.emplace_back();
            }
            batches[found->second].rows.push_back(run.rows.size());
        }
        run.rows.push_back(std::move(row));
    }
    std::vector<ForkedJob> jobs;
    std::size_t all = 0, done = 0;
    for (const Batch& batch : batches) {
        jobs.emplace_back([&run, &search, &options, batch] { return BatchRun(run.rows, batch, search, options)(); });
        all += batch.rows.size();
    }
    const auto answers = run_forked(jobs, options.parallel, [&](std::size_t job, const ForkedAnswer&) {
        done += batches[job].rows.size();
        if (options.progress) {
            options.progress(done, all);
        }
    });
    for (std::size_t i = 0; i < batches.size(); ++i) {
        run.interrupted = run.interrupted || answers[i].interrupted;
        if (!answers[i].error.empty()) {
            for (const std::size_t row : batches[i].rows) {
                refuse(run.rows[row], RowResult::Status::kUnsupported, "its run failed: " + answers[i].error);
            }
            continue;
        }
        const Json answer = Json::parse(answers[i].text);
        std::map<std::string, Json> groups;
        for (const Json& group : answer.value("traffic", Json::array())) {
            groups[group["group"]] = group;
        }
        if (answer.contains("error")) {
            for (const std::size_t row : batches[i].rows) {
                refuse(run.rows[row], RowResult::Status::kUnsupported,
                       fmt::format("bring-up of its VM failed: {}, {}", answer["error"]["call"].get<std::string>(),
                                   answer["error"]["advice"].get<std::string>()));
            }
            continue;
        }
        for (const std::size_t row : batches[i].rows) {
            const auto fault = answer["faults"].find(std::to_string(row));
            if (fault != answer["faults"].end()) {
                refuse(run.rows[row], RowResult::Status::kUnsupported, *fault);
            } else {
                work_out(run.rows[row], groups);
            }
        }
    }
    return run;
}

} // namespace sim::validate
