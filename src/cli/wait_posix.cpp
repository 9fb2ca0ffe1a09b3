#include "cli/wait_posix.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace p2c2r::cli {

namespace {

// What a handler touches must be plain and global.
volatile sig_atomic_t signals_count = 0;
volatile sig_atomic_t signals_last = 0;
volatile sig_atomic_t reloads_count = 0;
int signal_pipe[2] = {-1, -1};
struct sigaction previous_interrupt, previous_terminate, previous_hangup;

void on_signal(int number) {
    const int saved = errno;
    signals_last = number;
    signals_count = signals_count + 1;
    const char byte = 0;
    [[maybe_unused]] const ssize_t ignored = write(signal_pipe[1], &byte, 1);
    errno = saved;
}

void on_reload(int) {
    const int saved = errno;
    reloads_count = reloads_count + 1;
    const char byte = 0;
    [[maybe_unused]] const ssize_t ignored = write(signal_pipe[1], &byte, 1);
    errno = saved;
}

void make_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        std::perror("p2c2r: cannot make a pipe");
        std::exit(1);  // out of descriptors before anything was started
    }
}

void drain(int descriptor) {
    char bytes[64];
    while (read(descriptor, bytes, sizeof bytes) > 0) {
    }
}

}  // namespace

StopSignals::StopSignals() {
    make_pipe(signal_pipe);
    signals_count = 0;
    signals_last = 0;
    struct sigaction action = {};
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, &previous_interrupt);
    sigaction(SIGTERM, &action, &previous_terminate);
}

void StopSignals::catch_reload() {
    if (catches_reload_) return;
    catches_reload_ = true;
    reloads_count = 0;
    struct sigaction action = {};
    action.sa_handler = on_reload;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(SIGHUP, &action, &previous_hangup);
}

int StopSignals::reloads() const {
    return reloads_count;
}

StopSignals::~StopSignals() {
    if (catches_reload_) sigaction(SIGHUP, &previous_hangup, nullptr);
    sigaction(SIGINT, &previous_interrupt, nullptr);
    sigaction(SIGTERM, &previous_terminate, nullptr);
    close(signal_pipe[0]);
    close(signal_pipe[1]);
    signals_count = 0;
}

bool StopSignals::asked_to_stop() {
    return signals_count > 0;
}

int StopSignals::count() const {
    return signals_count;
}
int StopSignals::last() const {
    return signals_last;
}
int StopSignals::descriptor() const {
    return signal_pipe[0];
}

void StopSignals::input_ready() {
    char bytes[64];
    const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return;
    watches_input_ = false;
    on_signal(SIGTERM);
}

Waker::Waker() {
    make_pipe(ends_);
}

Waker::~Waker() {
    close(ends_[0]);
    close(ends_[1]);
}

void Waker::wake() {
    if (woken_.exchange(true)) return;  // one byte is enough
    const char byte = 0;
    [[maybe_unused]] const ssize_t ignored = write(ends_[1], &byte, 1);
}

void Waker::wait(uint64_t timeout_us, StopSignals* signals) {
    if (signals && signals->count() != signals_seen_) {
        // It came since the last wait: news, however early.
        signals_seen_ = signals->count();
        return;
    }
    const bool watch_input = signals && signals->watches_input();
    pollfd watched[3] = {{ends_[0], POLLIN, 0},
                         {signals ? signals->descriptor() : -1, POLLIN, 0},
                         {watch_input ? STDIN_FILENO : -1, POLLIN, 0}};
    timespec limit;
    limit.tv_sec = static_cast<time_t>(timeout_us / 1'000'000);
    limit.tv_nsec = static_cast<long>(timeout_us % 1'000'000 * 1000);
    ppoll(watched, 3, timeout_us == UINT64_MAX ? nullptr : &limit, nullptr);
    if (watch_input && watched[2].revents != 0) signals->input_ready();
    if (signals) {
        if (watched[1].revents != 0) drain(signals->descriptor());
        signals_seen_ = signals->count();
    }
    // In this order: a wake() between the two finds the flag still set and writes nothing, and what
    // it announces is seen by the caller, who looks after this returns. The other way round its
    // byte would be drained while the flag stays set, and every later wake() would be silent.
    drain(ends_[0]);
    woken_.store(false);
}

bool error_is_terminal() {
    return isatty(STDERR_FILENO) == 1;
}

bool input_is_terminal() {
    return isatty(STDIN_FILENO) == 1;
}

}  // namespace p2c2r::cli
