#include "models/sharing.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "models/server.h"

namespace models {

namespace {

/// Rounded up: a cap is never exceeded.
Picoseconds time_of(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    assert(bytes <= Server::kBurstBytesMax);
    return (bytes * 1'000'000'000'000u + (bytes_per_second - 1)) / bytes_per_second;
}

std::uint64_t data_bytes(unsigned lane, const Payload& payload) {
    return (lane == Sharing::kRequests) == payload.is_write() ? payload.get_data_length() : 0;
}

Picoseconds earlier(Picoseconds now, Picoseconds slack) { return now > slack ? now - slack : 0; }

} // namespace

Sharing::Sharing(SharingSpec spec) : spec_(std::move(spec)) {
    if (!spec_.tenants.empty()) {
        tenant(static_cast<unsigned>(spec_.tenants.size() - 1));
    }
}

Sharing::Tenant& Sharing::tenant(unsigned number) {
    while (number >= tenants_.size()) {
        Tenant next;
        if (tenants_.size() < spec_.tenants.size()) {
            next.share = spec_.tenants[tenants_.size()];
            assert(next.share.weight > 0);
        }
        tenants_.push_back(next);
    }
    return tenants_[number];
}

void Sharing::push(unsigned lane, Payload& payload) {
    Tenant& mine = tenant(transit(payload).tenant);
    if (mine.packets++ == 0) {
        mine.tag = std::max(mine.tag, virtual_time_);
    }
    mine.waiting[lane].push(payload);
    ++waiting_;
}

bool Sharing::before(const Tenant& a, const Payload& first, const Tenant& b, const Payload& second,
                     Picoseconds now) const {
    const bool a_short = a.share.floor_bytes_per_second != 0 && a.floor_due <= now;
    const bool b_short = b.share.floor_bytes_per_second != 0 && b.floor_due <= now;
    if (a_short != b_short) {
        return a_short;
    }
    if (spec_.order == SharingSpec::Order::kStrictPriority && a.share.priority != b.share.priority) {
        return a.share.priority > b.share.priority;
    }
    if (spec_.order == SharingSpec::Order::kWeightedFair && a.tag != b.tag) {
        return a.tag < b.tag;
    }
    return static_cast<const Packet&>(first).transit.ticket < static_cast<const Packet&>(second).transit.ticket;
}

Payload* Sharing::front(unsigned lane, Picoseconds now, Picoseconds& later) {
    Tenant* best = nullptr;
    for (Tenant& one : tenants_) {
        if (one.waiting[lane].empty()) {
            continue;
        }
        if (one.cap_free > now && data_bytes(lane, one.waiting[lane].front()) != 0) {
            later = std::min(later, one.cap_free);
            continue;
        }
        if (best == nullptr || before(one, one.waiting[lane].front(), *best, best->waiting[lane].front(), now)) {
            best = &one;
        }
    }
    return best == nullptr ? nullptr : &best->waiting[lane].front();
}

bool Sharing::before(Payload& a, Payload& b, Picoseconds now) const {
    return before(tenants_[transit(a).tenant], a, tenants_[transit(b).tenant], b, now);
}

void Sharing::pop(unsigned lane, Payload& payload, Picoseconds now) {
    const std::uint64_t data = data_bytes(lane, payload);
    Tenant& mine = tenants_[transit(payload).tenant];
    assert(&mine.waiting[lane].front() == &payload);
    mine.waiting[lane].pop();
    --mine.packets;
    --waiting_;
    virtual_time_ = std::max(virtual_time_, mine.tag);
    mine.tag += (std::uint64_t{transit(payload).wire_bytes} << kTagShift) / mine.share.weight;
    if (mine.share.cap_bytes_per_second != 0 && data != 0) {
        mine.cap_free = std::max(mine.cap_free, earlier(now, kSlack)) + time_of(data, mine.share.cap_bytes_per_second);
    }
    if (mine.share.floor_bytes_per_second != 0 && data != 0) {
        mine.floor_due =
            std::max(mine.floor_due, earlier(now, kSlack)) + time_of(data, mine.share.floor_bytes_per_second);
    }
}

} // namespace models
