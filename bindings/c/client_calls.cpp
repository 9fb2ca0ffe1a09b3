// The host's side of ClientState: connecting, questions to the coordinator, figures, frames.
#include <algorithm>
#include <new>

#include "bindings/c/client_state.h"
#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/frames_state.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

namespace {

uint64_t deadline_after(uint64_t timeout_us) {
    const uint64_t now = now_us();
    return timeout_us > UINT64_MAX - now ? UINT64_MAX : now + timeout_us;
}

}  // namespace

p2c2r_status ClientState::connect(uint64_t timeout_us, p2c2r_error* why) {
    if (!settings_.local && settings_.options.coordinator.host.empty()) {
        return fail(why, Status::kState, "coordinator_url",
                    "this client has no coordinator: it computes on this machine only");
    }
    std::unique_lock lock(mutex_);
    ++waiters_;
    (void)runtime.driver().wait(lock, changed_, deadline_after(timeout_us),
                                [&] { return connected_ || closing_ || given_up_ != Status::kOk; });
    --waiters_;
    if (connected_) return P2C2R_OK;
    if (closing_) return fail(why, Status::kClosed);
    if (given_up_ != Status::kOk) return fail(why, given_up_, {}, state_text_);
    std::string reason = state_text_;
    lock.unlock();
    // Beside how the last try ended: where this one is.
    std::string so_far;
    (void)runtime.driver().run([&] {
        try {
            if (role_) so_far = role_->handshake_so_far();
        } catch (const std::bad_alloc&) {
            // Then it is not said.
        }
    });
    if (!so_far.empty()) reason += (reason.empty() ? "" : "; now ") + so_far;
    return fail(why, Status::kTimeout, "timeout_ms",
                "not connected within " + std::to_string(timeout_us / 1000) + " ms" +
                    (reason.empty() ? "" : ": " + reason));
}

// ---- questions --------------------------------------------------------------------------------

struct ClientState::Call {
    uint64_t id = 0;
    bool done = false;
    bool failed = false;
    Error error;
    Bytes fields;
    Bytes data;
    Call* next = nullptr;
};

void ClientState::on_call_done(uint64_t id, const Error* error, Bytes fields, Bytes data) {
    const std::lock_guard lock(mutex_);
    for (Call* call = calls_; call; call = call->next) {
        if (call->id != id || call->done) continue;
        call->done = true;
        call->failed = error != nullptr;
        if (error) {
            try {
                call->error = *error;
            } catch (const std::bad_alloc&) {
                call->error = Error{error->status, {}, {}, error->retry_after_ms};
            }
        }
        call->fields = std::move(fields);
        call->data = std::move(data);
        if (waiters_ > 0) changed_.notify_all();
        return;
    }
}

p2c2r_status ClientState::call(const char* name, Bytes arguments, uint64_t timeout_us,
                               p2c2r_result** out, p2c2r_error* why) {
    const uint64_t deadline = deadline_after(timeout_us);
    Call call;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return fail(why, Status::kClosed);
        // Questions take their ids from where tasks do, so that none is used for both.
        call.id = tasks_.insert();
        if (call.id == 0) return fail(why, Status::kLimit);
        TaskEntry& entry = *tasks_.find(call.id);
        entry.id = call.id;
        entry.phase = TaskEntry::Phase::kCall;
        call.next = calls_;
        calls_ = &call;
    }
    const Status asked = runtime.driver().run([&] {
        if (role_) role_->call(call.id, name, std::move(arguments), timeout_us);
    });
    bool answered = false;
    {
        std::unique_lock lock(mutex_);
        ++waiters_;
        if (asked == Status::kOk) {
            // The role has its own timer for this; a little later it is certainly over.
            const uint64_t until = deadline > UINT64_MAX - 100'000 ? deadline : deadline + 100'000;
            answered =
                runtime.driver().wait(lock, changed_, until, [&] { return call.done || closing_; });
        }
        --waiters_;
        for (Call** at = &calls_; *at; at = &(*at)->next) {
            if (*at != &call) continue;
            *at = call.next;
            break;
        }
        tasks_.erase(call.id);
    }
    if (asked != Status::kOk) return fail(why, asked);
    if (!answered) return fail(why, Status::kTimeout);
    if (!call.done) return fail(why, Status::kClosed);
    if (call.failed) return fail(why, call.error);
    TaskResult answer;
    answer.status = Status::kOk;
    answer.info = std::move(call.fields);
    answer.data = std::move(call.data);
    answer.source = Source::kCoordinator;
    *out = make_result(runtime.pool(), 0, nullptr, std::move(answer));
    return P2C2R_OK;
}

// ---- figures ----------------------------------------------------------------------------------

Status ClientState::stats(p2c2r_client_stats& out) {
    out = {};
    auto totals = std::make_unique<roles::Histogram>();
    const Status status = runtime.driver().run([&] {
        if (!role_) return;
        const roles::ClientStats& stats = role_->stats();
        out.state = stats.given_up    ? P2C2R_STATE_CLOSED
                    : stats.connected ? P2C2R_STATE_CONNECTED
                                      : P2C2R_STATE_CONNECTING;
        out.peers_available = stats.peers_available;
        out.peers_total = stats.peers_total;
        out.submitted = stats.submitted;
        out.completed = stats.completed;
        out.failed = stats.failed;
        out.cancelled = stats.cancelled;
        out.local = stats.local;
        out.kept_here = stats.kept_here;
        out.trials = stats.trials;
        out.cut = stats.cut;
        out.parts = stats.parts;
        out.held_back = stats.held_back;
        out.reconnects = stats.reconnects;
        out.bytes_sent = stats.bytes_out;
        out.bytes_received = stats.bytes_in;
        *totals = stats.total_us;
    });
    if (status != Status::kOk) return status;
    out.p50_us = totals->quantile_us(0.50);
    out.p95_us = totals->quantile_us(0.95);
    out.p99_us = totals->quantile_us(0.99);
    const std::lock_guard lock(mutex_);
    out.tasks_pending = pending_;
    out.results_waiting = held_ - std::min(held_, pending_);
    return Status::kOk;
}

// ---- frames -----------------------------------------------------------------------------------

void* ClientState::add_frames(std::unique_ptr<FramesState> frames) {
    const std::lock_guard lock(mutex_);
    frames_.reserve(frames_.size() + 1);
    frames->handle = add_handle(HandleKind::kFrames, frames.get());
    void* const handle = frames->handle;
    frames_.push_back(std::move(frames));
    return handle;
}

void ClientState::remove_frames(FramesState& frames) {
    std::unique_ptr<FramesState> gone;
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(frames_.begin(), frames_.end(),
                                    [&](const auto& other) { return other.get() == &frames; });
    if (found == frames_.end()) return;
    gone = std::move(*found);
    frames_.erase(found);
}

void ClientState::want_answer(p2c2r_task task, uint64_t at_us) {
    bool first;
    {
        const std::lock_guard lock(mutex_);
        TaskEntry* entry = tasks_.find(task);
        if (!entry || (entry->phase != TaskEntry::Phase::kMailed &&
                       entry->phase != TaskEntry::Phase::kRunning)) {
            return;
        }
        entry->wants_answer = true;
        entry->answer_at_us = at_us;
        first = put_in_mail(*entry);
    }
    if (first) runtime.mail(*this);
}

void ClientState::on_task_here(uint64_t task, int32_t quality, TaskResult&& result) {
    const uint32_t index = SlotMap<TaskEntry>::index_of(task);
    TaskEntry* entry = index < entries_.size() ? entries_[index] : nullptr;
    if (!entry || !entry->on_loop || entry->id != task) return;
    result.total_us += entry->mail_us;
    p2c2r_result* spare = runtime.pool().loop_result();
    if (!spare) return;  // the other answer may still come
    spare = fill_result(spare, task, entry->type, std::move(result));
    bool is_kept = false;
    try {
        const std::lock_guard lock(mutex_);
        if (entry->told.load(std::memory_order_relaxed) != TaskEntry::Told::kNever) {
            is_kept = locals_.emplace(task, Local{spare, quality}).second;
        }
    } catch (const std::bad_alloc&) {
        // As above.
    }
    if (!is_kept) p2c2r_result_release(spare);
}

void ClientState::on_local_quality(uint64_t task, int32_t quality) {
    const uint32_t index = SlotMap<TaskEntry>::index_of(task);
    TaskEntry* entry = index < entries_.size() ? entries_[index] : nullptr;
    if (!entry || !entry->on_loop || entry->id != task) return;
    try {
        const std::lock_guard lock(mutex_);
        if (entry->told.load(std::memory_order_relaxed) == TaskEntry::Told::kNever) return;
        locals_.emplace(task, Local{nullptr, quality});
    } catch (const std::bad_alloc&) {
        // Then its answer is taken for one as it was asked.
    }
}

ClientState::Local ClientState::take_local(p2c2r_task task) {
    const std::lock_guard lock(mutex_);
    const auto found = locals_.find(task);
    if (found == locals_.end()) return {};
    const Local local = found->second;
    locals_.erase(found);
    return local;
}

bool ClientState::has_local(p2c2r_task task) {
    const std::lock_guard lock(mutex_);
    return locals_.count(task) > 0;
}

std::unique_ptr<PartNote> ClientState::take_part(PartNotes& parts, p2c2r_task task) {
    const std::lock_guard lock(mutex_);
    return parts.take(task);
}

bool ClientState::has_frames() {
    const std::lock_guard lock(mutex_);
    return !frames_.empty();
}

}  // namespace p2c2r::capi
