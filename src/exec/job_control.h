// What runners do to jobs and executors must not: make, start, end and recycle them.
#pragma once

#include <memory>

#include "exec/executor.h"

namespace p2c2r::exec {

class JobControl {
  public:
    static Job* make() { return new Job; }

    // Calls run() and settles how it ended: a final status, or kPending when finish() is still to
    // come. What an executor throws is an error of it: nothing passes.
    static Status run(Job& job, Executor& executor);

    static void set_sink(Job& job, std::shared_ptr<JobSink> sink) { job.sink_ = std::move(sink); }

    // True when nobody else refers to the job: it may be used again.
    static bool reset_if_unshared(Job& job);
};

}  // namespace p2c2r::exec
