// What a line carries of a game's tasks, however small each of them is: bytes in all over the time
// in which some were away, told only by times in which even the luckiest task had to wait, since
// then the line was full. What that one took along in its wait is a bound as well: where tasks are
// away one at a time, most of the time nothing moves. (model/link_estimate.h tells the rate of
// single tasks of 64 KiB and more; the layers of a game over a slow line are smaller than that.)
//
// Until the line has been full twice in a row its rate is unknown: nothing bounds it. From then on
// it is what moved meanwhile. While nothing waits it grows by a quarter at a time, so that a line
// that has become free is found out; a growth that fills the line again doubles the time until the
// next one, and carrying more than it did when it was full shows that it is another line now.
//
// Times in which no answer came at all tell of the helpers, if of anything.
//
// Decides, never acts; time is an argument. A task costs a few additions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

namespace p2c2r {

class FlowRate {
  public:
    static constexpr uint64_t kWindowUs = 150'000;
    static constexpr uint64_t kWindowMostUs = 1'000'000;  // with fewer answers than
    static constexpr uint32_t kAnswersLeast = 3;
    static constexpr double kWaitLeastUs = 15'000;  // less may be anything: a timer, a busy radio
    static constexpr double kWaitShareLeast = 0.5;  // of the shortest round
    static constexpr uint64_t kBytesLeast = 8 * 1024;  // of a window: less is no slow line but none
    // A direction that carries less than this share of the other one's bytes is not what is full.
    static constexpr double kDirectionShareLeast = 0.5;
    static constexpr double kGrowth = 1.25;
    static constexpr uint64_t kGrowAfterUs = 500'000;
    static constexpr uint64_t kGrowAfterMostUs = 8'000'000;
    static constexpr double kUnknownFrom = 1e9;  // bits a second

    // Another connection: nothing is known, and nothing is away.
    void connected() { *this = {}; }
    void leaves(uint64_t now_us) {
        if (away_++ == 0) busy_since_us_ = now_us;
    }
    // Bytes of an answer, also of one that came too late for its task.
    void came(uint64_t bytes) { down_.bytes += bytes; }
    // A task that had been away has its answer, or has waited for it in vain: how long beyond what
    // computing took and the shortest round, and the bytes that it had taken along.
    // Bytes of its answer, if it has one, have been told by came().
    void waited(uint64_t now_us, double wait_us, double round_us, uint64_t bytes_up,
                uint64_t bytes_down) {
        up_.bytes += bytes_up;
        if (answers_++ == 0 || wait_us < luckiest_.wait_us) {
            luckiest_ = {wait_us, bytes_up, bytes_down};
        }
        if (now_us >= look_at_us_) look(now_us, round_us);
    }
    // Once for each that left, after the above.
    void ends(uint64_t now_us) {
        if (away_ > 0 && --away_ == 0) busy_us_ += now_us - std::min(now_us, busy_since_us_);
    }

    // 0: nothing has shown a bound.
    [[nodiscard]] double up_bits_per_s() const { return up_.rate; }
    [[nodiscard]] double down_bits_per_s() const { return down_.rate; }

  private:
    struct Direction {
        uint64_t bytes = 0;    // of this window
        double rate = 0;       // 0: unknown
        double full_rate = 0;  // when it was full last
        void full(double moved);
        void grow();
    };
    void look(uint64_t now_us, double round_us);
    void line_is_full(uint64_t now_us, double up, double down);
    void line_is_free(uint64_t now_us, double up, double down);

    Direction up_;
    Direction down_;
    uint64_t away_ = 0;
    uint64_t busy_since_us_ = 0;
    uint64_t busy_us_ = 0;  // of this window, before that
    uint64_t window_since_us_ = 0;
    uint64_t look_at_us_ = 0;
    uint32_t answers_ = 0;  // of this window
    struct {
        double wait_us = 0;
        uint64_t up = 0;
        uint64_t down = 0;
    } luckiest_;              // of these
    bool was_full_ = false;   // in the window before
    bool has_grown_ = false;  // since it was full
    uint64_t grow_at_us_ = 0;
    uint64_t grow_after_us_ = kGrowAfterUs;
};

}  // namespace p2c2r
