#include "core/plant.h"
#include "roles/client_impl.h"

namespace p2c2r::roles {

// ---- the connection ----------------------------------------------------------------------------

void Client::Impl::on_link_ready(const wire::RegisterResponse& response) {
    gone_us_ = 0;
    // An eighth is left for the payloads that do not wait for the window.
    if (response.window_bytes > 0) {
        window_bytes_max_ = response.window_bytes - response.window_bytes / 8;
    }
    task_timeout_ms_ = response.task_timeout_ms;
    contents_.connected(response.content_bytes);
    if (placement_) placement_->connected(link_->greeting_us());
    const uint64_t now = loop_.turn_us();
    // Whatever has not ended is submitted with its id, the first time or again: what the
    // coordinator still knows it ignores.
    out_.clear();
    assembler_.clear();
    empty_window();
    hold_back_.forget();
    // Before the tasks that refer to them: what is coming is not asked for.
    send_contents();
    const std::vector<uint64_t> ids = slots_.sorted_keys();
    for (uint64_t id : ids) {
        Task* task = find(id);
        if (!task) continue;
        task->windowed = task->is_large = task->receiving = task->away = task->flows = false;
        if (task->decoding_job != 0) continue;  // its answer is here
        if (task->spec->place == Place::kLocal || task->waits_for > 0 || task->kept) continue;
        const bool in_parts = is_in_parts(*task);
        if (in_parts && !task->frame) continue;
        if (waits_for_count(*task)) continue;
        if (P2C2R_PLANT("resume_loses_tasks") && task->sent) continue;
        if (task->local_started_us == 0) {
            plan_local(*task, now);
            arm(*task);
        }
        if (!in_parts) send(*task);  // else its parts are
    }
    if (!dropped_.empty()) tell_dropped();
    events_.on_client_state(Status::kOk, std::string(response.account));
}

void Client::Impl::on_link_lost(Status status, const std::string& why, bool given_up) {
    try {
        lost_us_ = loop_.turn_us();
        lost_why_ = why;
    } catch (const std::bad_alloc&) {
        // Then it is not in the texts of the tasks that end because of it.
    }
    out_.clear();
    assembler_.clear();
    contents_.disconnected();
    // Before any task ends: its end may bring the next one.
    stats_.given_up = given_up;
    if (given_up) {
        given_up_ = make_error(status == Status::kOk ? Status::kDisconnected : status,
                               "the coordinator has been given up: " + why);
    }
    const uint64_t now = loop_.turn_us();
    if (gone_us_ == 0) gone_us_ = now;
    for (uint64_t id : slots_.sorted_keys()) {
        Task* task = find(id);
        if (!task || task->waits_for > 0) continue;
        if (is_in_parts(*task) && !task->frame) continue;  // its parts may be computed here
        task->receiving = false;
        if (task->spec->place == Place::kLocal || task->local_started_us != 0) continue;
        if (task->decoding_job != 0) continue;
        if (can_run_local(*task) && !(given_up && (task->has_here || is_frame_over(*task)))) {
            plan_local(*task, now);
            if (given_up) task->local_at_us = now;
            arm(*task);
        } else if (given_up) {
            end_error(*task, given_up_.status, {}, given_up_.text);
        }
    }
    for (const auto& [call, until] : std::exchange(calls_, {})) {
        const Error error = make_error(Status::kDisconnected, why);
        events_.on_call_done(call, &error, {}, {});
    }
    stats_.peers_available = stats_.peers_total = 0;
    counts_told_ = false;
    events_.on_client_state(state_of_lost(status, given_up), why);
}

bool Client::Impl::on_link_frame(const wire::Frame& frame, const char*& why) {
    if (frame.message != wire::Message::kResultDelivery) return on_other_frame(frame, why);
    if (placement_) placement_->flow().came(frame.params.size() + frame.data.size());
    return on_delivery(frame, why);
}

bool Client::Impl::on_other_frame(const wire::Frame& frame, const char*& why) {
    switch (frame.message) {
        case wire::Message::kTaskTimeout: {
            wire::TaskTimeout message;
            if ((why = decode(frame.envelope, message))) return false;
            if (Task* task = find(frame.id)) {
                remote_failed(*task, Status::kDeadline, {}, std::string(message.error));
            }
            return true;
        }
        case wire::Message::kPeerCountUpdate: {
            wire::PeerCountUpdate message;
            if ((why = decode(frame.envelope, message))) return false;
            stats_.peers_available = message.available_peers;
            stats_.peers_total = message.total_peers;
            if (!std::exchange(counts_told_, true)) go_counted();
            events_.on_peer_count(message.available_peers, message.total_peers);
            return true;
        }
        case wire::Message::kCallResponse:
            return on_call_response(frame, why);
        case wire::Message::kContentWant:
            return on_content_want(frame, why);
        default:
            // Messages of a later version that this one has not agreed to are not for us.
            return true;
    }
}

bool Client::Impl::on_delivery(const wire::Frame& frame, const char*& why) {
    if (frame.next_id != 0) fetch_ahead(frame.next_id);
    Task* task = find(frame.id);
    if (task && task->decoding_job != 0) return true;  // it has been answered
    Payload payload;
    Assembler::State state = Assembler::State::kIgnored;
    const wire::ResultDelivery* told = &delivery_;
    if (!frame.envelope.empty()) {
        wire::ResultDelivery& delivery = delivery_;
        if ((why = decode(frame.envelope, delivery))) return false;
        if (!task) return true;
        if (delivery.status != Status::kOk) {
            assembler_.drop(frame.id);
            if (delivery.status == Status::kBusy) note_refusal(*task, delivery);
            remote_failed(*task, delivery.status, std::string(delivery.field),
                          std::string(delivery.error), delivery);
            return true;
        }
        state = assembler_.first(frame, delivery.sizes, payload);
        if (state == Assembler::State::kMore) {
            task->delivery = delivery;
            task->delivery.field = task->delivery.error = {};  // of the frame's memory
        }
    } else if (task) {
        told = &task->delivery;
        state = assembler_.next(frame, payload);
    }
    switch (state) {
        case Assembler::State::kBroken:
            why = assembler_.why();
            return false;
        case Assembler::State::kMore:
            task->receiving = true;
            return true;
        case Assembler::State::kIgnored:
            return true;
        case Assembler::State::kWhole:
            task->bytes_down = payload.params.size() + payload.data.size();
            if (told->coding != Coding::kNone) {
                return decode_delivery(*task, *told, std::move(payload), why);
            }
            deliver(*task, *told, std::move(payload));
            return true;
    }
    return true;
}

inline void Client::Impl::fetch_ahead(uint64_t id) {
    if (const uint64_t* slot = slots_.find(id)) {
        tasks_.fetch_ahead(*slot);
        events_.expect_end(id);
    }
}

void Client::Impl::deliver(Task& task, const wire::ResultDelivery& delivery, Payload&& payload) {
    if (delivery.checksum && *delivery.checksum != payload_checksum(payload.params, payload.data)) {
        // Whoever spoiled it, it costs this task alone.
        remote_failed(task, Status::kContent, {},
                      "the checksum of the result does not match its bytes");
        return;
    }
    TaskResult result;
    result.status = Status::kOk;
    result.info = std::move(payload.params);
    result.data = std::move(payload.data);
    result.source = delivery.source;
    result.attempts = delivery.attempts;
    result.processing_us = delivery.processing_us;
    result.queue_us = delivery.queue_us;
    result.bytes_down = task.bytes_down;
    if (delivery.digest) {
        result.content = std::make_shared<const Content>(
            Content{*delivery.digest, {}, true, delivery.content_size});
    }
    end(task, std::move(result));
}

// The coordinator has no answer. This machine is the last resort, if it can and there is time.
void Client::Impl::remote_failed(Task& task, Status status, std::string field, std::string error,
                                 const wire::ResultDelivery& told) {
    const bool about_task =
        status == Status::kParams || status == Status::kArgument || status == Status::kSize;
    if (task.away && !about_task && status != Status::kDeadline) told_failed_away(task);
    task.refused = true;
    if (task.local_started_us != 0) return;  // the local run decides
    if (!about_task && status != Status::kDeadline && can_run_local(task) &&
        loop_.turn_us() < task.deadline_us && !task.has_here && !is_frame_over(task)) {
        start_local(task);
        return;
    }
    TaskResult result;
    // On the wire a source that is not said is a peer; where nobody tried it is nobody.
    result.source = told.attempts > 0 || told.source != Source::kPeer ? told.source : Source::kNone;
    result.attempts = told.attempts;
    result.queue_us = told.queue_us;
    result.processing_us = told.processing_us;
    result.retry_after_ms = told.retry_after_ms;
    end_error(task, status, field, error, std::move(result));
}

// ---- named calls -------------------------------------------------------------------------------

void Client::Impl::call(uint64_t call, const std::string& name, Bytes arguments,
                        uint64_t timeout_us) {
    if (name == "placement") return events_.on_call_done(call, nullptr, placement_fields(), {});
    if (!link_ || !link_->ready()) {
        const Error error = make_error(Status::kDisconnected, "not connected to a coordinator");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    // A call is one frame. What the coordinator would have to take for a fault is refused here.
    if (name.empty() || name.size() > limits::kTaskTypeLengthMax) {
        const Error error = field_error(Status::kArgument, "name", "name must have 1 to 64 bytes");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    if (arguments.size() > limits::kChunkSizeMax) {
        const Error error = field_error(Status::kSize, "args_json",
                                        "arguments of " + std::to_string(arguments.size()) +
                                            " bytes exceed the limit of 256 KiB");
        events_.on_call_done(call, &error, {}, {});
        return;
    }
    const uint64_t until = loop_.turn_us() + timeout_us;
    calls_[call] = until;
    loop_.arm(call_timer_, until);
    expire_calls();
    encode(wire::Call{name}, envelope_);
    link_->connection().send_copy(wire::Message::kCall, 0, call, envelope_.span(), arguments.span(),
                                  {});
}

void Client::Impl::expire_calls() {
    const uint64_t now = loop_.turn_us();
    uint64_t next = UINT64_MAX;
    std::vector<uint64_t> over;
    for (const auto& [call, until] : calls_) {
        if (until <= now) {
            over.push_back(call);
        } else {
            next = std::min(next, until);
        }
    }
    if (next != UINT64_MAX) loop_.arm(call_timer_, next);
    for (uint64_t call : over) {
        const Error error = make_error(Status::kTimeout, "the coordinator did not answer in time");
        end_call(call, &error, {});
    }
}

bool Client::Impl::on_call_response(const wire::Frame& frame, const char*& why) {
    Payload payload;
    Assembler::State state = Assembler::State::kIgnored;
    if (!frame.envelope.empty()) {
        wire::CallResponse message;
        if ((why = decode(frame.envelope, message))) return false;
        if (!calls_.count(frame.id)) return true;  // its time was over
        if (message.status != Status::kOk) {
            Error error =
                field_error(message.status, std::string(message.field), std::string(message.error));
            error.retry_after_ms = message.retry_after_ms;
            end_call(frame.id, &error, {});
            return true;
        }
        state = assembler_.first(frame, message.sizes, payload);
    } else if (calls_.count(frame.id)) {
        state = assembler_.next(frame, payload);
    }
    if (state == Assembler::State::kBroken) {
        why = assembler_.why();
        return false;
    }
    if (state != Assembler::State::kWhole) return true;
    payload.own();
    end_call(frame.id, nullptr, std::move(payload));
    return true;
}

void Client::Impl::end_call(uint64_t call, const Error* error, Payload&& payload) {
    calls_.erase(call);
    assembler_.drop(call);
    events_.on_call_done(call, error, std::move(payload.params), std::move(payload.data));
}

}  // namespace p2c2r::roles
