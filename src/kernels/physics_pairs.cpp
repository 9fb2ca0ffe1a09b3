// physics_push and physics_bounce of physics.h, four contacts at a time, with the same operations
// in the same order on each.
#include "kernels/physics_pairs.h"

#include "kernels/physics_lanes.h"

namespace p2c2r::kernels {

namespace {

using namespace lanes;

static_assert(kCount == PhysicsPairs::kLanes && sizeof(Floats) == sizeof(PhysicsQuad));

// low - high of four pairs.
inline Columns apart(const PhysicsQuad* values, const uint32_t* low, const uint32_t* high) {
    Floats rows[kCount];
    for (uint32_t i = 0; i < kCount; ++i) {
        rows[i] = load(&values[low[i]]) - load(&values[high[i]]);
    }
    Floats unused;
    return turned(rows, unused);
}
// factor * column, as four vectors.
inline void store_scaled(PhysicsQuad* to, Floats factor, const Columns& columns) {
    const Floats x = factor * columns.x;
    const Floats y = factor * columns.y;
    const Floats z = factor * columns.z;
    const Floats xy01 = __builtin_shufflevector(x, y, 0, 4, 1, 5);
    const Floats xy23 = __builtin_shufflevector(x, y, 2, 6, 3, 7);
    const Floats z01 = __builtin_shufflevector(z, Floats{}, 0, 4, 1, 5);
    const Floats z23 = __builtin_shufflevector(z, Floats{}, 2, 6, 3, 7);
    store(to, __builtin_shufflevector(xy01, z01, 0, 1, 4, 5));
    store(to + 1, __builtin_shufflevector(xy01, z01, 2, 3, 6, 7));
    store(to + 2, __builtin_shufflevector(xy23, z23, 0, 1, 4, 5));
    store(to + 3, __builtin_shufflevector(xy23, z23, 2, 3, 6, 7));
}
// As one side sees it: the higher body's is the opposite.
inline Floats seen_from(uint32_t side, const std::vector<PhysicsQuad>& impulses) {
    const int32_t sign = static_cast<int32_t>(side << 31);
    return floats(bits(load(&impulses[side >> 1])) ^ sign);
}

}  // namespace

void PhysicsPairs::resize(uint32_t count, uint32_t bodies) {
    const uint32_t size = (count + kLanes - 1) / kLanes * kLanes;
    for (auto* numbers : {&low_, &high_}) numbers->resize(size);
    for (auto* column :
         {&x_, &y_, &z_, &gap_, &share_, &speed_, &friction_, &push_, &pull_, &rub_}) {
        column->resize(size);
    }
    impulses_.resize(size);
    rubbed_.resize(size);
    PhysicsContact none{};
    none.gap = 1;
    none.other = bodies;
    for (uint32_t index = count; index < size; ++index) set(index, bodies, none);
}

void PhysicsPairs::set(uint32_t index, uint32_t low, const PhysicsContact& contact) {
    low_[index] = low;
    high_[index] = contact.other;
    x_[index] = contact.x;
    y_[index] = contact.y;
    z_[index] = contact.z;
    gap_[index] = contact.gap;
    share_[index] = contact.share;
    speed_[index] = contact.speed;
    friction_[index] = contact.friction;
    push_[index] = 0;
    pull_[index] = 0;
    rub_[index] = 0;
}

void PhysicsPairs::push(uint32_t first, uint32_t end, const PhysicsQuad* shifts) {
    for (uint32_t i = first; i < end; i += kLanes) {
        const Columns normal{load(&x_[i]), load(&y_[i]), load(&z_[i])};
        const Floats along = flush(dot(normal, apart(shifts, &low_[i], &high_[i])));
        const Floats wish = flush((load(&gap_[i]) + along) * load(&share_[i]));
        const Floats before = load(&push_[i]);
        const Floats push = max(flush(before - wish), all(0));
        store(&push_[i], push);
        store_scaled(&impulses_[i], flush(push - before), normal);
    }
}

void PhysicsPairs::bounce(uint32_t first, uint32_t end, const PhysicsQuad* speeds,
                          float inverse_step, bool rubs) {
    for (uint32_t i = first; i < end; i += kLanes) {
        const Columns normal{load(&x_[i]), load(&y_[i]), load(&z_[i])};
        const Columns leaving = apart(speeds, &low_[i], &high_[i]);
        const Floats push = load(&push_[i]);
        const Masks touch = (push != all(0)) | (load(&gap_[i]) <= all(0));
        const Floats along = flush(dot(normal, leaving));
        const Floats share = load(&share_[i]);
        const Floats wish = flush((load(&speed_[i]) - along) * share);
        const Floats pushed = push * all(inverse_step);
        const Floats before = load(&pull_[i]);
        const Floats pull = only(touch, max(flush(before + wish), -pushed));
        store(&pull_[i], pull);
        store_scaled(&impulses_[i], flush(pull - before), normal);
        if (!rubs) continue;
        const Columns slide{flush(leaving.x - along * normal.x),
                            flush(leaving.y - along * normal.y),
                            flush(leaving.z - along * normal.z)};
        const Floats speed = root(dot(slide, slide));
        const Floats friction = load(&friction_[i]);
        const Masks slides = touch & (friction > all(0)) & (speed > all(kPhysicsNormalTiny));
        const Floats rubbed = load(&rub_[i]);
        const Floats room = friction * (pushed + pull) - rubbed;
        const Floats rub = only(slides, min(speed * share, max(room, all(0))));
        store(&rub_[i], rubbed + rub);
        store_scaled(&rubbed_[i], flush(rub / select(slides, speed, all(1))), slide);
    }
}

PhysicsQuad PhysicsPairs::take_shift(const PhysicsQuad& own, float inverse_mass,
                                     const uint32_t* sides, uint32_t count) const {
    Floats sum = all(0);
    for (uint32_t i = 0; i < count; ++i) sum += seen_from(sides[i], impulses_);
    PhysicsQuad taken;
    store(&taken, flush(load(&own) + all(inverse_mass) * sum));
    return taken;
}

PhysicsQuad PhysicsPairs::take_speed(const PhysicsQuad& own, float inverse_mass,
                                     const uint32_t* sides, uint32_t count, bool rubs) const {
    Floats sum = all(0);
    for (uint32_t i = 0; i < count; ++i) {
        sum += seen_from(sides[i], impulses_);
        if (rubs) sum -= seen_from(sides[i], rubbed_);
    }
    const Floats speed = flush(load(&own) + all(inverse_mass) * sum);
    PhysicsQuad taken;
    store(&taken, min(max(speed, all(-kPhysicsSpeedMax)), all(kPhysicsSpeedMax)));
    return taken;
}

}  // namespace p2c2r::kernels
