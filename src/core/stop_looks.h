// Long work that somebody may want to end on its way says how much of it was done, and its owner is
// asked every so often. It counts work and reads no clock: the same input gives the same looks.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace p2c2r {

// One thread.
class StopLooks {
  public:
    // Work between two looks, in nanoseconds of an ordinary processor: a fourth of a millisecond,
    // so that one that is four times slower still looks every millisecond.
    static constexpr uint64_t kNsPerLook = 250'000;

    // Nobody is asked where `stop` is empty.
    explicit StopLooks(std::function<bool()> stop = {}) : stop_(std::move(stop)) {}

    // So much more was done, roughly. True when the work shall end: now, and at every later call.
    bool after(uint64_t work_ns) {
        if (work_ns < left_ns_) {
            left_ns_ -= work_ns;
            return stopped_;
        }
        return now();
    }
    // The same at once.
    bool now() {
        left_ns_ = kNsPerLook;
        if (!stopped_ && stop_) stopped_ = stop_();
        return stopped_;
    }
    [[nodiscard]] bool stopped() const { return stopped_; }

  private:
    std::function<bool()> stop_;
    uint64_t left_ns_ = kNsPerLook;
    bool stopped_ = false;
};

}  // namespace p2c2r
