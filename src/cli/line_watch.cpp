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

void LineWatch::look(const SendingSample& now, bool none_away) {
    wants_look_ = false;
    if (mark_ && now.acknowledged >= mark_->acknowledged &&
        now.at_us >= mark_->at_us + kSpanLeastUs) {
        const uint64_t got = now.acknowledged - mark_->acknowledged;
        // Less may be the word of the miss itself: the line had taken all of it, and the answer was
        // late for another reason.
        const bool is_full = now.unacknowledged * 2 >= request_bytes_;
        if (is_full) {
            bytes_per_us_ = static_cast<double>(std::max<uint64_t>(got, 1)) /
                            static_cast<double>(now.at_us - mark_->at_us);
        }
    }
    mark_.reset();
    if (!none_away) mark_ = now;
}

uint64_t LineWatch::leaving_us(uint64_t bytes_up) const {
    if (bytes_per_us_ <= 0) return 0;
    return static_cast<uint64_t>(static_cast<double>(bytes_up) / bytes_per_us_);
}

}  // namespace p2c2r::cli
