// DeadlineWheel: one deadline per slot index, set, moved and cleared in O(1), without garbage.
//
// A hashed timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987): ticks
// of 256 us in a ring of 16 384 lists, about 4.2 s round; a deadline further away waits in its list
// for later rounds. It fires at the end of its tick, so never early and at most 256 us late.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace p2c2r::sched {

class DeadlineWheel {
  public:
    static constexpr uint64_t kNever = UINT64_MAX;

    // After this the deadline of the slot is set, moved and fired without memory.
    void make_room(uint32_t index) {
        if (index >= links_.size()) make_more_room(index);
    }
    // Sets or moves the deadline of a slot.
    void set(uint32_t index, uint64_t at_us);
    void clear(uint32_t index);
    // When the next deadline fires at the earliest; kNever when there is none. A lower bound: a
    // later round's deadline may make expire() find nothing.
    [[nodiscard]] uint64_t next_us() const;
    // Clears the deadlines that are due and calls due(index) for each; due may set and clear any.
    template <class F>
    void expire(uint64_t now_us, F&& due) {
        const uint64_t tick_end = now_us >> kTickShift;  // ticks below this one are over
        if (tick_end <= tick_) return;
        // More than a round behind: each list once is enough.
        const uint64_t first = tick_end - tick_ > kTicks ? tick_end - kTicks : tick_;
        tick_ = tick_end;
        due_.clear();
        for (uint64_t tick = first; tick < tick_end && size_ > 0; ++tick) {
            collect_due(static_cast<uint32_t>(tick % kTicks), tick_end);
        }
        // due() may clear slots that are in the list as well: a cleared one has no tick any more.
        firing_.swap(due_);
        for (size_t i = 0; i < firing_.size(); ++i) {
            const uint32_t index = firing_[i];
            if (links_[index].at_us != kFired) continue;
            links_[index].at_us = kNever;
            try {
                due(index);
            } catch (...) {
                // Nobody else is forgotten for it: the rest, and this one, fire in the next tick.
                for (; i < firing_.size(); ++i) {
                    const uint64_t at_us = links_[firing_[i]].at_us;
                    if (at_us == kFired || firing_[i] == index) set(firing_[i], now_us);
                }
                firing_.clear();
                throw;
            }
        }
        firing_.clear();
    }
    [[nodiscard]] size_t size() const { return size_; }

  private:
    static constexpr int kTickShift = 8;
    static constexpr uint32_t kTicks = 16384;
    static constexpr uint32_t kNone = UINT32_MAX;
    static constexpr uint64_t kFired = UINT64_MAX - 1;

    struct Link {
        uint64_t at_us = kNever;
        uint32_t previous = kNone;
        uint32_t next = kNone;
    };

    static uint32_t list_of(uint64_t at_us) {
        return static_cast<uint32_t>((at_us >> kTickShift) % kTicks);
    }
    void make_more_room(uint32_t index);
    void unlink(uint32_t index);
    void collect_due(uint32_t list, uint64_t tick_end);

    std::vector<Link> links_;
    std::vector<uint32_t> heads_ = std::vector<uint32_t>(kTicks, kNone);
    std::array<uint64_t, kTicks / 64> used_{};
    std::vector<uint32_t> due_;
    std::vector<uint32_t> firing_;  // of the expire() that runs
    uint64_t tick_ = 0;             // the first tick that is not over yet
    size_t size_ = 0;
};

}  // namespace p2c2r::sched
