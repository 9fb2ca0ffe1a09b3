// The gamers' side of the checkers' model of the wire: what they have submitted, and which answers
// they are owed.
#include <algorithm>

#include "model/task_type.h"
#include "sim/checkers.h"
#include "sim/envelope_view.h"
#include "sim/wire_fields.h"

namespace p2c2r::sim {

namespace {

using wire::Message;

constexpr int64_t kSourceCache = 4;
// Answers that wait for one gamer while it is away.
constexpr uint32_t kKeptMax = 64;

bool is_text(std::span<const uint8_t> bytes, std::string_view text) {
    return std::equal(
        bytes.begin(), bytes.end(), text.begin(), text.end(),
        [](uint8_t byte, char letter) { return byte == static_cast<uint8_t>(letter); });
}
// What a gamer leaves to its task's type: those that the contract names have values of their own.
int64_t deadline_of(std::span<const uint8_t> type) {
    const std::string name(type.begin(), type.end());
    const TaskType* const known = find_contract_task_type(canonical_task_type(name));
    return known ? static_cast<int64_t>(known->deadline_us) : INT64_MAX;
}

}  // namespace

// ---- whose tasks, and how many bytes of them ---------------------------------------------------

// What a gamer's id stands for. A trial or a part has an id that its client has made up, and says
// in its params what it is; a client that was started anew makes up the same ones for others.
uint64_t Checkers::token_of_asked(const GamerPipe& gamer, uint64_t id) const {
    const uint64_t token = token_of(gamer.host, id);
    if (!is_trial(id) && !is_part(id)) return token;
    const auto task = gamer.tasks.find(id);
    if (task != gamer.tasks.end() && task->second.token != 0) return task->second.token;
    const auto alias = aliases_.find(token);
    return alias == aliases_.end() ? token : alias->second;
}

uint64_t Checkers::token_of_submit(const GamerPipe& gamer, const wire::Frame& frame) {
    const uint64_t id = token_of(gamer.host, frame.id);
    if (!is_trial(frame.id) && !is_part(frame.id)) return id;
    const uint64_t token = decode_word('t', frame.params).value_or(id);
    aliases_[id] = token;
    bool is_copy = is_trial(frame.id);
    if (is_copy) coverage_.hit(Sometimes::kTrialSent);
    if (is_part(frame.id)) {
        const auto known = part_ids_.try_emplace(token, frame.id).first;
        const bool is_other = std::exchange(known->second, frame.id) != frame.id;
        // A part of a trial that is in parts, too. One that was refused has ended.
        is_copy = is_other && tracked_[token].live;
        if (is_other && !is_copy) coverage_.hit(Sometimes::kPartAgain);
    }
    tracked_[token].is_tried |= is_copy;
    return token;
}

void Checkers::answer_heard(uint64_t token, uint64_t bytes) {
    if (bytes == 0) return;
    for (auto& [pipe, gamer] : gamer_pipes_) {
        if (gamer.host != host_of_token(token)) continue;
        gamer.answers_heard += bytes;
        tracked_[token].heard_bytes += bytes;
        look_if_behind(gamer);
    }
}

void Checkers::look_if_behind(GamerPipe& gamer) {
    const uint64_t unread = gamer.unread();
    const bool is_full = may_memory_be_full();
    const uint64_t mark = is_full ? kBehindBytesFull : kBehindBytes;
    if (unread >= mark - mark / 16) gamer.behind = true;  // heads are not counted
    if (!gamer.behind || unread > (is_full ? kBehindBytesFull / 2 : net::kSendLowMark)) return;
    gamer.behind = false;
    const SimLoop& loop = *hosts_[0].loop;
    gamer.behind_until_us = world_.now_us() + 2 * kBehindLookUs + loop.late_us_max();
}

// In a turn more may come than there is at its end, and answers that are kept are not told of.
bool Checkers::may_memory_be_full() const {
    const uint64_t more = limits_.memory_max / 8 + kBehindBytes;
    return payload_held_ + more > limits_.memory_max / 10 * 9;
}

// Its answer is on the way, so that its bytes are held less and less.
void Checkers::let_go(GamerPipe& gamer, Submitted& task) {
    if (task.owed) gamer.owed_bytes -= task.bytes;
    task.bytes = 0;
}

void Checkers::set_owed(GamerPipe& gamer, Submitted& task, bool owed) {
    if (task.owed == owed) return;
    task.owed = owed;
    if (owed) {
        gamer.owed_bytes += task.bytes;
    } else {
        gamer.owed_bytes -= task.bytes;
    }
}

// ---- coordinator and gamer ---------------------------------------------------------------------

void Checkers::coordinator_hears_gamer(GamerPipe& gamer, const wire::Frame& frame) {
    switch (frame.message) {
        case Message::kTaskSubmit:
            return submit_heard(gamer, frame);
        case Message::kTaskCancel: {
            // With anything in its envelope it may be garbage, and end the connection instead.
            const bool plain = frame.envelope.size() == 1 && frame.envelope[0] == 0x80;
            const auto found = gamer.tasks.find(frame.id);
            if (!plain || found == gamer.tasks.end()) return;
            set_owed(gamer, found->second, false);
            waiting_.erase({gamer.pipe, frame.id});
            saw_end(token_of_asked(gamer, frame.id), true);
            return is_over(token_of_asked(gamer, frame.id));
        }
        case Message::kGoodbye:
            // With a status it could not go on, and may be back.
            if (EnvelopeView(frame.envelope).number(key::kStatus).value_or(0) != 0) return;
            // It wants nothing any more.
            for (auto& [id, task] : gamer.tasks) {
                if (task.owed) is_over(token_of_asked(gamer, id));
                set_owed(gamer, task, false);
            }
            return;
        default:
            return;
    }
}

void Checkers::submit_heard(GamerPipe& gamer, const wire::Frame& frame) {
    if (!is_first(frame)) {
        const auto found = gamer.tasks.find(frame.id);
        if (found != gamer.tasks.end() && is_last(frame)) {
            found->second.whole = true;
            Tracked& tracked = tracked_[token_of_asked(gamer, frame.id)];
            if (tracked.live && !std::exchange(tracked.whole, true)) {
                made_whole_ = token_of_asked(gamer, frame.id);
            }
        }
        return;
    }
    if (frame.id == 0) return;
    const EnvelopeView view(frame.envelope);
    if (!view.has(key::kTaskType)) return;  // no task type: malformed, the connection ends
    std::set<uint64_t>& known = known_[gamer.host];
    Submitted& task = gamer.tasks[frame.id];
    if (task.submits > 0) {
        coverage_.hit(task.owed ? Sometimes::kSameIdAgain : Sometimes::kUsedIdAgain);
    } else if (known.count(frame.id)) {
        coverage_.hit(Sometimes::kResubmitted);
    }
    known.insert(frame.id);
    ++task.submits;
    set_owed(gamer, task, false);
    const uint64_t bytes = static_cast<uint64_t>(
        view.sum_of_pair(key::kSizes)
            .value_or(static_cast<int64_t>(frame.params.size() + frame.data.size())));
    task.bytes = bytes;
    if (task.streaming) let_go(gamer, task);  // an answer that had waited is on the way
    task.whole = is_last(frame);
    task.token = token_of_submit(gamer, frame);
    if (!task.whole) coverage_.hit(Sometimes::kInputInChunks);

    Tracked& tracked = tracked_[token_of_asked(gamer, frame.id)];
    const std::span<const uint8_t> type = view.bytes(key::kTaskType);
    const uint64_t remaining =
        std::min(static_cast<uint64_t>(view.number(key::kDeadline).value_or(deadline_of(type))),
                 limits_.task_timeout_us);
    if (remaining == 0) coverage_.hit(Sometimes::kZeroDeadline);
    // What was answered while its gamer was away is not computed again if that answer was kept. One
    // that came later passes by, and nobody knows of it any more when its task comes again: this is
    // another task then, which is owed another answer, also while the first one still goes out.
    task.may_be_kept =
        gamer.resumed && tracked.answered && tracked.answered_at < gamer.registered_at;
    const bool comes = task.may_be_kept && task.streaming && task.is_early;
    set_owed(gamer, task, !task.redelivered && !comes);
    // Its answer is in, though the gamer has not read it yet: this begins another life.
    if (tracked.live && tracked.answered) is_over(token_of_asked(gamer, frame.id));
    const uint64_t deadline_us = hosts_[0].loop->now_us() + remaining;
    const bool is_pending = tracked.live && hosts_[0].loop->now_us() <= tracked.deadline_us;
    tracked.deadline_us = std::max(tracked.deadline_us, deadline_us);
    tracked.deadline_least_us =
        tracked.live ? std::min(tracked.deadline_least_us, deadline_us) : deadline_us;
    // What is pending and whole stays so, whatever is submitted under its id.
    tracked.whole = (is_pending && tracked.whole) || task.whole;
    // A content may go to its peer along with the task, in chunks that wait for each other.
    tracked.chunked |= !task.whole || view.has(key::kPayloadPlace);
    if (tracked.chunked) chunked_.insert(token_of_asked(gamer, frame.id));
    if (!tracked.live) {
        tracked.after.clear();
        for (const uint64_t other : view.numbers(key::kDependsOn)) {
            const Tracked& first = tracked_[token_of(gamer.host, other)];
            if (other != frame.id && first.live) tracked.after.emplace_back(other, first.life);
        }
    }
    tracked.live = true;
    turn_asked(gamer.host, token_of_asked(gamer, frame.id), type);
    tracked.type = is_text(type, kTypeEcho)    ? TaskType::kEcho
                   : is_text(type, kTypeDwell) ? TaskType::kDwell
                                               : TaskType::kOther;
    tracked.priority = view.number(key::kPriority).value_or(0);
    const int64_t circle = view.number(key::kCircle).value_or(0);
    tracked.circle = circle == 0 ? Circle::kInvited : static_cast<Circle>(circle);
    tracked.gamer = gamer.host;
    tracked.answered = false;
    tracked.assigns = tracked.refusals = tracked.not_begun = tracked.copies = 0;
    tracked.stalled = false;
    tracked.cause = Sometimes::kCount;
    tracked.bytes = bytes;
    tracked.submitted_us = world_.now_us();
    // One that waits for others, or for its content, may be held back, whichever of its submits
    // counts.
    tracked.depends |= view.has(key::kDependsOn) || view.has(key::kPayloadPlace);
    if (task.owed && tracked.type != TaskType::kOther && !tracked.depends) {
        waiting_[{gamer.pipe, frame.id}] = token_of_asked(gamer, frame.id);
    } else {
        waiting_.erase({gamer.pipe, frame.id});
    }
}

void Checkers::coordinator_sends_to_gamer(GamerPipe& gamer, const wire::Frame& frame) {
    if (frame.message == Message::kTaskTimeout) {
        coverage_.hit(Sometimes::kTaskTimeout);
        saw_end(token_of_asked(gamer, frame.id), false);
    }
    if (frame.message == Message::kTaskTimeout || frame.message == Message::kResultDelivery) {
        answer_sent(gamer, frame);
    }
}

void Checkers::answer_sent(GamerPipe& gamer, const wire::Frame& frame) {
    const uint64_t id = frame.id;
    Submitted& task = gamer.tasks[id];
    const EnvelopeView view(frame.envelope);
    const bool delivery = frame.message == Message::kResultDelivery;
    const bool good = delivery && view.number(key::kStatus).value_or(0) == 0;
    const uint64_t token = token_of_asked(gamer, id);
    if (is_first(frame)) {
        task.answer_life = tracked_[token].life;
        task.is_early = task.submits == 0;
    }
    if (is_first(frame) && good) {
        if (task.streaming) coverage_.hit(Sometimes::kResultRestarted);
        task.streaming = !is_last(frame);
        if (task.streaming) let_go(gamer, task);
        const auto stamp = decode_word('s', frame.params);
        const auto valid = stamp ? valid_stamps_.find(*stamp) : valid_stamps_.end();
        if (valid == valid_stamps_.end() || valid->second.token != token) {
            fail("I3", "%s is sent a result of task %llu that no peer gave for an attempt it held",
                 name(gamer.host), number(id));
        } else if (view.number(key::kSource) == kSourceCache) {
            coverage_.hit(Sometimes::kFromCache);  // an earlier life's answer, to this one
        } else {
            task.answer_life = valid->second.life;
        }
        if (view.number(key::kSource).value_or(1) == 2) coverage_.hit(Sometimes::kByCoordinator);
        const auto stays = static_cast<uint64_t>(view.number(key::kContentSize).value_or(0));
        if (view.has(key::kDigest)) resident_sent(gamer, token, stays);
    }
    if (!is_last(frame)) return;
    task.streaming = false;
    tracked_[token].heard_bytes = 0;
    // The end of an answer may come after its id was submitted once more.
    const Tracked& tracked = tracked_[token];
    // One that was kept may go out behind others, and answers what is submitted once meanwhile.
    const bool was_kept = task.may_be_kept && task.submits == 1;
    if (task.answer_life == tracked.life || tracked.is_tried || was_kept) {
        waiting_.erase({gamer.pipe, id});
        is_over(token);
        set_owed(gamer, task, false);
    }
    if (task.is_early) {
        if (!gamer.resumed || !known_[gamer.host].count(id)) {
            fail("I1", "%s is sent an answer to task %llu, which it has not submitted",
                 name(gamer.host), number(id));
        }
        if (!task.redelivered) coverage_.hit(Sometimes::kKeptDelivery);
        task.redelivered = true;
        // They go out with the response; later ones are of tasks that went on.
        if (gamer.registered_us == world_.now_us() && ++gamer.kept > kKeptMax) {
            fail("I7", "%u answers were kept for %s while it was away", gamer.kept,
                 name(gamer.host));
        }
    }
    ++task.answers;
    if (task.answers > task.submits + (task.redelivered ? 1 : 0)) {
        fail("I1", "%s is sent %u answers to task %llu, submitted %u times on this connection",
             name(gamer.host), task.answers, number(id), task.submits);
    }
}

}  // namespace p2c2r::sim
