#include "bindings/c/client_state.h"

#include <cstring>
#include <exception>

#include "bindings/c/bytes_in.h"
#include "bindings/c/clock.h"
#include "bindings/c/failure.h"
#include "bindings/c/frames_state.h"
#include "bindings/c/host_scope.h"
#include "bindings/c/results.h"
#include "bindings/c/runtime_state.h"

namespace p2c2r::capi {

namespace {

void refuse_size(TaskResult& result, size_t room) noexcept {
    const size_t size = result.data.size();
    result.status = Status::kSize;
    result.info = result.data = Bytes();
    try {
        result.field = "output_size";
        result.error = "the result has " + std::to_string(size) + " bytes, the task's output " +
                       std::to_string(room);
    } catch (const std::bad_alloc&) {
        result.field.clear();
        result.error.clear();
    }
}

}  // namespace

ClientState::ClientState(RuntimeState& runtime, const p2c2r_client_config& config,
                         ClientSettings settings)
    : RoleState(runtime, HandleKind::kClient, config.deliver, config.event, config.user),
      settings_(std::move(settings)) {}

ClientState::~ClientState() {
    for (const auto& [task, local] : locals_) p2c2r_result_release(local.result);
}

Status ClientState::open() {
    const Status status = runtime.driver().run([this] {
        roles::ClientEvents& events = *this;
        net::Transport* transport = nullptr;
        if (settings_.local || !settings_.options.coordinator.host.empty()) {
            transport = &transport_.open(runtime, settings_.local, settings_.fake_network);
        }
        roles::ClientOptions options = settings_.options;
        options.memory = runtime.pool().hook();
        role_ = std::make_unique<roles::Client>(runtime.loop(), transport, &runtime.workers(),
                                                runtime.random(), runtime.fork_prng(),
                                                runtime.log(), std::move(options), events);
        role_->start();
    });
    if (status != Status::kOk) (void)runtime.driver().run([this] { role_.reset(); });
    return status;
}

// ---- the loop's side --------------------------------------------------------------------------

void ClientState::take_mail() {
    struct Taken {
        TaskEntry* entry;
        uint64_t id;
        bool is_new;
        bool is_cancel;
        uint64_t answer_at_us;
    };
    Taken taken[kBatch];
    std::vector<ContentMail> contents;
    for (;;) {
        size_t count = 0;
        {
            const std::lock_guard lock(mutex_);
            contents.swap(content_mail_);
            while (mail_first_ && count < kBatch) {
                TaskEntry& entry = *mail_first_;
                mail_first_ = entry.next_mail;
                entry.next_mail = nullptr;
                entry.in_mail = false;
                if (entry.phase == TaskEntry::Phase::kGone) {
                    drop(entry);
                    continue;
                }
                taken[count++] = {&entry, entry.id, entry.phase == TaskEntry::Phase::kMailed,
                                  entry.wants_cancel, entry.wants_answer ? entry.answer_at_us : 0};
                if (entry.phase == TaskEntry::Phase::kMailed) {
                    entry.phase = TaskEntry::Phase::kRunning;
                }
                entry.wants_cancel = entry.wants_answer = false;
            }
            if (!mail_first_) mail_last_ = &mail_first_;
        }
        // Before the tasks that may refer to them.
        if (!contents.empty()) hand_over_contents(contents);
        if (count == 0) return;
        const uint64_t now = now_us();
        for (size_t i = 0; i < count; ++i) {
            // An entry that is new cannot end, and so cannot go, before the role has it. One that
            // is cancelled may be gone by now: only its id is used.
            if (taken[i].is_new) hand_over(*taken[i].entry, taken[i].id, now);
            if (!role_) continue;
            if (taken[i].answer_at_us != 0) {
                role_->want_answer(taken[i].id, taken[i].answer_at_us);
            }
            if (!taken[i].is_cancel) continue;
            try {
                role_->cancel(taken[i].id);
            } catch (const std::bad_alloc&) {
                // Then it is not cancelled; it ends by its answer or its deadline.
            }
        }
    }
}

void ClientState::hand_over(TaskEntry& entry, uint64_t id, uint64_t now) {
    entry.on_loop = true;  // from here on it ends, whatever fails
    entry.mail_us = 0;
    try {
        const uint32_t index = SlotMap<TaskEntry>::index_of(id);
        if (index >= entries_.size()) entries_.resize(index + kBatch);
        entries_[index] = &entry;
        // The deadline counts from submit, and so does the time the task took.
        entry.mail_us = now > entry.submitted_us ? now - entry.submitted_us : 0;
        TaskSpec& spec = entry.spec;
        if (spec.deadline_us != 0) {
            spec.deadline_us =
                spec.deadline_us > entry.mail_us ? spec.deadline_us - entry.mail_us : 1;
        }
        if (role_) {
            role_->submit(id, spec, entry.frame);
            return;
        }
        TaskResult closed;
        closed.status = Status::kClosed;
        end(entry, std::move(closed));
    } catch (...) {
        // The role has kept nothing of it, or has ended it before it threw.
        if (!entry.on_loop) return;
        TaskResult failed;
        failed.status = thrown_status();
        end(entry, std::move(failed));
    }
}

void ClientState::on_task_ended(uint64_t task, TaskResult&& result) {
    const uint32_t index = SlotMap<TaskEntry>::index_of(task);
    TaskEntry* entry = index < entries_.size() ? entries_[index] : nullptr;
    if (entry && entry->on_loop && entry->id == task) end(*entry, std::move(result));
}

void ClientState::on_task_part(uint64_t task, const roles::TaskPart& part,
                               const TaskResult& result) {
    const uint32_t index = SlotMap<TaskEntry>::index_of(task);
    TaskEntry* const entry = index < entries_.size() ? entries_[index] : nullptr;
    if (!entry || !entry->on_loop || entry->id != task) return;
    if (!entry->part && !entry->frame_parts) return;
    try {
        auto note = std::make_unique<PartNote>();
        note->task = task;
        note->part = entry->part;
        note->user = entry->user;
        note->frames = entry->frame_parts;
        note->which = part;
        if (entry->part) {
            TaskResult copy = result;
            note->result = make_result(runtime.pool(), task, entry->type, std::move(copy));
        }
        parts_.add(std::move(note));
    } catch (const std::bad_alloc&) {
        return;  // it goes untold
    }
    runtime.want_settle(*this);
}

void ClientState::expect_end(uint64_t task) {
    const uint32_t index = SlotMap<TaskEntry>::index_of(task);
    if (index >= entries_.size() || !entries_[index]) return;
    fetch_ahead(entries_[index], sizeof(TaskEntry) - kSmallPayload);
}

// The one place where a task ends.
void ClientState::end(TaskEntry& entry, TaskResult&& result) noexcept {
    entry.on_loop = false;
    result.total_us += entry.mail_us;
    if (entry.output && result.success()) {
        if (result.data.size() > entry.output_size) {
            refuse_size(result, entry.output_size);
        } else if (!result.data.empty()) {
            std::memcpy(entry.output, result.data.data(), result.data.size());
        }
    }
    p2c2r_result* blank = runtime.pool().loop_result();
    entry.result = blank ? fill_result(blank, entry.id, entry.type, std::move(result))
                         : runtime.pool().short_memory_result();
    // The result may have been the input's bytes until here.
    entry.spec.params = Bytes();
    entry.spec.data = Bytes();
    if (entry.spec.content) entry.spec.content.reset();
    if (entry.frame) entry.frame.reset();
    if (entry.lent.release) give_back(std::exchange(entry.lent, {}));
    entry.next_ended = nullptr;
    *ended_last_ = &entry;
    ended_last_ = &entry.next_ended;
    runtime.want_settle(*this);
}

void ClientState::settle() {
    TaskEntry* list = std::exchange(ended_first_, nullptr);
    if (list || !parts_.empty()) {
        ended_last_ = &ended_first_;
        TaskEntry* unwanted = nullptr;
        PartNotes unwanted_parts;
        bool waited_for = !parts_.empty();
        bool to_tell = false;
        {
            const std::lock_guard lock(mutex_);
            if (!parts_.empty()) to_tell = hand_out_parts(unwanted_parts);
            while (list) {
                TaskEntry& entry = *list;
                list = entry.next_ended;
                entry.next_ended = nullptr;
                --pending_;
                held_bytes_ -= entry.payload_size;
                if (entry.told.load(std::memory_order_relaxed) == TaskEntry::Told::kNever) {
                    --held_;
                    entry.phase = TaskEntry::Phase::kTaken;
                    entry.next_ended = unwanted;
                    unwanted = &entry;
                } else if (has_done(entry)) {
                    entry.phase = TaskEntry::Phase::kQueued;
                    *queue_last_ = &entry;
                    queue_last_ = &entry.next_ended;
                    to_tell = true;
                } else {
                    entry.phase = TaskEntry::Phase::kWaiting;
                    waited_for = true;
                }
            }
            if (waiters_ > 0) changed_.notify_all();
        }
        while (unwanted) {  // a result may end with a host function, so not inside the lock
            TaskEntry& entry = *unwanted;
            unwanted = entry.next_ended;
            p2c2r_result_release(std::exchange(entry.result, nullptr));
            const std::lock_guard lock(mutex_);
            drop(entry);
        }
        if (waited_for || (to_tell && !delivers_on_loop())) runtime.notify();
        if (to_tell && delivers_on_loop()) {
            DispatchBudget unlimited;
            deliver(unlimited);
        }
    }
    RoleState::settle();
}

// Those of frames wait for a pull, if their frame was not forgotten.
bool ClientState::hand_out_parts(PartNotes& unwanted) {
    bool to_tell = false;
    while (std::unique_ptr<PartNote> note = parts_.take()) {
        PartNotes* to = &part_queue_;
        if (note->frames) {
            const TaskEntry* entry = tasks_.find(note->task);
            const bool is_wanted =
                entry && entry->told.load(std::memory_order_relaxed) != TaskEntry::Told::kNever;
            to = is_wanted ? note->frames : &unwanted;
        } else {
            to_tell = true;
        }
        to->add(std::move(note));
    }
    return to_tell;
}

// ---- telling ----------------------------------------------------------------------------------

void ClientState::tell(TaskEntry& entry) {
    auto told = TaskEntry::Told::kNo;
    p2c2r_result* result = std::exchange(entry.result, nullptr);
    if (!entry.told.compare_exchange_strong(told, TaskEntry::Told::kYes)) {
        p2c2r_result_release(result);  // forgotten in the last moment
        return;
    }
    const HostScope scope;
    [&]() noexcept { entry.done(entry.user, entry.id, result); }();
}

// Those that wait, by `lock`. False: the budget is used up.
bool ClientState::tell_parts(DispatchBudget& budget, std::unique_lock<std::mutex>& lock) {
    while (!part_queue_.empty()) {
        if (budget.callbacks_left == 0) return false;
        std::unique_ptr<PartNote> note = part_queue_.take();
        lock.unlock();
        note->tell(note->task);
        note.reset();
        const bool go_on = budget.go_on();
        lock.lock();
        if (!go_on) return false;
    }
    return true;
}

void ClientState::deliver(DispatchBudget& budget) {
    TaskEntry* batch[kBatch];
    size_t count = 0;
    size_t told = 0;
    for (bool go_on = true;;) {
        {
            std::unique_lock lock(mutex_);
            for (size_t i = 0; i < told; ++i) drop(*batch[i]);
            // What the budget did not reach goes back, in front and in order.
            for (size_t i = count; i > told; --i) {
                TaskEntry& entry = *batch[i - 1];
                entry.phase = TaskEntry::Phase::kQueued;
                entry.next_ended = queue_first_;
                if (!queue_first_) queue_last_ = &entry.next_ended;
                queue_first_ = &entry;
                ++held_;
            }
            count = told = 0;
            if (!go_on) return;
            if (!part_queue_.empty() && !tell_parts(budget, lock)) return;
            while (queue_first_ && count < kBatch && count < budget.callbacks_left) {
                TaskEntry& entry = *queue_first_;
                queue_first_ = entry.next_ended;
                entry.next_ended = nullptr;
                entry.phase = TaskEntry::Phase::kTaken;
                --held_;
                batch[count++] = &entry;
            }
            if (!queue_first_) queue_last_ = &queue_first_;
        }
        if (count == 0) return;
        while (told < count && go_on) {
            if (told + 1 < count) fetch_ahead(batch[told + 1]->user, kCacheLine);
            tell(*batch[told++]);
            go_on = budget.go_on();
        }
    }
}

void ClientState::dispatch(DispatchBudget& budget) {
    if (!delivers_on_loop()) deliver(budget);
    if (budget.callbacks_left > 0) RoleState::dispatch(budget);
}

bool ClientState::has_waiting() {
    if (delivers_on_loop()) return false;
    {
        const std::lock_guard lock(mutex_);
        if (queue_first_ || !part_queue_.empty()) return true;
    }
    return RoleState::has_waiting();
}

// ---- the connection ---------------------------------------------------------------------------

void ClientState::on_client_state(Status status, const std::string& text) {
    // First: whoever returns from connect finds it waiting.
    post_event(P2C2R_EVENT_STATE, status, 0, place_text(role_), text);
    {
        const std::lock_guard lock(mutex_);
        connected_ = status == Status::kOk;
        const bool given_up = !connected_ && role_ && role_->stats().given_up;
        given_up_ = given_up ? status : Status::kOk;
        try {
            state_text_ = text;
        } catch (const std::bad_alloc&) {
            state_text_.clear();
        }
        if (!connected_) peers_available_ = peers_total_ = 0;
        if (waiters_ > 0) changed_.notify_all();
    }
}

void ClientState::on_peer_count(uint32_t available, uint32_t total) {
    {
        const std::lock_guard lock(mutex_);
        peers_available_ = available;
        peers_total_ = total;
    }
    post_event(P2C2R_EVENT_PEERS, Status::kOk, available, {}, {});
}

// ---- the end ----------------------------------------------------------------------------------

void ClientState::end_all(Status status) noexcept {
    for (TaskEntry* entry : entries_) {
        if (!entry || !entry->on_loop) continue;
        TaskResult result;
        result.status = status;
        end(*entry, std::move(result));
    }
}

Status ClientState::shut(uint64_t deadline_us) {
    std::vector<std::unique_ptr<FramesState>> frames;
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        frames.swap(frames_);
    }
    for (const auto& stream : frames) remove_handle(stream->handle);
    frames.clear();  // which forgets their tasks
    (void)runtime.driver().run([this] {
        take_mail();
        if (!role_) return;
        runtime.host_executors().begin_orphans();
        try {
            role_->close();
        } catch (const std::bad_alloc&) {
            // Short of memory it goes without a goodbye.
        }
        role_.reset();
        runtime.host_executors().end_orphans();
        end_all(Status::kClosed);
        transport_.reset();
    });
    runtime.driver().send_off();  // the goodbye
    if (!runtime.enter_gate(deadline_us)) return Status::kTimeout;
    DispatchBudget unlimited;
    deliver(unlimited);
    runtime.leave_gate();
    // Nobody will ask for what is left.
    for (;;) {
        p2c2r_result* result = nullptr;
        {
            const std::lock_guard lock(mutex_);
            tasks_.for_each([&](uint64_t, TaskEntry& entry) {
                if (!result && entry.phase == TaskEntry::Phase::kWaiting) result = fetch(entry);
            });
            if (waiters_ > 0) changed_.notify_all();
        }
        if (!result) return Status::kOk;
        p2c2r_result_release(result);
    }
}

}  // namespace p2c2r::capi
