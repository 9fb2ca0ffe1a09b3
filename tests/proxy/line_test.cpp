// What each fault does to the bytes of one connection, in virtual time.
#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "proxy/fault_line.h"

using namespace p2c2r::test;

namespace {

using Cut = FaultLine::Cut;

FaultPlan plan_from(const std::string& text) {
    std::string why;
    const auto plan = parse_plan(text, why);
    REQUIRE_MESSAGE(plan, why);
    return *plan;
}

// A line whose other side takes whatever comes, and the clock beside it.
struct Wire {
    FaultPlan plan;
    uint64_t now_us = 1'000'000;
    FaultLine line;

    explicit Wire(const std::string& text, uint64_t seed = 1, uint32_t number = 1)
        : plan(plan_from(text)), line(plan, seed, number, now_us) {}

    // Everything that is written at the end of `way` until `until_us` from now: when, and what.
    std::vector<std::pair<uint64_t, std::string>> run(Way way, uint64_t until_us) {
        std::vector<std::pair<uint64_t, std::string>> written;
        const uint64_t until = now_us + until_us;
        for (;;) {
            line.turn(now_us);
            for (;;) {
                const std::string piece(line.piece(way, now_us));
                if (piece.empty()) break;
                line.gone(way, piece.size(), now_us);
                written.emplace_back(now_us, piece);
            }
            const uint64_t next = std::min(line.next_us(way), line.next_clause_us());
            // What is due by now and was not written is an end.
            if (next <= now_us || next > until || line.cut() != Cut::kNone) break;
            now_us = next;
        }
        if (line.cut() == Cut::kNone) now_us = until;
        return written;
    }
    std::string bytes(Way way, uint64_t until_us) {
        std::string all;
        for (const auto& [at, piece] : run(way, until_us)) all += piece;
        return all;
    }
};

}  // namespace

TEST_CASE("fault line: without faults bytes go at once, whole, and the end behind them") {
    Wire wire("");
    wire.line.take(Way::kUp, "one", wire.now_us);
    wire.line.take(Way::kDown, "two", wire.now_us);
    wire.line.end(Way::kUp, wire.now_us);
    CHECK_FALSE(wire.line.ends(Way::kUp, wire.now_us));  // bytes are before it
    CHECK(wire.bytes(Way::kUp, 0) == "one");
    CHECK(wire.bytes(Way::kDown, 0) == "two");
    CHECK(wire.line.ends(Way::kUp, wire.now_us));
    CHECK_FALSE(wire.line.ends(Way::kUp, wire.now_us));  // told once
    CHECK_FALSE(wire.line.is_over());
    wire.line.end(Way::kDown, wire.now_us);
    CHECK(wire.line.ends(Way::kDown, wire.now_us));
    CHECK(wire.line.is_over());
}

TEST_CASE("fault line: a delay holds bytes and end back by its time") {
    Wire wire("delay 20ms down");
    const uint64_t begin = wire.now_us;
    wire.line.take(Way::kDown, "late", begin);
    wire.line.end(Way::kDown, begin);
    wire.line.take(Way::kUp, "now", begin);
    CHECK(wire.bytes(Way::kUp, 0) == "now");
    const auto written = wire.run(Way::kDown, 20'000);
    REQUIRE(written.size() == 1);
    CHECK(written[0].first == begin + 20'000);
    CHECK(wire.line.ends(Way::kDown, wire.now_us));
}

TEST_CASE("fault line: jitter is as wide as it says and keeps the order") {
    Wire wire("delay 30ms jitter 5ms");
    std::vector<double> delays;
    for (int i = 0; i < 2000; ++i) {
        const uint64_t sent = wire.now_us;
        wire.line.take(Way::kUp, std::to_string(i % 10), sent);
        const auto written = wire.run(Way::kUp, 100'000);
        REQUIRE(written.size() == 1);
        delays.push_back(static_cast<double>(written[0].first - sent));
    }
    double sum = 0, squares = 0;
    for (const double delay : delays) sum += delay;
    const double mean = sum / static_cast<double>(delays.size());
    for (const double delay : delays) squares += (delay - mean) * (delay - mean);
    CHECK(mean == doctest::Approx(30'000).epsilon(0.02));
    CHECK(std::sqrt(squares / static_cast<double>(delays.size())) ==
          doctest::Approx(5000).epsilon(0.06));
    std::string sent;
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        wire.line.take(Way::kUp, std::string(1, letter), wire.now_us);
        sent += letter;
    }
    CHECK(wire.bytes(Way::kUp, 200'000) == sent);
}

TEST_CASE("fault line: a stall lets nothing pass for its time and loses nothing") {
    Wire wire("at 300ms stall 200ms");
    const uint64_t begin = wire.now_us;
    wire.line.take(Way::kUp, "before", begin);
    CHECK(wire.bytes(Way::kUp, 310'000) == "before");
    wire.line.take(Way::kUp, "behind", wire.now_us);
    const auto written = wire.run(Way::kUp, 1'000'000);
    REQUIRE(written.size() == 1);
    CHECK(written[0].second == "behind");
    CHECK(written[0].first == begin + 500'000);
}

TEST_CASE("fault line: a cut comes at its time, or behind its byte") {
    Wire timed("at 1s cut fin");
    CHECK(timed.run(Way::kUp, 2'000'000).empty());
    CHECK(timed.line.cut() == Cut::kFin);
    CHECK(timed.now_us == 2'000'000);
    Wire counted("after 10 down cut");
    counted.line.take(Way::kUp, "any number of bytes the other way", counted.now_us);
    CHECK(counted.bytes(Way::kUp, 0).size() == 33);
    counted.line.take(Way::kDown, "0123456", counted.now_us);
    CHECK(counted.bytes(Way::kDown, 0) == "0123456");
    CHECK(counted.line.cut() == Cut::kNone);
    counted.line.take(Way::kDown, "789abcdef", counted.now_us);
    CHECK(counted.bytes(Way::kDown, 0) == "789");
    CHECK(counted.line.cut() == Cut::kRst);
    CHECK(counted.line.is_over());
    CHECK(counted.line.piece(Way::kUp, counted.now_us).empty());
}

TEST_CASE("fault line: a clause for one connection leaves the others alone") {
    for (const uint32_t number : {1u, 2u, 3u}) {
        Wire wire("connection 2 cut", 1, number);
        CHECK((wire.line.cut() == Cut::kRst) == (number == 2));
    }
}

TEST_CASE("fault line: slices are of 1 to so many bytes, all sizes, and a seed repeats them") {
    const std::string sent(3000, 'x');
    const auto sizes_of = [&](uint64_t seed, uint32_t number) {
        Wire wire("slice 5", seed, number);
        wire.line.take(Way::kUp, sent, wire.now_us);
        std::vector<size_t> sizes;
        for (const auto& [at, piece] : wire.run(Way::kUp, 0)) sizes.push_back(piece.size());
        return sizes;
    };
    const std::vector<size_t> sizes = sizes_of(7, 1);
    size_t sum = 0;
    std::vector<int> seen(6, 0);
    for (const size_t size : sizes) {
        REQUIRE(size >= 1);
        REQUIRE(size <= 5);
        ++seen[size];
        sum += size;
    }
    CHECK(sum == sent.size());
    for (int size = 1; size <= 5; ++size) CHECK(seen[static_cast<size_t>(size)] > 0);
    CHECK(sizes == sizes_of(7, 1));
    CHECK(sizes != sizes_of(8, 1));
    CHECK(sizes != sizes_of(7, 2));
}

TEST_CASE("fault line: a seed repeats the delays of a jitter") {
    const auto times_of = [](uint64_t seed) {
        Wire wire("delay 10ms jitter 3ms", seed);
        for (int i = 0; i < 50; ++i) {
            wire.line.take(Way::kDown, "x", wire.now_us + static_cast<uint64_t>(i) * 20'000);
        }
        return wire.run(Way::kDown, 5'000'000);
    };
    CHECK(times_of(3) == times_of(3));
    CHECK(times_of(3) != times_of(4));
}

TEST_CASE("fault line: a throttled way takes the time that its bytes need, and takes few at once") {
    Wire wire("throttle 10kB down");
    const uint64_t begin = wire.now_us;
    CHECK(wire.line.room(Way::kDown) < wire.line.room(Way::kUp));
    wire.line.take(Way::kDown, std::string(5000, 'x'), begin);
    const auto written = wire.run(Way::kDown, 10'000'000);
    size_t sum = 0;
    for (const auto& [at, piece] : written) {
        // Never more than the time so far allows.
        CHECK(sum <= (at - begin) * 10'000 / 1'000'000 + 1);
        sum += piece.size();
    }
    CHECK(sum == 5000);
    CHECK(written.back().first - begin >= 480'000);
    CHECK(written.back().first - begin <= 500'000);
}

TEST_CASE("fault line: a silent way takes everything and gives nothing, not even the end") {
    Wire wire("at 1ms silence down");
    wire.line.take(Way::kDown, "first", wire.now_us);
    CHECK(wire.bytes(Way::kDown, 0) == "first");
    wire.run(Way::kDown, 1000);
    for (int i = 0; i < 100; ++i) {
        REQUIRE(wire.line.room(Way::kDown) > 0);
        wire.line.take(Way::kDown, std::string(100'000, 'x'), wire.now_us);
    }
    CHECK(wire.bytes(Way::kDown, 100'000'000).empty());
    wire.line.end(Way::kDown, wire.now_us);
    CHECK_FALSE(wire.line.ends(Way::kDown, wire.now_us));
    wire.line.take(Way::kUp, "still heard", wire.now_us);
    CHECK(wire.bytes(Way::kUp, 0) == "still heard");
    CHECK_FALSE(wire.line.is_over());
    wire.line.end(Way::kUp, wire.now_us);
    CHECK(wire.line.ends(Way::kUp, wire.now_us));
    CHECK(wire.line.is_over());
}

TEST_CASE("fault line: what there is no room for stays with whoever sends it") {
    Wire wire("stall 1s");
    size_t taken = 0;
    while (const size_t room = wire.line.room(Way::kUp)) {
        wire.line.take(Way::kUp, std::string(room, 'x'), wire.now_us);
        taken += room;
        REQUIRE(taken <= 1'000'000);
    }
    CHECK(wire.bytes(Way::kUp, 2'000'000).size() == taken);
    CHECK(wire.line.room(Way::kUp) == taken);
}
