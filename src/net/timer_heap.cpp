#include "net/timer_heap.h"

#include <algorithm>

#include "core/check.h"

namespace p2c2r::net {

void TimerHeap::rise(Timer& timer, size_t position) {
    while (position > 0) {
        const size_t parent = (position - 1) / 2;
        if (!before(timer, *heap_[parent])) break;
        place(*heap_[parent], position);
        position = parent;
    }
    place(timer, position);
}

void TimerHeap::sink(Timer& timer, size_t position) {
    for (;;) {
        size_t child = 2 * position + 1;
        if (child >= heap_.size()) break;
        if (child + 1 < heap_.size() && before(*heap_[child + 1], *heap_[child])) ++child;
        if (!before(*heap_[child], timer)) break;
        place(*heap_[child], position);
        position = child;
    }
    place(timer, position);
}

void TimerHeap::arm(Timer& timer, uint64_t at_us) {
    size_t position = timer.position_;
    if (position == SIZE_MAX) {
        position = heap_.size();
        heap_.push_back(&timer);
    }
    // Not before the instant that is being served: with its newer sequence it then stands behind
    // everything that is due, and fire_due() can stop at the first new one it meets.
    timer.at_us_ = std::max(at_us, firing_us_);
    timer.sequence_ = ++sequence_;
    const bool up = position > 0 && before(timer, *heap_[(position - 1) / 2]);
    up ? rise(timer, position) : sink(timer, position);
}

void TimerHeap::disarm(Timer& timer) {
    const size_t position = timer.position_;
    if (position == SIZE_MAX) return;
    P2C2R_CHECK(position < heap_.size() && heap_[position] == &timer);
    timer.position_ = SIZE_MAX;
    Timer& last = *heap_.back();
    heap_.pop_back();
    if (&last == &timer) return;
    const bool up = position > 0 && before(last, *heap_[(position - 1) / 2]);
    up ? rise(last, position) : sink(last, position);
}

void TimerHeap::fire_due(uint64_t now_us) {
    const uint64_t newest = sequence_;
    struct Firing {
        uint64_t& us;
        Firing(uint64_t& target, uint64_t now) : us(target) { us = now; }
        ~Firing() { us = 0; }  // also when a timer throws
    } firing(firing_us_, now_us);
    while (!heap_.empty()) {
        Timer& timer = *heap_.front();
        if (timer.at_us_ > now_us || timer.sequence_ > newest) break;
        disarm(timer);
        timer.fire();
    }
}

}  // namespace p2c2r::net
