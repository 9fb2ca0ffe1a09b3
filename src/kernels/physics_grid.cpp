#include "kernels/physics_grid.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "kernels/physics_collisions.h"
#include "kernels/physics_lanes.h"

namespace p2c2r::kernels {

namespace {

using lanes::Floats;

// So many bodies are no level of their own: looking at all of them is quicker than at nine rows.
constexpr size_t kListedMax = 16;

// Entries are read four at a time, beyond the last one too.
constexpr size_t kBehind = lanes::kCount - 1;

}  // namespace

void PhysicsGrid::prepare(const std::vector<PhysicsFixed>& fixed, uint32_t bodies,
                          uint32_t slot_mask) {
    slot_mask_ = slot_mask;
    entries_.resize(bodies);
    slots_.resize(bodies);
    level_of_.resize(bodies);
    starts_.resize(size_t{slot_mask} + 2);
    struct Sizes {
        size_t count = 0;
        float radius = 0;  // the largest
        uint8_t level = 0;
    };
    std::map<int, Sizes> all;  // by the exponent of the radius
    for (uint32_t id = 0; id < bodies; ++id) {
        Sizes& sizes = all[std::ilogb(fixed[id].radius)];
        ++sizes.count;
        sizes.radius = std::max(sizes.radius, fixed[id].radius);
    }
    for (auto& [exponent, sizes] : all) {
        if (sizes.count <= kListedMax) continue;
        sizes.level = static_cast<uint8_t>(levels_.size());
        // A little more than a diameter, so that rounding of cells never hides a pair.
        levels_.push_back({1.0f / (physics_reach(sizes.radius) * 2.001f),
                           hash_u32(static_cast<uint32_t>(levels_.size()))});
    }
    for (uint32_t id = 0; id < bodies; ++id) {
        const Sizes& sizes = all[std::ilogb(fixed[id].radius)];
        const bool is_listed = sizes.count <= kListedMax;
        level_of_[id] = is_listed ? static_cast<uint8_t>(levels_.size()) : sizes.level;
        if (is_listed) listed_ids_.push_back(id);
        entries_[id].id = id;
        entries_[id].radius = fixed[id].radius;
    }
    sorted_.resize(bodies - listed_ids_.size() + kBehind);
    listed_.resize(listed_ids_.size() + kBehind);
}

uint32_t PhysicsGrid::slot_of(const Level& level, uint32_t mask, int32_t x, int32_t y, int32_t z) {
    return (physics_row(y, z) + level.salt + static_cast<uint32_t>(x)) & mask;
}

void PhysicsGrid::set(uint32_t id, const PhysicsVec& place) {
    Entry& entry = entries_[id];
    entry.x = place.x;
    entry.y = place.y;
    entry.z = place.z;
    if (level_of_[id] == levels_.size()) return;
    const Level& level = levels_[level_of_[id]];
    entry.cell[0] = exact_floor_int(place.x * level.cell_inverse);
    entry.cell[1] = exact_floor_int(place.y * level.cell_inverse);
    entry.cell[2] = exact_floor_int(place.z * level.cell_inverse);
    slots_[id] = slot_of(level, slot_mask_, entry.cell[0], entry.cell[1], entry.cell[2]);
}

void PhysicsGrid::sort() {
    for (size_t i = 0; i < listed_ids_.size(); ++i) listed_[i] = entries_[listed_ids_[i]];
    std::fill(starts_.begin(), starts_.end(), 0u);
    const size_t listed = levels_.size();
    for (size_t id = 0; id < entries_.size(); ++id) {
        if (level_of_[id] != listed) ++starts_[slots_[id] + 1];
    }
    for (size_t slot = 1; slot < starts_.size(); ++slot) starts_[slot] += starts_[slot - 1];
    // Each start moves to the end of its slot, which is where the next begins.
    for (size_t id = 0; id < entries_.size(); ++id) {
        if (level_of_[id] != listed) sorted_[starts_[slots_[id]]++] = entries_[id];
    }
    std::copy_backward(starts_.begin(), starts_.end() - 1, starts_.end());
    starts_[0] = 0;
}

void PhysicsGrid::find(uint32_t id, std::vector<uint64_t>& pairs) const {
    const Entry& own = entries_[id];
    const uint32_t own_level = level_of_[id];
    find_in_list(own, own_level == levels_.size(), pairs);
    for (uint32_t at = own_level; at < levels_.size(); ++at) {
        // In its own level half of the cells about it, the other half look at it.
        if (at == own_level) {
            const auto& [x, y, z] = own.cell;
            find_in_row(own, {at, x, y, z, 2, true}, pairs);
            find_in_row(own, {at, x - 1, y + 1, z, 3, false}, pairs);
            for (int32_t dy = -1; dy <= 1; ++dy) {
                find_in_row(own, {at, x - 1, y + dy, z + 1, 3, false}, pairs);
            }
            continue;
        }
        const float inverse = levels_[at].cell_inverse;
        const int32_t x = exact_floor_int(own.x * inverse);
        const int32_t y = exact_floor_int(own.y * inverse);
        const int32_t z = exact_floor_int(own.z * inverse);
        for (int32_t row = 0; row < 9; ++row) {
            find_in_row(own, {at, x - 1, y + row % 3 - 1, z + row / 3 - 1, 3, false}, pairs);
        }
    }
}

void PhysicsGrid::find_in_row(const Entry& own, const Row& row,
                              std::vector<uint64_t>& pairs) const {
    const uint32_t first = slot_of(levels_[row.level], slot_mask_, row.x, row.y, row.z);
    // The cells lie side by side, unless the table ends between them.
    if (first + row.cells <= slot_mask_ + 1) {
        return find_in_run(own, row, starts_[first], starts_[first + row.cells], pairs);
    }
    for (uint32_t i = 0; i < row.cells; ++i) {
        const uint32_t slot = (first + i) & slot_mask_;
        find_in_run(own, row, starts_[slot], starts_[slot + 1], pairs);
    }
}

void PhysicsGrid::find_in_run(const Entry& own, const Row& row, uint32_t begin, uint32_t end,
                              std::vector<uint64_t>& pairs) const {
    // Slots hold strangers too: what meets must also lie in a cell that is looked for, or a body
    // could be met in two of them.
    const auto visit = [&](const Entry& other) {
        if (other.cell[1] != row.y || other.cell[2] != row.z) return;
        if (static_cast<uint32_t>(other.cell[0] - row.x) >= row.cells) return;
        if (level_of_[other.id] != row.level) return;
        if (row.is_own && other.cell[0] == row.x && other.id <= own.id) return;
        pairs.push_back(physics_pair(std::min(own.id, other.id), std::max(own.id, other.id)));
    };
    for (uint32_t at = begin; at < end; at += lanes::kCount) {
        visit_meeting(own, &sorted_[at], end - at, visit);
    }
}

void PhysicsGrid::find_in_list(const Entry& own, bool is_listed,
                               std::vector<uint64_t>& pairs) const {
    const auto visit = [&](const Entry& other) {
        if (is_listed && other.id <= own.id) return;
        pairs.push_back(physics_pair(std::min(own.id, other.id), std::max(own.id, other.id)));
    };
    const auto count = static_cast<uint32_t>(listed_ids_.size());
    for (uint32_t at = 0; at < count; at += lanes::kCount) {
        visit_meeting(own, &listed_[at], count - at, visit);
    }
}

// physics_meets.
template <class Visit>
void PhysicsGrid::visit_meeting(const Entry& own, const Entry* four, uint32_t count,
                                const Visit& visit) {
    static_assert(offsetof(Entry, radius) == 12);
    const Floats rows[lanes::kCount] = {lanes::load(four), lanes::load(four + 1),
                                        lanes::load(four + 2), lanes::load(four + 3)};
    Floats radius;
    const lanes::Columns places = lanes::turned(rows, radius);
    const lanes::Columns apart{lanes::flush(lanes::all(own.x) - places.x),
                               lanes::flush(lanes::all(own.y) - places.y),
                               lanes::flush(lanes::all(own.z) - places.z)};
    const Floats reach = (lanes::all(own.radius) + radius) * lanes::all(kPhysicsReach);
    uint32_t meeting = lanes::ones(lanes::dot(apart, apart) < reach * reach);
    if (count < lanes::kCount) meeting &= (1u << count) - 1;
    for (; meeting != 0; meeting &= meeting - 1) visit(four[std::countr_zero(meeting)]);
}

}  // namespace p2c2r::kernels
