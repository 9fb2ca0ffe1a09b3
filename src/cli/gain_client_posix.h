// The gamer's process of `bench gain`: the same frames computed here and sent away, each for a
// while, as fast as they go.
#pragma once

#include <optional>
#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

struct GainClientOptions {
    std::optional<double> lag_ms;  // one way, added by the library; 0: the link has it
    std::optional<double> seconds;
    std::optional<uint64_t> window;
    std::optional<std::string> type;  // this one alone
    bool small = false;
};

// Prints "ready" when connected and all frames are made, waits for the end of its input (it may be
// put under a limit before), then prints a line of JSON for each frame.
int run_gain_client(const GainClientOptions& options);

}  // namespace p2c2r::cli
