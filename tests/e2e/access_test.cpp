// A coordinator that asks for logins, from its first start on: who gets in, by what, until when.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "cli/device_choice.h"
#include "cli/machine.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

// `p2c2r coordinator` over TLS with an access file that is not there yet.
struct Guarded {
    Machine machine;
    p2c2r::cli::Process process;
    std::string url;
    std::string pin;

    explicit Guarded(const Workplace& here) : machine(here, "desk") {
        const Ran made = machine.run(
            {"keys", "new", here.path("key.pem"), "--certificate-file", here.path("cert.pem")});
        REQUIRE_MESSAGE(made.exit_code == 0, made.error);
        process = here.start({"coordinator", "--port", "0", "--prometheus-port", "off",
                              "--certificate-file", here.path("cert.pem"), "--key-file",
                              here.path("key.pem"), "--access-file", here.path("access.json")},
                             "coordinator.log", machine.environment);
        const auto place = process.read_line_with("listening on ", kPatienceUs);
        REQUIRE_MESSAGE(place, here.read("coordinator.log"));
        url = "p2c2r://" + *place;
        const auto shown = process.read_line_with("pin ", kPatienceUs);
        REQUIRE(shown);
        pin = *shown;
    }
    // With nothing but a token; what `submit` or `peer` is to do follows.
    [[nodiscard]] std::vector<std::string> with_token(const std::string& command,
                                                      const std::string& file,
                                                      const std::vector<std::string>& more) const {
        std::vector<std::string> words = {command, "--coordinator", url, "--server-pin",
                                          pin,     "--token-file",  file};
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }
};

}  // namespace

TEST_CASE("access: the machine of a coordinator makes a token, which serves until it is revoked") {
    const Workplace here;
    Guarded coordinator(here);
    const Ran own = coordinator.machine.run({"status", "--json"});
    REQUIRE_MESSAGE(own.exit_code == 0, own.error);

    const Ran made = coordinator.machine.run({"token", "farm", "--role", "gamer"});
    REQUIRE_MESSAGE(made.exit_code == 0, made.error);
    const std::string token = text_behind(made.out, "\n    ");
    CHECK(token.size() == 64);
    CHECK(made.out.find("shown this once; keep it") != std::string::npos);
    CHECK(made.out.find("p2c2r submit ... --coordinator " + coordinator.url + " --server-pin " +
                        coordinator.pin) != std::string::npos);
    CHECK(here.read("access.json").find(token) == std::string::npos);

    const Ran nowhere = coordinator.machine.run({"token", "other", "--from", "nowhere"});
    CHECK(nowhere.exit_code == 2);
    CHECK(nowhere.error.find("'nowhere' is not any, first") != std::string::npos);

    const Machine laptop(here, "laptop");
    const std::string file = here.write("token", token + "\n");
    const std::vector<std::string> echo = coordinator.with_token(
        "submit", file, {"echo", "--data", photograph(), "--deadline-ms", "20000"});
    REQUIRE(chmod(file.c_str(), 0644) == 0);
    const Ran open = laptop.run(echo);
    CHECK(open.exit_code == 2);
    CHECK(open.error.find("others can read it (mode 0644)") != std::string::npos);
    REQUIRE(chmod(file.c_str(), 0600) == 0);
    const Ran sent = laptop.run(echo);
    CHECK_MESSAGE(sent.exit_code == 0, sent.error);
    // A gamer is no peer, nor an admin.
    const Ran helps = laptop.run(coordinator.with_token("peer", file, {"--device", "native"}));
    CHECK(helps.exit_code == 3);
    CHECK(helps.error.find("'farm' may not be peer, only gamer") != std::string::npos);
    const Ran asks = laptop.run(coordinator.with_token("token", file, {"another"}));
    CHECK(asks.exit_code == 1);
    CHECK(asks.error.find("for the coordinator's operator") != std::string::npos);

    CHECK(coordinator.machine.run({"revoke", "farm"}).exit_code == 0);
    const Ran after = laptop.run(echo);
    CHECK(after.exit_code == 3);
    CHECK(after.error.find("revoked") != std::string::npos);
    CHECK(coordinator.process.stop(kStopUs) == 0);
}

TEST_CASE("access: the machine of a coordinator cannot revoke itself") {
    const Workplace here;
    Guarded coordinator(here);
    const auto names = [&] {
        const Ran listed = coordinator.machine.run({"accounts", "--json"});
        REQUIRE_MESSAGE(listed.exit_code == 0, listed.error);
        return json::parse(listed.out)["accounts"];
    };
    const std::string own = names()[0]["name"];
    const Ran revoked = coordinator.machine.run({"revoke", own});
    CHECK(revoked.exit_code == 1);
    CHECK(revoked.error.find("as the last admin it would leave nobody") != std::string::npos);
    CHECK(names()[0]["revoked_ms"] == 0);
    CHECK(coordinator.process.stop(kStopUs) == 0);
}

TEST_CASE("access: invite and accounts serve beside a coordinator as beside a host") {
    const Workplace here;
    Guarded coordinator(here);
    const Ran invited =
        coordinator.machine.run({"invite", "--friend", "--address", "127.0.0.1", "--no-qr"});
    REQUIRE_MESSAGE(invited.exit_code == 0, invited.error);
    const Machine laptop(here, "laptop");
    const Ran joined =
        laptop.run({"join", text_behind(invited.out, "    p2c2r join "), "--name", "laptop"});
    REQUIRE_MESSAGE(joined.exit_code == 0, joined.error);

    const std::string file = here.path("peer-token");
    const std::vector<std::string> token = {"token", "closet", "--roles", "peer", "--out", file};
    const Ran kept = coordinator.machine.run(token);
    REQUIRE_MESSAGE(kept.exit_code == 0, kept.error);
    struct stat about {};
    REQUIRE(stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(kept.out.find(here.read("peer-token").substr(0, 64)) == std::string::npos);
    const Ran twice = coordinator.machine.run(token);
    CHECK(twice.exit_code == 2);
    CHECK(twice.error.find("is there already") != std::string::npos);
    p2c2r::cli::Process helper = here.start(
        coordinator.with_token("peer", file, {"--device", "native", "--peer-id", "closet-1"}),
        "closet.log");
    const auto status = [&] { return coordinator.machine.run({"status", "--json"}).out; };
    CHECK(wait_until([&] { return status().find("closet-1") != std::string::npos; }));

    const Ran listed = coordinator.machine.run({"accounts", "--json"});
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.error);
    std::vector<std::string> roles;
    const json list = json::parse(listed.out);
    for (const json& account : list["accounts"]) roles.push_back(account["roles"]);
    std::sort(roles.begin(), roles.end());
    CHECK(roles == std::vector<std::string>{"gamer", "gamer,peer,admin", "peer"});
    CHECK(helper.stop(kStopUs) == 0);
    CHECK(coordinator.process.stop(kStopUs) == 0);
}

TEST_CASE("access: an admin by token shuts itself out only where it says so") {
    const Workplace here;
    Guarded coordinator(here);
    REQUIRE(coordinator.machine
                .run({"token", "boss", "--role", "gamer,admin", "--from", "any", "--out",
                      here.path("t")})
                .exit_code == 0);
    const Machine laptop(here, "laptop");
    const auto set = [&](const std::vector<std::string>& more) {
        std::vector<std::string> words = {"boss", "--from", "192.0.2.0/24"};
        words.insert(words.end(), more.begin(), more.end());
        return laptop.run(coordinator.with_token("accounts", here.path("t"), words));
    };
    const Ran refused = set({});
    CHECK(refused.exit_code == 1);
    CHECK(refused.error.find("'boss' is the account that asks, from 127.0.0.1:") !=
          std::string::npos);
    CHECK(refused.error.find("192.0.2.0/24 does not include that") != std::string::npos);
    CHECK(refused.error.find("(here: --force boss)") != std::string::npos);
    CHECK(set({"--force", "bos"}).exit_code == 1);
    const Ran forced = set({"--force", "boss"});
    CHECK_MESSAGE(forced.exit_code == 0, forced.error);
    CHECK(forced.out.find("this connection has ended") != std::string::npos);
    CHECK(set({}).exit_code == 3);
    CHECK(coordinator.process.stop(kStopUs) == 0);
}

TEST_CASE("access: where a token is good from is shown, and set for one that is there") {
    const Workplace here;
    Guarded coordinator(here);
    REQUIRE(coordinator.machine.run({"token", "farm", "--roles", "peer", "--out", here.path("t")})
                .exit_code == 0);
    const auto from = [&] {
        const Ran ran = coordinator.machine.run({"accounts", "farm", "--json"});
        REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
        const json accounts = json::parse(ran.out)["accounts"];
        REQUIRE(accounts.size() == 1);
        return accounts[0]["from"].get<std::string>();
    };
    CHECK(from() == "first");
    p2c2r::cli::Process helper = here.start(
        coordinator.with_token("peer", here.path("t"), {"--device", "native", "--no-benchmark"}),
        "farm.log");
    REQUIRE(wait_until([&] { return from() == "127.0.0.0/24"; }));

    const Ran set =
        coordinator.machine.run({"accounts", "farm", "--from", "192.0.2.0/24,2001:db8::/48"});
    CHECK_MESSAGE(set.exit_code == 0, set.error);
    const auto lines = lines_of(set.out);
    REQUIRE(lines.size() == 3);  // a head, the account, the invitations
    CHECK(lines[0].find(" from ") != std::string::npos);
    CHECK(lines[1].starts_with("farm "));
    CHECK(lines[1].find(" 192.0.2.0/24,2001:db8::/48 ") != std::string::npos);
    // Who is there from elsewhere goes at once.
    CHECK(helper.wait(kPatienceUs) == 3);
    CHECK(here.read("farm.log").find("not good from this address any more") != std::string::npos);
    CHECK(coordinator.machine.run({"accounts", "farm", "--from", "any"}).exit_code == 0);
    CHECK(from() == "any");

    for (const char* bad : {"moon", "192.0.2.0/33", "", "any,192.0.2.1"}) {
        CAPTURE(bad);
        const Ran ran = coordinator.machine.run({"accounts", "farm", "--from", bad});
        CHECK(ran.exit_code == 2);
        CHECK(ran.error.find("--from '" + std::string(bad) + "' is not any, first, or") !=
              std::string::npos);
    }
    CHECK(from() == "any");
    CHECK(coordinator.machine.run({"accounts", "--from", "any"}).exit_code == 2);
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, std::vector<std::string>{"--from", "any"}}) {
        std::vector<std::string> words = {"accounts", "nobody"};
        words.insert(words.end(), more.begin(), more.end());
        const Ran nobody = coordinator.machine.run(words);
        CHECK(nobody.exit_code != 0);
        CHECK(nobody.error.find("no account") != std::string::npos);
    }
    const json all = json::parse(coordinator.machine.run({"accounts", "--json"}).out)["accounts"];
    for (const json& account : all) {
        if (account["kind"] != "key") continue;
        const std::string name = account["name"];
        const Ran key = coordinator.machine.run({"accounts", name, "--from", "any"});
        CHECK(key.exit_code == 1);
        CHECK(key.error.find("logs in with a key") != std::string::npos);
    }
    CHECK(coordinator.process.stop(kStopUs) == 0);
}

TEST_CASE("access: a coordinator without a home for keys runs, and says that nobody was let in") {
    const Workplace here;
    p2c2r::cli::Process process = here.start({"coordinator", "--port", "0", "--prometheus-port",
                                              "off", "--access-file", here.path("access.json")},
                                             "coordinator.log", {"HOME=", "XDG_CONFIG_HOME="});
    const auto place = process.read_line_with("listening on ", kPatienceUs);
    REQUIRE_MESSAGE(place, here.read("coordinator.log"));
    CHECK(process.stop(kStopUs) == 0);
    CHECK(here.read("coordinator.log").find("nowhere to keep keys: set P2C2R_HOME") !=
          std::string::npos);
}

TEST_CASE("access: in plaintext on loopback the machine's key is let in as well") {
    const Workplace here;
    const Machine desk(here, "desk");
    p2c2r::cli::Process process = here.start({"coordinator", "--port", "0", "--prometheus-port",
                                              "off", "--access-file", here.path("access.json")},
                                             "coordinator.log", desk.environment);
    REQUIRE(process.read_line_with("listening on ", kPatienceUs));
    const Ran accounts = desk.run({"accounts"});
    CHECK_MESSAGE(accounts.exit_code == 0, accounts.error);
    CHECK(accounts.out.find("gamer,peer,admin") != std::string::npos);
    CHECK(process.stop(kStopUs) == 0);
}

namespace {

// What a new connection is shown, as PEM.
std::string shown_certificate(const Workplace& here, const std::string& port) {
    const Ran ran =
        here.run_other("/usr/bin/env", {"python3", "-c",
                                        "import ssl, sys\n"
                                        "print(ssl.get_server_certificate((\"127.0.0.1\", "
                                        "int(sys.argv[1]))), end=\"\")",
                                        port});
    REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
    return ran.out;
}

// A new certificate for the key that the daemon has, told by SIGHUP.
void check_reload(const Workplace& here, p2c2r::cli::Process& process, const std::string& port,
                  const std::string& key, const std::string& certificate, const std::string& log) {
    const std::string before = here.read(certificate);
    CHECK(shown_certificate(here, port) == before);
    p2c2r::cli::RuntimeOptions options;
    options.device.kind = p2c2r::cli::DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    const auto runtime = p2c2r::cli::open_runtime(options);
    REQUIRE(runtime);
    REQUIRE(std::filesystem::remove(here.path(certificate)));
    REQUIRE(
        p2c2r::cli::open_identity(runtime->handle.get(), here.path(key), here.path(certificate)));
    REQUIRE(here.read(certificate) != before);
    CHECK(shown_certificate(here, port) == before);
    process.signal(SIGHUP);
    CHECK(wait_until(
        [&] { return here.read(log).find("certificate reloaded") != std::string::npos; }));
    CHECK(shown_certificate(here, port) == here.read(certificate));
}

}  // namespace

TEST_CASE("access: on SIGHUP coordinator and host show new connections the new certificate") {
    const Workplace here;
    Guarded coordinator(here);
    check_reload(here, coordinator.process, coordinator.url.substr(coordinator.url.rfind(':') + 1),
                 "key.pem", "cert.pem", "coordinator.log");
    // Who has come by the pin still does: it is the key's.
    const Ran own = coordinator.machine.run({"status", "--json"});
    CHECK_MESSAGE(own.exit_code == 0, own.error);
    CHECK(coordinator.process.stop(kStopUs) == 0);

    const Machine living_room(here, "living-room");
    p2c2r::cli::Process host = here.start({"host", "--port", "0", "--listen-address", "127.0.0.1",
                                           "--no-peer", "--no-invite", "--device", "native"},
                                          "host.log", living_room.environment);
    auto place = host.read_line_with("hosting on 127.0.0.1:", kPatienceUs);
    REQUIRE_MESSAGE(place, here.read("host.log"));
    check_reload(here, host, place->substr(0, place->find(',')), "living-room/host/key.pem",
                 "living-room/host/certificate.pem", "host.log");
    CHECK(host.stop(kStopUs) == 0);
}

TEST_CASE("access: a host takes the settings of a coordinator") {
    const Workplace here;
    const Machine desk(here, "desk");
    const std::string settings = here.write("host.toml",
                                            "listen_port = 0\nlisten_address = \"127.0.0.1\"\n"
                                            "task_timeout_ms = 300\nanswer_cache_mb = 0\n"
                                            "content_mb = 8\nmax_peers = 3\n"
                                            "gamer_tasks_per_s = 5\ngamer_bytes_per_s = 1000000\n"
                                            "gamer_in_flight_max = 2\ngamer_queued_max = 0\n"
                                            "account_connections_max = 9\n"
                                            "limit_operator = true\ncopies_percent = 0\n"
                                            "[monitoring]\nprometheus_port = 0\n"
                                            "[log]\nformat = \"json\"\nfile = \"" +
                                                here.path("log") + "\"\n");
    p2c2r::cli::Process host =
        here.start({"host", "--config", settings, "--no-peer", "--no-invite", "--device", "native"},
                   "host.err", desk.environment);
    REQUIRE_MESSAGE(host.read_line_with("hosting on 127.0.0.1:", kPatienceUs),
                    here.read("host.err"));
    CHECK(host.read_line_with("monitoring on 127.0.0.1:", kPatienceUs));
    // The cap of every deadline: nobody helps, and the task must not wait for its own 20 s.
    const Ran sent =
        desk.run({"submit", "nobody_has_this", "--remote-only", "--deadline-ms", "20000"});
    CHECK(sent.exit_code == 1);
    CHECK(host.stop(kStopUs) == 0);
    const std::vector<std::string> lines = lines_of(here.read("log"));
    REQUIRE_FALSE(lines.empty());
    CHECK(json::parse(lines[0], nullptr, false).is_object());
    CHECK(here.read("host.err").empty());
}
