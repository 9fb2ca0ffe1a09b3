// When a task's time comes: its deadline, or that of computing it here.
#include <algorithm>
#include <new>

#include "core/plant.h"
#include "roles/client_impl.h"

namespace p2c2r::roles {

void Client::Impl::arm(Task& task) {
    uint64_t at = task.deadline_us;
    if (P2C2R_PLANT("late_answer_delivered")) at += 1'000'000;
    if (task.local_at_us != 0) at = std::min(at, task.local_at_us);
    wheel_.set(SlotMap<Task>::index_of(task.slot), at);
    if (at < armed_us_) {
        armed_us_ = at;
        loop_.arm(timer_, at);
    }
}

void Client::Impl::on_time() {
    const uint64_t now = loop_.turn_us();
    armed_us_ = UINT64_MAX;
    try {
        wheel_.expire(now, [&](uint32_t index) {
            if (Task* task = tasks_.find(slot_ids_[index])) time_of(*task, now);
        });
    } catch (...) {
        arm_next();  // whatever failed, the others' time comes
        throw;
    }
    arm_next();
}

void Client::Impl::arm_next() {
    uint64_t next = wheel_.next_us();
    if (P2C2R_PLANT("timer_leaked")) next = std::min(next, loop_.turn_us() + 1'000'000);
    if (next >= armed_us_) return;
    armed_us_ = next;
    loop_.arm(timer_, next);
}

void Client::Impl::time_of(Task& task, uint64_t now_us) {
    if (now_us >= task.deadline_us) {
        std::string text;
        try {
            text = deadline_text(task);
        } catch (const std::bad_alloc&) {
            // The status says enough.
        }
        send_cancel(task);
        return end_error(task, Status::kDeadline, {}, text);
    }
    if (task.local_at_us == 0 || now_us < task.local_at_us) return arm(task);
    const uint64_t id = task.id;
    try {
        start_local(task);
    } catch (const std::bad_alloc&) {
        Task* const left = find(id);
        if (!left || goes_on_away(*left, Status::kMemory)) return;
        send_cancel(*left);
        end_error(*left, Status::kMemory, {}, {});
    }
}

std::string Client::Impl::deadline_text(const Task& task) {
    std::string text = "the deadline passed before an answer came";
    if (!link_ || task.local_started_us != 0) return text;
    if (link_->ready() && task.payload_size > 0 && (task.is_large || !task.sent)) {
        const uint64_t size = task.payload_size;
        const uint64_t unsent =
            task.sent ? out_.unsent(task.id, task.sent_end, link_->connection()) : size;
        if (unsent > 0) {
            text += "; " + std::to_string(size - std::min(size, unsent)) + " of " +
                    std::to_string(size) + " bytes of the input were sent when it did";
        }
    }
    if (!lost_why_.empty() && (lost_us_ >= task.submitted_us || !link_->ready())) {
        text +=
            link_->ready() ? "; meanwhile the connection was lost: " : "; there is no connection: ";
        text += lost_why_;
    }
    return text;
}

}  // namespace p2c2r::roles
