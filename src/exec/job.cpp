#include <exception>
#include <new>

#include "exec/job_control.h"

namespace p2c2r::exec {

Status Job::finish(Status status) {
    // The first finish() wins; its status is in place before the phase says so.
    int32_t unset = static_cast<int32_t>(Status::kPending);
    if (status == Status::kPending) status = Status::kExecutor;
    if (phase_.load(std::memory_order_acquire) == Phase::kEnded ||
        !finish_status_.compare_exchange_strong(unset, static_cast<int32_t>(status),
                                                std::memory_order_acq_rel)) {
        return Status::kState;
    }
    Phase phase = Phase::kRunning;
    if (phase_.compare_exchange_strong(phase, Phase::kFinished, std::memory_order_acq_rel)) {
        return Status::kOk;  // run() has not returned yet; its runner sees this then
    }
    if (phase != Phase::kPending ||
        !phase_.compare_exchange_strong(phase, Phase::kEnded, std::memory_order_acq_rel)) {
        return Status::kState;
    }
    // The sink is the runner's shared half: it says whether anybody still wants this.
    const std::shared_ptr<JobSink> sink = std::move(sink_);
    const bool wanted = sink->on_finished(*this, status);
    release();  // see leave_pending()
    return wanted ? Status::kOk : Status::kStale;
}

Status JobControl::run(Job& job, Executor& executor) {
    try {
        return executor.run(job);
    } catch (const std::bad_alloc&) {
        job.output.error.clear();
        return Status::kMemory;
    } catch (const std::exception& error) {
        try {
            return job.fail(Status::kExecutor, {},
                            "the executor of '" + job.task_type + "' threw: " + error.what());
        } catch (const std::bad_alloc&) {
            return Status::kMemory;
        }
    } catch (...) {
        job.output.error.clear();
        return Status::kExecutor;
    }
}

Status JobControl::settle(Job& job, Status returned) {
    const auto next = returned == Status::kPending ? Job::Phase::kPending : Job::Phase::kEnded;
    Job::Phase phase = Job::Phase::kRunning;
    if (job.phase_.compare_exchange_strong(phase, next, std::memory_order_acq_rel)) {
        return returned;
    }
    // finish() came first, and says how the job ends.
    job.phase_.store(Job::Phase::kEnded, std::memory_order_release);
    return static_cast<Status>(job.finish_status_.load(std::memory_order_relaxed));
}

Status JobControl::leave_pending(Job& job, std::shared_ptr<JobSink> sink, void* entry) {
    job.sink_ = std::move(sink);
    job.runner_entry_ = entry;
    // A pending job lives until finish() has returned, also when its runner is gone by then.
    job.retain();
    const Status status = settle(job, Status::kPending);
    if (status != Status::kPending) job.release();
    return status;
}

Status JobControl::judge_failed(Job& job, Status status) {
    Output& output = job.output;
    const bool known = is_known_status(static_cast<int32_t>(status)) && status != Status::kPending;
    output.info = output.data = Bytes();
    try {
        const std::string executor = "the executor of '" + job.task_type + "' ";
        if (status == Status::kOk) {
            output.error = executor + "said OK without an output";
        } else if (!known) {
            output.error = executor + "returned the unknown status " +
                           std::to_string(static_cast<int32_t>(status));
        } else if (output.error.empty()) {
            output.error = executor + "failed: " + status_text(status);
        }
    } catch (const std::bad_alloc&) {
        output.error.clear();  // the status says enough
    }
    if (output.error.size() > limits::kTextLengthMax) output.error.resize(limits::kTextLengthMax);
    output.status = known && status != Status::kOk ? status : Status::kExecutor;
    return output.status;
}

Status JobControl::not_started(Job& job, Status status) {
    job.output.status = status;
    try {
        job.output.error = status == Status::kCancelled ? "cancelled before it was started"
                                                        : "its turn came too late for its deadline";
    } catch (const std::bad_alloc&) {
        job.output.error.clear();  // the status says enough
    }
    job.phase_.store(Job::Phase::kEnded, std::memory_order_release);
    return status;
}

bool JobControl::reset_if_unshared(Job& job) {
    if (job.references_.load(std::memory_order_acquire) != 1) return false;
    job.params = Bytes();
    job.data = Bytes();
    if (job.gate) job.gate.reset();
    // Field by field: strings keep their memory.
    Output& output = job.output;
    output.status = Status::kExecutor;
    output.field.clear();
    output.error.clear();
    output.info = Bytes();
    output.data = Bytes();
    output.processing_us = output.memory_peak = 0;
    job.output_set = false;
    job.cancelled_.store(false, std::memory_order_relaxed);
    job.phase_.store(Job::Phase::kQueued, std::memory_order_relaxed);
    job.finish_status_.store(static_cast<int32_t>(Status::kPending), std::memory_order_relaxed);
    job.sink_.reset();
    job.runner_entry_ = nullptr;
    return true;
}

}  // namespace p2c2r::exec
