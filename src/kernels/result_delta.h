// Results that say what changed: from the state that the receiver has to the one they tell of.
//
// Two kinds of results do: layers of rt_* tasks with `previous` (layer_delta.h) and states of
// `physics` with `result` delta (physics_world.h). Neither names the state it is against; what
// shows that it was another one is its size, and a delta that does not fit it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/bytes.h"
#include "core/status.h"

namespace p2c2r::kernels {

enum class DeltaKind : uint8_t { kLayer, kPhysics };

struct ResultDelta {
    DeltaKind kind = DeltaKind::kLayer;
    std::span<const uint8_t> bytes;  // in the result's data, which MUST outlive this
};

// The delta in the result of a task of `task_type` (canonical; "" where it is not known), for a
// receiver whose state has `before_size` bytes. Everything in it comes from strangers. kState:
// there is none in it; kSize: it is of a state of another size (field "before"); kExecutor: what it
// says of itself is wrong.
Result<ResultDelta> find_result_delta(std::string_view task_type, std::span<const uint8_t> info,
                                      std::span<const uint8_t> data, size_t before_size);

// kExecutor where it does not fit `before`: it is cut, reaches beyond it, or leads to numbers that
// no task gives.
Result<Done> check_result_delta(const ResultDelta& delta, std::span<const uint8_t> before);
// The same, and then writes the state after it to `out`: before.size() bytes, which may be those of
// `before` but MUST NOT be those of the result. When it fails `out` is as it was.
Result<Done> apply_result_delta(const ResultDelta& delta, std::span<const uint8_t> before,
                                uint8_t* out);

}  // namespace p2c2r::kernels
