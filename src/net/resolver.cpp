#include "net/resolver.h"

#include <memory>
#include <new>
#include <system_error>
#include <utility>

#include "net/quiet_thread.h"

namespace p2c2r::net {

Resolver::~Resolver() {
    if (self_) *self_ = nullptr;
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    asked_.notify_one();
    thread_.join();
}

uint64_t Resolver::look_up(const std::string& host, uint32_t port, Done done) {
    if (!thread_.joinable()) {
        self_ = std::make_shared<Resolver*>(this);
        try {
            const SignalsBlocked quiet;
            thread_ = std::thread([this] { thread_main(); });
        } catch (const std::system_error&) {
            return 0;
        }
    }
    const uint64_t id = ++last_id_;
    waiting_[id] = std::move(done);
    {
        const std::lock_guard lock(mutex_);
        questions_.push_back({id, host, port});
    }
    asked_.notify_one();
    return id;
}

void Resolver::thread_main() {
    if (hook_) hook_("p2c2r-names", true);
    std::unique_lock lock(mutex_);
    for (;;) {
        asked_.wait(lock, [this] { return stopping_ || !questions_.empty(); });
        if (stopping_) break;
        const Question question = std::move(questions_.front());
        questions_.pop_front();
        lock.unlock();
        try {
            Answer answer;
            answer.id = question.id;
            answer.addresses = net::look_up(question.host, question.port, answer.why);
            lock.lock();
            if (stopping_) break;
            answers_.push_back(std::move(answer));
            // The loop outlives this thread, since it outlives the transport that joins it.
            loop_.post([self = self_] {
                if (*self) (*self)->deliver();
            });
        } catch (const std::bad_alloc&) {
            // No answer then: whoever asked has a time limit.
            if (!lock.owns_lock()) lock.lock();
        }
    }
    lock.unlock();
    if (hook_) hook_("p2c2r-names", false);
}

void Resolver::deliver() {
    std::vector<Answer> answers;
    {
        const std::lock_guard lock(mutex_);
        answers.swap(answers_);
    }
    for (Answer& answer : answers) {
        const auto found = waiting_.find(answer.id);
        if (found == waiting_.end()) continue;
        const Done done = std::move(found->second);
        waiting_.erase(found);
        done(std::move(answer.addresses), answer.why);
    }
}

}  // namespace p2c2r::net
