#include "kernels/physics_grid.h"

#include <algorithm>

namespace p2c2r::kernels {

void PhysicsGrid::prepare(const PhysicsPush& push) {
    entries_.resize(push.bodies);
    slots_.resize(push.bodies);
    sorted_.resize(push.bodies);
    starts_.resize(size_t{push.slot_mask} + 2);
}

void PhysicsGrid::sort() {
    std::fill(starts_.begin(), starts_.end(), 0u);
    for (const uint32_t slot : slots_) ++starts_[slot + 1];
    for (size_t slot = 1; slot < starts_.size(); ++slot) starts_[slot] += starts_[slot - 1];
    // Each start moves to the end of its slot, which is where the next begins.
    for (size_t id = 0; id < entries_.size(); ++id) sorted_[starts_[slots_[id]]++] = entries_[id];
    std::copy_backward(starts_.begin(), starts_.end() - 1, starts_.end());
    starts_[0] = 0;
}

}  // namespace p2c2r::kernels
