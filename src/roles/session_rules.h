// What both ends of a session hold to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "p2c2r/version.h"

namespace p2c2r::roles {

inline constexpr const char* kLibrary =
    "p2c2r " P2C2R_VERSION_STRING;  // as it calls itself in hello
// A handshake is a few words of each side, and each answers one of the other's: over a link that is
// long they take long, and how long it is only they show, since what ends TCP in between answers
// for itself. So each word has this, from the first byte of the one before on, the first from the
// connection on; and all of them together have the other. Silence gains nothing by it, and neither
// does a word that drips: the next one's time began with it.
inline constexpr uint64_t kWordUs = 2'000'000;
inline constexpr uint64_t kHandshakeUs = 6'000'000;
// Heartbeats come every interval; this many without a word, and a bit for a busy machine, and the
// other side is taken for dead.
inline constexpr uint64_t kSilentIntervals = 4;
inline constexpr uint64_t kSilentSlackUs = 500'000;
// A peer that has work says something so often.
inline constexpr uint32_t kBeatIntervalMs = 10;
inline constexpr uint32_t kWindowTasksMax = 1024;  // tasks that one peer holds

// Of a connection since then whose other side's last whole words began to come at `words_us` (0: it
// has said none): when it has to have said the next ones.
inline constexpr uint64_t handshake_until_us(uint64_t since_us, uint64_t words_us) {
    return std::min(std::max(since_us, words_us) + kWordUs, since_us + kHandshakeUs);
}

// "2.4"
inline std::string seconds_text(uint64_t us) {
    const uint64_t tenths = us / 100'000;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

}  // namespace p2c2r::roles
