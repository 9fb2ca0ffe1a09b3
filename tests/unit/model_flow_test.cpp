// What a game's small tasks tell of their line: a game plays layers over a line of a given rate,
// and chooses them by what fit_layer makes of the estimate.
#include <doctest/doctest.h>

#include <deque>

#include "model/flow_rate.h"
#include "model/layer_fit.h"

using namespace p2c2r;

namespace {

constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kStepUs = 1'000;
constexpr uint64_t kOneWayUs = 10'000;
constexpr uint64_t kComputeUs = 3'000;
constexpr uint64_t kDeadlineUs = 100'000;

struct Game {
    FlowRate flow;
    LayerFitCase layer;
    LayerFit fit;
    double up_mbps = 50;
    double down_mbps = 50;
    uint64_t now_us = kSecond;
    uint64_t next_us = 0;
    double up_free_us = 0;
    double down_free_us = 0;
    int asked = 0;
    int late = 0;

    struct Asked {
        uint64_t sent_us = 0;
        double answer_us = 0;
        uint64_t bytes = 0;
        bool is_over = false;
    };
    std::deque<Asked> pending;

    // A shadow mask of 1280 x 720: a bit a pixel, and 2 KB of camera and scene.
    Game() { layer.bytes = {2'000, 0, 200, 115'200}; }

    void ask() {
        const double area = 1.0 / (fit.divisor * fit.divisor);
        Asked one;
        one.sent_us = now_us;
        one.bytes = static_cast<uint64_t>(layer.bytes.down + layer.bytes.down_area * area);
        up_free_us =
            std::max(up_free_us, static_cast<double>(now_us)) + 8 * layer.bytes.up / up_mbps;
        const double computed = up_free_us + kOneWayUs + kComputeUs;
        down_free_us =
            std::max(down_free_us, computed) + 8 * static_cast<double>(one.bytes) / down_mbps;
        one.answer_us = down_free_us + kOneWayUs;
        pending.push_back(one);
        flow.leaves(now_us);
        ++asked;
    }
    void end(Asked& one, double spent_us) {
        one.is_over = true;
        const double wait_us = static_cast<double>(now_us - one.sent_us) - spent_us;
        flow.waited(now_us, std::max(wait_us - 2 * kOneWayUs, 0.0), 2 * kOneWayUs,
                    static_cast<uint64_t>(layer.bytes.up), spent_us > 0 ? one.bytes : 0);
        flow.ends(now_us);
    }
    void step() {
        if (now_us % 100'000 == 0) {
            layer.budget.measured_up_bits_per_s = flow.up_bits_per_s();
            layer.budget.measured_down_bits_per_s = flow.down_bits_per_s();
            fit = fit_layer(layer);
        }
        if (now_us >= next_us) {
            ask();
            next_us = now_us + static_cast<uint64_t>(1e6 / fit.rate);
        }
        for (Asked& one : pending) {
            if (static_cast<double>(now_us) >= one.answer_us) {
                flow.came(one.bytes);
                if (!one.is_over) end(one, kComputeUs);
                one.bytes = 0;
            } else if (!one.is_over && now_us >= one.sent_us + kDeadlineUs) {
                ++late;
                end(one, 0);
            }
        }
        while (!pending.empty() && pending.front().bytes == 0) pending.pop_front();
        now_us += kStepUs;
    }
    // The seconds until the choice is so; `most` when it never is.
    double until(double most, double down_least, double down_most) {
        const uint64_t from_us = now_us;
        while (now_us < from_us + static_cast<uint64_t>(most * kSecond)) {
            step();
            if (fit.down_bits_per_s <= down_most && fit.down_bits_per_s >= down_least) break;
        }
        return static_cast<double>(now_us - from_us) / kSecond;
    }
    // How many of the tasks of so many seconds came too late.
    double late_share(double seconds) {
        asked = late = 0;
        const uint64_t until_us = now_us + static_cast<uint64_t>(seconds * kSecond);
        while (now_us < until_us) step();
        return static_cast<double>(late) / asked;
    }
};

}  // namespace

TEST_CASE("flow rate: a line that carries all that is asked of it shows no bound") {
    Game game;
    CHECK(game.late_share(20) == 0);
    CHECK(game.flow.up_bits_per_s() == 0);
    CHECK(game.flow.down_bits_per_s() == 0);
    CHECK(game.fit.divisor == 2);
    CHECK(game.fit.rate == 60);
}

TEST_CASE(
    "flow rate: at 4 Mbit/s the layers shrink within 2 s and grow when the line is free again") {
    Game game;
    CHECK(game.late_share(5) == 0);
    const double whole = game.fit.down_bits_per_s;
    CHECK(whole > 13e6);
    game.down_mbps = 4;
    CHECK(game.until(5, 0, 4e6) < 2);
    CHECK(game.flow.down_bits_per_s() > 2e6);
    CHECK(game.flow.down_bits_per_s() < 6e6);
    game.late_share(1);  // until what waits on the line is through
    // It tries more now and then, ever less often.
    CHECK(game.late_share(60) < 0.1);
    CHECK(game.late_share(60) < 0.08);
    game.down_mbps = 50;
    CHECK(game.until(60, whole, whole) < 30);
    CHECK(game.late_share(20) == 0);
    CHECK(game.fit.down_bits_per_s == whole);
}

TEST_CASE(
    "flow rate: what is asked of a line that is narrow in one direction fits that direction") {
    Game game;
    game.up_mbps = 0.5;  // of 0.96
    game.late_share(8);
    CHECK(game.fit.up_bits_per_s < 0.5e6);
    CHECK(game.late_share(30) < 0.1);
    // One that carries few of the bytes is not bounded by what the other one takes.
    Game other;
    other.down_mbps = 4;
    other.late_share(5);
    CHECK(other.flow.up_bits_per_s() == 0);
    CHECK(other.flow.down_bits_per_s() > 0);
}

TEST_CASE("flow rate: helpers that do not answer at all say nothing of the line") {
    FlowRate flow;
    for (uint64_t now = kSecond; now < 20 * kSecond; now += 20'000) {
        flow.leaves(now);
        if (now < kSecond + kDeadlineUs) continue;
        flow.waited(now, 80'000, 20'000, 5'000, 0);
        flow.ends(now);
    }
    CHECK(flow.up_bits_per_s() == 0);
    CHECK(flow.down_bits_per_s() == 0);
}

TEST_CASE("flow rate: time in which nothing was away does not count") {
    FlowRate flow;
    // 50 KB in 100 ms, 80 of them beyond the round, twice a second.
    for (uint64_t now = kSecond; now < 10 * kSecond; now += kSecond / 2) {
        flow.leaves(now);
        flow.came(50'000);
        flow.waited(now + 100'000, 80'000, 20'000, 0, 50'000);
        flow.ends(now + 100'000);
    }
    CHECK(flow.down_bits_per_s() >= 4e6);
    CHECK(flow.down_bits_per_s() <= 5e6);
    flow.connected();
    CHECK(flow.down_bits_per_s() == 0);
}
