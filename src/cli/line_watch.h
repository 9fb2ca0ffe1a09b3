// Does this machine's line take what a stream sends before the deadline? While answers are awaited
// the client's own sending is looked at: what was acknowledged between two looks at both of which
// bytes waited to leave is what the line carries. Buffers on the way swallow the first bytes at
// once, so what went before anything waited is no evidence, and a rate is told only after enough
// bytes and time, at a deadline that was missed. Decides, never acts; time is an argument.
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
    static constexpr uint64_t kLookEveryUs = 50'000;
    static constexpr uint64_t kGapMostUs = 4 * kLookEveryUs;
    // Of evidence, before it counts. Windows open in lumps, so a few of them must have come.
    static constexpr uint64_t kSpanLeastUs = 150'000;
    static constexpr uint64_t kBytesLeast = 4096;
    static constexpr uint32_t kLumpsLeast = 3;
    static constexpr uint64_t kSpanKeptUs = 4'000'000;  // older evidence fades
    static constexpr uint32_t kKeptPerTry = 16;

    void sent(uint64_t bytes_up) { request_bytes_ = std::max(request_bytes_, bytes_up); }
    // Of a request that was sent: how long it was given; where that is only seen from when it
    // ended, the shortest is the nearest to it.
    void missed(uint64_t deadline_us) {
        deadline_us_ = deadline_us_ == 0 ? deadline_us : std::min(deadline_us_, deadline_us);
        is_missed_ = true;
    }
    void answered(uint64_t bytes_up, uint64_t total_us);
    // While something is away, and after a miss before anything else is sent.
    [[nodiscard]] bool wants_look(bool any_away, uint64_t now_us) const {
        return is_missed_ || (any_away && now_us >= next_look_us_);
    }
    void look(const SendingSample& now);

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
    // Less may be the word of a heartbeat or of the miss itself: the line had taken all of it.
    [[nodiscard]] bool waits(const SendingSample& sample) const {
        return sample.unacknowledged > 0 && sample.unacknowledged * 2 >= request_bytes_;
    }
    void gather(const SendingSample& from, const SendingSample& to);

    bool is_missed_ = false;  // since the last look
    uint32_t asked_ = 0;
    uint64_t next_look_us_ = 0;
    uint64_t deadline_us_ = 0;
    uint64_t request_bytes_ = 0;  // of the largest
    double bytes_per_us_ = 0;
    // The evidence: while something waited.
    uint64_t span_us_ = 0;
    uint64_t got_ = 0;
    uint32_t lumps_ = 0;
    std::optional<SendingSample> last_;
};

}  // namespace p2c2r::cli
