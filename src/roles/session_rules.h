// What both ends of a session hold to.
#pragma once

#include <cstdint>

#include "p2c2r/version.h"

namespace p2c2r::roles {

inline constexpr const char* kLibrary =
    "p2c2r " P2C2R_VERSION_STRING;                   // as it calls itself in hello
inline constexpr uint64_t kHandshakeUs = 2'000'000;  // from the connection to the registration
// Heartbeats come every interval; this many without a word, and a bit for a busy machine, and the
// other side is taken for dead.
inline constexpr uint64_t kSilentIntervals = 4;
inline constexpr uint64_t kSilentSlackUs = 500'000;
inline constexpr uint32_t kWindowTasksMax = 1024;  // tasks that one peer holds

}  // namespace p2c2r::roles
