#include "sim/option_kinds.h"

#include "net/transport.h"

namespace p2c2r::sim {

namespace {

struct Kind {
    const char* name;
    void (*copy)(Options& to, const Options& from);
};

// One field each, or more that mean nothing without each other.
#define P2C2R_SIM_KIND(field)                                                    \
    {                                                                            \
#field, [](Options & to, const Options& from) { to.field = from.field; } \
    }
#define P2C2R_SIM_KIND_OF_TWO(name, field, other)    \
    {                                                \
        name, [](Options& to, const Options& from) { \
            to.field = from.field;                   \
            to.other = from.other;                   \
        }                                            \
    }

constexpr Kind kKinds[] = {
    P2C2R_SIM_KIND(forgers),
    P2C2R_SIM_KIND(coordinator_computes),
    P2C2R_SIM_KIND(gamers_compute),
    P2C2R_SIM_KIND(memory_max),
    P2C2R_SIM_KIND(send_limit),
    P2C2R_SIM_KIND(checksum),
    P2C2R_SIM_KIND(latency_us),
    P2C2R_SIM_KIND(jitter_us),
    P2C2R_SIM_KIND_OF_TWO("bursts", burst_chance, burst_us),
    P2C2R_SIM_KIND(bytes_per_us),
    P2C2R_SIM_KIND(window_bytes),
    P2C2R_SIM_KIND_OF_TWO("pieces", pieces_max, single_byte_chance),
    P2C2R_SIM_KIND(reset_when_unread),
    P2C2R_SIM_KIND(user_timeout_us),
    P2C2R_SIM_KIND(place_threshold),
    P2C2R_SIM_KIND(resets_per_minute),
    P2C2R_SIM_KIND(half_open_per_minute),
    P2C2R_SIM_KIND_OF_TWO("holes", holes_per_minute, holes_forever),
    P2C2R_SIM_KIND(partitions_per_minute),
    P2C2R_SIM_KIND(stalls_per_minute),
    P2C2R_SIM_KIND(clock_offset_us_max),
    P2C2R_SIM_KIND(clock_drift_ppm_max),
    P2C2R_SIM_KIND(late_us_max),
    P2C2R_SIM_KIND(slow_max),
    P2C2R_SIM_KIND_OF_TWO("speeds_told", speed_told_chance, speed_lie_chance),
    P2C2R_SIM_KIND_OF_TWO("job_stalls", stall_chance, stall_us_max),
    P2C2R_SIM_KIND(error_chance),
    P2C2R_SIM_KIND(params_error_chance),
    P2C2R_SIM_KIND(refuse_chance),
    P2C2R_SIM_KIND(ignore_cancel_chance),
    P2C2R_SIM_KIND(types_change_per_minute),
    P2C2R_SIM_KIND(peer_crashes_per_minute),
    P2C2R_SIM_KIND(peer_pauses_per_minute),
    P2C2R_SIM_KIND(peer_leaves_per_minute),
    P2C2R_SIM_KIND(new_name_chance),
    P2C2R_SIM_KIND(impatient_chance),
    P2C2R_SIM_KIND(gamer_crashes_per_minute),
    P2C2R_SIM_KIND(coordinator_crashes),
    P2C2R_SIM_KIND(silent_crash_chance),
    P2C2R_SIM_KIND(short_memory_chance),
    P2C2R_SIM_KIND(fault_points),
    P2C2R_SIM_KIND(owners),
    P2C2R_SIM_KIND(own_chance),
    P2C2R_SIM_KIND(public_chance),
    P2C2R_SIM_KIND(limited_chance),
    P2C2R_SIM_KIND(revocations_per_minute),
    P2C2R_SIM_KIND(moves_per_minute),
    P2C2R_SIM_KIND(content_chance),
    P2C2R_SIM_KIND_OF_TWO("residents", resident_chance, stage_chance),
    P2C2R_SIM_KIND(parts_chance),
    P2C2R_SIM_KIND(large_chance),
    P2C2R_SIM_KIND(medium_chance),
    P2C2R_SIM_KIND(depends_chance),
    P2C2R_SIM_KIND(script_depends_chance),
    P2C2R_SIM_KIND(cancel_chance),
    P2C2R_SIM_KIND(local_chance),
    P2C2R_SIM_KIND(by_worth_chance),
};

#undef P2C2R_SIM_KIND
#undef P2C2R_SIM_KIND_OF_TWO

// What is off: a world without faults.
Options plain() {
    Options options;
    options.memory_max = 512ull << 20;
    options.send_limit = net::kSendLimit;
    options.content_bytes_max = options.peer_content_bytes_max = 1 << 20;
    return options;
}

}  // namespace

std::vector<std::string> kinds_on(const Options& options) {
    const Options off = plain();
    const std::string before = describe(options);
    std::vector<std::string> on;
    for (const Kind& kind : kKinds) {
        Options without = options;
        kind.copy(without, off);
        if (describe(without) != before) on.emplace_back(kind.name);
    }
    return on;
}

bool switch_off(Options& options, std::string_view name) {
    const Options off = plain();
    for (const Kind& kind : kKinds) {
        if (name != kind.name) continue;
        kind.copy(options, off);
        return true;
    }
    return false;
}

}  // namespace p2c2r::sim
