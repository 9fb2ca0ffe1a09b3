// Which bodies are near enough to touch: a hash grid that is filled anew each step.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/physics_world.h"

namespace p2c2r::kernels {

// Bodies sorted by slot with one counting sort; those of a slot stand in the order of their ids.
class PhysicsGrid {
  public:
    struct Entry {
        PhysicsVec place;
        float radius;
        uint32_t id;
        int32_t cell[3];
    };

    void prepare(const PhysicsPush& push);
    // Of one body; any thread, each body once a step.
    void set(const PhysicsPush& push, uint32_t id, const PhysicsVec& place, float radius) {
        Entry& entry = entries_[id];
        entry = {place,
                 radius,
                 id,
                 {physics_cell(push, place.x), physics_cell(push, place.y),
                  physics_cell(push, place.z)}};
        slots_[id] = physics_slot(push, physics_row(entry.cell[1], entry.cell[2]), entry.cell[0]);
    }
    void sort();

    [[nodiscard]] const Entry& entry(uint32_t id) const { return entries_[id]; }
    // Calls visit(other) for each other body that overlaps `id`, in no particular order.
    template <class Visit>
    void visit_overlaps(const PhysicsPush& push, uint32_t id, const Visit& visit) const {
        const Entry& own = entries_[id];
        for (int z = -1; z <= 1; ++z) {
            for (int y = -1; y <= 1; ++y) {
                const int cell_y = own.cell[1] + y;
                const int cell_z = own.cell[2] + z;
                const uint32_t row = physics_row(cell_y, cell_z);
                const uint32_t first = physics_slot(push, row, own.cell[0] - 1);
                // The three cells of the row lie side by side, unless the table ends between them.
                if (first + 2 <= push.slot_mask) {
                    visit_run(own, cell_y, cell_z, starts_[first], starts_[first + 3], visit);
                    continue;
                }
                for (uint32_t x = 0; x < 3; ++x) {
                    const uint32_t slot = (first + x) & push.slot_mask;
                    visit_run(own, cell_y, cell_z, starts_[slot], starts_[slot + 1], visit);
                }
            }
        }
    }

  private:
    // Slots hold strangers too: what overlaps must also lie in the cell that is looked for, or a
    // body could be met in two of them.
    template <class Visit>
    void visit_run(const Entry& own, int cell_y, int cell_z, uint32_t begin, uint32_t end,
                   const Visit& visit) const {
        for (uint32_t at = begin; at < end; ++at) {
            const Entry& other = sorted_[at];
            if (!physics_meets(own.place, own.radius, other.place, other.radius)) continue;
            if (other.cell[1] != cell_y || other.cell[2] != cell_z) continue;
            if (other.cell[0] < own.cell[0] - 1 || other.cell[0] > own.cell[0] + 1) continue;
            if (other.id != own.id) visit(other);
        }
    }

    std::vector<Entry> entries_;  // by id
    std::vector<uint32_t> slots_;
    std::vector<Entry> sorted_;  // by slot
    std::vector<uint32_t> starts_;
};

}  // namespace p2c2r::kernels
