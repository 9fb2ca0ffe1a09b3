// Tasks at the coordinator: admission, relaying, results, deliveries. Params and payloads are
// passed on as the slices they arrived in; only envelopes are read and written.
#include <algorithm>
#include <cstring>

#include "core/plant.h"
#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

namespace {

constexpr size_t kKeptMax = 64;  // deliveries that wait for an absent gamer
constexpr uint64_t kKeptBytesMax = 16ull << 20;
constexpr size_t kEndedMax = 1024;  // ids a depends_on may still name
constexpr uint32_t kRetryAfterMs = 100;
constexpr uint64_t kTaskOverhead = sizeof(void*) * 64;  // what a task costs beside its payload

}  // namespace

// ---- admission ---------------------------------------------------------------------------------

sched::TypeIndex Coordinator::Impl::type_of(Session& session, std::string_view name,
                                            bool resubmitted) {
    if (session.last_type != sched::kNoType && session.last_name == name) {
        return session.last_type;
    }
    // A name is remembered only if somebody runs it: strangers must not fill the table.
    const std::string_view canonical = canonical_task_type(name);
    sched::TypeIndex type = scheduler_.find_type(canonical);
    const bool room = scheduler_.types_count() < limits::kTaskTypesMax / 2;
    if (type == sched::kNoType &&
        ((runner_ && runner_->can_run(canonical)) || (resubmitted && room))) {
        type = scheduler_.type_index(canonical);
    }
    session.last_name.assign(name);
    session.last_type = type;
    return type;
}

const TaskType* Coordinator::Impl::contract_type(sched::TypeIndex type) {
    while (contract_types_.size() <= type) {
        const auto next = static_cast<sched::TypeIndex>(contract_types_.size());
        contract_types_.push_back(find_contract_task_type(scheduler_.type_name(next)));
    }
    return contract_types_[type];
}

bool Coordinator::Impl::can_run_local(sched::TypeIndex type) {
    if (!runner_) return false;
    if (const uint64_t revision = runner_->revision(); revision != local_revision_) {
        local_revision_ = revision;
        local_types_.clear();
    }
    if (type >= local_types_.size()) local_types_.resize(type + 1u, -1);
    if (local_types_[type] < 0) local_types_[type] = runner_->can_run(scheduler_.type_name(type));
    return local_types_[type] == 1;
}

std::string Coordinator::Impl::types_text() {
    std::vector<std::string> types = runner_ ? runner_->task_types() : std::vector<std::string>();
    for (sched::TypeIndex type = 0; type < scheduler_.types_count(); ++type) {
        if (scheduler_.ever_served(type)) types.push_back(scheduler_.type_name(type));
    }
    std::sort(types.begin(), types.end());
    types.erase(std::unique(types.begin(), types.end()), types.end());
    std::string text;
    for (const std::string& type : types) text += (text.empty() ? "" : ", ") + type;
    return text.empty() ? "nothing yet" : text;
}

bool Coordinator::Impl::add_dependencies(Gamer& gamer, const std::vector<uint64_t>& depends_on,
                                         uint32_t& waits_for, const char*& why) {
    for (uint64_t other : depends_on) {
        if (gamer.tasks.find(other)) {
            ++waits_for;
            continue;
        }
        const auto ended = std::find_if(gamer.ended.begin(), gamer.ended.end(),
                                        [&](const auto& entry) { return entry.first == other; });
        if (ended == gamer.ended.end()) {
            why = "depends_on names a task that is not known here";
            return false;
        }
        if (!ended->second) {
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
        session.submit_envelope.assign(envelope);
        const std::span<const uint8_t> kept = session.submit_envelope.span();
        if (const char* why = decode(kept.empty() ? envelope : kept, message)) {
            return end_session(session, Status::kProtocol, why);
        }
    }
    if (frame.id == 0) return end_session(session, Status::kProtocol, "task_submit with id 0");
    Gamer& gamer = *gamers_.find(session.gamer);
    const uint64_t client_task = frame.id;
    ++stats_.submitted;
    if (const uint64_t* known = gamer.tasks.find(client_task)) {
        // Submitted again: harmless while it is whole; an input that was cut off starts anew.
        const uint64_t task = *known;
        Relay& again = relay(task);
        if (!again.complete) {
            withdraw(task);
        } else {
            if (again.result_begun && !again.result_open) {
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
    if (message.payload_place != 0) {
        return answer_error(gamer, client_task, Status::kUnsupported, "payload_place",
                            "payload_place other than inline is not available here");
    }
    if (closed_ || draining_) {
        return answer_error(gamer, client_task, Status::kClosed, {}, "the coordinator is closing");
    }
    const bool resubmitted = message.task_flags & task_flag::kResubmitted;
    const sched::TypeIndex type = type_of(session, message.task_type, resubmitted);
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
    const uint64_t held = held_bytes_ + delivering_bytes_;
    if (held + bytes + kTaskOverhead > options_.memory_max / 10 * 9) {
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, {},
                            "the coordinator holds as many payload bytes as it may", kRetryAfterMs);
    }
    // One payload of any size may come while little else is pending.
    const uint64_t window = options_.gamer_window_bytes;
    if (gamer.pending_bytes > window / 8 && gamer.pending_bytes + bytes > window) {
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, {},
                            "this gamer has as many payload bytes pending as it may",
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

    sched::Admission admission;
    admission.type = type;
    admission.priority = static_cast<int8_t>(std::clamp(message.priority, -128, 127));
    admission.circle = message.circle != Circle::kType ? message.circle
                       : known_type                    ? known_type->circle
                                                       : Circle::kInvited;
    if (admission.circle == Circle::kOwn && !gamer.is_operator) {
        // The machines of circle own are the operator's, this one included.
        return answer_error(gamer, client_task, Status::kUnsupported, "circle",
                            "circle own is not available for a gamer of another owner than this "
                            "coordinator's; there is invited");
    }
    admission.deadline_us = now + deadline;
    admission.start_timeout_us = std::min(start_value, options_.task_timeout_us);
    admission.bytes = bytes;
    admission.can_run_local = local;
    admission.held = waits_for > 0;
    admission.input_open = more;
    const uint64_t task = scheduler_.admit(admission, now);
    if (task == 0) {
        ++stats_.refused_tasks;
        return answer_error(gamer, client_task, Status::kBusy, {},
                            "the coordinator has as many pending tasks as it may", kRetryAfterMs);
    }
    const uint32_t index = SlotMap<sched::TaskRecord>::index_of(task);
    if (const uint32_t next = scheduler_.next_slot(); next < relays_.size()) {
        p2c2r::fetch_ahead(&relays_[next], kRelayAhead);
    }
    try {
        for (uint64_t other : message.depends_on) {
            if (gamer.tasks.find(other)) gamer.dependents[other].push_back(task);
        }
        while (index >= relays_.size()) relays_.emplace_back();
        if (type >= stats_.types.size()) stats_.types.resize(type + 1u);
        if (stats_.types[type].task_type.empty()) stats_.types[type].task_type = name;
        gamer.tasks[client_task] = task;
    } catch (const std::bad_alloc&) {
        // It has no relay record that anybody may look at.
        scheduler_.withdraw(task, now, actions_);
        throw;
    }
    Relay& fresh = relays_[index];
    fresh.gamer = session.gamer;
    fresh.client_task = client_task;
    fresh.type = type;
    fresh.complete = !more;
    fresh.local_waits = fresh.result_begun = fresh.result_open = false;
    fresh.waits_for = waits_for;
    fresh.has_checksum = message.checksum.has_value();
    fresh.checksum = message.checksum.value_or(0);
    fresh.sizes = more ? message.sizes : std::nullopt;
    fresh.input = passage;
    fresh.job = 0;
    fresh.budget = bytes + kTaskOverhead;
    if (P2C2R_PLANT("bytes_not_counted") && more) fresh.budget = 0;
    fresh.chunks.clear();
    held_bytes_ += fresh.budget;
    gamer.pending_bytes += bytes;
    try {
        store_input(fresh, frame);
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
        if (small && (input.hold = small_holds_.hold(frame))) {
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
    const uint64_t* found = gamer.tasks.find(frame.id);
    if (!found) return;  // the task has ended meanwhile
    const uint64_t task = *found;
    Relay& input = relay(task);
    if (input.complete || !input.sizes) return;
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
        scheduler_.input_complete(task, loop_.turn_us());
        request_turn_end();  // there may be a deadline before the one that the timer waits for
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
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(record->peer);
    PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
    if (!link || link->id != record->peer || !link->session) return;
    Session& to = *link->session;
    try {
        to.out.append(record->attempt_id, std::move(chunk), last);
        to.out.pump(*to.connection);
    } catch (const std::bad_alloc&) {
        session_lost(to, Status::kMemory, "memory is short");  // a stream with a gap is none
    }
}

// ---- to the peer -------------------------------------------------------------------------------

void Coordinator::Impl::assign(const sched::Action& action) {
    const sched::TaskRecord* record = scheduler_.find(action.task);
    if (!record || record->attempt_id != action.attempt_id) return;
    const uint32_t index = SlotMap<sched::PeerRecord>::index_of(action.peer);
    PeerLink* link = index < peer_by_slot_.size() ? peer_by_slot_[index] : nullptr;
    if (!link || link->id != action.peer || !link->session) return;
    Session& session = *link->session;
    Relay& input = relay(action.task);
    if (input.result_begun) drop_result(input);
    const uint64_t now = loop_.turn_us();
    wire::TaskAssign& message = assign_;
    message.task_type = scheduler_.type_name(input.type);
    message.deadline_us = record->deadline_us > now ? record->deadline_us - now : 0;
    if (P2C2R_PLANT("deadline_on_wrong_clock")) message.deadline_us = record->deadline_us;
    message.attempt = record->nonce;
    message.checksum.reset();
    if (input.has_checksum) message.checksum = input.checksum;
    message.sizes = input.sizes;
    encode(message, envelope_);
    const uint8_t flags = input.has_checksum ? wire::kFlagChecksum : 0;
    net::Connection& connection = *session.connection;
    if (!input.sizes) {
        connection.send(wire::Message::kTaskAssign, flags, action.attempt_id, envelope_.span(),
                        input.whole.params, input.whole.data);
        return;
    }
    session.out.open(wire::Message::kTaskAssign, flags, action.attempt_id, envelope_.span());
    for (size_t i = 0; i < input.chunks.size(); ++i) {
        const bool last = input.complete && i + 1 == input.chunks.size();
        session.out.append(action.attempt_id, Chunk(input.chunks[i]), last);
    }
    session.out.pump(connection);
}

// ---- from the peer -----------------------------------------------------------------------------

wire::ResultDelivery Coordinator::Impl::delivery_of(const sched::TaskRecord& record,
                                                    const wire::TaskResult& result) const {
    const uint64_t leased = loop_.turn_us() - record.placed_us;
    wire::ResultDelivery delivery;
    delivery.status = result.status;
    delivery.processing_us = std::min(result.processing_us, leased);
    delivery.network_latency_us = leased - delivery.processing_us;
    delivery.queue_us = record.placed_us - record.admitted_us;
    delivery.attempts = record.attempts;
    delivery.checksum = result.checksum;
    delivery.sizes = result.sizes;
    return delivery;
}

void Coordinator::Impl::accepted(const sched::TaskRecord& record, const wire::TaskResult& result) {
    TypeStats& type = stats_.types[record.type];
    if (result.status != Status::kOk) {
        ++stats_.failed_tasks;
        ++type.failed;
        return;
    }
    const uint64_t now = loop_.turn_us();
    const uint64_t leased = now - record.placed_us;
    const uint64_t processing = std::min(result.processing_us, leased);
    ++stats_.completed_tasks;
    ++type.completed;
    type.processing_us.add(processing);
    stats_.total_us.add(now - record.admitted_us);
    stats_.queue_us.add(record.placed_us - record.admitted_us);
    stats_.processing_us.add(processing);
    stats_.network_us.add(leased - processing);
}

void Coordinator::Impl::fetch_ahead(uint64_t attempt_id) const {
    const uint32_t index = scheduler_.fetch_ahead(attempt_id);
    if (index < relays_.size()) p2c2r::fetch_ahead(&relays_[index], kRelayAhead);
}

void Coordinator::Impl::on_result(Session& session, const wire::Frame& frame) {
    wire::TaskResult result;
    if (const char* why = decode(frame.envelope, result)) {
        return end_session(session, Status::kProtocol, why);
    }
    if (frame.next_id != 0) fetch_ahead(frame.next_id);
    const uint64_t now = loop_.turn_us();
    const bool more = frame.flags & wire::kFlagMore;
    const sched::TaskRecord* current = scheduler_.current(session.peer, frame.id, result.attempt);
    if (!current) {
        // Given up earlier, or never given: the scheduler knows which, and frees the slot.
        scheduler_.answered(session.peer, frame.id, result.attempt, result.status, 0, now,
                            actions_);
        settle();
        return;
    }
    const uint64_t task = scheduler_.task_of_attempt(session.peer, frame.id);
    Relay& waiting = relay(task);
    if (more && result.status == Status::kOk) {
        if (!result.sizes || result.sizes->params_size > limits::kPayloadSizeMax ||
            result.sizes->data_size > limits::kPayloadSizeMax - result.sizes->params_size) {
            return end_session(session, Status::kProtocol, "a result in chunks with wrong sizes");
        }
        waiting.output.begin(*result.sizes);
        if (const char* why = waiting.output.add(frame)) {
            return end_session(session, Status::kProtocol, why);
        }
        scheduler_.answer_continues(task, now);
        // Cut through: what has come goes on while the rest is on its way.
        waiting.result_begun = true;
        waiting.result = result;
        waiting.result.field = waiting.result.error = waiting.result.peer_id = {};
        Gamer* gamer = gamers_.find(waiting.gamer);
        waiting.result_open = gamer && gamer->session;
        if (!waiting.result_open) return;
        Session& to = *gamer->session;
        encode(delivery_of(*current, result), envelope_);
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
    if (waiting.sizes) session.out.drop(frame.id);
    const sched::TaskRecord record = *current;
    const sched::Verdict verdict = scheduler_.answered(
        session.peer, frame.id, result.attempt, result.status, result.processing_us, now, actions_);
    if (verdict != sched::Verdict::kAccepted) return settle();
    request_turn_end();
    accepted(record, result);
    if (waiting.result_begun) drop_result(waiting);
    Session* to = nullptr;
    if (Gamer* gamer = gamers_.find(waiting.gamer)) {
        wire::ResultDelivery delivery = delivery_of(record, result);
        delivery.field = result.field;
        delivery.error = result.error;
        encode(delivery, envelope_);
        const uint8_t flags = frame.flags & wire::kFlagChecksum;
        if (gamer->session && frame.params.size() + frame.data.size() < kHoldThreshold) {
            gamer->session->connection->send_copy(wire::Message::kResultDelivery, flags,
                                                  waiting.client_task, envelope_.span(),
                                                  frame.params, frame.data);
        } else {
            deliver(*gamer, waiting.client_task, flags, frame.hold(frame.params),
                    frame.hold(frame.data));
            to = gamer->session;
        }
    }
    drop_task(task, result.status == Status::kOk);
    if (to) push_back(*to, &session);
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
    Gamer* gamer = gamers_.find(waiting.gamer);
    Session* to = waiting.result_open && gamer ? gamer->session : nullptr;
    if (to) {
        to->out.append(waiting.client_task, {frame.hold(frame.params), frame.hold(frame.data)},
                       last);
        to->out.pump(*to->connection);
    }
    if (!last) {
        scheduler_.answer_continues(task, loop_.turn_us());
        if (to) push_back(*to, &session);
        return;
    }
    const sched::TaskRecord record = *scheduler_.find(task);
    const wire::TaskResult result = waiting.result;
    waiting.result_begun = false;
    const sched::Verdict verdict =
        scheduler_.answered(session.peer, frame.id, result.attempt, result.status,
                            result.processing_us, loop_.turn_us(), actions_);
    if (verdict != sched::Verdict::kAccepted) return settle();
    accepted(record, result);
    drop_task(task, true);
    if (to) push_back(*to, &session);
    request_turn_end();
}

void Coordinator::Impl::drop_result(Relay& relay) {
    relay.result_begun = false;
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

// ---- to the gamer ------------------------------------------------------------------------------

// The envelope is in envelope_.
void Coordinator::Impl::deliver(Gamer& gamer, uint64_t client_task, uint8_t flags,
                                const Bytes& params, const Bytes& data) {
    if (gamer.session) {
        gamer.session->out.drop(client_task);
        gamer.session->out.send(*gamer.session->connection, wire::Message::kResultDelivery, flags,
                                client_task, envelope_.span(), params, data);
        if (P2C2R_PLANT("duplicate_delivered")) {
            gamer.session->out.send(*gamer.session->connection, wire::Message::kResultDelivery,
                                    flags, client_task, envelope_.span(), params, data);
        }
        return;
    }
    const uint64_t size = params.size() + data.size();
    // More than this is not kept: the gamer submits again what it has not heard of.
    if (gamer.kept.size() >= kKeptMax || gamer.kept_bytes + size > kKeptBytesMax) return;
    const std::span<const uint8_t> envelope = envelope_.span();
    // Borrowed parts are the task's input, or its executor's: they end with this call.
    gamer.kept.push_back({client_task, std::vector<uint8_t>(envelope.begin(), envelope.end()),
                          flags, params.owned(), data.owned()});
    gamer.kept_bytes += size;
    held_bytes_ += size;
}

void Coordinator::Impl::answer_error(Gamer& gamer, uint64_t client_task, Status status,
                                     std::string_view field, std::string_view error,
                                     uint32_t retry_after_ms) {
    wire::ResultDelivery delivery;
    delivery.status = status;
    delivery.source = Source::kCoordinator;
    delivery.field = field;
    delivery.error = error.substr(0, limits::kTextLengthMax);
    delivery.retry_after_ms = retry_after_ms;
    encode(delivery, envelope_);
    deliver(gamer, client_task, 0, {}, {});
}

void Coordinator::Impl::answer_timeout(Gamer& gamer, uint64_t client_task, const char* text) {
    if (!gamer.session) {
        answer_error(gamer, client_task, Status::kDeadline, {}, text);
        return;
    }
    gamer.session->out.drop(client_task);
    encode(wire::TaskTimeout{text}, envelope_);
    send(*gamer.session, wire::Message::kTaskTimeout, client_task);
}

void Coordinator::Impl::on_cancel(Session& session, const wire::Frame& frame) {
    wire::TaskCancel message;
    if (const char* why = decode(frame.envelope, message)) {
        return end_session(session, Status::kProtocol, why);
    }
    Gamer& gamer = *gamers_.find(session.gamer);
    const uint64_t* found = gamer.tasks.find(frame.id);
    if (!found) return;
    ++stats_.cancelled_tasks;
    const uint64_t task = *found;
    answer_error(gamer, frame.id, Status::kCancelled, {}, "cancelled");
    withdraw(task);
}

// ---- the end of a task -------------------------------------------------------------------------

// Ends a task of which the gamer has heard already, or never will.
void Coordinator::Impl::withdraw(uint64_t task) {
    scheduler_.withdraw(task, loop_.turn_us(), actions_);
    settle();
    drop_task(task, false);
}

// A chain of tasks that wait for each other may be as long as a gamer likes: it is walked along,
// not descended into.
void Coordinator::Impl::drop_task(uint64_t task, bool good) {
    std::vector<uint64_t> fallen;
    drop_one(task, good, fallen);
    for (size_t i = 0; i < fallen.size(); ++i) {
        const uint64_t next = fallen[i];
        const sched::TaskRecord* record = scheduler_.find(next);
        if (!record || record->state != sched::TaskRecord::State::kHeld) continue;
        ++stats_.failed_tasks;
        if (Gamer* gamer = gamers_.find(relay(next).gamer)) {
            answer_error(*gamer, relay(next).client_task, Status::kState, "depends_on",
                         "a task that this one depends on has not ended with OK");
        }
        scheduler_.withdraw(next, loop_.turn_us(), actions_);
        drop_one(next, false, fallen);
    }
    if (!fallen.empty()) settle();
}

// Those that waited for this one alone may be placed; those that cannot any more are added to
// `fallen`.
void Coordinator::Impl::drop_one(uint64_t task, bool good, std::vector<uint64_t>& fallen) {
    Relay& gone = relay(task);
    const uint64_t budget = std::exchange(gone.budget, 0);
    held_bytes_ -= budget;
    gone.whole = Chunk();
    if (gone.hold) small_holds_.drop(std::exchange(gone.hold, nullptr));
    gone.chunks.clear();
    gone.result_begun = false;
    const uint64_t client_task = gone.client_task;
    Gamer* gamer = gamers_.find(gone.gamer);
    if (!gamer) return;
    if (budget > 0) gamer->pending_bytes -= budget - kTaskOverhead;
    if (const uint64_t* mapped = gamer->tasks.find(client_task); mapped && *mapped == task) {
        gamer->tasks.erase(client_task);
    }
    try {
        gamer->ended.emplace_back(client_task, good);
        if (gamer->ended.size() > kEndedMax) gamer->ended.pop_front();
    } catch (const std::bad_alloc&) {
        // A later task that depends on it hears that it is not known any more.
    }
    if (gamer->dependents.empty()) return;
    const auto waiting = gamer->dependents.find(client_task);
    if (waiting == gamer->dependents.end()) return;
    const std::vector<uint64_t> tasks = std::move(waiting->second);
    gamer->dependents.erase(waiting);
    for (uint64_t next : tasks) {
        const sched::TaskRecord* record = scheduler_.find(next);
        if (!record || record->state != sched::TaskRecord::State::kHeld) continue;
        if (!good) {
            fallen.push_back(next);
        } else if (--relay(next).waits_for == 0) {
            scheduler_.release(next, loop_.turn_us());
        }
    }
}

}  // namespace p2c2r::roles
