// Does this machine's line take what a stream sends before the deadline? Told by deadlines that
// were missed: what of the sent bytes was acknowledged by then, while others still waited to leave,
// is what the line carries. Decides, never acts; time is an argument.
//
// Of a request that is predicted to leave too late one in kKeptPerTry is sent all the same, so that
// a line that has become faster is found out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace p2c2r::cli {

// What the client says of its own sending.
struct SendingSample {
    uint64_t at_us = 0;
    uint64_t acknowledged = 0;    // bytes that are known to be at the other end
    uint64_t unacknowledged = 0;  // given to the line, not known to be there
};

class LineWatch {
  public:
    static constexpr uint64_t kSpanLeastUs = 20'000;  // less tells nothing of a rate
    static constexpr uint32_t kKeptPerTry = 16;

    // A request leaves while no other is away: is a look wanted, to count from? So as long as
    // every answer comes in time nobody looks.
    [[nodiscard]] bool wants_begin() const { return is_first_ || misses_ > 0; }
    void begin(const SendingSample& now) {
        is_first_ = false;
        mark_ = now;
    }
    // Of a request that was sent: its bytes, and how long it was given; where that is only seen
    // from when it ended, the shortest is the nearest to it.
    void missed(uint64_t bytes_up, uint64_t deadline_us) {
        ++misses_;
        deadline_us_ = deadline_us_ == 0 ? deadline_us : std::min(deadline_us_, deadline_us);
        wants_look_ = true;
        request_bytes_ = bytes_up;
    }
    void answered(uint64_t bytes_up, uint64_t total_us);
    // After a miss, before anything else is sent.
    [[nodiscard]] bool wants_look() const { return wants_look_; }
    // `none_away`: what is measured next begins with the next request.
    void look(const SendingSample& now, bool none_away);

    // Until it has left; 0: unknown.
    [[nodiscard]] uint64_t leaving_us(uint64_t bytes_up) const;
    [[nodiscard]] bool is_too_slow_for(uint64_t bytes_up) const {
        return leaving_us(bytes_up) > deadline_us_;
    }
    // The next request stays here.
    [[nodiscard]] bool keeps(uint64_t bytes_up) {
        return is_too_slow_for(bytes_up) && ++asked_ % kKeptPerTry != 0;
    }

    [[nodiscard]] double bits_per_s() const { return bytes_per_us_ * 8e6; }  // 0: unknown
    [[nodiscard]] uint64_t deadline_us() const { return deadline_us_; }      // 0: none was missed

  private:
    bool is_first_ = true;
    bool wants_look_ = false;
    uint32_t asked_ = 0;
    uint64_t misses_ = 0;
    uint64_t deadline_us_ = 0;
    uint64_t request_bytes_ = 0;
    double bytes_per_us_ = 0;
    std::optional<SendingSample> mark_;  // since then something was on the way all the time
};

}  // namespace p2c2r::cli
