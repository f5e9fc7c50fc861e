#pragma once

#include <cmath>
#include <cstddef>
#include <iterator>
#include <vector>

namespace sim {

/// A figure taken in batches of equal length, its mean and how sure it is.
class BatchMeans {
public:
    void add(double batch) { batches_.push_back(batch); }
    std::size_t size() const { return batches_.size(); }

    double mean() const { return mean(0, batches_.size()); }
    /// Of the 95 % confidence interval: Student's t over batch means. Zero for fewer than two.
    double half_width() const {
        if (batches_.size() < 2) {
            return 0;
        }
        const double average = mean();
        double squares = 0;
        for (const double batch : batches_) {
            squares += (batch - average) * (batch - average);
        }
        const auto count = static_cast<double>(batches_.size());
        return student(batches_.size() - 1) * std::sqrt(squares / (count - 1) / count);
    }
    /// How far the mean of the second half lies from that of the first: of a figure that still moves, more than its
    /// half-width may say, since neighbouring batches are alike.
    double drift() const {
        const std::size_t half = batches_.size() / 2;
        return half == 0 ? 0 : std::abs(mean(0, half) - mean(batches_.size() - half, batches_.size()));
    }
    /// Makes one of each two neighbours.
    void merge_pairs() {
        for (std::size_t i = 0; i < batches_.size() / 2; ++i) {
            batches_[i] = (batches_[2 * i] + batches_[2 * i + 1]) / 2;
        }
        batches_.resize(batches_.size() / 2);
    }

private:
    double mean(std::size_t begin, std::size_t end) const {
        double sum = 0;
        for (std::size_t i = begin; i < end; ++i) {
            sum += batches_[i];
        }
        return begin == end ? 0 : sum / static_cast<double>(end - begin);
    }
    /// Two-sided 95 % quantile of Student's t. Source: any table; beyond 30 degrees the normal distribution's.
    static double student(std::size_t degrees) {
        static constexpr double kTable[] = {12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23,
                                            2.20,  2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09, 2.09,
                                            2.08,  2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04};
        return degrees == 0 ? kTable[0] : degrees <= std::size(kTable) ? kTable[degrees - 1] : 1.96;
    }

    std::vector<double> batches_;
};

} // namespace sim
