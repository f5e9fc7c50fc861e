#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/packet.h"

namespace models {

/// A burst that will arrive or waits at a sub-link, with what deciding about it takes: who decides need not look into
/// the packet, which nobody has touched since it was sent.
struct WaitingBurst {
    Payload* payload;
    Picoseconds arrived;  ///< its first byte
    std::uint64_t ticket; ///< its place in the order of arrival
    std::uint32_t wire_bytes;
    std::uint8_t lane;
    std::uint8_t input; ///< port of the switch by which it came
};

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

    /// To the queue of `burst.input`.
    void push(const WaitingBurst& burst) {
        const unsigned input = burst.input;
        if (input >= inputs_.size()) {
            inputs_.resize(input + 1u);
        }
        Input& mine = inputs_[input];
        const std::uint32_t node = take_node(burst);
        if (mine.head == kNone) {
            mine.head = mine.tail = node;
            mine.surplus = 0;
            append(input);
        } else {
            nodes_[mine.tail].next = node;
            mine.tail = node;
        }
    }

    /// Whose turn it is. Precondition: not `empty()`.
    const WaitingBurst& front() const { return nodes_[inputs_[first_].head].burst; }

    /// The front has been sent.
    void pop() {
        Input& mine = inputs_[first_];
        const std::uint32_t node = mine.head;
        const std::uint64_t bytes = nodes_[node].burst.wire_bytes;
        mine.head = nodes_[node].next;
        nodes_[node].next = free_node_;
        free_node_ = node;
        sent_ += bytes;
        const std::uint64_t allowance = 1 + surplus_before_ - std::min(surplus_before_, mine.surplus);
        if (mine.head != kNone && sent_ < allowance) {
            return;
        }
        const unsigned input = first_;
        first_ = mine.next;
        --active_;
        if (mine.head != kNone) {
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
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    struct Node {
        WaitingBurst burst;
        std::uint32_t next;
    };
    struct Input {
        std::uint32_t head = kNone;
        std::uint32_t tail = kNone;
        std::uint64_t surplus = 0; ///< sent beyond its last allowance
        unsigned next = 0;         ///< input that follows, among those that wait
    };

    std::uint32_t take_node(const WaitingBurst& burst) {
        if (free_node_ == kNone) {
            nodes_.push_back({burst, kNone});
            return static_cast<std::uint32_t>(nodes_.size() - 1);
        }
        const std::uint32_t node = free_node_;
        free_node_ = nodes_[node].next;
        nodes_[node] = {burst, kNone};
        return node;
    }

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
    std::vector<Node> nodes_; ///< of all inputs: as many as ever waited at a time
    std::uint32_t free_node_ = kNone;
    unsigned first_ = 0; ///< whose turn it is
    unsigned last_ = 0;
    unsigned active_ = 0;              ///< inputs that wait
    unsigned turns_left_ = 0;          ///< of this round
    std::uint64_t sent_ = 0;           ///< in this turn
    std::uint64_t surplus_most_ = 0;   ///< of this round
    std::uint64_t surplus_before_ = 0; ///< of the round before
};

} // namespace models
