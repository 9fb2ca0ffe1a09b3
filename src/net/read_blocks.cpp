#include "net/read_blocks.h"

#include <utility>

namespace p2c2r::net {

ReadBlocks::Space ReadBlocks::space() {
    if (current_ && used_ > 0 && is_free(*current_)) used_ = 0;
    if (!current_ || used_ + kReadSizeMin > kReadSize) {
        std::unique_ptr<ReadBlock> next;
        for (auto& block : aside_) {
            if (is_free(*block)) {
                next = std::move(block);
                block = std::move(aside_.back());
                aside_.pop_back();
                break;
            }
        }
        if (!next) {
            next = std::make_unique<ReadBlock>();
            next->buffer = Buffer::allocate(kReadSize + kTailSize, hook_);
        }
        if (current_) {
            aside_.push_back(std::move(current_));
            // Slices keep their memory without us; only what is completed in place must be kept.
            for (size_t i = 0; i < aside_.size() && aside_.size() > kSpareMax; ++i) {
                if (aside_[i]->pins > 0) continue;
                aside_[i] = std::move(aside_.back());
                aside_.pop_back();
                break;
            }
        }
        current_ = std::move(next);
        used_ = 0;
    }
    return Space{current_.get(), used_, kReadSize - used_};
}

bool ReadBlocks::pin(ReadBlock& block) {
    if (pins_ >= kPinsMax) return false;
    ++pins_;
    ++block.pins;
    return true;
}

void ReadBlocks::unpin(ReadBlock& block) {
    --pins_;
    --block.pins;
}

}  // namespace p2c2r::net
