#include "bindings/c/host_executor.h"

#include <algorithm>
#include <chrono>

#include "bindings/c/clock.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/process.h"
#include "bindings/c/turn_lock.h"

p2c2r_job::~p2c2r_job() {
    if (job) job->release();
    if (pool) pool->release();
}

namespace p2c2r::capi {

void retain_job(p2c2r_job* job) noexcept {
    job->references.fetch_add(1, std::memory_order_relaxed);
}

void release_job(p2c2r_job* job) noexcept {
    if (job->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    job->magic = 0;
    delete job;
}

// ---- running ----------------------------------------------------------------------------------

HostExecutor::HostExecutor(const p2c2r_executor_desc& desc, std::string task_type, Pool& pool,
                           HostExecutors& owner)
    : desc_(desc),
      task_type_(std::move(task_type)),
      traits_{(desc.flags & P2C2R_EXECUTOR_SHORT) != 0, (desc.flags & P2C2R_EXECUTOR_GPU) != 0,
              (desc.flags & P2C2R_EXECUTOR_EXACT) != 0, desc.parallel_max},
      pool_(pool),
      owner_(owner) {}

HostExecutor::~HostExecutor() {
    if (spare_) release_job(spare_);
}

p2c2r_job* HostExecutor::make_job(exec::Job& job) {
    p2c2r_job* mine = traits_.on_loop ? std::exchange(spare_, nullptr) : nullptr;
    if (!mine) {
        mine = new p2c2r_job;
        mine->epoch = process_epoch();
        pool_.retain();
        mine->pool = &pool_;
    }
    job.retain();
    mine->job = &job;
    mine->executor = shared_from_this();
    return mine;
}

p2c2r_status HostExecutor::call_run(p2c2r_job* job) noexcept {
    const HostScope scope;
    return desc_.run(desc_.user, job);
}

Status HostExecutor::run(exec::Job& job) {
    p2c2r_job* mine = make_job(job);
    return traits_.on_loop ? run_short(mine) : run_on_worker(mine);
}

// On the loop, so no cancel comes meanwhile; in no list until it is left PENDING.
Status HostExecutor::run_short(p2c2r_job* job) {
    short_runs_.fetch_add(1);
    Status status;
    p2c2r_status said = P2C2R_E_TASK_TYPE;
    retain_job(job);
    if (!stopped_.load()) said = call_run(job);
    auto phase = p2c2r_job::Phase::kRunning;
    bool in_progress = false;
    if (said != P2C2R_PENDING &&
        job->phase.compare_exchange_strong(phase, p2c2r_job::Phase::kEnded)) {
        status = seal(job, is_known_status(said) ? static_cast<Status>(said) : Status::kExecutor);
    } else {
        // PENDING, or finish() was called from inside run() and says how the job ends.
        status = Status::kPending;
        const std::lock_guard lock(mutex_);
        in_progress = job->phase.load() != p2c2r_job::Phase::kEnded;
        if (in_progress) link(job);
    }
    if (!in_progress) release_job(job);
    // Used again unless the host has kept it.
    if (job->references.load(std::memory_order_acquire) == 1 && !spare_) {
        job->job->release();
        job->job = nullptr;
        job->executor.reset();
        job->phase.store(p2c2r_job::Phase::kRunning);
        job->output_set = false;
        job->params_checked = false;
        job->params_json.reset();
        job->input = job->data = job->info = Bytes();
        job->field.clear();
        job->text.clear();
        spare_ = job;
    } else {
        release_job(job);
    }
    if (short_runs_.fetch_sub(1) == 1 && stopped_.load()) {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }
    return status;
}

Status HostExecutor::run_on_worker(p2c2r_job* job) {
    exec::Job& inner = *job->job;
    bool started = false;
    {
        const std::lock_guard lock(mutex_);
        // Whoever cancels either finds it in the list, or has said so before.
        if (!stopped_.load() && !inner.cancelled()) {
            link(job);
            job->inside = 1;
            retain_job(job);
            started = true;
        }
    }
    if (!started) {
        const Status status =
            inner.cancelled()
                ? inner.fail(Status::kCancelled, {}, "cancelled before it was started")
                : inner.fail(Status::kTaskType, "task_type",
                             "the executor of '" + task_type_ + "' is being removed");
        release_job(job);
        return status;
    }
    const p2c2r_status said = call_run(job);
    Status status = Status::kPending;
    auto phase = p2c2r_job::Phase::kRunning;
    // Where finish() came first, whatever run() returns, finish() says how the job ends.
    if (said != P2C2R_PENDING &&
        job->phase.compare_exchange_strong(phase, p2c2r_job::Phase::kFinishing)) {
        status = seal(job, is_known_status(said) ? static_cast<Status>(said) : Status::kExecutor);
        job->phase.store(p2c2r_job::Phase::kEnded);
    }
    over(job, true);
    release_job(job);
    return status;
}

Status HostExecutor::seal(p2c2r_job* job, Status status) noexcept try {
    exec::Job& inner = *job->job;
    if (status == Status::kOk && job->output_set) {
        inner.set_output(std::move(job->info), std::move(job->data));
        return Status::kOk;
    }
    job->info = job->data = Bytes();
    if (status == Status::kOk) {
        return inner.fail(Status::kExecutor, {},
                          "the executor of '" + task_type_ + "' said OK without an output");
    }
    std::string text = std::move(job->text);
    if (text.empty()) {
        text = "the executor of '" + task_type_ + "' failed: " + status_text(status);
    }
    return inner.fail(status, std::move(job->field), std::move(text));
} catch (const std::bad_alloc&) {
    return Status::kMemory;
}

// ---- finish and cancel ------------------------------------------------------------------------

Status HostExecutor::finish(p2c2r_job* job, Status status) {
    auto phase = p2c2r_job::Phase::kRunning;
    if (!job->phase.compare_exchange_strong(phase, p2c2r_job::Phase::kFinishing)) {
        return job->orphan.load() ? Status::kStale : Status::kState;
    }
    const bool orphan = job->orphan.load();
    const Status said = job->job->finish(seal(job, status));
    {
        const std::lock_guard lock(mutex_);
        job->phase.store(p2c2r_job::Phase::kEnded);
    }
    over(job, false);
    return orphan ? Status::kStale : said;
}

void HostExecutor::cancel(exec::Job& job) {
    const bool orphaned = owner_.is_orphaning();
    p2c2r_job* mine = nullptr;
    {
        const std::lock_guard lock(mutex_);
        for (mine = jobs_; mine && mine->job != &job; mine = mine->next) {
        }
        if (!mine || mine->phase.load() == p2c2r_job::Phase::kEnded) return;
        if (orphaned) mine->orphan.store(true);
        if (!desc_.cancel) return;
        ++mine->inside;
        retain_job(mine);
    }
    {
        const HostScope scope;
        desc_.cancel(desc_.user, mine);
    }
    over(mine, true);
    release_job(mine);
}

// ---- the list ---------------------------------------------------------------------------------

void HostExecutor::link(p2c2r_job* job) {
    job->next = jobs_;
    job->link = &jobs_;
    if (jobs_) jobs_->link = &job->next;
    jobs_ = job;
}

bool HostExecutor::unlink_if_over(p2c2r_job* job) {
    if (!job->link || job->inside > 0 || job->phase.load() != p2c2r_job::Phase::kEnded) {
        return false;
    }
    *job->link = job->next;
    if (job->next) job->next->link = job->link;
    job->next = nullptr;
    job->link = nullptr;
    return true;
}

void HostExecutor::over(p2c2r_job* job, bool was_inside) {
    bool unlinked;
    {
        const std::lock_guard lock(mutex_);
        if (was_inside) --job->inside;
        unlinked = unlink_if_over(job);
        changed_.notify_all();
    }
    if (unlinked) release_job(job);
}

void HostExecutor::stop() {
    stopped_.store(true);
}

bool HostExecutor::wait_gone(uint64_t deadline_us) {
    std::unique_lock lock(mutex_);
    while (jobs_ || short_runs_.load() > 0) {
        if (now_us() >= deadline_us) return false;
        changed_.wait_until(lock, wait_point(deadline_us));
    }
    return true;
}

void HostExecutor::destroy_host() {
    if (std::exchange(destroyed_, true) || !desc_.destroy) return;
    const HostScope scope;
    desc_.destroy(desc_.user);
}

void HostExecutor::orphan_all() {
    const std::lock_guard lock(mutex_);
    for (p2c2r_job* job = jobs_; job; job = job->next) job->orphan.store(true);
}

bool HostExecutor::wait_outside(uint64_t deadline_us) {
    std::unique_lock lock(mutex_);
    for (;;) {
        bool inside = false;
        for (p2c2r_job* job = jobs_; job; job = job->next) {
            inside = inside || (job->orphan.load() && job->inside > 0);
        }
        if (!inside) return true;
        if (now_us() >= deadline_us) return false;
        changed_.wait_until(lock, wait_point(deadline_us));
    }
}

// ---- all of a runtime -------------------------------------------------------------------------

Status HostExecutors::add(std::shared_ptr<HostExecutor> executor) {
    const std::lock_guard lock(mutex_);
    for (const auto& other : executors_) {
        if (other->task_type() == executor->task_type()) return Status::kExists;
    }
    executors_.push_back(std::move(executor));
    return Status::kOk;
}

std::shared_ptr<HostExecutor> HostExecutors::find(std::string_view task_type) {
    const std::lock_guard lock(mutex_);
    for (const auto& executor : executors_) {
        if (executor->task_type() == task_type) return executor;
    }
    return nullptr;
}

void HostExecutors::remove(const HostExecutor& executor) {
    const std::lock_guard lock(mutex_);
    std::erase_if(executors_, [&](const auto& other) { return other.get() == &executor; });
}

std::vector<std::shared_ptr<HostExecutor>> HostExecutors::list() {
    const std::lock_guard lock(mutex_);
    return executors_;
}

void HostExecutors::destroy_all() {
    std::vector<std::shared_ptr<HostExecutor>> all;
    {
        const std::lock_guard lock(mutex_);
        all.swap(executors_);
    }
    for (const auto& executor : all) {
        executor->stop();
        executor->orphan_all();
        executor->destroy_host();
    }
}

bool HostExecutors::wait_outside(uint64_t deadline_us,
                                 FunctionRef<void(const std::string&)> waiting) {
    // One by one, without a copy of the list: the end of a role needs no memory.
    size_t known = 0;
    for (size_t index = 0;; ++index) {
        std::shared_ptr<HostExecutor> executor;
        {
            const std::lock_guard lock(mutex_);
            if (executors_.size() != known) index = 0;  // they may have moved up
            known = executors_.size();
            if (index >= known) return true;
            executor = executors_[index];
        }
        for (;;) {
            const uint64_t slice = std::min(deadline_us, now_us() + 1'000'000);
            if (executor->wait_outside(slice)) break;
            if (now_us() >= deadline_us) return false;
            waiting(executor->task_type());
        }
    }
}

}  // namespace p2c2r::capi
