// What this machine computes itself: when it begins, and what it learns of its own speed.
#include <algorithm>

#include "roles/client_impl.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kLocalSlackUs = 2'000;  // a local run is meant to end this long before

// What is set aside for a local run: it may take longer than the ones before.
uint64_t meant_us(uint64_t estimate_us) {
    return estimate_us * 3 / 2 + kLocalSlackUs;
}

// When a run must have begun that is asked for now. Where more is asked of this machine than it can
// do, some get their answer in time, rather than all of them too late. One that has less time than
// is meant for it is begun too, unless it would wait for long.
uint64_t latest_begin_us(uint64_t now_us, uint64_t deadline_us, uint64_t estimate_us) {
    if (estimate_us == 0 || now_us >= deadline_us) return deadline_us;
    const uint64_t left = deadline_us - now_us;
    const uint64_t hardly = estimate_us * 9 / 8;
    const uint64_t wait = hardly < left ? std::min(left / 4, left - hardly) : left / 4;
    return now_us + std::max(wait, left - std::min(left, meant_us(estimate_us)));
}

// Any machine would give this error to the task.
bool is_tasks_own(Status status) {
    return status == Status::kParams || status == Status::kArgument || status == Status::kSize ||
           status == Status::kLimit;
}

}  // namespace

void Client::Impl::plan_run(Task& task, uint64_t now_us) {
    if (task.frame) {
        if (task.has_here || is_frame_over(task)) return;
        uint64_t at = plan_form(task, now_us);
        if (gone_us_ != 0) at = std::min(at, gone_us_ + kLinkGraceUs);
        task.local_at_us = std::max(now_us, at);
        return;
    }
    const bool at_deadline = task.spec->flags & task_flag::kLocalAtDeadline;
    if (link_->ready() && !at_deadline) return;
    const auto estimate = static_cast<uint64_t>(local_estimate(task));
    const uint64_t left = task.deadline_us > now_us ? task.deadline_us - now_us : 0;
    uint64_t need = left / 2;
    if (estimate > 0) {
        // Those that are planned already come first. For their sake it does not begin before half
        // of its time is over: many in flight are no reason to send nothing.
        const uint64_t alone = meant_us(estimate);
        need = std::max(alone, std::min(alone + local_backlog_us_ / runner_->parallel(), left / 2));
        task.local_cost_us = estimate;
        local_backlog_us_ += estimate;
    }
    uint64_t at = task.deadline_us - std::min(left, need);
    if (gone_us_ != 0) at = std::min(at, gone_us_ + kLinkGraceUs);
    task.local_at_us = std::max(now_us, at);
}

double& Client::Impl::local_estimate(const Task& task) {
    // What a part takes says nothing of a whole.
    const auto& task_type = task.spec->task_type;
    const std::string name = is_part(task.id) ? task_type + " in parts" : std::string();
    const std::string& asked = name.empty() ? task_type : name;
    for (auto& [type, estimate] : local_us_) {
        if (type == asked) return estimate;
    }
    local_us_.emplace_back(asked, 0.0);
    return local_us_.back().second;
}

void Client::Impl::start_local(Task& task) {
    task.local_at_us = 0;
    task.local_started_us = std::max<uint64_t>(1, loop_.turn_us());
    arm(task);
    exec::JobSpec spec;
    spec.task_type = task.spec->task_type;
    spec.params = task.spec->params;
    const uint64_t id = task.id;
    Result<Bytes> data = whole_data(*task.spec);
    if (!data) {
        if (goes_on_away(task, data.error().status)) return;
        return end_error(task, data.error().status, data.error().field, data.error().text);
    }
    spec.data = std::move(*data);
    spec.deadline_us = task.deadline_us;
    const uint64_t takes_us =
        task.frame ? choose_local_form(task, spec) : static_cast<uint64_t>(local_estimate(task));
    if (spec.start_by_us == 0) {
        spec.start_by_us = latest_begin_us(task.local_started_us, task.deadline_us, takes_us);
    }
    const uint64_t job = runner_->start(spec, id, *this);
    // A short job has ended already, and the task with it.
    Task* after = find(id);
    if (!after) return;
    if (job == 0) {
        if (goes_on_away(*after, Status::kBusy)) return;
        end_error(*after, Status::kBusy, {}, "this machine could not start the task");
        return;
    }
    after->local_job = job;
}

// It failed here, was not even begun, or has not ended in time: an answer from elsewhere may still
// come. False: none is on its way, or it would be the same.
bool Client::Impl::goes_on_away(Task& task, Status status) {
    if (!link_ || !link_->ready() || !is_asked_away(task) || task.refused || is_tasks_own(status)) {
        return false;
    }
    task.local_started_us = 0;
    unplan_local(task);
    arm(task);
    return true;
}

void Client::Impl::on_job_done(uint64_t tag, exec::Output&& output) {
    Task* task = find(tag);
    if (!task || task->local_started_us == 0) return;
    task->local_job = 0;
    if (output.status == Status::kOk) {
        try {
            double& estimate = local_estimate(*task);
            const double took = static_cast<double>(output.processing_us);
            estimate = estimate == 0 ? took : estimate + (took - estimate) / 8;
        } catch (const std::bad_alloc&) {
            // Then nothing is learned from this one.
        }
        TaskResult result;
        result.status = Status::kOk;
        result.info = std::move(output.info);
        result.data = std::move(output.data);
        result.source = Source::kLocal;
        result.attempts = 1;
        result.processing_us = output.processing_us;
        if (task->frame) {
            learn_local_form(*task, true);
            if (awaits_away(*task)) return tell_here(*task, std::move(result));
            events_.on_local_quality(tag, local_quality(*task));
        }
        send_cancel(*task);
        end(*task, std::move(result));
        return;
    }
    if (task->kept && send_instead(*task, output.status)) return;
    if (goes_on_away(*task, output.status)) return;
    send_cancel(*task);
    TaskResult result;
    result.source = Source::kLocal;
    result.attempts = 1;
    result.processing_us = output.processing_us;
    end_error(*task, output.status, output.field, output.error, std::move(result));
}

}  // namespace p2c2r::roles
