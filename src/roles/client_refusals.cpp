// Tasks that are not sent while the coordinator refuses such as these.
#include <algorithm>

#include "roles/client_impl.h"

namespace p2c2r::roles {

HoldBack::Wish Client::Impl::wish_of(const Task& task, uint64_t at_us) const {
    const TaskSpec& spec = *task.spec;
    return {spec.task_type, spec.circle, spec.priority,
            task.deadline_us - std::min(task.deadline_us, at_us), payload_size(task)};
}

// As if the coordinator had refused it: this machine is the last resort here, too.
bool Client::Impl::hold_back(Task& task, uint64_t now_us) {
    const HoldBack::Refusal* const why = hold_back_.why_not(wish_of(task, now_us), now_us, chance_);
    if (!why) return false;
    ++stats_.held_back;
    wire::ResultDelivery told;
    told.source = Source::kNone;
    const uint64_t wait_us = why->ask_again_us - std::min(why->ask_again_us, now_us);
    told.retry_after_ms = static_cast<uint32_t>(std::max(wait_us, HoldBack::kProbeUs) / 1000);
    remote_failed(task, Status::kBusy, why->field,
                  "not sent, since the coordinator refuses such tasks: " + why->text, told);
    return true;
}

void Client::Impl::note_refusal(const Task& task, const wire::ResultDelivery& delivery) {
    if (delivery.attempts > 0) return;  // it was taken, and peers had no luck with it
    if (is_part(task.id)) return;       // its whole was counted, and it has a bound of its own
    try {
        hold_back_.refused(wish_of(task, task.sent_us), task.sent_us, delivery.field,
                           delivery.error, delivery.retry_after_ms, loop_.turn_us());
    } catch (const std::bad_alloc&) {
        // Then the next refusal tells.
    }
}

}  // namespace p2c2r::roles
