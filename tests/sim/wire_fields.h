// The fields of the envelopes that the checkers look at, and a frame's place among others.
#pragma once

#include <cstdint>

#include "wire/frame.h"

namespace p2c2r::sim {

// Their numbers, by PROTOCOL.md, section 8.
namespace key {

inline constexpr uint8_t kToken = 7;
inline constexpr uint8_t kResume = 8;
inline constexpr uint8_t kWindowBytes = 11;
inline constexpr uint8_t kWindowTasks = 12;
inline constexpr uint8_t kSlots = 13;
inline constexpr uint8_t kTaskType = 16;
inline constexpr uint8_t kPriority = 18;
inline constexpr uint8_t kDeadline = 19;
inline constexpr uint8_t kCircle = 20;
inline constexpr uint8_t kPayloadPlace = 24;
inline constexpr uint8_t kDigest = 25;
inline constexpr uint8_t kDependsOn = 26;
inline constexpr uint8_t kSizes = 28;
inline constexpr uint8_t kAttempt = 29;
inline constexpr uint8_t kStatus = 32;
inline constexpr uint8_t kProcessing = 35;
inline constexpr uint8_t kSource = 39;
inline constexpr uint8_t kSuccess = 42;
inline constexpr uint8_t kCircleAccepted = 47;
inline constexpr uint8_t kContentSize = 67;
inline constexpr uint8_t kBeatInterval = 80;

}  // namespace key

// What is too large for one frame comes in several, of which the first has the envelope.
inline bool is_first(const wire::Frame& frame) {
    return !frame.envelope.empty();
}
inline bool is_last(const wire::Frame& frame) {
    return !(frame.flags & wire::kFlagMore);
}

}  // namespace p2c2r::sim
