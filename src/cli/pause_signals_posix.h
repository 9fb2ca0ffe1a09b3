// SIGUSR1 asks a helper to pause, SIGUSR2 ends that; the last one counts.
#pragma once

#include "cli/wait_posix.h"

namespace p2c2r::cli {

// From construction to destruction; one object at a time. A signal wakes `waker`, which MUST
// outlive it.
class PauseSignals {
  public:
    explicit PauseSignals(Waker& waker);
    ~PauseSignals();
    PauseSignals(const PauseSignals&) = delete;
    PauseSignals& operator=(const PauseSignals&) = delete;

    // True once for each change of what is wanted; `pause` is that.
    bool changed(bool& pause);

  private:
    bool told_ = false;
};

}  // namespace p2c2r::cli
