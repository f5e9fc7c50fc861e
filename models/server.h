#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <string>

#include "models/specs.h"

namespace models {

/// A resource that serves one burst after another, in the order of arrival.
///
///     start = max(now, free)
///     free  = start + duration
///
/// Calls come in time order (each module takes its turn by an event), so the mark `free` is exact.
class Server {
public:
    Server() = default;
    explicit Server(std::string name) : name_(std::move(name)) {}

    /// bytes * 10^12 + remainder fits 64 bits.
    static constexpr std::uint64_t kBurstBytesMax = 4 << 20;

    struct Turn {
        Picoseconds start;
        Picoseconds duration;
    };

    /// Preconditions: `0 < bytes_per_second <= 2^63`, `bytes <= kBurstBytesMax`, `now` never goes back. Rounding is
    /// carried over to the next call, so that any number of bursts takes bytes / rate in sum.
    Turn serve(Picoseconds now, std::uint64_t bytes, std::uint64_t bytes_per_second) {
        bytes_ += bytes;
        return occupy(now, duration(bytes, bytes_per_second));
    }

    /// As `serve`, for work whose time the caller knows.
    Turn occupy(Picoseconds now, Picoseconds duration) {
        const Picoseconds start = std::max(now, free_);
        free_ = start + duration;
        busy_ += duration;
        ++turns_;
        return {start, duration};
    }

    /// From when on it serves the next one.
    Picoseconds free() const { return free_; }
    /// Time this server has been busy up to `now`.
    Picoseconds busy_until(Picoseconds now) const { return busy_ - (free_ > now ? free_ - now : 0); }
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t turns() const { return turns_; } ///< bursts served
    const std::string& name() const { return name_; }

private:
    static constexpr std::uint64_t kPicosecondsPerSecond = 1'000'000'000'000;

    /// bytes / rate in whole picoseconds; the division itself is done once for a size, since bursts are of a few sizes.
    Picoseconds duration(std::uint64_t bytes, std::uint64_t bytes_per_second) {
        assert(bytes_per_second > 0 && bytes <= kBurstBytesMax);
        if (bytes == 0) {
            return 0;
        }
        Division& known = known_[bytes < kShort];
        if (known.bytes != bytes || known.rate != bytes_per_second) {
            const std::uint64_t scaled = bytes * kPicosecondsPerSecond;
            known = {bytes, bytes_per_second, scaled / bytes_per_second, scaled % bytes_per_second};
        }
        remainder_ += known.remainder;
        if (remainder_ < bytes_per_second) {
            return known.quotient;
        }
        const Picoseconds carried = remainder_ / bytes_per_second; // more than one only when the rate has changed
        remainder_ -= carried * bytes_per_second;
        return known.quotient + carried;
    }

    struct Division {
        std::uint64_t bytes = 0;
        std::uint64_t rate = 0;
        Picoseconds quotient = 0;
        std::uint64_t remainder = 0;
    };
    static constexpr std::uint64_t kShort = 256; ///< bytes: headers are shorter, bursts longer

    Picoseconds free_ = 0;
    Picoseconds busy_ = 0;
    std::uint64_t remainder_ = 0; ///< of all divisions so far, in 1/rate of a picosecond
    std::uint64_t bytes_ = 0;
    std::uint64_t turns_ = 0;
    std::array<Division, 2> known_; ///< by whether it is short
    std::string name_;
};

/// A server whose bursts are too coarse to show all of the waiting: it keeps its recent utilisation, and
/// `queueing_delay` is what smaller jobs would wait at it.
class LoadedServer : public Server {
public:
    using Server::Server;

    Turn serve(Picoseconds now, std::uint64_t bytes, std::uint64_t bytes_per_second) {
        return note(now, Server::serve(now, bytes, bytes_per_second));
    }
    Turn occupy(Picoseconds now, Picoseconds duration) { return note(now, Server::occupy(now, duration)); }

    /// Mean wait at one of many banks behind this server, at the recent utilisation u:
    ///
    ///     quantum * u / (2 (1 - u) + 1 / depth)
    ///
    /// For a deep queue that is M/D/1 with jobs of `quantum` (Pollaczek-Khinchine; Kleinrock, Queueing Systems I); with
    /// room for `depth` jobs the wait grows to depth * quantum at full load instead of without end. Precondition:
    /// `depth > 0`.
    Picoseconds queueing_delay(Picoseconds quantum, double depth) const {
        const double u = std::min(recent_, 1.0);
        return static_cast<Picoseconds>(static_cast<double>(quantum) * u / (2 * (1 - u) + 1 / depth));
    }

private:
    static constexpr double kMemory = 2e6; ///< picoseconds over which utilisation is averaged

    Turn note(Picoseconds now, Turn turn) {
        const double passed = static_cast<double>(now - last_);
        recent_ = (recent_ * kMemory + static_cast<double>(turn.duration)) / (kMemory + passed);
        last_ = now;
        return turn;
    }

    Picoseconds last_ = 0;
    double recent_ = 0;
};

} // namespace models
