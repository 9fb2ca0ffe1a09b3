// A binary min-heap over small integers with movable keys: insert, move and remove by index in
// O(log n), smallest in O(1). Ties go to the smaller index, so that order never depends on history
// alone and a replay is a replay.
#pragma once

#include <cstdint>
#include <vector>

namespace p2c2r::sched {

class IndexedHeap {
  public:
    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] size_t size() const { return heap_.size(); }
    [[nodiscard]] uint32_t top() const { return heap_.front(); }
    [[nodiscard]] uint64_t top_key() const { return slots_[heap_.front()].key; }
    [[nodiscard]] bool contains(uint32_t index) const {
        return index < slots_.size() && slots_[index].position != kAbsent;
    }
    // Members in heap order: the first few are among the best, not sorted.
    [[nodiscard]] const std::vector<uint32_t>& members() const { return heap_; }
    [[nodiscard]] uint64_t key(uint32_t index) const { return slots_[index].key; }

    // After this the index is set and removed without memory.
    void make_room(uint32_t index) {
        if (index >= slots_.size()) slots_.resize(index + 1);
        heap_.reserve(slots_.capacity());
    }
    void set(uint32_t index, uint64_t key) {
        if (index >= slots_.size()) make_room(index);
        Slot& slot = slots_[index];
        if (slot.position == kAbsent) {
            slot.key = key;
            slot.position = static_cast<uint32_t>(heap_.size());
            heap_.push_back(index);
            sift_up(slot.position);
            return;
        }
        const uint64_t old = slot.key;
        if (key == old) return;
        slot.key = key;
        if (key < old) {
            sift_up(slot.position);
        } else {
            sift_down(slot.position);
        }
    }
    void remove(uint32_t index) {
        if (!contains(index)) return;
        const uint32_t position = slots_[index].position;
        slots_[index].position = kAbsent;
        const uint32_t last = heap_.back();
        heap_.pop_back();
        if (last == index) return;
        heap_[position] = last;
        slots_[last].position = position;
        sift_up(position);
        sift_down(slots_[last].position);
    }

  private:
    static constexpr uint32_t kAbsent = UINT32_MAX;
    struct Slot {
        uint64_t key = 0;
        uint32_t position = kAbsent;
    };

    [[nodiscard]] bool before(uint32_t a, uint32_t b) const {
        return slots_[a].key != slots_[b].key ? slots_[a].key < slots_[b].key : a < b;
    }
    void place(uint32_t position, uint32_t index) {
        heap_[position] = index;
        slots_[index].position = position;
    }
    void sift_up(uint32_t position) {
        const uint32_t index = heap_[position];
        while (position > 0) {
            const uint32_t parent = (position - 1) / 2;
            if (!before(index, heap_[parent])) break;
            place(position, heap_[parent]);
            position = parent;
        }
        place(position, index);
    }
    void sift_down(uint32_t position) {
        const uint32_t index = heap_[position];
        const uint32_t count = static_cast<uint32_t>(heap_.size());
        for (;;) {
            uint32_t child = 2 * position + 1;
            if (child >= count) break;
            if (child + 1 < count && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], index)) break;
            place(position, heap_[child]);
            position = child;
        }
        place(position, index);
    }

    std::vector<uint32_t> heap_;
    std::vector<Slot> slots_;
};

}  // namespace p2c2r::sched
