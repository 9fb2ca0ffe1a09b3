// What holds at the end of a turn: nothing that could have been done in it was left undone.
#include <algorithm>

#include "roles/shares.h"
#include "sim/checkers.h"

namespace p2c2r::sim {

void Checkers::after_event(bool coordinator_turn) {
    made_whole_ = 0;
    if (!to_submit_.empty()) check_submitted_again();
    if (!to_cancel_.empty()) check_cancels_went_on();
    if (!coordinator_turn) return;
    if (!ended_now_.empty()) check_ended_are_given_up();
    if (!waiting_.empty()) check_nothing_waits_beside_room();
}

// A gamer that has registered submits what it has no answer for, in the same turn.
void Checkers::check_submitted_again() {
    for (const auto& [host, tasks] : to_submit_) {
        for (uint64_t task : tasks) {
            if (!asked_[host].count(task)) continue;  // ended meanwhile
            fail("I1", "%s has registered and does not submit its task %llu", name(host),
                 number(task));
        }
    }
    to_submit_.clear();
}

// A task that is over is worked on by nobody, as far as the coordinator can help it.
void Checkers::check_ended_are_given_up() {
    for (uint64_t token : ended_now_) {
        if (tracked_[token].open_before == 0) continue;
        fail("I9", "%s's task %llu is over, and a peer that works on it is not told",
             name(host_of_token(token)), number(task_of_token(token)));
    }
    ended_now_.clear();
}

// A cancel that reaches a peer reaches its worker.
void Checkers::check_cancels_went_on() {
    for (const auto& cancel : to_cancel_) {
        const uint32_t host = cancel.first;
        const uint64_t token = cancel.second;
        uint32_t wanted = 0;
        for (const auto& [pipe, peer] : peer_pipes_) {
            if (peer.host != host) continue;
            for (const auto& [id, attempt] : peer.attempts) {
                wanted += attempt.token == token && attempt.delivered && !attempt.cancelled;
            }
        }
        const std::vector<Job>& jobs = hosts_[host].jobs;
        const auto running = std::count_if(jobs.begin(), jobs.end(), [&](const Job& job) {
            return job.token == token && !job.orphan && !job.cancelled;
        });
        if (running > wanted) {
            fail("I9", "%s's worker is not told that %s's task %llu was cancelled", name(host),
                 name(host_of_token(token)), number(task_of_token(token)));
        }
    }
    to_cancel_.clear();
}

// ---- nothing waits beside free room ------------------------------------------------------------

// Nobody works on it or has answered, as far as the wire and the coordinator's own runner tell.
bool Checkers::may_wait(uint64_t token, const Tracked& task) const {
    const HostModel& coordinator = hosts_[0];
    const bool in_time =
        coordinator.loop->now_us() <= task.deadline_us + coordinator.loop->late_us_max();
    return task.live && !task.answered && !task.is_tried && task.open == 0 && in_time &&
           std::none_of(coordinator.jobs.begin(), coordinator.jobs.end(),
                        [&](const Job& job) { return job.token == token; });
}

// Attempts count until the last word about them: when exactly the coordinator frees a slot before
// that is its own affair. What came in chunks goes on in chunks, and until the first of them finds
// its way past others on that connection nobody sees whose slot it holds: it might be anyone's.
std::vector<const Checkers::Tracked*> Checkers::unseen() const {
    std::vector<const Tracked*> tasks;
    for (uint64_t token : chunked_) {
        const Tracked& task = tracked_.at(token);
        // Of one that a peer works on it may be a copy.
        const bool may_be_copy = task.live && !task.answered && task.open == 1;
        if (may_be_copy || may_wait(token, task)) tasks.push_back(&task);
    }
    return tasks;
}

std::vector<Checkers::Room> Checkers::rooms() const {
    const std::vector<const Tracked*> hidden = unseen();
    uint64_t unseen_bytes = 0;
    for (const Tracked* task : hidden) unseen_bytes += task->bytes;
    std::vector<Room> rooms;
    for (const auto& [pipe, peer] : peer_pipes_) {
        const size_t held = peer.attempts.size() + hidden.size();
        if (held >= peer.window_tasks || may_look_silent(peer)) continue;
        uint64_t bytes = unseen_bytes;
        for (const auto& [id, attempt] : peer.attempts) bytes += attempt.bytes;
        rooms.push_back({&peer, std::max(peer.window_bytes, bytes) - bytes, held == 0});
    }
    return rooms;
}

bool Checkers::fits(const Room& room, const Tracked& task) const {
    const bool runs = task.type == TaskType::kEcho    ? room.peer->runs_echo
                      : task.type == TaskType::kDwell ? room.peer->runs_dwell
                                                      : false;
    return runs && (room.idle || task.bytes <= room.bytes) &&
           reaches(task, room.peer->host, room.peer->limited);
}

// Tasks that may wait, and that no peer has the bytes for.
std::vector<const Checkers::Tracked*> Checkers::too_large_for(
    const std::vector<Room>& rooms) const {
    std::vector<const Tracked*> tasks;
    // In no order, and none is needed: they only excuse others.
    for (const auto& entry : tracked_) {
        const Tracked& task = entry.second;
        if (task.type == TaskType::kOther || !may_wait(entry.first, task)) continue;
        if (std::none_of(rooms.begin(), rooms.end(),
                         [&](const Room& room) { return fits(room, task); })) {
            tasks.push_back(&task);
        }
    }
    return tasks;
}

// Accounts but the operator's have so many tasks where peers may get them, and more only in turn.
bool Checkers::waits_for_its_turn(const Tracked& task) const {
    if (people_.owner_of(task.gamer) == 0) return false;
    const auto pending = std::count_if(tracked_.begin(), tracked_.end(), [&](const auto& entry) {
        return entry.second.live && people_.share_account(entry.second.gamer, task.gamer);
    });
    return static_cast<uint64_t>(pending) > roles::ShareLimits{}.in_flight;
}

// Its gamer has too much to read already, as far as the wire shows what waits for it.
bool Checkers::waits_for_its_gamer(uint64_t pipe) const {
    const auto gamer = gamer_pipes_.find(pipe);
    return gamer != gamer_pipes_.end() &&
           (gamer->second.behind || world_.now_us() < gamer->second.behind_until_us);
}

// Work is not held back: a task waits only while no peer that runs its type has room for it, or for
// one that is more urgent, or for its turn, or for its gamer to read. Small tasks do not overtake a
// large one of their type that must wait for bytes: it would wait for ever.
void Checkers::check_nothing_waits_beside_room() {
    const std::vector<Room> free = rooms();
    if (free.empty()) return;
    std::optional<std::vector<const Tracked*>> large;
    for (const auto& [key, token] : waiting_) {
        const Tracked& task = tracked_[token];
        if (task.chunked || !may_wait(token, task)) continue;
        const auto room = std::find_if(free.begin(), free.end(),
                                       [&](const Room& peer) { return fits(peer, task); });
        if (room == free.end() || waits_for_its_turn(task)) continue;
        if (waits_for_its_gamer(key.first)) {
            coverage_.hit(Sometimes::kWaitsForGamer);
            continue;
        }
        if (!large) large = too_large_for(free);
        const bool queues_behind =
            std::any_of(large->begin(), large->end(), [&](const Tracked* other) {
                const bool same_queue =
                    other->type == task.type && other->circle == task.circle &&
                    (task.circle != Circle::kOwn ||
                     people_.owner_of(other->gamer) == people_.owner_of(task.gamer));
                // Of another's tasks any may have its turn first.
                return same_queue &&
                       (other->gamer != task.gamer || other->priority > task.priority ||
                        (other->priority == task.priority &&
                         other->deadline_least_us <= task.deadline_us));
            });
        if (queues_behind) {
            coverage_.hit(Sometimes::kBehindLarge);
            continue;
        }
        fail("I12",
             "%s's task %llu of %llu bytes waits although %s holds %zu tasks of %u and has "
             "room for %llu bytes",
             name(host_of_token(token)), number(task_of_token(token)), number(task.bytes),
             name(room->peer->host), room->peer->attempts.size(), room->peer->window_tasks,
             number(room->bytes));
        return;
    }
}

}  // namespace p2c2r::sim
