// What the two daemons share: their log, and waiting until they are told to stop.
#pragma once

#include <memory>

#include "cli/log_writer.h"
#include "cli/settings.h"
#include "cli/wait_posix.h"

namespace p2c2r::cli {

Result<std::unique_ptr<LogWriter>> open_log(const Settings& settings);

// Options of both daemons that are no settings.
struct DaemonOptions {
    bool stop_with_input = false;
    void add_to(Command& command);
};

// How long a daemon that was told to stop waits for what it holds; a second signal ends the wait.
inline constexpr uint32_t kDrainMs = 5000;

// Calls `drain(ms)` in short steps until it says true, kDrainMs have passed, or another signal
// came.
template <class Drain>
bool drain_patiently(const StopSignals& signals, Drain drain) {
    constexpr uint32_t kStepMs = 100;
    const int signals_before = signals.count();
    for (uint32_t waited_ms = 0; waited_ms < kDrainMs; waited_ms += kStepMs) {
        if (drain(kStepMs)) return true;
        if (signals.count() != signals_before) return false;
    }
    return false;
}

}  // namespace p2c2r::cli
