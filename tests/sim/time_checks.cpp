// I8 and the rest of I9: whose turn it is, and that nothing is started before its time or after it.
#include <algorithm>

#include "sim/checkers.h"

namespace p2c2r::sim {

namespace {

constexpr uint64_t kExpiredSlackUs = 2'000;
// A backlogged account is served within so many rounds of its turn; in each of them the other one
// is served once, as their tasks cost the same.
constexpr uint64_t kRoundsMost = 2;

}  // namespace

// ---- not before what it depends on, not after its deadline -------------------------------------

void Checkers::check_may_start(uint64_t token, const Tracked& task) {
    if (task.is_tried || !task.live) return;
    const SimLoop& loop = *hosts_[0].loop;
    const uint64_t now = hosts_[0].loop->now_us();
    if (now > task.deadline_us + kExpiredSlackUs + loop.late_us_max()) {
        fail("I9", "%s's task %llu is placed %llu us after its deadline",
             name(host_of_token(token)), number(task_of_token(token)),
             number(now - task.deadline_us));
    }
    if (task.depends && task.assigns == 0) coverage_.hit(Sometimes::kReleased);
    for (const auto& [other, life] : task.after) {
        const auto found = tracked_.find(token_of(host_of_token(token), other));
        if (found == tracked_.end()) continue;
        const Tracked& first = found->second;
        // What looks alive may have ended while its gamer was away.
        if (!first.live || first.life != life || first.answered || first.is_tried ||
            now > first.deadline_least_us || !is_owed(host_of_token(token), other)) {
            continue;
        }
        fail("I9", "%s's task %llu is placed before task %llu, which it depends on, has ended",
             name(host_of_token(token)), number(task_of_token(token)), number(other));
    }
}

bool Checkers::is_owed(uint32_t host, uint64_t task) const {
    return std::any_of(gamer_pipes_.begin(), gamer_pipes_.end(), [&](const auto& entry) {
        const GamerPipe& gamer = entry.second;
        const auto submitted = gamer.tasks.find(task);
        return gamer.host == host && submitted != gamer.tasks.end() && submitted->second.owed;
    });
}

// The same as the application sees it, whoever starts on the task.
void Checkers::check_job_in_time(uint32_t host, uint64_t token) {
    const std::map<uint64_t, Asked>& asked = asked_[host_of_token(token)];
    const auto task = asked.find(task_of_token(whole_of(token)));
    if (task != asked.end() && task->second.after != 0 && asked.count(task->second.after)) {
        fail("I9", "%s starts on %s's task %llu before task %llu, which it depends on, has ended",
             name(host), name(host_of_token(token)), number(task_of_token(token)),
             number(task->second.after));
    }
    if (hosts_[host].kind != Kind::kPeer || !hosts_[host].real) return;
    const uint64_t now = hosts_[host].loop->now_us();
    bool is_over = false;
    for (const auto& [pipe, peer] : peer_pipes_) {
        if (peer.host != host) continue;
        for (const auto& [id, attempt] : peer.attempts) {
            if (attempt.token != token || !attempt.delivered) continue;
            if (attempt.until_us > now) return;
            is_over = true;
        }
    }
    if (is_over) {
        fail("I9", "%s starts on %s's task %llu, whose time is over", name(host),
             name(host_of_token(token)), number(task_of_token(token)));
    }
}

// ---- how tasks end, for the "sometimes" list ---------------------------------------------------

void Checkers::saw_end(uint64_t token, bool undone) {
    const auto found = tracked_.find(token);
    if (found == tracked_.end() || !found->second.live || found->second.is_tried) return;
    const Tracked& task = found->second;
    const std::vector<Job>& here = hosts_[0].jobs;
    const bool is_here =
        std::any_of(here.begin(), here.end(), [&](const Job& job) { return job.token == token; });
    if (is_here) {
        coverage_.hit(undone ? Sometimes::kUndoneHere : Sometimes::kOverHere);
    } else if (task.open > 0 || task.given_up_us == world_.now_us()) {
        coverage_.hit(undone ? Sometimes::kUndoneAtPeer : Sometimes::kOverAtPeer);
    } else if (task.depends && task.assigns == 0) {
        coverage_.hit(undone ? Sometimes::kUndoneHeld : Sometimes::kOverHeld);
    } else if (!task.answered) {
        coverage_.hit(undone ? Sometimes::kUndoneWaiting : Sometimes::kOverWaiting);
    }
}

// ---- turns -------------------------------------------------------------------------------------

void Checkers::watch_turns(uint32_t flooder, uint32_t other) {
    turns_ = Turns{};
    turns_.flooder = flooder;
    turns_.other = other;
}

bool Checkers::stop_watching_turns() {
    const bool all_kept = turns_.waiting.empty();
    turns_ = Turns{};
    return all_kept;
}

void Checkers::turn_asked(uint32_t host, uint64_t token, std::span<const uint8_t> type) {
    const std::string_view wanted = kTypeTurn;
    const bool is_turn =
        std::equal(type.begin(), type.end(), wanted.begin(), wanted.end(),
                   [](uint8_t byte, char letter) { return byte == static_cast<uint8_t>(letter); });
    if (!is_turn) return;
    if (host == turns_.flooder) turns_.floods.insert(token);
    if (host == turns_.other) turns_.waiting[token] = turns_.served;
}

void Checkers::turn_served(const PeerPipe& peer, uint64_t token, const Tracked& task) {
    if (task.assigns > 0) return;  // once more, which costs no turn
    if (turns_.floods.count(token)) {
        // Where the other one's may not go it takes nothing away from it.
        Tracked others;
        others.gamer = turns_.other;
        if (reaches(others, peer.host, peer.limited)) ++turns_.served;
        return;
    }
    const auto waited = turns_.waiting.find(token);
    if (waited == turns_.waiting.end()) return;
    const uint64_t passed = turns_.served - waited->second;
    turns_.waiting.erase(waited);
    const uint64_t most = kRoundsMost * ++turns_.kept;
    if (passed > most) {
        fail("I8",
             "%s's task %llu is placed after %llu of %s's that came before its turn, at most %llu "
             "are",
             name(turns_.other), number(task_of_token(token)), number(passed), name(turns_.flooder),
             number(most));
    }
    coverage_.hit(Sometimes::kTurnKept);
}

// ---- when memory is short ----------------------------------------------------------------------

// What the host had to do in this turn it may do later, or its connection is gone with it.
void Checkers::on_memory_short(uint32_t host) {
    trace_.line(world_.now_us(), "%s has no memory for a moment", name(host));
    to_submit_.erase(host);
    std::erase_if(to_cancel_, [&](const auto& cancel) { return cancel.first == host; });
    if (hosts_[host].kind != Kind::kCoordinator) return;
    ended_now_.clear();
    // What came last may have been lost.
    if (made_whole_ != 0) tracked_[std::exchange(made_whole_, 0)].whole = false;
    // One that it had no memory to put into its queue is held until its deadline: it might be any.
    waiting_.clear();
}

}  // namespace p2c2r::sim
