// WorkerPool: the Runner with threads of our own. The loop thread starts jobs; workers run them;
// what has ended waits in a list until the loop thread calls drain(). Executors that say they are
// short run inside start(), on the loop thread, without a lock or an allocation once warm.
//
// A job ends once: by run() or finish(), by its deadline before run() began, or by cancel() before
// that. What executors say is judged (see Executor::run), so whoever reads an output can rely on
// it. A job that its role has forgotten still runs to its end and is then dropped in silence.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exec/executor.h"

namespace p2c2r::exec {

// Told from any thread that drain() has something to report; once until the next drain(). Called
// with a lock held: must be quick and not call back.
class LoopWaker {
  public:
    virtual void wake_for_jobs() = 0;

  protected:
    ~LoopWaker() = default;
};

struct WorkerPoolOptions {
    static constexpr uint32_t kNoThreads = 0xFFFFFFFF;
    uint32_t threads = 0;        // 0: one a processor; kNoThreads: only work()
    size_t stack_size = 0;       // 0: the system's
    int niceness = 5;            // so that a busy helper does not look dead
    uint32_t queue_max = 65536;  // jobs waiting; more are refused
    // At both ends of each worker thread, on that thread.
    std::function<void(const char* name, bool starts)> thread_hook;
    std::function<uint64_t()> now_us;  // the loop's clock, from any thread
};

// How many threads WorkerPoolOptions::threads stands for; with kNoThreads the one that calls
// work().
uint32_t threads_meant(uint32_t threads);

class WorkQueue;
struct WorkEntry;
struct WorkLane;

class WorkerPool final : public Runner {
  public:
    // All must outlive it.
    WorkerPool(Registry& registry, LoopWaker& waker, WorkerPoolOptions options);
    ~WorkerPool() override;  // close()

    // Starts the threads.
    Result<Done> open();
    // Refuses new jobs, asks running ones to stop, waits for their run() to return (never for a
    // pending one), joins the threads. Nothing is reported afterwards, and finish() of a job that
    // is still pending says kStale. Not from inside a run().
    void close();

    uint64_t start(const JobSpec& spec, uint64_t tag, RunnerEvents& events) override;
    void cancel(uint64_t job) override;
    // What still waits for finish() is an orphan from here on: finish() says kStale.
    void forget(RunnerEvents& events) override;
    [[nodiscard]] bool can_run(std::string_view task_type) const override;
    [[nodiscard]] std::vector<std::string> task_types() const override;
    [[nodiscard]] uint64_t revision() const override;
    [[nodiscard]] uint32_t parallel() const override;

    // Loop thread: reports what has ended. on_job_done() may call all of this but the destructor.
    void drain();
    // Lends the calling thread to at most jobs_max jobs (0: no limit), waiting up to timeout_us for
    // the first. The number of jobs that ran. Any thread but the loop's.
    uint32_t work(uint32_t jobs_max, uint64_t timeout_us);
    // Waits until all jobs of this type have ended; false when timeout_us has passed. Any thread
    // but the loop's.
    bool wait_idle(std::string_view task_type, uint64_t timeout_us);
    // Jobs that have not ended; any thread.
    [[nodiscard]] uint32_t busy() const;

  private:
    struct Loop;

    WorkLane* find_lane(std::string_view task_type);
    WorkLane* look_for_lane(std::string_view task_type);
    WorkEntry* make_entry(const JobSpec& spec, WorkLane& lane, uint64_t tag, RunnerEvents& events);
    Job* new_job(const JobSpec& spec, const WorkLane& lane);
    uint64_t run_short(WorkEntry* entry);
    uint64_t run_at_once(const JobSpec& spec, const WorkLane& lane, uint64_t tag,
                         RunnerEvents& events);
    void report(WorkEntry* entry);
    void recycle(WorkEntry* entry);
    void recycle_job(Job* job);
    void tell_executor(WorkEntry* entry);

    Registry& registry_;
    std::shared_ptr<WorkQueue> queue_;
    std::unique_ptr<Loop> loop_;  // what only the loop thread touches
};

}  // namespace p2c2r::exec
