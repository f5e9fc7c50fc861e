#pragma once

#include <cstdint>

/// One traffic, crossed by five programs: what do our models cost beside a loop that does nothing else?
///
/// `hosts` hosts hang on one switch, each by one link of `kBytesPerSecond` each way and `kLatency`. Each host keeps
/// `window` packets in flight, to peers that a fixed sequence names: half of them to one neighbour, the rest to
/// anybody, so that ports are loaded unequally. The peer answers at once with a packet without bytes. A packet crosses
/// two links (the host's and the switch's port), its answer too: four crossings a round trip.
namespace bench {

using Picoseconds = std::uint64_t;

inline constexpr std::uint64_t kBytesPerSecond = 450'000'000'000;
inline constexpr Picoseconds kLatency = 250'000;

struct Work {
    unsigned hosts = 72;
    unsigned window = 128;
    std::uint64_t packet_bytes = 4096;
    std::uint64_t round_trips = 1'000'000;
    /// For those with finite buffers: room at each far end of a link, twice what the rate needs over a credit round
    /// trip of 500 ns. 0 = without end.
    std::uint64_t buffer_bytes = 450'000;
};

struct Outcome {
    std::uint64_t crossings = 0;
    Picoseconds finished = 0; ///< when the last answer came
};

/// The peers that one host sends to, one after the other.
class Peers {
public:
    Peers(unsigned host, unsigned hosts) : host_(host), hosts_(hosts), state_(host * 0x9E3779B97F4A7C15ull + 1) {}

    unsigned next() {
        state_ ^= state_ << 13; // xorshift64 (Marsaglia, 2003)
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        const auto other = static_cast<unsigned>((state_ >> 33) % (hosts_ - 1));
        const unsigned step = (state_ & 1) != 0 ? 1 : other + 1;
        return (host_ + step) % hosts_;
    }

private:
    unsigned host_;
    unsigned hosts_;
    std::uint64_t state_;
};

Outcome cross_with_bare_loop(const Work& work);
Outcome cross_with_plain_systemc(const Work& work);
Outcome cross_with_plain_credits(const Work& work);
Outcome cross_with_plain_tlm(const Work& work);
Outcome cross_with_models(const Work& work);

} // namespace bench
