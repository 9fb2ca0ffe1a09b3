// What one account may ask of a coordinator at a time, and which of its tasks wait for its own
// others: so that who floods waits for himself and not before everybody. Among those that may go
// the accounts take turns (sched/task_queues.h). Decides, never acts: time comes in, and tasks are
// numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "identity/rate_limit.h"

namespace p2c2r::roles {

struct ShareLimits {
    identity::Rate tasks{20'000, 20'000};
    identity::Rate bytes{256ull << 20, 256ull << 20};  // of params, data and contents
    uint32_t in_flight = 64;                           // where peers may get them
    uint32_t queued = 256;                             // beside these
    uint32_t connections = 64;                         // gamers, also away ones, and peers
};

// Of the operator's own machines.
inline constexpr ShareLimits kNoShareLimits{
    {0, 0}, {0, 0}, UINT32_MAX / 2, UINT32_MAX / 2, UINT32_MAX};

// Of one account, with all that is connected under it.
class Share {
  public:
    Share(std::string name, const ShareLimits& limits) : name(std::move(name)), limits_(limits) {}

    enum class Refusal : uint8_t { kNone, kTasksRate, kBytesRate, kQueue };
    struct Answer {
        Refusal refusal = Refusal::kNone;
        uint64_t wait_us = 0;  // when it is worth asking again; 0: nobody knows
    };
    // May one more task of so many bytes come in? Counts it against the rates if so.
    Answer ask(uint64_t bytes, uint64_t now_us) {
        if (pending_ >= limits_.in_flight + limits_.queued) return {Refusal::kQueue, 0};
        return bring(bytes, now_us);
    }
    // The same of what comes in and is no task: a content.
    Answer bring(uint64_t bytes, uint64_t now_us) {
        if (const uint64_t wait = tasks_.take(limits_.tasks, 1, now_us)) {
            return {Refusal::kTasksRate, wait};
        }
        if (const uint64_t wait = bytes_.take(limits_.bytes, bytes, now_us)) {
            return {Refusal::kBytesRate, wait};
        }
        return {};
    }
    // A cancel costs as much as a task, or submitting and cancelling were free.
    void cancelled(uint64_t now_us) { tasks_.charge(limits_.tasks, 1, now_us); }
    // So does a call, and as much again for each KiB of its answer: microseconds to wait, or 0.
    uint64_t call(uint64_t now_us) { return tasks_.take(limits_.tasks, 1, now_us); }
    void answered(uint64_t bytes, uint64_t now_us) {
        tasks_.charge(limits_.tasks, bytes / 1024, now_us);
    }

    // ---- tasks that are in
    void came() { ++pending_; }
    void went() { --pending_; }
    // One more may go where peers can get it; it counts until landed().
    [[nodiscard]] bool take_off() {
        if (flying_ >= limits_.in_flight) return false;
        ++flying_;
        return true;
    }
    void landed() { --flying_; }
    // One that has to wait for that; smaller keys go first. Throws std::bad_alloc.
    template <class Lives>
    void wait(uint64_t key, uint64_t task, const Lives& lives) {
        if (waiting_.size() > 2 * static_cast<size_t>(pending_) + 64) {
            std::erase_if(waiting_, [&](const Waiting& one) { return !lives(one.task); });
            std::make_heap(waiting_.begin(), waiting_.end(), later);
        }
        waiting_.push_back({key, task});
        std::push_heap(waiting_.begin(), waiting_.end(), later);
    }
    // The next one that may go now, counted; 0: none.
    template <class Lives>
    uint64_t next(const Lives& lives) {
        while (!waiting_.empty() && flying_ < limits_.in_flight) {
            const uint64_t task = waiting_.front().task;
            std::pop_heap(waiting_.begin(), waiting_.end(), later);
            waiting_.pop_back();
            if (!lives(task)) continue;
            ++flying_;
            return task;
        }
        return 0;
    }

    // Payload bytes of these.
    void holds_more(uint64_t bytes) { pending_bytes_ += bytes; }
    void holds_less(uint64_t bytes) { pending_bytes_ -= bytes; }
    [[nodiscard]] uint64_t pending_bytes() const { return pending_bytes_; }
    // Does a task of so many bytes fit into the account's window? One of any size may come while
    // little else is pending.
    [[nodiscard]] bool fits(uint64_t bytes, uint64_t window) const {
        return pending_bytes_ <= window / 8 || pending_bytes_ + bytes <= window;
    }
    [[nodiscard]] uint32_t pending() const { return pending_; }
    [[nodiscard]] uint32_t flying() const { return flying_; }
    [[nodiscard]] const ShareLimits& limits() const { return limits_; }

    const std::string name;
    uint32_t users = 0;    // gamers and peers that have it
    uint32_t account = 0;  // the scheduler's number of it

  private:
    struct Waiting {
        uint64_t key;
        uint64_t task;
    };
    static bool later(const Waiting& a, const Waiting& b) { return a.key > b.key; }

    const ShareLimits limits_;
    identity::RateLimit tasks_;
    identity::RateLimit bytes_;
    uint32_t pending_ = 0;
    uint64_t pending_bytes_ = 0;
    uint32_t flying_ = 0;
    std::vector<Waiting> waiting_;
};

// By account.
class Shares {
  public:
    // May it have one more user?
    [[nodiscard]] bool has_place(const std::string& account, const ShareLimits& limits) const {
        const auto known = shares_.find(account);
        return known == shares_.end() || known->second.users < limits.connections;
    }
    // The share of an account, with one more user. It stays where it is until drop().
    Share& take(const std::string& account, const ShareLimits& limits) {
        Share& share = shares_.try_emplace(account, account, limits).first->second;
        ++share.users;
        return share;
    }
    void drop(Share& share) {
        if (--share.users == 0) shares_.erase(shares_.find(share.name));
    }
    [[nodiscard]] size_t size() const { return shares_.size(); }

  private:
    std::map<std::string, Share, std::less<>> shares_;
};

// What a refusal tells the gamer: the setting, the words, and when it is worth asking again.
inline const char* field_of(Share::Refusal refusal) {
    switch (refusal) {
        case Share::Refusal::kTasksRate:
            return "gamer_tasks_per_s";
        case Share::Refusal::kBytesRate:
            return "gamer_bytes_per_s";
        default:
            return "gamer_queued_max";
    }
}

inline const char* text_of(Share::Refusal refusal) {
    switch (refusal) {
        case Share::Refusal::kTasksRate:
            return "this account submits more tasks a second than it may";
        case Share::Refusal::kBytesRate:
            return "this account submits more bytes a second than it may";
        default:
            return "this account has as many tasks pending as it may";
    }
}

inline constexpr uint32_t kRetryAfterMs = 100;  // where nobody knows better

inline uint32_t retry_after_ms(uint64_t wait_us) {
    return wait_us == 0 ? kRetryAfterMs
                        : static_cast<uint32_t>(std::min<uint64_t>(wait_us / 1000 + 1, 60'000));
}

}  // namespace p2c2r::roles
