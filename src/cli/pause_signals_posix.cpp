#include "cli/pause_signals_posix.h"

#include <signal.h>

#include <cerrno>

namespace p2c2r::cli {

namespace {

// What a handler touches must be plain and global.
volatile sig_atomic_t pause_is_wanted = 0;
Waker* woken = nullptr;
struct sigaction previous[2];

void on_signal(int number) {
    const int saved = errno;
    pause_is_wanted = number == SIGUSR1 ? 1 : 0;
    woken->wake();  // an atomic flag and a byte into a pipe
    errno = saved;
}

}  // namespace

PauseSignals::PauseSignals(Waker& waker) {
    woken = &waker;
    pause_is_wanted = 0;
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, &previous[0]);
    sigaction(SIGUSR2, &action, &previous[1]);
}

PauseSignals::~PauseSignals() {
    sigaction(SIGUSR1, &previous[0], nullptr);
    sigaction(SIGUSR2, &previous[1], nullptr);
}

bool PauseSignals::changed(bool& pause) {
    pause = pause_is_wanted != 0;
    if (pause == told_) return false;
    told_ = pause;
    return true;
}

}  // namespace p2c2r::cli
