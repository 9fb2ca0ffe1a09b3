// JobGate: where the jobs of one peer ask between slices whether they may go on. The owner of the
// machine closes it from any thread, and a duty cap closes it for a part of the time; then whoever
// asks waits, with nothing submitted and no processor used, until it opens or the job is cancelled.
//
// What counts as worked is the time in which at least one job of the gate was not waiting: one
// device, however many jobs share it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "exec/duty_budget.h"

namespace p2c2r::exec {

// Any thread.
class JobGate {
  public:
    // Who holds it closed; it is open when nobody does.
    static constexpr uint32_t kByHost = 1;    // the owner was said to be active
    static constexpr uint32_t kByPolicy = 2;  // what the owner allows
    static constexpr uint32_t kByPause = 4;   // the peer is paused

    // On the clock of the runner.
    explicit JobGate(std::function<uint64_t()> now_us);

    void close(uint32_t who);
    void open(uint32_t who);
    [[nodiscard]] bool closed() const { return (restricted_.load() & ~kDuty) != 0; }
    // At most so much of the time; 1000: all of it.
    void set_duty(uint32_t permille);

    // What the gate knows of one job; its fields are the gate's.
    struct Visit {
        uint32_t waiting = 0;  // threads of the job
    };
    // On the thread that runs the job, around all of its work.
    void enter();
    void leave();
    // Between slices, on whatever thread works for the job: waits while it has to. False: the job
    // was cancelled.
    bool pass(Visit& visit, const std::atomic<bool>& cancelled) {
        if (restricted_.load(std::memory_order_acquire) == 0) [[likely]] {
            return !cancelled.load(std::memory_order_acquire);
        }
        return pass_slowly(visit, cancelled);
    }
    // A job was cancelled: it may be waiting.
    void wake();

    struct Figures {
        uint64_t worked_us = 0;     // since the gate was made
        uint32_t jobs = 0;          // between enter() and leave()
        uint32_t jobs_waiting = 0;  // of these
        uint64_t last_wait_us = 0;  // when a thread last began to wait; 0: none has
    };
    [[nodiscard]] Figures figures();

  private:
    static constexpr uint32_t kDuty = 1u << 31;

    bool pass_slowly(Visit& visit, const std::atomic<bool>& cancelled);
    void account(uint64_t now, bool worked);

    const std::function<uint64_t()> now_us_;
    std::atomic<uint32_t> restricted_{0};  // who holds it closed, and kDuty
    std::mutex mutex_;                     // guards all below
    std::condition_variable changed_;
    DutyBudget budget_;
    uint64_t accounted_us_ = 0;  // up to here
    uint64_t worked_us_ = 0;
    uint64_t last_wait_us_ = 0;
    uint32_t jobs_ = 0;
    uint32_t jobs_waiting_ = 0;  // a job waits as soon as one of its threads does
};

}  // namespace p2c2r::exec
