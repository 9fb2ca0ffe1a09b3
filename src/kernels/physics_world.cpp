#include "kernels/physics_world.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "shaders/physics_report.h"

namespace p2c2r::kernels {

namespace {

uint32_t load32(const uint8_t* at) {
    return uint32_t{at[0]} | uint32_t{at[1]} << 8 | uint32_t{at[2]} << 16 | uint32_t{at[3]} << 24;
}

void store32(uint8_t* at, uint32_t value) {
    at[0] = static_cast<uint8_t>(value);
    at[1] = static_cast<uint8_t>(value >> 8);
    at[2] = static_cast<uint8_t>(value >> 16);
    at[3] = static_cast<uint8_t>(value >> 24);
}

// The six floats that a run changes, and all ten, as they lie in a body.
const float* floats_of(const PhysicsBody& body) {
    return body.position;
}
constexpr size_t kMoving = 6;
constexpr size_t kFloats = kPhysicsRecordSize / 4;

uint32_t bits_of(const PhysicsBody& body, size_t field) {
    float value = 0;
    std::memcpy(&value, reinterpret_cast<const uint8_t*>(&body) + 4 * field, 4);
    return std::bit_cast<uint32_t>(value);
}

void set_bits(PhysicsBody& body, size_t field, uint32_t bits) {
    std::memcpy(reinterpret_cast<uint8_t*>(&body) + 4 * field, &bits, 4);
}

// Slots of the grid: two a body, while slot and id fit a sort key of 32 bits.
uint32_t slot_bits(uint32_t bodies, uint32_t id_bits) {
    const uint32_t wanted = static_cast<uint32_t>(std::bit_width(bodies)) + 1;
    return std::clamp(wanted, 4u, 32 - id_bits);
}

// The body of a record, its numbers rounded as those of a task's data are.
PhysicsBody quantised_record(const uint8_t* record) {
    PhysicsBody body;
    for (size_t field = 0; field < kFloats; ++field) {
        const auto value = std::bit_cast<float>(load32(record + 4 * field));
        set_bits(body, field, std::bit_cast<uint32_t>(physics_flush(value)));
    }
    return body;
}

// What a delta adds to the bits of a body's moving floats.
using MovingBits = std::array<uint32_t, kMoving>;

PhysicsBody moved(const uint8_t* record, const MovingBits& bits) {
    PhysicsBody body = quantised_record(record);
    for (size_t field = 0; field < kMoving; ++field) {
        set_bits(body, field, bits_of(body, field) + bits[field]);
    }
    return body;
}

Error bad_delta(std::span<const uint8_t> delta, const std::string& what) {
    return field_error(Status::kParams, "data",
                       "the delta of " + std::to_string(delta.size()) + " bytes " + what);
}

// Calls change(body, bits), a Result<Done>, for each body that moved.
template <class Change>
Result<Done> walk_delta(size_t bodies, std::span<const uint8_t> delta, const Change& change) {
    size_t at = (bodies + 7) / 8;
    if (delta.size() < at) return bad_delta(delta, "is shorter than a bit per body");
    for (size_t i = 0; i < bodies; ++i) {
        if ((delta[i / 8] >> i % 8 & 1) == 0) continue;
        MovingBits bits{};
        for (uint32_t& change_of : bits) {
            uint64_t value = 0;
            bool more = true;
            for (uint32_t shift = 0; more; shift += 7) {
                if (at == delta.size()) return bad_delta(delta, "is cut");
                if (shift > 28) return bad_delta(delta, "has a number of more than 32 bits");
                value |= uint64_t{delta[at] & 0x7Fu} << shift;
                more = (delta[at++] & 0x80) != 0;
            }
            if (value > UINT32_MAX) return bad_delta(delta, "has a number of more than 32 bits");
            const auto zigzag = static_cast<uint32_t>(value);
            change_of = zigzag >> 1 ^ (0u - (zigzag & 1));
        }
        const Result<Done> changed = change(i, bits);
        if (!changed) return changed.error();
    }
    if (at != delta.size()) return bad_delta(delta, "goes on behind its last body");
    return Done{};
}

}  // namespace

Error too_many_contacts(uint32_t bodies) {
    return field_error(Status::kLimit, "objects",
                       "objects touch more than " + std::to_string(physics_sides_max(bodies) / 2) +
                           " times at once, the limit for " + std::to_string(bodies) +
                           " bodies: too many lie inside each other");
}

PhysicsPush make_physics_push(const PhysicsWorld& world) {
    PhysicsPush push{};
    push.step = world.timestep / static_cast<float>(world.substeps);
    push.inverse_step = 1.0f / push.step;
    const float* g = world.gravity;
    push.fall_x = physics_flush(g[0] * push.step);
    push.fall_y = physics_flush(g[1] * push.step);
    push.fall_z = physics_flush(g[2] * push.step);
    // What a body gains by falling for two steps is no bounce but weight.
    const PhysicsVec fall = physics_vec(push.fall_x, push.fall_y, push.fall_z);
    push.rest_speed = 2.0f * std::sqrt(physics_dot(fall, fall));
    push.min_x = world.bound_min[0];
    push.min_y = world.bound_min[1];
    push.min_z = world.bound_min[2];
    push.max_x = world.bound_max[0];
    push.max_y = world.bound_max[1];
    push.max_z = world.bound_max[2];
    push.faces = world.faces;
    push.bodies = static_cast<uint32_t>(world.bodies.size());
    push.planes = static_cast<uint32_t>(world.planes.size());
    push.boxes = static_cast<uint32_t>(world.boxes.size());
    push.id_bits = std::max(1u, static_cast<uint32_t>(std::bit_width(push.bodies - 1)));
    push.slot_mask = (1u << slot_bits(push.bodies, push.id_bits)) - 1;
    push.sides_max = physics_sides_max(push.bodies);
    return push;
}

PhysicsFixed physics_fixed(const PhysicsBody& body) {
    return {1.0f / body.mass, body.radius, body.restitution, body.friction};
}

double physics_energy(const PhysicsWorld& world) {
    double energy = 0;
    for (const PhysicsBody& body : world.bodies) {
        double speed = 0;
        double height = 0;
        for (size_t axis = 0; axis < 3; ++axis) {
            speed += double{body.velocity[axis]} * body.velocity[axis];
            height -= double{world.gravity[axis]} * body.position[axis];
        }
        energy += body.mass * (0.5 * speed + height);
    }
    return energy;
}

// ---- packed bytes -------------------------------------------------------------------------------

void pack_bodies(std::span<const PhysicsBody> bodies, uint8_t* out) {
    for (const PhysicsBody& body : bodies) {
        for (size_t field = 0; field < kFloats; ++field) {
            store32(out, bits_of(body, field));
            out += 4;
        }
    }
}

std::vector<PhysicsBody> unpack_bodies(std::span<const uint8_t> bytes) {
    std::vector<PhysicsBody> bodies(bytes.size() / kPhysicsRecordSize);
    const uint8_t* at = bytes.data();
    for (PhysicsBody& body : bodies) {
        for (size_t field = 0; field < kFloats; ++field) {
            set_bits(body, field, load32(at));
            at += 4;
        }
    }
    return bodies;
}

std::vector<uint8_t> pack_physics_delta(std::span<const PhysicsBody> before,
                                        std::span<const PhysicsBody> after) {
    std::vector<uint8_t> out((after.size() + 7) / 8, 0);
    for (size_t i = 0; i < after.size(); ++i) {
        const bool moved =
            std::memcmp(floats_of(before[i]), floats_of(after[i]), kMoving * sizeof(float)) != 0;
        if (!moved) continue;
        out[i / 8] = static_cast<uint8_t>(out[i / 8] | 1u << i % 8);
        for (size_t field = 0; field < kMoving; ++field) {
            const uint32_t change = bits_of(after[i], field) - bits_of(before[i], field);
            uint32_t left = change << 1 ^ (0u - (change >> 31));
            for (; left >= 0x80; left >>= 7) out.push_back(static_cast<uint8_t>(left | 0x80));
            out.push_back(static_cast<uint8_t>(left));
        }
    }
    return out;
}

Result<std::vector<PhysicsBody>> apply_physics_delta(std::span<const PhysicsBody> before,
                                                     std::span<const uint8_t> delta) {
    std::vector<PhysicsBody> after(before.begin(), before.end());
    const auto change = [&](size_t body, const MovingBits& bits) {
        for (size_t field = 0; field < kMoving; ++field) {
            set_bits(after[body], field, bits_of(before[body], field) + bits[field]);
        }
        return Result<Done>(Done{});
    };
    if (Result<Done> done = walk_delta(before.size(), delta, change); !done) return done.error();
    return after;
}

Result<Done> check_physics_delta(std::span<const uint8_t> before, std::span<const uint8_t> delta) {
    const auto judge = [&](size_t i, const MovingBits& bits) -> Result<Done> {
        const char* wrong = beyond_any_run(moved(&before[i * kPhysicsRecordSize], bits));
        if (!wrong) return Done{};
        return bad_delta(
            delta, "gives body " + std::to_string(i) + " a " + wrong + " that no run gives it");
    };
    return walk_delta(before.size() / kPhysicsRecordSize, delta, judge);
}

Result<Done> apply_physics_delta(std::span<const uint8_t> before, std::span<const uint8_t> delta,
                                 uint8_t* out) {
    if (Result<Done> good = check_physics_delta(before, delta); !good) return good;
    const size_t bodies = before.size() / kPhysicsRecordSize;
    const auto store = [&](size_t i, const MovingBits& bits) {
        uint8_t* const record = out + i * kPhysicsRecordSize;
        const PhysicsBody body = moved(record, bits);
        pack_bodies({&body, 1}, record);
        return Result<Done>(Done{});
    };
    std::memmove(out, before.data(), before.size());
    for (size_t i = 0; i < bodies; ++i) (void)store(i, {});
    return walk_delta(bodies, delta, store);
}

const char* beyond_any_run(const PhysicsBody& body) {
    for (size_t axis = 0; axis < 3; ++axis) {
        // What is no number fails the comparison too.
        if (!(std::fabs(body.position[axis]) <= kPhysicsPlaceMax)) return "position";
        if (!(std::fabs(body.velocity[axis]) <= kPhysicsSpeedMax)) return "velocity";
    }
    return nullptr;
}

}  // namespace p2c2r::kernels
