// A scheduler with a clock, for its tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/prng.h"
#include "sched/scheduler.h"

namespace p2c2r::sched {

class SeededRandom : public RandomSource {
  public:
    explicit SeededRandom(uint64_t seed) : prng_(seed) {}
    void fill(std::span<uint8_t> out) override {
        for (uint8_t& byte : out) byte = static_cast<uint8_t>(prng_.next());
    }

  private:
    Prng prng_;
};

struct World {
    SeededRandom random{7};
    ContentStore contents{1 << 30, 1 << 30};
    Scheduler scheduler{10000, random, &contents};
    std::vector<Action> actions;
    uint64_t now = 1'000'000;

    uint64_t join(const std::string& name, uint32_t slots = 2, uint32_t window = 4,
                  std::vector<std::string> types = {"echo"}, OwnerIndex owner = kNoOwner,
                  Circle accepts = Circle::kInvited) {
        PeerRecord record;
        record.peer_id = name;
        record.owner = owner;
        record.accepts = accepts;
        record.slots = slots;
        record.window_tasks = window;
        record.window_bytes = 1 << 20;
        return scheduler.peer_joined(std::move(record), types, now);
    }
    uint64_t admit(uint64_t deadline_us = 1'000'000, int8_t priority = 0, bool local = false,
                   const char* type = "echo", uint64_t bytes = 100, const Reach& reach = {}) {
        Admission admission;
        admission.type = scheduler.type_index(type);
        admission.priority = priority;
        admission.deadline_us = now + deadline_us;
        admission.start_timeout_us = 500'000;
        admission.bytes = bytes;
        admission.can_run_local = local;
        admission.reach = reach;
        return scheduler.admit(admission, now);
    }
    std::vector<Action> dispatch() {
        scheduler.dispatch(now, actions);
        return std::exchange(actions, {});
    }
    std::vector<Action> expire(uint64_t after_us) {
        now += after_us;
        scheduler.expire(now, actions);
        scheduler.dispatch(now, actions);
        return std::exchange(actions, {});
    }
    Verdict answer(const Action& assigned, Status status = Status::kOk) {
        const Nonce nonce = scheduler.attempt_at(assigned.task, assigned.peer)->nonce;
        return scheduler.answered(assigned.peer, assigned.attempt_id, nonce, status, 100, now,
                                  actions);
    }
};

}  // namespace p2c2r::sched
