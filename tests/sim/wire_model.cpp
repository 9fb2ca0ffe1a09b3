// The checkers' model of the wire: which attempts peers hold. The gamers' side is in
// wire_gamers.cpp.
#include <algorithm>
#include <cstring>

#include "sim/checkers.h"
#include "sim/envelope_view.h"
#include "sim/wire_fields.h"

namespace p2c2r::sim {

namespace {

using wire::Message;

// A task with less than this may go to two peers at once.
constexpr int64_t kShortUs = 60'000;
constexpr uint64_t kSilentUs = 14'000;
constexpr uint32_t kDispatchesPerCopy = 20;

bool same(uint8_t byte, char letter) {
    return byte == static_cast<uint8_t>(letter);
}
// Does a list in the envelope hold this short string?
bool lists_text(std::span<const uint8_t> envelope, std::string_view text) {
    std::string entry(1, static_cast<char>(0xa0 | text.size()));
    entry += text;
    return std::search(envelope.begin(), envelope.end(), entry.begin(), entry.end(), same) !=
           envelope.end();
}

}  // namespace

void Checkers::trace_frame(const char* what, uint64_t pipe, uint32_t host,
                           const wire::Frame& frame) {
    if (!trace_.on() || frame.message == Message::kHeartbeat) return;
    const char* message = wire::message_name(frame.message);
    trace_.line(world_.now_us(), "%s %s %s (connection %llu to %s) id %llx%s, %zu + %zu bytes",
                name(host), what, message ? message : "an unknown message", number(pipe),
                name(network_.other_host(pipe, host)), number(frame.id),
                is_last(frame) ? "" : " more", frame.params.size(), frame.data.size());
}

// One turn may queue more than the limit. Its end closes the connection then.
void Checkers::check_queue(uint64_t pipe, uint32_t host, size_t queued) {
    if (queued <= limits_.send_limit) {
        if (!above_limit_.empty()) above_limit_.erase({pipe, host});
        return;
    }
    const uint64_t since = above_limit_.try_emplace({pipe, host}, world_.now_us()).first->second;
    if (since == world_.now_us()) return;
    fail("I7", "%s goes on with %zu bytes queued on a connection, the limit is %zu", name(host),
         queued, limits_.send_limit);
}

void Checkers::on_sent(uint64_t pipe, uint32_t host, const wire::Frame& frame, size_t queued) {
    trace_frame("sends", pipe, host, frame);
    if (frame.message == Message::kContentWant) {
        const bool to_gamer = hosts_[host].kind == Kind::kCoordinator;
        coverage_.hit(to_gamer ? Sometimes::kContentWanted : Sometimes::kContentAtPeer);
    }
    if (frame.message == Message::kContentPut && !is_last(frame)) {
        coverage_.hit(Sometimes::kContentInChunks);
    }
    const bool chunk = !is_first(frame) || !is_last(frame);
    if (chunk && queued >= net::kSendHighMark && hosts_[host].real) {
        fail("I7", "%s feeds a stream to a connection with %zu bytes queued, the mark is %zu",
             name(host), queued, net::kSendHighMark);
    }
    check_queue(pipe, host, queued);
    const auto peer = peer_pipes_.find(pipe);
    if (hosts_[host].kind != Kind::kCoordinator) {
        if (peer != peer_pipes_.end()) peer_sends(peer->second, frame);
        if (frame.message == Message::kContentWant && peer != peer_pipes_.end()) {
            stage_lacks(peer->second, frame.id);
        }
        if (frame.message == Message::kTaskSubmit && !to_submit_.empty()) {
            to_submit_[host].erase(frame.id);
        }
        return;
    }
    if (frame.message == Message::kGoodbye && EnvelopeView(frame.envelope).number(key::kStatus) ==
                                                  static_cast<int64_t>(Status::kExists)) {
        coverage_.hit(Sometimes::kReplacedConnection);
    }
    if (peer != peer_pipes_.end()) return coordinator_sends_to_peer(peer->second, frame);
    const auto gamer = gamer_pipes_.find(pipe);
    if (gamer != gamer_pipes_.end()) {
        gamer->second.answers_sent += frame.data.size();
        look_if_behind(gamer->second);
        return coordinator_sends_to_gamer(gamer->second, frame);
    }
    registered(pipe, network_.other_host(pipe, host), frame);
}

void Checkers::on_delivered(uint64_t pipe, uint32_t host, const wire::Frame& frame) {
    trace_frame("gets", pipe, host, frame);
    const auto peer = peer_pipes_.find(pipe);
    if (hosts_[host].kind == Kind::kCoordinator) {
        made_whole_ = 0;
        ++heard_;
        if (peer != peer_pipes_.end()) return coordinator_hears_peer(peer->second, frame);
        if (frame.message == Message::kContentPut && is_first(frame)) content_brought(frame);
        const auto gamer = gamer_pipes_.find(pipe);
        if (gamer != gamer_pipes_.end()) return coordinator_hears_gamer(gamer->second, frame);
        if (frame.message == Message::kPeerRegister || frame.message == Message::kGamerRegister) {
            const EnvelopeView view(frame.envelope);
            const std::span<const uint8_t> token = view.bytes(key::kToken);
            registering_[pipe] = {view.has(key::kResume),
                                  static_cast<uint32_t>(view.number(key::kWindowTasks).value_or(0)),
                                  static_cast<uint64_t>(view.number(key::kWindowBytes).value_or(0)),
                                  static_cast<uint32_t>(view.number(key::kSlots).value_or(1)),
                                  lists_text(frame.envelope, kTypeEcho),
                                  lists_text(frame.envelope, kTypeDwell),
                                  view.number(key::kCircleAccepted).value_or(2) == 1,
                                  view.has(key::kBeatInterval),
                                  {token.begin(), token.end()}};
        }
        return;
    }
    if (frame.message == Message::kGamerRegisterResponse && hosts_[host].real &&
        EnvelopeView(frame.envelope).truth(key::kSuccess)) {
        for (const auto& [task, asked] : asked_[host]) {
            if (asked.goes_out) to_submit_[host].insert(task);
        }
    }
    if (const auto gamer = gamer_pipes_.find(pipe); gamer != gamer_pipes_.end()) {
        gamer->second.answers_got += frame.data.size();
        look_if_behind(gamer->second);
    }
    if (peer == peer_pipes_.end()) return;
    if (frame.message == Message::kTaskAssign && is_first(frame)) {
        const auto attempt = peer->second.attempts.find(frame.id);
        if (attempt != peer->second.attempts.end()) {
            attempt->second.delivered = true;
            if (const auto left = EnvelopeView(frame.envelope).number(key::kDeadline)) {
                attempt->second.until_us =
                    hosts_[host].loop->now_us() + static_cast<uint64_t>(*left);
            }
        }
    }
    if (frame.message == Message::kTaskCancel) {
        coverage_.hit(Sometimes::kCancelReachesPeer);
        const auto attempt = peer->second.attempts.find(frame.id);
        if (hosts_[host].real && attempt != peer->second.attempts.end()) {
            attempt->second.cancelled = true;
            to_cancel_.emplace_back(host, attempt->second.token);
        }
    }
}

void Checkers::registered(uint64_t pipe, uint32_t host, const wire::Frame& frame) {
    const bool is_peer = frame.message == Message::kPeerRegisterResponse;
    if (!is_peer && frame.message != Message::kGamerRegisterResponse) return;
    const Registering asked = registering_[pipe];
    registering_.erase(pipe);
    const EnvelopeView view(frame.envelope);
    if (!view.truth(key::kSuccess)) {
        const bool refused = view.number(key::kStatus) == static_cast<int64_t>(Status::kAuth);
        coverage_.hit(refused ? Sometimes::kLoginRefused : Sometimes::kIdTaken);
        return;
    }
    people_.registered(host, asked.token);
    if (people_.is_revoked(host)) fail("I15", "%s is let in, and was revoked", name(host));
    if (!is_peer) {
        GamerPipe& gamer = gamer_pipes_[pipe];
        gamer.pipe = pipe;
        gamer.host = host;
        gamer.resumed = asked.resumes;
        gamer.registered_us = world_.now_us();
        gamer.registered_at = heard_;
        // Of what has not arrived there some waits for it here, and the rest is lost.
        if (asked.resumes) gamer.answers_heard = unread_before_[host];
        return;
    }
    PeerPipe& peer = peer_pipes_[pipe];
    peer.host = host;
    peer.window_tasks = peer.window_most = asked.window_tasks;
    peer.window_bytes = asked.window_bytes;
    peer.slots = asked.slots;
    peer.runs_echo = asked.runs_echo;
    peer.runs_dwell = asked.runs_dwell;
    peer.limited = asked.limited;
    peer.beats = asked.beats;
    peer.heard_us = hosts_[0].loop->now_us();
}

void Checkers::on_end_gone(uint64_t pipe, uint32_t host) {
    trace_.line(world_.now_us(), "%s's end of connection %llu is gone", name(host), number(pipe));
    if (hosts_[host].kind == Kind::kPeer) {
        for (Job& job : hosts_[host].jobs) job.orphan = true;
        return;
    }
    if (hosts_[host].kind != Kind::kCoordinator) return;
    registering_.erase(pipe);
    if (const auto gamer = gamer_pipes_.find(pipe); gamer != gamer_pipes_.end()) {
        // The rest of an input that was cut off will never come.
        for (const auto& [id, task] : gamer->second.tasks) {
            const uint64_t token = token_of_asked(gamer->second, id);
            if (task.owed && !tracked_[token].whole) is_over(token);
        }
        unread_before_[gamer->second.host] = gamer->second.unread();
        gamer_pipes_.erase(gamer);
    }
    waiting_.erase(waiting_.lower_bound({pipe, 0}), waiting_.lower_bound({pipe + 1, 0}));
    const auto peer = peer_pipes_.find(pipe);
    if (peer == peer_pipes_.end()) return;
    for (auto& [id, attempt] : peer->second.attempts) {
        if (attempt.state != Attempt::State::kGivenUp) {
            tracked_[attempt.token].cause = Sometimes::kRetryAfterLoss;
        }
        give_up(attempt);
    }
    peer_pipes_.erase(peer);
}

// ---- coordinator and peer ----------------------------------------------------------------------

void Checkers::coordinator_sends_to_peer(PeerPipe& peer, const wire::Frame& frame) {
    if (frame.message == Message::kTaskAssign && is_first(frame)) assign_sent(peer, frame);
    if (frame.message == Message::kTaskCancel) {
        const auto found = peer.attempts.find(frame.id);
        if (found == peer.attempts.end()) {
            // It would never be answered, and the coordinator waits for that to free the slot.
            fail("I9", "%s is told to give up id %llx, which it does not hold", name(peer.host),
                 number(frame.id));
            return;
        }
        Tracked& task = tracked_[found->second.token];
        task.cause = Sometimes::kRetryAfterTimeout;
        task.given_up_us = world_.now_us();
        if (task.live && !task.whole && found->second.state == Attempt::State::kOpen &&
            may_look_silent(peer)) {
            task.cause = Sometimes::kRetryAfterSilence;
            ++task.refusals;
        } else if (task.live && !task.whole && found->second.state == Attempt::State::kOpen) {
            // Others waited for its slot while its input did not come. That is no attempt.
            task.stalled = true;
            task.cause = Sometimes::kWholeAfterStall;
            ++task.refusals;
        } else {
            given_up_alone(peer, found->second, task);
        }
        give_up(found->second);
    }
}

bool Checkers::may_look_silent(const PeerPipe& peer) const {
    return peer.beats && (!peer.attempts.empty() || peer.owes_sign) &&
           hosts_[0].loop->now_us() >= peer.heard_us + kSilentUs;
}

// Another peer has this task, and goes on with it.
void Checkers::check_copy(const PeerPipe& peer, uint64_t token, Tracked& task,
                          int64_t remaining_us) {
    bool silent = false;
    for (const auto& [pipe, other] : peer_pipes_) {
        for (const auto& [id, attempt] : other.attempts) {
            if (attempt.token != token || attempt.state == Attempt::State::kGivenUp) continue;
            silent |= may_look_silent(other);
            if (&other != &peer) continue;
            fail("I10", "%s is given %s's task %llu, which it has already", name(peer.host),
                 name(host_of_token(token)), number(task_of_token(token)));
        }
    }
    if (task.open > 1) {
        fail("I10", "%s's task %llu is given to a third peer at the same time",
             name(host_of_token(token)), number(task_of_token(token)));
    }
    ++task.copies;
    const bool is_short = remaining_us < kShortUs;
    coverage_.hit(silent     ? Sometimes::kCopyForSilence
                  : is_short ? Sometimes::kCopyAtOnce
                             : Sometimes::kCopyOfLate);
    if (silent || is_short) return;
    if (++late_copies_ * kDispatchesPerCopy <= dispatches_ + unseen_dispatches()) return;
    fail("I9", "%s's task %llu is copied: the %lluth copy of %llu dispatches",
         name(host_of_token(token)), number(task_of_token(token)), number(late_copies_),
         number(dispatches_));
}

void Checkers::assign_sent(PeerPipe& peer, const wire::Frame& frame) {
    const EnvelopeView view(frame.envelope);
    const uint64_t token = decode_word('t', frame.params).value_or(0);
    const auto held = peer.attempts.find(frame.id);
    if (held != peer.attempts.end() && !held->second.frees) {
        fail("I9", "%s is given id %llx while it holds another attempt under it", name(peer.host),
             number(frame.id));
    }
    Tracked& task = tracked_[token];
    if (token != 0 && !task.live && !task.is_tried) {
        fail("I9", "%s is given %s's task %llu, which is over", name(peer.host),
             name(host_of_token(token)), number(task_of_token(token)));
    }
    if (task.live && task.stalled && !task.whole && !task.is_tried) {
        fail("I9", "%s is given %s's task %llu, whose input has stalled and is not whole",
             name(peer.host), name(host_of_token(token)), number(task_of_token(token)));
    }
    if (token != 0) check_circle(peer, token, task);
    if (token != 0) check_may_start(token, task);
    if (token != 0) check_move(peer, token, task);
    turn_served(peer, token, task);
    Attempt attempt;
    attempt.token = token;
    attempt.life = task.life;
    attempt.bytes = task.bytes;
    attempt.order = ++orders_;
    attempt.sent_us = hosts_[0].loop->now_us();
    const std::span<const uint8_t> nonce = view.bytes(key::kAttempt);
    if (nonce.size() == attempt.nonce.size()) {
        std::memcpy(attempt.nonce.data(), nonce.data(), nonce.size());
    }
    if (peer.held > 0 && peer.held_bytes + attempt.bytes > peer.window_bytes) {
        fail("I9", "%s is given %llu bytes beside the %llu it holds, its window is %llu",
             name(peer.host), number(attempt.bytes), number(peer.held_bytes),
             number(peer.window_bytes));
    }
    attempt.copy = task.open > 0 && !task.is_tried;
    if (attempt.copy) {
        check_copy(peer, token, task, view.number(key::kDeadline).value_or(INT64_MAX));
    } else {
        ++dispatches_;
    }
    peer.attempts[frame.id] = attempt;
    peer.owes_sign = true;
    ++peer.held;
    peer.held_bytes += attempt.bytes;
    // The head of a stream may have waited behind others since it was decided.
    const uint32_t window = is_last(frame) ? peer.window_tasks : peer.window_most;
    if (peer.held > window) {
        fail("I9", "%s is given a task that makes %u, its window is %u", name(peer.host), peer.held,
             window);
    }
    if (peer.held == peer.window_tasks) coverage_.hit(Sometimes::kWindowReached);

    if (has_waited(task)) {
        task.waited = true;
        // Perhaps since another peer still had it: then this is a copy, and no attempt.
        task.copies += task.assigns > 0;
    }
    task.answered = false;
    ++task.open;
    ++task.assigns;
    // What was given before its last submit may be refused after it.
    const int64_t tries = static_cast<int64_t>(task.assigns) - task.refusals - task.copies;
    if (tries > kAttemptsMax && !task.is_tried) {
        fail("I9", "%s's task %llu is tried for the %lldth time", name(host_of_token(token)),
             number(task_of_token(token)), static_cast<long long>(tries));
    }
    if (task.assigns > 1 && task.cause != Sometimes::kCount && !attempt.copy) {
        coverage_.hit(task.cause);
    }
    if (tries == kAttemptsMax) coverage_.hit(Sometimes::kThirdAttempt);
    if (task.assigns == 1 && world_.now_us() > task.submitted_us) {
        coverage_.hit(Sometimes::kQueued);
    }
    // A stream's head may wait behind other streams with what remained when it was decided.
    if (const auto remaining = is_last(frame) ? view.number(key::kDeadline) : std::nullopt) {
        const uint64_t until = hosts_[0].loop->now_us() + static_cast<uint64_t>(*remaining);
        if (*remaining > 0 && until > task.deadline_us + 1 && !task.is_tried) {
            fail("I9", "%s's task %llu goes to %s with %llu us more than its deadline leaves",
                 name(host_of_token(token)), number(task_of_token(token)), name(peer.host),
                 number(until - task.deadline_us));
        }
    }
}

void Checkers::coordinator_hears_peer(PeerPipe& peer, const wire::Frame& frame) {
    const EnvelopeView view(frame.envelope);
    peer.heard_us = hosts_[0].loop->now_us();
    peer.owes_sign = false;
    switch (frame.message) {
        case Message::kTaskResult:
            return result_heard(peer, frame);
        case Message::kHeartbeat:
            if (const auto window = view.number(key::kWindowTasks)) {
                peer.window_tasks = static_cast<uint32_t>(*window);
                peer.window_most = std::max(peer.window_most, peer.window_tasks);
            }
            return;
        case Message::kTaskRefuse: {
            const auto found = peer.attempts.find(frame.id);
            if (found == peer.attempts.end()) return;
            const std::span<const uint8_t> nonce = view.bytes(key::kAttempt);
            if (!std::equal(nonce.begin(), nonce.end(), found->second.nonce.begin(),
                            found->second.nonce.end())) {
                return;
            }
            coverage_.hit(Sometimes::kRefused);
            if (found->second.state == Attempt::State::kOpen && !found->second.copy) {
                ++tracked_[found->second.token].refusals;
            }
            free_slot(peer, found->second);
            return erase_attempt(peer, found);
        }
        default:
            return;
    }
}

void Checkers::result_heard(PeerPipe& peer, const wire::Frame& frame) {
    const auto found = peer.attempts.find(frame.id);
    if (found == peer.attempts.end()) return;
    Attempt& attempt = found->second;
    const auto size = static_cast<int64_t>(frame.params.size() + frame.data.size());
    answer_heard(attempt.token, frame.data.size());
    if (is_first(frame)) {
        const EnvelopeView view(frame.envelope);
        const std::span<const uint8_t> nonce = view.bytes(key::kAttempt);
        const bool mine =
            std::equal(nonce.begin(), nonce.end(), attempt.nonce.begin(), attempt.nonce.end());
        // Only the first answer to an attempt counts, and only under its nonce; but an answer in
        // parts may start anew before it is whole.
        if (!mine) return;
        if (attempt.frees && attempt.state == Attempt::State::kGivenUp) {
            return erase_attempt(peer, found);
        }
        const int64_t status = view.number(key::kStatus).value_or(0);
        const bool good = status == 0;
        if (status == static_cast<int64_t>(Status::kDeadline)) {
            said_late_.insert(whole_of(attempt.token));
        }
        if (attempt.state == Attempt::State::kGivenUp) {
            coverage_.hit(Sometimes::kGivenUpAnswered);
            if (says_not_begun(frame)) not_begun_heard(attempt);
        } else if (good) {
            if (const auto stamp = decode_word('s', frame.params)) {
                valid_stamps_[*stamp] = {attempt.token, attempt.life};
            }
            if (!is_last(frame)) coverage_.hit(Sometimes::kResultInChunks);
            attempt.state = Attempt::State::kAnswering;
            if (attempt.copy) coverage_.hit(Sometimes::kCopyAnswers);
        } else {
            tracked_[attempt.token].cause = Sometimes::kRetryAfterError;
        }
        free_slot(peer, attempt);
        attempt.left = is_last(frame) ? 0 : view.sum_of_pair(key::kSizes).value_or(0) - size;
        if (!is_last(frame) && good) return;
    } else {
        attempt.left -= size;
        if (!is_last(frame) || !attempt.frees) return;
        // Less or more than was announced: that ends its connection, and is no answer.
        if (attempt.left != 0) return erase_attempt(peer, found);
    }
    if (attempt.state == Attempt::State::kAnswering) {
        Tracked& task = tracked_[attempt.token];
        task.answered = true;
        task.answered_at = heard_;
    }
    erase_attempt(peer, found);
}

void Checkers::give_up(Attempt& attempt) {
    if (attempt.state == Attempt::State::kGivenUp) return;
    attempt.state = Attempt::State::kGivenUp;
    Tracked& task = tracked_[attempt.token];
    --(attempt.life == task.life ? task.open : task.open_before);
    task.left_us = world_.now_us();
}

void Checkers::is_over(uint64_t token) {
    Tracked& task = tracked_[token];
    task.waited |= has_waited(task);
    if (task.waited) unseen_orders_ += unseen_orders(task);
    task.waited = false;
    task.live = task.whole = task.chunked = task.depends = task.answered = false;
    if (!chunked_.empty()) chunked_.erase(token);
    task.open_before += std::exchange(task.open, 0);
    ++task.life;
    if (!task.is_tried) ended_now_.push_back(token);
}

void Checkers::erase_attempt(PeerPipe& peer, std::map<uint64_t, Attempt>::iterator attempt) {
    give_up(attempt->second);
    peer.attempts.erase(attempt);
}

// The worker has stopped: from now on the slot may be used again.
void Checkers::free_slot(PeerPipe& peer, Attempt& attempt) {
    if (attempt.frees) return;
    attempt.frees = true;
    --peer.held;
    peer.held_bytes -= attempt.bytes;
}

void Checkers::peer_sends(PeerPipe& peer, const wire::Frame& frame) {
    const bool refuses = frame.message == Message::kTaskRefuse;
    if (!refuses && (frame.message != Message::kTaskResult || !is_first(frame))) return;
    if (!hosts_[peer.host].real) return;
    const auto found = peer.attempts.find(frame.id);
    if (found == peer.attempts.end()) return;
    Attempt& answered = found->second;
    const std::span<const uint8_t> nonce = EnvelopeView(frame.envelope).bytes(key::kAttempt);
    if (!std::equal(nonce.begin(), nonce.end(), answered.nonce.begin(), answered.nonce.end())) {
        return;
    }
    answered.answered = true;
    if (says_not_begun(frame)) not_begun_sent(peer, answered);
    const uint64_t token = answered.token;
    std::vector<Job>& jobs = hosts_[peer.host].jobs;
    if (refuses) {
        // Its worker still has to stop, and works for no attempt meanwhile: the task may come back.
        // It may have been told to before, by a cancel that its owner's word came after.
        const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const Job& one) {
            return one.token == token && !one.orphan && (answered.cancelled || !one.cancelled);
        });
        if (job != jobs.end()) job->orphan = true;
        return;
    }
    if (tracked_[token].is_tried) return;
    const auto running = std::count_if(jobs.begin(), jobs.end(), [&](const Job& job) {
        return job.token == token && !job.orphan;
    });
    const auto unanswered =
        std::count_if(peer.attempts.begin(), peer.attempts.end(), [&](const auto& entry) {
            return entry.second.token == token && entry.second.delivered && !entry.second.answered;
        });
    if (running > unanswered) {
        fail("I9", "%s answers for %s's task %llu while its worker still runs", name(peer.host),
             name(host_of_token(token)), number(task_of_token(token)));
    }
}

}  // namespace p2c2r::sim
