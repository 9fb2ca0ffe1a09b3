// Invitations that are open: listed, withdrawn, and used with a code that nobody else sees.
#include <doctest/doctest.h>

#include "cli/join_code.h"
#include "cli/session.h"
#include "support/hosting.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

// With `text` on standard input.
Ran run_with_input(const Machine& machine, const std::string& text, const std::string& command) {
    const std::string line =
        "printf '%s\\n' '" + text + "' | exec '" + std::string(P2C2R_PROGRAM) + "' " + command;
    return machine.here.run_other("/bin/sh", {"-c", line}, machine.environment);
}

}  // namespace

TEST_CASE("invitations: open ones are listed without their codes, and withdrawn") {
    const Workplace here;
    Hosting host(here, {"--no-peer"});
    const Ran made = host.machine.run({"invite", "--friend", "--name", "anna", "--address",
                                       "127.0.0.1", "--no-qr", "--valid-hours", "2"});
    REQUIRE_MESSAGE(made.exit_code == 0, made.error);
    CHECK(made.out.find("p2c2r invite --withdraw 'anna'") != std::string::npos);
    const std::string code = text_behind(made.out, "    p2c2r join ");
    const Ran twice = host.machine.run({"invite", "--name", "anna", "--no-qr"});
    CHECK(twice.exit_code == 1);
    CHECK(twice.error.find("there is an open invitation 'anna' already") != std::string::npos);

    const Ran listed = host.machine.run({"invite", "--list", "--json"});
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.error);
    const json open = json::parse(listed.out)["invitations"];
    REQUIRE(open.size() == 2);  // the one that the host has made, too
    const json& anna = open[1];
    CHECK(anna["name"] == "anna");
    CHECK(anna["roles"] == "gamer");
    CHECK(anna["circle"] == "invited");
    CHECK(anna["until_ms"].get<uint64_t>() - anna["made_ms"].get<uint64_t>() == 2 * 3'600'000);
    CHECK(anna.size() == 7);  // and nothing else, as the secret
    const auto lines = lines_of(host.machine.run({"invite", "--list"}).out);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("name "));
    CHECK(lines[2].starts_with("anna "));
    CHECK(lines[2].ends_with(" UTC"));

    const Ran withdrawn = host.machine.run({"invite", "--withdraw", "anna"});
    CHECK_MESSAGE(withdrawn.exit_code == 0, withdrawn.error);
    CHECK(withdrawn.out == "invitation 'anna' is withdrawn: its code is refused\n");
    CHECK(lines_of(host.machine.run({"invite", "--list"}).out).size() == 2);
    const Machine laptop(here, "laptop");
    const Ran refused = laptop.run({"join", code});
    CHECK(refused.exit_code == 1);
    CHECK(refused.error.find("the join code was withdrawn; ask for another one") !=
          std::string::npos);
    const Ran nobody = host.machine.run({"invite", "--withdraw", "bob"});
    CHECK(nobody.exit_code == 1);
    CHECK(nobody.error.find("there is no open invitation 'bob'") != std::string::npos);
    CHECK(host.machine.run({"invite", "--list", "--withdraw", "anna"}).exit_code == 2);
    CHECK(host.machine.run({"invite", "--json"}).exit_code == 2);
    CHECK(here.read("hosting/host/audit.log").find("\"what\":\"withdrawn\"") != std::string::npos);

    // A code that comes by standard input, asked for or not.
    const Ran joined = run_with_input(laptop, host.code, "join - --no-benchmark --name laptop");
    CHECK_MESSAGE(joined.exit_code == 0, joined.error);
    const Machine other(here, "other");
    const Ran also =
        run_with_input(other, host.another_code({"--friend"}), "join --no-benchmark --name other");
    CHECK_MESSAGE(also.exit_code == 0, also.error);
    const Ran wrong = run_with_input(other, "P2C2R:ABCDEFGH", "join -");
    CHECK(wrong.exit_code == 2);
    CHECK(wrong.error.find("check sum") != std::string::npos);
    const Ran empty = run_with_input(other, "", "join -");
    CHECK(empty.exit_code == 2);
    CHECK(empty.error.find("standard input has none") != std::string::npos);
    const Ran endless = other.here.run_other(
        "/bin/sh", {"-c", std::string("exec '") + P2C2R_PROGRAM + "' join - < /dev/zero"},
        other.environment);
    CHECK(endless.exit_code == 2);
    CHECK(endless.error.find("longer than 16384 bytes") != std::string::npos);

    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("invitations: a coordinator without room refuses with its reason, and is not missing") {
    const Workplace here;
    Hosting host(here, {"--friend", "--role", "gamer,peer", "--account-connections-max", "1"});
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.code, "--no-benchmark", "--name", "pal"}).exit_code == 0);
    p2c2r::cli::Process helper = here.start({"peer", "--device", "native", "--no-benchmark"},
                                            "laptop.log", laptop.environment);
    REQUIRE(wait_until([&] {
        return here.read("laptop.log").find("connected to 127.0.0.1:") != std::string::npos;
    }));
    // Asked as the commands do, but not for so long.
    const json entry = json::parse(here.read("laptop/joined.json"))[0];
    p2c2r::cli::SessionOptions options;
    options.connect_timeout_ms = 300;
    options.device.kind = p2c2r::cli::DeviceChoice::Kind::kNative;
    options.worker_threads = 1;
    const auto code = p2c2r::cli::read_join_code(host.code);
    REQUIRE(code);
    options.contact.emplace().set_places({entry["urls"][0].get<std::string>()}, code->pin,
                                         here.path("laptop/identity.pem"));
    const auto session = p2c2r::cli::Session::open(options);
    REQUIRE_FALSE(session);
    CHECK(session.failure().exit_code == 3);
    const std::string& text = session.failure().text;
    CAPTURE(text);
    CHECK(text.starts_with("the coordinator at p2c2r://127.0.0.1:"));
    CHECK(text.find(" refused: 'pal' has 1 clients and peers here already") != std::string::npos);
    CHECK(text.find("not connected") == std::string::npos);
    // A code for one more is not used up.
    const std::string more = host.another_code({"--friend", "--role", "gamer"});
    const Ran joins = laptop.run({"join", more, "--no-benchmark"});
    CHECK(joins.exit_code == 1);
    CHECK(joins.error.find("refused: 'pal' has 1 clients") != std::string::npos);
    CHECK(joins.error.find("the code is still good: join again later") != std::string::npos);
    CHECK(helper.stop(kStopUs) == 0);
    CHECK(host.process.stop(kStopUs) == 0);
}
