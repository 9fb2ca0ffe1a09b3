// What the coordinator computes itself, the last resort.
//
// A result takes the place of its input in the books, and where that is a content there is none:
// such tasks run as long as there is memory for what comes of them, and then one at a time, for who
// reads. The others wait.
#include <algorithm>

#include "roles/coordinator_impl.h"

namespace p2c2r::roles {

void Coordinator::Impl::run_local(uint64_t task) {
    Relay& work = relay(task);
    if (!work.complete) {
        work.local_waits = true;
        return;
    }
    const sched::TaskRecord* record = scheduler_.find(task);
    if (!record) return;
    if (!take_room_here(work)) return here_waits_.push_back(task);
    ++stats_.local_tasks;
    exec::JobSpec spec;
    spec.task_type = scheduler_.type_name(work.type);
    spec.deadline_us = record->deadline_us;
    // Here the coordinator is the last receiver.
    Result<Payload> input = whole_input(work);
    if (!input) {
        exec::Output output;
        output.status = input.error().status;
        output.field = std::move(input.error().field);
        output.error = std::move(input.error().text);
        return on_job_done(task, std::move(output));
    }
    spec.params = std::move(input->params);
    spec.data = std::move(input->data);
    const uint64_t job = runner_->start(spec, task, *this);
    if (!scheduler_.find(task)) return;  // a short one has ended already
    if (job == 0) {
        exec::Output output;
        output.status = Status::kBusy;
        output.error = "the coordinator could not start the task";
        on_job_done(task, std::move(output));
        return;
    }
    relay(task).job = job;
}

void Coordinator::Impl::on_job_done(uint64_t tag, exec::Output&& output) {
    const sched::TaskRecord* found = scheduler_.find(tag);
    if (!found || found->state != sched::TaskRecord::State::kLocal) return;
    const Course course(*found, found->run);
    Relay& work = relay(tag);
    work.job = 0;
    leave_room_here(work);
    Gamer* gamer = gamers_.find(work.gamer);
    scheduler_.local_ended(tag);
    request_turn_end();
    wire::TaskResult result;
    result.status = output.status;
    result.processing_us = output.processing_us;
    try {
        if (output.status == Status::kOk) {
            const uint64_t now = loop_.turn_us();
            accepted(course, result, now);
            if (gamer) {
                wire::ResultDelivery delivery = delivery_of(course, result, now);
                delivery.source = Source::kCoordinator;
                if (work.is_resident) {
                    tell_resident(work, std::move(delivery), output.info, output.data,
                                  sha256(output.data.span()), 0);
                } else {
                    if (needs_chunks(output.info.size(), output.data.size())) {
                        delivery.sizes = wire::PayloadSizes{output.info.size(), output.data.size()};
                    }
                    encode(delivery, envelope_);
                    deliver(*gamer, work.client_task, 0, output.info, output.data);
                }
            }
            if (work.asks) {
                share_answer(tag, work, output.info.span(), output.data.span(), result, 0);
            }
        } else {
            ++stats_.failed_tasks;
            if (gamer) {
                answer_error(*gamer, work.client_task, output.status, output.field, output.error);
            }
        }
        drop_task(tag, output.status == Status::kOk);
    } catch (const std::bad_alloc&) {
        return lose_end(tag);
    }
    if (gamer && gamer->session) push_back(*gamer->session, nullptr);
}

void Coordinator::Impl::cancel_local(Relay& work) {
    if (const uint64_t job = std::exchange(work.job, 0)) runner_->cancel(job);
    work.local_waits = false;
    leave_room_here(work);
}

// ---- room for what comes of it -----------------------------------------------------------------

bool Coordinator::Impl::take_room_here(Relay& work) {
    if (work.content == 0 || work.here_bytes > 0) return true;
    const uint64_t size = contents_.bytes(work.content).size();
    // With changes the input is a copy of its own.
    const bool is_changed = work.in_chunks || !work.whole.data.empty();
    const uint64_t bytes = is_changed ? 2 * size : size;
    if (budget_bytes() + here_bytes_ + bytes > options_.memory_max / 10 * 9) {
        const Gamer* gamer = gamers_.find(work.gamer);
        if (here_bytes_ > 0 || (gamer && gamer->behind)) return false;
    }
    work.here_bytes = bytes;
    here_bytes_ += bytes;
    return true;
}

void Coordinator::Impl::leave_room_here(Relay& work) {
    here_bytes_ -= std::exchange(work.here_bytes, 0);
}

void Coordinator::Impl::run_what_waits_here() {
    try {
        actions_.reserve(actions_.size() + here_waits_.size());
    } catch (const std::bad_alloc&) {
        return;  // in a later turn
    }
    std::erase_if(here_waits_, [this](uint64_t task) {
        const sched::TaskRecord* const record = scheduler_.find(task);
        if (!record || record->state != sched::TaskRecord::State::kLocal)
            return true;  // it is over
        if (!take_room_here(relay(task))) return false;
        actions_.push_back({sched::Action::Kind::kRunLocal, Status::kOk, task});
        return true;
    });
}

}  // namespace p2c2r::roles
