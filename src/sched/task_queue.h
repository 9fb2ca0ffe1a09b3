// TaskQueue: the tasks of one account and type that wait, most urgent first: higher priority, then
// earlier deadline, then first come. O(log n), and O(1) for the usual case of deadlines that only
// grow, which stay in a sorted ring beside the heap.
//
// Removal is lazy: the owner says whether an entry still counts, and dead entries are swept when
// they outnumber the living.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace p2c2r::sched {

class TaskQueue {
  public:
    struct Entry {
        uint64_t key;  // smaller is more urgent
        uint64_t task;
        uint32_t stamp;  // differs when the same task is queued again
    };

    static uint64_t key_of(int priority, uint64_t deadline_us) {
        const uint64_t rank = static_cast<uint64_t>(127 - priority);
        return rank << 56 | std::min<uint64_t>(deadline_us, (1ull << 56) - 1);
    }

    void push(const Entry& entry) {
        if (ring_.empty() || ring_head_ == ring_.size() || entry.key >= ring_.back().key) {
            ring_.push_back(entry);
        } else {
            heap_.push_back(entry);
            std::push_heap(heap_.begin(), heap_.end(), less_urgent);
        }
        ++live_;  // last: a push that throws was none
    }

    // The most urgent entry for which is_live(entry); NULL when there is none. Dead ones before it
    // are dropped on the way.
    template <class IsLive>
    const Entry* front(IsLive&& is_live) {
        while (ring_head_ < ring_.size() && !is_live(ring_[ring_head_])) drop_ring_head();
        while (!heap_.empty() && !is_live(heap_.front())) drop_heap_top();
        const bool ring = ring_head_ < ring_.size();
        if (!ring && heap_.empty()) return nullptr;
        if (ring && (heap_.empty() || !less_urgent(ring_[ring_head_], heap_.front()))) {
            return &ring_[ring_head_];
        }
        return &heap_.front();
    }
    // Removes what front() just returned.
    void pop(const Entry* entry) {
        --live_;
        if (!heap_.empty() && entry == &heap_.front()) {
            drop_heap_top();
        } else {
            drop_ring_head();
        }
    }
    // An entry somewhere inside died.
    template <class IsLive>
    void removed(IsLive&& is_live) {
        --live_;
        const size_t held = ring_.size() - ring_head_ + heap_.size();
        if (held > 2 * live_ + 64) sweep(is_live);
    }

    // Would an entry with this key go after all others? Of those that came with later deadlines the
    // last few may not be known here.
    [[nodiscard]] bool goes_last(uint64_t key) const {
        return ring_head_ == ring_.size() || key >= ring_.back().key;
    }
    [[nodiscard]] size_t live() const { return live_; }
    [[nodiscard]] size_t held() const { return ring_.size() - ring_head_ + heap_.size(); }

  private:
    static bool less_urgent(const Entry& a, const Entry& b) { return a.key > b.key; }

    void drop_ring_head() {
        if (++ring_head_ == ring_.size()) {
            ring_.clear();
            ring_head_ = 0;
        } else if (ring_head_ >= 4096 && ring_head_ * 2 >= ring_.size()) {
            ring_.erase(ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(ring_head_));
            ring_head_ = 0;
        }
    }
    void drop_heap_top() {
        std::pop_heap(heap_.begin(), heap_.end(), less_urgent);
        heap_.pop_back();
    }
    template <class IsLive>
    void sweep(IsLive&& is_live) {
        std::erase_if(heap_, [&](const Entry& entry) { return !is_live(entry); });
        std::make_heap(heap_.begin(), heap_.end(), less_urgent);
        ring_.erase(ring_.begin(), ring_.begin() + static_cast<ptrdiff_t>(ring_head_));
        ring_head_ = 0;
        std::erase_if(ring_, [&](const Entry& entry) { return !is_live(entry); });
    }

    std::vector<Entry> ring_;  // sorted; the entries before ring_head_ are gone
    size_t ring_head_ = 0;
    std::vector<Entry> heap_;
    size_t live_ = 0;
};

}  // namespace p2c2r::sched
