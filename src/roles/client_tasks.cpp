#include <algorithm>

#include "core/plant.h"
#include "model/task_type.h"
#include "roles/client_impl.h"
#include "roles/content_inbox.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kDeadlineDefaultUs = 5'000'000;  // of a type the contract does not name
// Longer than any coordinator waits: whoever asks for more, or for ever, gets this.
constexpr uint64_t kDeadlineMaxUs = UINT32_MAX * 1000ull;

}  // namespace

// ---- submitting --------------------------------------------------------------------------------

void Client::Impl::submit(uint64_t id, const TaskSpec& spec,
                          const std::shared_ptr<const FrameWish>& frame) {
    const uint64_t slot = tasks_.insert();
    const uint32_t index = SlotMap<Task>::index_of(slot);
    try {
        if (index >= slot_ids_.size()) slot_ids_.resize(index + 64);
        wheel_.make_room(index);
        slots_[id] = slot;
    } catch (...) {
        tasks_.erase(slot);
        throw;
    }
    slot_ids_[index] = slot;
    Task& task = *tasks_.find(slot);
    task.id = id;
    task.slot = slot;
    task.spec = &spec;
    task.submitted_us = loop_.turn_us();
    task.local_at_us = task.local_started_us = task.local_job = 0;
    task.local_cost_us = 0;
    task.waits_for = 0;
    task.held = task.fallen = false;
    task.sent = task.refused = task.windowed = task.is_large = task.receiving = false;
    task.payload_size = 0;
    task.sent_end = 0;
    task.away = task.flows = task.kept = task.may_be_coded = false;
    task.decoding_job = task.bytes_down = 0;
    if (frame) task.frame = frame;  // forget() has left none
    task.answer_by_us = task.local_form = 0;
    task.has_here = task.form_planned = false;
    task.placed = is_trial(id) ? trial_.placed : nullptr;
    task.may_be_cut = spec.split != 0 && spec.splitter;
    task.part_of = is_part(id) ? next_part_ : PartOf{};
    try {
        admit(task);
    } catch (...) {
        if (tasks_.find(slot)) {
            leave_window(task);
            out_.drop(id);
            forget(task);
        }
        throw;
    }
}

inline void Client::Impl::admit(Task& task) {
    const TaskSpec& spec = *task.spec;
    uint64_t deadline = spec.deadline_us;
    if (deadline == 0) {
        if (!same_text(spec.task_type, last_type_)) {
            last_type_ = spec.task_type;
            const TaskType* type = find_contract_task_type(canonical_task_type(last_type_));
            last_deadline_us_ = type ? type->deadline_us : kDeadlineDefaultUs;
        }
        deadline = last_deadline_us_;
    }
    task.deadline_us = task.submitted_us + std::min(deadline, kDeadlineMaxUs);
    if (task.frame) {
        task.answer_by_us = std::min(task.submitted_us + task.frame->answer_us, task.deadline_us);
    }
    if (is_known(task.id)) ++stats_.submitted;
    if (closed_) {
        end_error(task, Status::kClosed, {}, "the client is closed");
        return;
    }
    if (!spec.depends_on.empty() && !may_start(task)) return;
    go(task);
}

// False: it waits for others, or has ended because of one of them.
bool Client::Impl::may_start(Task& task) {
    for (uint64_t other : task.spec->depends_on) {
        if (find(other)) {
            hold(task);
            if (!P2C2R_PLANT("dependency_started_early")) ++task.waits_for;
            dependents_[other].push_back(task.id);
        } else if (const char* why = ended_.refusal(other)) {
            end_error(task, Status::kState, "depends_on", why);
            return false;
        }
    }
    if (task.waits_for > 0) arm(task);
    return task.waits_for == 0;
}

// It waits for others; from here on there is room for its release.
void Client::Impl::hold(Task& task) {
    if (task.held) return;
    released_.reserve(released_.size() + held_count_ + 1);
    ++held_count_;
    task.held = true;
}

// It is not known any more; its slot waits for the next task.
void Client::Impl::forget(Task& task) {
    if (task.frame) task.frame.reset();
    if (task.cut) task.cut.reset();
    if (task.held) --held_count_;
    local_backlog_us_ -= task.local_cost_us;
    if (task.away) placement_->lose();
    // What is still to be sent of it may be its owner's memory, and nobody wants it any more.
    out_.drop(task.id);
    assembler_.drop(task.id);
    wheel_.clear(SlotMap<Task>::index_of(task.slot));
    slots_.erase(task.id);
    const bool may_free = !dropped_.empty() && task.spec->content;
    tasks_.erase(task.slot);
    if (!may_free) return;
    try {
        tell_dropped();
    } catch (const std::bad_alloc&) {
        // Then with the next one.
    }
}

// All it depends on has ended: here or away.
inline void Client::Impl::go(Task& task) {
    // Where the whole of a part goes has been decided.
    if (task.spec->place == Place::kLocal || !link_ || stats_.given_up) {
        go_here(task);
    } else if (placement_ && !is_part(task.id) &&
               (task.spec->place == Place::kAuto || task.placed)) {
        go_by_worth(task);
    } else {
        go_away(task);
    }
}

// No answer will ever come from elsewhere.
void Client::Impl::go_here(Task& task) {
    if (can_run_local(task)) return start_local(task);
    if (task.spec->place != Place::kLocal && link_) {
        return end_error(task, given_up_.status, {}, given_up_.text);
    }
    if (is_data_away(task)) {
        return end_error(task, Status::kContent, "content",
                         "the result that is this task's data lies at the coordinator");
    }
    Error error = no_executor(task.spec->task_type,
                              runner_ ? runner_->task_types() : std::vector<std::string>());
    end_error(task, error.status, std::move(error.field), std::move(error.text));
}

void Client::Impl::go_away(Task& task) {
    const uint64_t now = loop_.turn_us();
    const bool waits = waits_for_count(task);
    // What a part may do has been decided with its whole.
    if (!hold_back_.is_idle(now) && link_->ready() && !waits && !is_part(task.id)) {
        plan_local(task, now);
        arm(task);
        if (hold_back(task, now)) return;
    }
    if (task.may_be_cut && !waits && goes_in_parts(task)) return;
    // A frame's may run here already, when it was found that it stays whole.
    if (task.local_started_us == 0) plan_local(task, now);
    if (!link_->ready() && task.local_at_us != 0 && task.local_at_us <= now) {
        return start_local(task);
    }
    arm(task);
    if (link_->ready() && !waits) send(task);
}

// `its_turn`: it has waited for the window.
void Client::Impl::send(Task& task, bool its_turn) {
    const uint64_t now = loop_.turn_us();
    const TaskSpec& spec = *task.spec;
    if (spec.content) contents_.refer(spec.content);
    const size_t size = payload_size(task);
    task.payload_size = size;
    if (size >= kWindowedSize && !task.is_large && !enter_window(task, its_turn)) return;
    if (task.placed) {
        task.left = placement_->leave(now);
        task.away = true;
    }
    if (placement_ && !std::exchange(task.flows, true)) placement_->flow().leaves(now);
    task.sent_us = now;
    Submission out;
    out.data = &spec.data;
    const bool coded = decoding_work_ && wants_coded();
    if (task.sent || coded || spec.deadline_us != 0 || spec.content || options_.checksum ||
        size > limits::kChunkSizeMax) {
        if (!encode_submit(task, now, coded, out)) return;
    } else {
        if (!plain_.says(spec)) plain_.encode(spec);
        out.envelope = plain_.envelope.span();
    }
    task.sent = true;
    task.refused = false;
    out_.send(link_->connection(), wire::Message::kTaskSubmit, out.flags, task.id, out.envelope,
              spec.params, *out.data);
    if (task.windowed) {
        const net::Connection& connection = link_->connection();
        task.sent_end = connection.bytes_out() + connection.queued_bytes();
    }
}

void Client::Impl::PlainSubmit::encode(const TaskSpec& spec) {
    wire::TaskSubmit message;
    message.task_type = spec.task_type;
    message.priority = spec.priority;
    message.circle = spec.circle;
    message.verify = spec.verify;
    message.price = spec.price;
    message.task_flags = spec.flags;
    task_type.clear();  // until all of it is there
    wire::encode(message, envelope);
    priority = spec.priority;
    circle = spec.circle;
    verify = spec.verify;
    price = spec.price;
    flags = spec.flags;
    task_type = spec.task_type;
}

// False: it has ended.
bool Client::Impl::encode_submit(Task& task, uint64_t now, bool coded, Submission& out) {
    const TaskSpec& spec = *task.spec;
    wire::TaskSubmit message;
    message.task_type = spec.task_type;
    message.priority = spec.priority;
    if (spec.deadline_us != 0 || task.sent) {
        message.deadline_us = task.deadline_us > now ? task.deadline_us - now : 0;
    }
    message.circle = spec.circle;
    message.verify = spec.verify;
    message.price = spec.price;
    message.task_flags = spec.flags | (task.sent ? task_flag::kResubmitted : 0);
    if (coded) {
        message.task_flags |= task_flag::kCodedResult;
        task.may_be_coded = true;
    }
    if (brings_content(task)) {
        Result<Bytes> made = whole_data(spec);
        if (!made) {
            end_error(task, made.error().status, made.error().field, made.error().text);
            return false;
        }
        out.whole = std::move(*made);
        out.data = &out.whole;
    } else if (spec.content) {
        message.payload_place = 1;
        message.digest = digest_text(spec.content->digest);
    }
    if (options_.checksum) {
        message.checksum = payload_checksum(spec.params, *out.data);
        out.flags |= wire::kFlagChecksum;
    }
    if (needs_chunks(spec.params.size(), out.data->size())) {
        message.sizes = wire::PayloadSizes{spec.params.size(), out.data->size()};
    }
    encode(message, envelope_);
    out.envelope = envelope_.span();
    return true;
}

void Client::Impl::send_cancel(const Task& task) {
    if (!task.sent || !link_ || !link_->ready()) return;
    out_.drop(task.id);
    try {
        encode(wire::TaskCancel{}, envelope_);
    } catch (const std::bad_alloc&) {
        return;  // the coordinator works on it until its deadline, and nobody waits for that
    }
    link_->connection().send_copy(wire::Message::kTaskCancel, 0, task.id, envelope_.span(), {}, {});
}

void Client::Impl::cancel(uint64_t id) {
    Task* task = find(id);
    if (!task) return;
    send_cancel(*task);
    end_error(*task, Status::kCancelled, {}, "cancelled");
}

// ---- ending ------------------------------------------------------------------------------------

TaskResult Client::Impl::failed(Status status, std::string_view field, std::string_view error,
                                TaskResult&& result) {
    result.status = status;
    try {
        result.field = field;
        result.error = error.empty() ? std::string_view(status_text(status)) : error;
    } catch (const std::bad_alloc&) {
        // The status says enough.
    }
    return std::move(result);
}

void Client::Impl::end_error(Task& task, Status status, std::string_view field,
                             std::string_view error, TaskResult&& result) {
    end(task, failed(status, field, error, std::move(result)));
}

inline void Client::Impl::count(const Task& task, const TaskResult& result) {
    if (is_trial(task.id)) {
        ++stats_.trials;
    } else if (is_part(task.id)) {
        if (result.status == Status::kOk) ++stats_.parts;
    } else if (result.status == Status::kOk) {
        ++stats_.completed;
        if (result.source == Source::kLocal) ++stats_.local;
        stats_.total_us.add(result.total_us);
    } else if (result.status == Status::kCancelled) {
        ++stats_.cancelled;
    } else {
        ++stats_.failed;
    }
    if (task.is_large) measure_path(task, result);
}

// What the path delivers, over windows of 20 ms and more, and its shortest round.
void Client::Impl::measure_path(const Task& task, const TaskResult& result) {
    const uint64_t now = loop_.turn_us();
    if (result.status == Status::kOk && result.source != Source::kLocal) {
        const uint64_t latency = now - task.sent_us;  // without waiting for the window
        latency_min_us_ = latency_min_us_ == 0
                              ? latency
                              : std::min(latency_min_us_ + latency_min_us_ / 256, latency);
        const uint64_t way = std::max<uint64_t>(
            latency - std::min(latency, result.queue_us + result.processing_us), 1);
        way_min_us_ = way_min_us_ == 0 ? way : std::min(way_min_us_ + way_min_us_ / 256, way);
    }
    rate_bytes_ += task.payload_size;
    if (now - rate_since_us_ > 20'000) {
        rate_bytes_per_us_ =
            static_cast<double>(rate_bytes_) / static_cast<double>(now - rate_since_us_);
        rate_bytes_ = 0;
        rate_since_us_ = now;
    }
}

void Client::Impl::end(Task& task, TaskResult&& result) {
    const uint64_t id = task.id;
    const uint64_t now = loop_.turn_us();
    result.total_us = now - task.submitted_us;
    const uint64_t known = result.queue_us + result.processing_us;
    result.network_us =
        result.source == Source::kLocal || result.total_us < known ? 0 : result.total_us - known;
    count(task, result);
    if (task.flows) tell_flow(task, result, now);
    if (task.placed) learn(task, result);
    if (task.may_be_cut) learn_whole(task, result);
    std::unique_ptr<Cut> cut;
    if (task.cut) cut = std::move(task.cut);
    const PartOf part_of = task.part_of;
    leave_window(task);
    if (task.local_job != 0) {
        if (task.frame) learn_local_form(task, false);
        runner_->cancel(task.local_job);
    }
    if (task.decoding_job != 0) runner_->cancel(task.decoding_job);
    forget(task);
    // Not before nobody can end it a second time.
    if (cut) drop_parts(*cut);
    const bool good = result.status == Status::kOk;
    if (is_part(id)) {
        part_ended(part_of, std::move(result));
    } else if (is_trial(id)) {
        trial_ = {};  // nobody waits for it
    } else {
        ended_.add(id, good);
        events_.on_task_ended(id, std::move(result));
    }
    if (closed_) return;  // the others end as this one does
    // Told first: what fails now is about other tasks.
    if (!window_queue_.empty()) send_waiting();
    if (!dependents_.empty()) release_waiting(id, good);
}

void Client::Impl::release_waiting(uint64_t id, bool good) {
    const auto waiting = dependents_.find(id);
    if (waiting == dependents_.end()) return;
    for (uint64_t next : waiting->second) {
        Task* dependent = find(next);
        if (!dependent || dependent->fallen) continue;
        if (!good) {
            dependent->fallen = true;
        } else if (--dependent->waits_for > 0) {
            continue;
        }
        released_.push_back(next);
    }
    dependents_.erase(waiting);
    if (std::exchange(releasing_, true)) return;
    for (size_t i = 0; i < released_.size(); ++i) {
        Task* task = find(released_[i]);
        if (!task) continue;
        if (task->fallen) {
            end_error(*task, Status::kState, "depends_on", kWhyNotOk);
            continue;
        }
        try {
            go(*task);
        } catch (const std::bad_alloc&) {
            end_error(*task, Status::kMemory, {}, {});
        }
    }
    released_.clear();
    releasing_ = false;
}

}  // namespace p2c2r::roles
