#include "exec/job_gate.h"

#include <algorithm>
#include <chrono>

namespace p2c2r::exec {

namespace {

// Whoever waits looks again after this even if nobody woke him.
constexpr uint64_t kLookUs = 1'000'000;

}  // namespace

JobGate::JobGate(std::function<uint64_t()> now_us)
    : now_us_(std::move(now_us)), accounted_us_(now_us_()) {}

void JobGate::close(uint32_t who) {
    // No lock: whoever works sees it at its next look.
    restricted_.fetch_or(who, std::memory_order_acq_rel);
}

void JobGate::open(uint32_t who) {
    {
        // Under the lock, or somebody who has just looked would not hear it.
        const std::lock_guard lock(mutex_);
        restricted_.fetch_and(~who, std::memory_order_acq_rel);
    }
    changed_.notify_all();
}

void JobGate::set_duty(uint32_t permille) {
    {
        const std::lock_guard lock(mutex_);
        account(now_us_(), jobs_ > jobs_waiting_);
        budget_.set_duty(permille);
        if (permille < DutyBudget::kWholePermille) {
            restricted_.fetch_or(kDuty, std::memory_order_acq_rel);
        } else {
            restricted_.fetch_and(~kDuty, std::memory_order_acq_rel);
        }
    }
    changed_.notify_all();
}

void JobGate::account(uint64_t now, bool worked) {
    if (now <= accounted_us_) return;
    const uint64_t elapsed = now - accounted_us_;
    accounted_us_ = now;
    if (worked) worked_us_ += elapsed;
    budget_.pass(elapsed, worked);
}

void JobGate::enter() {
    const std::lock_guard lock(mutex_);
    account(now_us_(), jobs_ > jobs_waiting_);
    ++jobs_;
}

void JobGate::leave() {
    const std::lock_guard lock(mutex_);
    account(now_us_(), true);
    --jobs_;
}

bool JobGate::pass_slowly(Visit& visit, const std::atomic<bool>& cancelled) {
    std::unique_lock lock(mutex_);
    uint64_t now = now_us_();
    // Until now this thread has worked, also when others of its job wait already.
    account(now, true);
    bool waits = false;
    while (!cancelled.load(std::memory_order_acquire)) {
        const bool rests = waits || budget_.must_rest();
        const uint64_t rest = closed() ? kLookUs : rests ? std::min(budget_.rest_us(), kLookUs) : 0;
        if (rest == 0) break;
        if (!waits) {
            waits = true;
            last_wait_us_ = now;
            if (visit.waiting++ == 0) ++jobs_waiting_;
        }
        changed_.wait_for(lock, std::chrono::microseconds(rest));
        now = now_us_();
        account(now, jobs_ > jobs_waiting_);
    }
    if (waits && --visit.waiting == 0) --jobs_waiting_;
    return !cancelled.load(std::memory_order_acquire);
}

void JobGate::wake() {
    { const std::lock_guard lock(mutex_); }
    changed_.notify_all();
}

JobGate::Figures JobGate::figures() {
    const std::lock_guard lock(mutex_);
    account(now_us_(), jobs_ > jobs_waiting_);
    return {worked_us_, jobs_, jobs_waiting_, last_wait_us_};
}

}  // namespace p2c2r::exec
