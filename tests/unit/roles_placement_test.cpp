// Here or there: what the placement of a client makes of times that are told to it.
#include <doctest/doctest.h>

#include "roles/placement.h"

using namespace p2c2r;
using namespace p2c2r::roles;

namespace {

// What a task takes on either side; the clock goes on by the game's frames.
struct Game {
    double here_us = 10'000;
    double there_us = 2'000;
    double network_us = 30'000;
    uint64_t bytes_up = 2'000;
    uint64_t bytes_down = 20'000;
    uint64_t frame_us = 16'667;
    bool has_here = true;  // an executor

    Placement placement;
    uint64_t now_us = 1'000'000;
    uint64_t tasks = 0, here = 0, trials = 0;

    Placed& placed() { return *placement.find("layer", bytes_up); }

    void learn(Side side, bool is_trial = false) {
        if (side == Side::kHere) {
            placed().learn_here(now_us, here_us, 0, is_trial);
            return;
        }
        Placement::Answer answer;
        answer.left = placement.leave(now_us);
        answer.sent_us = now_us;
        answer.now_us = now_us + static_cast<uint64_t>(network_us + there_us);
        answer.network_us = network_us;
        answer.bytes_up = bytes_up;
        answer.bytes_down = bytes_down;
        answer.learns = true;
        placement.arrive(answer);
        placed().learn_there(now_us, there_us, 0, network_us, bytes_up, bytes_down, is_trial);
    }
    Side task() {
        now_us += frame_us;
        ++tasks;
        Side side = placed().choose(now_us, placement.link());
        if (!has_here) side = Side::kThere;
        here += side == Side::kHere ? 1 : 0;
        const bool tries = has_here && placed().is_trial_due(now_us);
        learn(side);
        if (tries) {
            ++trials;
            placed().trial_begins();
            const Side other = side == Side::kHere ? Side::kThere : Side::kHere;
            learn(other, true);
            placed().trial_ended(
                now_us, static_cast<uint64_t>(other == Side::kHere ? here_us : network_us));
        }
        return side;
    }
    Side play(uint64_t count) {
        Side side = Side::kThere;
        for (uint64_t i = 0; i < count; ++i) side = task();
        return side;
    }
    // Of the next `count`: how many stay here.
    uint64_t kept_of(uint64_t count) {
        const uint64_t before = here;
        play(count);
        return here - before;
    }
};

}  // namespace

TEST_CASE("placement: a type is sent or kept as both sides' times and the link say") {
    struct Row {
        const char* name;
        double here_us, there_us, network_us;
        Side side;
    };
    for (const Row& row : {Row{"fast link, heavy", 40'000, 4'000, 1'500, Side::kThere},
                           Row{"slow link, light", 3'000, 1'000, 40'000, Side::kHere},
                           Row{"slow link, heavy", 60'000, 4'000, 40'000, Side::kThere},
                           Row{"fast link, light", 500, 200, 1'500, Side::kHere},
                           Row{"a helper that is slower", 10'000, 30'000, 1'000, Side::kHere}}) {
        CAPTURE(row.name);
        Game game;
        game.here_us = row.here_us;
        game.there_us = row.there_us;
        game.network_us = row.network_us;
        CHECK(game.task() == Side::kThere);  // nothing is known: to the helpers
        CHECK(game.play(300) == row.side);
        CHECK(game.placed().is_known());
        CHECK(game.placed()
                  .why(game.placement.link())
                  .find(row.side == Side::kHere ? "keep here: " : "send: ") == 0);
    }
}

TEST_CASE("placement: no task is tried here before helpers have answered some") {
    Game game;
    for (uint64_t i = 0; i < Placed::kThereSamplesLeast; ++i) {
        game.task();
        CHECK(game.trials == 0);
    }
    CHECK(game.placed().why(game.placement.link()) == "send: this machine has not tried one");
    game.play(2);
    CHECK(game.trials == 1);
}

TEST_CASE("placement: of slow tasks two answers in a second are enough") {
    Game game;
    game.frame_us = 600'000;
    game.play(2);
    CHECK(game.placed().why(game.placement.link()) ==
          "send: what a helper takes is still being learned");
    game.task();
    CHECK(game.placed().why(game.placement.link()) == "send: this machine has not tried one");
}

TEST_CASE("placement: what this machine cannot run is always sent") {
    Game game;
    game.has_here = false;
    game.network_us = 500'000;
    CHECK(game.play(1000) == Side::kThere);
    CHECK(game.here == 0);
    CHECK(game.trials == 0);
}

TEST_CASE("placement: a link that becomes fast or slow moves the type, and back") {
    Game game;
    game.here_us = 10'000;
    CHECK(game.play(300) == Side::kHere);  // 32 ms by way of the helper
    game.network_us = 1'000;
    CHECK(game.play(64 * 5) == Side::kThere);
    game.network_us = 60'000;
    CHECK(game.play(60) == Side::kHere);  // at once: its own answers tell
}

TEST_CASE("placement: sides that are nearly equal move nothing") {
    Game game;
    game.network_us = 10'000;  // 12 ms there
    game.here_us = 12'000;
    game.play(300);
    const Side side = game.placed().side();
    uint64_t moves = 0;
    for (int i = 0; i < 2000; ++i) {
        game.here_us = i % 7 < 3 ? 11'000 : 13'000;
        game.network_us = i % 11 < 5 ? 11'000 : 9'000;
        moves += game.task() != side ? 1 : 0;
    }
    CHECK(moves == 0);
}

TEST_CASE("placement: at most one task in 64 is tried on the losing side, but for a handful") {
    for (const double network_us : {1'000.0, 40'000.0}) {
        Game game;
        game.network_us = network_us;
        game.play(10'000);
        CHECK(game.trials <= 10'000 / 64 + 5);
        CHECK(game.trials >= 100);
        CHECK(game.placed().trials() == game.trials);
    }
}

TEST_CASE("placement: trials that are long are rare, whatever the number of tasks") {
    Game game;
    game.here_us = 500'000;
    game.network_us = 1'000;
    game.play(3'600);  // a minute
    CHECK(game.trials <= 60 / (0.5 * Placed::kTrialRest) + 1);
}

TEST_CASE(
    "placement: a rate that the link does not carry keeps a task although one alone is fast") {
    Game game;
    game.bytes_up = 140'000;  // 67 Mbit/s at 60 a second, 10 has the link
    game.here_us = 60'000;    // 17 a second
    game.placement.connected(1'000);
    game.network_us = 1'000 + 8 * 140'000 / 10.0;
    game.play(300);
    CHECK(game.placement.link().up_bits_per_s() == doctest::Approx(10e6).epsilon(0.05));
    CHECK(game.placed().side() == Side::kHere);
    CHECK(game.placed().why(game.placement.link()).find("Mbit/s up, the link has 10") !=
          std::string::npos);
}

TEST_CASE("placement: answers that come after their deadline are no answers") {
    Game game;
    game.here_us = 12'000;
    game.there_us = 1'000;
    game.network_us = 20'000;
    game.frame_us = 10'000;  // here: 83 a second, there: all 100
    CHECK(game.play(300) == Side::kThere);
    game.placed().learn_deadline(16'000);
    CHECK(game.play(300) == Side::kHere);
}

TEST_CASE("placement: a side that never answers in time is left") {
    Game game;
    Placed& placed = game.placed();
    uint64_t now = 1'000'000;
    for (int i = 0; i < 20; ++i) {
        now += 100'000;
        placed.choose(now, game.placement.link());
        placed.learn_late(Side::kThere, now, 100'000);
    }
    CHECK(placed.is_trial_due(now));
    placed.learn_here(now, 5'000, 0);
    CHECK(placed.choose(now + 100'000, game.placement.link()) == Side::kHere);
}

TEST_CASE("placement: a side that fails is left to the other until a trial goes well there") {
    Game game;
    game.here_us = 100'000;
    game.network_us = 1'000;
    CHECK(game.play(200) == Side::kThere);
    game.placed().learn_failed(Side::kThere);
    CHECK(game.placed().choose(game.now_us, game.placement.link()) == Side::kHere);
    CHECK(game.placed().why(game.placement.link()) == "keep here: the last try at a helper failed");
    game.placed().learn_there(game.now_us, 2'000, 0, 1'000, 2'000, 20'000);
    CHECK(game.placed().choose(game.now_us + 1'000'000, game.placement.link()) == Side::kThere);
    game.placed().learn_failed(Side::kHere);
    CHECK(game.play(10) == Side::kThere);
}

TEST_CASE("placement: tasks of another type or size are known apart") {
    Game game;
    CHECK(game.play(300) == Side::kHere);
    CHECK(game.placement.find("layer", game.bytes_up * 4)->tasks() == 0);
    CHECK(game.placement.find("another", game.bytes_up)->tasks() == 0);
    CHECK(game.placement.find("layer", game.bytes_up) == &game.placed());
    CHECK(Placement::size_index(0) == 0);
    CHECK(Placement::size_index(64) == 7);
    CHECK(Placement::size_index(127) == 7);
    CHECK(Placement::size_index(uint64_t{1} << 40) == Placement::kSizes - 1);
    for (size_t i = 0; i < 2 * Placement::kTypesMost; ++i) {
        (void)game.placement.find("type " + std::to_string(i), 1);
    }
    CHECK(game.placement.types().size() == Placement::kTypesMost);
    CHECK(game.placement.find("one more", 1) == nullptr);
}

TEST_CASE("placement: two resolutions of one scene are judged apart") {
    Placement placement;
    Placed* const fine = placement.find("layer", 5'000, 1'280 * 720);
    Placed* const coarse = placement.find("layer", 5'000, 640 * 360);
    Placed* const unknown = placement.find("layer", 5'000);
    REQUIRE(fine);
    REQUIRE(coarse);
    CHECK(fine != coarse);
    CHECK(fine != unknown);
    CHECK(placement.find("layer", 5'100, 1'280 * 720) == fine);
    CHECK(placement.find("layer", 5'100, 1'200 * 700) == fine);
    CHECK(placement.find("other", 5'000, 1'280 * 720) != fine);
    CHECK(placement.types().size() == 4);
}

TEST_CASE("placement: on a new connection the losing side is tried soon") {
    Game game;
    game.play(2000);
    const uint64_t before = game.trials;
    game.task();
    game.placement.connected(5'000);
    game.task();
    CHECK(game.trials == before + 1);
}
