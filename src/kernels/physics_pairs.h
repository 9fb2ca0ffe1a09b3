// The contacts of a substep for the processor: each pair of bodies once, as columns, four at a
// time.
//
// physics.h has every body compute its contacts on its own, and both sides of a contact then get
// the same numbers with the opposite normal, bit for bit: differences, products and sums of
// opposites are opposites, and what differs in the sign of a zero is flushed or added to a sum that
// begins with +0. So one computation serves both. Pairs give impulses first; each body then adds
// those of its sides in its own order, as in physics.h.
#pragma once

#include <cstdint>
#include <vector>

#include "shaders/physics.h"

namespace p2c2r::kernels {

// A vector that is read and written at once.
struct alignas(16) PhysicsQuad {
    float x = 0, y = 0, z = 0;
    float unused = 0;

    PhysicsQuad() = default;
    explicit PhysicsQuad(const PhysicsVec& v) : x(v.x), y(v.y), z(v.z) {}
    [[nodiscard]] PhysicsVec vec() const { return physics_vec(x, y, z); }
};

class PhysicsPairs {
  public:
    static constexpr uint32_t kLanes = 4;  // first and end of ranges are multiples of it

    // Room for so many; what was in it is gone. `bodies`: the number of the wall.
    void resize(uint32_t count, uint32_t bodies);
    // With those that fill up the last lanes, which do nothing.
    [[nodiscard]] uint32_t size_in_lanes() const { return static_cast<uint32_t>(low_.size()); }
    // As `low` sees it; contact.other is the other body, or the wall.
    void set(uint32_t index, uint32_t low, const PhysicsContact& contact);
    [[nodiscard]] uint32_t low(uint32_t index) const { return low_[index]; }
    [[nodiscard]] uint32_t high(uint32_t index) const { return high_[index]; }
    // Whether its bodies pressed on each other.
    [[nodiscard]] bool pressed(uint32_t index) const { return push_[index] > 0; }

    // A turn of the pairs first..end, with displacements (or speeds) by body.
    void push(uint32_t first, uint32_t end, const PhysicsQuad* shifts);
    void bounce(uint32_t first, uint32_t end, const PhysicsQuad* speeds, float inverse_step,
                bool rubs);

    // A side of a pair: its number and whose it is.
    static uint32_t side(uint32_t index, bool is_high) { return index << 1 | (is_high ? 1 : 0); }
    // What a body with these sides, in this order, takes of the last turn.
    PhysicsQuad take_shift(const PhysicsQuad& own, float inverse_mass, const uint32_t* sides,
                           uint32_t count) const;
    PhysicsQuad take_speed(const PhysicsQuad& own, float inverse_mass, const uint32_t* sides,
                           uint32_t count, bool rubs) const;

  private:
    std::vector<uint32_t> low_, high_;
    std::vector<float> x_, y_, z_, gap_, share_, speed_, friction_, push_, pull_, rub_;
    std::vector<PhysicsQuad> impulses_;
    std::vector<PhysicsQuad> rubbed_;  // of friction; to be taken away
};

}  // namespace p2c2r::kernels
