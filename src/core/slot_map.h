// SlotMap: values in stable slots under ids that carry a generation, so that a stale id is "not
// found" and never somebody else's value. Slots are reused, so nothing is allocated once warm.
//
// id = generation << 32 | (index + 1); 0 is never an id. A slot whose generation would wrap is
// retired, so that an id is never given out twice.
#pragma once

#include <cstdint>
#include <utility>

#include "core/cache.h"
#include "core/check.h"
#include "core/chunks.h"

namespace p2c2r {

template <class T>
class SlotMap {
  public:
    explicit SlotMap(uint32_t slots_max = 0xFFFFFFFDu) : slots_max_(slots_max) {}

    // 0 when full. The value in a reused slot is what erase() left; callers reset it.
    uint64_t insert() {
        uint32_t index = first_free_;
        if (index == kNone) {
            if (slots_used_ >= slots_max_) return 0;
            slots_.grow(slots_used_ + 1u);
            index = slots_used_++;
        }
        Slot& slot = at(index);
        first_free_ = slot.next_free;
        slot.next_free = kLive;
        ++size_;
        if (first_free_ != kNone) p2c2r::fetch_ahead(&at(first_free_), sizeof(Slot));
        return id_of(index, slot.generation);
    }

    T* find(uint64_t id) {
        const uint32_t index = static_cast<uint32_t>(id) - 1;
        if (index >= slots_used_) return nullptr;
        Slot& slot = at(index);
        return is_live(slot, id) ? &slot.value : nullptr;
    }
    const T* find(uint64_t id) const { return const_cast<SlotMap*>(this)->find(id); }

    // The value is not destroyed: whoever erases resets what must not linger.
    bool erase(uint64_t id) {
        const uint32_t index = static_cast<uint32_t>(id) - 1;
        if (index >= slots_used_) return false;
        Slot& slot = at(index);
        if (!is_live(slot, id)) return false;
        --size_;
        slot.next_free = kNone;
        if (++slot.generation != 0xFFFFFFFFu) slot.next_free = std::exchange(first_free_, index);
        return true;
    }

    // A hint: this id will be looked for soon.
    void fetch_ahead(uint64_t id) const {
        const uint32_t index = index_of(id);
        if (index >= slots_used_) return;
        p2c2r::fetch_ahead(&slots_[index], sizeof(Slot));
    }

    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }

    // Calls f(id, value) for each live slot in slot order. f may erase the slot it was given.
    template <class F>
    void for_each(F&& f) {
        for (uint32_t index = 0; index < slots_used_; ++index) {
            Slot& slot = at(index);
            if (slot.next_free == kLive) f(id_of(index, slot.generation), slot.value);
        }
    }

    // Where insert() will put the next value.
    [[nodiscard]] uint32_t next_index() const {
        return first_free_ != kNone ? first_free_ : slots_used_;
    }
    static uint32_t index_of(uint64_t id) { return static_cast<uint32_t>(id) - 1; }

  private:
    static constexpr uint32_t kNone = 0xFFFFFFFFu;
    static constexpr uint32_t kLive = 0xFFFFFFFEu;
    // Of a large value no part lies in a line that is another one's as well.
    static constexpr size_t kAlign = sizeof(T) > kCacheLine ? kCacheLine : alignof(uint32_t);
    struct alignas(T) alignas(kAlign) Slot {
        T value{};
        uint32_t generation = 1;
        uint32_t next_free = kNone;  // kLive: not free; the last one erased is the next one used
    };
    static bool is_live(const Slot& slot, uint64_t id) {
        return slot.next_free == kLive && slot.generation == static_cast<uint32_t>(id >> 32);
    }
    static uint64_t id_of(uint32_t index, uint32_t generation) {
        return static_cast<uint64_t>(generation) << 32 | (index + 1u);
    }
    Slot& at(uint32_t index) { return slots_[index]; }

    Chunks<Slot> slots_;  // references stay valid
    uint32_t first_free_ = kNone;
    size_t size_ = 0;
    uint32_t slots_used_ = 0;
    uint32_t slots_max_;
};

}  // namespace p2c2r
