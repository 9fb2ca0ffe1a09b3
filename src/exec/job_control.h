// What runners do to jobs and executors must not: make, start, end and recycle them.
#pragma once

#include <memory>

#include "exec/executor.h"

namespace p2c2r::exec {

class JobControl {
  public:
    static Job* make() { return new Job; }

    // From here on finish() counts. Before run(), and before anybody can tell the executor to
    // cancel.
    static void begin(Job& job) {
        job.phase_.store(Job::Phase::kRunning, std::memory_order_release);
    }
    // Calls run(). What an executor throws is an error of it: nothing passes.
    static Status run(Job& job, Executor& executor);
    // Settles how a run() ended that returned `returned`: that, or what finish() said before. Not
    // for kPending in a runner, whose jobs need to know whom finish() tells:
    static Status settle(Job& job, Status returned);
    // The same for kPending. finish() may come from another thread at once, and then tells `sink`,
    // which finds `entry` in the job. Until then the job keeps itself alive.
    static Status leave_pending(Job& job, std::shared_ptr<JobSink> sink, void* entry);
    static void* entry(const Job& job) { return job.runner_entry_; }
    // What an executor says is input: makes of a final status one that can be passed on, with an
    // error that says something, and with an output only if it is kOk. Sets job.output.status.
    static Status judge(Job& job, Status status) {
        if (status != Status::kOk || !job.output_set) return judge_failed(job, status);
        job.output.status = Status::kOk;
        job.output.field.clear();
        job.output.error.clear();
        return Status::kOk;
    }

    // Ends a job whose run() was never called: kCancelled or kDeadline.
    static Status not_started(Job& job, Status status);

    // True when nobody else refers to the job: it may be used again.
    static bool reset_if_unshared(Job& job);

  private:
    static Status judge_failed(Job& job, Status status);
};

}  // namespace p2c2r::exec
