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

// Where smaller ones are always on the way a payload larger than the window would never find it
// empty: it gets in while half of it is free, and past what the coordinator takes while little is
// there.
bool Client::Impl::fits_window(size_t size) const {
    const uint64_t most = window();
    const uint64_t counts = std::min<uint64_t>(size, most / 2);
    if (windowed_bytes_ != 0 && windowed_bytes_ + counts > most) return false;
    if (size > window_bytes_max_) return large_bytes_ <= window_bytes_max_ / 16;
    return large_bytes_ == 0 || large_bytes_ + size <= window_bytes_max_;
}

// False: it waits. Who comes later goes before those that wait only if it is more urgent; whose
// turn it is has been asked already.
bool Client::Impl::enter_window(Task& task, bool its_turn) {
    const uint64_t key = sched::TaskQueue::key_of(task.spec->priority, task.deadline_us);
    const bool goes_first = its_turn || !first_waiting() || key < window_queue_.front().key;
    if (!goes_first || !fits_window(task.payload_size)) {
        wait_for_window({key, ++waited_, task.id});
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

// What has ended meanwhile is still in the queue: twice as many as there are tasks at most.
void Client::Impl::wait_for_window(const Waiting& waiting) {
    if (window_queue_.size() > 2 * tasks_.size() + 64) {
        std::erase_if(window_queue_, [this](const Waiting& one) { return !waits(one); });
        std::make_heap(window_queue_.begin(), window_queue_.end(), later);
    }
    window_queue_.push_back(waiting);
    std::push_heap(window_queue_.begin(), window_queue_.end(), later);
    look_later();
}

bool Client::Impl::waits(const Waiting& waiting) {
    const Task* const task = find(waiting.task);
    return task && !task->is_large;
}

// The one whose turn is next; NULL: none waits.
Client::Impl::Task* Client::Impl::first_waiting() {
    while (!window_queue_.empty()) {
        if (waits(window_queue_.front())) return find(window_queue_.front().task);
        drop_first_waiting();
    }
    return nullptr;
}

void Client::Impl::drop_first_waiting() {
    std::pop_heap(window_queue_.begin(), window_queue_.end(), later);
    window_queue_.pop_back();
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
        while (link_ && link_->ready()) {
            Task* const task = first_waiting();
            if (!task || !fits_window(payload_size(*task))) return;
            drop_first_waiting();
            send(*task, true);
        }
    } catch (const std::bad_alloc&) {
        link_->fail(Status::kMemory, "memory is short");  // all are sent again, on the next one
    }
}

}  // namespace p2c2r::roles
