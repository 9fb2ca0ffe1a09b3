// What one seed draws: the size of the world, which kinds of faults are on (each with 50 %) and how
// strong they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/prng.h"

namespace p2c2r::sim {

enum class GamerKind : uint8_t {
    kSteady,
    kFlood,        // bursts of many tasks
    kCancelStorm,  // most tasks are cancelled right away
    kHasty,        // deadlines that are over or nearly so
    // Scripts on the bare wire.
    kRepeat,   // the same id again and again
    kGarbage,  // bytes and messages that do not belong there
    kVanish,   // goes in mid-task and resumes
};

const char* gamer_kind_name(GamerKind kind);

struct Options {
    uint64_t seed = 0;
    uint64_t chaos_us = 0;
    std::vector<GamerKind> gamers;
    uint32_t peers = 0;
    uint32_t forgers = 0;  // of the peers: scripts that also send what they must not
    uint32_t tasks = 0;
    bool coordinator_computes = false;
    bool gamers_compute = false;
    uint64_t task_timeout_us = 5'000'000;
    uint64_t resume_grace_us = 10'000'000;
    uint64_t memory_max = 0;
    uint64_t send_limit = 0;
    uint64_t heartbeat_us = 1'000'000;
    bool checksum = false;

    // Network.
    uint64_t latency_us = 500;
    uint64_t jitter_us = 0;
    double burst_chance = 0;
    uint64_t burst_us = 0;
    double bytes_per_us = 125;
    uint64_t window_bytes = 256 * 1024;
    uint32_t pieces_max = 1;
    double single_byte_chance = 0;
    bool reset_when_unread = false;
    uint64_t user_timeout_us = 0;
    uint64_t place_threshold = 16 * 1024;
    double resets_per_minute = 0;     // and connection
    double half_open_per_minute = 0;  // and connection
    double holes_per_minute = 0;      // and host
    uint32_t holes_forever = 0;
    double partitions_per_minute = 0;  // of the world
    double stalls_per_minute = 0;      // and host

    // Nodes.
    int64_t clock_offset_us_max = 0;
    int32_t clock_drift_ppm_max = 0;
    uint32_t late_us_max = 0;
    uint64_t dwell_us_max = 20'000;
    double slow_max = 1;
    double speed_told_chance = 0;  // of each peer: it says how fast it is
    double speed_lie_chance = 0;   // of these: anything but that
    double stall_chance = 0;
    uint64_t stall_us_max = 0;
    double error_chance = 0;
    double params_error_chance = 0;
    double refuse_chance = 0;
    double ignore_cancel_chance = 0;
    double types_change_per_minute = 0;   // and peer
    double peer_crashes_per_minute = 0;   // and peer
    double peer_pauses_per_minute = 0;    // and peer
    double peer_leaves_per_minute = 0;    // and peer
    double impatient_chance = 0;          // of a gamer that gives up after a few attempts
    double gamer_crashes_per_minute = 0;  // and gamer
    uint32_t coordinator_crashes = 0;
    double silent_crash_chance = 0;
    double new_name_chance = 0;      // of a peer that comes back as somebody else
    double short_memory_chance = 0;  // of a message that is taken up
    uint32_t fault_points = 0;       // a bit for each that is armed (fault_points.h)

    // Circles.
    uint32_t owners = 0;  // beside the operator; 0: nobody is asked for a login
    double own_chance = 0;
    double public_chance = 0;
    double limited_chance = 0;          // of a peer that keeps to its circle
    double revocations_per_minute = 0;  // of the world
    double moves_per_minute = 0;        // of the world

    // Tasks.
    double content_chance = 0;       // of a task whose data is a content
    uint64_t content_bytes_max = 0;  // of the coordinator's store
    uint64_t peer_content_bytes_max = 0;
    double resident_chance = 0;  // of a task whose result stays
    double stage_chance = 0;     // of one that goes on from such a result, where there is one
    double parts_chance = 0;     // of a task that its gamer may cut
    double large_chance = 0;     // of 300 KB to 1 MB
    double medium_chance = 0;    // of 16 to 200 KB
    double depends_chance = 0;
    double script_depends_chance = 0;  // of a script's task, which the coordinator must hold back
    double cancel_chance = 0;
    double local_chance = 0;
    double by_worth_chance = 0;  // of a gamer whose tasks are placed by worth
    uint64_t deadline_us_min = 20'000;
    uint64_t deadline_us_max = 5'000'000;
};

Options draw_options(uint64_t seed);
// Lines "name value", only of what is not off.
std::string describe(const Options& options);

}  // namespace p2c2r::sim
