#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/waiting_bursts.h"

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
    /// `bursts` outlives the turns.
    explicit InputTurns(WaitingBursts& bursts) : bursts_(bursts) {}

    bool empty() const { return active_ == 0; }

    /// The burst `node` to the queue of its input.
    void push(std::uint32_t node) {
        const std::uint8_t number = bursts_[node].input;
        if (number >= place_.size()) {
            place_.resize(number + 1u, kNowhere);
        }
        if (place_[number] != kNowhere) {
            Input& mine = inputs_[place_[number]];
            bursts_.next(mine.tail) = node;
            mine.tail = node;
            return;
        }
        std::uint16_t place = free_;
        if (place == kNowhere) {
            place = static_cast<std::uint16_t>(inputs_.size());
            inputs_.emplace_back();
        } else {
            free_ = inputs_[place].next;
        }
        place_[number] = place;
        inputs_[place] = {node, node, 0, kNowhere, number};
        append(place);
    }

    /// Whose turn it is. Precondition: not `empty()`.
    std::uint32_t front() const { return inputs_[first_].head; }

    /// The front has been sent; it is the caller's again.
    void pop() {
        Input& mine = inputs_[first_];
        const std::uint32_t node = mine.head;
        mine.head = bursts_.next(node);
        sent_ += bursts_[node].wire_bytes;
        const bool more = mine.head != WaitingBursts::kNone;
        const std::uint64_t allowance = 1 + surplus_before_ - std::min(surplus_before_, mine.surplus);
        if (more && sent_ < allowance) {
            return;
        }
        const std::uint16_t place = first_;
        first_ = mine.next;
        --active_;
        if (more) {
            mine.surplus = sent_ - allowance;
            surplus_most_ = std::max(surplus_most_, mine.surplus);
            append(place);
        } else {
            place_[mine.number] = kNowhere;
            mine.next = free_;
            free_ = place;
        }
        sent_ = 0;
        if (--turns_left_ == 0) {
            turns_left_ = active_;
            surplus_before_ = surplus_most_;
            surplus_most_ = 0;
        }
    }

private:
    static constexpr std::uint16_t kNowhere = 0xFFFF;

    /// One that waits.
    struct Input {
        std::uint32_t head, tail;
        std::uint64_t surplus; ///< sent beyond its last allowance
        std::uint16_t next;    ///< place of the one that follows
        std::uint8_t number;
    };

    void append(std::uint16_t place) {
        if (active_ == 0) {
            first_ = place;
            if (turns_left_ == 0) {
                turns_left_ = 1;
                surplus_before_ = surplus_most_ = 0;
            }
        } else {
            inputs_[last_].next = place;
        }
        last_ = place;
        ++active_;
    }

    WaitingBursts& bursts_;
    std::vector<std::uint16_t> place_; ///< in `inputs_`, by number of the input; `kNowhere`: it does not wait
    std::vector<Input> inputs_;        ///< as many as ever waited at a time
    std::uint16_t free_ = kNowhere;    ///< first of the places that are free, each followed by the next
    std::uint16_t first_ = 0;          ///< place of the one whose turn it is
    std::uint16_t last_ = 0;
    unsigned active_ = 0;              ///< inputs that wait
    unsigned turns_left_ = 0;          ///< of this round
    std::uint64_t sent_ = 0;           ///< in this turn
    std::uint64_t surplus_most_ = 0;   ///< of this round
    std::uint64_t surplus_before_ = 0; ///< of the round before
};

} // namespace models
