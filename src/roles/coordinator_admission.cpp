// How a task comes in at the coordinator: what is checked before it is admitted, and where its
// input is kept. Params and payloads are kept as the slices they arrived in; only envelopes are
// read.
#include <algorithm>
#include <cstring>

#include "core/fault.h"
#include "core/plant.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

bool Coordinator::Impl::add_dependencies(Gamer& gamer, const std::vector<uint64_t>& depends_on,
                                         uint32_t& waits_for, const char*& why) {
    for (uint64_t other : depends_on) {
        if (gamer.tasks.find(other)) {
            if (!P2C2R_PLANT("dependency_ignored")) ++waits_for;
            continue;
        }
        const bool* const is_good = gamer.ended.find(other);
        if (!is_good) {
            why = "depends_on names a task that is not known here";
            return false;
        }
        if (!*is_good) {
            why = "a task that this one depends on has not ended with OK";
            return false;
        }
    }
    return true;
}

void Coordinator::Impl::on_submit(Session& session, const wire::Frame& frame) {
    // A gamer's tasks are mostly alike: an envelope like the one before is not read twice.
    wire::TaskSubmit& message = session.submit;
    const std::span<const uint8_t> envelope = frame.envelope;
    if (!session.submit_envelope.equals(envelope)) {
        session.submit_type = sched::kNoType;
        session.submit_envelope.assign(envelope);
        const std::span<const uint8_t> kept = session.submit_envelope.span();
        if (const char* why = decode(kept.empty() ? envelope : kept, message)) {
            return end_session(session, Status::kProtocol, why);
        }
    }
    if (frame.id == 0) return end_session(session, Status::kProtocol, "task_submit with id 0");
    // The place of one that has ended may be the new one's: its end is told first.
    if (!actions_.empty()) settle();
    Gamer& gamer = *gamers_.find(session.gamer);
    const uint64_t client_task = frame.id;
    ++stats_.submitted;
    if (const uint64_t task = task_of(gamer, client_task)) {
        // Submitted again: harmless while it is whole; an input that was cut off starts anew.
        Relay& again = relay(task);
        if (!again.complete) {
            withdraw(task);
        } else {
            if (again.awaits && asker_of(*again.awaits) == task) ask_content(task);
            if (again.result_begun && !again.result_open && !again.staying) {
                // The beginning of its result went to a connection that is gone.
                again.result_begun = false;
                scheduler_.give_up(task, loop_.turn_us(), actions_);
                settle();
            }
            return;
        }
    }
    if (!gamer.redelivered.empty() && std::find(gamer.redelivered.begin(), gamer.redelivered.end(),
                                                client_task) != gamer.redelivered.end()) {
        return;  // its answer is on the way already
    }
    if (message.task_type.empty()) {
        return answer_error(gamer, client_task, Status::kTaskType, "task_type",
                            "task_type is missing");
    }
    if (message.circle == Circle::kPublic) {
        return answer_error(gamer, client_task, Status::kUnsupported, "circle",
                            "circle public is not available; there are own and invited");
    }
    if (message.verify > VerifyClass::kA) {
        return answer_error(gamer, client_task, Status::kUnsupported, "verify",
                            "verify classes B, C and D are not available; there are A and the "
                            "type's own");
    }
    const bool has_content = message.payload_place != 0;
    if (has_content && !check_content(gamer, client_task, message)) return;
    if (closed_ || draining_) {
        return answer_error(gamer, client_task, Status::kClosed, {}, "the coordinator is closing");
    }
    const bool resubmitted = message.task_flags & task_flag::kResubmitted;
    if (session.submit_type == sched::kNoType) {
        session.submit_type = type_of(session, message.task_type, resubmitted);
    }
    const sched::TypeIndex type = session.submit_type;
    const bool local = type != sched::kNoType && can_run_local(type);
    if (type == sched::kNoType || (!local && !scheduler_.ever_served(type) && !resubmitted)) {
        ++stats_.failed_tasks;
        const bool declared = find_contract_task_type(canonical_task_type(message.task_type));
        return answer_error(
            gamer, client_task, declared ? Status::kUnsupported : Status::kTaskType, "task_type",
            "nobody here runs '" + std::string(message.task_type) + "'; there is: " + types_text());
    }
    const std::string& name = scheduler_.type_name(type);
    const TaskType* known_type = contract_type(type);
    const uint64_t now = loop_.turn_us();
    const uint64_t start_value = known_type ? known_type->deadline_us : options_.task_timeout_us;
    const uint64_t deadline =
        std::min(message.deadline_us.value_or(start_value), options_.task_timeout_us);
    if (deadline == 0) {
        ++stats_.failed_tasks;
        ++stats_.timeouts;
        return answer_timeout(gamer, client_task, "the deadline had passed on arrival");
    }
    uint64_t bytes = frame.params.size() + frame.data.size();
    const bool more = frame.flags & wire::kFlagMore;
    Passage passage;
    if (more) {
        if (!message.sizes) {
            return end_session(session, Status::kProtocol, "a payload in chunks without its sizes");
        }
        const uint64_t params_size = message.sizes->params_size;
        if (params_size > limits::kPayloadSizeMax ||
            message.sizes->data_size > limits::kPayloadSizeMax - params_size) {
            ++stats_.refused_tasks;
            return answer_error(gamer, client_task, Status::kSize, "data",
                                "a payload of more than 64 MiB");
        }
        bytes = params_size + message.sizes->data_size;
        passage.begin(*message.sizes);
        if (const char* why = passage.add(frame)) {
            return end_session(session, Status::kProtocol, why);
        }
    }
    const auto priority = static_cast<int8_t>(std::clamp(message.priority, -128, 127));
    Share& share = *gamer.share;
    if (!make_room(bytes, priority, share) ||
        !process_has_room(frame.params.size() + frame.data.size(), bytes, priority, share)) {
        ++stats_.refused_tasks;
        ++stats_.refused_memory;
        return answer_error(gamer, client_task, Status::kBusy, "memory",
                            "the coordinator holds as many payload bytes as it may", kRetryAfterMs);
    }
    if (const Share::Answer answer = share.ask(bytes, now);
        answer.refusal != Share::Refusal::kNone) {
        ++stats_.refused_tasks;
        ++stats_.refused_share;
        return answer_error(gamer, client_task, Status::kBusy, field_of(answer.refusal),
                            text_of(answer.refusal), retry_after_ms(answer.wait_us));
    }
    if (!share.fits(bytes, options_.gamer_window_bytes)) {
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, "gamer_window_bytes",
                            "this account has as many payload bytes pending as it may",
                            kRetryAfterMs);
    }
    if (gamer.tasks.size() >= limits::kTasksPerGamerMax) {
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, {},
                            "too many pending tasks of this gamer", kRetryAfterMs);
    }
    uint32_t waits_for = 0;
    const char* why = nullptr;
    if (!message.depends_on.empty() &&
        !add_dependencies(gamer, message.depends_on, waits_for, why)) {
        ++stats_.failed_tasks;
        return answer_error(gamer, client_task, Status::kState, "depends_on", why);
    }
    uint64_t content = 0;
    if (has_content) {
        if (!P2C2R_FAULT("content_unknown")) {
            content = contents_.find(digest_of(message.digest), gamer.scope);
        }
        // Their arrival releases it, like the end of another task: that of the content, and that of
        // the rest of a delta, which must be whole for a peer that keeps no contents.
        if (content == 0) ++waits_for;
        if (more) ++waits_for;
    }

    sched::Admission admission;
    admission.type = type;
    admission.account = share.account;
    admission.priority = priority;
    admission.reach.owner = gamer.owner;
    admission.reach.circle = message.circle != Circle::kType ? message.circle
                             : known_type                    ? known_type->circle
                                                             : Circle::kInvited;
    admission.deadline_us = now + deadline;
    admission.start_timeout_us = std::min(start_value, options_.task_timeout_us);
    admission.bytes = bytes;
    if (admission.reach.circle == Circle::kOwn && is_stranger(session)) {
        ++stats_.failed_tasks;
        return answer_error(gamer, client_task, Status::kDenied, "circle",
                            "tasks of circle own come from the coordinator's machine alone: it "
                            "asks nobody for a login");
    }
    // This machine is the operator's.
    admission.can_run_local =
        local && (admission.reach.circle != Circle::kOwn || gamer.owner == OwnerNames::kOperator ||
                  P2C2R_PLANT("own_task_computed_here"));
    // Most tasks ask nothing that could be known: they do not pay for the question either.
    Digest256 digest;
    const auto question = [&] {
        if (has_content) digest = digest_of(message.digest);
        return sched::AnswerCache::Question{type,
                                            admission.reach.circle,
                                            gamer.scope,
                                            has_content ? &digest : nullptr,
                                            frame.params,
                                            frame.data,
                                            (message.task_flags & task_flag::kCodedResult) != 0};
    };
    uint64_t followed = 0;
    const bool shares = known_type && known_type->exact && !more &&
                        may_share(message, type, bytes) && !P2C2R_FAULT("answer_not_shared");
    if (shares) {
        const sched::AnswerCache::Found found = answers_.find(question());
        if (found.answer) return answer_known(session, gamer, client_task, type, *found.answer);
        if (found.entry != 0 && may_follow(found.entry, admission)) {
            followed = found.entry;
            ++waits_for;
        }
    }
    const size_t before = share.pending() - share.flying();
    if (const uint64_t late_us = scheduler_.late_by_us(admission, before, now); late_us > 0) {
        ++stats_.refused_tasks;
        ++stats_.refused_deadline;
        return answer_error(gamer, client_task, Status::kBusy, "deadline",
                            "so many tasks of this account wait that it could not be done by its "
                            "deadline",
                            retry_after_ms(late_us));
    }
    const bool flies = waits_for == 0 && !gamer.behind && share.take_off();
    admission.held = !flies;
    admission.input_open = more;
    uint64_t task = 0;
    try {
        task = P2C2R_FAULT("no_place_for_task") ? 0 : scheduler_.admit(admission, now);
    } catch (const std::bad_alloc&) {
        if (flies) share.landed();
        throw;
    }
    if (task == 0) {
        if (flies) share.landed();
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, {},
                            "the coordinator has as many pending tasks as it may", kRetryAfterMs);
    }
    const uint32_t index = SlotMap<sched::TaskRecord>::index_of(task);
    if (const uint32_t next = scheduler_.next_slot(); next < relays_.size()) {
        p2c2r::fetch_ahead(&relays_[next], Relay::kAhead);
    }
    try {
        for (uint64_t other : message.depends_on) {
            if (gamer.tasks.find(other)) gamer.dependents[other].push_back(task);
        }
        relays_.grow(index + 1u);
        if (type >= stats_.types.size()) stats_.types.resize(type + 1u);
        if (stats_.types[type].task_type.empty()) stats_.types[type].task_type = name;
        gamer.tasks[client_task] = task;
    } catch (const std::bad_alloc&) {
        if (flies) share.landed();
        // It has no relay record that anybody may look at.
        scheduler_.withdraw(task, now, actions_);
        throw;
    }
    Relay& fresh = relays_[index];
    fresh.gamer = session.gamer;
    fresh.client_task = client_task;
    fresh.type = type;
    fresh.complete = !more;
    fresh.flies = flies;
    share.came();
    fresh.local_waits = fresh.result_begun = fresh.result_open = false;
    fresh.has_content = fresh.asks = false;
    fresh.is_resident = (message.task_flags & task_flag::kResident) && keeps_contents();
    fresh.may_be_coded = (message.task_flags & task_flag::kCodedResult) && !fresh.is_resident;
    fresh.waits_for = waits_for;
    fresh.has_checksum = message.checksum.has_value();
    fresh.checksum = message.checksum.value_or(0);
    fresh.job = 0;
    leave_room_here(fresh);
    fresh.budget = bytes + kTaskOverhead;
    if (P2C2R_PLANT("bytes_not_counted") && more) fresh.budget = 0;
    // Those of the task before it are gone with it.
    fresh.in_chunks = more;
    if (more) {
        fresh.sizes = *message.sizes;
        fresh.input = passage;
    }
    held_bytes_ += fresh.budget;
    share.holds_more(bytes);
    try {
        store_input(fresh, frame);
        if (has_content) attach_content(task, fresh, digest_of(message.digest), content);
        if (shares) attach_question(task, fresh, question(), followed);
        if (!flies && waits_for == 0) take_off(gamer, task);
    } catch (const std::bad_alloc&) {
        withdraw(task);
        throw;
    }
    request_turn_end();
}

void Coordinator::Impl::store_input(Relay& input, const wire::Frame& frame) {
    if (!input.complete) {
        input.chunks.push_back(
            {hold_or_copy(frame, frame.params), hold_or_copy(frame, frame.data)});
    } else if (frame.params.size() + frame.data.size() > Relay::kSmallMax) {
        const bool small =
            frame.params.size() < kHoldThreshold && frame.data.size() < kHoldThreshold;
        if (small && !P2C2R_FAULT("input_copied") && (input.hold = small_holds_.hold(frame))) {
            input.whole.params = Bytes::borrow(frame.params);
            input.whole.data = Bytes::borrow(frame.data);
            return;
        }
        input.whole.params = hold_or_copy(frame, frame.params);
        input.whole.data = hold_or_copy(frame, frame.data);
    } else {
        uint8_t* const data = input.small.data() + frame.params.size();
        copy_run(input.small.data(), frame.params.data(), frame.params.size());
        copy_run(data, frame.data.data(), frame.data.size());
        input.whole.params = Bytes::borrow({input.small.data(), frame.params.size()});
        input.whole.data = Bytes::borrow({data, frame.data.size()});
    }
}

void Coordinator::Impl::on_submit_chunk(Session& session, const wire::Frame& frame) {
    Gamer& gamer = *gamers_.find(session.gamer);
    const uint64_t task = task_of(gamer, frame.id);
    if (task == 0) return;  // it has ended meanwhile
    Relay& input = relay(task);
    if (input.complete || !input.in_chunks) return;
    // Before the peer gets to see it: what is wrong with it ends this connection and no other.
    if (const char* why = input.input.add(frame)) {
        return end_session(session, Status::kProtocol, why);
    }
    const bool last = !(frame.flags & wire::kFlagMore);
    Chunk chunk{hold_or_copy(frame, frame.params), hold_or_copy(frame, frame.data)};
    input.chunks.push_back(chunk);
    // Complete only when it is: short of memory the chunk is not there, and the gamer sends anew.
    if (last) {
        input.complete = true;
        if (!scheduler_.input_complete(task, loop_.turn_us())) end_for_memory(task);
        if (input.has_content) waits_less(task);
        request_turn_end();  // there may be a deadline before the one that the timer waits for
    } else {
        scheduler_.input_continues(task, chunk.size(), loop_.turn_us());
    }
    forward_input(task, input, std::move(chunk), last);
}

// Passes a chunk on to the peer that has the task already, if any.
void Coordinator::Impl::forward_input(uint64_t task, Relay& input, Chunk&& chunk, bool last) {
    const sched::TaskRecord* record = scheduler_.find(task);
    if (!record) return;
    if (record->state == sched::TaskRecord::State::kLocal) {
        if (last && input.local_waits) {
            input.local_waits = false;
            run_local(task);
        }
        return;
    }
    if (record->state != sched::TaskRecord::State::kLeased) return;
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(record->run.peer);
    PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
    if (!link || link->id != record->run.peer || !link->session) return;
    Session& to = *link->session;
    try {
        to.out.append(record->run.attempt_id, std::move(chunk), last);
        to.out.pump(*to.connection);
    } catch (const std::bad_alloc&) {
        session_lost(to, Status::kMemory, "memory is short");  // a stream with a gap is none
    }
}

}  // namespace p2c2r::roles
