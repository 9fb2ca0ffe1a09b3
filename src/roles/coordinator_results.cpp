// A task's way to its peer, and its result's way back: params and payloads are passed on as the
// slices they arrived in; only envelopes are read and written.
#include <algorithm>

#include "core/plant.h"
#include "roles/coordinator_impl.h"
#include "roles/payload_work.h"
#include "sched/attempt_id.h"

namespace p2c2r::roles {

// ---- to the peer -------------------------------------------------------------------------------

void Coordinator::Impl::assign(const sched::Action& action, uint64_t now) {
    const sched::TaskRecord* record = scheduler_.find(action.task);
    if (!record) return;
    const sched::Attempt* run = &record->run;
    if (run->attempt_id != action.attempt_id) run = scheduler_.attempt_at(action.task, action.peer);
    if (!run || run->attempt_id != action.attempt_id) return;
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(action.peer);
    PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
    if (!link || link->id != action.peer || !link->session) return;
    Session& session = *link->session;
    Relay& input = relay(action.task);
    // What the first one has begun goes on beside a copy.
    if (input.result_begun && !run->is_copy) drop_result(input);
    wire::TaskAssign& message = assign_;
    message.task_type = scheduler_.type_name(input.type);
    message.deadline_us = record->deadline_us > now ? record->deadline_us - now : 0;
    if (P2C2R_PLANT("deadline_on_wrong_clock")) message.deadline_us = record->deadline_us;
    message.attempt = run->nonce;
    message.checksum.reset();
    if (input.has_checksum) message.checksum = input.checksum;
    message.sizes.reset();
    if (input.in_chunks) message.sizes = input.sizes;
    message.task_flags = input.may_be_coded ? task_flag::kCodedResult : 0;
    if (input.is_resident) message.task_flags |= task_flag::kResident;
    message.payload_place = 0;
    if (input.has_content) {
        const uint64_t most = scheduler_.peers().find(action.peer)->content_bytes;
        if (contents_.bytes(input.content).size() > most) {
            return assign_whole(action, session, input);
        }
        message.payload_place = 1;
        message.digest = digest_text(contents_.digest(input.content));
    } else {
        message.digest = {};
    }
    encode(message, envelope_);
    const uint8_t flags = input.has_checksum ? wire::kFlagChecksum : 0;
    net::Connection& connection = *session.connection;
    if (!input.in_chunks) {
        connection.send(wire::Message::kTaskAssign, flags, action.attempt_id, envelope_.span(),
                        input.whole.params, input.whole.data);
        if (session.beats && !session.watched) watch(session);
        return;
    }
    session.out.open(wire::Message::kTaskAssign, flags, action.attempt_id, envelope_.span());
    for (size_t i = 0; i < input.chunks.size(); ++i) {
        const bool last = input.complete && i + 1 == input.chunks.size();
        session.out.append(action.attempt_id, Chunk(input.chunks[i]), last);
    }
    session.out.pump(connection);
    if (session.beats) watch(session);
}

// ---- from the peer -----------------------------------------------------------------------------

Course Coordinator::Impl::course_of(uint64_t task, const sched::TaskRecord& record,
                                    const Session& by) const {
    return {record, record.has_copy ? *scheduler_.attempt_at(task, by.peer) : record.run};
}

wire::ResultDelivery Coordinator::Impl::delivery_of(const Course& course,
                                                    const wire::TaskResult& result, uint64_t now) {
    const uint64_t leased = now - course.placed_us;
    wire::ResultDelivery delivery;
    delivery.status = result.status;
    delivery.processing_us = std::min(result.processing_us, leased);
    delivery.network_latency_us = leased - delivery.processing_us;
    delivery.queue_us = course.placed_us - course.admitted_us;
    delivery.attempts = course.attempts;
    delivery.checksum = result.checksum;
    delivery.sizes = result.sizes;
    if (result.coding != Coding::kNone) {
        delivery.coding = result.coding;
        delivery.plain_sizes = result.plain_sizes;
    }
    return delivery;
}

void Coordinator::Impl::accepted(const Course& course, const wire::TaskResult& result,
                                 uint64_t now) {
    TypeStats& type = stats_.types[course.type];
    if (result.status != Status::kOk) {
        ++stats_.failed_tasks;
        ++type.failed;
        return;
    }
    const uint64_t leased = now - course.placed_us;
    const uint64_t processing = std::min(result.processing_us, leased);
    ++stats_.completed_tasks;
    ++type.completed;
    type.processing_us.add(processing);
    stats_.total_us.add(now - course.admitted_us);
    stats_.queue_us.add(course.placed_us - course.admitted_us);
    stats_.processing_us.add(processing);
    stats_.network_us.add(leased - processing);
}

void Coordinator::Impl::fetch_ahead(uint64_t attempt_id) const {
    const uint32_t index = scheduler_.fetch_ahead(attempt_id);
    if (index < relays_.size()) p2c2r::fetch_ahead(&relays_[index], Relay::kAhead);
}

void Coordinator::Impl::on_result(Session& session, const wire::Frame& frame) {
    wire::TaskResult& result = result_;
    if (const char* why = decode(frame.envelope, result)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (frame.next_id != 0) fetch_ahead(frame.next_id);
    const uint64_t now = loop_.turn_us();
    const bool more = frame.flags & wire::kFlagMore;
    const sched::TaskRecord* current = scheduler_.current(session.peer, frame.id, result.attempt);
    if (!current) {
        // Given up earlier, or never given: the scheduler knows which, and frees the slot.
        scheduler_.answered(session.peer, frame.id, result.attempt, result.status,
                            result.processing_us, now, actions_);
        settle();
        return;
    }
    const uint64_t task = sched::task_of(frame.id);
    Relay& waiting = relay(task);
    if (result.coding != Coding::kNone) {
        const size_t params_size =
            frame.params.size() + (more && result.sizes ? result.sizes->params_size : 0);
        const char* const why = waiting.may_be_coded ? check_coded(result.plain_sizes, params_size)
                                                     : "a coded result that nobody asked for";
        if (why) return end_session(session, Status::kProtocol, why);
    }
    if (more && result.status == Status::kOk) {
        if (!result.sizes || result.sizes->params_size > limits::kPayloadSizeMax ||
            result.sizes->data_size > limits::kPayloadSizeMax - result.sizes->params_size) {
            return end_session(session, Status::kProtocol, "a result in chunks with wrong sizes");
        }
        // Begun by another attempt, whose peer has said nothing for a while.
        if (waiting.result_begun) drop_result(waiting);
        waiting.output.begin(*result.sizes);
        if (const char* why = waiting.output.add(frame)) {
            return end_session(session, Status::kProtocol, why);
        }
        scheduler_.answer_begins(task, session.peer, now, actions_);
        request_turn_end();
        // Cut through: what has come goes on while the rest is on its way.
        waiting.result_begun = true;
        waiting.result = result;
        waiting.result.field = waiting.result.error = waiting.result.peer_id = {};
        if (waiting.asks) begin_collecting(task, waiting, *result.sizes, frame);
        if (waiting.is_resident && begin_staying(waiting, *result.sizes, frame)) return;
        Gamer* gamer = gamers_.find(waiting.gamer);
        waiting.result_open = gamer && gamer->session;
        if (!waiting.result_open) return;
        Session& to = *gamer->session;
        encode(delivery_of(course_of(task, *scheduler_.find(task), session), result, now),
               envelope_);
        to.out.open(wire::Message::kResultDelivery, frame.flags & wire::kFlagChecksum,
                    waiting.client_task, envelope_.span());
        to.out.append(waiting.client_task, {frame.hold(frame.params), frame.hold(frame.data)},
                      false);
        to.out.pump(*to.connection);
        return push_back(to, &session);
    }
    // In one frame: sizes say nothing there, and nobody checked them.
    result.sizes.reset();
    // Who has answered wants no more of the input.
    if (waiting.in_chunks) session.out.drop(frame.id);
    const Course course = course_of(task, *current, session);
    const sched::Verdict verdict =
        scheduler_.answered(session.peer, task, result.status, result.processing_us, now, actions_);
    if (verdict != sched::Verdict::kAccepted) return settle();
    request_turn_end();
    Session* to = nullptr;
    try {
        accepted(course, result, now);
        if (waiting.has_content) content_used(session, waiting);
        if (waiting.result_begun) drop_result(waiting);
        if (waiting.is_resident && result.status == Status::kOk) {
            tell_resident(waiting, delivery_of(course, result, now), frame.hold(frame.params),
                          Bytes::copy(frame.data), sha256(frame.data), session.peer);
            if (Gamer* const gamer = gamers_.find(waiting.gamer)) to = gamer->session;
        } else {
            to = tell_result(course, waiting, frame, result, now);
        }
        if (waiting.asks && result.status == Status::kOk) {
            share_answer(task, waiting, frame.params, frame.data, result, account_of(session));
        }
        drop_task(task, result.status == Status::kOk);
    } catch (const std::bad_alloc&) {
        return lose_end(task);
    }
    if (to) push_back(*to, &session);
}

// A result in one frame, to its gamer. Returns the session that it may have to wait in.
Coordinator::Impl::Session* Coordinator::Impl::tell_result(const Course& course, const Relay& relay,
                                                           const wire::Frame& frame,
                                                           const wire::TaskResult& result,
                                                           uint64_t now) {
    Gamer* const gamer = gamers_.find(relay.gamer);
    if (!gamer) return nullptr;
    wire::ResultDelivery delivery = delivery_of(course, result, now);
    delivery.field = result.field;
    delivery.error = result.error;
    encode(delivery, envelope_);
    const uint8_t flags = frame.flags & wire::kFlagChecksum;
    if (gamer->session && frame.params.size() + frame.data.size() < kHoldThreshold) {
        gamer->session->connection->send_copy(wire::Message::kResultDelivery, flags,
                                              relay.client_task, envelope_.span(), frame.params,
                                              frame.data);
        return nullptr;
    }
    deliver(*gamer, relay.client_task, flags, frame.hold(frame.params), frame.hold(frame.data));
    return gamer->session;
}

void Coordinator::Impl::on_result_chunk(Session& session, const wire::Frame& frame) {
    const uint64_t task = scheduler_.task_of_attempt(session.peer, frame.id);
    const bool last = !(frame.flags & wire::kFlagMore);
    if (task == 0) {
        // Given up meanwhile. If that was after its first frame, nothing but its end frees the
        // slot: the worker has answered, and will not answer the cancel.
        if (last) scheduler_.answer_ended(session.peer, frame.id, loop_.turn_us());
        return request_turn_end();
    }
    Relay& waiting = relay(task);
    // Only what follows a first frame with the nonce of this very attempt.
    if (!waiting.result_begun ||
        !scheduler_.is_current(session.peer, frame.id, waiting.result.attempt)) {
        return;
    }
    if (const char* why = waiting.output.add(frame)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (waiting.collected) collect(waiting, frame);
    if (waiting.staying) add_staying(*waiting.staying, frame);
    Gamer* gamer = gamers_.find(waiting.gamer);
    Session* to = waiting.result_open && gamer ? gamer->session : nullptr;
    if (to) {
        to->out.append(waiting.client_task, {frame.hold(frame.params), frame.hold(frame.data)},
                       last);
        to->out.pump(*to->connection);
    }
    if (!last) {
        scheduler_.answer_continues(task, session.peer, loop_.turn_us());
        if (to) push_back(*to, &session);
        return;
    }
    const Course course = course_of(task, *scheduler_.find(task), session);
    const wire::TaskResult result = waiting.result;
    const uint64_t now = loop_.turn_us();
    waiting.result_begun = false;
    const sched::Verdict verdict = scheduler_.answered(
        session.peer, frame.id, result.attempt, result.status, result.processing_us, now, actions_);
    if (verdict != sched::Verdict::kAccepted) return settle();
    request_turn_end();
    try {
        accepted(course, result, now);
        if (waiting.has_content) content_used(session, waiting);
        if (waiting.collected) {
            const std::unique_ptr<Collected> whole = std::move(waiting.collected);
            collecting_bytes_ -= whole->size;
            share_answer(task, waiting, whole->info, whole->data, result, account_of(session));
        }
        if (waiting.staying) {
            const std::unique_ptr<Staying> whole = std::move(waiting.staying);
            collecting_bytes_ -= whole->size;
            tell_staying(waiting, delivery_of(course, result, now), std::move(*whole),
                         session.peer);
            if (gamer) to = gamer->session;
        }
        drop_task(task, true);
    } catch (const std::bad_alloc&) {
        return lose_end(task);
    }
    if (to) push_back(*to, &session);
}

void Coordinator::Impl::drop_result(Relay& relay) {
    relay.result_begun = false;
    drop_collected(relay);
    if (!std::exchange(relay.result_open, false)) return;
    Gamer* gamer = gamers_.find(relay.gamer);
    if (gamer && gamer->session) gamer->session->out.drop(relay.client_task);
}

void Coordinator::Impl::on_refuse(Session& session, const wire::Frame& frame) {
    wire::TaskRefuse message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (scheduler_.is_current(session.peer, frame.id, message.attempt)) {
        session.out.drop(frame.id);  // the rest of its input, if any
    }
    scheduler_.refused(session.peer, frame.id, message.attempt, loop_.turn_us(), actions_);
    settle();
}

}  // namespace p2c2r::roles
