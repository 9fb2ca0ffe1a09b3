// The open list of searches that go cell by cell where all cells cost the same: the order of
// BucketQueue (path_queue.h), for keys that never lie 64 buckets ahead. One word says which buckets
// are filled, and what a search asks for at every node stays in registers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

namespace p2c2r::kernels {

struct NearQueueEntry {
    uint32_t cell;
    uint32_t next;  // in the bucket, or of the free entries
};

// Buckets are 2^kShift wide. One search uses it, from its beginning to its end.
template <uint32_t kShift>
class NearQueue {
  public:
    static constexpr uint32_t kRing = 64;
    static constexpr uint32_t kNone = UINT32_MAX;  // no cell's number
    using Entry = NearQueueEntry;

    // No key will be below `lowest`. `entries` is memory that is used again and again; what is in
    // it does not count.
    NearQueue(uint64_t lowest, std::vector<Entry>& entries) : entries_(entries), lowest_(lowest) {
        heads_.fill(kNone);
    }

    // The key MUST NOT be in a bucket that has been left, or 64 ahead of the one being emptied.
    void push(uint64_t key, uint32_t cell) {
        const uint64_t bucket = (key - lowest_) >> kShift;
        if (bucket == current_) {
            // It comes out next: it need not go in.
            const uint32_t held = held_;
            held_ = cell;
            if (held == kNone) return;
            cell = held;
        }
        put(static_cast<uint32_t>(bucket) % kRing, cell);
    }
    [[nodiscard]] bool empty() const { return held_ == kNone && filled_ == 0; }
    // From the lowest bucket that holds something; MUST NOT be empty.
    uint32_t pop() {
        const uint32_t held = held_;
        if (held != kNone) {
            held_ = kNone;
            return held;
        }
        // A branch, as what is guessed right need not wait for the push before.
        const std::uint64_t ahead = std::rotr(filled_, static_cast<int>(current_ % kRing));
        if ((ahead & 1) == 0) current_ += static_cast<uint32_t>(std::countr_zero(ahead));
        const auto place = static_cast<uint32_t>(current_) % kRing;
        const uint32_t index = heads_[place];
        Entry& entry = entries_[index];
        const uint32_t next = entry.next;
        heads_[place] = next;
        filled_ ^= uint64_t{next == kNone} << place;
        entry.next = free_;
        free_ = index;
        return entry.cell;
    }
    // Whether the bucket that the last pop() took from holds more.
    [[nodiscard]] bool bucket_left() const {
        return held_ != kNone || (filled_ >> current_ % kRing & 1) != 0;
    }

  private:
    void put(uint32_t place, uint32_t cell) {
        uint32_t index = free_;
        if (index != kNone) {
            free_ = entries_[index].next;
        } else {
            index = used_++;
            if (index == entries_.size()) grow(entries_);
        }
        entries_[index] = {cell, heads_[place]};
        heads_[place] = index;
        filled_ |= uint64_t{1} << place;
    }
    // Not a member's work: what leaves the compiler's sight would leave the registers too.
    [[gnu::noinline]] static void grow(std::vector<Entry>& entries) {
        entries.resize(entries.size() * 2 + 1024);
    }

    std::vector<Entry>& entries_;
    const uint64_t lowest_;
    uint64_t current_ = 0;
    uint64_t filled_ = 0;  // a bit a place of the ring
    uint32_t held_ = kNone;
    uint32_t free_ = kNone;  // the first of those that were given back
    uint32_t used_ = 0;      // entries from here on were never used
    std::array<uint32_t, kRing> heads_;
};

}  // namespace p2c2r::kernels
