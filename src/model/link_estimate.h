// What a client knows of its way to the helpers: the shortest round there and back, and what each
// direction takes. Nothing is sent to find out: the samples are tasks that helpers answered.
//
// As BBR estimates a path: the round is the least of a window of time, a rate the most of one. Both
// kinds of sample err to one side only: what a round took beyond the shortest was waiting, and a
// transfer that shared the line was slower than the line. A transfer that took hardly longer than
// an empty one shows that the line takes more than that, so it may raise a rate that is known; but
// it sets none: until a transfer has had to wait for the line, the rate is unknown.
#pragma once

#include <cstdint>

namespace p2c2r {

// One task that a helper answered.
struct LinkSample {
    uint64_t now_us = 0;
    double network_us = 0;  // from leaving to the answer, without queue and computing
    uint64_t bytes_up = 0;  // its own
    uint64_t bytes_down = 0;
    // Of all tasks that were answered since the answer before it left, this one included; and the
    // time they took to leave or to be answered, whichever was longer.
    uint64_t moved_up = 0;
    uint64_t moved_down = 0;
    double moved_us = 0;
};

class LinkEstimate {
  public:
    static constexpr uint64_t kWindowUs = 10'000'000;
    // As much a task must move in a direction to tell its rate: 52 ms at 10 Mbit/s. What a smaller
    // one waited for may as well have been a busy processor at either end.
    static constexpr uint64_t kRateBytesLeast = 64 * 1024;
    // A task of at most so many bytes both ways tells the round: it takes 3 ms at 10 Mbit/s.
    static constexpr uint64_t kRoundBytesMost = 4 * 1024;

    enum class RoundFrom { kNothing, kGreeting, kTasks };

    // A new connection: its first exchange took so long. What was known of the last one is
    // forgotten.
    void greeted(double round_us);
    void add(const LinkSample& sample);

    [[nodiscard]] double rtt_us() const;
    [[nodiscard]] RoundFrom rtt_from() const;
    [[nodiscard]] double up_bits_per_s() const { return up_.value(); }  // 0: unknown
    [[nodiscard]] double down_bits_per_s() const { return down_.value(); }

  private:
    // The most of the last one to two windows in which there were samples: without new ones the
    // last stay, since nothing tells that they are wrong.
    class Window {
      public:
        void add(double sample, uint64_t now_us);
        [[nodiscard]] double value() const { return now_ > before_ ? now_ : before_; }

      private:
        double now_ = 0;
        double before_ = 0;
        uint64_t until_us_ = 0;
    };
    void add_rate(Window& window, const LinkSample& sample, uint64_t bytes, uint64_t moved) const;

    double greeting_us_ = 0;
    Window round_;  // of 1 / round: the most of that is the least round
    Window up_;
    Window down_;
};

// "nothing", "greeting", "tasks"
[[nodiscard]] const char* round_from_name(LinkEstimate::RoundFrom from);

}  // namespace p2c2r
