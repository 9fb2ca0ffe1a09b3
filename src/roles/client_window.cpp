// The window of large payloads: how many bytes of them are on their way to the coordinator at a
// time, so that small ones are not kept waiting behind them, and the line is never idle.
#include <algorithm>
#include <new>

#include "roles/client_impl.h"

namespace p2c2r::roles {

namespace {

constexpr uint64_t kLookUs = 2'000;  // between two looks at what has arrived, while others wait
// What is answered within that need not be looked for.
constexpr uint64_t kStayLeastUs = 5'000;
constexpr uint64_t kStayUnknownUs = 20'000;

}  // namespace

bool Client::Impl::fits_window(size_t size) const {
    const bool is_free = windowed_bytes_ == 0 || windowed_bytes_ + size <= window();
    return is_free && (large_bytes_ == 0 || large_bytes_ + size <= window_bytes_max_);
}

// False: it waits.
bool Client::Impl::enter_window(Task& task) {
    if (!fits_window(task.payload_size)) {
        window_queue_.push_back(task.id);
        look_later();
        return false;
    }
    // Where none ever waits, nobody looks: those that have ended go here.
    while (!on_way_.empty()) {
        const Task* const first = find(on_way_.front());
        if (first && first->windowed) break;
        on_way_.pop_front();
    }
    on_way_.push_back(task.id);
    windowed_bytes_ += task.payload_size;
    large_bytes_ += task.payload_size;
    task.windowed = task.is_large = true;
    return true;
}

void Client::Impl::leave_window(Task& task) {
    if (task.windowed) windowed_bytes_ -= task.payload_size;
    if (task.is_large) large_bytes_ -= task.payload_size;
    task.windowed = task.is_large = false;
}

void Client::Impl::empty_window() {
    windowed_bytes_ = large_bytes_ = 0;
    window_queue_.clear();
    on_way_.clear();
}

void Client::Impl::look_later() {
    if (window_queue_.size() == 1) loop_.arm(window_timer_, loop_.turn_us() + kLookUs);
}

// Whose payload the coordinator's machine has is on the way no more, however long it is computed
// and by whomever: one task at a helper that is stuck shall not keep back all that come after it.
void Client::Impl::look_what_arrived() {
    if (window_queue_.empty() || !link_ || !link_->ready()) return;
    const uint64_t now = loop_.turn_us();
    const uint64_t stay =
        way_min_us_ == 0 ? kStayUnknownUs : std::max(kStayLeastUs, 2 * way_min_us_);
    std::erase_if(on_way_, [&](uint64_t id) {
        Task* const task = find(id);
        if (!task || !task->windowed) return true;
        if (now - task->sent_us < stay) return false;
        if (out_.unsent(id, task->sent_end, link_->connection()) > 0) return false;
        task->windowed = false;
        windowed_bytes_ -= task->payload_size;
        return true;
    });
    send_waiting();
    if (!window_queue_.empty()) loop_.arm(window_timer_, now + kLookUs);
}

void Client::Impl::send_waiting() {
    try {
        while (!window_queue_.empty() && link_ && link_->ready()) {
            Task* task = find(window_queue_.front());
            if (task && !task->sent) {
                if (!fits_window(payload_size(*task))) return;
                window_queue_.pop_front();
                send(*task);
            } else {
                window_queue_.pop_front();
            }
        }
    } catch (const std::bad_alloc&) {
        link_->fail(Status::kMemory, "memory is short");  // all are sent again, on the next one
    }
}

}  // namespace p2c2r::roles
