// The open list of path searches: cell numbers under 64-bit keys. Its order is defined, so that a
// search does the same on every machine.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace p2c2r::kernels {

// Lowest key first; of equal ones the last one in.
class KeyHeap {
  public:
    void clear() {
        entries_.clear();
        pushed_ = 0;
    }
    void push(uint64_t key, uint32_t cell) {
        // Later ones get lower numbers: equal keys never compare equal, so the order is defined.
        entries_.push_back({key, ~pushed_++, cell});
        std::push_heap(entries_.begin(), entries_.end(), after);
    }
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] uint64_t lowest() const { return entries_.front().key; }
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

// Keys in buckets of 2^shift, the last one in is the first one out of a bucket; keys never fall
// below the bucket that is being emptied. The next 4096 buckets are a ring, what lies further ahead
// (jumps may reach far) waits in a heap. A search must not rely on order inside a bucket.
class BucketQueue {
  public:
    static constexpr uint32_t kRing = 4096;

    // Empties it. No key will be below `lowest`.
    void begin(uint64_t lowest, uint32_t shift) {
        entries_.clear();
        far_.clear();
        filled_.fill(0);
        words_filled_ = 0;
        free_ = kEnd;
        held_ = kEnd;
        lowest_ = lowest;
        shift_ = shift;
        current_ = 0;
    }
    void push(uint64_t key, uint32_t cell) {
        const uint64_t bucket = (key - lowest_) >> shift_;
        if (bucket == current_) {
            // It comes out next: it need not go in.
            if (held_ != kEnd) put(place_of(bucket), held_);
            held_ = cell;
        } else if (bucket - current_ < kRing) {
            put(place_of(bucket), cell);
        } else {
            far_.push(bucket, cell);
        }
    }
    [[nodiscard]] bool empty() const { return words_filled_ == 0 && held_ == kEnd && far_.empty(); }
    // From the lowest bucket that holds something; MUST NOT be empty.
    uint32_t pop() {
        if (held_ != kEnd) return std::exchange(held_, kEnd);
        if (!is_filled(place_of(current_))) {
            const uint64_t next = words_filled_ != 0 ? next_filled() : UINT64_MAX;
            if (!far_.empty() && far_.lowest() <= next) {
                current_ = far_.lowest();
                return far_.pop();
            }
            current_ = next;
        }
        return take(place_of(current_));
    }
    // Whether the bucket that the last pop() took from holds more.
    [[nodiscard]] bool bucket_left() const {
        return held_ != kEnd || is_filled(place_of(current_)) ||
               (!far_.empty() && far_.lowest() == current_);
    }

  private:
    static constexpr uint32_t kEnd = UINT32_MAX;
    struct Entry {
        uint32_t cell;
        uint32_t next;  // in the bucket, or of the free entries
    };

    static uint32_t place_of(uint64_t bucket) {
        return static_cast<uint32_t>(bucket) & (kRing - 1);
    }
    [[nodiscard]] bool is_filled(uint32_t place) const {
        return filled_[place / 64] >> (place & 63) & 1;
    }
    void put(uint32_t place, uint32_t cell) {
        const Entry entry{cell, is_filled(place) ? heads_[place] : kEnd};
        uint32_t index = free_;
        if (index != kEnd) {
            free_ = entries_[index].next;
            entries_[index] = entry;
        } else {
            index = static_cast<uint32_t>(entries_.size());
            entries_.push_back(entry);
        }
        heads_[place] = index;
        filled_[place / 64] |= uint64_t{1} << (place & 63);
        words_filled_ |= uint64_t{1} << (place / 64);
    }
    uint32_t take(uint32_t place) {
        const uint32_t index = heads_[place];
        const Entry entry = entries_[index];
        entries_[index].next = free_;
        free_ = index;
        if (entry.next != kEnd) {
            heads_[place] = entry.next;
        } else {
            filled_[place / 64] &= ~(uint64_t{1} << (place & 63));
            if (filled_[place / 64] == 0) words_filled_ &= ~(uint64_t{1} << (place / 64));
        }
        return entry.cell;
    }
    // The bucket of the ring that comes next; there MUST be one.
    [[nodiscard]] uint64_t next_filled() const {
        const uint32_t from = place_of(current_);
        const uint32_t word = from / 64;
        uint32_t found;
        const uint64_t here = filled_[word] & ~uint64_t{0} << (from & 63);
        if (here != 0) {
            found = word * 64 + static_cast<uint32_t>(std::countr_zero(here));
        } else {
            // The words after this one, then from the first one on to this one itself.
            const uint64_t turned = std::rotr(words_filled_, static_cast<int>(word) + 1);
            const uint32_t other =
                (word + 1 + static_cast<uint32_t>(std::countr_zero(turned))) & (kRing / 64 - 1);
            found = other * 64 + static_cast<uint32_t>(std::countr_zero(filled_[other]));
        }
        return current_ + place_of(found - from);
    }

    static_assert(kRing == 64 * 64, "one word says which words are filled");
    std::vector<Entry> entries_;
    KeyHeap far_;  // keys are buckets
    uint32_t free_ = kEnd;
    uint32_t held_ = kEnd;  // the last one in of the current bucket
    uint32_t shift_ = 0;
    uint64_t lowest_ = 0;
    uint64_t current_ = 0;
    uint64_t words_filled_ = 0;
    std::array<uint64_t, kRing / 64> filled_{};
    std::array<uint32_t, kRing> heads_{};
};

}  // namespace p2c2r::kernels
