// One machine hosts, others join with a code: processes that keep their keys in homes of their own.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/addresses_posix.h"
#include "cli/contact.h"
#include "cli/invitation.h"
#include "cli/join_code.h"
#include "support/hosting.h"

using namespace p2c2r::test;
using nlohmann::json;
using p2c2r::cli::join_code_text;
using p2c2r::cli::JoinCode;
using p2c2r::cli::read_join_code;

TEST_CASE("join: a machine joins, sends, helps, and is thrown out") {
    const Workplace here;
    Hosting host(here);
    const Machine laptop(here, "laptop");
    const Ran joined = laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"});
    REQUIRE_MESSAGE(joined.exit_code == 0, joined.error);
    CHECK(joined.out.find("joined p2c2r://127.0.0.1:") == 0);

    // From now on no address is needed.
    const Ran sent = laptop.run({"submit", "hash_of_nothing", "--data", photograph()});
    CHECK(sent.exit_code != 0);
    CHECK(sent.error.find("hash_of_nothing") != std::string::npos);
    const Ran echoed = laptop.run({"submit", "echo", "--data", photograph(), "--deadline-ms",
                                   "20000", "--out", here.path("echoed")});
    CHECK_MESSAGE(echoed.exit_code == 0, echoed.error);

    p2c2r::cli::Process helper =
        here.start({"peer", "--device", "native", "--no-benchmark", "--peer-id", "laptop-peer"},
                   "laptop.log", laptop.environment);
    REQUIRE(wait_until([&] {
        const Ran status = host.machine.run({"status", "--json"});
        return status.exit_code == 0 && status.out.find("laptop-peer") != std::string::npos;
    }));
    const Ran accounts = host.machine.run({"accounts", "--json"});
    REQUIRE(accounts.exit_code == 0);
    CHECK(json::parse(accounts.out)["accounts"].size() == 2);

    CHECK(host.machine.run({"revoke", "laptop"}).exit_code == 0);
    CHECK(helper.wait(kPatienceUs) == 3);
    CHECK(here.read("laptop.log").find("revoked") != std::string::npos);
    const Ran after = laptop.run({"submit", "echo", "--data", photograph()});
    CHECK(after.exit_code == 3);
    CHECK(after.error.find("'laptop' was revoked") != std::string::npos);
    CHECK(after.error.starts_with("p2c2r submit: the coordinator at p2c2r://"));
    CHECK(after.error.find("no coordinator") == std::string::npos);
    CHECK(host.process.stop(kStopUs) == 0);
    // No secret is in a log or a file that others can read.
    CHECK(here.read("host.log").find("PRIVATE KEY") == std::string::npos);
    for (const char* file :
         {"hosting/host/key.pem", "hosting/host/access.json", "hosting/host/audit.log",
          "hosting/identity.pem", "laptop/identity.pem"}) {
        CAPTURE(file);
        struct stat about {};
        REQUIRE(stat(here.path(file).c_str(), &about) == 0);
        CHECK((about.st_mode & 0777) == 0600);
    }
}

TEST_CASE("join: it tells and remembers the name that the account has, not the one wished for") {
    const Workplace here;
    Hosting host(here);
    const Machine first(here, "first");
    const Machine second(here, "second");
    const auto join = [&](const Machine& machine, const char* name,
                          const std::vector<std::string>& more = {}) {
        const Ran joined =
            machine.run({"join", host.another_code(more), "--no-benchmark", "--name", name});
        REQUIRE_MESSAGE(joined.exit_code == 0, joined.error);
        return text_behind(joined.out, " as ");
    };
    CHECK(join(first, "twin") == "twin");
    CHECK(join(second, "twin") == "twin-2, not 'twin'");
    CHECK(here.read("second/joined.json").find("\"twin-2\"") != std::string::npos);
    // The account stays what it is called.
    CHECK(join(second, "other") == "twin-2, not 'other'");
    // One that may only help is told as well.
    const Machine third(here, "third");
    CHECK(join(third, "twin", {"--roles", "peer"}) == "twin-3, not 'twin'");
    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("join: a friend may send, and not help, and a code is for one machine") {
    const Workplace here;
    Hosting host(here, {"--friend"});
    const Machine laptop(here, "friend");
    REQUIRE(laptop.run({"join", host.code, "--name", "pal"}).exit_code == 0);
    const Ran helps = laptop.run({"peer", "--device", "native"});
    CHECK(helps.exit_code == 3);
    CHECK(helps.error.find("'pal' may not be peer, only gamer") != std::string::npos);
    CHECK(helps.error.find(" refused; the log line before") != std::string::npos);
    const Ran asks = laptop.run({"accounts"});
    CHECK(asks.exit_code == 1);
    CHECK(asks.error.find("for the coordinator's operator") != std::string::npos);

    const Machine thief(here, "thief");
    const Ran used = thief.run({"join", host.code});
    CHECK(used.exit_code == 1);
    CHECK(used.error.find("was used already") != std::string::npos);

    const Machine helper(here, "helper");
    const std::string code = host.another_code({"--friend", "--roles", "peer"});
    const Ran joined = helper.run({"join", code, "--no-benchmark", "--name", "helper"});
    CHECK_MESSAGE(joined.exit_code == 0, joined.error);
    const Ran sends = helper.run({"submit", "echo", "--data", photograph()});
    CHECK(sends.exit_code == 3);
    CHECK(sends.error.find("may not be gamer") != std::string::npos);
}

TEST_CASE("join: a friend's machines are one circle of their own") {
    const Workplace here;
    Hosting host(here, {"--friend"});
    const Machine desk(here, "desk");
    const Machine laptop(here, "laptop");
    for (const Machine* machine : {&desk, &laptop}) {
        const std::string code =
            host.another_code({"--friend", "--owner", "anna", "--roles", "gamer,peer"});
        const std::string name = machine == &desk ? "anna-desk" : "anna-laptop";
        REQUIRE(machine->run({"join", code, "--no-benchmark", "--name", name}).exit_code == 0);
    }
    const std::vector<std::string> own = {"submit",     "echo",          "--data",
                                          photograph(), "--remote-only", "--circle",
                                          "own",        "--deadline-ms", "4000"};
    std::vector<std::string> impatient = own;
    impatient.back() = "300";
    const Ran alone = laptop.run(impatient);
    CHECK(alone.exit_code == 1);
    CHECK_MESSAGE(
        alone.error.find("no peer of circle own of this owner is connected") != std::string::npos,
        alone.error);

    p2c2r::cli::Process helper = here.start({"peer", "--device", "native", "--no-benchmark",
                                             "--peer-id", "desk-peer", "--circle", "own"},
                                            "desk.log", desk.environment);
    const auto status = [&] { return host.machine.run({"status", "--json"}).out; };
    REQUIRE(wait_until([&] { return status().find("desk-peer") != std::string::npos; }));
    const Ran sent = laptop.run(own);
    CHECK_MESSAGE(sent.exit_code == 0, sent.error);
    json peer;
    const json report = json::parse(status());
    for (const json& each : report["peers"]) {
        if (each["peer_id"] == "desk-peer") peer = each;
    }
    REQUIRE(peer.is_object());
    CHECK(peer["account"] == "anna-desk");
    CHECK(peer["owner"] == "anna");
    CHECK(peer["circle_accepted"] == "own");
    CHECK(peer["completed"] == 1);
    const Ran table = host.machine.run({"status", "--all"});
    CHECK(table.out.find("2 peers and ") == 0);
    CHECK(table.out.find("anna-desk") != std::string::npos);
    CHECK(table.out.find("\ncompleted_tasks ") != std::string::npos);
    // Another machine's owner is asked for with --friend, and no circle is public.
    CHECK(host.machine.run({"invite", "--owner", "anna"}).exit_code == 2);
    CHECK(laptop.run({"submit", "echo", "--data", photograph(), "--circle", "public"}).exit_code ==
          2);
    CHECK(desk.run({"peer", "--device", "native", "--circle", "public"}).exit_code == 2);
    CHECK(helper.stop(kStopUs) == 0);
    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("join: all places of a code are remembered, the one that answered last first") {
    const Workplace here;
    Hosting host(here);
    auto code = read_join_code(host.code);
    REQUIRE(code);
    // In another network a stranger has the address: it is not who the code means.
    const Machine other(here, "stranger");
    p2c2r::cli::Process stranger =
        here.start({"host", "--port", std::to_string(code->port), "--listen-address", "127.0.0.2",
                    "--no-peer", "--no-invite", "--device", "native"},
                   "stranger.log", other.environment);
    REQUIRE_MESSAGE(stranger.read_line_with("hosting on 127.0.0.2:", kPatienceUs),
                    here.read("stranger.log"));
    code->hosts = {"127.0.0.2", "127.0.0.1"};
    const Machine laptop(here, "laptop");
    const Ran joined =
        laptop.run({"join", join_code_text(*code), "--no-benchmark", "--name", "laptop"});
    REQUIRE_MESSAGE(joined.exit_code == 0, joined.error);
    const std::string good = "p2c2r://127.0.0.1:" + std::to_string(code->port);
    const std::string bad = "p2c2r://127.0.0.2:" + std::to_string(code->port);
    CHECK(joined.out.find("joined " + good + " as laptop") == 0);
    const auto urls = [&] {
        return json::parse(here.read("laptop/joined.json"))[0]["urls"]
            .get<std::vector<std::string>>();
    };
    CHECK(urls() == std::vector{good, bad});
    // As if the other one had answered the last time.
    json entries = json::parse(here.read("laptop/joined.json"));
    entries[0]["urls"] = {bad, good};
    here.write("laptop/joined.json", entries.dump());
    const Ran status = laptop.run({"status"});
    CHECK_MESSAGE(status.exit_code == 0, status.error);
    CHECK(urls() == std::vector{good, bad});
    here.write("laptop/joined.json", entries.dump());
    p2c2r::cli::Process helper = here.start({"peer", "--device", "native", "--no-benchmark"},
                                            "laptop.log", laptop.environment);
    CHECK(wait_until([&] { return urls() == std::vector{good, bad}; }));
    CHECK(helper.stop(kStopUs) == 0);
    CHECK(stranger.stop(kStopUs) == 0);
    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("join: a host is found by IPv6 as by IPv4") {
    const Workplace here;
    const Machine desk(here, "desk");
    p2c2r::cli::Process host =
        here.start({"host", "--port", "0", "--no-peer", "--no-qr", "--device", "native"},
                   "host.log", desk.environment);
    const auto place = host.read_line_with("hosting on ", kPatienceUs);
    REQUIRE_MESSAGE(place, here.read("host.log"));
    const auto text = host.read_line_with("    p2c2r join ", kPatienceUs);
    REQUIRE(text);
    auto code = read_join_code(*text);
    REQUIRE(code);
    const Machine laptop(here, "laptop");
    if (place->starts_with("[::]:")) {
        code->hosts = {"::1"};
        const Ran joined = laptop.run({"join", join_code_text(*code), "--no-benchmark"});
        CHECK_MESSAGE(joined.exit_code == 0, joined.error);
        const Ran listed = desk.run({"status", "--json"});  // by 127.0.0.1
        REQUIRE_MESSAGE(listed.exit_code == 0, listed.error);
        CHECK(json::parse(listed.out)["gamers"][0]["address"].get<std::string>().starts_with(
            "127.0.0.1:"));
    } else {
        MESSAGE("this machine has no IPv6");
        CHECK(place->starts_with("0.0.0.0:"));
    }
    CHECK(host.stop(kStopUs) == 0);
}

TEST_CASE("join: the router is spoken of where others could not come in without it") {
    using p2c2r::cli::router_text;
    const std::vector<std::string> home = {"192.168.1.20", "fd00::2"};
    const std::string alone = router_text({}, home, 8765);
    CHECK(alone.find("forward TCP port 8765 to 192.168.1.20") != std::string::npos);
    CHECK(alone.find("p2c2r invite --address") != std::string::npos);
    const std::string given = router_text({"192.168.1.20", "desk.example.org"}, home, 9000);
    CHECK(given.find("desk.example.org is none of this machine's own") == 0);
    CHECK(given.find("forward TCP port 9000 to 192.168.1.20") != std::string::npos);
    CHECK(router_text({"192.168.1.20"}, home, 8765).empty());
    CHECK(router_text({"127.0.0.1"}, home, 8765).empty());
    CHECK(router_text({}, {"192.168.1.20", "2a01:4f8::1"}, 8765).empty());
    for (const char* here : {"10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.1.1",
                             "127.0.0.1", "fd12::1", "fe80::1", "::1", "desk.example.org"}) {
        CAPTURE(here);
        CHECK_FALSE(p2c2r::cli::is_public_address(here));
    }
    CHECK(p2c2r::cli::is_public_address("172.32.0.1"));
    CHECK(p2c2r::cli::is_public_address("100.128.0.1"));
}

TEST_CASE("join: a code made from another machine leads to the coordinator, not to that machine") {
    p2c2r::cli::Contact contact;
    contact.set_places({"p2c2r://192.168.1.20:8765", "p2c2r://[fd00::2]:8765"}, {}, "");
    CHECK(contact.hosts_elsewhere() == std::vector<std::string>{"192.168.1.20", "fd00::2"});
    p2c2r::cli::InvitationOptions options;
    options.no_qr = true;
    const p2c2r::cli::Ask ask = [](const char* name, const json& arguments) {
        CHECK(std::string(name) == "key.invite");
        CHECK(arguments["circle"] == "own");
        return p2c2r::cli::Result<json>(json{{"secret", std::string(32, 'a')}});
    };
    const auto code =
        p2c2r::cli::invite(ask, options, {std::string(64, 'b'), 8765, contact.hosts_elsewhere()});
    REQUIRE(code);
    CHECK(code->code.hosts == contact.hosts_elsewhere());
    // Without a pin nobody could join with it: no secret is asked for.
    const p2c2r::cli::Ask never = [](const char*, const json&) {
        FAIL("asked");
        return p2c2r::cli::Result<json>(json::object());
    };
    const auto none = p2c2r::cli::invite(never, options, {std::string(64, '0'), 8765, {}});
    REQUIRE_FALSE(none);
    CHECK(none.failure().exit_code == 2);
    for (const char* here : {"p2c2r://127.0.0.1:8765", "p2c2r://[::1]", "p2c2r://localhost"}) {
        contact.set_places({here}, {}, "");
        CHECK(contact.hosts_elsewhere().empty());
    }
}

TEST_CASE("join: what cannot work is said in words") {
    const Workplace here;
    const Machine laptop(here, "laptop");
    const Ran nothing = laptop.run({"join"});
    CHECK(nothing.exit_code == 2);
    const Ran wrong = laptop.run({"join", "P2C2R:ABCDEFGH"});
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.error.find("check sum") != std::string::npos);
    // Before anything is connected: nothing is tried.
    JoinCode nobody;
    nobody.gamer = true;
    nobody.hosts = {"127.0.0.1", "::1", "127.0.0.2"};
    nobody.port = 1;
    nobody.pin.fill(7);
    std::string last = join_code_text(nobody);
    last.back() = last.back() == 'A' ? 'B' : 'A';
    const Ran mistyped = laptop.run({"join", last});
    CHECK(mistyped.exit_code == 2);
    CHECK(mistyped.error.starts_with("p2c2r join: this is no join code: "));

    // Each address with its reason, whatever the newcomer may be.
    for (const bool gamer : {true, false}) {
        nobody.gamer = gamer;
        nobody.peer = !gamer;
        const Ran unreachable = laptop.run({"join", join_code_text(nobody)});
        CHECK(unreachable.exit_code == 3);
        CAPTURE(unreachable.error);
        const std::string reasons = text_behind(unreachable.error, "no coordinator found: ");
        CHECK(reasons.starts_with("127.0.0.1:1: connection refused; [::1]:1: "));
        CHECK(reasons.ends_with("; 127.0.0.2:1: connection refused"));
        CHECK(reasons.find("[::1]:1: ;") == std::string::npos);
    }

    Hosting host(here);
    auto other_pin = read_join_code(host.code);
    REQUIRE(other_pin);
    other_pin->pin[3] ^= 1;
    const Ran refused = laptop.run({"join", join_code_text(*other_pin)});
    CHECK(refused.exit_code == 3);  // as of every command that meets another coordinator
    CHECK(refused.error.find("is not the one that is expected") != std::string::npos);

    REQUIRE(chmod(here.path("laptop/identity.pem").c_str(), 0644) == 0);
    const Ran open = laptop.run({"join", host.code});
    CHECK(open.exit_code == 2);
    CHECK(open.error.find("mode 0644") != std::string::npos);
}

TEST_CASE("join: a host that starts again still knows its machines") {
    const Workplace here;
    const Machine laptop(here, "laptop");
    {
        Hosting host(here);
        REQUIRE(laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"}).exit_code ==
                0);
        REQUIRE(host.process.stop(kStopUs) == 0);
    }
    Hosting again(here);
    const Ran accounts = again.machine.run({"accounts", "--json"});
    REQUIRE(accounts.exit_code == 0);
    CHECK(json::parse(accounts.out)["accounts"].size() == 2);
}

TEST_CASE("join: a name that is taken is told so and costs no code") {
    const Workplace here;
    const Hosting host(here);
    json peers;
    REQUIRE(wait_until([&] {
        peers = json::parse(host.machine.run({"status", "--json"}).out)["peers"];
        return peers.size() == 1;
    }));
    const std::string taken = peers[0]["peer_id"];
    const std::string code = host.another_code({"--friend", "--roles", "peer"});
    const Machine laptop(here, "laptop");
    const Ran refused = laptop.run({"join", code, "--name", taken});
    CHECK(refused.exit_code == 1);
    CHECK(refused.error.find("PEER_ID_TAKEN: '" + taken + "'") != std::string::npos);
    CHECK(refused.error.find("the code is still good") != std::string::npos);
    const Ran joined = laptop.run({"join", code, "--no-benchmark", "--name", "guest"});
    CHECK_MESSAGE(joined.exit_code == 0, joined.error);
}
