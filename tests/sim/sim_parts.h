// Tasks that their gamer cuts. A part of the task with some token is a task with a token of its
// own, that says of which it is; its input is the whole's, and so its answer. Put together they say
// which executions they come from.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/task_split.h"

namespace p2c2r::sim {

inline constexpr uint64_t kPartsMost = 64;

// The client's own ids: a copy of one of its tasks, and a part of one.
inline bool is_trial(uint64_t id) {
    return id != 0 && (id & 0xFFFFFFFF) == 0;
}
inline bool is_part(uint64_t id) {
    return id & (1ull << 31);
}

inline constexpr uint64_t kPartTokenBit = 1ull << 39;

inline uint64_t part_token(uint64_t whole, uint64_t index) {
    const uint64_t task = (whole & (kPartTokenBit - 1)) * kPartsMost + index;
    return (whole & ~(kPartTokenBit - 1)) | kPartTokenBit | task;
}
// Of a part; any other is its own whole.
inline uint64_t whole_of(uint64_t token) {
    if (!(token & kPartTokenBit)) return token;
    const uint64_t task = (token & (kPartTokenBit - 1)) / kPartsMost;
    return (token & ~(2 * kPartTokenBit - 1)) | task;
}

// Pieces are as many as there may be parts.
const TaskSplitter& sim_splitter();
// The stamps of the parts' executions, in their order; nothing for a result that is none of them.
std::optional<std::vector<uint64_t>> decode_stamps(std::span<const uint8_t> info);

}  // namespace p2c2r::sim
