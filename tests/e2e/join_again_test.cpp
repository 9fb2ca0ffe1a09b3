// A machine that joins where it is already, or where it was thrown out; codes that are open, and
// the roles that they give.
#include <doctest/doctest.h>

#include "support/hosting.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

bool says(const std::string& text, const std::string& what) {
    return text.find(what) != std::string::npos;
}

json open_codes(const Hosting& host) {
    const Ran listed = host.machine.run({"invite", "--list", "--json"});
    REQUIRE_MESSAGE(listed.exit_code == 0, listed.error);
    return json::parse(listed.out)["invitations"];
}

json joined_of(const Workplace& here, const std::string& machine) {
    return json::parse(here.read(machine + "/joined.json"))[0];
}

}  // namespace

TEST_CASE("join again: a lesser code takes nothing away, and is not used up by that") {
    const Workplace here;
    const Hosting host(here, {"--no-peer"});
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.code, "--no-benchmark", "--name", "laptop"}).exit_code == 0);
    CHECK(open_codes(host).empty());

    const std::string lesser = host.another_code({"--roles", "gamer"});
    const Ran again = laptop.run({"join", lesser, "--no-benchmark"});
    CHECK_MESSAGE(again.exit_code == 0, again.error);
    CHECK(says(again.out, "joined already: p2c2r://127.0.0.1:"));
    CHECK(says(again.out, " as laptop\n"));
    CHECK(says(again.out, "this code adds no role"));
    CHECK(says(again.out, "p2c2r peer "));
    CHECK(joined_of(here, "laptop")["gamer"] == true);
    CHECK(joined_of(here, "laptop")["peer"] == true);
    CHECK(open_codes(host).size() == 1);
    // The machine that it was meant for.
    const Machine other(here, "other");
    const Ran used = other.run({"join", lesser, "--name", "other"});
    CHECK_MESSAGE(used.exit_code == 0, used.error);
    CHECK(open_codes(host).empty());

    // One that gives more adds to what there was.
    const std::string more = host.another_code({"--roles", "peer"});
    const Ran helps = other.run({"join", more, "--no-benchmark"});
    CHECK_MESSAGE(helps.exit_code == 0, helps.error);
    CHECK(says(helps.out, " as other\n"));
    CHECK(says(helps.out, "new by this code: this machine may help\n"));
    CHECK(joined_of(here, "other")["gamer"] == true);
    CHECK(joined_of(here, "other")["peer"] == true);
    CHECK(open_codes(host).empty());
}

TEST_CASE("join again: whoever was thrown out is told the way back, which is one") {
    const Workplace here;
    const Hosting host(here, {"--no-peer", "--friend"});
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.code, "--name", "pal"}).exit_code == 0);
    const Ran revoked = host.machine.run({"revoke", "pal"});
    CHECK(revoked.exit_code == 0);
    CHECK(says(revoked.out, "'pal' is out for good, with its key or token; the way back is "));
    const std::string code = host.another_code({"--friend"});
    const Ran refused = laptop.run({"join", code});
    CHECK(refused.exit_code == 1);
    CHECK(says(refused.error, "'pal' was revoked; that is of this machine's key"));
    CHECK(says(refused.error, "move '" + here.path("laptop/identity.pem") + "' away"));
    REQUIRE(std::rename(here.path("laptop/identity.pem").c_str(),
                        here.path("laptop/before.pem").c_str()) == 0);
    const Ran back = laptop.run({"join", code});
    CHECK_MESSAGE(back.exit_code == 0, back.error);
    CHECK(says(back.out, " as pal-2, not 'pal'\n"));
    CHECK(laptop.run({"status"}).exit_code == 0);
}

TEST_CASE("join again: a host that starts again withdraws the code that it made before") {
    const Workplace here;
    std::string before;
    {
        Hosting host(here, {"--no-peer"});
        before = host.code;
        (void)host.another_code({"--name", "anna"});  // asked for by somebody: it stays
        REQUIRE(host.process.stop(kStopUs) == 0);
    }
    {
        // It makes none, and takes none away.
        const Machine machine(here, "hosting");
        p2c2r::cli::Process quiet = here.start(
            {"host", "--port", "0", "--listen-address", "127.0.0.1", "--no-peer", "--no-invite"},
            "quiet.log", machine.environment);
        REQUIRE(quiet.read_line_with("hosting on ", kPatienceUs));
        const Ran listed = machine.run({"invite", "--list", "--json"});
        CHECK(json::parse(listed.out)["invitations"].size() == 2);
        REQUIRE(quiet.stop(kStopUs) == 0);
    }
    const Machine machine(here, "hosting");
    p2c2r::cli::Process again = here.start({"host", "--port", "0", "--listen-address", "127.0.0.1",
                                            "--no-peer", "--no-qr", "--address", "127.0.0.1"},
                                           "again.log", machine.environment);
    CHECK(again.read_line_with("1 code of an earlier start, which nobody had used, is withdrawn.",
                               kPatienceUs));
    REQUIRE(again.read_line_with("    p2c2r join ", kPatienceUs));
    const Ran listed = machine.run({"invite", "--list", "--json"});
    const json open = json::parse(listed.out)["invitations"];
    REQUIRE(open.size() == 2);
    CHECK(open[0]["name"] == "anna");
    CHECK(open[1]["by"] == "operator");
    CHECK(again.stop(kStopUs) == 0);
}

TEST_CASE("roles: both is gamer and peer, and admin goes to nobody's machine by a slip") {
    const Workplace here;
    const Hosting host(here, {"--no-peer"});
    const auto invite = [&](const std::vector<std::string>& more) {
        std::vector<std::string> words = {"invite", "--no-qr", "--address", "127.0.0.1"};
        words.insert(words.end(), more.begin(), more.end());
        return host.machine.run(words);
    };
    CHECK(invite({"--roles", "both", "--name", "two"}).exit_code == 0);
    CHECK(open_codes(host)[1]["roles"] == "gamer,peer");
    const Ran wrong = invite({"--roles", "gamer+peer"});
    CHECK(wrong.exit_code == 2);
    CHECK(says(wrong.error, "--roles: 'gamer+peer' is not gamer, peer or both, nor a list of "));
    CHECK(invite({"--roles", ""}).exit_code == 2);
    // Nobody could come in with it.
    CHECK(says(invite({"--roles", "admin"}).error, "admin alone cannot come in"));
    const Ran given = invite({"--friend", "--roles", "gamer,admin"});
    CHECK(given.exit_code == 2);
    CHECK(says(given.error, "--force, if it is meant"));
    CHECK(host.machine.run({"token", "bot", "--friend", "--roles", "gamer,admin"}).exit_code == 2);
    CHECK(open_codes(host).size() == 2);
    CHECK(invite({"--friend", "--roles", "gamer,admin", "--force", "--name", "three"}).exit_code ==
          0);
    CHECK(open_codes(host)[2]["roles"] == "gamer,admin");
    for (const char* command : {"invite", "token", "host"}) {
        const std::string help = host.machine.run({command, "--help"}).out;
        CHECK(says(help, "both"));
        CHECK(says(help, "admin"));
    }

    const Ran name = invite({"--name", "a\nb"});
    CHECK(name.exit_code == 2);
    CHECK(says(name.error, "the name of the invitation has a control character"));
    CHECK_FALSE(says(name.error, "has 3 bytes"));

    // A file that cannot be made: nothing is.
    const Ran nowhere = host.machine.run({"token", "farm", "--out", here.path("nodir/token")});
    CHECK(nowhere.exit_code == 2);
    CHECK(says(nowhere.error, "there is no folder '" + here.path("nodir") + "'"));
    CHECK_FALSE(says(host.machine.run({"accounts"}).out, "farm"));
}
