// A peer whose one executor, `hold`, answers when and where it began and holds its slot for a time:
// what a bench needs to see where a task went and how fast. Holding is a timer, not work, so that a
// machine with two cores can play five.
#pragma once

#include <string>

#include "cli/failure.h"

namespace p2c2r::cli {

// Params {"hold_us"}; result {"peer_id", "started_us"}, the latter on p2c2r_now_us(), which all
// processes of a machine share. Runs until SIGTERM or the end of standard input; the exit code.
int run_hold_peer(const std::string& url, const std::string& peer_id, uint32_t slots);

}  // namespace p2c2r::cli
