#include "bindings/c/local_run.h"

#include "bindings/c/clock.h"

#include <algorithm>

namespace p2c2r::capi {

Result<std::vector<exec::Output>> LocalRun::run(const std::vector<exec::JobSpec>& specs,
                                                uint64_t deadline_us) {
    outputs_.resize(specs.size());
    // What was cancelled before it began is told apart from what failed.
    for (exec::Output& output : outputs_) output.status = Status::kCancelled;
    left_ = specs.size();
    bool refused = false;
    const Status status = state_.driver().run([&] {
        for (size_t i = 0; i < specs.size() && !refused; ++i) {
            refused = state_.workers().start(specs[i], i, *this) == 0;
        }
    });
    if (status != Status::kOk) return make_error(status, status_text(status));
    if (refused || !wait(deadline_us)) forget();
    if (refused) return make_error(Status::kBusy, "this machine could not start the task");
    // They may have ended just before they were forgotten.
    const std::lock_guard lock(mutex_);
    if (left_ > 0 && !failed_) {
        return make_error(Status::kTimeout, "the task did not end in time");
    }
    return std::move(outputs_);
}

LocalRun::~LocalRun() {
    {
        const std::lock_guard lock(mutex_);
        if (left_ == 0) return;
    }
    forget();
}

// True: all have ended. False: some may still report.
bool LocalRun::wait(uint64_t deadline_us) {
    for (;;) {
        // Without worker threads this thread is the one that computes.
        if (!state_.has_worker_threads()) (void)state_.workers().work(0, 0);
        const uint64_t until =
            state_.has_worker_threads() ? deadline_us : std::min(deadline_us, now_us() + 1'000);
        std::unique_lock lock(mutex_);
        const auto over = [&] { return left_ == 0 || failed_; };
        if (state_.driver().wait(lock, changed_, until, over)) return left_ == 0;
        if (now_us() >= deadline_us) return false;
    }
}

void LocalRun::on_job_done(uint64_t tag, exec::Output&& output) {
    const std::lock_guard lock(mutex_);
    failed_ = failed_ || output.status != Status::kOk;
    outputs_[tag] = std::move(output);
    --left_;
    changed_.notify_all();
}

}  // namespace p2c2r::capi
