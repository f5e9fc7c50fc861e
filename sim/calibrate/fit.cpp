#include "sim/calibrate/fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include <Eigen/Dense>
#include <fmt/format.h>

namespace sim::calibrate {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double kStep = 0.04;           ///< of a derivative, in the logarithm: well above the noise of a short run
constexpr double kSilent = 0.3;          ///< rows that say less than this of what the prior leaves open say nothing
constexpr double kDeterminedShare = 0.5; ///< of the prior's deviation that may be left
constexpr double kConverged = 1e-3; ///< relative gain of an iteration, and largest step, below which it is the last
constexpr unsigned kIterationsMax = 10;
constexpr double kCauchy = 2.385; ///< 95 % efficient for normal noise
constexpr double kShownInCombination = 0.25;

std::vector<std::size_t> all_of(std::size_t count) {
    std::vector<std::size_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    return numbers;
}

class Fit {
public:
    Fit(const std::vector<FitParameter>& parameters, const std::vector<FitRow>& rows, const FitModel& model,
        const std::function<void(const std::string&)>& stage)
        : parameters_(parameters), rows_(rows), model_(model), stage_(stage), at_(starts(parameters)),
          jacobian_(Matrix::Zero(index(rows.size()), index(parameters.size()))) {}

    FitResult go() {
        result_.states.assign(parameters_.size(), FitResult::State::kSilent);
        result_.rows_of.resize(parameters_.size());
        for (const FitParameter& parameter : parameters_) {
            result_.values.push_back(parameter.start);
            result_.deviations.push_back(parameter.uncertainty);
        }
        if (work()) {
            finish();
        } else {
            result_.interrupted = true;
        }
        return std::move(result_);
    }

private:
    static Eigen::Index index(std::size_t i) { return static_cast<Eigen::Index>(i); }
    static std::vector<double> starts(const std::vector<FitParameter>& parameters) {
        std::vector<double> logs;
        for (const FitParameter& parameter : parameters) {
            logs.push_back(std::log(parameter.start));
        }
        return logs;
    }

    void say(const std::string& what) const {
        if (stage_) {
            stage_(what);
        }
    }

    /// False when interrupted.
    bool work() {
        say("the rows as the machine is");
        const auto first = ask({at_}, all_of(rows_.size()));
        if (!first) {
            return false;
        }
        residuals_ = first->front();
        result_.before = predictions(residuals_);
        say(fmt::format("what {} rows say about {} figures", rows_.size(), parameters_.size()));
        active_ = all_of(parameters_.size());
        if (!differentiate(true)) {
            return false;
        }
        active_ = touched_ = touched();
        if (!descend() || !differentiate(false)) {
            return false;
        }
        combinations();
        if (fix_undetermined()) {
            const auto again = ask({at_}, all_of(rows_.size()));
            if (!again) {
                return false;
            }
            residuals_ = again->front();
            return descend() && differentiate(false);
        }
        return true;
    }

    std::vector<double> values(const std::vector<double>& logs) const {
        std::vector<double> found;
        for (std::size_t i = 0; i < logs.size(); ++i) {
            const FitParameter& parameter = parameters_[i];
            const double value = parameter.nearest(std::exp(logs[i]));
            found.push_back(value == parameter.nearest(parameter.start) ? parameter.start : value);
        }
        return found;
    }

    /// ln(predicted / measured) / noise of each row, for each of `points`; a row that was not asked for keeps its
    /// residual.
    std::optional<std::vector<Vector>> ask(const std::vector<std::vector<double>>& points,
                                           const std::vector<std::vector<std::size_t>>& rows) {
        std::vector<FitQuery> queries;
        for (std::size_t i = 0; i < points.size(); ++i) {
            queries.push_back({values(points[i]), rows[i]});
        }
        const auto answers = model_(queries);
        if (answers.size() != queries.size()) {
            return std::nullopt;
        }
        std::vector<Vector> found;
        for (std::size_t i = 0; i < points.size(); ++i) {
            Vector residuals = residuals_.size() > 0 ? residuals_ : Vector::Zero(index(rows_.size()));
            for (std::size_t k = 0; k < rows[i].size(); ++k) {
                const std::size_t row = rows[i][k];
                if (answers[i][k] > 0) {
                    residuals[index(row)] = std::log(answers[i][k] / rows_[row].measured) / rows_[row].noise;
                }
            }
            found.push_back(std::move(residuals));
        }
        return found;
    }
    std::optional<std::vector<Vector>> ask(const std::vector<std::vector<double>>& points,
                                           const std::vector<std::size_t>& rows) {
        return ask(points, std::vector(points.size(), rows));
    }

    std::vector<double> predictions(const Vector& residuals) const {
        std::vector<double> found;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            found.push_back(std::exp(residuals[index(i)] * rows_[i].noise) * rows_[i].measured);
        }
        return found;
    }

    /// Central differences of all active parameters; with `everywhere` of all rows, else of those that depended on it.
    bool differentiate(bool everywhere) {
        std::vector<std::vector<double>> points;
        std::vector<std::vector<std::size_t>> rows;
        for (const std::size_t j : active_) {
            std::vector<std::size_t> mine = everywhere ? all_of(rows_.size()) : rows_touched(j);
            for (const double step : {-kStep, kStep}) {
                points.push_back(stepped(j, step));
                rows.push_back(mine);
            }
        }
        const auto found = ask(points, rows);
        if (!found) {
            return false;
        }
        for (std::size_t k = 0; k < active_.size(); ++k) {
            const std::size_t j = active_[k];
            const double low = std::log(values(points[2 * k])[j]), high = std::log(values(points[2 * k + 1])[j]);
            if (high > low) {
                jacobian_.col(index(j)) = ((*found)[2 * k + 1] - (*found)[2 * k]) / (high - low);
            } else {
                jacobian_.col(index(j)).setZero();
            }
        }
        return true;
    }

    /// One parameter a little lower or higher: by a unit at least, and not beyond its bounds.
    std::vector<double> stepped(std::size_t j, double step) const {
        const FitParameter& parameter = parameters_[j];
        std::vector<double> point = at_;
        const double here = std::exp(at_[j]);
        double there = here * std::exp(step);
        if (parameter.nearest(there) == parameter.nearest(here)) {
            there = here + (step > 0 ? parameter.unit : -parameter.unit);
        }
        point[j] = std::log(std::clamp(there, parameter.low, parameter.high));
        return point;
    }

    std::vector<std::size_t> rows_touched(std::size_t j) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < rows_.size(); ++i) {
            if (std::abs(jacobian_(index(i), index(j))) * parameters_[j].uncertainty > kSilent / 10) {
                found.push_back(i);
            }
        }
        return found;
    }

    std::vector<std::size_t> touched() const {
        std::vector<std::size_t> found;
        for (const std::size_t j : active_) {
            if (jacobian_.col(index(j)).norm() * parameters_[j].uncertainty > kSilent) {
                found.push_back(j);
            }
        }
        return found;
    }

    /// How much each row counts: less, the farther it is off in units of what is usual.
    Vector weights(const Vector& residuals) const {
        std::vector<double> sizes;
        for (const double residual : residuals) {
            sizes.push_back(std::abs(residual));
        }
        std::nth_element(sizes.begin(), sizes.begin() + index(sizes.size() / 2), sizes.end());
        const double usual = std::max(1.0, 1.4826 * sizes[sizes.size() / 2]);
        return residuals.unaryExpr([&](double residual) {
            const double far = residual / (usual * kCauchy);
            return 1 / (1 + far * far);
        });
    }

    /// Of the active parameters: deviation from the start, in units of the prior.
    Vector strain(const std::vector<double>& point) const {
        Vector found(index(active_.size()));
        for (std::size_t k = 0; k < active_.size(); ++k) {
            const FitParameter& parameter = parameters_[active_[k]];
            found[index(k)] = (point[active_[k]] - std::log(parameter.start)) / parameter.uncertainty;
        }
        return found;
    }
    double cost(const Vector& residuals, const Vector& weight, const std::vector<double>& point) const {
        return (weight.array() * residuals.array().square()).sum() + strain(point).squaredNorm();
    }

    /// The Jacobian of these parameters, in units of their priors.
    Matrix whitened(const std::vector<std::size_t>& parameters) const {
        Matrix found(index(rows_.size()), index(parameters.size()));
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            found.col(index(k)) = jacobian_.col(index(parameters[k])) * parameters_[parameters[k]].uncertainty;
        }
        return found;
    }

    std::vector<double> moved(const Vector& step) const {
        std::vector<double> point = at_;
        for (std::size_t k = 0; k < active_.size(); ++k) {
            const FitParameter& parameter = parameters_[active_[k]];
            point[active_[k]] = std::clamp(point[active_[k]] + step[index(k)] * parameter.uncertainty,
                                           std::log(parameter.low), std::log(parameter.high));
        }
        return point;
    }

    /// Levenberg-Marquardt. Four dampings are tried side by side; the best step is taken. Between the steps the
    /// Jacobian is corrected by what the step has shown (Broyden), and worked out anew when that no longer helps.
    bool descend() {
        double damping = 1e-3;
        bool fresh = true;
        for (unsigned i = 0; i < kIterationsMax && !active_.empty(); ++i) {
            const Vector weight = weights(residuals_);
            const double here = cost(residuals_, weight, at_);
            const Matrix slope = whitened(active_);
            const Matrix weighted = slope.transpose() * weight.asDiagonal();
            Matrix normal = weighted * slope;
            normal.diagonal().array() += 1; // the priors
            const Vector gradient = weighted * residuals_ + strain(at_);
            std::vector<std::vector<double>> points;
            for (const double factor : {1.0, 30.0, 1e3, 3e4}) {
                Matrix damped = normal;
                damped.diagonal() += damping * factor * normal.diagonal();
                points.push_back(moved(-damped.ldlt().solve(gradient)));
            }
            say(fmt::format("step {} of at most {}", i + 1, kIterationsMax));
            const auto tried = ask(points, all_of(rows_.size()));
            if (!tried) {
                return false;
            }
            ++result_.iterations;
            std::size_t best = 0;
            std::vector<double> costs;
            for (std::size_t k = 0; k < points.size(); ++k) {
                costs.push_back(cost((*tried)[k], weight, points[k]));
                best = costs[k] < costs[best] ? k : best;
            }
            if (costs[best] >= here * (1 - kConverged)) {
                if (costs[best] < here) {
                    take(points[best], (*tried)[best]);
                }
                if (fresh) {
                    return true;
                }
                if (!differentiate(false)) {
                    return false;
                }
                fresh = true;
                continue;
            }
            take(points[best], (*tried)[best]);
            damping = std::clamp(damping * (best == 0 ? 0.1 : best == 1 ? 1.0 : 30.0), 1e-6, 1e3);
            fresh = false;
        }
        return true;
    }

    void take(const std::vector<double>& point, const Vector& residuals) {
        Vector step = Vector::Zero(index(parameters_.size()));
        for (const std::size_t j : active_) {
            step[index(j)] = point[j] - at_[j];
        }
        if (step.squaredNorm() > 0) {
            const Vector missed = residuals - residuals_ - jacobian_ * step;
            jacobian_ += missed * step.transpose() / step.squaredNorm();
        }
        at_ = point;
        residuals_ = residuals;
    }

    Matrix covariance(const Matrix& slope) const {
        Matrix normal = slope.transpose() * weights(residuals_).asDiagonal() * slope;
        normal.diagonal().array() += 1;
        return normal.ldlt().solve(Matrix::Identity(normal.rows(), normal.cols()));
    }

    /// Directions that the rows leave to the priors.
    void combinations() {
        if (active_.empty()) {
            return;
        }
        const Vector root = weights(residuals_).cwiseSqrt();
        const Matrix slope = root.asDiagonal() * whitened(active_);
        const Eigen::JacobiSVD<Matrix> svd(slope, Eigen::ComputeFullV);
        const double least = std::sqrt(1 / (kDeterminedShare * kDeterminedShare) - 1);
        for (Eigen::Index k = 0; k < svd.matrixV().cols(); ++k) {
            if (k < svd.singularValues().size() && svd.singularValues()[k] >= least) {
                continue;
            }
            FitCombination combination;
            const Vector direction = svd.matrixV().col(k);
            for (std::size_t j = 0; j < active_.size(); ++j) {
                if (std::abs(direction[index(j)]) >= kShownInCombination) {
                    combination.parts.emplace_back(active_[j], direction[index(j)]);
                }
            }
            std::sort(combination.parts.begin(), combination.parts.end(), [](const auto& a, const auto& b) {
                return std::abs(a.second) != std::abs(b.second) ? std::abs(a.second) > std::abs(b.second)
                                                                : a.first < b.first;
            });
            if (combination.parts.size() > 1) {
                if (combination.parts.front().second < 0) { // a direction has no sign: the first part rises
                    for (auto& part : combination.parts) {
                        part.second = -part.second;
                    }
                }
                result_.combinations.push_back(std::move(combination));
            }
        }
    }

    /// Puts what is not determined back to its start, the least determined first. True if there was any.
    bool fix_undetermined() {
        bool any = false;
        while (!active_.empty()) {
            const Vector left = covariance(whitened(active_)).diagonal().cwiseSqrt();
            Eigen::Index worst = 0;
            if (left.maxCoeff(&worst) <= kDeterminedShare) {
                break;
            }
            const std::size_t j = active_[static_cast<std::size_t>(worst)];
            result_.states[j] = FitResult::State::kKept;
            at_[j] = std::log(parameters_[j].start);
            active_.erase(active_.begin() + worst);
            any = true;
        }
        return any;
    }

    void finish() {
        const Vector weight = weights(residuals_);
        const double freedom = std::max(1.0, weight.sum() - static_cast<double>(active_.size()));
        result_.spread = std::sqrt((weight.array() * residuals_.array().square()).sum() / freedom);
        result_.after = predictions(residuals_);
        result_.weights.assign(weight.begin(), weight.end());
        if (active_.empty()) {
            return;
        }
        const double scale = std::max(1.0, result_.spread);
        // What was left at its start may be off by its prior, and that counts in what is known of the others.
        const Matrix slope = whitened(active_);
        const Matrix left = covariance(whitened(touched_));
        const Matrix gain = covariance(slope) * slope.transpose() * weight.asDiagonal();
        const std::vector<double> found = values(at_);
        for (std::size_t k = 0; k < active_.size(); ++k) {
            const std::size_t j = active_[k];
            const auto place =
                static_cast<Eigen::Index>(std::find(touched_.begin(), touched_.end(), j) - touched_.begin());
            result_.values[j] = found[j];
            result_.deviations[j] = std::min(1.0, std::sqrt(left(place, place)) * scale) * parameters_[j].uncertainty;
            result_.states[j] =
                result_.deviations[j] <= kDeterminedWithin ? FitResult::State::kDetermined : FitResult::State::kWeak;
            result_.rows_of[j] = fixed_by(gain.row(index(k)).cwiseProduct(slope.col(index(k)).transpose()));
        }
    }

    /// The rows that make up 80 % of what fixes a parameter, four at most.
    static std::vector<std::size_t> fixed_by(const Vector& shares) {
        std::vector<std::size_t> order = all_of(static_cast<std::size_t>(shares.size()));
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return shares[index(a)] > shares[index(b)]; });
        const double whole = shares.cwiseMax(0).sum();
        std::vector<std::size_t> found;
        double sum = 0;
        for (const std::size_t row : order) {
            if (found.size() == 4 || sum >= 0.8 * whole || shares[index(row)] <= 0) {
                break;
            }
            sum += shares[index(row)];
            found.push_back(row);
        }
        return found;
    }

    const std::vector<FitParameter>& parameters_;
    const std::vector<FitRow>& rows_;
    const FitModel& model_;
    const std::function<void(const std::string&)>& stage_;
    std::vector<double> at_; ///< logarithms
    Matrix jacobian_;        ///< of the residuals, by row and parameter, in logarithms
    Vector residuals_;
    std::vector<std::size_t> touched_; ///< parameters that some row depends on
    std::vector<std::size_t> active_;  ///< of these, those that are fitted
    FitResult result_;
};

} // namespace

double FitParameter::nearest(double value) const {
    if (unit > 0 && value < 1e5 * unit) {
        return std::max(unit, std::round(value / unit) * unit);
    }
    double digits = 1; // five of them
    while (value / digits >= 1e5) {
        digits *= 10;
    }
    while (value / digits < 1e4) {
        digits /= 10;
    }
    return digits >= 1 ? std::round(value / digits) * digits : std::round(value / digits) / std::round(1 / digits);
}

FitResult fit(const std::vector<FitParameter>& parameters, const std::vector<FitRow>& rows, const FitModel& model,
              const std::function<void(const std::string&)>& stage) {
    return Fit(parameters, rows, model, stage).go();
}

} // namespace sim::calibrate
