#include "sched/deadline_wheel.h"

#include <algorithm>

namespace p2c2r::sched {

void DeadlineWheel::make_more_room(uint32_t index) {
    const size_t size = std::max<size_t>(index + 1, links_.size() * 2);
    due_.reserve(size);
    firing_.reserve(size);
    links_.resize(size);
}

void DeadlineWheel::set(uint32_t index, uint64_t at_us) {
    make_room(index);
    if (links_[index].at_us < kFired) unlink(index);
    // What is over already fires with the tick that runs now.
    at_us = std::max(at_us, tick_ << kTickShift);
    const uint32_t list = list_of(at_us);
    Link& link = links_[index];
    link.at_us = at_us;
    link.previous = kNone;
    link.next = heads_[list];
    if (link.next != kNone) links_[link.next].previous = index;
    heads_[list] = index;
    used_[list / 64] |= 1ull << (list % 64);
    ++size_;
}

void DeadlineWheel::clear(uint32_t index) {
    if (index >= links_.size()) return;
    if (links_[index].at_us < kFired) unlink(index);
    links_[index].at_us = kNever;
}

void DeadlineWheel::unlink(uint32_t index) {
    Link& link = links_[index];
    const uint32_t list = list_of(link.at_us);
    if (link.previous != kNone) {
        links_[link.previous].next = link.next;
    } else {
        heads_[list] = link.next;
        if (link.next == kNone) used_[list / 64] &= ~(1ull << (list % 64));
    }
    if (link.next != kNone) links_[link.next].previous = link.previous;
    --size_;
}

void DeadlineWheel::collect_due(uint32_t list, uint64_t tick_end) {
    for (uint32_t index = heads_[list]; index != kNone;) {
        const uint32_t next = links_[index].next;
        if (links_[index].at_us >> kTickShift < tick_end) {
            unlink(index);
            links_[index].at_us = kFired;
            due_.push_back(index);
        }
        index = next;
    }
}

uint64_t DeadlineWheel::next_us() const {
    if (size_ == 0) return kNever;
    const uint32_t start = static_cast<uint32_t>(tick_ % kTicks);
    // The words of the bitmap from the current tick on, once round.
    for (uint32_t step = 0; step <= kTicks / 64; ++step) {
        const uint32_t word = (start / 64 + step) % (kTicks / 64);
        uint64_t bits = used_[word];
        if (step == 0) bits &= ~0ull << (start % 64);
        if (step == kTicks / 64) bits &= (1ull << (start % 64)) - 1;
        if (bits == 0) continue;
        const uint32_t list = word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
        const uint64_t ahead = (list + kTicks - start) % kTicks;
        return (tick_ + ahead + 1) << kTickShift;
    }
    return kNever;
}

}  // namespace p2c2r::sched
