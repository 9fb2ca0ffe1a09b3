// `submit` over a line that is too slow for its deadlines, and without any coordinator: nothing is
// lost that this machine can compute, and what is said of it names the reason and what helps.
#include <doctest/doctest.h>

#include "cli/files.h"
#include "cli/line_watch.h"
#include "cli/progress.h"
#include "cli/task_summary.h"
#include "support/lagging_relay_posix.h"
#include "support/program.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;
using namespace p2c2r::cli;
using nlohmann::json;

namespace {

bool says(const Ran& ran, const std::string& text) {
    return ran.error.find(text) != std::string::npos;
}

// Requests that each bring the same 40 000 bytes.
std::string large_requests(const Workplace& here, size_t count) {
    const std::string data = here.write("data", std::string(40'000, 'x'));
    std::string lines;
    for (size_t i = 0; i < count; ++i) lines += json{{"id", i}, {"data", data}}.dump() + "\n";
    return here.write("requests.jsonl", lines);
}

TaskRecord record_of(int32_t status, int32_t source, bool missed) {
    TaskRecord record;
    record.status = status;
    record.source = source;
    record.missed = missed;
    record.bytes_up = 40'000;
    record.total_us = 180'000;
    return record;
}

}  // namespace

namespace {

// Looks each 50 ms from the second after `from` on, as long as `bytes_s` leave and others wait.
SendingSample look_on(LineWatch& line, SendingSample from, uint32_t looks, uint64_t bytes_s) {
    for (uint32_t i = 0; i < looks; ++i) {
        from.at_us += LineWatch::kLookEveryUs;
        from.acknowledged += bytes_s * LineWatch::kLookEveryUs / 1'000'000;
        CHECK(line.wants_look(true, from.at_us));
        line.look(from);
    }
    return from;
}

// The miss is seen 10 ms after the last look.
void miss(LineWatch& line, SendingSample& at, uint64_t deadline_us = 250'000) {
    line.missed(deadline_us);
    CHECK(line.wants_look(false, at.at_us));
    at.at_us += 10'000;
    line.look(at);
}

}  // namespace

TEST_CASE("line watch: a missed deadline with bytes that wait tells what the line carries") {
    LineWatch line;
    CHECK_FALSE(line.wants_look(false, 1'000'000));
    CHECK(line.wants_look(true, 1'000'000));
    for (int i = 0; i < 16; ++i) line.sent(40'000);
    line.look({1'000'000, 5'000, 0});
    CHECK_FALSE(line.wants_look(true, 1'049'999));
    // Buffers on the way swallow the first bytes: no evidence, as nothing had waited before.
    SendingSample at{1'040'000, 405'000, 240'000};
    line.look(at);
    at = look_on(line, at, 5, 32'000);
    CHECK(line.leaving_us(40'000) == 0);  // nothing is told as long as nothing is late
    line.missed(251'000);                 // the same deadline, seen a little later
    miss(line, at);
    CHECK(line.deadline_us() == 250'000);
    CHECK_FALSE(line.wants_look(false, at.at_us + 1'000'000));
    CHECK(line.bits_per_s() == doctest::Approx(246'154));  // 8000 bytes in 260 ms
    CHECK(line.is_too_slow_for(40'000));
    CHECK_FALSE(line.is_too_slow_for(7'600));
    SUBCASE("one in sixteen is sent all the same") {
        int kept = 0;
        for (int i = 0; i < 32; ++i) kept += line.keeps(40'000) ? 1 : 0;
        CHECK(kept == 30);
        CHECK_FALSE(line.keeps(7'600));
    }
    SUBCASE("an answer shows a faster line, and none a slower one") {
        const uint64_t before_us = line.leaving_us(40'000);
        line.answered(40'000, 4'000'000);
        CHECK(line.leaving_us(40'000) == before_us);
        line.answered(40'000, 100'000);
        CHECK_FALSE(line.is_too_slow_for(40'000));
    }
    SUBCASE("a slower line is found out") {
        at = look_on(line, at, 400, 8'000);
        miss(line, at);
        CHECK(line.bits_per_s() == doctest::Approx(64'000).epsilon(0.05));
    }
}

TEST_CASE("line watch: nothing is told of a line by too little, nor by times when nothing waited") {
    LineWatch line;
    line.sent(69'000);
    SendingSample at{0, 0, 400'000};
    line.look(at);
    SUBCASE("a line that had taken everything is not what was slow") {
        at = look_on(line, at, 20, 32'000);
        at.unacknowledged = 60;
        miss(line, at);
    }
    SUBCASE("bytes that come in lumps, and none for a while: two tell no rate") {
        at = look_on(line, at, 10, 0);
        miss(line, at);
        at = look_on(line, at, 1, 2'000'000);
        at = look_on(line, at, 10, 0);
        at = look_on(line, at, 1, 2'000'000);
        at = look_on(line, at, 2, 0);
        miss(line, at);
    }
    SUBCASE("no time") {
        at = look_on(line, at, 1, 2'000'000);
        miss(line, at);
    }
    SUBCASE("few bytes: a line that carries nothing") {
        at = look_on(line, at, 40, 1'000);
        miss(line, at);
    }
    SUBCASE("while nobody looked it may have been empty") {
        for (int i = 0; i < 10; ++i) {
            at.at_us += 1'000'000;
            at.acknowledged += 10'000;
            line.look(at);
        }
        miss(line, at);
    }
    SUBCASE("what left without having to wait") {
        for (int i = 0; i < 10; ++i) {
            at.unacknowledged = 69'000;
            at = look_on(line, at, 1, 1'000'000);
            at.unacknowledged = 30'000;
            at = look_on(line, at, 1, 1'000'000);
        }
        at.unacknowledged = 69'000;
        miss(line, at);
    }
    SUBCASE("another connection counts from zero") {
        at = look_on(line, at, 2, 32'000);
        at.acknowledged = 0;
        at = look_on(line, at, 1, 0);
        miss(line, at);
    }
    CHECK(line.bits_per_s() == 0);
    CHECK_FALSE(line.keeps(69'000));
}

TEST_CASE("submit: what came too late is told with the reason, what was done and what helps") {
    StreamSummary summary;
    TooLateFacts facts;
    facts.helpers = 1;
    summary.tasks = {record_of(P2C2R_OK, P2C2R_SOURCE_PEER, false)};
    CHECK(too_late_text(summary, facts).empty());
    summary.deadline_us = 250'000;
    summary.tasks.push_back(record_of(P2C2R_E_DEADLINE, P2C2R_SOURCE_NONE, true));
    const std::string helps =
        " waits for helpers; --late-here, or no --remote-only, has this machine compute what comes "
        "late.";
    CHECK(too_late_text(summary, facts) ==
          "1 of 2 had no answer within the deadline of 250 ms: answers that did come took 180 ms "
          "(the middle one). --deadline-ms 500" +
              helps);
    // Never a shorter time than answers have taken, nor a longer one than there is.
    summary.up_bits_per_s = 5'000'000;
    summary.tasks[0].total_us = 2'900'000;
    CHECK(too_late_text(summary, facts).find(" --deadline-ms 5800 with --in-flight 1 waits") !=
          std::string::npos);
    summary.deadline_max_us = 5'000'000;
    CHECK(too_late_text(summary, facts)
              .find(" A longer --deadline-ms, at most 5000 (the --task-timeout-ms of the "
                    "coordinator), waits for helpers;") != std::string::npos);
    summary.deadline_max_us = 0;
    summary.up_bits_per_s = 0;
    summary.tasks.erase(summary.tasks.begin());
    facts.helpers = 0;
    CHECK(too_late_text(summary, facts)
              .find(" ms: no helper is connected to the coordinator now. ") != std::string::npos);
    summary.up_bits_per_s = 256'000;
    facts.is_paced = true;
    CHECK(too_late_text(summary, facts) ==
          "1 of 1 had no answer within the deadline of 250 ms: this line carries about 256 kbit/s "
          "up, so a request of 40000 bytes needs about 1300 ms just to leave. --deadline-ms 2500 "
          "with a lower --rate" +
              helps);
    facts.is_paced = false;
    summary.up_bits_per_s = 3'200'000;
    CHECK(too_late_text(summary, facts)
              .find(" needs about 100 ms to leave, once what was sent before it has left. "
                    "--deadline-ms "
                    "500 with --in-flight 1 waits") != std::string::npos);
    summary.up_bits_per_s = 4;  // what it takes on such a line can be asked for by nobody
    CHECK(too_late_text(summary, facts).find("about 0.0 kbit/s up") != std::string::npos);
    CHECK(too_late_text(summary, facts).find(". A longer --deadline-ms waits") !=
          std::string::npos);
    summary.up_bits_per_s = 256'000;
    facts.late_here = true;
    CHECK(too_late_text(summary, facts)
              .ends_with(" ms just to leave. This machine could not compute them either. "
                         "--deadline-ms 2500 with "
                         "--in-flight 1 waits for helpers."));
    summary.tasks = {record_of(P2C2R_OK, P2C2R_SOURCE_LOCAL, true),
                     record_of(P2C2R_OK, P2C2R_SOURCE_LOCAL, false)};
    summary.tasks[1].kept = true;
    CHECK(too_late_text(summary, facts) ==
          "1 of 2 had no answer within the deadline of 250 ms, and 1 more were not sent for that: "
          "this line carries about 256 kbit/s up, so a request of 40000 bytes needs about 1300 ms "
          "just to leave. 2 were computed here. --deadline-ms 2500 with --in-flight 1 waits for "
          "helpers; --local-at-deadline has this machine begin in time, --local at once.");
}

TEST_CASE("submit: a deadline beyond the coordinator's is told as the coordinator's") {
    StreamSummary summary;
    TooLateFacts facts;
    facts.late_here = true;
    summary.tasks = {record_of(P2C2R_OK, P2C2R_SOURCE_LOCAL, true)};
    summary.asked_us = 20'000'000;
    summary.deadline_us = summary.deadline_max_us = 5'000'000;
    CHECK(too_late_text(summary, facts) ==
          "1 of 1 had no answer within the deadline of 5000 ms (the --task-timeout-ms of the "
          "coordinator, which caps the 20000 ms of --deadline-ms): no helper is connected to the "
          "coordinator now. One was computed here. Only a longer --task-timeout-ms of the "
          "coordinator waits longer for helpers; --local-at-deadline has this machine begin in "
          "time, --local at once.");
    summary.asked_us = 0;
    CHECK(too_late_text(summary, facts).find(" (the --task-timeout-ms of the coordinator): no ") !=
          std::string::npos);
    // One by one they would leave in time.
    summary.up_bits_per_s = 1'000'000;
    CHECK(too_late_text(summary, facts)
              .find(" --in-flight 1, or a longer --task-timeout-ms of the coordinator, waits") !=
          std::string::npos);
    summary.up_bits_per_s = 10'000;
    CHECK(too_late_text(summary, facts).find(" here. Only a longer --task-timeout-ms") !=
          std::string::npos);
    // What waited on its way for as long as was asked for has not even met the cap.
    summary.asked_us = summary.deadline_us = 20'000'000;
    CHECK(too_late_text(summary, facts)
              .starts_with("1 of 1 had no answer within the deadline of 20000 ms: this line "));
    CHECK(
        too_late_text(summary, facts).find(" here. Fewer requests at a time, or smaller ones, ") !=
        std::string::npos);
}

TEST_CASE("progress: the bar is full only when all are done, and failed ones show apart") {
    const auto bar = [](size_t done, size_t failed, size_t cancelled, size_t total) {
        return Progress::bar({done, failed, cancelled}, total, "frames");
    };
    CHECK(bar(12, 0, 0, 12) == "[##############################] 12/12 frames");
    CHECK(bar(0, 12, 0, 12) == "[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx] 0/12 frames, 12 failed");
    CHECK(bar(3, 0, 9, 12) == "[#######.......................] 3/12 frames, 9 cancelled");
    CHECK(bar(999, 1, 0, 1000) == "[#############################x] 999/1000 frames, 1 failed");
    CHECK(bar(4, 2, 3, 12) ==
          "[##########xxxxx...............] 4/12 frames, 2 failed, 3 cancelled");
    CHECK(bar(0, 0, 0, 0) == "[##############################] 0/0 frames");
}

TEST_CASE("submit: over a line of 256 kbit/s nothing is lost, and it is told why and what helps") {
    const Workplace here;
    auto coordinator = here.coordinator();
    LaggingRelay relay(port_of_url(coordinator.url), 0, 32'000);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(relay.port());
    const auto submit = [&](size_t count, std::vector<std::string> more,
                            const std::string& type = "echo") {
        std::vector<std::string> words = {"submit",          type,
                                          "--coordinator",   url,
                                          "--requests",      large_requests(here, count),
                                          "--out",           here.path("out"),
                                          "--deadline-ms",   "600",
                                          "--stream-report", here.path("report.json")};
        words.insert(words.end(), more.begin(), more.end());
        return here.run(words);
    };
    const Ran ran = submit(40, {});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 0);
    const auto names = list_files(here.path("out"));
    REQUIRE(names);
    CHECK(names->size() == 40);
    const json report = json::parse(here.read("report.json"));
    CHECK(report["lost"] == 0);
    size_t kept = 0;
    for (const json& task : report["tasks"]) kept += task["kept"] == true ? 1 : 0;
    CHECK(kept > 0);  // so is learned after the first ones, and no byte is sent for them
    CHECK(says(ran, "had no answer within the deadline of 600 ms, and " + std::to_string(kept) +
                        " more were not sent for that: this line carries about "));
    CHECK(says(ran, " were computed here. --deadline-ms "));
    const Ran forced = submit(4, {"--remote-only"});
    CAPTURE(forced.error);
    CHECK(forced.exit_code == 1);
    CHECK(says(forced, "0 of 4 in "));
    CHECK(says(forced, "4 of 4 had no answer within the deadline of 600 ms: this line carries "));
    CHECK(says(forced, "; --late-here, or no --remote-only, has this machine compute"));
    // What this machine has no executor for stays what it is, kept here or not: too late.
    const Ran foreign = submit(20, {}, "nobody_has_this");
    CAPTURE(foreign.error);
    CHECK(foreign.exit_code == 1);
    CHECK(says(foreign, "20 failed (E_DEADLINE 20)"));
    CHECK(says(foreign, "This machine could not compute them either. "));
    const Ran quiet = submit(1, {"--remote-only", "--quiet"});
    CHECK(quiet.exit_code == 1);
    CHECK_FALSE(says(quiet, "this line"));
}

TEST_CASE("submit --local: computes without any coordinator, and an unreachable one names it") {
    const Workplace here;
    const std::string frames = make_frames(here, "frames", 3, 64, 36);
    const std::vector<std::string> task = {
        "submit", "upscale",        "--data",   frames,
        "--out",  here.path("out"), "--params", R"({"output_res": [128, 72]})"};
    const auto run = [&](const std::vector<std::string>& more) {
        std::vector<std::string> words = task;
        words.insert(words.end(), more.begin(), more.end());
        return here.run(words, {"P2C2R_COORDINATOR_URL=p2c2r+plain://127.0.0.1:1"});
    };
    const Ran alone = run({"--connect-timeout-ms", "300"});
    CHECK(alone.exit_code == 3);
    CHECK_MESSAGE(says(alone, " s); --local computes here, without a coordinator\n"), alone.error);
    CHECK_FALSE(here.has("out"));  // nothing was done, and nothing is left behind
    const Ran local = run({"--local"});
    CHECK_MESSAGE(local.exit_code == 0, local.error);
    CHECK(says(local, "3 of 3 in "));
    CHECK(says(local, " s: 3 here; 0 late, 0 failed"));
    const auto names = list_files(here.path("out"));
    REQUIRE(names);
    CHECK(names->size() == 3);
    for (const std::vector<std::string>& other :
         {std::vector<std::string>{"--coordinator", "p2c2r+plain://127.0.0.1:1"},
          {"--remote-only"},
          {"--put"},
          {"--connect-timeout-ms", "5"}}) {
        std::vector<std::string> words = {"--local"};
        words.insert(words.end(), other.begin(), other.end());
        const Ran both = run(words);
        CHECK(both.exit_code == 2);
        CHECK(says(both, "--local sends nothing: not with " + other[0]));
    }
}
