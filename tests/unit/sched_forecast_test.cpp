// What is predicted of a task at a peer: by the size of its input, by what others took, by the
// spread of its answers, its failures; and whom that chooses when the deadline is close.
#include <doctest/doctest.h>

#include "core/prng.h"
#include "sched_world.h"

using namespace p2c2r;
using namespace p2c2r::sched;

namespace {

constexpr uint64_t kMs = 1000;

// Peers that have answered before, as the tests say.
struct ForecastWorld : World {
    TypeIndex echo = scheduler.type_index("echo");

    PeerTable& peers() { return scheduler.peers(); }
    void teach(uint64_t peer, uint64_t bytes, uint64_t compute_us, uint64_t round_us,
               int times = 1) {
        PeerRecord& record = *peers().find(peer);
        for (int i = 0; i < times; ++i) {
            peers().held_more(record, bytes, 0, now);
            peers().answered(record, echo, bytes, 0, compute_us, round_us, now);
        }
    }
    // Answers in turn after `low` and `high`.
    void teach_spread(uint64_t peer, uint64_t low_us, uint64_t high_us) {
        for (int i = 0; i < 100; ++i) {
            teach(peer, 100, i % 2 == 0 ? low_us : high_us, i % 2 == 0 ? low_us : high_us);
        }
    }
    double predicted_us(uint64_t peer, uint64_t bytes) {
        return static_cast<double>(
            peers().forecast(*peers().find(peer), echo, bytes, now).finish_us - now);
    }
    double compute_us(uint64_t peer, uint64_t bytes) {
        return peers().estimate_us(*peers().find(peer), echo, bytes);
    }
    PeerTable::Choice choose(uint64_t within_us, uint64_t bytes = 100) {
        return peers().choose({echo, bytes, {}, now + within_us}, now);
    }
};

}  // namespace

TEST_CASE("sched: a size curve knows the nearest size, and has nothing to learn of a single one") {
    SizeCurve curve;
    CHECK(curve.at(1000) == 0);
    CHECK_FALSE(curve.differs(1'000));
    CHECK_FALSE(curve.differs(1'023));
    CHECK(curve.is_flat());
    CHECK(curve.differs(64'000));
    CHECK(curve.differs(1'000));
    CHECK_FALSE(curve.knows(64'000));
    curve.begin(64'000, 3);
    CHECK(curve.at(64'000) == 3);
    CHECK(curve.at(60'000) == 3);
    CHECK(curve.at(uint64_t{1} << 40) == 3);
    CHECK(curve.at(0) == 0);
    CHECK(curve.at(3'000) == 0);
    CHECK(curve.at(30'000) == 3);
}

TEST_CASE("sched: curve and units do not drift, however long they learn") {
    ForecastWorld world;
    Prng prng(3);
    const uint64_t fast = world.join("fast"), slow = world.join("slow");
    for (int i = 0; i < 400'000; ++i) {
        const bool large = prng.below(4) == 0;
        const bool at_slow = prng.below(3) == 0;
        const double us = (large ? 32'000 : 4'000) * (at_slow ? 5 : 1) * (0.5 + prng.unit());
        world.teach(at_slow ? slow : fast, large ? 300'000 : 1'000, static_cast<uint64_t>(us),
                    static_cast<uint64_t>(us));
    }
    CHECK(world.compute_us(fast, 1'000) == doctest::Approx(4'000).epsilon(0.3));
    CHECK(world.compute_us(fast, 300'000) == doctest::Approx(32'000).epsilon(0.3));
    CHECK(world.compute_us(slow, 1'000) == doctest::Approx(20'000).epsilon(0.3));
    CHECK(world.compute_us(slow, 300'000) == doctest::Approx(160'000).epsilon(0.3));
}

TEST_CASE("sched: one that has only had small tasks is known to be slow with large ones") {
    ForecastWorld world;
    const uint64_t slow = world.join("slow");
    const uint64_t other = world.join("other");
    for (int i = 0; i < 100; ++i) {
        world.teach(other, 1'000, 2 * kMs, 2 * kMs);
        world.teach(other, 32'000, 20 * kMs, 20 * kMs);
    }
    world.teach(slow, 1'000, 8 * kMs, 8 * kMs, 50);
    CHECK(world.predicted_us(other, 32'000) == doctest::Approx(20'000).epsilon(0.3));
    CHECK(world.predicted_us(slow, 1'000) == doctest::Approx(8'000).epsilon(0.3));
    CHECK(world.predicted_us(slow, 32'000) == doctest::Approx(80'000).epsilon(0.4));
}

TEST_CASE("sched: what a first task took to get ready is not expected of the second") {
    ForecastWorld world;
    const uint64_t peer = world.join("peer");
    world.teach(peer, 100, 300 * kMs, 301 * kMs);
    world.teach(peer, 100, 5 * kMs, 6 * kMs);
    CHECK(world.predicted_us(peer, 100) == doctest::Approx(6'000).epsilon(0.1));
    // But of the first one of whoever comes.
    const uint64_t fresh = world.join("fresh");
    CHECK(world.predicted_us(fresh, 100) > 200'000);
    // One that was slow twice is slow.
    const uint64_t slow = world.join("slow");
    world.teach(slow, 100, 300 * kMs, 301 * kMs);
    world.teach(slow, 100, 290 * kMs, 291 * kMs);
    CHECK(world.predicted_us(slow, 100) > 280'000);
}

TEST_CASE("sched: of one that has answered nothing its benchmark tells") {
    ForecastWorld world;
    const auto join = [&](const char* name, double speed) {
        const uint64_t peer = world.join(name);
        world.peers().find(peer)->speed = speed;
        return peer;
    };
    const uint64_t known = join("known", 2);
    world.teach(known, 100, 10 * kMs, 11 * kMs, 20);
    const uint64_t fast = join("fast", 20), slow = join("slow", 0.5), silent = join("silent", 0);
    CHECK(world.predicted_us(fast, 100) == doctest::Approx(1'000).epsilon(0.1));
    CHECK(world.predicted_us(slow, 100) == doctest::Approx(40'000).epsilon(0.1));
    CHECK(world.predicted_us(silent, 100) == doctest::Approx(10'000).epsilon(0.1));
    CHECK(world.choose(1'000 * kMs).peer == fast);
}

TEST_CASE("sched: the chance to be in time falls with the spread") {
    const PeerTable::Forecast sure{10 * kMs, 100}, vague{10 * kMs, 5'000};
    CHECK(sure.chance(11 * kMs) > 0.99);
    CHECK(sure.chance(9 * kMs) < 0.01);
    CHECK(sure.chance(10 * kMs) == doctest::Approx(0.5));
    CHECK(vague.chance(11 * kMs) < 0.7);
    CHECK(vague.chance(9 * kMs) > 0.3);
    CHECK(sure.is_safe(11 * kMs));
    CHECK_FALSE(vague.is_safe(11 * kMs));
    CHECK_FALSE(sure.is_safe(9 * kMs));
}

TEST_CASE("sched: a close deadline goes to who keeps it, a distant one to who is first") {
    ForecastWorld world;
    const uint64_t steady = world.join("steady");
    const uint64_t moody = world.join("moody");
    world.teach_spread(steady, 8 * kMs, 8 * kMs + 100);
    world.teach_spread(moody, 1 * kMs, 11 * kMs);
    const PeerTable::Choice close = world.choose(10 * kMs);
    CHECK(close.peer == steady);
    CHECK(close.is_safer);
    CHECK(close.chance > 0.9);
    const PeerTable::Choice distant = world.choose(1'000 * kMs);
    CHECK(distant.peer == moody);
    CHECK_FALSE(distant.is_safer);
    CHECK(distant.chance == 1);
    // Nobody can be in time: who is first.
    CHECK(world.choose(0).peer == moody);
}

TEST_CASE("sched: why a task was placed tells the chance, and that it was the safer choice") {
    ForecastWorld world;
    const uint64_t steady = world.join("steady");
    const uint64_t moody = world.join("moody");
    world.teach_spread(steady, 8 * kMs, 8 * kMs + 100);
    world.teach_spread(moody, 1 * kMs, 11 * kMs);
    const uint64_t task = world.admit(10 * kMs);
    const std::vector<Action> actions = world.dispatch();
    REQUIRE(!actions.empty());
    CHECK(actions[0].peer == steady);
    const Placement* placement = world.scheduler.explain(task);
    REQUIRE(placement);
    CHECK(placement->is_safer);
    CHECK(placement->chance > 0.9);
    CHECK(placement->chance < 1);
}

TEST_CASE("sched: what failed of late is a risk, and forgotten in time") {
    Risk risk;
    CHECK(risk.is_small());
    risk.stalled(1'000'000);
    CHECK_FALSE(risk.is_small());
    CHECK(risk.at(1'000'000) == doctest::Approx(0.125));
    CHECK(risk.at(11'000'000) == doctest::Approx(0.0625));
    // A clock that stands still is no harm.
    CHECK(risk.at(0) == doctest::Approx(0.125));
    for (int i = 0; i < 1000; ++i) risk.failed(11'000'000);
    CHECK(risk.at(11'000'000) < 1);
    CHECK(risk.at(11'000'000) > 0.9);
    for (int i = 0; i < 300; ++i) risk.answered();
    CHECK(risk.is_small());
}

TEST_CASE("sched: a close deadline does not go to who stalled a moment ago") {
    ForecastWorld world;
    const uint64_t first = world.join("first");
    const uint64_t second = world.join("second");
    world.teach(first, 100, 5 * kMs, 5 * kMs, 100);
    world.teach(second, 100, 6 * kMs, 6 * kMs, 100);
    CHECK(world.choose(100 * kMs).peer == first);
    world.peers().set_silence(first, Silence::kDead, world.now);
    world.peers().set_silence(first, Silence::kHeard, world.now);
    const PeerTable::Choice choice = world.choose(100 * kMs);
    CHECK(choice.peer == second);
    CHECK(choice.is_safer);
    world.now += 60'000'000;
    CHECK(world.choose(100 * kMs).peer == first);
}

TEST_CASE("sched: who has answered nothing yet is tried although the deadline is close") {
    ForecastWorld world;
    const uint64_t known = world.join("known");
    world.teach(known, 100, 40 * kMs, 42 * kMs, 100);
    const uint64_t fresh = world.join("fresh");
    CHECK(world.choose(100 * kMs).peer == fresh);
    CHECK(world.choose(45 * kMs).peer == known);
}

TEST_CASE("sched: an input that takes long on the way is predicted so") {
    ForecastWorld world;
    const uint64_t near = world.join("near");
    const uint64_t far = world.join("far");
    // 1 MB/s and 100 MB/s.
    world.teach(far, 500'000, 1 * kMs, 501 * kMs, 50);
    world.teach(near, 500'000, 1 * kMs, 6 * kMs, 50);
    CHECK(world.predicted_us(far, 500'000) > 400'000);
    CHECK(world.predicted_us(near, 500'000) < 20'000);
    CHECK(world.choose(100 * kMs, 500'000).peer == near);
}
