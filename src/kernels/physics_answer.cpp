#include "kernels/physics_answer.h"

#include <cstring>
#include <span>

#include "model/value_writer.h"

namespace p2c2r::kernels {

namespace {

void write_vector(ValueWriter& writer, const float (&vector)[3]) {
    writer.array(3);
    for (const float value : vector) writer.number32(value);
}

void write_part(ValueWriter& writer, size_t offset, size_t size) {
    writer.map(2);
    writer.key("offset").unsigned_integer(offset);
    writer.key("size").unsigned_integer(size);
}

void write_energy(ValueWriter& writer, const PhysicsRequest& request,
                  const PhysicsOutcome& outcome) {
    writer.key("energy").array(static_cast<uint32_t>(outcome.energy.size()));
    for (const PhysicsOutcome::Energy& entry : outcome.energy) {
        writer.array(2).number(double{request.world.timestep} * entry.step).number(entry.energy);
    }
}

// Pairs whose first body is one of those that the answer tells of.
std::vector<uint64_t> owned_pairs(const PhysicsRequest& request, const PhysicsOutcome& outcome) {
    std::vector<uint64_t> pairs;
    for (const uint64_t pair : outcome.collisions) {
        const auto low = static_cast<uint32_t>(pair >> 32);
        if (low >= request.owned_first && low < request.owned_end) pairs.push_back(pair);
    }
    return pairs;
}

void store32(uint8_t* at, uint32_t value) {
    for (int byte = 0; byte < 4; ++byte) at[byte] = static_cast<uint8_t>(value >> 8 * byte);
}

}  // namespace

PhysicsAnswer make_physics_answer(const PhysicsRequest& request, const PhysicsOutcome& outcome,
                                  const std::vector<PhysicsBody>& before, const std::string& device,
                                  const MemoryHook* memory) {
    const size_t count = request.owned_end - request.owned_first;
    const auto owned = std::span(request.world.bodies).subspan(request.owned_first, count);
    const std::vector<uint64_t> pairs = owned_pairs(request, outcome);
    const bool objects = request.form == PhysicsResultForm::kObjects;

    PhysicsAnswer answer;
    size_t state_size = 0;
    if (!objects) {
        std::vector<uint8_t> delta;
        if (request.form == PhysicsResultForm::kDelta) {
            delta =
                pack_physics_delta(std::span(before).subspan(request.owned_first, count), owned);
            state_size = delta.size();
        } else {
            state_size = count * kPhysicsRecordSize;
        }
        const size_t size = state_size + pairs.size() * 8;
        Buffer buffer = Buffer::allocate(size, memory);
        if (request.form == PhysicsResultForm::kDelta) {
            std::memcpy(buffer.data(), delta.data(), delta.size());
        } else {
            pack_bodies(owned, buffer.data());
        }
        uint8_t* at = buffer.data() + state_size;
        for (const uint64_t pair : pairs) {
            store32(at, static_cast<uint32_t>(pair >> 32));
            store32(at + 4, static_cast<uint32_t>(pair));
            at += 8;
        }
        answer.data = std::move(buffer).freeze(size);
    }

    // Keys in the order of their bytes: this is the canonical form already.
    ValueWriter writer(objects ? 64 * count + 256 : 256, memory);
    writer.map(6u + (outcome.energy.empty() ? 0u : 1u));
    writer.key("algorithm_used").text("jacobi");
    writer.key("collisions");
    if (objects) {
        writer.array(static_cast<uint32_t>(pairs.size()));
        for (const uint64_t pair : pairs) {
            writer.array(2).unsigned_integer(pair >> 32).unsigned_integer(pair & UINT32_MAX);
        }
    } else {
        write_part(writer, state_size, pairs.size() * 8);
    }
    writer.key("collisions_cut").boolean(outcome.collisions_cut);
    writer.key("contacts").unsigned_integer(outcome.contacts);
    writer.key("device").text(device);
    if (!outcome.energy.empty()) write_energy(writer, request, outcome);
    if (objects) {
        writer.key("objects").array(static_cast<uint32_t>(count));
        for (const PhysicsBody& body : owned) {
            writer.map(2).key("position");
            write_vector(writer, body.position);
            writer.key("velocity");
            write_vector(writer, body.velocity);
        }
    } else {
        writer.key("state");
        write_part(writer, 0, state_size);
    }
    answer.info = writer.take();
    return answer;
}

}  // namespace p2c2r::kernels
