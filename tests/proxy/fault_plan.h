// What a bad network does to the connections that go through it, as a small text:
//
//   plan    clause; clause; ...
//   clause  [connection N] [at TIME | after BYTES up|down] fault [up|down] fault [up|down] ...
//   fault   delay TIME      everything comes so much later
//           jitter TIME     the delay is normal around that, with this deviation; order is kept
//           stall TIME      nothing passes for so long
//           cut [rst|fin]   the connection ends; rst unless it says fin
//           slice BYTES     passed on in pieces of 1 to so many bytes
//           throttle BYTES  so many bytes a second
//           silence         nothing passes any more, and both ends stay open
//
// TIME is a number with us, ms or s; BYTES a number, also with kB or MB. "up" is from whoever
// connected; a fault that names no way is in both. "at" counts from the moment a connection was
// taken, "after" the bytes that went that way, and happens at exactly that byte. Without
// "connection N" a clause is for each of them; the first is 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace p2c2r::test {

enum class Way : uint8_t { kUp, kDown };
inline constexpr Way kWays[] = {Way::kUp, Way::kDown};

struct Fault {
    enum class Kind : uint8_t { kDelay, kJitter, kStall, kCut, kSlice, kThrottle, kSilence };
    Kind kind = Kind::kDelay;
    bool up = true;
    bool down = true;
    uint64_t value = 0;   // microseconds or bytes
    bool abrupt = false;  // a cut by RST
};

struct FaultClause {
    uint32_t connection = 0;  // 0: each
    uint64_t at_us = 0;
    std::optional<uint64_t> after_bytes;  // then at_us is not looked at
    Way after_way = Way::kUp;
    std::vector<Fault> faults;
};

struct FaultPlan {
    std::vector<FaultClause> clauses;
};

// What the words of a plan say; or nothing, and `why` names the clause and the word.
std::optional<FaultPlan> parse_plan(const std::string& text, std::string& why);
// Faults alone, without a clause's head.
std::optional<std::vector<Fault>> parse_faults(const std::string& text, std::string& why);

}  // namespace p2c2r::test
