#include <exception>
#include <new>

#include "exec/job_control.h"

namespace p2c2r::exec {

Status Job::finish(Status status) {
    // The first finish() wins; its status is in place before the phase says so.
    int32_t unset = static_cast<int32_t>(Status::kPending);
    if (!finish_status_.compare_exchange_strong(unset, static_cast<int32_t>(status),
                                                std::memory_order_acq_rel)) {
        return Status::kState;
    }
    Phase phase = Phase::kRunning;
    if (phase_.compare_exchange_strong(phase, Phase::kFinished, std::memory_order_acq_rel)) {
        return Status::kOk;  // run() is about to return kPending; its runner sees this then
    }
    if (phase != Phase::kPending ||
        !phase_.compare_exchange_strong(phase, Phase::kEnded, std::memory_order_acq_rel)) {
        return Status::kState;
    }
    // The sink is the runner's shared half: it says whether anybody still wants this.
    const std::shared_ptr<JobSink> sink = sink_;
    return sink && sink->on_finished(*this, status) ? Status::kOk : Status::kStale;
}

Status JobControl::run(Job& job, Executor& executor) {
    job.phase_.store(Job::Phase::kRunning, std::memory_order_release);
    Status status;
    try {
        status = executor.run(job);
    } catch (const std::bad_alloc&) {
        status = Status::kMemory;
        job.output.error.clear();
    } catch (const std::exception& error) {
        status = job.fail(Status::kExecutor, {}, error.what());
    } catch (...) {
        status = job.fail(Status::kExecutor, {}, "the executor threw something unknown");
    }
    return status;
}

Status JobControl::settle(Job& job, Status status) {
    if (status == Status::kPending) {
        Job::Phase phase = Job::Phase::kRunning;
        if (job.phase_.compare_exchange_strong(phase, Job::Phase::kPending,
                                               std::memory_order_acq_rel)) {
            return Status::kPending;
        }
        status = static_cast<Status>(job.finish_status_.load(std::memory_order_relaxed));
    }
    job.phase_.store(Job::Phase::kEnded, std::memory_order_release);
    return status;
}

bool JobControl::reset_if_unshared(Job& job) {
    if (job.references_.load(std::memory_order_acquire) != 1) return false;
    job.params = job.data = Bytes();
    job.output = Output{};
    job.output_set = false;
    job.cancelled_.store(false, std::memory_order_relaxed);
    job.phase_.store(Job::Phase::kQueued, std::memory_order_relaxed);
    job.finish_status_.store(static_cast<int32_t>(Status::kPending), std::memory_order_relaxed);
    job.sink_.reset();
    return true;
}

}  // namespace p2c2r::exec
