// Who gives way while memory is short, and whose turn it is among the tasks of one account.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kShedPauseUs = 10'000;
constexpr uint64_t kLookedAtPerUs = 10;  // tasks, so that looking stays a small part of the time

}  // namespace

// ---- memory ------------------------------------------------------------------------------------

bool Coordinator::Impl::make_room_by_ending(uint64_t bytes, int8_t priority, const Share& share) {
    const uint64_t more = bytes + kTaskOverhead;
    const uint64_t enough = enough_bytes();
    give_way(enough - std::min(enough, more));
    if (budget_bytes() + more <= enough) return true;
    shed(share, priority, budget_bytes() + more - enough);
    return budget_bytes() + more <= options_.memory_max / 10 * 9;
}

// An answer is computed again, and a content brought again, when it is wanted; a task is not.
void Coordinator::Impl::give_way(uint64_t bytes_max) {
    const auto beside = [&](uint64_t own) {
        return bytes_max - std::min(bytes_max, budget_bytes() - own);
    };
    if (budget_bytes() > bytes_max) answers_.shrink_to(beside(answers_.bytes_held()));
    if (budget_bytes() > bytes_max) contents_.shrink_to(beside(contents_.bytes_held()));
}

// Ends tasks that nobody has begun until so many bytes are free: of the account that holds most the
// first, and of each the least urgent. Of the newcomer's own account these are tasks less urgent
// than `below`; of others all, as long as they hold more than it.
void Coordinator::Impl::shed(const Share& of, int8_t below, uint64_t bytes) {
    const uint64_t now = loop_.turn_us();
    if (now < shed_again_us_) return;
    struct Candidate {
        uint64_t held;  // by its account
        const Share* share;
        int8_t priority;
        uint64_t deadline_us;
        uint64_t task;
    };
    const uint64_t least = held_by(of);
    std::vector<Candidate> candidates;
    uint64_t looked_at = 0;
    scheduler_.for_each([&](uint64_t task, const sched::TaskRecord& record) {
        using State = sched::TaskRecord::State;
        ++looked_at;
        if (record.state == State::kLeased || record.state == State::kLocal) return;
        const Gamer* gamer = gamers_.find(relay(task).gamer);
        if (!gamer) return;
        const Share* const share = gamer->share;
        const uint64_t held = held_by(*share);
        if (share == &of ? record.priority >= below : held <= least) return;
        candidates.push_back({held, share, record.priority, record.deadline_us, task});
    });
    shed_again_us_ = now + kShedPauseUs + looked_at / kLookedAtPerUs;
    std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
        if (a.held != b.held) return a.held > b.held;
        if (a.priority != b.priority) return a.priority < b.priority;
        return a.deadline_us != b.deadline_us ? a.deadline_us > b.deadline_us : a.task > b.task;
    });
    uint64_t freed = 0;
    for (const Candidate& candidate : candidates) {
        if (freed >= bytes) break;
        // With one go those that wait for it, so it may have gone already.
        if (!scheduler_.find(candidate.task)) continue;
        if (candidate.share != &of && held_by(*candidate.share) <= held_by(of)) continue;
        const uint64_t before = held_bytes_;
        ++stats_.shed_tasks;
        ++stats_.failed_tasks;
        if (Gamer* gamer = gamers_.find(relay(candidate.task).gamer)) {
            answer_error(*gamer, relay(candidate.task).client_task, Status::kBusy, "memory",
                         "the coordinator's memory is nearly full, and tasks came that are more "
                         "urgent, or of an account that has less here",
                         kRetryAfterMs);
        }
        withdraw(candidate.task);
        freed += before - std::min(before, held_bytes_);
    }
}

// ---- the tasks of one account ------------------------------------------------------------------

bool Coordinator::Impl::waits_for_its_turn(uint64_t task) const {
    const sched::TaskRecord* record = scheduler_.find(task);
    if (!record || record->state != sched::TaskRecord::State::kHeld) return false;
    const Gamer* gamer = gamers_.find(relays_[SlotMap<sched::TaskRecord>::index_of(task)].gamer);
    return gamer && !gamer->behind;
}

void Coordinator::Impl::take_off(Gamer& gamer, uint64_t task) {
    if (gamer.behind) return;  // when it has caught up
    Share& share = *gamer.share;
    if (share.take_off()) {
        relay(task).flies = true;
        if (!scheduler_.release(task, loop_.turn_us())) end_for_memory(task);
        return;
    }
    wait(gamer, task);
}

void Coordinator::Impl::wait(Gamer& gamer, uint64_t task) {
    const sched::TaskRecord& record = *scheduler_.find(task);
    gamer.share->wait(sched::TaskQueue::key_of(record.priority, record.deadline_us), task,
                      [this](uint64_t other) { return waits_for_its_turn(other); });
}

void Coordinator::Impl::waits_less(uint64_t task) noexcept {
    Relay& waiting = relay(task);
    // It may have ended a moment ago, and nobody has been told so yet.
    if (--waiting.waits_for > 0 || !scheduler_.find(task)) return;
    try {
        if (Gamer* gamer = gamers_.find(waiting.gamer)) take_off(*gamer, task);
    } catch (const std::bad_alloc&) {
        end_for_memory(task);
    }
    request_turn_end();
}

// Its gamer hears of it at once, rather than at the deadline of a task that nobody looks at.
void Coordinator::Impl::end_for_memory(uint64_t task) noexcept {
    try {
        scheduler_.fail_held(task, Status::kMemory,
                             "the coordinator's memory is short for the task's place in a queue",
                             actions_);
    } catch (const std::bad_alloc&) {
        // Then at the deadline.
    }
    request_turn_end();
}

// One of them has come to an end.
bool Coordinator::Impl::fly_next(Share& share) {
    const uint64_t next = share.next([this](uint64_t task) { return waits_for_its_turn(task); });
    if (next == 0) return false;
    relay(next).flies = true;
    if (!scheduler_.release(next, loop_.turn_us())) end_for_memory(next);
    request_turn_end();
    return true;
}

}  // namespace p2c2r::roles
