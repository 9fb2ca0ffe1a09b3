// Tasks that answer frames: this machine computes an answer in time for the frame, in the best form
// that fits, and the task goes on while another one is awaited, for the frames that come after.
//
// One that is cut is the same: its parts are what is awaited. They are never computed here, since
// this machine's form of the whole is in time for the frame, and they would be in its way.
#include <algorithm>

#include "roles/client_impl.h"

namespace p2c2r::roles {

// Nobody waits for this machine's answer any more.
bool Client::Impl::is_frame_over(const Task& task) const {
    return task.frame && loop_.turn_us() >= task.answer_by_us;
}

uint64_t Client::Impl::plan_form(Task& task, uint64_t now_us) {
    const LocalChoice choice = choose_form(local_times_, task.spec->task_type, task.frame->forms,
                                           now_us, task.answer_by_us);
    task.local_form = choice.form;
    task.form_planned = true;
    return choice.begin_us;
}

// Chosen anew when it begins, which may be earlier than it was planned, or late. What was planned
// stays if it is done in time without what was set aside. Gives what it takes; 0: not known.
uint64_t Client::Impl::choose_local_form(Task& task, exec::JobSpec& spec) {
    const std::vector<LocalForm>& forms = task.frame->forms;
    const uint64_t now = task.local_started_us;
    const uint64_t left = task.answer_by_us > now ? task.answer_by_us - now : 0;
    LocalChoice choice =
        choose_form(local_times_, task.spec->task_type, forms, now, task.answer_by_us);
    const size_t planned = task.form_planned ? task.local_form : choice.form;
    if (planned < choice.form &&
        local_times_.p95_us(task.spec->task_type, forms[planned].quality) <= left) {
        choice = {planned, now, true};
    }
    task.local_form = choice.form;
    if (choice.form != task.frame->own) spec.params = forms[choice.form].params;
    const uint64_t known_us = local_times_.p95_us(task.spec->task_type, forms[choice.form].quality);
    // Where nobody else answers it is of use for as long as any task of this machine.
    if (!awaits_away(task)) return known_us;
    // What waits for a worker so long that it would be too late is not begun; one that is too slow
    // for its frame in any case is, for later frames, if nothing is in its way.
    const uint64_t spare = choice.fits && choice.begin_us > now ? choice.begin_us - now : 0;
    spec.start_by_us = left == 0 ? task.deadline_us : now + std::max(left / 4, spare) + 1;
    return known_us;
}

// `ended`: else it is stopped now, and takes longer than it has.
void Client::Impl::learn_local_form(const Task& task, bool ended) {
    const uint64_t now = loop_.turn_us();
    if (task.local_started_us == 0 || now < task.local_started_us) return;
    const int32_t quality = local_quality(task);
    try {
        const uint64_t took_us = now - task.local_started_us;
        if (ended) {
            local_times_.learn(task.spec->task_type, quality, took_us);
        } else {
            local_times_.learn_longer_than(task.spec->task_type, quality, took_us);
        }
    } catch (const std::bad_alloc&) {
        // Then nothing is learned from this one.
    }
}

bool Client::Impl::awaits_away(const Task& task) const {
    return link_ && link_->ready() && is_asked_away(task) && !task.refused &&
           loop_.turn_us() < task.deadline_us;
}

void Client::Impl::tell_here(Task& task, TaskResult&& result) {
    const uint64_t id = task.id;
    task.has_here = true;
    task.local_started_us = 0;
    unplan_local(task);
    arm(task);
    result.total_us = loop_.turn_us() - task.submitted_us;
    events_.on_task_here(id, local_quality(task), std::move(result));
}

void Client::Impl::want_answer(uint64_t id, uint64_t at_us) {
    Task* task = find(id);
    if (!task || !task->frame) return;
    task->answer_by_us = std::min(at_us, task->deadline_us);
    if (task->has_here || task->local_started_us != 0 || task->waits_for > 0 || task->kept) return;
    if (!link_ || task->spec->place == Place::kLocal) return;
    plan_local(*task, loop_.turn_us());
    arm(*task);
}

}  // namespace p2c2r::roles
