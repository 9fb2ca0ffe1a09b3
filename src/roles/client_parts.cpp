// Big tasks that are cut into parts for several peers.
//
// The whole is a task of this client that is never sent: it waits for its parts, which are tasks
// like any other, with ids that only the coordinator sees. So whatever happens to a task on its way
// (a copy elsewhere, a second attempt, an answer of this machine, a coded result) happens to a part
// as well, and nothing here needs to know of it. The whole ends as soon as one part fails, and
// takes the others with it; its deadline is theirs.
//
// Cutting and putting together are jobs of the runner, unless they are small. Not all parts are
// submitted at once: a task of thousands would fill the coordinator's queue of its account.
#include <algorithm>
#include <new>

#include "core/plant.h"
#include "model/task_scale.h"
#include "roles/client_impl.h"

namespace p2c2r::roles {

namespace {

uint64_t input_size(const TaskSpec& spec) {
    return spec.params.size() + (spec.content ? spec.content->bytes.size() : spec.data.size());
}

std::string part_text(const TaskPart& part) {
    const uint64_t last = part.first_unit + part.unit_count - 1;
    return "part " + std::to_string(part.index + 1) + " of " + std::to_string(part.count) + " (" +
           part.unit_name + " " + std::to_string(part.first_unit) + " to " + std::to_string(last) +
           ")";
}

TaskPart part_at(const PartWork& work, uint32_t index) {
    TaskPart part;
    part.index = index;
    part.count = static_cast<uint32_t>(work.parts.size());
    part.first_unit = work.cuts[index];
    part.unit_count = work.cuts[index + 1] - work.cuts[index];
    part.units = work.units;
    part.unit_name = work.splitter->name();
    return part;
}

// What a whole is told of its parts: the longest wait, the most attempts, all of the work.
void add_figures(TaskResult& sum, const TaskResult& part) {
    sum.source = sum.source == Source::kNone ? part.source : std::min(sum.source, part.source);
    sum.attempts = std::max(sum.attempts, part.attempts);
    sum.queue_us = std::max(sum.queue_us, part.queue_us);
    sum.processing_us += part.processing_us;
    sum.bytes_down += part.bytes_down;
}

}  // namespace

// ---- cutting ------------------------------------------------------------------------------------

PartWish Client::Impl::part_wish(const Task& task) {
    PartWish wish;
    wish.split = task.spec->split;
    // Who is connected again soon is not worth waiting for: without peers in reach it stays whole.
    wish.peers = link_->ready() ? stats_.peers_available : 0;
    return wish;
}

// The coordinator has told how many peers there are.
void Client::Impl::go_counted() {
    for (const uint64_t id : slots_.sorted_keys()) {
        Task* const task = find(id);
        if (!task || !task->may_be_cut || task->cut || task->sent) continue;
        if (task->spec->split != kSplitAuto || task->spec->place == Place::kLocal) continue;
        if (task->waits_for > 0 || task->kept || task->local_started_us != 0) continue;
        go_away(*task);
    }
}

bool Client::Impl::goes_in_parts(Task& task) {
    if (task.cut) return is_in_parts(task);
    const TaskSpec& spec = *task.spec;
    PartWish wish = part_wish(task);
    double whole_us = 0;
    if (wish.split == kSplitAuto && !stays_whole(wish, 0)) {
        if (PartTimes::Known* known = part_times_.find(spec.task_type, input_size(spec),
                                                       pixels_asked_for(spec.params.span()))) {
            wish.unit_us = known->unit_us.value();
            wish.handle_us = known->handle_us.value();
            wish.at_once = known->at_once.value();
            whole_us = known->whole_us();
            if (stays_whole(wish, 0) && ++known->kept_whole % kKeptWholeMost == 0) wish.at_once = 0;
        }
    }
    if (stays_whole(wish, whole_us)) return false;
    auto work = std::make_shared<PartWork>();
    work->splitter = spec.splitter;
    work->whole.params = spec.params.owned(options_.memory);
    work->content = spec.content;
    (spec.content ? work->delta : work->whole.data) = spec.data.owned(options_.memory);
    work->wish = wish;
    work->memory = options_.memory;
    task.cut = std::make_unique<Cut>();
    task.cut->work = std::move(work);
    task.cut->begun_us = loop_.turn_us();
    task.local_at_us = 0;
    if (task.frame) plan_local(task, loop_.turn_us());
    arm(task);
    // Each part has params of its own.
    const uint64_t copies = wish.split != kSplitAuto ? static_cast<uint64_t>(wish.split)
                                                     : uint64_t{wish.peers} * kPartsPerPeer;
    start_part_job(task, spec.params.size() * copies + input_size(spec) <= kDecodeAtOnceMost);
    return true;
}

// May end the task.
void Client::Impl::start_part_job(Task& task, bool is_small) {
    const uint64_t id = task.id;
    if (runner_ && !is_small) {
        exec::JobSpec spec;
        spec.task_type = "parts";
        spec.executor = part_work_;
        spec.params = params_of(task.cut->work);
        task.cut->job = UINT64_MAX;  // it may end before start() returns
        const uint64_t job = runner_->start(spec, id, part_jobs_);
        Task* const after = find(id);
        if (!after || !after->cut || after->cut->job != UINT64_MAX) return;
        after->cut->job = job;
        if (job != 0) return;
    }
    // Small, or no thread is free to do it.
    task.cut->work->run();
    task.cut->job = UINT64_MAX;
    exec::Output output;
    output.status = Status::kOk;
    on_part_job(id, std::move(output));
}

void Client::Impl::on_part_job(uint64_t id, exec::Output&& output) {
    Task* const task = find(id);
    if (!task || !task->cut || task->cut->job == 0) return;
    task->cut->job = 0;
    if (output.status != Status::kOk) {
        return fail_parts(*task, failed(output.status, output.field, output.error));
    }
    task->cut->work->took_us += output.processing_us;
    try {
        task->cut->state == Cut::State::kCutting ? on_cut(*task) : on_merged(*task);
    } catch (const std::bad_alloc&) {
        if (Task* const left = find(id)) end_error(*left, Status::kMemory, {}, {});
    }
}

void Client::Impl::on_cut(Task& task) {
    Cut& cut = *task.cut;
    PartWork& work = *cut.work;
    if (work.error) {
        // What nobody could run is left to whoever tries: the error is the same as ever. That it
        // cannot be cut as was asked for is another matter.
        const bool is_tasks = work.units == 0 && work.error->status != Status::kMemory;
        if (is_tasks || task.spec->split == kSplitAuto) return go_whole(task);
        return fail_parts(task, failed(work.error->status, work.error->field, work.error->text));
    }
    if (work.parts.empty()) return go_whole(task);
    make_part_specs(task);
    cut.state = Cut::State::kRunning;
    ++stats_.cut;
    with_parts_.push_back(task.id);
    if (work.shared && !work.shares_content) {
        cut.content = work.shared;
        put(cut.content);
    }
    send_parts();
}

void Client::Impl::go_whole(Task& task) {
    task.cut->state = Cut::State::kNotWorth;
    if (!stats_.given_up) return go_away(task);
    if (task.local_started_us == 0) go_here(task);  // else it is a frame's, and runs
}

void Client::Impl::make_part_specs(Task& task) {
    Cut& cut = *task.cut;
    PartWork& work = *cut.work;
    const TaskSpec& whole = *task.spec;
    cut.specs.resize(work.parts.size());
    cut.ids.resize(work.parts.size());
    cut.refusals.resize(work.parts.size());
    cut.again.reserve(work.parts.size());
    for (size_t i = 0; i < work.parts.size(); ++i) {
        TaskSpec& spec = cut.specs[i];
        spec.task_type = whole.task_type;
        spec.params = std::move(work.parts[i].params);
        spec.priority = whole.priority;
        spec.circle = whole.circle;
        spec.verify = whole.verify;
        spec.place = task.frame ? Place::kRemote : whole.place;
        spec.flags = whole.flags;
        if (whole.price > 0) spec.price = std::max<uint64_t>(1, whole.price / work.parts.size());
        spec.content = work.shared;
        if (!work.shared) {
            spec.data = std::move(work.parts[i].data);
        } else if (work.shares_content) {
            spec.data = work.delta;
        }
        cut.bytes_up += spec.params.size() + spec.data.size();
    }
    if (work.shared && !work.shares_content) cut.bytes_up += work.shared->bytes.size();
}

// ---- the parts ----------------------------------------------------------------------------------

// As many as there is room for. Their wholes may end with them, and others, too.
void Client::Impl::send_parts() {
    if (std::exchange(sending_parts_, true)) return;
    while (!closed_) {
        Task* const whole = next_with_parts();
        if (!whole) break;
        send_part(*whole);
    }
    sending_parts_ = false;
}

// The most urgent one; a few of each are under way whatever the others have.
Client::Impl::Task* Client::Impl::next_with_parts() {
    Task* first = nullptr;
    for (size_t i = 0; i < with_parts_.size();) {
        Task* const task = find(with_parts_[i]);
        const bool is_running = task && task->cut && task->cut->state == Cut::State::kRunning;
        if (!is_running || !task->cut->has_more()) {
            with_parts_[i] = with_parts_.back();
            with_parts_.pop_back();
            continue;
        }
        ++i;
        const Cut& cut = *task->cut;
        const bool has_room =
            cut.under_way < kPartsOwnLeast || parts_under_way_ < kPartsUnderWayMost;
        if (!has_room || cut.under_way >= cut.under_way_most) continue;
        if (first && !is_more_urgent(*task, *first)) continue;
        first = task;
    }
    return first;
}

bool Client::Impl::is_more_urgent(const Task& a, const Task& b) {
    if (a.spec->priority != b.spec->priority) return a.spec->priority > b.spec->priority;
    if (a.deadline_us != b.deadline_us) return a.deadline_us < b.deadline_us;
    return a.id < b.id;
}

void Client::Impl::send_part(Task& whole) {
    Cut& cut = *whole.cut;
    const uint32_t index = cut.again.empty() ? cut.next++ : cut.again.back();
    if (!cut.again.empty()) cut.again.pop_back();
    const uint64_t number = ++parts_begun_;
    const uint64_t id = number >> 31 << 32 | kPartBit | (number & (kPartBit - 1));
    cut.ids[index] = id;
    ++cut.under_way;
    ++parts_under_way_;
    TaskSpec& spec = cut.specs[index];
    const uint64_t now = loop_.turn_us();
    spec.deadline_us = whole.deadline_us > now ? whole.deadline_us - now : 1;
    next_part_ = {whole.id, index};
    try {
        submit(id, spec);
    } catch (const std::bad_alloc&) {
        --parts_under_way_;
        if (Task* const left = find(next_part_.whole)) end_error(*left, Status::kMemory, {}, {});
    }
}

void Client::Impl::part_ended(PartOf of, TaskResult&& result) {
    --parts_under_way_;
    take_part(of, std::move(result));
    send_parts();
}

void Client::Impl::take_part(PartOf of, TaskResult&& result) {
    Task* task = find(of.whole);
    if (!task || !task->cut) return;  // it has ended, and this part with it
    Cut& cut = *task->cut;
    cut.ids[of.index] = 0;
    --cut.under_way;
    if (result.status == Status::kBusy && part_again(of, cut)) return;
    if (result.status != Status::kOk) return fail_part(*task, of.index, std::move(result));
    try {
        result.info = result.info.owned(options_.memory);
        result.data = result.data.owned(options_.memory);
    } catch (const std::bad_alloc&) {
        return end_error(*task, Status::kMemory, {}, {});
    }
    std::vector<TaskOutput>& results = cut.work->results;
    const size_t place = P2C2R_PLANT("parts_mixed_up") ? results.size() - 1 - of.index : of.index;
    results[place] = {result.info, result.data};
    add_figures(cut.figures, result);
    ++cut.came;
    if (is_known(task->id)) {
        events_.on_task_part(task->id, part_at(*cut.work, of.index), result);
        task = find(of.whole);  // whoever is told may cancel it
        if (!task) return;
    }
    if (cut.came == cut.specs.size()) merge_parts(*task);
}

// The coordinator has no room for one more: while others are under way it goes when one of them has
// come, and then not more of its task than now are under way again.
bool Client::Impl::part_again(PartOf of, Cut& cut) {
    if (parts_under_way_ == 0 || cut.refusals[of.index] == kPartRefusalsMost) return false;
    try {
        if (!cut.has_more()) with_parts_.push_back(of.whole);
    } catch (const std::bad_alloc&) {
        return false;
    }
    cut.again.push_back(of.index);
    ++cut.refusals[of.index];
    cut.under_way_most = std::max(1u, cut.under_way);
    return true;
}

void Client::Impl::fail_part(Task& whole, uint32_t index, TaskResult&& result) {
    try {
        const std::string_view why =
            result.error.empty() ? std::string_view(status_text(result.status)) : result.error;
        result.error = part_text(part_at(*whole.cut->work, index)) + ": " + std::string(why);
    } catch (const std::bad_alloc&) {
        // The status says enough.
    }
    fail_parts(whole, std::move(result));
}

// The parts come to nothing. A frame's task has this machine still, as when it had gone whole.
void Client::Impl::fail_parts(Task& whole, TaskResult&& result) {
    if (!whole.frame) return end(whole, std::move(result));
    const uint64_t id = whole.id;
    const std::unique_ptr<Cut> cut = std::move(whole.cut);
    drop_parts(*cut);
    Task* const left = find(id);
    if (!left) return;
    wire::ResultDelivery told;
    told.source = result.source;
    told.attempts = result.attempts;
    told.queue_us = result.queue_us;
    told.processing_us = result.processing_us;
    told.retry_after_ms = result.retry_after_ms;
    remote_failed(*left, result.status, std::move(result.field), std::move(result.error), told);
}

// The whole has ended, or its parts have been put together: nobody wants what is left.
void Client::Impl::drop_parts(Cut& cut) {
    if (cut.job != 0 && runner_) runner_->cancel(cut.job);
    for (const uint64_t id : cut.ids) {
        Task* const part = id != 0 ? find(id) : nullptr;
        if (!part) continue;
        send_cancel(*part);
        end_error(*part, Status::kCancelled, {}, {});
    }
    if (!cut.content) return;
    try {
        drop(cut.content->digest);
    } catch (const std::bad_alloc&) {
        // The coordinator keeps it until it needs the room.
    }
}

// ---- putting them together ----------------------------------------------------------------------

void Client::Impl::merge_parts(Task& whole) {
    Cut& cut = *whole.cut;
    cut.state = Cut::State::kMerging;
    cut.work->merges = true;
    uint64_t size = input_size(*whole.spec);
    for (const TaskOutput& part : cut.work->results) size += part.info.size() + part.data.size();
    start_part_job(whole, size <= kDecodeAtOnceMost);
}

void Client::Impl::on_merged(Task& whole) {
    PartWork& work = *whole.cut->work;
    TaskResult result = std::move(whole.cut->figures);
    if (work.error) {
        return fail_parts(whole, failed(work.error->status, work.error->field, work.error->text,
                                        std::move(result)));
    }
    result.status = Status::kOk;
    result.info = std::move(work.merged.info);
    result.data = std::move(work.merged.data);
    end(whole, std::move(result));
}

// What a task that might be cut has taken, in parts or whole.
void Client::Impl::learn_whole(const Task& task, const TaskResult& result) {
    const uint64_t now = loop_.turn_us();
    const bool in_parts = is_in_parts(task);
    if (in_parts && task.placed && result.status == Status::kDeadline) {
        task.placed->learn_late(Side::kThere, now, static_cast<double>(now - task.go_us));
    }
    if (result.status != Status::kOk || result.source != Source::kPeer) return;
    const TaskSpec& spec = *task.spec;
    PartTimes::Known* known = nullptr;
    try {
        known = part_times_.find(spec.task_type, input_size(spec),
                                 pixels_asked_for(spec.params.span()));
    } catch (const std::bad_alloc&) {
        // Then nothing is learned from this one.
    }
    if (known) {
        if (task.cut) known->units = task.cut->work->units;
        if (known->units > 0) {
            known->unit_us.add(static_cast<double>(result.processing_us) /
                               static_cast<double>(known->units));
        }
        if (in_parts) {
            const auto handled_us = static_cast<double>(task.cut->work->took_us);
            const double passed_us = static_cast<double>(now - task.cut->begun_us) - handled_us;
            known->handle_us.add(handled_us);
            known->at_once.add(static_cast<double>(result.processing_us) / std::max(passed_us, 1.0),
                               1.0 / 2);
        }
    }
    // To the placement its parts are one task that several helpers have computed.
    if (!in_parts || !task.placed || !task.placed->is_learning(now)) return;
    const double round_us = placement_->link().rtt_us();
    const auto took_us = static_cast<double>(now - task.go_us);
    task.placed->learn_there(now, std::max(took_us - round_us, 0.0), 0, round_us,
                             task.cut->bytes_up, result.bytes_down, is_trial(task.id));
}

}  // namespace p2c2r::roles
