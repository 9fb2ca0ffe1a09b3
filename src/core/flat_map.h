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
        if (size_ == 0) return nullptr;
        for (size_t i = home(key);; i = (i + 1) & mask_) {
            if (slots_[i].first == key) return &slots_[i].second;
            if (slots_[i].first == 0) return nullptr;
        }
    }
    const T* find(uint64_t key) const { return const_cast<FlatMap*>(this)->find(key); }
    // The value of a new or existing key.
    T& operator[](uint64_t key) {
        P2C2R_CHECK(key != 0);
        if ((size_ + 1) * 4 > slots_.size() * 3) grow();
        size_t i = home(key);
        while (slots_[i].first != 0 && slots_[i].first != key) i = (i + 1) & mask_;
        if (slots_[i].first == 0) {
            slots_[i].first = key;
            slots_[i].second = T{};
            ++size_;
        }
        return slots_[i].second;
    }
    bool erase(uint64_t key) {
        if (size_ == 0) return false;
        size_t i = home(key);
        while (slots_[i].first != key) {
            if (slots_[i].first == 0) return false;
            i = (i + 1) & mask_;
        }
        // Whoever stands behind and may move closer to its home fills the hole.
        size_t hole = i;
        for (size_t j = (i + 1) & mask_; slots_[j].first != 0; j = (j + 1) & mask_) {
            const size_t distance_home = (j - home(slots_[j].first)) & mask_;
            const size_t distance_hole = (j - hole) & mask_;
            if (distance_home >= distance_hole) {
                slots_[hole] = std::move(slots_[j]);
                hole = j;
            }
        }
        slots_[hole].first = 0;
        slots_[hole].second = T{};
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
        mask_ = 0;
        size_ = 0;
    }

  private:
    [[nodiscard]] size_t home(uint64_t key) const {
        // Fibonacci hashing: ids that differ in few bits spread over the table.
        return static_cast<size_t>((key * 0x9E3779B97F4A7C15ull) >> 32) & mask_;
    }
    void grow() {
        std::vector<std::pair<uint64_t, T>> old(slots_.empty() ? 16 : slots_.size() * 2);
        old.swap(slots_);
        mask_ = slots_.size() - 1;
        for (auto& slot : old) {
            if (slot.first == 0) continue;
            size_t i = home(slot.first);
            while (slots_[i].first != 0) i = (i + 1) & mask_;
            slots_[i] = std::move(slot);
        }
    }

    std::vector<std::pair<uint64_t, T>> slots_;
    size_t mask_ = 0;
    size_t size_ = 0;
};

}  // namespace p2c2r
