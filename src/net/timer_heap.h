// TimerHeap: the armed timers of one loop, ordered by (time, sequence), so that ties are stable.
// A binary heap of pointers; each timer knows its place, so arming and disarming are O(log n) and
// nothing is allocated once the array has grown. Reads no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/loop.h"

namespace p2c2r::net {

class TimerHeap {
  public:
    // So many are armed without memory.
    void reserve(size_t timers) { heap_.reserve(timers); }
    void arm(Timer& timer, uint64_t at_us);
    void disarm(Timer& timer);
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] size_t size() const { return heap_.size(); }
    // Of the nearest timer; UINT64_MAX when none is armed.
    [[nodiscard]] uint64_t next_us() const {
        return heap_.empty() ? UINT64_MAX : heap_.front()->at_us_;
    }
    // Fires what is due at now_us. What is armed while it fires waits for the next call, however
    // near its time is, so that a timer that arms itself again cannot keep the others waiting.
    void fire_due(uint64_t now_us);

  private:
    [[nodiscard]] static bool before(const Timer& a, const Timer& b) {
        return a.at_us_ != b.at_us_ ? a.at_us_ < b.at_us_ : a.sequence_ < b.sequence_;
    }
    void place(Timer& timer, size_t position) {
        heap_[position] = &timer;
        timer.position_ = position;
    }
    void rise(Timer& timer, size_t position);
    void sink(Timer& timer, size_t position);

    std::vector<Timer*> heap_;
    uint64_t sequence_ = 0;
    uint64_t firing_us_ = 0;  // while fire_due() runs: its now; else 0
};

}  // namespace p2c2r::net
