// Which bodies are near enough to touch: hash grids that are filled anew each step.
//
// Bodies of like sizes share a level, a grid whose cells are as wide as the largest of them; all
// levels lie in one table. Bodies of two levels are found by the smaller one, which looks into the
// few cells of the larger one's level about it, so one large ball among many small ones widens no
// cells but its own. Where a level would have a few bodies only, they are no level but stand in a
// list at which everybody looks.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/physics_world.h"

namespace p2c2r::kernels {

class PhysicsGrid {
  public:
    void prepare(const std::vector<PhysicsFixed>& fixed, uint32_t bodies, uint32_t slot_mask);
    // Where a body is; any thread, each body once a step.
    void set(uint32_t id, const PhysicsVec& place);
    // After all of them.
    void sort();
    // Adds pairs of bodies that meet, the lower id in the upper half (physics_pair). Asked of each
    // body once, it gives each pair once. Any thread.
    void find(uint32_t id, std::vector<uint64_t>& pairs) const;

  private:
    struct alignas(16) Entry {
        float x, y, z, radius;
        uint32_t id;
        int32_t cell[3];
    };
    struct Level {
        float cell_inverse;
        uint32_t salt;  // rows of different levels lie in different places
    };
    // Cells whose bodies are looked for in a run of slots: one row of a level, from cell x on.
    struct Row {
        uint32_t level;
        int32_t x, y, z;
        uint32_t cells;
        bool is_own;  // of the cell x those with higher ids only
    };

    static uint32_t slot_of(const Level& level, uint32_t mask, int32_t x, int32_t y, int32_t z);
    void find_in_row(const Entry& own, const Row& row, std::vector<uint64_t>& pairs) const;
    void find_in_run(const Entry& own, const Row& row, uint32_t begin, uint32_t end,
                     std::vector<uint64_t>& pairs) const;
    void find_in_list(const Entry& own, bool is_listed, std::vector<uint64_t>& pairs) const;
    // Calls visit(entry) for those of four that meet `own`.
    template <class Visit>
    static void visit_meeting(const Entry& own, const Entry* four, uint32_t count,
                              const Visit& visit);

    uint32_t slot_mask_ = 0;
    std::vector<Level> levels_;         // from the smallest bodies on
    std::vector<uint8_t> level_of_;     // by id; the count of levels: listed
    std::vector<Entry> entries_;        // by id
    std::vector<uint32_t> slots_;       // by id
    std::vector<Entry> sorted_;         // by slot
    std::vector<uint32_t> starts_;      // of the slots in sorted_
    std::vector<uint32_t> listed_ids_;  // ascending
    std::vector<Entry> listed_;
};

}  // namespace p2c2r::kernels
