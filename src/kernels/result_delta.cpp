#include "kernels/result_delta.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>

#include "kernels/layer_delta.h"
#include "kernels/physics_world.h"
#include "model/value.h"

namespace p2c2r::kernels {

namespace {

Error no_delta() {
    return make_error(Status::kState,
                      "the result holds no delta: its data are the whole, or no state at all");
}

Error bad_result(const std::string& what) {
    return make_error(Status::kExecutor, "the result " + what);
}

Error bad_result(const Error& why) {
    return bad_result("does not fit what was before: " + why.text);
}

std::optional<uint64_t> unsigned_field(const Value& map, std::string_view name) {
    const std::optional<Value> field = map.find(name);
    return field ? field->unsigned_integer() : std::nullopt;
}

Result<ResultDelta> layer_delta(const Value& info, std::span<const uint8_t> data,
                                size_t before_size) {
    const std::optional<uint64_t> full_size = unsigned_field(info, "full_size");
    if (!full_size) return bad_result("has a delta and no full_size");
    if (*full_size == before_size) return ResultDelta{DeltaKind::kLayer, data};
    return field_error(Status::kSize, "before",
                       "the delta is of layers of " + std::to_string(*full_size) +
                           " bytes, what was before has " + std::to_string(before_size));
}

Result<ResultDelta> physics_delta(const Value& state, std::span<const uint8_t> data,
                                  size_t before_size) {
    const std::optional<uint64_t> offset = unsigned_field(state, "offset");
    const std::optional<uint64_t> size = unsigned_field(state, "size");
    if (!offset || !size || *offset > data.size() || *size > data.size() - *offset) {
        return bad_result("has a state that is not in its data of " + std::to_string(data.size()) +
                          " bytes");
    }
    if (before_size == 0 || before_size % kPhysicsRecordSize != 0) {
        return field_error(Status::kSize, "before",
                           "what was before has " + std::to_string(before_size) +
                               " bytes, which are not whole records of " +
                               std::to_string(kPhysicsRecordSize));
    }
    // A packed state does not say that it is one, but no delta takes so many bytes a body.
    if (*size == before_size) return no_delta();
    return ResultDelta{DeltaKind::kPhysics, data.subspan(*offset, *size)};
}

// Whether a result of `task_type` may be one of `types`; where nobody knows its type, its fields
// decide.
bool may_be(std::string_view task_type, std::initializer_list<std::string_view> types) {
    return task_type.empty() || std::find(types.begin(), types.end(), task_type) != types.end();
}

}  // namespace

Result<ResultDelta> find_result_delta(std::string_view task_type, std::span<const uint8_t> info,
                                      std::span<const uint8_t> data, size_t before_size) {
    const Result<Value> fields = parse_params(info);
    if (!fields) return bad_result("has no map of fields: " + fields.error().text);
    const std::optional<Value> marked = fields->find("delta");
    if (marked && marked->boolean().value_or(false) &&
        may_be(task_type, {"rt_shadows", "rt_reflections", "rt_global_illumination"})) {
        return layer_delta(*fields, data, before_size);
    }
    const std::optional<Value> state = fields->find("state");
    if (state && may_be(task_type, {"physics"})) return physics_delta(*state, data, before_size);
    return no_delta();
}

Result<Done> check_result_delta(const ResultDelta& delta, std::span<const uint8_t> before) {
    const Result<Done> good = delta.kind == DeltaKind::kLayer
                                  ? check_layer_delta(delta.bytes, before.size())
                                  : check_physics_delta(before, delta.bytes);
    if (!good) return bad_result(good.error());
    return Done{};
}

Result<Done> apply_result_delta(const ResultDelta& delta, std::span<const uint8_t> before,
                                uint8_t* out) {
    Result<Done> done = Done{};
    if (delta.kind == DeltaKind::kPhysics) {
        done = apply_physics_delta(before, delta.bytes, out);
    } else if (done = check_layer_delta(delta.bytes, before.size()); done) {
        std::memmove(out, before.data(), before.size());
        done = apply_layer_delta(delta.bytes, {out, before.size()});
    }
    if (!done) return bad_result(done.error());
    return done;
}

}  // namespace p2c2r::kernels
