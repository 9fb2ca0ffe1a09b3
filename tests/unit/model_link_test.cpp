#include <doctest/doctest.h>

#include <string>

#include "model/link_estimate.h"

using namespace p2c2r;

namespace {

constexpr double kMbit = 1e6;

// A task alone on a line of up and down Mbit/s and rtt_us.
LinkSample alone(uint64_t now_us, uint64_t up, uint64_t down, double up_mbps, double down_mbps,
                 double rtt_us) {
    LinkSample sample;
    sample.now_us = now_us;
    sample.bytes_up = sample.moved_up = up;
    sample.bytes_down = sample.moved_down = down;
    sample.network_us =
        rtt_us + 8 * static_cast<double>(up) / up_mbps + 8 * static_cast<double>(down) / down_mbps;
    sample.moved_us = sample.network_us + 5'000;  // and was computed
    return sample;
}

}  // namespace

TEST_CASE("link estimate: the round is the greeting's until small tasks tell of a shorter one") {
    LinkEstimate link;
    CHECK(link.rtt_us() == 0);
    CHECK(std::string(round_from_name(link.rtt_from())) == "nothing");
    link.greeted(30'000);
    CHECK(link.rtt_us() == 30'000);
    CHECK(std::string(round_from_name(link.rtt_from())) == "greeting");
    link.add(alone(1'000, 200, 100, 1'000, 1'000, 45'000));
    link.add(alone(2'000, 200, 100, 1'000, 1'000, 40'000));
    link.add(alone(3'000, 200, 100, 1'000, 1'000, 70'000));
    CHECK(link.rtt_us() == doctest::Approx(40'000).epsilon(0.001));  // the least
    CHECK(std::string(round_from_name(link.rtt_from())) == "tasks");
    // A longer way shows when the window has passed twice.
    for (uint64_t at = 0; at < 3 * LinkEstimate::kWindowUs; at += 100'000) {
        link.add(alone(4'000 + at, 200, 100, 1'000, 1'000, 90'000));
    }
    CHECK(link.rtt_us() == doctest::Approx(90'000).epsilon(0.001));
}

TEST_CASE("link estimate: a direction's rate is unknown until a task has had to wait for it") {
    LinkEstimate link;
    link.greeted(20'000);
    link.add(alone(0, 300, 300, 10, 50, 20'000));
    link.add(alone(1, 20'000, 20'000, 10'000, 10'000, 20'000));  // hardly longer than the round
    CHECK(link.up_bits_per_s() == 0);
    CHECK(link.down_bits_per_s() == 0);
    link.add(alone(2, 140'000, 300, 10, 50, 20'000));
    CHECK(link.up_bits_per_s() == doctest::Approx(10 * kMbit).epsilon(0.02));
    CHECK(link.down_bits_per_s() == 0);
    link.add(alone(3, 300, 250'000, 10, 50, 20'000));
    CHECK(link.down_bits_per_s() == doctest::Approx(50 * kMbit).epsilon(0.02));
}

TEST_CASE("link estimate: of samples of one window the most counts, since the others shared") {
    LinkEstimate link;
    link.greeted(20'000);
    link.add(alone(0, 140'000, 0, 3, 50, 20'000));
    link.add(alone(1, 140'000, 0, 9, 50, 20'000));
    link.add(alone(2, 140'000, 0, 5, 50, 20'000));
    CHECK(link.up_bits_per_s() == doctest::Approx(9 * kMbit).epsilon(0.02));
}

TEST_CASE("link estimate: tasks that share the line tell its rate by what they moved together") {
    LinkEstimate link;
    link.greeted(20'000);
    LinkSample sample = alone(0, 140'000, 0, 2.5, 50, 20'000);  // one of four in a row
    sample.moved_up = 4 * 140'000;
    sample.moved_us = 8 * 4 * 140'000 / 10.0;
    link.add(sample);
    CHECK(link.up_bits_per_s() == doctest::Approx(10 * kMbit).epsilon(0.01));
}

TEST_CASE("link estimate: a line that has become faster or slower is noticed") {
    LinkEstimate link;
    link.greeted(20'000);
    link.add(alone(0, 140'000, 0, 10, 50, 20'000));
    // So fast now that nothing waits: the rate is at least what that shows.
    link.add(alone(1, 140'000, 0, 5'000, 50, 20'000));
    CHECK(link.up_bits_per_s() > 400 * kMbit);
    // Slower again: when there are newer samples.
    for (uint64_t at = 0; at < 3 * LinkEstimate::kWindowUs; at += 500'000) {
        link.add(alone(2 + at, 140'000, 0, 4, 50, 20'000));
    }
    CHECK(link.up_bits_per_s() == doctest::Approx(4 * kMbit).epsilon(0.02));
    // Without any nothing tells that it is wrong; a new connection forgets it.
    link.greeted(20'000);
    CHECK(link.up_bits_per_s() == 0);
}
