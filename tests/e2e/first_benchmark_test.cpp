// What a machine can serve: looked at once, by whoever joins, hosts or helps first.
#include "cli/first_benchmark.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cli/bench.h"
#include "cli/uplink.h"
#include "support/hosting.h"

using namespace p2c2r::test;
using nlohmann::json;

TEST_CASE("first benchmark: a helper learns at once what it can serve, and status says it again") {
    const Workplace here;
    Hosting host(here);
    const Machine laptop(here, "laptop");
    const Ran joined = laptop.run({"join", host.code, "--name", "laptop"});
    REQUIRE_MESSAGE(joined.exit_code == 0, joined.error);
    CHECK(joined.out.find("joined ") == 0);
    CHECK(text_behind(joined.out, "uplink to p2c2r://").find(" Mbit/s, measured by sending") !=
          std::string::npos);
    const std::vector<std::string> lines = lines_of(joined.out);
    CHECK(lines.back().find("this machine") != std::string::npos);
    CHECK(lines.back().find("gamer") != std::string::npos);
    CHECK(joined.error.find("kinds of frames") != std::string::npos);
    const json kept = json::parse(here.read("laptop/benchmark.json"));
    CHECK(kept["uplink_mbps"].get<double>() > 0);
    CHECK(kept["types"].size() >= 5);
    const Ran status = laptop.run({"status"});
    // Whole, over several lines where it is longer than one.
    std::string said = status.out;
    std::replace(said.begin(), said.end(), '\n', ' ');
    std::string text = kept["text"].get<std::string>();
    text.erase(text.find_last_not_of('\n') + 1);
    CHECK(said.find("this machine, as measured: " + text) != std::string::npos);
    CHECK(host.machine.run({"status"}).out.find("as measured") == std::string::npos);
}

TEST_CASE(
    "first benchmark: a peer that nobody has measured looks once, when a coordinator lets it in") {
    const Workplace here;
    Hosting host(here);
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"}).exit_code == 0);
    const std::string hint = "p2c2r bench this-machine says how many gamers it can serve";
    const auto start = [&](const std::vector<std::string>& more, const char* log) {
        std::vector<std::string> words = {"peer", "--device", "native"};
        words.insert(words.end(), more.begin(), more.end());
        return here.start(words, log, laptop.environment);
    };
    const auto connected = [&](const char* log) {
        return wait_until(
            [&] { return here.read(log).find("connected to ") != std::string::npos; });
    };
    // Not unless it may: there is no word of looking, only where one looks.
    auto unwilling = start({"--no-benchmark"}, "unwilling.log");
    CHECK(unwilling.read_line_with(hint, kPatienceUs));
    CHECK(connected("unwilling.log"));
    CHECK(unwilling.stop(kStopUs) == 0);
    CHECK_FALSE(here.has("laptop/benchmark.json"));

    auto first = start({}, "first.log");
    const auto uplink = first.read_line_with("uplink to p2c2r://", kPatienceUs);
    CHECK_MESSAGE(uplink, here.read("first.log"));
    CHECK(first.read_line_with("With ", kPatienceUs));
    CHECK(wait_until([&] { return here.has("laptop/benchmark.json"); }));
    // And says at once how fast it is.
    const json found = json::parse(here.read("laptop/benchmark.json"));
    CHECK(found["device"] == "native");
    CHECK(found["speed_milli"].get<uint32_t>() > 0);
    CHECK(wait_until([&] {
        const json status = json::parse(host.machine.run({"status", "--json"}).out);
        return std::any_of(status["peers"].begin(), status["peers"].end(), [&](const json& peer) {
            const double milli = 1000 * peer.value("speed", 0.0);
            return std::abs(milli - found["speed_milli"].get<double>()) < 0.01;
        });
    }));
    CHECK(first.stop(kStopUs) == 0);
    CHECK(json::parse(here.read("laptop/benchmark.json"))["uplink_mbps"].get<double>() > 0);

    auto second = start({}, "second.log");
    CHECK(connected("second.log"));
    CHECK(second.stop(kStopUs) == 0);
    CHECK(here.read("first.log").find("looking what this machine can serve") != std::string::npos);
    CHECK(here.read("second.log").find("looking what") == std::string::npos);
    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("first benchmark: looking what a machine can serve ends as soon as somebody wants it") {
    int asked = 0;
    p2c2r::cli::MachineOptions options;
    options.device = "native";
    options.quick = true;
    options.stops = [&] { return ++asked == 2; };
    const p2c2r::cli::Outcome failed = p2c2r::cli::bench_machine(options);
    REQUIRE(failed);
    CHECK(failed->text == "stopped");
    CHECK(asked == 2);
}

namespace {

constexpr uint64_t kWayUs = 20'000;  // there and back

struct Measured {
    double mbps = 0;
    uint64_t took_us = 0;
    uint64_t longest_us = 0;
};

// A line of so many bits a second; the first `slow` messages take five times that.
Measured measure_line(double bits_per_s, size_t slow = 0) {
    Measured all;
    p2c2r::cli::UplinkMeter meter(kWayUs, 0);
    for (size_t count = 0; const size_t size = meter.next(all.took_us); ++count) {
        REQUIRE(count < 100);
        const double sending_us = static_cast<double>(size) * 8e6 / bits_per_s;
        const auto us = kWayUs + static_cast<uint64_t>(sending_us * (count < slow ? 5 : 1));
        meter.took(us);
        all.took_us += us;
        all.longest_us = std::max(all.longest_us, us);
    }
    all.mbps = meter.mbps();
    return all;
}

}  // namespace

TEST_CASE("first benchmark: lines of 64 kbit/s to 10 Gbit/s are measured, slow ones by little") {
    for (const double mbps : {0.064, 0.3, 1.0, 10.0, 47.8, 200.0, 1000.0, 10000.0}) {
        CAPTURE(mbps);
        const Measured line = measure_line(mbps * 1e6);
        CHECK(line.mbps == doctest::Approx(mbps).epsilon(0.01));
        // Of a slow line the first message tells that, and two more measure it; else some 3 s.
        const double least_us = 8192 * 8 / mbps;
        CHECK(line.longest_us <= std::max<uint64_t>(600'000, 1.1 * least_us + kWayUs));
        CHECK(line.took_us <= 3'500'000 + 3 * (least_us + kWayUs));
    }
}

TEST_CASE("first benchmark: an uplink is judged by its last messages of one size") {
    CHECK(p2c2r::cli::UplinkMeter(kWayUs, 0).mbps() == 0);
    // The way grows: the first message of the last size is one of those that are slow.
    CHECK(measure_line(10e6, 4).mbps == doctest::Approx(10).epsilon(0.01));
    // Less than an empty message took: the line is not what bounds it.
    p2c2r::cli::UplinkMeter meter(kWayUs, 0);
    while (meter.next(0) != 0) meter.took(kWayUs / 2);
    CHECK(meter.mbps() > 1000);
}
