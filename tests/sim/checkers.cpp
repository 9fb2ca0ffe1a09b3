#include "sim/checkers.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace p2c2r::sim {

namespace {

constexpr uint64_t kDeadlineSlackUs = 2'000;
// What the frame in which memory becomes full brings, and the next one.
constexpr uint64_t kFrameBytes = 2 * limits::kChunkSizeMax;

std::optional<Sometimes> coverage_of(Status status) {
    switch (status) {
        case Status::kOk:
            return Sometimes::kEndOk;
        case Status::kBusy:
            return Sometimes::kEndBusy;
        case Status::kTimeout:
            return Sometimes::kEndTimeout;
        case Status::kDeadline:
            return Sometimes::kEndDeadline;
        case Status::kCancelled:
            return Sometimes::kEndCancelled;
        case Status::kDisconnected:
            return Sometimes::kEndDisconnected;
        case Status::kClosed:
            return Sometimes::kEndClosed;
        case Status::kState:
            return Sometimes::kEndState;
        case Status::kTaskType:
            return Sometimes::kEndTaskType;
        case Status::kUnsupported:
            return Sometimes::kEndUnsupported;
        case Status::kParams:
            return Sometimes::kEndParams;
        case Status::kExecutor:
            return Sometimes::kEndExecutor;
        case Status::kDevice:
            return Sometimes::kEndDevice;
        case Status::kMemory:
            return Sometimes::kEndMemory;
        case Status::kInternal:
            return Sometimes::kEndInternal;
        case Status::kContent:
            return Sometimes::kEndContent;
        default:
            return std::nullopt;
    }
}

}  // namespace

void Checkers::add_host(uint32_t host, Kind kind, SimLoop& loop, uint32_t slots, bool real) {
    if (host >= hosts_.size()) hosts_.resize(host + 1);
    hosts_[host].kind = kind;
    hosts_[host].loop = &loop;
    hosts_[host].slots = slots;
    hosts_[host].real = real;
}

void Checkers::fail(const char* invariant, const char* pattern, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, pattern);
    std::vsnprintf(text, sizeof text, pattern, arguments);
    va_end(arguments);
    trace_.line(world_.now_us(), "VIOLATED %s: %s", invariant, text);
    if (failure_) return;
    failure_ = Failure{invariant, text, world_.now_us(), world_.events()};
}

// ---- I1: what an application sees --------------------------------------------------------------

void Checkers::task_submitted(uint32_t host, uint64_t task, const Asked& asked) {
    asked_[host][task] = asked;
    trace_.line(world_.now_us(), "%s asks for task %llu", name(host), number(task));
}

void Checkers::task_cancelled(uint32_t host, uint64_t task) {
    const auto found = asked_[host].find(task);
    if (found != asked_[host].end()) found->second.cancelled = true;
    trace_.line(world_.now_us(), "%s cancels task %llu", name(host), number(task));
}

void Checkers::task_ended(uint32_t host, uint64_t task, const TaskResult& result) {
    trace_.line(world_.now_us(), "%s: task %llu ends with %s %s", name(host), number(task),
                status_name(result.status), result.error.c_str());
    const unsigned long long id = task;
    std::map<uint64_t, Asked>& open = asked_[host];
    const auto found = open.find(task);
    if (found == open.end()) {
        fail("I1",
             over_[host].count(task) ? "%s: task %llu ended twice, now with %s"
                                     : "%s: task %llu was never asked for, ended with %s",
             name(host), id, status_name(result.status));
        return;
    }
    const Asked asked = found->second;
    open.erase(found);
    over_[host].insert(task);
    ++tasks_ended_;
    if (const auto what = coverage_of(result.status)) coverage_.hit(*what);

    SimLoop& loop = *hosts_[host].loop;
    const uint64_t now = loop.now_us();
    if (now > asked.deadline_us + kDeadlineSlackUs + loop.late_us_max()) {
        fail("I1", "%s: task %llu ended with %s %llu us after its deadline", name(host), id,
             status_name(result.status), number(now - asked.deadline_us));
    }
    // Nobody else may lose patience before: clocks that drift apart explain a little.
    const uint64_t slack = kDeadlineSlackUs + limits_.task_timeout_us / 500;
    if (result.status == Status::kDeadline && now + slack < asked.deadline_us &&
        asked.remaining_us <= limits_.task_timeout_us && !said_late_.count(token_of(host, task))) {
        fail("I1", "%s: task %llu ended with E_DEADLINE %llu us before it", name(host), id,
             number(asked.deadline_us - now));
    }
    check_why_late(host, task, asked, result);
    if (result.status == Status::kContent) check_is_gone(host, task, asked, result);
    if (asked.must_succeed && result.status != Status::kOk) {
        fail("I12", "%s: task %llu of a whole cluster ended with %s: %s", name(host), id,
             status_name(result.status), result.error.c_str());
    }
    if (result.status != Status::kOk) return;
    ++tasks_good_;
    const uint64_t token = token_of(host, task);
    const bool here = result.source == Source::kLocal;
    if (asked.parts_count > 0) {
        check_parts(host, task, asked, result);
    } else {
        check_answer(host, task, token, decode_word('s', result.info.span()).value_or(0), here);
    }
    if (asked.stays || result.content) {
        check_stayed(host, task, asked, result);
    } else {
        check_data(host, task, asked, result);
    }
    if (here) coverage_.hit(Sometimes::kByGamer);
}

// The execution of this number was one of this task, and counted.
void Checkers::check_answer(uint32_t host, uint64_t task, uint64_t token, uint64_t stamp,
                            bool here) {
    const auto executed = stamp_tokens_.find(stamp);
    if (executed == stamp_tokens_.end() || executed->second != token) {
        fail("I3", "%s: the result of task %llu comes from no execution of it", name(host),
             number(task));
    } else if (!here && !valid_stamps_.count(stamp)) {
        fail("I3", "%s: the result of task %llu never counted at the coordinator", name(host),
             number(task));
    }
}

void Checkers::check_data(uint32_t host, uint64_t task, const Asked& asked,
                          const TaskResult& result) {
    if (are_bytes_of(result.data.span(), asked.input.answered())) return;
    fail("I1", "%s: the result of task %llu is not the answer to its input of %zu bytes",
         name(host), number(task), asked.input.size);
}

void Checkers::part_came(uint32_t host, uint64_t task, uint32_t index, uint32_t count,
                         const TaskResult& result) {
    trace_.line(world_.now_us(), "%s: part %u of %u of task %llu has come", name(host), index,
                count, number(task));
    const auto found = asked_[host].find(task);
    if (found == asked_[host].end() || !found->second.may_be_cut) {
        return fail("I1", "%s: a part has come of task %llu, which is over or whole", name(host),
                    number(task));
    }
    Asked& asked = found->second;
    if (asked.parts_count != 0 && asked.parts_count != count) {
        fail("I1", "%s: task %llu is in %u parts and in %u", name(host), number(task),
             asked.parts_count, count);
    }
    asked.parts_count = count;
    if (index >= count || !asked.parts.insert(index).second) {
        fail("I1", "%s: part %u of task %llu has come twice", name(host), index, number(task));
    }
    if (result.status != Status::kOk) {
        fail("I1", "%s: part %u of task %llu has come with %s", name(host), index, number(task),
             status_name(result.status));
    }
    const bool here = result.source == Source::kLocal;
    coverage_.hit(here ? Sometimes::kPartHere : Sometimes::kPartAway);
    check_answer(host, task, part_token(token_of(host, task), index),
                 decode_word('s', result.info.span()).value_or(0), here);
    check_data(host, task, asked, result);
}

// Of a good result that was put together: all parts have come, and were put in their order.
void Checkers::check_parts(uint32_t host, uint64_t task, const Asked& asked,
                           const TaskResult& result) {
    const uint64_t whole = token_of(host, task);
    const auto stamps = decode_stamps(result.info.span());
    if (!stamps || stamps->size() != asked.parts_count || asked.parts.size() != asked.parts_count) {
        return fail("I1", "%s: task %llu is over with %zu of %u parts", name(host), number(task),
                    asked.parts.size(), asked.parts_count);
    }
    coverage_.hit(Sometimes::kCut);
    for (size_t i = 0; i < stamps->size(); ++i) {
        // Each was looked at when it came; where is not said of the whole.
        check_answer(host, task, part_token(whole, i), (*stamps)[i], true);
    }
}

size_t Checkers::tasks_open(uint32_t host) const {
    const auto found = asked_.find(host);
    return found == asked_.end() ? 0 : found->second.size();
}

// ---- I9: who works on what ---------------------------------------------------------------------

void Checkers::on_job_started(uint32_t host, uint64_t stamp, uint64_t token) {
    HostModel& model = hosts_[host];
    model.jobs.push_back({stamp, token, false, false, false});
    stamp_tokens_[stamp] = token;
    stamp_hosts_[stamp] = host;
    stage_began(host, token);
    // What the coordinator computes itself counts; what a gamer computes never goes over the wire.
    if (model.kind == Kind::kCoordinator) {
        valid_stamps_[stamp] = {token, tracked_[token].life};
        check_computed_here(token, tracked_[token]);
        check_may_start(token, tracked_[token]);
        if (tracked_[token].assigns > 0) coverage_.hit(Sometimes::kHereAfterPeers);
    }
    check_job_in_time(host, token);
    trace_.line(world_.now_us(), "%s starts on %s's task %llu", name(host),
                name(host_of_token(token)), number(task_of_token(token)));
    if (model.kind == Kind::kPeer) job_begun(host, token);
    if (model.kind != Kind::kPeer || model.slots == 0) return;
    const size_t running = static_cast<size_t>(std::count_if(
        model.jobs.begin(), model.jobs.end(), [](const Job& job) { return !job.forgotten; }));
    if (running > model.slots) {
        fail("I9", "%s runs %zu jobs in %u slots", name(host), running, model.slots);
    }
}

void Checkers::on_job_stopped(uint32_t host, uint64_t stamp) {
    std::vector<Job>& jobs = hosts_[host].jobs;
    if (hosts_[host].kind == Kind::kCoordinator) {
        Tracked& task = tracked_[stamp_tokens_[stamp]];
        task.answered = true;
        const uint64_t token = stamp_tokens_[stamp];
        // Of one whose data is a content only that comes with its submit.
        const std::map<uint64_t, Asked>& asked = asked_[host_of_token(token)];
        const auto found = asked.find(task_of_token(whole_of(token)));
        answer_heard(token, found != asked.end() ? found->second.input.size : task.bytes);
    }
    std::erase_if(jobs, [&](const Job& job) { return job.stamp == stamp; });
}

void Checkers::on_job_cancelled(uint32_t host, uint64_t stamp) {
    for (Job& job : hosts_[host].jobs) job.cancelled |= job.stamp == stamp;
}

void Checkers::jobs_forgotten(uint32_t host) {
    for (Job& job : hosts_[host].jobs) job.orphan = job.forgotten = true;
}

// ---- I7: what the coordinator holds ------------------------------------------------------------

void Checkers::coordinator_holds(uint64_t payload_bytes, uint64_t queued_bytes) {
    // Of each task that is owed to a gamer the coordinator holds the input, or the whole answer,
    // which is as large, whatever its books say.
    uint64_t owed_bytes = 0;
    for (const auto& [pipe, gamer] : gamer_pipes_) owed_bytes += gamer.owed_bytes;
    payload_held_ = payload_bytes;
    payload_held_max_ = std::max(payload_held_max_, payload_bytes);
    if (owed_bytes > limits_.memory_max) {
        fail("I7", "the coordinator has taken %llu payload bytes, its budget is %llu",
             number(owed_bytes), number(limits_.memory_max));
    }
    // Nothing is taken above the budget, but while an answer passes through its input is held too,
    // and what is on its way lies in the connections' queues beside. Of a task whose data is a
    // content the answer may be larger than the input: a gamer may have so much of these to read.
    uint64_t unread_bytes = 0;
    for (const auto& [pipe, gamer] : gamer_pipes_) {
        unread_bytes += std::min(gamer.unread(), kBehindBytesFull + kFrameBytes);
    }
    if (payload_bytes > 2 * limits_.memory_max + queued_bytes + unread_bytes) {
        fail("I7", "the coordinator holds %llu payload bytes, its budget is %llu",
             number(payload_bytes), number(limits_.memory_max));
    }
    if (payload_bytes < owed_bytes) {
        fail("I7", "the coordinator counts %llu payload bytes, and owes answers to %llu",
             number(payload_bytes), number(owed_bytes));
    }
    queued_max_ = std::max(queued_max_, queued_bytes);
}

// ---- at the end --------------------------------------------------------------------------------

std::vector<Checkers::PeerView> Checkers::registered_peers() const {
    std::vector<PeerView> views;
    for (const auto& [pipe, peer] : peer_pipes_) {
        const auto copies = std::count_if(
            peer.attempts.begin(), peer.attempts.end(),
            [](const auto& entry) { return entry.second.copy && !entry.second.frees; });
        views.push_back({peer.host, peer.window_tasks, peer.held, static_cast<uint32_t>(copies),
                         peer.attempts.size(), peer.limited});
    }
    return views;
}

std::vector<uint32_t> Checkers::registered_gamers() const {
    std::vector<uint32_t> hosts;
    for (const auto& [pipe, gamer] : gamer_pipes_) hosts.push_back(gamer.host);
    return hosts;
}

std::vector<uint64_t> Checkers::tokens_owed() const {
    std::vector<uint64_t> tokens;
    for (const auto& [pipe, gamer] : gamer_pipes_) {
        for (const auto& [task, submitted] : gamer.tasks) {
            if (submitted.owed && submitted.whole) tokens.push_back(token_of_asked(gamer, task));
        }
    }
    return tokens;
}

std::vector<uint64_t> Checkers::tokens_held(uint32_t host) const {
    std::vector<uint64_t> tokens;
    for (const auto& [pipe, peer] : peer_pipes_) {
        if (peer.host != host) continue;
        for (const auto& [id, attempt] : peer.attempts) {
            if (attempt.state != Attempt::State::kGivenUp) tokens.push_back(attempt.token);
        }
    }
    return tokens;
}

bool Checkers::is_placed(uint64_t token) const {
    for (const auto& [pipe, peer] : peer_pipes_) {
        for (const auto& [id, attempt] : peer.attempts) {
            if (attempt.token == token && attempt.state != Attempt::State::kGivenUp) return true;
        }
    }
    const std::vector<Job>& here = hosts_[0].jobs;
    return std::any_of(here.begin(), here.end(),
                       [&](const Job& job) { return job.token == token; });
}

}  // namespace p2c2r::sim
