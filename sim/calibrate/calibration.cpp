#include "sim/calibrate/calibration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "sim/forked.h"

namespace sim::calibrate {
namespace {

using Json = nlohmann::json;

/// Simulates in child processes, a few rows in each.
class ForkedModel {
public:
    ForkedModel(const Measurements& measurements, const std::vector<Parameter>& parameters,
                const CalibrationOptions& options)
        : measurements_(measurements), parameters_(parameters), options_(options) {}

    void stage(const std::string& what) { stage_ = what; }

    /// Predictions of each query's rows, which are numbers of measurements; fewer answers when interrupted.
    std::vector<std::vector<double>> predict(const std::vector<FitQuery>& queries,
                                             std::vector<std::string>* why = nullptr) const {
        struct Piece {
            std::size_t query;
            std::vector<std::size_t> rows;
        };
        std::vector<Piece> pieces;
        for (std::size_t i = 0; i < queries.size(); ++i) {
            std::set<std::size_t> rows;
            for (const std::size_t row : queries[i].rows) {
                rows.insert(measurements_.all()[row].twin);
            }
            for (const std::size_t row : rows) {
                if (pieces.empty() || pieces.back().query != i || pieces.back().rows.size() == measurements_.chunk()) {
                    pieces.push_back({i, {}});
                }
                pieces.back().rows.push_back(row);
            }
        }
        std::vector<ForkedJob> jobs;
        for (const Piece& piece : pieces) {
            jobs.emplace_back([this, &queries, &piece] {
                std::vector<std::string> reasons;
                Json answer;
                answer["figures"] =
                    measurements_.predict(piece.rows, overrides(queries[piece.query].parameters), &reasons);
                answer["why"] = reasons;
                return answer.dump();
            });
        }
        std::size_t done = 0;
        const auto answers = run_forked(jobs, options_.parallel, [&](std::size_t, const ForkedAnswer&) {
            if (options_.progress) {
                options_.progress(stage_, ++done, jobs.size());
            }
        });
        std::vector<std::map<std::size_t, double>> of_twins(queries.size());
        for (std::size_t k = 0; k < pieces.size(); ++k) {
            if (answers[k].interrupted) {
                return {};
            }
            const Json answer = answers[k].error.empty() ? Json::parse(answers[k].text) : Json();
            for (std::size_t i = 0; i < pieces[k].rows.size(); ++i) {
                const std::size_t row = pieces[k].rows[i];
                of_twins[pieces[k].query][row] = answer.is_object() ? answer["figures"][i].get<double>() : 0.0;
                if (why != nullptr) {
                    (*why)[row] = answer.is_object() ? answer["why"][i].get<std::string>()
                                                     : "its run failed: " + answers[k].error;
                }
            }
        }
        std::vector<std::vector<double>> figures(queries.size());
        for (std::size_t i = 0; i < queries.size(); ++i) {
            for (const std::size_t row : queries[i].rows) {
                figures[i].push_back(of_twins[i].at(measurements_.all()[row].twin));
                if (why != nullptr) {
                    (*why)[row] = (*why)[measurements_.all()[row].twin];
                }
            }
        }
        return figures;
    }

private:
    /// Of what is not as the machine has it.
    std::vector<std::string> overrides(const std::vector<double>& values) const {
        std::vector<std::string> found;
        for (std::size_t j = 0; j < values.size(); ++j) {
            if (values[j] != parameters_[j].fit.start) {
                const auto more = parameters_[j].overrides(values[j]);
                found.insert(found.end(), more.begin(), more.end());
            }
        }
        return found;
    }

    const Measurements& measurements_;
    const std::vector<Parameter>& parameters_;
    const CalibrationOptions& options_;
    std::string stage_;
};

} // namespace

double Calibration::mean(const Measurements& measurements, const std::vector<double>& predictions) const {
    double sum = 0;
    for (std::size_t i = 0; i < used.size(); ++i) {
        sum += std::abs(predictions[i] / measurements.all()[used[i]].value - 1);
    }
    return used.empty() ? 0 : sum / static_cast<double>(used.size());
}

Calibration calibrate(const Measurements& measurements, std::vector<Parameter> parameters,
                      const CalibrationOptions& options) {
    Calibration result;
    result.parameters = std::move(parameters);
    ForkedModel model(measurements, result.parameters, options);
    std::vector<FitParameter> figures;
    std::vector<double> starts;
    for (const Parameter& parameter : result.parameters) {
        figures.push_back(parameter.fit);
        starts.push_back(parameter.fit.start);
    }
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < measurements.all().size(); ++i) {
        result.unusable.push_back(measurements.all()[i].unusable);
        if (measurements.all()[i].unusable.empty()) {
            candidates.push_back(i);
        }
    }
    model.stage("the rows as the machine is");
    const auto first = model.predict({{starts, candidates}}, &result.unusable);
    if (first.empty()) {
        result.fit.interrupted = true;
        return result;
    }
    std::vector<FitRow> rows;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (first[0][i] > 0) {
            result.used.push_back(candidates[i]);
            rows.push_back({measurements.all()[candidates[i]].value, options.noise});
        }
    }
    if (rows.empty()) {
        return result;
    }
    bool known = false; // the first thing that a fit asks is known already
    const FitModel ask = [&](const std::vector<FitQuery>& queries) {
        std::vector<FitQuery> numbered = queries;
        for (FitQuery& query : numbered) {
            for (std::size_t& row : query.rows) {
                row = result.used[row];
            }
        }
        if (!std::exchange(known, true)) {
            std::vector<double> there;
            std::copy_if(first[0].begin(), first[0].end(), std::back_inserter(there), [](double x) { return x > 0; });
            return std::vector<std::vector<double>>{there};
        }
        return model.predict(numbered);
    };
    result.fit = fit(figures, rows, ask, [&](const std::string& what) { model.stage(what); });
    return result;
}

} // namespace sim::calibrate
