// Owner first, from outside: settings that are refused, pause and resume of a running peer, what
// status says of it, services, and the words of the first-run benchmark.
#include <doctest/doctest.h>

#include <csignal>

#include "cli/counting_relay_posix.h"
#include "cli/files.h"
#include "cli/service.h"
#include "cli/serving.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;
using namespace p2c2r::cli;

namespace {

constexpr uint64_t kLastWords = 100;

json peer_of(const Workplace& here, const std::string& url) {
    const json status = status_of(here, url);
    const json peers = status.value("peers", json::array());
    return peers.empty() ? json::object() : peers[0];
}

bool helps(const Workplace& here, const std::string& url) {
    return peer_of(here, url).value("window_tasks", 0) > 0;
}

}  // namespace

TEST_CASE("owner: settings that are unknown or contradict each other are refused by name") {
    const Workplace here;
    struct Row {
        std::vector<std::string> arguments;
        const char* named;
    };
    const std::string toml = here.write("peer.toml", "[caps]\nvram = 1\n");
    for (const Row& row :
         {Row{{"--mode", "sometimes"}, "--mode"}, Row{{"--mode", "schedule"}, "--hours"},
          Row{{"--mode", "always", "--hours", "22-7"}, "--hours"},
          Row{{"--mode", "always", "--idle-minutes", "5"}, "--idle-minutes"},
          Row{{"--gpu-duty-cap", "0"}, "--gpu-duty-cap"}, Row{{"--config", toml}, "caps.vram"},
          Row{{"--data-file", here.path("d"), "--data-day-mb", "9", "--data-month-mb", "5"},
              "--data-month-mb"}}) {
        std::vector<std::string> arguments = {"peer", "--device", "native"};
        arguments.insert(arguments.end(), row.arguments.begin(), row.arguments.end());
        const Ran ran = here.run(arguments);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 2);
        CHECK(ran.error.find(row.named) != std::string::npos);
    }
    here.write("damaged", "no counts");
    const Ran damaged =
        here.run({"peer", "--device", "native", "--data-file", here.path("damaged")});
    CHECK(damaged.exit_code == 2);
    CHECK(damaged.error.find("--data-file") != std::string::npos);
}

TEST_CASE("owner: a running peer is paused and resumed by a command and by signals and says so") {
    const Workplace here;
    REQUIRE_FALSE(make_private_directory(here.path("home")));
    const std::vector<std::string> home = {"P2C2R_HOME=" + here.path("home")};
    CHECK(here.run({"pause"}, home).exit_code == 3);
    auto coordinator = here.coordinator();
    auto peer = here.start(
        {"peer", "--coordinator", coordinator.url, "--device", "native", "--gpu-duty-cap", "40"},
        "peer.log", home);
    REQUIRE(wait_until([&] { return helps(here, coordinator.url); }));
    const json before = peer_of(here, coordinator.url);
    CHECK(before.value("mode", "") == "always");
    CHECK(before.value("why", "") == "at most 40 % of the time");
    const Ran paused = here.run({"pause"}, home);
    CHECK_MESSAGE(paused.exit_code == 0, paused.error);
    REQUIRE(wait_until([&] { return !helps(here, coordinator.url); }));
    CHECK(peer_of(here, coordinator.url).value("why", "") == "this peer is paused");
    const Ran table = here.run({"status", "--coordinator", coordinator.url});
    CHECK(table.out.find("does not help: this peer is paused") != std::string::npos);
    CHECK(here.run({"resume"}, home).exit_code == 0);
    REQUIRE(wait_until([&] { return helps(here, coordinator.url); }));
    peer.signal(SIGUSR1);
    REQUIRE(wait_until([&] { return !helps(here, coordinator.url); }));
    CHECK(here.run({"drain"}, home).exit_code == 0);
    CHECK(peer.wait(kPatienceUs) == 0);
    CHECK(here.run({"resume"}, home).exit_code == 3);
    CHECK(here.read("peer.log").find("does not help: this peer is paused") != std::string::npos);
}

TEST_CASE("owner: pause, resume and drain reach every peer of a machine, whichever ended or died") {
    const Workplace here;
    REQUIRE_FALSE(make_private_directory(here.path("home")));
    const std::vector<std::string> home = {"P2C2R_HOME=" + here.path("home")};
    auto coordinator = here.coordinator();
    const auto start = [&](const std::string& name) {
        return here.start({"peer", "--coordinator", coordinator.url, "--device", "native",
                           "--peer-id", name, "--no-benchmark"},
                          name + ".log", home);
    };
    const auto helping = [&] {
        size_t count = 0;
        for (const json& peer : status_of(here, coordinator.url).value("peers", json::array())) {
            count += peer.value("window_tasks", 0) > 0 ? 1 : 0;
        }
        return count;
    };
    auto first = start("first");
    REQUIRE(wait_until([&] { return helping() == 1; }));
    auto second = start("second");
    auto killed = start("killed");
    REQUIRE(wait_until([&] { return helping() == 3; }));
    killed.kill_now();
    CHECK(killed.wait(kPatienceUs) == 128 + SIGKILL);
    const Ran paused = here.run({"pause"}, home);
    CHECK(paused.exit_code == 0);
    CHECK(paused.out == "2 peers paused; p2c2r resume lets them help again\n");
    REQUIRE(wait_until([&] { return helping() == 0; }));
    CHECK(here.run({"resume"}, home).exit_code == 0);
    REQUIRE(wait_until([&] { return helping() == 2; }));
    CHECK(first.stop(kStopUs) == 0);
    CHECK(here.run({"pause"}, home).out == "paused; p2c2r resume lets it help again\n");
    REQUIRE(wait_until([&] { return helping() == 0; }));
    CHECK(here.run({"drain"}, home).exit_code == 0);
    CHECK(second.wait(kPatienceUs) == 0);
    CHECK(here.run({"pause"}, home).exit_code == 3);
}

TEST_CASE(
    "owner: a peer without a folder of its machine is paused as well, or says who can do it") {
    const Workplace here;
    // No directory can be made below a file, whoever the tests run as.
    const std::string file = here.write("file", "");
    const std::string runs = "XDG_RUNTIME_DIR=" + here.path("run");
    const std::vector<std::string> blocked = {"P2C2R_HOME=" + file + "/home", runs};
    const std::vector<std::string> none = {"HOME=", "XDG_CONFIG_HOME=", runs};
    auto coordinator = here.coordinator();
    const auto start = [&](const std::string& name, const std::vector<std::string>& environment) {
        return here.start({"peer", "--coordinator", coordinator.url, "--device", "native",
                           "--peer-id", name, "--no-benchmark"},
                          name + ".log", environment);
    };
    const auto helping = [&] {
        std::string names;
        for (const json& peer : status_of(here, coordinator.url).value("peers", json::array())) {
            if (peer.value("window_tasks", 0) > 0) names += peer.value("peer_id", "") + " ";
        }
        return names;
    };
    auto first = start("blocked", blocked);
    REQUIRE(wait_until([&] { return helping() == "blocked "; }));
    auto second = start("none", none);
    REQUIRE(wait_until([&] { return helping() == "blocked none "; }));
    CHECK(here.run({"pause"}, none).out == "2 peers paused; p2c2r resume lets them help again\n");
    REQUIRE(wait_until([&] { return helping().empty(); }));
    // A folder that was named is that machine's alone.
    CHECK(here.run({"resume"}, blocked).out == "resumed\n");
    REQUIRE(wait_until([&] { return helping() == "blocked "; }));
    CHECK(here.run({"drain"}, none).exit_code == 0);
    CHECK(first.wait(kPatienceUs) == 0);
    CHECK(second.wait(kPatienceUs) == 0);
    CHECK(here.read("none.log").find("cannot reach") == std::string::npos);

    const std::vector<std::string> nowhere = {"P2C2R_HOME=" + file + "/home",
                                              "XDG_RUNTIME_DIR=" + file};
    auto third = start("nowhere", nowhere);
    REQUIRE(wait_until([&] { return helping() == "nowhere "; }));
    const std::string log = here.read("nowhere.log");
    CHECK(log.find("p2c2r pause, resume and drain cannot reach this peer: ") != std::string::npos);
    CHECK(log.find(" -USR1 ") != std::string::npos);
    const Ran pause = here.run({"pause"}, nowhere);
    CHECK(pause.exit_code == 3);
    CHECK(pause.error.find("kill -USR1 (pause)") != std::string::npos);
    CHECK(third.stop(kStopUs) == 0);
}

TEST_CASE("owner: a host that drains says that it ends for others, and nobody paused it") {
    const Workplace here;
    const std::vector<std::string> home = {"P2C2R_HOME=" + here.path("home")};
    const std::vector<std::string> arguments = {"host", "--device",    "native",        "--port",
                                                "0",    "--no-invite", "--no-benchmark"};
    {
        auto host = here.start(arguments, "host.log", home);
        REQUIRE(host.read_line_with("hosting on ", kPatienceUs));
        const Ran drained = here.run({"drain"}, home);
        CHECK(drained.exit_code == 0);
        CHECK(drained.out.find("also coordinates for others") != std::string::npos);
        CHECK(host.wait(kPatienceUs) == 0);
        CHECK(here.read("host.log").find("paused") == std::string::npos);
    }
    std::vector<std::string> alone = arguments;
    alone.emplace_back("--no-peer");
    auto host = here.start(alone, "alone.log", home);
    REQUIRE(host.read_line_with("hosting on ", kPatienceUs));
    CHECK(here.run({"pause"}, home).exit_code == 3);
    CHECK(host.stop(kStopUs) == 0);
}

TEST_CASE("owner: the counts of data are what went over the wire and outlive the peer") {
    const Workplace here;
    auto coordinator = here.coordinator();
    const auto port =
        static_cast<uint16_t>(std::stoul(coordinator.url.substr(coordinator.url.rfind(':') + 1)));
    Result<std::unique_ptr<CountingRelay>> relay = CountingRelay::start(port);
    REQUIRE(relay);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string((*relay)->port());
    const auto counted = [&] {
        const std::string text = here.read("counts");
        return std::stoull(text.substr(text.find("\nday ") + 5));
    };
    for (int run = 0; run < 2; ++run) {
        auto peer = here.start({"peer", "--coordinator", url, "--device", "native", "--tasks",
                                "echo", "--data-file", here.path("counts")},
                               "peer.log");
        REQUIRE(wait_for_peers(here, coordinator.url, 1));
        const Ran echoed =
            here.run({"submit", "echo", "--coordinator", coordinator.url, "--data", photograph(),
                      "--deadline-ms", "20000", "--out", here.path("echoed")});
        CHECK_MESSAGE(echoed.exit_code == 0, echoed.error);
        CHECK(peer.stop(kPatienceUs) == 0);
        // What the coordinator said last may have come too late for the peer to read.
        REQUIRE(wait_until([&] { return (*relay)->bytes() >= counted(); }));
        CHECK((*relay)->bytes() - counted() <= kLastWords);
        CHECK(counted() > 100'000);
    }
}

TEST_CASE("owner: a service says what to run with which wishes in words that systemd reads") {
    Settings settings(Daemon::kHost);
    REQUIRE_FALSE(settings.add_text("mode", "idle", "test"));
    REQUIRE_FALSE(settings.add_text("schedule.hours", "22:00-07:00", "test"));
    REQUIRE_FALSE(settings.add_text("gpu_duty_cap", "50", "test"));
    Service service;
    service.name = "p2c2r-peer";
    service.description = "P2C2R: this machine helps";
    service.program = "/home/a b/p2c2r";
    service.arguments = {"peer", "100%", "$x", "say \"so\""};
    service.environment = service_environment(settings, {"DISPLAY=:1", "P2C2R_HOME=/home/100%/$k"});
    service.with_desktop = true;
    const std::string text = service_text(service);
    CAPTURE(text);
    CHECK(text.find(
              "ExecStart=\"/home/a b/p2c2r\" \"peer\" \"100%%\" \"$$x\" \"say \\\"so\\\"\"\n") !=
          std::string::npos);
    CHECK(text.find("Environment=\"P2C2R_MODE=idle\"\n") != std::string::npos);
    CHECK(text.find("Environment=\"P2C2R_SCHEDULE__HOURS=22:00-07:00\"\n") != std::string::npos);
    CHECK(text.find("Environment=\"P2C2R_GPU_DUTY_CAP=50\"\n") != std::string::npos);
    CHECK(text.find("Environment=\"P2C2R_DISPLAY=:1\"\n") != std::string::npos);
    CHECK(text.find("Environment=\"P2C2R_HOME=/home/100%%/$k\"\n") != std::string::npos);
    CHECK(text.find("WantedBy=graphical-session.target\n") != std::string::npos);
    service.with_desktop = false;
    CHECK(service_text(service).find("WantedBy=default.target\n") != std::string::npos);
    // Below Wayland X does not tell.
    const auto wayland = service_environment(settings, {"DISPLAY=:1", "WAYLAND_DISPLAY=wayland-0"});
    CHECK(std::find(wayland.begin(), wayland.end(),
                    std::pair<std::string, std::string>("P2C2R_DISPLAY", "wayland")) !=
          wayland.end());
}

TEST_CASE("owner: host as a service writes a unit of the user and says how to start it") {
    const Workplace here;
    const Ran ran = here.run(
        {"host", "--service", "--port", "9000", "--mode", "while_gaming", "--log-file", "host.log"},
        {"HOME=" + here.path("home"), "XDG_CONFIG_HOME=" + here.path("config"),
         "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere", "XDG_RUNTIME_DIR="});
    // Nothing was started: whoever runs this from a script must not think so.
    CHECK_MESSAGE(ran.exit_code == 1, ran.error);
    CHECK(ran.error.find("not started") != std::string::npos);
    REQUIRE(here.has("config/systemd/user/p2c2r-host.service"));
    const std::string unit = here.read("config/systemd/user/p2c2r-host.service");
    CHECK(unit.find("\"host\" \"--no-invite\"") != std::string::npos);
    CHECK(unit.find("P2C2R_LISTEN_PORT=9000") != std::string::npos);
    CHECK(unit.find("P2C2R_LOG__FILE=/") != std::string::npos);
    CHECK(unit.find("P2C2R_MODE=while_gaming") != std::string::npos);
    CHECK(ran.out.find("systemctl --user enable --now p2c2r-host") != std::string::npos);
}

TEST_CASE("owner: what a machine can serve is the smaller of its time and its uplink") {
    ServingLimits limits;
    limits.duty = 0.3;
    limits.uplink_mbps = 10;
    ServedType shadows;
    shadows.task_type = "rt_shadows";
    shadows.frame_ms = 0.5;      // 30 ms of a second for a gamer: 10 in 300 ms
    shadows.bytes_down = 5'000;  // 2.4 Mbit/s: 4 in 10 Mbit/s
    judge_serving(shadows, limits);
    CHECK(shadows.by_time == 10);
    CHECK(shadows.by_uplink == 4);
    CHECK(shadows.gamers == 4);
    CHECK(serving_text({shadows}, limits) ==
          "With rt_shadows this machine can serve 10 gamers at 60 frames a second with 30 % of its "
          "time; your uplink of 10.0 Mbit/s limits you to 4.\n");
    ServedType upscale = shadows;
    upscale.bytes_down = 250'000;
    judge_serving(upscale, limits);
    CHECK(upscale.gamers == 0);
    CHECK(serving_text({shadows, upscale}, limits)
              .find("1 of 2 kinds of frames is too large for it: it is for the local network.") !=
          std::string::npos);
    CHECK(serving_text({upscale}, limits).find("too slow to serve a gamer") != std::string::npos);
    limits.uplink_mbps = 0;
    judge_serving(shadows, limits);
    CHECK(shadows.gamers == 10);
    CHECK(serving_text({shadows}, limits) ==
          "How many gamers this machine can serve is not known, as your uplink is not: say "
          "`p2c2r bench this-machine --uplink-mbps N`. Its time, 30 % of it, is enough for 10 "
          "gamers at 60 frames a second "
          "with rt_shadows.\n");
    shadows.frame_ms = 100;
    judge_serving(shadows, limits);
    CHECK(serving_text({shadows}, limits) ==
          "This machine with 30 % of its time is too slow to serve a gamer at 60 frames a second; "
          "the fastest, rt_shadows, comes to 3.0 frames a second. It can still help with work that "
          "is not due each frame.\n");
}
