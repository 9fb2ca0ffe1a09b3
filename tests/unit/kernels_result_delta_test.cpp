// What a result with a delta makes of the state before it, and what it must not do to it.
#include "kernels/result_delta.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/layer_delta.h"
#include "kernels/physics_world.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

using Bytes8 = std::vector<uint8_t>;

Bytes8 packed(const std::vector<PhysicsBody>& bodies) {
    Bytes8 records(bodies.size() * kPhysicsRecordSize);
    pack_bodies(bodies, records.data());
    return records;
}

// What comes of it; a state of 0xEE and an error where it is refused.
struct Applied {
    Status status;
    std::string field;
    Bytes8 out;
};

Applied apply(const char* type, const std::string& info, const Bytes8& data, const Bytes8& before) {
    const Result<Bytes> fields = json_to_value(info);
    REQUIRE(fields.ok());
    Applied applied{Status::kOk, "", Bytes8(before.size(), 0xEE)};
    const auto refused = [&](const Error& why) {
        CHECK_FALSE(why.text.empty());
        CHECK(applied.out == Bytes8(before.size(), 0xEE));
        applied.status = why.status;
        applied.field = why.field;
        return applied;
    };
    const auto delta = find_result_delta(type, fields->span(), data, before.size());
    if (!delta) return refused(delta.error());
    const bool good = check_result_delta(*delta, before).ok();
    const Result<Done> done = apply_result_delta(*delta, before, applied.out.data());
    CHECK(good == done.ok());
    if (!done) return refused(done.error());
    // In place it is the same.
    Bytes8 state = before;
    REQUIRE(apply_result_delta(*delta, state, state.data()).ok());
    CHECK(state == applied.out);
    return applied;
}

std::string state_at(uint64_t offset, uint64_t size) {
    return R"({"state":{"offset":)" + std::to_string(offset) + R"(,"size":)" +
           std::to_string(size) + "}}";
}

std::string layers_of(uint64_t size) {
    return R"({"delta":true,"full_size":)" + std::to_string(size) + "}";
}

}  // namespace

TEST_CASE("a delta of layers makes the layers after of those before") {
    const Bytes8 before{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    Bytes8 after = before;
    after[2] = 90;
    after[9] = 91;
    const Bytes8 delta = make_layer_delta(before, after);
    for (const char* type : {"rt_shadows", "rt_reflections", "rt_global_illumination", ""}) {
        CHECK(apply(type, layers_of(10), delta, before).out == after);
        CHECK(apply(type, layers_of(10), {}, before).out == before);
    }
    CHECK(apply("rt_shadows", layers_of(11), delta, before).status == Status::kSize);
    CHECK(apply("rt_shadows", layers_of(11), delta, before).field == "before");
    // Half a patch is none: what came before it is not written either.
    const Bytes8 late{0, 1, 7, 5, 200, 1, 1};
    CHECK(apply("rt_shadows", layers_of(10), late, before).status == Status::kExecutor);
    for (size_t size = 1; size < delta.size(); ++size) {
        const Bytes8 cut(delta.begin(), delta.begin() + static_cast<ptrdiff_t>(size));
        const Status status = apply("rt_shadows", layers_of(10), cut, before).status;
        // Whole patches and fewer of them are a delta too.
        CHECK((status == Status::kExecutor || size == 3));
    }
}

TEST_CASE("a delta of bodies makes the packed state after of the one before") {
    std::vector<PhysicsBody> bodies(3);
    for (size_t i = 0; i < 3; ++i) bodies[i].position[0] = static_cast<float>(i);
    std::vector<PhysicsBody> after = bodies;
    after[1].position[0] = 1.5f;
    after[1].velocity[2] = -3;
    const Bytes8 delta = pack_physics_delta(bodies, after);
    for (const char* type : {"physics", ""}) {
        CHECK(apply(type, state_at(0, delta.size()), delta, packed(bodies)).out == packed(after));
    }
    Bytes8 behind{7, 7};
    behind.insert(behind.end(), delta.begin(), delta.end());
    behind.insert(behind.end(), 8, 9);  // collisions
    CHECK(apply("physics", state_at(2, delta.size()), behind, packed(bodies)).out == packed(after));
    // The state that was sent is rounded to zero where the task's is.
    std::vector<PhysicsBody> tiny = bodies;
    tiny[0].velocity[1] = 1e-20f;
    tiny[2].position[2] = -1e-41f;
    tiny[2].friction = 1e-30f;
    CHECK(apply("physics", state_at(0, delta.size()), delta, packed(tiny)).out == packed(after));

    const Bytes8 before = packed(bodies);
    const Bytes8 odd(before.begin(), before.end() - 1);
    CHECK(apply("physics", state_at(0, delta.size()), delta, odd).field == "before");
    CHECK(apply("physics", state_at(0, delta.size()), delta, odd).status == Status::kSize);
    CHECK(apply("physics", state_at(0, delta.size()), delta, {}).status == Status::kSize);
    // Of more bodies or fewer.
    for (const size_t count : {2u, 20u}) {
        const Bytes8 other = packed(std::vector<PhysicsBody>(count));
        CHECK(apply("physics", state_at(0, delta.size()), delta, other).status ==
              (count == 2 ? Status::kOk : Status::kExecutor));
    }
    for (size_t size = 0; size < delta.size(); ++size) {
        CHECK(apply("physics", state_at(0, size), delta, before).status == Status::kExecutor);
    }
    const uint64_t far = uint64_t{1} << 63;
    for (const auto& [offset, size] :
         {std::pair(far, far), std::pair(far, uint64_t{1}), std::pair(uint64_t{1}, far),
          std::pair<uint64_t, uint64_t>(1, delta.size())}) {
        CHECK(apply("physics", state_at(offset, size), delta, before).status == Status::kExecutor);
    }
}

TEST_CASE("a delta that gives a body what no run gives it changes nothing") {
    const std::vector<PhysicsBody> bodies(2);
    const float infinite = std::numeric_limits<float>::infinity();
    for (const float bad : {std::nanf(""), infinite, -infinite, 100'001.0f}) {
        for (const bool is_speed : {false, true}) {
            std::vector<PhysicsBody> after = bodies;
            after[0].position[0] = 3;
            (is_speed ? after[1].velocity : after[1].position)[1] = bad;
            const Bytes8 delta = pack_physics_delta(bodies, after);
            CHECK(apply("physics", state_at(0, delta.size()), delta, packed(bodies)).status ==
                  Status::kExecutor);
        }
    }
}

TEST_CASE("results without a delta are told from those that have one") {
    const Bytes8 state = packed(std::vector<PhysicsBody>(2));
    const Bytes8 layer(10);
    CHECK(apply("physics", state_at(0, 80), state, state).status == Status::kState);
    CHECK(apply("physics", R"({"objects":[]})", {}, state).status == Status::kState);
    CHECK(apply("physics", layers_of(10), {}, layer).status == Status::kState);
    CHECK(apply("rt_shadows", R"({"lights":1})", layer, layer).status == Status::kState);
    CHECK(apply("rt_shadows", R"({"delta":false,"full_size":10})", {}, layer).status ==
          Status::kState);
    CHECK(apply("rt_shadows", state_at(0, 1), {0}, state).status == Status::kState);
    CHECK(apply("echo", layers_of(10), {}, layer).status == Status::kState);
    CHECK(apply("echo", "{}", layer, layer).status == Status::kState);
    CHECK(apply("rt_shadows", R"({"delta":true})", {}, layer).status == Status::kExecutor);
    CHECK(apply("rt_shadows", R"({"delta":true,"full_size":-1})", {}, layer).status ==
          Status::kExecutor);
    CHECK(apply("physics", R"({"state":7})", state, state).status == Status::kExecutor);
    CHECK(apply("physics", R"({"state":{"offset":0}})", state, state).status == Status::kExecutor);
    const Bytes8 no_map{0x93, 1};
    const auto found = find_result_delta("physics", no_map, {}, 40);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().status == Status::kExecutor);
}
