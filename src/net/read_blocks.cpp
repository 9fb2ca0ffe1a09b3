#include "net/read_blocks.h"

#include <algorithm>
#include <utility>

namespace p2c2r::net {

namespace {

constexpr uint32_t kReadsPerSweep = 32;
// Blocks that are kept beyond these are not followed any more; their slices free them.
constexpr size_t kFollowedMax = 2 * ReadBlocks::kCrowdedFrom;

}  // namespace

ReadBlocks::Space ReadBlocks::space() {
    if (current_ && used_ > 0 && is_free(*current_)) used_ = 0;
    if (!current_ || used_ + kReadSizeMin > kReadSize) {
        replace();
    } else if (crowded_ && --reads_until_sweep_ == 0) {
        sweep();
    }
    const size_t rest = kReadSize - used_;
    return Space{current_.get(), used_, crowded_ ? std::min(rest, kReadSizeCrowded) : rest};
}

void ReadBlocks::replace() {
    sweep();
    std::unique_ptr<ReadBlock> next;
    if (!aside_.empty() && is_free(*aside_.back())) {
        next = std::move(aside_.back());
        aside_.pop_back();
    } else {
        next = std::make_unique<ReadBlock>();
        next->buffer = Buffer::allocate(kReadSize + kTailSize, hook_);
    }
    if (current_) {
        aside_.push_back(std::move(current_));
        // Never one in which a frame is completed: there are few of those.
        for (size_t i = 0; i < aside_.size() && aside_.size() > kFollowedMax; ++i) {
            if (aside_[i]->pins > 0) continue;
            aside_.erase(aside_.begin() + static_cast<ptrdiff_t>(i));
            break;
        }
    }
    current_ = std::move(next);
    used_ = 0;
}

void ReadBlocks::sweep() {
    const auto first_free =
        std::partition(aside_.begin(), aside_.end(),
                       [](const std::unique_ptr<ReadBlock>& block) { return !is_free(*block); });
    const size_t kept = static_cast<size_t>(first_free - aside_.begin());
    if (aside_.size() > kept + kSpareMax) aside_.resize(kept + kSpareMax);
    kept_ = kept;
    crowded_ = kept >= kCrowdedFrom || (crowded_ && kept > kCrowdedTo);
    reads_until_sweep_ = kReadsPerSweep;
}

bool ReadBlocks::pin(ReadBlock& block) {
    if (crowded_ || pins_ >= kPinsMax) return false;
    ++pins_;
    ++block.pins;
    return true;
}

void ReadBlocks::unpin(ReadBlock& block) {
    --pins_;
    --block.pins;
}

}  // namespace p2c2r::net
