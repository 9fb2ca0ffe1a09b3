// FlatMap: 64-bit ids to small values in one array: linear probing, deletion by shifting back, so
// that nothing is allocated once warm and no tombstones pile up. Key 0 is not allowed. Iteration
// order is that of the hash and never decides anything; sorted_keys() is for what must be ordered.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/check.h"

namespace p2c2r {

template <class T>
class FlatMap {
  public:
    T* find(uint64_t key) {
        if (size_ == 0 || key == 0) return nullptr;
        Slot* const slots = slots_.data();
        for (size_t i = home(key);; i = (i + 1) & mask_) {
            if (slots[i].first == key) return &slots[i].second;
            if (slots[i].first == 0) return nullptr;
        }
    }
    const T* find(uint64_t key) const { return const_cast<FlatMap*>(this)->find(key); }
    // The value of a new or existing key.
    T& operator[](uint64_t key) {
        P2C2R_CHECK(key != 0);
        if (size_ >= room_) grow();
        Slot* const slots = slots_.data();
        size_t i = home(key);
        while (slots[i].first != 0 && slots[i].first != key) i = (i + 1) & mask_;
        if (slots[i].first == 0) {
            slots[i].first = key;
            slots[i].second = T{};
            ++size_;
        }
        return slots[i].second;
    }
    bool erase(uint64_t key) {
        if (size_ == 0 || key == 0) return false;
        Slot* const slots = slots_.data();
        size_t hole = home(key);
        while (slots[hole].first != key) {
            if (slots[hole].first == 0) return false;
            hole = (hole + 1) & mask_;
        }
        // Whoever stands behind and may move closer to its home fills the hole.
        for (size_t j = (hole + 1) & mask_; slots[j].first != 0; j = (j + 1) & mask_) {
            const size_t distance_home = (j - home(slots[j].first)) & mask_;
            const size_t distance_hole = (j - hole) & mask_;
            if (distance_home >= distance_hole) {
                slots[hole] = std::move(slots[j]);
                hole = j;
            }
        }
        slots[hole].first = 0;
        slots[hole].second = T{};
        --size_;
        return true;
    }
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] std::vector<uint64_t> sorted_keys() const {
        std::vector<uint64_t> keys;
        keys.reserve(size_);
        for (const auto& slot : slots_) {
            if (slot.first != 0) keys.push_back(slot.first);
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    void clear() {
        slots_.clear();
        mask_ = room_ = size_ = 0;
    }

  private:
    using Slot = std::pair<uint64_t, T>;
    [[nodiscard]] size_t home(uint64_t key) const {
        // Fibonacci hashing: ids that differ in few bits spread over the table.
        return static_cast<size_t>((key * 0x9E3779B97F4A7C15ull) >> 32) & mask_;
    }
    void grow() {
        std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
        old.swap(slots_);
        mask_ = slots_.size() - 1;
        room_ = slots_.size() / 4 * 3;
        for (auto& slot : old) {
            if (slot.first == 0) continue;
            size_t i = home(slot.first);
            while (slots_[i].first != 0) i = (i + 1) & mask_;
            slots_[i] = std::move(slot);
        }
    }

    std::vector<Slot> slots_;
    size_t mask_ = 0;
    size_t room_ = 0;  // for so many keys: three quarters of the slots
    size_t size_ = 0;
};

}  // namespace p2c2r
