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
    if (pairs_.size() == room_) {
        cut_ = true;
        return false;
    }
    if (pairs_.size() * 2 >= slots_.size()) grow();
    size_t at = home(pair);
    while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
    pairs_.push_back(pair);
    slots_[at] = pair;
    return true;
}

void PhysicsCollisions::grow() {
    std::vector<uint64_t>(slots_.size() * 4, 0).swap(slots_);
    for (const uint64_t pair : pairs_) {
        size_t at = home(pair);
        while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = pair;
    }
}

std::vector<uint64_t> PhysicsCollisions::sorted() const {
    std::vector<uint64_t> pairs = pairs_;
    if (!std::is_sorted(pairs.begin(), pairs.end())) std::sort(pairs.begin(), pairs.end());
    return pairs;
}

}  // namespace p2c2r::kernels
