// Tasks that are taken back. A peer gets more than it has slots for, so that it never waits for the
// next one; when it turns out slower than was thought, these wait there while others have nothing
// to do. Then the last one that it was given, which it cannot have begun, goes to one of the
// others.
//
// That is no second attempt at the same time, as a copy is (scheduler_copies.cpp), and costs no
// work unless the peer had begun it all the same: its answer is late then, and dropped. It counts
// as no attempt of the task, and nobody is blamed: the peer was given too much.
//
// Asked only while a slot is idle, a peer holds more than its slots, and nothing waits in a queue.
#include <algorithm>

#include "sched/attempt_id.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

namespace {

// It must be over so much sooner: what is known of both is not exact, and moving costs two
// messages.
constexpr uint64_t kSoonerTimes = 2;
constexpr uint64_t kSoonerUs = 1'000;
// At one time, and of peers with more than their slots.
constexpr size_t kTakenMost = 8;
constexpr size_t kLookedMost = 16;
// Where nothing could be moved it is not asked again for so long.
constexpr uint64_t kLookAgainUs = 1'000;

// When all that this peer has would be back. Where it is late already, it is taken to be as late
// once more.
uint64_t done_in_us(const PeerRecord& peer, double each_us, uint64_t now_us) {
    double work_us = peer.backlog_us;
    for (const Abandoned& abandoned : peer.abandoned) work_us -= abandoned.estimate_us;
    const auto passed_us = static_cast<double>(now_us - std::min(now_us, peer.changed_us));
    const double left_us = std::max(work_us, 0.0) / peer.slots - passed_us;
    // What waits there has its whole time before it, whatever is said of the rest.
    const auto rounds = static_cast<double>((peer.leases.size() - 1) / peer.slots);
    const double at_least_us = rounds * each_us + std::max(-left_us, 0.0);
    return static_cast<uint64_t>(std::max(left_us, at_least_us) + peer.link_us);
}

}  // namespace

void Scheduler::take_back(uint64_t now_us, std::vector<Action>& actions) {
    if (now_us < take_back_at_us_) return;
    size_t taken = 0;
    for (size_t looked = 0; looked < kLookedMost && taken < kTakenMost; ++looked) {
        const std::vector<uint64_t>& overfull = peers_.overfull();
        if (overfull.empty() || !peers_.is_lopsided()) return;
        const uint64_t peer = overfull[next_overfull_++ % overfull.size()];
        while (taken < kTakenMost && take_last(peer, now_us, actions)) ++taken;
    }
    if (taken == 0) take_back_at_us_ = now_us + kLookAgainUs;
}

// The one that was placed there last, if it is alone of its task and moving it is worth it.
bool Scheduler::take_last(uint64_t peer, uint64_t now_us, std::vector<Action>& actions) noexcept {
    const PeerRecord& from = *peers_.find(peer);
    // Those that were given up and wait there will not be begun, and hold nothing up.
    if (from.leases.size() <= from.slots) return false;
    uint64_t task = 0;
    uint64_t placed_us = 0;
    for (const uint64_t leased : from.leases) {
        const Attempt& run = *attempt_at(leased, peer);
        if (task != 0 && run.placed_us < placed_us) continue;
        task = leased;
        placed_us = run.placed_us;
    }
    if (task == 0) return false;
    TaskRecord& record = *tasks_.find(task);
    if (record.has_copy || record.input_open || record.run.peer != peer) return false;
    try {
        const PeerTable::Choice choice = choose_second(task, record, now_us);
        if (choice.peer == 0 || !choice.free_slot) return false;
        const double each_us = peers_.estimate_us(from, record.type, record.bytes);
        const uint64_t here_us = choice.finish_us - std::min(choice.finish_us, now_us);
        if (done_in_us(from, each_us, now_us) < kSoonerTimes * here_us + kSoonerUs) return false;
        actions.reserve(actions.size() + 2);
        room_for_lease(choice.peer, actions);
        abandon(task, record, record.run, now_us, actions);
        // From here on nothing fails.
        ++record.uncounted;
        ++stats_.taken_back;
        give(task, record, record.run, choice, CopyCause::kNone, now_us, actions);
        arm(task, record);
    } catch (const std::bad_alloc&) {
        return false;
    }
    return true;
}

}  // namespace p2c2r::sched
