#include "sim/named_scenarios.h"

#include <iterator>

#include "core/check.h"
#include "net/transport.h"

namespace p2c2r::sim {

namespace {

// A small cluster that nothing happens to.
Options calm(uint64_t seed, Prng& prng) {
    Options options;
    options.seed = seed;
    options.chaos_us = 20'000'000;
    options.gamers.assign(static_cast<size_t>(prng.between(2, 3)), GamerKind::kSteady);
    options.peers = static_cast<uint32_t>(prng.between(3, 6));
    options.tasks = 400;
    options.memory_max = 512ull << 20;
    options.send_limit = net::kSendLimit;
    options.content_bytes_max = options.peer_content_bytes_max = 1 << 20;
    return options;
}

}  // namespace

const NamedScenario kScenarios[] = {
    {"calm", "nothing happens: whatever has the time succeeds", [](Options&, Prng&) {}},
    {"silent_peers", "ways to and from peers and gamers are held without a word",
     [](Options& o, Prng& prng) {
         o.holes_per_minute = 6;
         o.holes_forever = static_cast<uint32_t>(prng.below(3));
     }},
    {"half_open", "connections that one side has lost, and resets",
     [](Options& o, Prng&) { o.half_open_per_minute = o.resets_per_minute = 2; }},
    {"partitions", "the world falls apart and comes together",
     [](Options& o, Prng&) { o.partitions_per_minute = 10; }},
    {"slow_line", "large inputs over slow ways with small windows and slow readers",
     [](Options& o, Prng&) {
         o.bytes_per_us = 0.5;
         o.window_bytes = 8192;
         o.large_chance = 0.05;
         o.medium_chance = 0.1;
         o.stalls_per_minute = 3;
         o.send_limit = 1 << 20;
     }},
    {"pieces", "every write is cut, down to single bytes",
     [](Options& o, Prng&) {
         o.pieces_max = 5;
         o.single_byte_chance = 0.5;
         o.latency_us = 2'000;
         o.jitter_us = 5'000;
     }},
    {"clocks", "clocks are an hour off and drift, timers are late",
     [](Options& o, Prng&) {
         o.clock_offset_us_max = 3'600'000'000;
         o.clock_drift_ppm_max = 500;
         o.late_us_max = 20'000;
     }},
    {"slow_peers", "peers are up to fifty times slower, and stall",
     [](Options& o, Prng&) {
         o.slow_max = 50;
         o.stall_chance = 0.05;
         o.stall_us_max = 3'000'000;
     }},
    {"churn", "peers crash, vanish, leave, pause and come back under another name",
     [](Options& o, Prng&) {
         o.peer_crashes_per_minute = o.peer_leaves_per_minute = 4;
         o.peer_pauses_per_minute = 4;
         o.silent_crash_chance = 0.5;
         o.new_name_chance = 0.5;
     }},
    {"coordinator_crashes", "the coordinator dies again and again",
     [](Options& o, Prng&) {
         o.coordinator_crashes = 4;
         o.silent_crash_chance = 0.3;
     }},
    {"flood", "one gamer floods the others, on machines that are lent by several owners",
     [](Options& o, Prng&) {
         o.gamers = {GamerKind::kSteady, GamerKind::kFlood, GamerKind::kSteady};
         o.tasks = 1500;
         o.owners = 2;
         o.own_chance = 0.05;
     }},
    {"cancel_storm", "most tasks are cancelled, and workers do not listen",
     [](Options& o, Prng&) {
         o.gamers.assign(2, GamerKind::kCancelStorm);
         o.ignore_cancel_chance = 0.5;
         o.tasks = 1000;
     }},
    {"parts", "most tasks are cut, and their parts are lost with peers and connections",
     [](Options& o, Prng&) {
         o.parts_chance = 0.7;
         o.content_chance = 0.2;
         o.medium_chance = 0.1;
         o.peer_crashes_per_minute = 2;
         o.resets_per_minute = 2;
         o.tasks = 500;
     }},
    {"residents", "chains of stages whose results stay, and peers that die between them",
     [](Options& o, Prng& prng) {
         o.resident_chance = 0.4;
         o.stage_chance = 0.6;
         o.medium_chance = 0.2;
         o.large_chance = 0.02;
         o.peer_crashes_per_minute = 3;
         o.gamer_crashes_per_minute = o.resets_per_minute = 1;
         o.owners = static_cast<uint32_t>(prng.below(3));
         o.tasks = 800;
     }},
    {"garbage", "gamers that send what they must not, repeat ids and vanish",
     [](Options& o, Prng&) {
         o.gamers = {GamerKind::kHasty, GamerKind::kGarbage, GamerKind::kRepeat,
                     GamerKind::kVanish};
         o.script_depends_chance = 0.2;
         o.large_chance = 0.02;
     }},
    {"forgers", "peers that forge results beside their own",
     [](Options& o, Prng&) { o.forgers = 2; }},
    {"owners", "circles, revocations and machines that move to another owner",
     [](Options& o, Prng&) {
         o.owners = 3;
         o.own_chance = 0.4;
         o.limited_chance = 0.4;
         o.revocations_per_minute = o.moves_per_minute = 6;
     }},
    {"short_memory", "allocations fail where messages are taken up",
     [](Options& o, Prng&) {
         o.short_memory_chance = 0.05;
         o.medium_chance = 0.05;
         o.content_chance = 0.2;
     }},
    {"fault_points", "every fault point is armed",
     [](Options& o, Prng&) {
         o.fault_points = UINT32_MAX;
         o.content_chance = 0.2;
         o.gamer_crashes_per_minute = 2;
     }},
};
const size_t kScenariosCount = std::size(kScenarios);

const NamedScenario* find_scenario(std::string_view name) {
    for (const NamedScenario& scenario : kScenarios) {
        if (name == scenario.name) return &scenario;
    }
    return nullptr;
}

Options scenario_options(std::string_view name, uint64_t seed) {
    const NamedScenario* const scenario = find_scenario(name);
    P2C2R_CHECK(scenario != nullptr);
    Prng prng(seed ^ 0x5CE'4A41);
    Options options = calm(seed, prng);
    scenario->set(options, prng);
    return options;
}

}  // namespace p2c2r::sim
