// More work than peers can do: what cannot be in time is refused when it comes, or when it would be
// its turn, and what is begun is in time.
#include <doctest/doctest.h>

#include <deque>

#include "sched/queue_pace.h"
#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kMs = 1000;

// Machines with one slot each that take `compute_us` for a task, and gamers who each ask at a pace.
struct OverloadWorld : World {
    struct Running {
        Action given;
        Nonce nonce;
        uint64_t until_us;
    };
    uint64_t compute_us = 20 * kMs;
    std::vector<uint64_t> peers;
    std::vector<std::deque<Running>> held;  // by peer; the first one runs
    uint64_t asked = 0, in_time = 0, refused = 0, too_late = 0, begun_in_vain = 0;

    explicit OverloadWorld(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            peers.push_back(join("p" + std::to_string(i), 1, 2));
            held.emplace_back();
        }
    }
    Admission wish(AccountIndex account, uint64_t within_us) {
        Admission admission;
        admission.type = scheduler.type_index("echo");
        admission.account = account;
        admission.deadline_us = now + within_us;
        admission.start_timeout_us = 500 * kMs;
        admission.bytes = 100;
        return admission;
    }
    // False: it is refused.
    bool ask(AccountIndex account, uint64_t within_us) {
        ++asked;
        const Admission admission = wish(account, within_us);
        if (scheduler.late_by_us(admission, 0, now) > 0) return ++refused, false;
        scheduler.admit(admission, now);
        settle();
        return true;
    }
    void begin_next(size_t peer) {
        if (held[peer].empty()) return;
        Running& next = held[peer].front();
        next.until_us = now + compute_us;
        const TaskRecord* record = scheduler.find(next.given.task);
        if (record && next.until_us > record->deadline_us) ++begun_in_vain;
    }
    void settle() {
        scheduler.dispatch(now, actions);
        for (const Action& action : std::exchange(actions, {})) {
            if (action.kind == Action::Kind::kEnd) {
                ++(action.status == Status::kBusy ? refused : too_late);
            }
            if (action.kind != Action::Kind::kAssign) continue;
            for (size_t i = 0; i < peers.size(); ++i) {
                if (peers[i] != action.peer) continue;
                const Nonce nonce = scheduler.attempt_at(action.task, action.peer)->nonce;
                held[i].push_back({action, nonce, UINT64_MAX});
                if (held[i].size() == 1) begin_next(i);
            }
        }
    }
    void pass(uint64_t until_us) {
        while (now < until_us) {
            now += kMs;
            scheduler.expire(now, actions);
            settle();
            for (size_t i = 0; i < peers.size(); ++i) {
                if (held[i].empty() || held[i].front().until_us > now) continue;
                const Running done = held[i].front();
                held[i].pop_front();
                const TaskRecord* record = scheduler.find(done.given.task);
                const bool timely = record && now <= record->deadline_us;
                if (scheduler.answered(done.given.peer, done.given.attempt_id, done.nonce,
                                       Status::kOk, compute_us, now,
                                       actions) == Verdict::kAccepted &&
                    timely) {
                    ++in_time;
                }
                begin_next(i);
                settle();
            }
        }
    }
    // `per_s` tasks of each of these for so long.
    void play(const std::vector<AccountIndex>& accounts, uint64_t per_s, uint64_t for_us,
              uint64_t within_us = 100 * kMs) {
        asked = in_time = refused = too_late = begun_in_vain = 0;
        const uint64_t end_us = now + for_us;
        const uint64_t step_us = 1'000'000 / per_s;
        while (now < end_us) {
            for (const AccountIndex account : accounts) ask(account, within_us);
            pass(now + step_us);
        }
    }
};

}  // namespace

TEST_CASE("sched: a queue's pace is that of its backlog, and forgotten when nobody waits") {
    QueuePace pace;
    CHECK(pace.wait_us(100) == 0);
    uint64_t now = 1'000'000;
    for (int i = 0; i < 200; ++i) pace.left(now += 5 * kMs, 10);
    CHECK(pace.wait_us(10) > 45 * kMs);
    CHECK(pace.wait_us(10) < 51 * kMs);
    CHECK(pace.is_overloaded(now));
    QueuePace left = pace;
    left.empty();
    CHECK_FALSE(left.is_overloaded(now + 60'000'000));
    // Whoever all wait for was gone for a minute: that is no pace.
    pace.left(now += 60'000'000, 10);
    CHECK(pace.wait_us(1) < 10 * kMs);
    for (int i = 0; i < 100; ++i) pace.left(now += 5 * kMs, 0);
    CHECK(pace.wait_us(10) < kMs);
    CHECK_FALSE(pace.is_overloaded(now));
    // A burst is no overload before it has lasted.
    for (int i = 0; i < 20; ++i) pace.left(now += 5 * kMs, 10);
    CHECK_FALSE(pace.is_overloaded(now));
    pace.left(now += 20 * kMs, 10);
    CHECK(pace.is_overloaded(now));
}

TEST_CASE("sched: at three times what peers can do, what they do is in time and the rest refused") {
    OverloadWorld world(8);  // 400 tasks a second
    const std::vector<AccountIndex> accounts = {world.scheduler.open_account(),
                                                world.scheduler.open_account(),
                                                world.scheduler.open_account()};
    world.play(accounts, 133, 3'000'000);
    const uint64_t peak = world.in_time;
    CHECK(peak > 1100);
    world.play(accounts, 400, 5'000'000);
    CHECK(world.asked > 4'500);
    CHECK(world.in_time > 5 * 400 * 9 / 10);
    CHECK(world.in_time + world.refused > world.asked - 100);
    CHECK(world.too_late < 20);
    CHECK(world.begun_in_vain < 20);
    // And when that is over, all is as before at once.
    world.pass(world.now + 200 * kMs);
    world.play(accounts, 66, 1'000'000);
    CHECK(world.refused == 0);
    CHECK(world.too_late == 0);
    CHECK(world.in_time > 180);
}

TEST_CASE("sched: who floods is refused, and nobody else is") {
    OverloadWorld world(8);
    const AccountIndex quiet = world.scheduler.open_account();
    const AccountIndex loud = world.scheduler.open_account();
    world.play({loud}, 1000, 2'000'000);
    CHECK(world.refused > 500);
    uint64_t refused = 0;
    for (int i = 0; i < 100; ++i) {
        for (int k = 0; k < 8; ++k) world.ask(loud, 100 * kMs);
        refused += !world.ask(quiet, 100 * kMs);
        world.pass(world.now + 8 * kMs);
    }
    CHECK(refused == 0);
}

TEST_CASE("sched: one that goes before those that wait is not refused for them") {
    OverloadWorld world(1);
    const AccountIndex account = world.scheduler.open_account();
    world.play({account}, 200, 2'000'000, 2'000'000);
    Admission urgent = world.wish(account, 60 * kMs);
    CHECK(world.scheduler.late_by_us(urgent, 0, world.now) == 0);
    urgent.priority = -1;
    CHECK(world.scheduler.late_by_us(urgent, 0, world.now) > 0);
    // What is not in the queue yet stands before it as well.
    OverloadWorld other(1);
    const AccountIndex second = other.scheduler.open_account();
    other.play({second}, 60, 2'000'000, 1'000'000);
    const Admission last = other.wish(second, 1'100 * kMs);
    CHECK(other.scheduler.late_by_us(last, 1'000, other.now) > 10'000 * kMs);
}

TEST_CASE("sched: a machine that is idle may try what it was too slow for") {
    OverloadWorld world(1);
    const AccountIndex account = world.scheduler.open_account();
    world.compute_us = 80 * kMs;
    world.play({account}, 5, 2'000'000);
    // Once 40 ms are all there is, it has become fast meanwhile.
    world.compute_us = 10 * kMs;
    world.play({account}, 10, 1'000'000, 40 * kMs);
    CHECK(world.refused == 0);
    CHECK(world.in_time > 8);
}
