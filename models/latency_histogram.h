#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "models/specs.h"

namespace models {

/// How often which latency occurred: a log-linear histogram, as HdrHistogram's (Gil Tene, hdrhistogram.org).
///
/// Below 256 ps each value has a bucket of its own; above, each octave [2^k, 2^(k+1)) is cut into 128 buckets of equal
/// width. A quantile is told as the middle of its bucket, so it is wrong by at most half a width:
///
///     error <= (2^k / 128) / 2 <= value / 256 < 0.4 %
///
/// The number of values, the least and the largest are exact. Buckets are held from the lowest octave that occurred to
/// the highest: 1 KiB an octave. Recording costs a few instructions; the order of values does not matter.
class LatencyHistogram {
public:
    void record(Picoseconds latency) {
        const std::uint64_t index = bucket(latency);
        if (index - first_ >= counts_.size()) {
            cover(index);
        }
        ++counts_[index - first_];
        min_ = std::min(min_, latency);
        max_ = std::max(max_, latency);
    }

    /// All of `other` too, as if each of its values had been recorded here.
    void add(const LatencyHistogram& other) {
        for (std::size_t i = 0; i < other.counts_.size(); ++i) {
            if (other.counts_[i] != 0) {
                const std::uint64_t index = other.first_ + i;
                if (index - first_ >= counts_.size()) {
                    cover(index);
                }
                counts_[index - first_] += other.counts_[i];
            }
        }
        min_ = std::min(min_, other.min_);
        max_ = std::max(max_, other.max_);
    }

    /// As when new, but keeps its memory.
    void clear() {
        std::fill(counts_.begin(), counts_.end(), 0);
        min_ = kNever;
        max_ = 0;
    }

    std::uint64_t count() const {
        std::uint64_t sum = 0;
        for (const std::uint64_t each : counts_) {
            sum += each;
        }
        return sum;
    }

    /// The latency that this many of 10 000 values do not exceed (nearest rank): 9900 is p99. 0 if there is no value.
    /// Precondition: `of_ten_thousand <= 10'000`.
    Picoseconds quantile(unsigned of_ten_thousand) const {
        const std::uint64_t all = count();
        // all x share / 10 000, rounded up, without overflow
        const std::uint64_t share = of_ten_thousand;
        const std::uint64_t rank = all / 10'000 * share + (all % 10'000 * share + 9'999) / 10'000;
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (counts_[i] != 0 && seen >= rank) {
                return std::clamp(middle(first_ + i), min_, max_);
            }
        }
        return 0;
    }

    Picoseconds min() const { return std::min(min_, max_); }
    Picoseconds max() const { return max_; }

private:
    static constexpr unsigned kLinearBits = 7; ///< 128 buckets an octave
    static constexpr Picoseconds kNever = std::numeric_limits<Picoseconds>::max();
    static constexpr std::uint64_t kLinear = std::uint64_t{1} << kLinearBits;

    /// Values below 256 are their own index; then 128 to an octave.
    static std::uint64_t bucket(Picoseconds value) {
        const auto octave = static_cast<unsigned>(std::bit_width(value | kLinear)) - 1 - kLinearBits;
        return (std::uint64_t{octave} << kLinearBits) + (value >> octave);
    }
    static Picoseconds middle(std::uint64_t index) {
        if (index < 2 * kLinear) {
            return index;
        }
        const std::uint64_t octave = index / kLinear - 1;
        return (2 * (index % kLinear + kLinear) + 1) << (octave - 1);
    }

    /// Makes room for `index`, by whole octaves.
    void cover(std::uint64_t index) {
        const std::uint64_t low = index / kLinear * kLinear;
        const std::uint64_t end = low + kLinear;
        if (counts_.empty()) {
            first_ = low;
            counts_.resize(kLinear);
        } else if (low < first_) {
            counts_.insert(counts_.begin(), first_ - low, 0);
            first_ = low;
        } else {
            counts_.resize(end - first_);
        }
    }

    std::vector<std::uint64_t> counts_;
    std::uint64_t first_ = 0; ///< index of the first of `counts_`
    Picoseconds min_ = kNever;
    Picoseconds max_ = 0;
};

} // namespace models
