#include "kernels/physics_collisions.h"

#include <algorithm>

namespace p2c2r::kernels {

PhysicsCollisions::PhysicsCollisions(uint32_t room) : room_(room), slots_(64, 0) {}

size_t PhysicsCollisions::home(uint64_t pair) const {
    const uint64_t mixed = pair * 0x9E3779B97F4A7C15ull;
    return static_cast<size_t>(mixed >> 32) & (slots_.size() - 1);
}

bool PhysicsCollisions::has(uint64_t pair) const {
    for (size_t at = home(pair);; at = (at + 1) & (slots_.size() - 1)) {
        if (slots_[at] == pair) return true;
        if (slots_[at] == 0) return false;
    }
}

bool PhysicsCollisions::add(uint64_t pair) {
    if (has(pair)) return false;
    if (count_ == room_) {
        cut_ = true;
        return false;
    }
    if (count_ * 2 >= slots_.size()) grow();
    size_t at = home(pair);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = pair;
    ++count_;
    return true;
}

void PhysicsCollisions::grow() {
    std::vector<uint64_t> old(slots_.size() * 2, 0);
    slots_.swap(old);
    for (const uint64_t pair : old) {
        if (pair == 0) continue;
        size_t at = home(pair);
        while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = pair;
    }
}

std::vector<uint64_t> PhysicsCollisions::sorted() const {
    std::vector<uint64_t> pairs;
    pairs.reserve(count_);
    for (const uint64_t pair : slots_) {
        if (pair != 0) pairs.push_back(pair);
    }
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

}  // namespace p2c2r::kernels
