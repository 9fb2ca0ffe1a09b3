// A peer whose one executor, `hold`, answers when and where it began and holds its slot for a time:
// what a bench needs to see where a task went and how fast. Holding is a timer, not work, so that a
// machine with two cores can play five.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/process_posix.h"

namespace p2c2r::cli {

struct HoldPeerOptions {
    std::optional<std::string> url;
    std::optional<std::string> peer_id;
    std::optional<std::string> token_file;
    std::optional<uint64_t> slots;
    std::optional<double> lag_ms;     // added one way, by the library
    std::optional<double> jitter_ms;  // up to so much more, evenly
    bool plaintext_anywhere = false;
    // Peers of a bench that are slow in turn: this is number `slow_place` of `slow_places`, and
    // what begins while it is its turn, of `slow_ms`, is held so many times as long.
    std::optional<double> slow_times;
    std::optional<uint64_t> slow_ms;
    std::optional<uint64_t> slow_place;
    std::optional<uint64_t> slow_places;

    void add_to(Command& command);
};

// Params {"hold_us"} and perhaps {"until_us"}; result {"peer_id", "started_us"}. Times are on
// p2c2r_now_us(), which all processes of a machine share. Runs until SIGTERM or the end of standard
// input, and then says how many tasks it has begun, and how many of these could not be over by
// their until_us any more: "started 120 late 0". The exit code.
int run_hold_peer(const HoldPeerOptions& options);

// The same as a process of its own, which ends with this one. It is not waited for.
Result<Process> start_hold_peer(const HoldPeerOptions& options);

}  // namespace p2c2r::cli
