// The id of an attempt on its peer's hop: the task's own, with the number of the placement in bits
// 24..31, so that two attempts of one task never share an id, even on the same peer.
// kTasksPendingMax leaves these bits free.
#pragma once

#include <cstdint>

#include "model/task.h"

namespace p2c2r::sched {

inline constexpr uint8_t kRefusalsMax = 8;
// Placements of a task that are no attempts of their own: copies, what a silent peer has got of an
// input that is still coming, and what was taken back from a peer before it was begun.
inline constexpr uint8_t kUncountedMax = 16;
inline constexpr int kAttemptShift = 24;
static_assert(limits::kTasksPendingMax < (1u << kAttemptShift));
// Beside these one that a gamer's loss has cut off, one whose input has stalled, and those of which
// it turns out later that they were no attempts.
static_assert(2 * limits::kAttemptsMax + kRefusalsMax + kUncountedMax + 2 < 256);

inline uint64_t attempt_id_of(uint64_t task, uint32_t attempt) {
    return task | static_cast<uint64_t>(attempt) << kAttemptShift;
}
inline uint64_t task_of(uint64_t attempt_id) {
    return attempt_id & ~(0xFFull << kAttemptShift);
}

}  // namespace p2c2r::sched
