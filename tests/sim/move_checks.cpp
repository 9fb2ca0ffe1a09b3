// Orders that are taken back before their time (I9), because their peer has more than it can run at
// once and another one has nothing to do.
//
// On the wire that looks like an attempt whose time is over: the peer is told to give it up, and
// another one gets the task in the same turn. But no attempt's time is over so early. So of early
// ones it is judged whether they waited at their peer behind as many as that has slots, and whether
// a slot is idle where they go, by this model's own count.
//
// Whether a peer had begun what was taken back, only the peer knows. When it says that it had not,
// that order was no attempt; until then it is one. And what it says is compared with what it did.
#include <algorithm>

#include "sim/checkers.h"
#include "sim/envelope_view.h"
#include "sim/wire_fields.h"

namespace p2c2r::sim {

namespace {

// Nobody is given less time for an attempt, or half of what its deadline leaves.
constexpr uint64_t kAttemptLeastUs = 50'000;
// A task is not sent about for ever.
constexpr uint32_t kNotBegunMost = 18;

}  // namespace

bool Checkers::says_not_begun(const wire::Frame& frame) {
    const EnvelopeView view(frame.envelope);
    return frame.message == wire::Message::kTaskResult &&
           view.number(key::kStatus) == static_cast<int64_t>(Status::kCancelled) &&
           view.number(key::kProcessing).value_or(0) == 0;
}

// The peer is told to give up what nobody else has, or had a moment ago, and whose task goes on.
void Checkers::given_up_alone(const PeerPipe& peer, Attempt& attempt, Tracked& task) {
    if (!task.live || !task.whole || task.open != 1 || task.left_us == world_.now_us() ||
        attempt.life != task.life || attempt.state != Attempt::State::kOpen) {
        return;
    }
    attempt.given_up_alone = true;
    const uint64_t had_us = hosts_[0].loop->now_us() - attempt.sent_us;
    const uint64_t left_us =
        task.deadline_least_us - std::min(task.deadline_least_us, attempt.sent_us);
    if (task.is_tried || task.chunked || had_us >= kAttemptLeastUs || 2 * had_us >= left_us) return;
    // What goes in chunks may have been given earlier than it was seen.
    const auto before =
        std::count_if(peer.attempts.begin(), peer.attempts.end(), [&](const auto& entry) {
            return &entry.second != &attempt &&
                   (entry.second.order < attempt.order || chunked_.count(entry.second.token) > 0);
        });
    task.taken_back = {world_.now_us(), task.life, static_cast<size_t>(before) + unseen().size(),
                       peer.slots, peer.host};
}

void Checkers::check_move(const PeerPipe& to, uint64_t token, Tracked& task) {
    const TakenBack taken = std::exchange(task.taken_back, {});
    if (taken.at_us != world_.now_us() || taken.life != task.life) return;
    task.cause = Sometimes::kTakenBack;
    if (taken.before < taken.slots) {
        fail("I9", "%s's task %llu is taken from %s, which has %zu before it and %u slots",
             name(host_of_token(token)), number(task_of_token(token)), name(taken.from),
             taken.before, taken.slots);
    }
    if (to.held >= to.slots) {
        fail("I9", "%s's task %llu is taken from %s for %s, which has %u tasks and %u slots",
             name(host_of_token(token)), number(task_of_token(token)), name(taken.from),
             name(to.host), to.held, to.slots);
    }
}

void Checkers::job_begun(uint32_t host, uint64_t token) {
    for (auto& [pipe, peer] : peer_pipes_) {
        if (peer.host != host) continue;
        for (auto& [id, attempt] : peer.attempts) {
            if (attempt.token == token && attempt.delivered && !attempt.answered) {
                attempt.begun_us = std::min(attempt.begun_us, world_.now_us());
            }
        }
    }
}

// Less than a microsecond's work is none.
void Checkers::not_begun_sent(const PeerPipe& peer, const Attempt& attempt) {
    if (attempt.begun_us >= world_.now_us() || tracked_[attempt.token].is_tried) return;
    fail("I9", "%s says it had not begun %s's task %llu, which it had", name(peer.host),
         name(host_of_token(attempt.token)), number(task_of_token(attempt.token)));
}

void Checkers::not_begun_heard(const Attempt& attempt) {
    Tracked& task = tracked_[attempt.token];
    if (!attempt.given_up_alone || attempt.copy || attempt.life != task.life) return;
    coverage_.hit(Sometimes::kNotBegun);
    ++task.refusals;
    if (++task.not_begun <= kNotBegunMost || task.is_tried) return;
    fail("I9", "%s's task %llu was given up %u times before it was begun",
         name(host_of_token(attempt.token)), number(task_of_token(attempt.token)), task.not_begun);
}

// ---- orders that nobody has seen ---------------------------------------------------------------

// What came in chunks goes on in chunks. An order that is given up before the first of them leaves
// is seen by nobody, and one of the attempts, and of the dispatches that pay for copies, like any
// other. So it was only where the task has been with nobody for longer than a turn.
bool Checkers::has_waited(const Tracked& task) const {
    if (!task.live || !task.chunked || task.open > 0 || task.answered) return false;
    const uint64_t left_us = task.left_us == UINT64_MAX ? 0 : task.left_us;
    return world_.now_us() > std::max(task.submitted_us, left_us);
}

uint64_t Checkers::unseen_orders(const Tracked& task) {
    const uint32_t seen = task.assigns - task.refusals - task.copies;
    return kAttemptsMax - std::min(kAttemptsMax, seen);
}

uint64_t Checkers::unseen_dispatches() const {
    uint64_t orders = unseen_orders_;
    for (const uint64_t token : chunked_) {
        const Tracked& task = tracked_.at(token);
        if (task.waited || has_waited(task)) orders += unseen_orders(task);
    }
    return orders;
}

}  // namespace p2c2r::sim
