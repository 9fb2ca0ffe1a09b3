// Waiting for what comes first: a wake-up from a thread of the library, a signal to stop, or a
// time. Built on pipes and poll, since a signal handler may do nothing but write.
#pragma once

#include <atomic>
#include <cstdint>

namespace p2c2r::cli {

// From construction to destruction SIGINT and SIGTERM are counted instead of ending the process.
// One object at a time.
class StopSignals {
  public:
    StopSignals();
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    [[nodiscard]] int count() const;       // how many have come
    [[nodiscard]] int last() const;        // the number of the last one; 0: none
    [[nodiscard]] int descriptor() const;  // readable once one has come
    // Has one come to the object that there is? For what blocks far below the one who holds it.
    [[nodiscard]] static bool asked_to_stop();

    // From now on SIGHUP is counted apart, and asks for settings to be read again.
    void catch_reload();
    [[nodiscard]] int reloads() const;

    // From now on the end of standard input counts as SIGTERM: whoever started this process holds
    // the other end of a pipe, and when he is gone, however it happened, the process ends as well.
    void stop_with_input() { watches_input_ = true; }
    [[nodiscard]] bool watches_input() const { return watches_input_; }
    void input_ready();  // standard input is readable: was that its end?

  private:
    bool watches_input_ = false;
    bool catches_reload_ = false;
};

// wake() may be called from any thread and from functions that must not block.
class Waker {
  public:
    Waker();
    ~Waker();
    Waker(const Waker&) = delete;
    Waker& operator=(const Waker&) = delete;

    void wake();
    // Returns after a wake() since the last wait, when a signal has come (if `signals` is given and
    // it had not come before this wait; one to reload included), or after timeout_us (UINT64_MAX:
    // no limit).
    void wait(uint64_t timeout_us, StopSignals* signals);

  private:
    int ends_[2] = {-1, -1};
    std::atomic<bool> woken_{false};
    int signals_seen_ = 0;
};

// Is standard error a terminal? And standard input?
bool error_is_terminal();
bool input_is_terminal();

}  // namespace p2c2r::cli
