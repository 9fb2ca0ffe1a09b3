// One account floods, others come and go: these wait little, and no slot is idle for it.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "sched/even_pace.h"
#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kTakesUs = 20'000;
constexpr uint64_t kStepUs = 100;
constexpr uint64_t kWayUs = 200;  // there and back

// Four machines with four slots; nine accounts with a task of theirs every so often, and one that
// always has many waiting.
struct FloodWorld : World {
    struct Running {
        Action given;
        Nonce nonce;
        uint64_t takes_us = 0;
    };
    std::multimap<uint64_t, Running> running;         // by when it is done
    std::map<uint64_t, std::deque<Running>> waiting;  // at a peer, in the order they came
    std::map<uint64_t, uint32_t> busy;                // slots of each peer
    std::map<uint64_t, uint64_t> asked_us;            // of tasks of the nine
    std::vector<uint64_t> waited_us;
    std::vector<AccountIndex> others;
    AccountIndex flooder = 0;
    uint64_t every_us = 15'625;
    bool at_once = true;  // all nine at the same moment
    double uneven = 0;    // tasks take up to so much more or less
    Prng prng{17};
    uint64_t done = 0;

    explicit FloodWorld(uint32_t window = 4) {
        scheduler.set_copies_percent(0);
        for (int i = 0; i < 4; ++i) join("p" + std::to_string(i), 4, window);
        flooder = scheduler.open_account();
        for (int i = 0; i < 9; ++i) others.push_back(scheduler.open_account());
    }
    uint64_t ask(AccountIndex account) {
        Admission admission;
        admission.type = scheduler.type_index("echo");
        admission.account = account;
        admission.deadline_us = now + 1'000'000;
        admission.start_timeout_us = 500'000;
        admission.bytes = 100;
        return scheduler.admit(admission, now);
    }
    void settle() {
        for (const Action& action : dispatch()) {
            if (action.kind != Action::Kind::kAssign) continue;
            waiting[action.peer].push_back(
                {action, scheduler.attempt_at(action.task, action.peer)->nonce});
            begin(action.peer);
        }
    }
    void begin(uint64_t peer) {
        std::deque<Running>& next = waiting[peer];
        for (; busy[peer] < 4 && !next.empty(); next.pop_front()) {
            ++busy[peer];
            const auto takes_us =
                static_cast<double>(kTakesUs) * (1 + uneven * (2 * prng.unit() - 1));
            next.front().takes_us = static_cast<uint64_t>(takes_us);
            running.emplace(now + next.front().takes_us + kWayUs, next.front());
        }
    }
    void end_what_is_done() {
        while (!running.empty() && running.begin()->first <= now) {
            const Running ended = running.begin()->second;
            running.erase(running.begin());
            --busy[ended.given.peer];
            begin(ended.given.peer);
            REQUIRE(scheduler.answered(ended.given.peer, ended.given.attempt_id, ended.nonce,
                                       Status::kOk, ended.takes_us, now,
                                       actions) == Verdict::kAccepted);
            ++done;
            const auto own = asked_us.find(ended.given.task);
            if (own == asked_us.end()) continue;
            waited_us.push_back(now - own->second);
            asked_us.erase(own);
        }
    }
    void play(uint64_t for_us, bool floods) {
        done = 0;
        waited_us.clear();
        std::vector<uint64_t> due(others.size(), now);
        for (size_t i = 0; !at_once && i < due.size(); ++i) due[i] += i * every_us / due.size();
        for (const uint64_t until_us = now + for_us; now < until_us; now += kStepUs) {
            end_what_is_done();
            scheduler.expire(now, actions);
            for (size_t i = 0; i < others.size(); ++i) {
                if (due[i] > now) continue;
                asked_us[ask(others[i])] = now;
                due[i] += every_us;
            }
            while (floods && scheduler.queued() < 40) ask(flooder);
            settle();
        }
    }
    [[nodiscard]] uint64_t p99() {
        std::sort(waited_us.begin(), waited_us.end());
        return waited_us[waited_us.size() * 99 / 100];
    }
};

}  // namespace

TEST_CASE("even pace: others wait little beside one that floods, and no slot is idle for it") {
    // Whatever peers take beyond their slots.
    for (const uint32_t window : {4u, 8u}) {
        for (const bool at_once : {true, false}) {
            for (const double uneven : {0.0, 0.02, 0.5}) {
                CAPTURE(window);
                CAPTURE(at_once);
                CAPTURE(uneven);
                FloodWorld world(window);
                world.at_once = at_once;
                world.uneven = uneven;
                world.play(3'000'000, false);
                const uint64_t alone_us = world.p99();
                world.play(1'000'000, true);  // until it is known who floods
                world.play(20'000'000, true);
                CHECK(world.p99() < alone_us * 7 / 5);
                CHECK(world.waited_us.size() > 11'400);  // of 11520
                CHECK(world.done > 15'840 * 98 / 100);   // that can be done
            }
        }
    }
}

TEST_CASE("even pace: one account alone takes every place at once, from the first moment on") {
    FloodWorld world(8);
    world.others.clear();
    for (int i = 0; i < 100; ++i) {
        world.play(20'000, true);
        size_t held = world.running.size();
        for (const auto& [peer, tasks] : world.waiting) held += tasks.size();
        CHECK(held == 32);
    }
}

TEST_CASE("even pace: where gaps are shorter than timers are exact nothing is lost by them") {
    constexpr uint32_t kFlooder = 1, kOther = 2;
    EvenPace pace;
    uint64_t now = 1'000'000;
    uint64_t placed = 0;
    for (int wake = 0; wake < 1'000; ++wake) {
        pace.other_placed(kOther, now);
        for (int i = 0; i < 1'000 && pace.next_us(now) <= now; ++i, ++placed)
            pace.flood_placed(kFlooder, 40, now);
        now += 1'000;
    }
    // A slot becomes free every 40 us, and the gaps are three quarters of that.
    CHECK(placed > 25'000);
    CHECK(placed < 35'000);
    // Without others there are none.
    now += 1'000'000;
    for (int i = 0; i < 1'000; ++i) {
        CHECK(pace.next_us(now) <= now);
        pace.flood_placed(kFlooder, 40'000, now);
    }
    CHECK_FALSE(pace.is_mixed(now));
    pace.other_placed(kOther, now);
    CHECK(pace.is_mixed(now));
    CHECK(pace.next_us(now) > now);
}
