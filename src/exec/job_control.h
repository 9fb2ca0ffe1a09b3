// What runners do to jobs and executors must not: make, start, end and recycle them.
#pragma once

#include <memory>

#include "exec/executor.h"

namespace p2c2r::exec {

class JobControl {
  public:
    static Job* make() { return new Job; }

    // Calls run(). What an executor throws is an error of it: nothing passes.
    static Status run(Job& job, Executor& executor);
    // Settles how a run() ended: a final status, or kPending when finish() is still to come.
    // Whoever is told of that MUST know the job before: finish() may come from another thread at
    // once.
    static Status settle(Job& job, Status returned);

    static void set_sink(Job& job, std::shared_ptr<JobSink> sink) { job.sink_ = std::move(sink); }

    // True when nobody else refers to the job: it may be used again.
    static bool reset_if_unshared(Job& job);
};

}  // namespace p2c2r::exec
