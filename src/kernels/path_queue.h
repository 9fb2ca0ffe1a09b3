// The two open lists of path searches. Both hold cell numbers under 64-bit keys and have a defined
// order, so that a search does the same on every machine.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace p2c2r::kernels {

// Keys in buckets of 2^shift, the last one in is the first one out of a bucket. For searches whose
// keys never fall below the bucket they are in, nor rise by kBuckets buckets at once: the buckets
// then are a ring. A search must not rely on order inside a bucket.
class BucketQueue {
  public:
    static constexpr uint32_t kBuckets = 4096;

    // Empties it. No key will be below `lowest`.
    void begin(uint64_t lowest, uint32_t shift) {
        entries_.clear();
        free_ = kEnd;
        held_ = kEnd;
        filled_.fill(0);
        words_filled_ = 0;
        lowest_ = lowest;
        shift_ = shift;
        current_ = 0;
    }
    void push(uint64_t key, uint32_t cell) {
        const uint32_t bucket = (key - lowest_) >> shift_ & (kBuckets - 1);
        if (bucket == current_) {
            // It comes out next: it need not go in.
            if (held_ != kEnd) put(bucket, held_);
            held_ = cell;
            return;
        }
        put(bucket, cell);
    }
    [[nodiscard]] bool empty() const { return words_filled_ == 0 && held_ == kEnd; }
    // From the lowest bucket that holds something; MUST NOT be empty.
    uint32_t pop() {
        if (held_ != kEnd) return std::exchange(held_, kEnd);
        if (!(filled_[current_ / 64] >> (current_ & 63) & 1)) current_ = next_filled();
        const uint32_t place = heads_[current_];
        const Entry entry = entries_[place];
        entries_[place].next = free_;
        free_ = place;
        if (entry.next != kEnd) {
            heads_[current_] = entry.next;
        } else {
            filled_[current_ / 64] &= ~(uint64_t{1} << (current_ & 63));
            if (filled_[current_ / 64] == 0) {
                words_filled_ &= ~(uint64_t{1} << (current_ / 64));
            }
        }
        return entry.cell;
    }
    // Whether the bucket that the last pop() took from holds more.
    [[nodiscard]] bool bucket_left() const {
        return held_ != kEnd || (filled_[current_ / 64] >> (current_ & 63) & 1);
    }

  private:
    static constexpr uint32_t kEnd = UINT32_MAX;
    struct Entry {
        uint32_t cell;
        uint32_t next;  // in the bucket, or of the free entries
    };
    void put(uint32_t bucket, uint32_t cell) {
        const bool was_filled = filled_[bucket / 64] >> (bucket & 63) & 1;
        const uint32_t next = was_filled ? heads_[bucket] : kEnd;
        uint32_t place = free_;
        if (place != kEnd) {
            free_ = entries_[place].next;
            entries_[place] = {cell, next};
        } else {
            place = static_cast<uint32_t>(entries_.size());
            entries_.push_back({cell, next});
        }
        heads_[bucket] = place;
        filled_[bucket / 64] |= uint64_t{1} << (bucket & 63);
        words_filled_ |= uint64_t{1} << (bucket / 64);
    }
    // At or after the current one, around the ring.
    [[nodiscard]] uint32_t next_filled() const {
        const uint32_t word = current_ / 64;
        const uint64_t here = filled_[word] & ~uint64_t{0} << (current_ & 63);
        if (here != 0) return word * 64 + static_cast<uint32_t>(std::countr_zero(here));
        // The words after this one, then from the first one on to this one itself.
        const uint64_t turned = std::rotr(words_filled_, static_cast<int>(word) + 1);
        const uint32_t found =
            (word + 1 + static_cast<uint32_t>(std::countr_zero(turned))) & (kBuckets / 64 - 1);
        return found * 64 + static_cast<uint32_t>(std::countr_zero(filled_[found]));
    }

    static_assert(kBuckets == 64 * 64, "one word says which words are filled");
    std::vector<Entry> entries_;
    uint32_t free_ = kEnd;
    uint32_t held_ = kEnd;  // the last one in of the current bucket
    uint32_t current_ = 0;
    uint32_t shift_ = 0;
    uint64_t lowest_ = 0;
    uint64_t words_filled_ = 0;
    std::array<uint64_t, kBuckets / 64> filled_{};
    std::array<uint32_t, kBuckets> heads_{};
};

// Lowest key first; of equal ones the last one in. For searches that jump: few entries, far apart.
class KeyHeap {
  public:
    void begin() {
        entries_.clear();
        pushed_ = 0;
    }
    void push(uint64_t key, uint32_t cell) {
        // Later ones get lower numbers: equal keys never compare equal, so the order is defined.
        entries_.push_back({key, ~pushed_++, cell});
        std::push_heap(entries_.begin(), entries_.end(), after);
    }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    uint32_t pop() {
        std::pop_heap(entries_.begin(), entries_.end(), after);
        const uint32_t cell = entries_.back().cell;
        entries_.pop_back();
        return cell;
    }

  private:
    struct Entry {
        uint64_t key;
        uint32_t turn;
        uint32_t cell;
    };
    static bool after(const Entry& a, const Entry& b) {
        return a.key != b.key ? a.key > b.key : a.turn > b.turn;
    }
    std::vector<Entry> entries_;
    uint32_t pushed_ = 0;
};

}  // namespace p2c2r::kernels
