#include "sim/options.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

#include "net/transport.h"
#include "sim/fault_points.h"

namespace p2c2r::sim {

namespace {

// Even over the logarithm: small values as often as large ones.
double log_even(Prng& prng, double low, double high) {
    return low * std::pow(high / low, prng.unit());
}

uint64_t log_even_us(Prng& prng, double low, double high) {
    return static_cast<uint64_t>(log_even(prng, low, high));
}

void draw_network(Options& options, Prng prng) {
    const auto on = [&prng] { return prng.chance(0.5); };
    if (on()) options.latency_us = log_even_us(prng, 50, 80'000);
    if (on()) options.jitter_us = log_even_us(prng, 50, 40'000);
    if (on()) {
        options.burst_chance = log_even(prng, 0.001, 0.02);
        options.burst_us = log_even_us(prng, 20'000, 800'000);
    }
    if (on()) options.bytes_per_us = log_even(prng, 0.2, 125);
    if (on()) options.window_bytes = log_even_us(prng, 4096, 256 * 1024);
    if (on()) {
        options.pieces_max = static_cast<uint32_t>(prng.between(2, 5));
        options.single_byte_chance = prng.chance(0.5) ? prng.unit() * 0.5 : 0;
    }
    options.reset_when_unread = on();
    if (on()) options.user_timeout_us = log_even_us(prng, 1'000'000, 8'000'000);
    options.place_threshold = on() ? 16 * 1024 : static_cast<uint64_t>(prng.between(16, 4096));
    if (on()) options.resets_per_minute = log_even(prng, 0.1, 2);
    if (on()) options.half_open_per_minute = log_even(prng, 0.1, 2);
    if (on()) {
        options.holes_per_minute = log_even(prng, 0.2, 6);
        options.holes_forever = static_cast<uint32_t>(prng.below(3));
    }
    if (on()) options.partitions_per_minute = log_even(prng, 0.5, 6);
    if (on()) options.stalls_per_minute = log_even(prng, 0.2, 4);
    // Half a world and a relay away: more than 2 s until a handshake is done.
    if (prng.chance(0.03)) options.latency_us += prng.between(300'000, 900'000);
}

void draw_nodes(Options& options, Prng prng) {
    const auto on = [&prng] { return prng.chance(0.5); };
    if (on()) options.clock_offset_us_max = 3'600'000'000;
    if (on()) options.clock_drift_ppm_max = 500;
    if (on()) options.late_us_max = static_cast<uint32_t>(prng.between(100, 20'000));
    if (on()) options.slow_max = log_even(prng, 1.5, 50);
    options.dwell_us_max = log_even_us(prng, 1'000, on() ? 40'000 : 1'000'000);
    if (on()) options.impatient_chance = 0.5;
    if (on()) {
        options.stall_chance = log_even(prng, 0.002, 0.05);
        options.stall_us_max = log_even_us(prng, 50'000, 8'000'000);
    }
    if (on()) options.error_chance = prng.unit() * 0.05;
    if (on()) options.params_error_chance = prng.unit() * 0.02;
    if (on()) options.refuse_chance = prng.unit() * 0.03;
    if (on()) options.ignore_cancel_chance = 0.2 + 0.8 * prng.unit();
    if (on()) options.types_change_per_minute = log_even(prng, 0.2, 4);
    if (on()) options.peer_crashes_per_minute = log_even(prng, 0.1, 3);
    if (on()) options.peer_pauses_per_minute = log_even(prng, 0.2, 6);
    if (on()) options.peer_leaves_per_minute = log_even(prng, 0.1, 3);
    if (on()) options.gamer_crashes_per_minute = log_even(prng, 0.1, 3);
    if (on()) options.coordinator_crashes = static_cast<uint32_t>(prng.between(1, 4));
    if (on()) options.silent_crash_chance = prng.unit();
    if (on()) options.forgers = static_cast<uint32_t>(prng.between(1, 2));
}

void draw_tasks(Options& options, Prng prng) {
    const auto on = [&prng] { return prng.chance(0.5); };
    options.tasks = static_cast<uint32_t>(prng.between(500, 2000));
    if (on()) options.large_chance = log_even(prng, 0.001, 0.01);
    if (on()) options.medium_chance = log_even(prng, 0.005, 0.05);
    if (on()) options.depends_chance = log_even(prng, 0.01, 0.2);
    if (on()) options.cancel_chance = log_even(prng, 0.01, 0.2);
    if (on()) options.local_chance = log_even(prng, 0.01, 0.2);
    options.deadline_us_min = log_even_us(prng, 5'000, 500'000);
    options.deadline_us_max = log_even_us(prng, 600'000, 5'000'000);
    if (on()) options.script_depends_chance = log_even(prng, 0.01, 0.3);
    // Some worlds are full of large inputs, which wait behind each other everywhere.
    if (prng.chance(0.1)) options.large_chance = log_even(prng, 0.02, 0.3);
    // In a few only: tasks that stay where they are try nothing else.
    if (prng.chance(0.2)) options.by_worth_chance = 0.2 + 0.8 * prng.unit();
}

// Stores are mostly too small for all contents of all gamers: what is there is evicted again.
void draw_contents(Options& options, Prng prng) {
    options.content_bytes_max = options.peer_content_bytes_max = 1 << 20;
    if (!prng.chance(0.5)) return;
    options.content_chance = log_even(prng, 0.02, 0.5);
    options.content_bytes_max = prng.chance(0.1) ? 0 : log_even_us(prng, 20'000, 2 << 20);
    options.peer_content_bytes_max = prng.chance(0.1) ? 0 : log_even_us(prng, 20'000, 2 << 20);
}

void draw_circles(Options& options, Prng prng) {
    const auto on = [&prng] { return prng.chance(0.5); };
    if (!on()) return;
    options.owners = static_cast<uint32_t>(prng.below(4));
    options.own_chance = log_even(prng, 0.02, 0.5);
    if (on()) options.public_chance = 0.01;
    if (on()) options.limited_chance = 0.1 + 0.5 * prng.unit();
    if (options.owners == 0) return;
    if (on()) options.revocations_per_minute = log_even(prng, 0.5, 8);
    if (on()) options.moves_per_minute = log_even(prng, 0.5, 8);
}

void draw_speeds(Options& options, Prng prng) {
    if (!prng.chance(0.5)) return;
    options.speed_told_chance = prng.unit();
    if (prng.chance(0.5)) options.speed_lie_chance = prng.unit();
}

void draw_parts(Options& options, Prng prng) {
    if (prng.chance(0.5)) options.parts_chance = log_even(prng, 0.01, 0.2);
}

void draw_residents(Options& options, Prng prng) {
    if (!prng.chance(0.5)) return;
    options.resident_chance = log_even(prng, 0.02, 0.3);
    options.stage_chance = log_even(prng, 0.05, 0.5);
}

void draw_code(Options& options, Prng prng) {
    const auto on = [&prng] { return prng.chance(0.5); };
    if (on()) options.new_name_chance = prng.unit();
    if (on()) options.short_memory_chance = log_even(prng, 0.001, 0.03);
    options.fault_points = draw_fault_points(prng);
}

void line(std::string& text, const char* pattern, ...) __attribute__((format(printf, 2, 3)));
void line(std::string& text, const char* pattern, ...) {
    char buffer[200];
    va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(buffer, sizeof buffer, pattern, arguments);
    va_end(arguments);
    text += "  ";
    text += buffer;
    text += '\n';
}

void describe_number(std::string& text, const char* name, double value, double off) {
    if (value != off) line(text, "%s %.6g", name, value);
}

}  // namespace

const char* gamer_kind_name(GamerKind kind) {
    static constexpr const char* kNames[] = {"steady", "flood",   "cancel_storm", "hasty",
                                             "repeat", "garbage", "vanish"};
    return kNames[static_cast<size_t>(kind)];
}

Options draw_options(uint64_t seed) {
    Prng prng(seed);
    Options options;
    options.seed = seed;
    options.chaos_us = static_cast<uint64_t>(prng.between(30'000'000, 60'000'000));
    // At least one gamer is a real client and at least one peer a real one: they judge the end.
    const int64_t gamers = prng.between(1, 5);
    for (int64_t i = 0; i < gamers; ++i) {
        const uint64_t kinds = i == 0 ? 4 : 7;
        options.gamers.push_back(static_cast<GamerKind>(prng.below(kinds)));
    }
    options.peers = static_cast<uint32_t>(prng.between(2, 12));
    options.coordinator_computes = prng.chance(0.5);
    options.gamers_compute = prng.chance(0.5);
    if (prng.chance(0.5)) options.task_timeout_us = log_even_us(prng, 300'000, 5'000'000);
    options.resume_grace_us = log_even_us(prng, 500'000, 10'000'000);
    options.memory_max = prng.chance(0.5) ? 512ull << 20 : log_even_us(prng, 1 << 20, 64 << 20);
    options.send_limit = prng.chance(0.5) ? net::kSendLimit : log_even_us(prng, 700'000, 16 << 20);
    options.heartbeat_us = prng.chance(0.5) ? 1'000'000 : log_even_us(prng, 200'000, 2'000'000);
    options.checksum = prng.chance(0.5);
    draw_network(options, prng.fork(1));
    draw_nodes(options, prng.fork(2));
    draw_tasks(options, prng.fork(3));
    draw_contents(options, prng.fork(5));
    draw_circles(options, prng.fork(4));
    draw_code(options, prng.fork(6));
    draw_speeds(options, prng.fork(7));
    draw_parts(options, prng.fork(8));
    draw_residents(options, prng.fork(9));
    options.forgers = std::min(options.forgers, options.peers - 1);
    return options;
}

std::string describe(const Options& options) {
    std::string text;
    line(text, "chaos %.1f s, %u tasks, %u peers, %u of them forgers",
         static_cast<double>(options.chaos_us) / 1e6, options.tasks, options.peers,
         options.forgers);
    std::string gamers;
    for (GamerKind kind : options.gamers) gamers += std::string(" ") + gamer_kind_name(kind);
    line(text, "gamers%s", gamers.c_str());
    line(text, "coordinator computes: %s, gamers compute: %s, checksums: %s",
         options.coordinator_computes ? "yes" : "no", options.gamers_compute ? "yes" : "no",
         options.checksum ? "yes" : "no");
    line(text, "task timeout %.3f s, resume grace %.3f s, heartbeat %.3f s",
         static_cast<double>(options.task_timeout_us) / 1e6,
         static_cast<double>(options.resume_grace_us) / 1e6,
         static_cast<double>(options.heartbeat_us) / 1e6);
    line(text, "memory_max %llu, send_limit %llu",
         static_cast<unsigned long long>(options.memory_max),
         static_cast<unsigned long long>(options.send_limit));
    const auto number = [&](const char* name, double value, double off) {
        describe_number(text, name, value, off);
    };
    const auto us = [](uint64_t value) { return static_cast<double>(value); };
    number("latency_us", us(options.latency_us), 0);
    number("jitter_us", us(options.jitter_us), 0);
    number("burst_chance", options.burst_chance, 0);
    number("burst_us", us(options.burst_us), 0);
    number("bytes_per_us", options.bytes_per_us, 125);
    number("window_bytes", us(options.window_bytes), 0);
    number("pieces_max", options.pieces_max, 1);
    number("single_byte_chance", options.single_byte_chance, 0);
    number("reset_when_unread", options.reset_when_unread, 0);
    number("user_timeout_us", us(options.user_timeout_us), 0);
    number("place_threshold", us(options.place_threshold), 16 * 1024);
    number("resets_per_minute", options.resets_per_minute, 0);
    number("half_open_per_minute", options.half_open_per_minute, 0);
    number("holes_per_minute", options.holes_per_minute, 0);
    number("holes_forever", options.holes_forever, 0);
    number("partitions_per_minute", options.partitions_per_minute, 0);
    number("stalls_per_minute", options.stalls_per_minute, 0);
    number("clock_offset_us_max", us(static_cast<uint64_t>(options.clock_offset_us_max)), 0);
    number("clock_drift_ppm_max", options.clock_drift_ppm_max, 0);
    number("late_us_max", options.late_us_max, 0);
    number("slow_max", options.slow_max, 1);
    number("speed_told_chance", options.speed_told_chance, 0);
    number("speed_lie_chance", options.speed_lie_chance, 0);
    number("dwell_us_max", us(options.dwell_us_max), 0);
    number("impatient_chance", options.impatient_chance, 0);
    number("stall_chance", options.stall_chance, 0);
    number("stall_us_max", us(options.stall_us_max), 0);
    number("error_chance", options.error_chance, 0);
    number("params_error_chance", options.params_error_chance, 0);
    number("refuse_chance", options.refuse_chance, 0);
    number("ignore_cancel_chance", options.ignore_cancel_chance, 0);
    number("types_change_per_minute", options.types_change_per_minute, 0);
    number("peer_crashes_per_minute", options.peer_crashes_per_minute, 0);
    number("peer_pauses_per_minute", options.peer_pauses_per_minute, 0);
    number("peer_leaves_per_minute", options.peer_leaves_per_minute, 0);
    number("gamer_crashes_per_minute", options.gamer_crashes_per_minute, 0);
    number("coordinator_crashes", options.coordinator_crashes, 0);
    number("silent_crash_chance", options.silent_crash_chance, 0);
    number("new_name_chance", options.new_name_chance, 0);
    number("short_memory_chance", options.short_memory_chance, 0);
    if (const std::string armed = describe_fault_points(options.fault_points); !armed.empty()) {
        text += "  fault points " + armed + "\n";
    }
    number("content_chance", options.content_chance, 0);
    number("content_bytes_max", us(options.content_bytes_max), 1 << 20);
    number("peer_content_bytes_max", us(options.peer_content_bytes_max), 1 << 20);
    number("resident_chance", options.resident_chance, 0);
    number("stage_chance", options.stage_chance, 0);
    number("parts_chance", options.parts_chance, 0);
    number("owners", options.owners, 0);
    number("own_chance", options.own_chance, 0);
    number("public_chance", options.public_chance, 0);
    number("limited_chance", options.limited_chance, 0);
    number("revocations_per_minute", options.revocations_per_minute, 0);
    number("moves_per_minute", options.moves_per_minute, 0);
    number("large_chance", options.large_chance, 0);
    number("medium_chance", options.medium_chance, 0);
    number("depends_chance", options.depends_chance, 0);
    number("script_depends_chance", options.script_depends_chance, 0);
    number("cancel_chance", options.cancel_chance, 0);
    number("local_chance", options.local_chance, 0);
    number("by_worth_chance", options.by_worth_chance, 0);
    number("deadline_us_min", us(options.deadline_us_min), 0);
    number("deadline_us_max", us(options.deadline_us_max), 0);
    return text;
}

}  // namespace p2c2r::sim
