// Two peers of one slot whose tasks take ten milliseconds, for the tests of what is taken back.
#pragma once

#include <doctest/doctest.h>

#include "unit/sched_world.h"

namespace p2c2r::sched {

inline constexpr uint64_t kStealComputes = 10'000;

struct StealWorld : World {
    uint64_t slow = join("slow", 1, 8);
    uint64_t other = join("other", 1, 8);

    StealWorld() {
        teach(slow);
        teach(other);
    }
    Action give(uint64_t peer, uint64_t deadline_us = 1'000'000, const Reach& reach = {}) {
        const uint64_t task = admit(deadline_us, 0, false, "echo", 100, reach);
        REQUIRE(scheduler.assign_to(task, peer, now, actions) == Status::kOk);
        const Action given = actions.back();
        actions.clear();
        now += 10;
        return given;
    }
    Nonce nonce_of(const Action& given) {
        return scheduler.attempt_at(given.task, given.peer)->nonce;
    }
    Verdict end(const Action& given, Status status = Status::kOk) {
        return scheduler.answered(given.peer, given.attempt_id, nonce_of(given), status,
                                  kStealComputes, now, actions);
    }
    void teach(uint64_t peer) {
        for (int i = 0; i < 4; ++i) {
            const Action given = give(peer);
            now += kStealComputes;
            REQUIRE(end(given) == Verdict::kAccepted);
            actions.clear();
        }
    }
    // The peer's answer to the cancel of what it was given.
    Verdict cancelled(const Action& given, const Nonce& nonce, uint64_t compute_us) {
        return scheduler.answered(given.peer, given.attempt_id, nonce, Status::kCancelled,
                                  compute_us, now, actions);
    }
    [[nodiscard]] uint8_t attempts(const Action& given) const {
        return scheduler.find(given.task)->attempts;
    }
    [[nodiscard]] uint64_t taken_back() const { return scheduler.stats().taken_back; }
    [[nodiscard]] const PeerRecord& record(uint64_t peer) { return *scheduler.peers().find(peer); }
};

}  // namespace p2c2r::sched
