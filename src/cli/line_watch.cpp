#include "cli/line_watch.h"

#include <algorithm>

namespace p2c2r::cli {

// It took no longer than that, so the line is at least as fast.
void LineWatch::answered(uint64_t bytes_up, uint64_t total_us) {
    if (bytes_per_us_ <= 0) return;
    const double least =
        static_cast<double>(bytes_up) / static_cast<double>(std::max<uint64_t>(total_us, 1));
    bytes_per_us_ = std::max(bytes_per_us_, least);
}

void LineWatch::gather(const SendingSample& from, const SendingSample& to) {
    if (to.acknowledged < from.acknowledged) return;  // another connection, which counts from zero
    if (to.at_us <= from.at_us || !waits(from) || !waits(to)) return;
    if (to.at_us - from.at_us > kGapMostUs) return;  // nobody looked: it may have been empty
    const uint64_t got = to.acknowledged - from.acknowledged;
    span_us_ += to.at_us - from.at_us;
    got_ += got;
    lumps_ += got > 0 ? 1 : 0;
    if (span_us_ > kSpanKeptUs) {
        span_us_ /= 2;
        got_ /= 2;
    }
}

void LineWatch::look(const SendingSample& now) {
    if (last_) gather(*last_, now);
    last_ = now;
    next_look_us_ = now.at_us + kLookEveryUs;
    // What was late while nothing waited was late for another reason.
    const bool tells = is_missed_ && waits(now);
    is_missed_ = false;
    if (tells && span_us_ >= kSpanLeastUs && got_ >= kBytesLeast && lumps_ >= kLumpsLeast) {
        bytes_per_us_ = static_cast<double>(got_) / static_cast<double>(span_us_);
    }
}

uint64_t LineWatch::leaving_us(uint64_t bytes_up) const {
    if (bytes_per_us_ <= 0) return 0;
    return static_cast<uint64_t>(static_cast<double>(bytes_up) / bytes_per_us_);
}

}  // namespace p2c2r::cli
