#include "exec/worker_pool.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "core/slot_map.h"
#include "exec/job_control.h"
#include "exec/thread.h"

namespace p2c2r::exec {

// One job from start() to its report. Owned by the loop's slot map; workers and a pending job's
// finish() see it only while it is in their list.
struct WorkerPool::Entry {
    enum class State : uint8_t { kQueued, kRunning, kPending, kEnded };
    Job* job = nullptr;
    std::shared_ptr<Executor> executor;
    RunnerEvents* events = nullptr;  // NULL: nobody wants to hear of it
    uint64_t id = 0;
    uint64_t tag = 0;
    uint64_t started_us = 0;
    State state = State::kQueued;  // under Shared::mutex once queued
    Status status = Status::kPending;
};

// What loop, workers and finish() of pending jobs share.
struct WorkerPool::Shared final : JobSink, std::enable_shared_from_this<WorkerPool::Shared> {
    Shared(LoopWaker& loop_waker, WorkerPoolOptions pool_options)
        : waker(&loop_waker), options(std::move(pool_options)) {}

    bool on_finished(Job& job, Status status) override;
    // Takes the next job that may run now, or NULL. Under the lock.
    Entry* take();
    void run(Entry* entry, std::unique_lock<std::mutex>& lock);
    void ended(Entry* entry, Status status);
    void serve();

    std::mutex mutex;
    std::condition_variable work_came;
    std::condition_variable job_ended;
    std::deque<Entry*> queue;
    std::vector<Entry*> done;
    std::map<const Job*, Entry*> pending;  // left pending by run()
    // Runs at the same time by executor, for parallel_max and wait_idle.
    std::map<const Executor*, uint32_t> running;
    uint32_t busy = 0;
    bool closing = false;
    LoopWaker* waker;  // NULL once the pool is gone
    const WorkerPoolOptions options;
};

struct WorkerPool::Loop {
    SlotMap<std::unique_ptr<Entry>> entries;
    std::vector<Job*> spare_jobs;
    std::vector<Entry*> reporting;
    std::vector<std::unique_ptr<Thread>> threads;
    // The executor of the last type asked for, while the registry has not changed.
    std::string last_type;
    std::shared_ptr<Executor> last_executor;
    uint64_t last_revision = 0;
    bool closed = false;
};

namespace {

constexpr size_t kSpareJobsMax = 256;

}  // namespace

// ---- shared half -------------------------------------------------------------------------------

bool WorkerPool::Shared::on_finished(Job& job, Status status) {
    const std::lock_guard lock(mutex);
    const auto found = pending.find(&job);
    if (found == pending.end()) return false;
    Entry* entry = found->second;
    pending.erase(found);
    ended(entry, status);
    return true;
}

// Under the lock.
void WorkerPool::Shared::ended(Entry* entry, Status status) {
    entry->state = Entry::State::kEnded;
    entry->status = status;
    --busy;
    done.push_back(entry);
    job_ended.notify_all();
    if (waker) waker->wake_for_jobs();
}

WorkerPool::Entry* WorkerPool::Shared::take() {
    for (auto it = queue.begin(); it != queue.end(); ++it) {
        Entry* entry = *it;
        const uint32_t most = entry->executor->traits().parallel_max;
        if (most != 0 && running[entry->executor.get()] >= most) continue;
        queue.erase(it);
        return entry;
    }
    return nullptr;
}

void WorkerPool::Shared::run(Entry* entry, std::unique_lock<std::mutex>& lock) {
    Executor& executor = *entry->executor;
    Job& job = *entry->job;
    ++running[&executor];
    entry->state = Entry::State::kRunning;
    lock.unlock();
    Status status = Status::kOk;
    const uint64_t started = options.now_us();
    if (job.cancelled()) {
        status = job.fail(Status::kCancelled, {}, "cancelled before it was started");
    } else if (job.deadline_us != 0 && started >= job.deadline_us) {
        status = job.fail(Status::kDeadline, {}, "the deadline passed before it was started");
    } else {
        entry->started_us = started;
        // A pending job may be finished, and its entry be gone, before run() has even returned: it
        // is in the list of pending ones before it starts.
        JobControl::set_sink(job, shared_from_this());
        lock.lock();
        pending.emplace(&job, entry);
        lock.unlock();
        job.retain();
        status = JobControl::settle(job, JobControl::run(job, executor));
        lock.lock();
        if (status != Status::kPending) pending.erase(&job);
        lock.unlock();
        job.release();
    }
    lock.lock();
    if (--running[&executor] == 0) running.erase(&executor);
    if (status != Status::kPending) {
        ended(entry, status);
    } else {
        job_ended.notify_all();
    }
    work_came.notify_one();  // one more of this executor may run now
}

void WorkerPool::Shared::serve() {
    std::unique_lock lock(mutex);
    for (;;) {
        Entry* entry = nullptr;
        while (!closing && !(entry = take())) work_came.wait(lock);
        if (!entry) return;
        run(entry, lock);
    }
}

// ---- the pool ----------------------------------------------------------------------------------

WorkerPool::WorkerPool(Registry& registry, LoopWaker& waker, WorkerPoolOptions options)
    : shared_(std::make_shared<Shared>(waker, std::move(options))),
      registry_(registry),
      loop_(std::make_unique<Loop>()) {}

WorkerPool::~WorkerPool() {
    close();
    for (Job* job : loop_->spare_jobs) job->release();
}

Result<Done> WorkerPool::open() {
    const WorkerPoolOptions& options = shared_->options;
    if (options.threads == WorkerPoolOptions::kNoThreads) return Done{};
    const uint32_t count = options.threads != 0 ? options.threads : processors();
    for (uint32_t i = 0; i < count; ++i) {
        const std::string name = "p2c2r-work-" + std::to_string(i);
        auto thread =
            Thread::start({name, options.stack_size, options.niceness}, [shared = shared_, name] {
                const auto& hook = shared->options.thread_hook;
                if (hook) hook(name.c_str(), true);
                shared->serve();
                if (hook) hook(name.c_str(), false);
            });
        if (!thread.ok()) {
            close();
            return thread.error();
        }
        loop_->threads.push_back(std::move(*thread));
    }
    return Done{};
}

void WorkerPool::close() {
    if (loop_->closed) return;
    loop_->closed = true;
    std::vector<Entry*> stop;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->closing = true;
        shared_->waker = nullptr;
        loop_->entries.for_each([&](uint64_t, std::unique_ptr<Entry>& entry) {
            if (entry->state == Entry::State::kRunning || entry->state == Entry::State::kPending) {
                stop.push_back(entry.get());
                entry->job->retain();
            }
        });
    }
    for (Entry* entry : stop) {
        entry->job->request_cancel();
        entry->executor->cancel(*entry->job);
        entry->job->release();
    }
    shared_->work_came.notify_all();
    loop_->threads.clear();  // joins
    {
        // A thread that was lent may still be inside run().
        std::unique_lock lock(shared_->mutex);
        shared_->job_ended.wait(lock, [&] { return shared_->running.empty(); });
        shared_->pending.clear();
        shared_->queue.clear();
        shared_->done.clear();
        shared_->busy = 0;
    }
    loop_->entries.for_each([&](uint64_t id, std::unique_ptr<Entry>& entry) {
        if (entry->job) entry->job->release();
        entry.reset();
        loop_->entries.erase(id);
    });
}

WorkerPool::Entry* WorkerPool::new_entry(const JobSpec& spec, uint64_t tag, RunnerEvents& events,
                                         std::shared_ptr<Executor> executor) {
    const uint64_t id = loop_->entries.insert();
    if (id == 0) return nullptr;
    std::unique_ptr<Entry>& slot = *loop_->entries.find(id);
    if (!slot) slot = std::make_unique<Entry>();
    Entry& entry = *slot;
    if (loop_->spare_jobs.empty()) {
        entry.job = JobControl::make();
    } else {
        entry.job = loop_->spare_jobs.back();
        loop_->spare_jobs.pop_back();
    }
    entry.job->task_type.assign(spec.task_type);
    entry.job->params = spec.params;
    entry.job->data = spec.data;
    entry.job->deadline_us = spec.deadline_us;
    entry.executor = std::move(executor);
    entry.events = &events;
    entry.id = id;
    entry.tag = tag;
    entry.started_us = 0;
    entry.state = Entry::State::kQueued;
    entry.status = Status::kPending;
    return &entry;
}

void WorkerPool::recycle(Entry* entry) {
    Job* job = std::exchange(entry->job, nullptr);
    entry->executor.reset();
    if (loop_->spare_jobs.size() < kSpareJobsMax && JobControl::reset_if_unshared(*job)) {
        loop_->spare_jobs.push_back(job);
    } else {
        job->release();
    }
    loop_->entries.erase(entry->id);
}

uint64_t WorkerPool::start(const JobSpec& spec, uint64_t tag, RunnerEvents& events) {
    Loop& loop = *loop_;
    if (loop.closed) return 0;
    if (loop.last_type != spec.task_type || loop.last_revision != registry_.revision()) {
        loop.last_revision = registry_.revision();
        loop.last_type.assign(spec.task_type);
        loop.last_executor = registry_.find(spec.task_type);
    }
    if (!loop.last_executor) return 0;
    Entry* entry = new_entry(spec, tag, events, loop.last_executor);
    if (!entry) return 0;
    const uint64_t id = entry->id;
    if (!entry->executor->traits().on_loop) {
        {
            const std::lock_guard lock(shared_->mutex);
            if (shared_->queue.size() >= shared_->options.queue_max) {
                recycle(entry);
                return 0;
            }
            shared_->queue.push_back(entry);
            ++shared_->busy;
        }
        shared_->work_came.notify_one();
        return id;
    }
    // Short: here and now. Only when it is left pending does anybody else get to see it.
    Job& job = *entry->job;
    const uint64_t started = shared_->options.now_us();
    entry->started_us = started;
    entry->state = Entry::State::kRunning;
    JobControl::set_sink(job, shared_);
    Status status;
    if (spec.deadline_us != 0 && started >= spec.deadline_us) {
        status = job.fail(Status::kDeadline, {}, "the deadline passed before it was started");
    } else {
        status = JobControl::run(job, *entry->executor);
        if (status == Status::kPending) {
            // finish() may come from another thread as soon as this is settled, and waits for the
            // lock.
            const std::lock_guard lock(shared_->mutex);
            entry->state = Entry::State::kPending;
            shared_->pending.emplace(&job, entry);
            ++shared_->busy;
            status = JobControl::settle(job, status);
            if (status == Status::kPending) return id;
            shared_->pending.erase(&job);
            --shared_->busy;
        } else {
            status = JobControl::settle(job, status);
        }
    }
    job.output.status = status;
    job.output.processing_us = shared_->options.now_us() - started;
    Output output = std::move(job.output);
    RunnerEvents* listener = entry->events;
    recycle(entry);
    if (listener) listener->on_job_done(tag, std::move(output));
    return id;
}

void WorkerPool::drain() {
    Loop& loop = *loop_;
    {
        const std::lock_guard lock(shared_->mutex);
        loop.reporting.swap(shared_->done);
    }
    for (Entry* entry : loop.reporting) {
        Job& job = *entry->job;
        job.output.status = entry->status;
        if (entry->started_us != 0) {
            job.output.processing_us = shared_->options.now_us() - entry->started_us;
        }
        Output output = std::move(job.output);
        RunnerEvents* listener = entry->events;
        const uint64_t tag = entry->tag;
        recycle(entry);
        if (listener) listener->on_job_done(tag, std::move(output));
    }
    loop.reporting.clear();
}

void WorkerPool::cancel(uint64_t id) {
    std::unique_ptr<Entry>* found = loop_->entries.find(id);
    if (!found || !*found) return;
    Entry* entry = found->get();
    std::unique_lock lock(shared_->mutex);
    switch (entry->state) {
        case Entry::State::kQueued: {
            std::erase(shared_->queue, entry);
            entry->job->fail(Status::kCancelled, {}, "cancelled before it was started");
            shared_->ended(entry, Status::kCancelled);
            return;
        }
        case Entry::State::kRunning:
        case Entry::State::kPending: {
            entry->job->request_cancel();
            // The job may end while it is being told; the references keep both alive.
            Job* job = entry->job;
            job->retain();
            const std::shared_ptr<Executor> executor = entry->executor;
            lock.unlock();
            executor->cancel(*job);
            job->release();
            return;
        }
        case Entry::State::kEnded:
            return;
    }
}

void WorkerPool::forget(RunnerEvents& events) {
    if (loop_->closed) return;
    std::vector<uint64_t> ids;
    loop_->entries.for_each([&](uint64_t id, std::unique_ptr<Entry>& entry) {
        if (entry->events != &events) return;
        entry->events = nullptr;
        ids.push_back(id);
    });
    for (uint64_t id : ids) cancel(id);
}

bool WorkerPool::can_run(std::string_view task_type) const {
    return registry_.find(task_type) != nullptr;
}

std::vector<std::string> WorkerPool::task_types() const {
    return registry_.task_types();
}

uint64_t WorkerPool::revision() const {
    return registry_.revision();
}

uint32_t WorkerPool::parallel() const {
    const uint32_t threads = shared_->options.threads;
    if (threads == WorkerPoolOptions::kNoThreads) return 1;
    return threads != 0 ? threads : processors();
}

uint32_t WorkerPool::work(uint32_t jobs_max, uint64_t timeout_us) {
    std::unique_lock lock(shared_->mutex);
    uint32_t ran = 0;
    Entry* entry = nullptr;
    shared_->work_came.wait_for(lock, std::chrono::microseconds(timeout_us), [&] {
        return shared_->closing || (entry = shared_->take()) != nullptr;
    });
    while (entry) {
        shared_->run(entry, lock);
        ++ran;
        if (shared_->closing || (jobs_max != 0 && ran >= jobs_max)) break;
        entry = shared_->take();
    }
    return ran;
}

bool WorkerPool::wait_idle(std::string_view task_type, uint64_t timeout_us) {
    std::unique_lock lock(shared_->mutex);
    return shared_->job_ended.wait_for(lock, std::chrono::microseconds(timeout_us), [&] {
        const auto same_type = [&](const Entry* entry) {
            return entry->job->task_type == task_type;
        };
        if (std::any_of(shared_->queue.begin(), shared_->queue.end(), same_type)) return false;
        for (const auto& [job, entry] : shared_->pending) {
            if (job->task_type == task_type) return false;
        }
        return true;
    });
}

uint32_t WorkerPool::busy() const {
    const std::lock_guard lock(shared_->mutex);
    return shared_->busy;
}

}  // namespace p2c2r::exec
