// What `p2c2r status` tells a person: sentences that agree with their numbers, tables that fit a
// line, and the counters only where they are asked for.
#include <doctest/doctest.h>

#include "cli/files.h"
#include "cli/status_report.h"
#include "cli/text_table.h"
#include "support/program.h"

using namespace p2c2r::cli;
using nlohmann::json;

namespace {

size_t widest(const std::string& text) {
    size_t width = 0;
    for (const std::string& line : p2c2r::test::lines_of(text)) {
        width = std::max(width, width_of(line));
    }
    return width;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

json peer(const std::string& name) {
    return {{"peer_id", name},
            {"account", "account-of-" + name},
            {"owner", "anna"},
            {"circle_accepted", "own"},
            {"slots", 4},
            {"gpu_model", "GeForce of the Forty-Seventh Generation"},
            {"cpu_cores", 8},
            {"window_tasks", 8},
            {"link_us", 1500.0},
            {"connected_us", 200'000'000},
            {"task_types", {{{"task_type", "upscale"}, {"samples", 3}, {"compute_us", 1200}}}}};
}

json task(const char* state, const std::string& peer_id, const char* why) {
    return {{"task", "0000000000000001"},
            {"client_id", "desk"},
            {"circle", "own"},
            {"why", why},
            {"task_type", "upscale"},
            {"state", state},
            {"attempts", 1},
            {"peer_id", peer_id},
            {"left_us", 40'000}};
}

// Two peers, a gamer besides the asker, three tasks, of which one waits.
StatusAnswers busy() {
    StatusAnswers answers;
    answers.status = {{"pending_tasks", 3},  {"completed_tasks", 998},     {"failed_tasks", 2},
                      {"p50_us", 4100},      {"p99_us", 31'000},           {"bytes_in", 123'456},
                      {"refused_tasks", 1},  {"uptime_us", 7'200'000'000}, {"refused_share", 1},
                      {"refused_memory", 0}, {"utilisation", 0.25}};
    json tired = peer("b-with-a-name-that-nobody-would-want-to-type-more-than-once");
    tired["window_tasks"] = 0;
    tired["why"] =
        "somebody used this machine less than five minutes ago, and it helps only "
        "when nobody does";
    answers.peers = {{"peers", {peer("a"), tired}}};
    answers.gamers = {{"connected", 2},
                      {"away", 0},
                      {"gamers",
                       {{{"client_id", "desk"}, {"connected", true}, {"since_us", 90'000'000}},
                        {{"client_id", "who-asks"}, {"connected", true}, {"asks", true}}}}};
    answers.tasks = {{"tasks",
                      {task("leased", "a", "done first"), task("leased", "a", "done first"),
                       task("queued", "",
                            "waits for room: 1 peer of circle own may take it, and "
                            "none has any")}}};
    return answers;
}

}  // namespace

TEST_CASE("status: says who is there, what runs where and why, what waits and how it goes") {
    const std::string text = status_text(busy(), 100);
    CHECK(has(text,
              "2 peers and 1 gamer are connected; 3 tasks are under way, 1 of them waits. "
              "Of 1000 tasks that"));
    CHECK(has(text, "99.8 % were answered, half of them within 4.1 ms and 99 % within 31 ms."));
    CHECK(has(text, "GeForce"));
    CHECK(has(text, " does not help: somebody"));
    CHECK(has(text, "desk"));
    CHECK_FALSE(has(text, "who-asks"));
    const size_t runs = text.find("what runs\n");
    const size_t waits = text.find("what waits\n");
    // What may be over long ago is told with the time that it counts from.
    const size_t since = text.find("what went wrong at some time since the start ");
    REQUIRE(since != std::string::npos);
    CHECK_FALSE(has(text, "to look at"));
    CHECK(text.find("\npeers") < runs);
    CHECK(text.find("done first") > runs);
    CHECK(text.find("done first") < waits);
    CHECK(text.find("waits for room") > waits);
    CHECK(waits < since);
    CHECK(has(text.substr(since), "2 tasks have failed\n"));
    CHECK(has(text.substr(since), "1 task was refused, 1 above what an account may have\n"));
    // Equal ones are one line.
    CHECK(text.find("done first") == text.rfind("done first"));
}

TEST_CASE("status: no line is wider than the terminal, and a shortened name says that it is") {
    for (const size_t width : {60, 80, 100}) {
        const std::string text = status_text(busy(), width) + status_details(busy(), width);
        CHECK_MESSAGE(widest(text) <= width, text);
        CHECK(has(text, "\u2026"));
    }
}

TEST_CASE("status: the counters come with --all alone, with all that is known of peers and tasks") {
    CHECK_FALSE(has(status_text(busy(), 100), "bytes_in"));
    const std::string text = status_details(busy(), 100);
    CHECK(has(text, "bytes_in         123456\n"));
    CHECK(has(text, "utilisation      0.250\n"));
    CHECK(has(text, "0000000000000001"));
    CHECK(has(text, "upscale 1.2 ms"));
}

TEST_CASE("status: its sentences agree with their numbers") {
    StatusAnswers answers;
    answers.status = {{"uptime_us", 3'000'000}};
    answers.gamers = {{"connected", 1}};
    CHECK(status_text(answers, 100) ==
          "0 peers and 0 gamers are connected; no task is under way. No task has ended since the "
          "start 3 s ago.\n\nto look at\n  no peer is connected\n");
    answers.gamers = {{"connected", 2}};
    CHECK(has(status_text(answers, 200), "0 peers and 1 gamer are connected; "));
    answers.status = {{"pending_tasks", 1}, {"completed_tasks", 1}, {"p50_us", 2000}};
    answers.tasks = {{"tasks", {task("queued", "", "")}}};
    CHECK(has(status_text(answers, 200),
              "1 task is under way, and waits. The one task that ended "
              "since the start 0 s ago was answered, within 2.0 ms."));
    answers.status = {{"failed_tasks", 1}};
    CHECK(has(status_text(answers, 200),
              "The one task that ended since the start 0 s ago has "
              "failed."));
    CHECK(has(status_text(answers, 200), "\n  1 task has failed\n"));
    answers.status = {{"failed_tasks", 1}, {"completed_tasks", 9999}};
    // Rounded up it would be all of them.
    CHECK(has(status_text(answers, 200), "99.9 % were answered"));
}

TEST_CASE("status: a friend sees who is there, and nothing is made up of the rest") {
    StatusAnswers answers;
    answers.status = {{"uptime_us", 0}};
    answers.peers = {
        {"peers",
         {{{"peer_id", "tower"}, {"own", false}, {"slots", 4}, {"circle_accepted", "invited"}}}}};
    const std::string text = status_text(answers, 100);
    CHECK(has(text, "name   circle\ntower  invited\n"));
    CHECK_FALSE(has(text, "helps"));
    CHECK_FALSE(has(text, "takes tasks"));
}

TEST_CASE("status: an answer of another shape, whoever gave it, is a type error") {
    StatusAnswers answers;
    for (const json& bad : {json(5), json::array({5}), json({{"a", 1}}), json("x"),
                            json::array({json({{"peer_id", 5}})})}) {
        answers.peers = {{"peers", bad}};
        CHECK_THROWS_AS((void)status_text(answers, 100), json::type_error);
        CHECK_THROWS_AS((void)status_details(answers, 100), json::type_error);
    }
    answers = {};
    answers.status = {{"pending_tasks", "many"}};
    CHECK_THROWS_AS((void)status_text(answers, 100), json::type_error);
}

TEST_CASE("text table: words wrap between words, numbers keep their units, letters count once") {
    CHECK(wrapped("half of them within 12 ms and 99 % within 31 ms", 22, 2) ==
          "half of them within\n  12 ms and 99 %\n  within 31 ms\n");
    CHECK(shortened("\u00fcber", 4) == "\u00fcber");
    CHECK(shortened("\u00fcber alles", 4) == "\u00fcbe\u2026");
    CHECK(width_of(shortened(std::string(300, 'x'), 10)) == 10);
    TextTable table({"name", "tasks"});
    table.add({"J\u00fcrgen", "7"});
    CHECK(table.text() == "name    tasks\nJ\u00fcrgen      7\n");
    CHECK(count_text(1, "peer") == "1 peer");
    CHECK(duration_text(59.4) == "59 s");
    CHECK(duration_text(179) == "2 min");
    CHECK(duration_text(9000) == "2.5 h");
    CHECK(duration_text(4 * 86400 + 5) == "4 days");
}

TEST_CASE("status: what this machine can serve ends where its sentence ends") {
    const p2c2r::test::Workplace here;
    const p2c2r::test::Machine machine(here, "home");
    REQUIRE_FALSE(make_directories(here.path("home")));
    here.write("home/benchmark.json", R"({"text": "CPU: serves 3 gamers.\n"})");
    const CoordinatorProcess coordinator = here.coordinator();
    const p2c2r::test::Ran ran = machine.run({"status", "--coordinator", coordinator.url});
    CHECK_MESSAGE(ran.exit_code == 0, ran.error);
    CHECK(ran.out.ends_with("\nthis machine, as measured: CPU: serves 3 gamers.\n"));
}
