// LoopDriver: who turns the loop, and how other threads get at what lives on it.
//
// In RUN_THREAD a thread of the library turns it until stop(). In RUN_MANUAL it is whoever calls
// turn(), and while nobody does, a thread that needs the loop takes its place. Role objects are
// touched in three places only: inside a turn, inside run(), and inside the intake that begins a
// turn; all three are "on the loop", one at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "bindings/c/function_ref.h"
#include "bindings/c/turn_lock.h"
#include "core/log.h"
#include "core/status.h"
#include "net/uv_loop.h"
#include "p2c2r/p2c2r.h"

namespace p2c2r::capi {

// Before the end of a wait a thread stops sleeping and spins, so that the wait ends when it was to:
// a sleep alone ends some 0.1 ms late, and one of the loop in RUN_MANUAL in whole milliseconds.
inline constexpr uint64_t kSpinUs = 500;

class LoopDriver {
  public:
    // `owner` holds the token of the thread that is on the loop, or NULL; others may look there
    // too. It MUST outlive the driver.
    static Result<std::unique_ptr<LoopDriver>> create(bool manual, std::atomic<const void*>& owner);
    ~LoopDriver();

    [[nodiscard]] net::UvLoop& loop() { return *loop_; }
    [[nodiscard]] bool is_manual() const { return manual_; }
    // True inside a turn or a run() on the calling thread.
    [[nodiscard]] bool is_on_loop() const noexcept;

    // `intake` runs on the loop first thing in a turn and says whether there was anything to do,
    // `settle` runs last thing, and after each run().
    void set_hooks(std::function<bool()> intake, std::function<void()> settle);
    // Inside the loop: `settle` shall run at the end of this turn (short of memory: of the next).
    void ask_settle() noexcept;
    // RUN_THREAD: the thread begins. `thread` (may be NULL) is called at both its ends.
    void start(p2c2r_thread_fn thread, void* user, const Log& log);
    void stop();

    // Runs `work` on the loop and returns when it has run. Any thread, not inside a lock that code
    // on the loop takes. What it throws comes back as its status. Nothing is allocated.
    Status run(FunctionRef<void()> work) noexcept;
    // Any thread: the loop looks at its intake soon, in a turn that runs or with the next one. What
    // the intake shall find MUST have been stored before (sequentially consistent).
    void wake() noexcept;
    // RUN_MANUAL, for a foreign loop.
    void backend(int32_t& fd, int32_t& timeout_ms);

    // RUN_MANUAL: one turn, waiting up to timeout_us for something to do. False: another thread
    // had the loop all that time.
    bool turn(uint64_t timeout_us);
    // RUN_MANUAL: what a role that has gone wrote last leaves. Never fails.
    void send_off() noexcept;

    // Waits until `ready` (asked with `lock` held) says true, turning the loop itself in
    // RUN_MANUAL; else `changed` MUST be notified when its answer may have become another. False at
    // deadline_us. `spins` false: it sleeps to the end where it can.
    bool wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
              uint64_t deadline_us, FunctionRef<bool()> ready, bool spins = true);

  private:
    struct Work {
        FunctionRef<void()> work;
        Status status = Status::kOk;
        bool done = false;
        Work* next = nullptr;
    };

    LoopDriver(bool manual, std::atomic<const void*>& owner) : manual_(manual), owner_(owner) {}
    void thread_main(p2c2r_thread_fn thread, void* user, const Log& log);
    bool begin_turn();
    void do_work() noexcept;
    void settle();
    void turn_held(uint64_t timeout_us);

    const bool manual_;
    std::unique_ptr<net::UvLoop> loop_;
    std::function<bool()> intake_;
    std::function<void()> settle_;
    net::Loop::TurnEnd turn_end_;
    TurnLock turns_;
    std::atomic<const void*>& owner_;
    std::atomic<bool> turning_{false};  // a turn runs, or a foreign loop waits in its place
    std::atomic<bool> foreign_{false};
    std::thread thread_;
    std::atomic<bool> stopping_{false};
    bool running_ = false;  // the thread, between start and stop

    std::atomic<bool> has_work_{false};
    std::mutex work_mutex_;  // guards the list and the `done` of what is on it
    std::condition_variable work_done_;
    Work* work_first_ = nullptr;
    Work** work_last_ = &work_first_;
};

}  // namespace p2c2r::capi
