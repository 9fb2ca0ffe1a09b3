// IdMap: a FlatMap for ids that mostly come from a SlotMap, here or at the other end of a
// connection: those are few and small in their lowest bits while they live. Each has a place of its
// own then, and ids given one after the other lie side by side: a turn that passes many tasks on
// finds them without a probe and with one cache line for four. Ids of any other kind, and those
// whose place is taken, go to a FlatMap behind it. Whatever ids are chosen, there are at most four
// places for each key there ever was at once, and 128 more. Key 0 is not allowed; nothing is
// allocated once warm.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/flat_map.h"

namespace p2c2r {

template <class T>
class IdMap {
  public:
    T* find(uint64_t key) {
        const size_t place = place_of(key);
        if (place < places_.size() && places_[place].first == key) return &places_[place].second;
        return others_.find(key);
    }
    const T* find(uint64_t key) const { return const_cast<IdMap*>(this)->find(key); }
    // The value of a new or existing key. Throws std::bad_alloc.
    T& operator[](uint64_t key) {
        P2C2R_CHECK(key != 0);
        const size_t place = place_of(key);
        if (place >= places_.size() && place < 2 * (size() + kLeast) && place < kPlacesMax) {
            places_.resize(std::bit_ceil(place + 1));
        }
        if (place >= places_.size()) return others_[key];
        Place& at = places_[place];
        if (at.first == key) return at.second;
        if (at.first != 0 || (!others_.empty() && others_.find(key))) return others_[key];
        at.first = key;
        at.second = T{};
        ++placed_;
        return at.second;
    }
    bool erase(uint64_t key) {
        const size_t place = place_of(key);
        if (place >= places_.size() || places_[place].first != key) {
            return others_.erase(key);
        }
        places_[place] = {};
        --placed_;
        return true;
    }
    // The same where its value is this one.
    bool erase(uint64_t key, const T& value) {
        const T* const found = find(key);
        return found && *found == value && erase(key);
    }
    [[nodiscard]] size_t size() const { return placed_ + others_.size(); }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] std::vector<uint64_t> sorted_keys() const {
        std::vector<uint64_t> keys = others_.sorted_keys();
        keys.reserve(size());
        for (const Place& at : places_) {
            if (at.first != 0) keys.push_back(at.first);
        }
        std::sort(keys.begin(), keys.end());
        return keys;
    }
    void clear() {
        places_.clear();
        others_.clear();
        placed_ = 0;
    }

  private:
    using Place = std::pair<uint64_t, T>;
    // Above these bits a SlotMap's id says whose it is among those that had its slot, and an
    // attempt's id which placement it is (sched/attempt_id.h).
    static constexpr uint64_t kPlaceBits = 0xFFFFFF;
    static constexpr size_t kPlacesMax = kPlaceBits / 2;  // so that key 0 has none
    static constexpr size_t kLeast = 32;
    static size_t place_of(uint64_t key) { return static_cast<size_t>((key - 1) & kPlaceBits); }

    std::vector<Place> places_;  // by the key's lowest bits; key 0: nobody has it
    size_t placed_ = 0;
    FlatMap<T> others_;
};

}  // namespace p2c2r
