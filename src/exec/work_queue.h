// The half of the worker pool that threads share: what waits, what runs, what has ended.
//
// One lock guards it all and is held for a few pointers: entries are in doubly linked lists of
// their own, so nothing is allocated. A type that may run only so many times at once has a lane
// with a list of its own; what is beyond its limit waits there and not in the way of others.
//
// An entry is in one list at a time: its lane's (waiting), ready, ended, or none (running,
// pending). Only the loop thread makes and recycles entries. Between start and end only the lock's
// holder touches them, the job itself only who runs or finishes it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "exec/executor.h"
#include "exec/worker_pool.h"

namespace p2c2r::exec {

struct WorkLane;
class WorkList;

// One job from start() to its report.
struct WorkEntry {
    enum class State : uint8_t { kQueued, kRunning, kPending, kEnded };
    Job* job = nullptr;
    WorkLane* lane = nullptr;
    RunnerEvents* events = nullptr;  // NULL: forgotten
    uint64_t id = 0;
    uint64_t tag = 0;
    uint64_t start_by_us = 0;  // 0: whenever
    uint64_t started_us = 0;   // 0: run() was never called
    uint64_t ended_us = 0;
    State state = State::kQueued;
    bool to_cancel = false;  // loop only: forgotten, and its executor is not told yet

    WorkList* list = nullptr;
    WorkEntry* previous = nullptr;
    WorkEntry* next = nullptr;
};

// First in, first out; any entry can leave.
class WorkList {
  public:
    [[nodiscard]] bool empty() const { return !first_; }
    void push(WorkEntry* entry);
    WorkEntry* pop();  // NULL when empty
    void remove(WorkEntry* entry);
    // Takes over all entries of `other`, behind those here.
    void append(WorkList& other);
    void clear();  // the entries are not touched but for their places

  private:
    WorkEntry* first_ = nullptr;
    WorkEntry* last_ = nullptr;
};

// One executor under one task type.
struct WorkLane {
    std::string task_type;
    std::shared_ptr<Executor> executor;
    Executor::Traits traits;

    WorkList waiting;
    uint32_t occupied = 0;  // ready or inside run(), where parallel_max counts
    uint32_t active = 0;    // not ended
    uint32_t entries = 0;   // not recycled; of the loop thread alone
    bool current = true;    // the registry's executor of its type; of the loop thread alone
};

class WorkQueue final : public JobSink, public std::enable_shared_from_this<WorkQueue> {
  public:
    WorkQueue(LoopWaker& waker, WorkerPoolOptions options);

    // ---- loop thread
    // The lane of an executor, made at its first use.
    WorkLane& lane_of(std::string_view task_type, const std::shared_ptr<Executor>& executor);
    // The registry has changed: lanes count as outdated until they are asked for again.
    void outdate_lanes();
    void drop_outdated_lanes();  // those that are empty
    // False: too many wait.
    bool add(WorkEntry* entry);
    // For what run() left pending on the loop thread. kPending, or how it ended meanwhile.
    Status leave_pending(WorkEntry* entry);
    // Everything that has ended since the last time goes behind `out`.
    void take_ended(WorkList& out);
    // Ends what waits, as kCancelled. Running or pending: the caller tells the executor.
    [[nodiscard]] WorkEntry::State cancel(WorkEntry* entry);
    void forget(WorkEntry* entry);

    // ---- closing, in this order
    void refuse();         // no run() begins any more; what is pending is an orphan
    void wait_for_runs();  // until the last run() has returned
    void detach();         // all lists are empty, nobody is woken any more

    // ---- workers
    void serve();  // until refuse()
    uint32_t work(uint32_t jobs_max, uint64_t timeout_us);

    // ---- any thread
    bool wait_idle(std::string_view task_type, uint64_t timeout_us);
    [[nodiscard]] uint32_t busy() const;
    [[nodiscard]] const WorkerPoolOptions& options() const { return options_; }
    bool on_finished(Job& job, Status status) override;

  private:
    WorkEntry* take();
    void run(WorkEntry* entry, std::unique_lock<std::mutex>& lock);
    void leave_lane(WorkLane& lane);
    void end(WorkEntry* entry);

    const WorkerPoolOptions options_;
    mutable std::mutex mutex_;  // guards all below and what the entries say about their state
    std::condition_variable work_came_;
    std::condition_variable work_went_;
    std::vector<std::unique_ptr<WorkLane>> lanes_;
    WorkList ready_;
    WorkList ended_;
    LoopWaker* waker_;      // NULL once detached
    uint32_t waiting_ = 0;  // in ready_ and lanes
    uint32_t runs_ = 0;     // run() calls under way, on workers
    uint32_t busy_ = 0;     // not ended
    bool refusing_ = false;
};

}  // namespace p2c2r::exec
