#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "models/packet_fifo.h"

namespace models {

/// Round robin by bytes between the input ports of a switch, for one output: who waits gets the same share as every
/// other input that waits, whatever the size of its bursts and however many it has.
///
/// Elastic round robin (Kanhere, Sethu, Parekh: Fair and efficient packet scheduling using elastic round robin, IEEE
/// TPDS 13(3), 2002), made for wormhole switches, where the length of a packet is known only when it has passed: an
/// input in its turn sends packets until it has sent its allowance; what it sends beyond that is taken off its next
/// allowance. The bytes of two inputs that always wait differ by three bursts at most; the work is the same for
/// any number of inputs. Within an input, first come.
class InputTurns {
public:
    bool empty() const { return active_ == 0; }

    /// To the queue of `transit.input`.
    void push(Payload& payload) {
        const unsigned input = transit(payload).input;
        if (input >= inputs_.size()) {
            inputs_.resize(input + 1u);
        }
        Input& mine = inputs_[input];
        const bool was_empty = mine.waiting.empty();
        mine.waiting.push(payload);
        if (was_empty) {
            mine.surplus = 0;
            append(input);
        }
    }

    /// Whose turn it is. Precondition: not `empty()`.
    Payload& front() const { return inputs_[first_].waiting.front(); }

    /// The front has been sent, `bytes` long.
    void pop(std::uint64_t bytes) {
        Input& mine = inputs_[first_];
        mine.waiting.pop();
        sent_ += bytes;
        const std::uint64_t allowance = 1 + surplus_before_ - std::min(surplus_before_, mine.surplus);
        if (!mine.waiting.empty() && sent_ < allowance) {
            return;
        }
        const unsigned input = first_;
        first_ = mine.next;
        --active_;
        if (!mine.waiting.empty()) {
            mine.surplus = sent_ - allowance;
            surplus_most_ = std::max(surplus_most_, mine.surplus);
            append(input);
        }
        sent_ = 0;
        if (--turns_left_ == 0) {
            turns_left_ = active_;
            surplus_before_ = surplus_most_;
            surplus_most_ = 0;
        }
    }

private:
    struct Input {
        PacketFifo waiting;
        std::uint64_t surplus = 0; ///< sent beyond its last allowance
        unsigned next = 0;         ///< input that follows, among those that wait
    };

    void append(unsigned input) {
        if (active_ == 0) {
            first_ = input;
            sent_ = 0;
            if (turns_left_ == 0) {
                turns_left_ = 1;
                surplus_before_ = surplus_most_ = 0;
            }
        } else {
            inputs_[last_].next = input;
        }
        last_ = input;
        ++active_;
    }

    std::vector<Input> inputs_;
    unsigned first_ = 0; ///< whose turn it is
    unsigned last_ = 0;
    unsigned active_ = 0;              ///< inputs that wait
    unsigned turns_left_ = 0;          ///< of this round
    std::uint64_t sent_ = 0;           ///< in this turn
    std::uint64_t surplus_most_ = 0;   ///< of this round
    std::uint64_t surplus_before_ = 0; ///< of the round before
};

} // namespace models
