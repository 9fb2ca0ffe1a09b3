#include "exec/work_queue.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "core/check.h"
#include "exec/job_control.h"

namespace p2c2r::exec {

namespace {

// Beyond this a wait is for ever anyway, and the clock's arithmetic stays far from its end.
constexpr uint64_t kWaitMaxUs = uint64_t{365} * 24 * 3600 * 1'000'000;

std::chrono::microseconds wait_time(uint64_t timeout_us) {
    return std::chrono::microseconds(std::min(timeout_us, kWaitMaxUs));
}

}  // namespace

// ---- lists --------------------------------------------------------------------------------------

void WorkList::push(WorkEntry* entry) {
    entry->list = this;
    entry->previous = last_;
    entry->next = nullptr;
    (last_ ? last_->next : first_) = entry;
    last_ = entry;
}

WorkEntry* WorkList::pop() {
    WorkEntry* const entry = first_;
    if (entry) remove(entry);
    return entry;
}

void WorkList::remove(WorkEntry* entry) {
    P2C2R_CHECK(entry->list == this);
    (entry->previous ? entry->previous->next : first_) = entry->next;
    (entry->next ? entry->next->previous : last_) = entry->previous;
    entry->list = nullptr;
    entry->previous = entry->next = nullptr;
}

void WorkList::append(WorkList& other) {
    while (WorkEntry* entry = other.pop()) push(entry);
}

void WorkList::clear() {
    while (pop()) {
    }
}

// ---- loop thread --------------------------------------------------------------------------------

WorkQueue::WorkQueue(LoopWaker& waker, WorkerPoolOptions options)
    : options_(std::move(options)), waker_(&waker) {}

WorkLane& WorkQueue::lane_of(std::string_view task_type,
                             const std::shared_ptr<Executor>& executor) {
    for (const auto& lane : lanes_) {
        if (lane->executor != executor || lane->task_type != task_type) continue;
        lane->current = true;
        return *lane;
    }
    auto lane = std::make_unique<WorkLane>();
    lane->task_type.assign(task_type);
    lane->executor = executor;
    lane->traits = executor->traits();
    const std::lock_guard lock(mutex_);
    return *lanes_.emplace_back(std::move(lane));
}

void WorkQueue::outdate_lanes() {
    for (const auto& lane : lanes_) lane->current = false;
}

void WorkQueue::drop_outdated_lanes() {
    std::vector<std::unique_ptr<WorkLane>> gone;  // executors are destroyed without the lock
    {
        const std::lock_guard lock(mutex_);
        const auto first = std::stable_partition(
            lanes_.begin(), lanes_.end(),
            [](const auto& lane) { return lane->current || lane->entries > 0; });
        gone.assign(std::make_move_iterator(first), std::make_move_iterator(lanes_.end()));
        lanes_.erase(first, lanes_.end());
    }
}

bool WorkQueue::add(WorkEntry* entry) {
    {
        const std::lock_guard lock(mutex_);
        if (waiting_ >= options_.queue_max || refusing_) return false;
        WorkLane& lane = *entry->lane;
        entry->state = WorkEntry::State::kQueued;
        ++waiting_;
        ++busy_;
        ++lane.active;
        if (lane.traits.parallel_max != 0 && lane.occupied >= lane.traits.parallel_max) {
            lane.waiting.push(entry);
            return true;
        }
        ++lane.occupied;
        ready_.push(entry);
    }
    work_came_.notify_one();
    return true;
}

Status WorkQueue::leave_pending(WorkEntry* entry) {
    // finish() may come as soon as the job is settled, and then waits for the lock.
    const std::lock_guard lock(mutex_);
    const Status status = JobControl::leave_pending(*entry->job, shared_from_this(), entry);
    if (status != Status::kPending) return status;
    entry->state = WorkEntry::State::kPending;
    ++busy_;
    ++entry->lane->active;
    return Status::kPending;
}

void WorkQueue::take_ended(WorkList& out) {
    const std::lock_guard lock(mutex_);
    out.append(ended_);
}

WorkEntry::State WorkQueue::cancel(WorkEntry* entry) {
    const std::lock_guard lock(mutex_);
    const WorkEntry::State before = entry->state;
    if (before == WorkEntry::State::kEnded) return before;
    entry->job->request_cancel();
    if (before != WorkEntry::State::kQueued) return before;
    --waiting_;
    const bool was_ready = entry->list == &ready_;
    entry->list->remove(entry);
    if (was_ready) leave_lane(*entry->lane);
    (void)JobControl::not_started(*entry->job, Status::kCancelled);
    end(entry);
    return before;
}

void WorkQueue::forget(WorkEntry* entry) {
    const std::lock_guard lock(mutex_);
    entry->events = nullptr;
}

// ---- closing ------------------------------------------------------------------------------------

void WorkQueue::refuse() {
    {
        const std::lock_guard lock(mutex_);
        refusing_ = true;
    }
    work_came_.notify_all();
}

void WorkQueue::wait_for_runs() {
    std::unique_lock lock(mutex_);
    work_went_.wait(lock, [this] { return runs_ == 0; });
}

void WorkQueue::detach() {
    const std::lock_guard lock(mutex_);
    waker_ = nullptr;
    ready_.clear();
    ended_.clear();
    waiting_ = busy_ = 0;
}

// ---- workers ------------------------------------------------------------------------------------

// Under the lock, like all helpers below.
WorkEntry* WorkQueue::take() {
    WorkEntry* const entry = ready_.pop();
    if (entry) --waiting_;
    return entry;
}

// A place in the lane is free: whoever waits there longest gets ready.
void WorkQueue::leave_lane(WorkLane& lane) {
    --lane.occupied;
    if (lane.waiting.empty()) return;
    ++lane.occupied;
    ready_.push(lane.waiting.pop());
    work_came_.notify_one();
}

void WorkQueue::end(WorkEntry* entry) {
    entry->state = WorkEntry::State::kEnded;
    --busy_;
    --entry->lane->active;
    work_went_.notify_all();
    const bool first = ended_.empty();
    ended_.push(entry);
    // Once until the list is taken. Under the lock, so that detach() ends it for certain.
    if (first && waker_) waker_->wake_for_jobs();
}

void WorkQueue::run(WorkEntry* entry, std::unique_lock<std::mutex>& lock) {
    Job& job = *entry->job;
    entry->state = WorkEntry::State::kRunning;
    JobControl::begin(job);  // cancel() may tell the executor as soon as the lock is free
    ++runs_;
    lock.unlock();

    // As long as it is here, its time is the owner's to give.
    JobGate* const gate = job.gate.get();
    if (gate) gate->enter();
    Status status;
    const bool cancelled = job.cancelled_or_wait();
    const uint64_t now = options_.now_us();
    if (cancelled) {
        status = JobControl::not_started(job, Status::kCancelled);
    } else if (entry->start_by_us != 0 && now >= entry->start_by_us) {
        status = JobControl::not_started(job, Status::kDeadline);
    } else {
        entry->started_us = now;
        status = JobControl::run(job, *entry->lane->executor);
        if (status != Status::kPending) {
            status = JobControl::judge(job, JobControl::settle(job, status));
        }
    }
    if (gate) gate->leave();
    if (status != Status::kPending) {
        entry->ended_us = options_.now_us();
        lock.lock();
    } else {
        // Settled under the lock: finish() may come at once, and then waits for it.
        lock.lock();
        entry->state = WorkEntry::State::kPending;
        status = JobControl::leave_pending(job, shared_from_this(), entry);
        if (status != Status::kPending) {
            (void)JobControl::judge(job, status);
            entry->ended_us = options_.now_us();
        }
    }
    --runs_;
    leave_lane(*entry->lane);
    if (status != Status::kPending) {
        end(entry);
    } else {
        work_went_.notify_all();
    }
}

void WorkQueue::serve() {
    std::unique_lock lock(mutex_);
    while (!refusing_) {
        if (WorkEntry* entry = take()) {
            run(entry, lock);
        } else {
            work_came_.wait(lock);
        }
    }
}

uint32_t WorkQueue::work(uint32_t jobs_max, uint64_t timeout_us) {
    std::unique_lock lock(mutex_);
    work_came_.wait_for(lock, wait_time(timeout_us),
                        [this] { return refusing_ || !ready_.empty(); });
    uint32_t ran = 0;
    while (!refusing_ && (jobs_max == 0 || ran < jobs_max)) {
        WorkEntry* const entry = take();
        if (!entry) break;
        run(entry, lock);
        ++ran;
    }
    return ran;
}

// ---- any thread ---------------------------------------------------------------------------------

bool WorkQueue::on_finished(Job& job, Status status) {
    (void)JobControl::judge(job, status);
    const std::lock_guard lock(mutex_);
    if (refusing_) return false;
    auto* const entry = static_cast<WorkEntry*>(JobControl::entry(job));
    entry->ended_us = options_.now_us();
    const bool wanted = entry->events != nullptr;
    end(entry);
    return wanted;
}

bool WorkQueue::wait_idle(std::string_view task_type, uint64_t timeout_us) {
    std::unique_lock lock(mutex_);
    return work_went_.wait_for(lock, wait_time(timeout_us), [&] {
        return std::all_of(lanes_.begin(), lanes_.end(), [&](const auto& lane) {
            return lane->active == 0 || lane->task_type != task_type;
        });
    });
}

uint32_t WorkQueue::busy() const {
    const std::lock_guard lock(mutex_);
    return busy_;
}

}  // namespace p2c2r::exec
