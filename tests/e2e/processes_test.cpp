// Coordinator, peers and gamers as processes of their own on loopback, on good days and on bad
// ones.
#include <doctest/doctest.h>

#include <csignal>
#include <map>
#include <set>

#include "cli/files.h"
#include "support/program.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

constexpr const char* kUpscale = R"({"output_res": [640, 360]})";

// The gamer's side of a stream of frames, still running.
p2c2r::cli::Process start_stream(const Workplace& here, const std::string& url,
                                 const std::string& frames, const std::string& rate) {
    return here.start({"submit", "upscale", "--coordinator", url, "--data", frames, "--out",
                       here.path("out"), "--params", kUpscale, "--deadline-ms", "30000", "--rate",
                       rate, "--quiet", "--stream-report", here.path("stream.json")},
                      "gamer.err");
}

size_t files_in(const Workplace& here, const std::string& name) {
    const auto names = p2c2r::cli::list_files(here.path(name));
    return names ? names->size() : 0;
}

// Every frame arrived once, under its own name, and decodes to what was asked for.
void check_all_frames(const Workplace& here, size_t count) {
    CHECK(files_in(here, "out") == count);
    const json report = json::parse(here.read("stream.json"));
    CHECK(report["succeeded"] == count);
    CHECK(report["lost"] == 0);
    for (const json& task : report["tasks"]) CHECK(task["status"] == "OK");
}

}  // namespace

TEST_CASE("processes: a frame crosses all three roles and everybody ends cleanly on SIGTERM") {
    Workplace here;
    auto coordinator = here.coordinator({"--log-format", "json"});
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    const std::vector<std::string> task = {"upscale",  "--data", photograph(),
                                           "--params", kUpscale, "--digest"};
    // The machine may be busy: this test is about the path and not about its speed.
    std::vector<std::string> submit = {"submit", "--coordinator", coordinator.url, "--deadline-ms",
                                       "5000"};
    submit.insert(submit.end(), task.begin(), task.end());
    std::vector<std::string> exec = {"exec", "--device", "native"};
    exec.insert(exec.end(), task.begin(), task.end());
    const Ran remote = here.run(submit);
    const Ran local = here.run(exec);
    CAPTURE(remote.error);
    CHECK(remote.exit_code == 0);
    CHECK(remote.out.substr(0, 71) == local.out.substr(0, 71));  // the same pixels
    const json status = status_of(here, coordinator.url);
    CHECK(status["completed_tasks"] == 1);
    CHECK(status["peers"][0]["peer_id"] == "helper");
    CHECK(status["peers"][0]["completed"] == 1);
    CHECK(peer.stop(kStopUs) == 0);
    REQUIRE(wait_for_peers(here, coordinator.url, 0));
    CHECK(coordinator.process.stop(kStopUs) == 0);
    CHECK(here.read("helper.log").find("stopped") != std::string::npos);
    std::multiset<std::string> seen;  // each once
    for (const std::string& line : lines_of(here.read("coordinator.log"))) {
        const json entry = json::parse(line);
        CHECK(entry.contains("time"));
        const std::string text = entry["text"];
        if (entry.value("peer_id", "") == "helper" || text.find("helper") != std::string::npos) {
            seen.insert(text.substr(0, text.find(':')));
        }
        if (text == "stopped") seen.insert(text);
    }
    CHECK(seen == std::multiset<std::string>{"peer joined", "peer left", "stopped"});
}

TEST_CASE("processes: submit --put sends a file once, however many tasks have it") {
    Workplace here;
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    std::string lines;
    for (int i = 1; i <= 4; ++i) {
        lines += json{{"id", i}, {"data", photograph()}, {"output_res", {64 * i, 36 * i}}}.dump();
        lines += "\n";
    }
    here.write("requests.jsonl", lines);
    std::string summary;
    const auto submit = [&](bool put) {
        std::vector<std::string> words = {
            "submit",        "upscale",       "--coordinator",
            coordinator.url, "--requests",    here.path("requests.jsonl"),
            "--digest",      "--deadline-ms", "5000"};
        if (put) words.push_back("--put");
        const Ran ran = here.run(words);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 0);
        REQUIRE_FALSE(ran.error.empty());
        summary = lines_of(ran.error).back();
        return ran.out;
    };
    const std::string put = submit(true);
    const json status = status_of(here, coordinator.url);
    CHECK(status["completed_tasks"] == 4);
    CHECK(status["contents_sent"] == 1);
    CHECK(summary.starts_with("4 of 4 in "));
    CHECK(summary.find(" s: 4 by peers; 0 late, 0 failed, ") != std::string::npos);
    CHECK(put == submit(false));
    CHECK(status_of(here, coordinator.url)["contents_sent"] == 1);
}

TEST_CASE("processes: the monitoring port answers healthz and metrics and refuses other paths") {
    Workplace here;
    auto coordinator = here.coordinator();
    const auto get = [&](const std::string& path) {
        RawSocket socket(coordinator.monitoring_port);
        REQUIRE(socket.connected());
        socket.send("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return socket.receive_all();
    };
    REQUIRE(coordinator.monitoring_port != 0);
    CHECK(get("/healthz").starts_with("HTTP/1.1 200"));
    const std::string metrics = get("/metrics");
    CHECK(metrics.starts_with("HTTP/1.1 200"));
    CHECK(metrics.find("p2c2r_active_peers 0") != std::string::npos);
    CHECK(get("/secret").starts_with("HTTP/1.1 404"));
}

TEST_CASE("processes: SIGKILL of a peer under load and every frame arrives") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 90, 320, 180);
    auto coordinator = here.coordinator();
    auto first = here.peer(coordinator.url, "first", {"--device", "native"});
    auto second = here.peer(coordinator.url, "second", {"--device", "native"});
    REQUIRE(wait_for_peers(here, coordinator.url, 2));
    auto gamer = start_stream(here, coordinator.url, frames, "60");
    REQUIRE(wait_until([&] { return files_in(here, "out") >= 20; }));
    first.kill_now();
    CHECK(gamer.wait(kPatienceUs) == 0);
    check_all_frames(here, 90);
    const json status = status_of(here, coordinator.url);
    CHECK(status["peer_failures"] == 1);
    CHECK(status["peers"].size() == 1);
    CHECK(here.read("coordinator.log").find("peer failed") != std::string::npos);
}

TEST_CASE("processes: a coordinator restarted under load and every frame arrives") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 90, 320, 180);
    auto coordinator = here.coordinator();
    const std::string url = coordinator.url;
    auto first = here.peer(url, "first");
    auto second = here.peer(url, "second");
    REQUIRE(wait_for_peers(here, url, 2));
    auto gamer = start_stream(here, url, frames, "60");
    REQUIRE(wait_until([&] { return files_in(here, "out") >= 20; }));
    coordinator.process.kill_now();
    coordinator.process.wait(kPatienceUs);
    auto again = here.start(
        {"coordinator", "--port", std::to_string(port_of_url(url)), "--monitoring-port", "off"},
        "coordinator-again.log");
    CHECK(gamer.wait(kPatienceUs) == 0);
    check_all_frames(here, 90);
    CHECK(wait_for_peers(here, url, 2));
    CHECK(first.running());
    CHECK(second.running());
    CHECK(again.stop(kStopUs) == 0);
}

TEST_CASE("processes: a coordinator killed for good, and the gamer's machine computes at once") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 60, 320, 180);
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "first", {"--device", "native"});
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    auto gamer = start_stream(here, coordinator.url, frames, "60");
    REQUIRE(wait_until([&] { return files_in(here, "out") >= 10; }));
    coordinator.process.kill_now();
    CHECK(gamer.wait(kPatienceUs) == 0);
    check_all_frames(here, 60);
    size_t local = 0;
    const json report = json::parse(here.read("stream.json"));
    for (const json& task : report["tasks"]) {
        if (task["source"] != "local") continue;
        ++local;
        CHECK(task["total_us"] < 15'000'000);  // not at its deadline, which is in 30 s
    }
    CHECK(local > 0);
}

TEST_CASE("processes: a peer waits for its coordinator and outlives its orderly stop") {
    Workplace here;
    std::string url;
    {
        auto coordinator = here.coordinator();
        url = coordinator.url;
        coordinator.process.stop(kStopUs);
    }
    auto peer = here.peer(url, "helper");  // nobody listens yet
    const auto start = [&](const std::string& log) {
        return here.start(
            {"coordinator", "--port", std::to_string(port_of_url(url)), "--monitoring-port", "off"},
            log);
    };
    auto first = start("first.log");
    REQUIRE(wait_for_peers(here, url, 1));
    CHECK(first.stop(kStopUs) == 0);  // says goodbye to its peers
    REQUIRE(wait_until([&] {
        const std::string log = here.read("helper.log");
        return log.find("trying again", log.find("connected to")) != std::string::npos;
    }));
    auto second = start("second.log");
    CHECK(wait_for_peers(here, url, 1));
    CHECK(peer.running());
}

TEST_CASE("processes: a gamer that is gone with tasks in flight harms nobody else") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 60, 320, 180);
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    auto gone = here.start({"submit", "upscale", "--coordinator", coordinator.url, "--data", frames,
                            "--out", here.path("gone"), "--params", kUpscale, "--rate", "1000",
                            "--quiet", "--deadline-ms", "30000"},
                           "gone.err");
    REQUIRE(wait_until([&] { return files_in(here, "gone") >= 3; }));
    gone.kill_now();
    auto gamer = start_stream(here, coordinator.url, frames, "1000");
    CHECK(gamer.wait(kPatienceUs) == 0);
    check_all_frames(here, 60);
    CHECK(peer.running());
    CHECK(coordinator.process.running());
}

TEST_CASE("processes: broken pictures and wrong params are told and cost no peer") {
    Workplace here;
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    std::string requests;
    const auto files = pictures_broken_and_whole();
    for (const auto& [name, bytes] : files) {
        requests +=
            json({{"id", name}, {"data", here.write(name, bytes)}, {"output_res", {320, 180}}})
                .dump() +
            "\n";
    }
    const std::string whole = here.path(files.back().first);
    requests +=
        json({{"id", "magic"}, {"data", whole}, {"algorithm", "magic"}, {"scale", 2}}).dump();
    const Ran ran = here.run({"submit", "upscale", "--coordinator", coordinator.url,
                              "--remote-only", "--requests", here.write("requests.jsonl", requests),
                              "--out", here.path("out") + "/", "--quiet"});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 1);
    std::map<std::string, json> answers;
    for (const std::string& text : lines_of(ran.out)) {
        const json line = json::parse(text);
        answers[line["id"]] = line;
    }
    CHECK(answers.size() == files.size() + 1);
    for (const auto& answer : answers) {
        const std::string& id = answer.first;
        const json& line = answer.second;
        CAPTURE(line.dump());
        if (id == "whole.jpg") {
            CHECK_FALSE(line.contains("status"));
            continue;
        }
        REQUIRE(line.contains("status"));
        CHECK(line["error"].get<std::string>().size() > 20);
    }
    CHECK(answers["huge.jpg"]["error"].get<std::string>().find("20000") != std::string::npos);
    CHECK(answers["magic"]["error"].get<std::string>().find("algorithm") != std::string::npos);
    CHECK(here.has("out/whole.jpg"));
    const json status = status_of(here, coordinator.url);
    CHECK(status["peers"].size() == 1);
    CHECK(status["peer_failures"] == 0);
    CHECK(peer.running());
}

TEST_CASE("processes: a second peer with a taken id is refused and the first works on") {
    Workplace here;
    auto coordinator = here.coordinator();
    auto first = here.peer(coordinator.url, "twin");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    auto second = here.start({"peer", "--coordinator", coordinator.url, "--peer-id", "twin",
                              "--device", "native", "--reconnect-attempts", "0"},
                             "second.err");
    CHECK(second.wait(kPatienceUs) == 3);
    const std::string said = here.read("second.err");
    CAPTURE(said);
    CHECK(said.find("twin") != std::string::npos);
    const Ran ran = here.run({"submit", "echo", "--coordinator", coordinator.url, "--remote-only",
                              "--data", here.write("in", "x"), "--out", here.path("out")});
    CHECK(ran.exit_code == 0);
    CHECK(first.running());
    CHECK(status_of(here, coordinator.url)["peers"].size() == 1);
}

TEST_CASE("processes: without a coordinator submit and status are exit code 3 and name the URL") {
    Workplace here;
    std::string url;
    {
        auto coordinator = here.coordinator();
        url = coordinator.url;
        coordinator.process.stop(kStopUs);
    }
    const Ran submit = here.run(
        {"submit", "echo", "--coordinator", url, "--connect-timeout-ms", "300", "--quiet"});
    CHECK(submit.exit_code == 3);
    CHECK(submit.error.starts_with("p2c2r submit: no coordinator at " + url +
                                   ": connection refused (tried for 0."));
    const Ran status = here.run({"status", "--coordinator", url, "--connect-timeout-ms", "300"});
    CHECK(status.exit_code == 3);
    CHECK(status.error.find(url) != std::string::npos);
    const Ran peer =
        here.run({"peer", "--coordinator", url, "--device", "native", "--reconnect-attempts", "1"});
    CHECK(peer.exit_code == 3);
    CHECK(peer.error.find(url) != std::string::npos);
    CHECK(here.run({"submit", "echo", "--coordinator", "carrier-pigeon://x"}).exit_code == 2);
}

TEST_CASE("processes: a port in use is an error that names address and port") {
    Workplace here;
    auto coordinator = here.coordinator();
    const std::string port = std::to_string(port_of_url(coordinator.url));
    const Ran second = here.run({"coordinator", "--port", port, "--monitoring-port", "off"});
    CHECK(second.exit_code == 1);
    CHECK(second.error.find("127.0.0.1") != std::string::npos);
    CHECK(second.error.find(port) != std::string::npos);
    const Ran monitoring = here.run({"coordinator", "--port", "0", "--monitoring-port",
                                     std::to_string(coordinator.monitoring_port)});
    CHECK(monitoring.exit_code == 1);
    CHECK(monitoring.error.find(std::to_string(coordinator.monitoring_port)) != std::string::npos);
}

TEST_CASE("processes: a public plaintext address is refused unless forced by name") {
    Workplace here;
    const Ran refused = here.run(
        {"coordinator", "--port", "0", "--listen-address", "0.0.0.0", "--monitoring-port", "off"});
    // The options contradict each other: wrong usage, which no second start mends.
    CHECK(refused.exit_code == 2);
    CHECK(refused.error.find("0.0.0.0") != std::string::npos);
    // Forced, it says loudly what that means.
    auto forced = here.start({"coordinator", "--port", "0", "--listen-address", "0.0.0.0",
                              "--monitoring-port", "off", "--plaintext-anywhere", "true"},
                             "forced.err");
    const auto warning = forced.read_line_with("WARNING: nothing is encrypted", kPatienceUs);
    REQUIRE(warning);
    CHECK(warning->find("nobody is asked for a login") != std::string::npos);
    CHECK(forced.stop(kStopUs) == 0);
    CHECK(here.read("forced.err").find("whoever reaches 0.0.0.0:") != std::string::npos);
}

TEST_CASE("processes: peers and gamers may be told that plaintext with any address is wanted") {
    Workplace here;
    auto coordinator = here.coordinator();
    // Another name of this machine that does not say so.
    const std::string port = coordinator.url.substr(coordinator.url.rfind(':'));
    const std::string url = "p2c2r+plain://0.0.0.0" + port;
    for (const char* command : {"status", "submit", "peer"}) {
        CAPTURE(command);
        std::vector<std::string> words = {command, "--coordinator", url};
        if (std::string(command) == "submit") words.insert(words.end(), {"echo", "-q"});
        const Ran refused = here.run(words);
        CHECK(refused.exit_code == 2);
        CHECK(refused.error.find("--plaintext-anywhere") != std::string::npos);
    }
    CHECK(here.run({"status", "--coordinator", url, "--plaintext-anywhere"}).exit_code == 0);
    auto peer = here.start({"peer", "--coordinator", url, "--plaintext-anywhere", "true",
                            "--device", "native", "--peer-id", "far"},
                           "peer.err");
    CHECK(wait_for_peers(here, coordinator.url, 1));
    CHECK(peer.stop(kStopUs) == 0);
}

TEST_CASE("processes: a peer that is to take a type which does not run there says what does") {
    Workplace here;
    const Ran refused = here.run({"peer", "--device", "native", "--tasks", "echo,teleport"});
    CHECK(refused.exit_code == 2);
    CHECK(refused.error.find("'teleport'") != std::string::npos);
    const size_t list = refused.error.find("there is: ");
    REQUIRE(list != std::string::npos);
    for (const char* type : {"ai_pathfinding", "echo", "upscale"}) {
        CHECK(refused.error.find(type, list) != std::string::npos);
    }
}

TEST_CASE("processes: file and environment and command line reach the daemons in that order") {
    Workplace here;
    const std::string file = here.write("coordinator.toml",
                                        "listen_port = 1\nmax_peers = 1\n[log]\nformat = \"json\"\n"
                                        "[monitoring]\nprometheus_port = \"off\"\n");
    auto coordinator = here.start({"coordinator", "--config", file, "--port", "0"}, "daemon.err",
                                  {"P2C2R_MAX_PEERS=2", "P2C2R_PEER_ID=someone"});
    const auto address = coordinator.read_line_with("listening on ", kPatienceUs);
    REQUIRE(address);
    const std::string url = "p2c2r+plain://" + *address;
    auto first = here.peer(url, "a");
    auto second = here.peer(url, "b");
    CHECK(wait_for_peers(here, url, 2));  // the environment's 2, not the file's 1
    CHECK(coordinator.stop(kStopUs) == 0);
    for (const std::string& line : lines_of(here.read("daemon.err"))) {
        CHECK(json::accept(line));  // the file's format
    }
}

TEST_CASE("processes: refused keys end a daemon with exit code 2 and their name") {
    Workplace here;
    const std::string file = here.write("peer.toml", "database = \"x\"\n");
    const Ran not_built = here.run({"peer", "--config", file});
    CHECK(not_built.exit_code == 2);
    CHECK(not_built.error.find("database") != std::string::npos);
    const Ran unknown = here.run({"coordinator"}, {"P2C2R_FLAVOUR=1"});
    CHECK(unknown.exit_code == 2);
    CHECK(unknown.error.find("P2C2R_FLAVOUR") != std::string::npos);
    CHECK(here.run({"coordinator", "--port", "70000"}).exit_code == 2);
    CHECK(here.run({"coordinator", "--config", here.path("none.toml")}).exit_code == 2);
}

TEST_CASE("processes: a daemon whose launcher is gone ends by itself") {
    Workplace here;
    auto coordinator = here.coordinator();  // this test holds the other end of its standard input
    CHECK(RawSocket(port_of_url(coordinator.url)).connected());
    coordinator.process.close_input();
    CHECK(coordinator.process.wait(kPatienceUs) == 0);
}

TEST_CASE("processes: SIGINT cancels what a gamer has in flight and tells it") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 30, 160, 90);
    auto coordinator = here.coordinator();
    auto gamer =
        here.start({"submit", "upscale", "--coordinator", coordinator.url, "--data", frames,
                    "--out", here.path("out"), "--params", kUpscale, "--rate", "2"},
                   "gamer.err");
    REQUIRE(wait_until([&] { return files_in(here, "out") >= 1; }));
    gamer.signal(SIGINT);
    CHECK(gamer.wait(kPatienceUs) == 1);
    const std::string said = here.read("gamer.err");
    CAPTURE(said);
    CHECK(said.find(" of 30 frames cancelled\n") != std::string::npos);
    CHECK(said.find("failed (E_CANCELLED ") != std::string::npos);
    // One line for all of them, and no bar that looks as if all was done.
    CHECK(said.find("failed: E_CANCELLED") == std::string::npos);
    CHECK(said.find("[##############################]") == std::string::npos);
}

TEST_CASE("processes: a gamer that still looks for its coordinator ends on a signal") {
    Workplace here;
    auto gamer = here.start({"submit", "echo", "--coordinator", "p2c2r+plain://127.0.0.1:1",
                             "--data", photograph(), "--connect-timeout-ms", "600000"},
                            "gamer.err");
    // Only once it counts signals itself: before that any signal ends it.
    const std::string status = "/proc/" + std::to_string(gamer.id()) + "/status";
    REQUIRE(wait_until([&] {
        const p2c2r::cli::Result<std::string> text = p2c2r::cli::read_file(status);
        const size_t at = text ? text->find("SigCgt:") : std::string::npos;
        if (at == std::string::npos) return false;
        const auto caught = std::stoull(text->substr(at + 7), nullptr, 16);
        return (caught >> (SIGTERM - 1) & 1) != 0;
    }));
    gamer.ask_to_stop();
    CHECK(gamer.wait(kPatienceUs) == 1);
    CHECK(here.read("gamer.err").find("stopped while connecting to ") != std::string::npos);
}

TEST_CASE("processes: what a second start cannot mend is wrong usage") {
    const Workplace here;
    CHECK(here.run({"exec", "echo", "--data", photograph(), "--threads", "99999"}).exit_code == 2);
    const Ran homeless = here.run({"host", "--device", "native", "--no-benchmark"},
                                  {"HOME=", "P2C2R_HOME=", "XDG_CONFIG_HOME="});
    CHECK(homeless.exit_code == 2);
    CHECK(homeless.error.find("P2C2R_HOME") != std::string::npos);
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("home/joined.json")));
    CHECK(here.run({"status"}, {"P2C2R_HOME=" + here.path("home")}).exit_code == 2);
}
