// A game's frames in virtual time: a gamer that pushes and pulls at a steady rate, a coordinator
// and its peers, the real roles, while a share of the peers misbehaves at any time: killed and
// started again, frozen, unreachable without a word, or ten times as slow. One run of one seed; the
// same seed gives the same events.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "sim/coverage.h"

namespace p2c2r::sim {

struct FrameOptions {
    uint64_t seed = 1;
    uint64_t frames = 100'000;
    uint32_t budget_us = 16'666;  // of a frame: it is pushed at its begin and pulled to its end
    uint32_t lag = 0;             // frames between a push and its pull
    uint32_t peers = 10;
    double share = 0.2;  // of the peers that misbehave
    uint64_t latency_us = 1'000;
    // Of the latency: the mean of an exponential delay on top (UINT64_MAX: a tenth of it), and the
    // deviation of a normal one to both sides.
    uint64_t jitter_us = UINT64_MAX;
    uint64_t deviation_us = 0;
    uint64_t takes_us = 3'000;  // a frame's task at a peer; drawn from half of that to 1.5 times
    bool local = false;         // this machine computes, too
    uint64_t local_takes_us = 6'000;
    uint32_t kinds = 0xF;  // the misbehaviours that are drawn: bits by FrameFault
};

enum class FrameFault : uint32_t { kKill, kFreeze, kBlackHole, kSlow };
inline constexpr const char* kFrameFaultNames[] = {"kill", "freeze", "blackhole", "slow"};

struct FrameReport {
    uint64_t frames = 0;
    uint64_t own = 0;       // answered with their own remote answer
    uint64_t local = 0;     // with one of this machine
    uint64_t previous = 0;  // with an earlier frame's
    uint64_t none = 0;
    uint64_t fresh = 0;    // with a remote one, of this frame or one of the two before
    uint64_t late = 0;     // answers that came after their frame's pull
    uint64_t age_max = 0;  // in frames, of the answers used
    uint64_t age_us_max = 0;
    uint64_t faults = 0;
    std::array<uint64_t, 4> faults_by_kind{};
    std::array<uint64_t, 4> missed_by_kind{};  // frames not fresh while such a fault was on
    uint64_t suspected = 0;                    // as the coordinator says: times that a peer was
    uint64_t silent = 0;                       // or was taken for dead,
    uint64_t peer_failures = 0;                // or had failed too often to be given more
    uint64_t events = 0;
    uint64_t hash = 0;
    uint64_t simulated_us = 0;
};

FrameReport run_frames(const FrameOptions& options, Coverage& coverage);

// `p2c2r_sim frames ...`: its arguments without these two words; gives the exit status.
int frames_main(int argc, char** argv);
// `p2c2r_sim jitter ...`: the same.
int jitter_main(int argc, char** argv);

}  // namespace p2c2r::sim
