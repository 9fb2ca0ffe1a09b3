// The loop thread's half of the pool: jobs from start() to their report. See work_queue.h for the
// half that threads share.
#include "exec/worker_pool.h"

#include <map>
#include <new>

#include "core/slot_map.h"
#include "exec/job_control.h"
#include "exec/thread.h"
#include "exec/work_queue.h"

namespace p2c2r::exec {

namespace {

constexpr size_t kSpareJobsMax = 256;
constexpr uint64_t kAtOnce = UINT64_MAX;  // the id of jobs that have ended: no entry has it

}  // namespace

struct WorkerPool::Loop {
    SlotMap<WorkEntry> entries;
    std::vector<Job*> spare_jobs;
    WorkList reporting;
    std::vector<std::unique_ptr<Thread>> threads;
    // Lanes by type, while the registry has not changed; the last one asked for in front.
    std::map<std::string, WorkLane*, std::less<>> lanes;
    std::string last_type;
    WorkLane* last_lane = nullptr;
    uint64_t revision = 0;
    bool closed = false;
};

WorkerPool::WorkerPool(Registry& registry, LoopWaker& waker, WorkerPoolOptions options)
    : registry_(registry),
      queue_(std::make_shared<WorkQueue>(waker, std::move(options))),
      loop_(std::make_unique<Loop>()) {
    loop_->spare_jobs.reserve(kSpareJobsMax);  // now: letting a job go needs no memory
}

WorkerPool::~WorkerPool() {
    close();
    for (Job* job : loop_->spare_jobs) job->release();
}

// ---- opening and closing ------------------------------------------------------------------------

Result<Done> WorkerPool::open() {
    const WorkerPoolOptions& options = queue_->options();
    if (options.threads == WorkerPoolOptions::kNoThreads) return Done{};
    // A thread that runs and is not listed would be joined before it is told to end.
    loop_->threads.reserve(parallel());
    for (uint32_t i = 0; i < parallel(); ++i) {
        const std::string name = "p2c2r-work-" + std::to_string(i);
        auto thread =
            Thread::start({name, options.stack_size, options.niceness}, [queue = queue_, name] {
                const auto& hook = queue->options().thread_hook;
                if (hook) hook(name.c_str(), true);
                queue->serve();
                if (hook) hook(name.c_str(), false);
            });
        if (!thread) {
            close();
            return thread.error();
        }
        loop_->threads.push_back(std::move(*thread));
    }
    return Done{};
}

void WorkerPool::close() {
    Loop& loop = *loop_;
    if (loop.closed) return;
    loop.closed = true;
    queue_->refuse();
    loop.entries.for_each([this](uint64_t, WorkEntry& entry) {
        queue_->forget(&entry);
        const WorkEntry::State state = queue_->cancel(&entry);
        if (state == WorkEntry::State::kRunning || state == WorkEntry::State::kPending) {
            tell_executor(&entry);
        }
    });
    loop.threads.clear();     // joins
    queue_->wait_for_runs();  // on threads that were lent
    loop.reporting.clear();
    queue_->detach();
    loop.entries.for_each([this](uint64_t, WorkEntry& entry) { recycle(&entry); });
}

// ---- jobs ---------------------------------------------------------------------------------------

inline WorkLane* WorkerPool::find_lane(std::string_view task_type) {
    Loop& loop = *loop_;
    if (loop.last_lane && same_text(loop.last_type, task_type) &&
        loop.revision == registry_.revision()) {
        return loop.last_lane;
    }
    return look_for_lane(task_type);
}

WorkLane* WorkerPool::look_for_lane(std::string_view task_type) {
    Loop& loop = *loop_;
    if (const uint64_t revision = registry_.revision(); revision != loop.revision) {
        loop.last_lane = nullptr;
        loop.lanes.clear();
        queue_->outdate_lanes();
        for (const std::string& name : registry_.task_types()) {
            if (const auto executor = registry_.find(name)) {
                loop.lanes.emplace(name, &queue_->lane_of(name, executor));
            }
        }
        queue_->drop_outdated_lanes();
        loop.revision = revision;  // last: when memory was short, the next start tries again
    }
    const auto found = loop.lanes.find(task_type);
    if (found == loop.lanes.end()) return nullptr;
    loop.last_type.assign(task_type);
    return loop.last_lane = found->second;
}

inline Job* WorkerPool::new_job(const JobSpec& spec, const WorkLane& lane) {
    Job* job;
    if (loop_->spare_jobs.empty()) {
        job = JobControl::make();
    } else {
        job = loop_->spare_jobs.back();
        loop_->spare_jobs.pop_back();
    }
    try {
        // A job that is used again was mostly of the same type.
        if (!same_text(job->task_type, spec.task_type)) job->task_type.assign(spec.task_type);
        if (lane.traits.on_loop && lane.traits.borrows) {
            job->params = spec.params;
            job->data = spec.data;
        } else {
            job->params = spec.params.owned();
            job->data = spec.data.owned();
        }
    } catch (...) {
        job->release();
        throw;
    }
    job->deadline_us = spec.deadline_us;
    if (spec.gate && !lane.traits.on_loop) job->gate = *spec.gate;
    return job;
}

inline void WorkerPool::recycle_job(Job* job) {
    std::vector<Job*>& spare = loop_->spare_jobs;
    if (spare.size() < spare.capacity() && JobControl::reset_if_unshared(*job)) {
        spare.push_back(job);
    } else {
        job->release();
    }
}

void WorkerPool::recycle(WorkEntry* entry) {
    recycle_job(std::exchange(entry->job, nullptr));
    --entry->lane->entries;
    loop_->entries.erase(entry->id);
}

uint64_t WorkerPool::start(const JobSpec& spec, uint64_t tag, RunnerEvents& events) {
    if (loop_->closed) return 0;
    WorkEntry* entry = nullptr;
    try {
        WorkLane* const lane = spec.executor ? &queue_->lane_of(spec.task_type, spec.executor)
                                             : find_lane(spec.task_type);
        if (!lane) return 0;
        if (lane->traits.on_loop && lane->traits.borrows) {
            return run_at_once(spec, *lane, tag, events);
        }
        entry = make_entry(spec, *lane, tag, events);
    } catch (const std::bad_alloc&) {
        return 0;  // refused, like with a full queue
    }
    if (entry->lane->traits.on_loop) return run_short(entry);
    if (queue_->add(entry)) return entry->id;
    recycle(entry);
    return 0;
}

WorkEntry* WorkerPool::make_entry(const JobSpec& spec, WorkLane& lane, uint64_t tag,
                                  RunnerEvents& events) {
    const uint64_t id = loop_->entries.insert();
    WorkEntry& entry = *loop_->entries.find(id);
    entry = WorkEntry{};
    try {
        entry.job = new_job(spec, lane);
    } catch (...) {
        loop_->entries.erase(id);
        throw;
    }
    entry.lane = &lane;
    entry.events = &events;
    entry.start_by_us = spec.deadline_us;
    if (spec.start_by_us != 0 && (spec.deadline_us == 0 || spec.start_by_us < spec.deadline_us)) {
        entry.start_by_us = spec.start_by_us;
    }
    entry.id = id;
    entry.tag = tag;
    ++lane.entries;
    return &entry;
}

// What borrows has ended when run() returns, and nobody else can get at its job meanwhile: it needs
// no entry.
uint64_t WorkerPool::run_at_once(const JobSpec& spec, const WorkLane& lane, uint64_t tag,
                                 RunnerEvents& events) {
    Job* const job = new_job(spec, lane);
    // A reading of the clock would take longer than the job.
    const auto now_us = [&] { return spec.now_us != 0 ? spec.now_us : queue_->options().now_us(); };
    if (job->deadline_us != 0 && now_us() >= job->deadline_us) {
        (void)JobControl::not_started(*job, Status::kDeadline);
    } else {
        JobControl::begin(*job);
        (void)JobControl::judge(*job, JobControl::run(*job, *lane.executor));
    }
    try {
        events.on_job_done(tag, std::move(job->output));
    } catch (...) {
        recycle_job(job);
        throw;
    }
    recycle_job(job);
    return kAtOnce;
}

// Here and now. Only when it is left pending does another thread get to see it.
uint64_t WorkerPool::run_short(WorkEntry* entry) {
    const uint64_t id = entry->id;
    Job& job = *entry->job;
    const auto& now_us = queue_->options().now_us;
    const uint64_t started = now_us();
    if (job.deadline_us != 0 && started >= job.deadline_us) {
        (void)JobControl::not_started(job, Status::kDeadline);
        entry->ended_us = started;
    } else {
        entry->state = WorkEntry::State::kRunning;
        entry->started_us = started;
        JobControl::begin(job);
        Status status = JobControl::run(job, *entry->lane->executor);
        status = status == Status::kPending ? queue_->leave_pending(entry)
                                            : JobControl::settle(job, status);
        if (status == Status::kPending) return id;
        (void)JobControl::judge(job, status);
        entry->ended_us = now_us();
    }
    report(entry);
    return id;
}

void WorkerPool::report(WorkEntry* entry) {
    RunnerEvents* const events = entry->events;
    const uint64_t tag = entry->tag;
    Job* const job = std::exchange(entry->job, nullptr);
    if (entry->started_us != 0) job->output.processing_us = entry->ended_us - entry->started_us;
    // The entry goes first: whoever is told may cancel(), forget() or close().
    --entry->lane->entries;
    loop_->entries.erase(entry->id);
    // The input stays: whoever holds the job may still read it.
    // The output goes, wanted or not: it may be the host's own memory, let go with its last
    // reference.
    Output output = std::move(job->output);
    try {
        if (events) events->on_job_done(tag, std::move(output));
    } catch (...) {
        recycle_job(job);
        throw;
    }
    recycle_job(job);
}

void WorkerPool::drain() {
    Loop& loop = *loop_;
    queue_->take_ended(loop.reporting);
    // The list is a member so that whatever is called here may forget() or close().
    while (WorkEntry* entry = loop.reporting.pop()) report(entry);
}

// ---- cancel and forget --------------------------------------------------------------------------

void WorkerPool::tell_executor(WorkEntry* entry) {
    // The job may end while its executor is told, and be reported by a drain() inside.
    const std::shared_ptr<Executor> executor = entry->lane->executor;
    Job* const job = entry->job;
    job->retain();
    executor->cancel(*job);
    job->release();
}

void WorkerPool::cancel(uint64_t id) {
    WorkEntry* const entry = loop_->entries.find(id);
    if (!entry) return;
    const WorkEntry::State state = queue_->cancel(entry);
    if (state == WorkEntry::State::kRunning || state == WorkEntry::State::kPending) {
        tell_executor(entry);
    }
}

void WorkerPool::forget(RunnerEvents& events) {
    if (loop_->closed) return;
    // All are forgotten before the first executor is told, which may do anything. Marked and not
    // listed: whoever is forgotten may be in its destructor, where nothing may fail.
    loop_->entries.for_each([&](uint64_t, WorkEntry& entry) {
        if (entry.events != &events) return;
        queue_->forget(&entry);
        entry.to_cancel = true;
    });
    loop_->entries.for_each([&](uint64_t id, WorkEntry& entry) {
        if (std::exchange(entry.to_cancel, false)) cancel(id);
    });
}

// ---- questions ----------------------------------------------------------------------------------

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
    return threads_meant(queue_->options().threads);
}

uint32_t threads_meant(uint32_t threads) {
    if (threads == WorkerPoolOptions::kNoThreads) return 1;
    return threads != 0 ? threads : processors();
}

uint32_t WorkerPool::work(uint32_t jobs_max, uint64_t timeout_us) {
    return queue_->work(jobs_max, timeout_us);
}

bool WorkerPool::wait_idle(std::string_view task_type, uint64_t timeout_us) {
    return queue_->wait_idle(task_type, timeout_us);
}

uint32_t WorkerPool::busy() const {
    return queue_->busy();
}

}  // namespace p2c2r::exec
