// Files that were named and cannot be used: the same exit code, whatever file and whatever command.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/files.h"
#include "support/hosting.h"
#include "support/program.h"

using namespace p2c2r::test;
using Words = std::vector<std::string>;

namespace {

constexpr const char* kNowhere = "p2c2r+plain://127.0.0.1:1";

// Names the file in each of these and wants it to be refused before anything else happens.
void check_refused(const Machine& machine, const std::string& file,
                   const std::vector<Words>& commands) {
    for (Words words : commands) {
        std::string line;
        for (std::string& word : words) {
            if (word == "FILE") word = file;
            if (word == "@FILE") word = "@" + file;
            line += " " + word;
        }
        CAPTURE(line);
        const Ran ran = machine.run(words);
        CHECK_MESSAGE(ran.exit_code == 2, ran.error);
        CHECK_MESSAGE(ran.error.find(file) != std::string::npos, ran.error);
    }
}

}  // namespace

TEST_CASE("bad files: one that cannot be used is exit code 2 in each command that takes it") {
    const Workplace here;
    const Machine machine(here, "home");
    const std::string certificate = here.path("certificate.pem");
    const std::string key = here.path("key.pem");
    REQUIRE(machine.run({"keys", "new", key, "--certificate-file", certificate}).exit_code == 0);
    const Words coordinator = {"coordinator", "--port", "0", "--prometheus-port", "off"};
    const Words host = {"host",      "--port",           "0",
                        "--no-peer", "--no-invite",      "--device",
                        "native",    "--listen-address", "127.0.0.1"};
    const auto with = [](Words words, const Words& more) {
        words.insert(words.end(), more.begin(), more.end());
        return words;
    };
    // Secrets: missing, open to others, and not what they should be.
    const std::vector<Words> secrets = {
        {"submit", "echo", "--coordinator", kNowhere, "--token-file", "FILE"},
        {"submit", "echo", "--coordinator", kNowhere, "--identity-file", "FILE"},
        {"peer", "--device", "native", "--coordinator", kNowhere, "--token-file", "FILE"},
        {"peer", "--device", "native", "--coordinator", kNowhere, "--identity-file", "FILE"},
        {"status", "--coordinator", kNowhere, "--token-file", "FILE"},
        {"keys", "show", "FILE"},
        {"keys", "renew", "FILE", "--certificate-file", certificate},
        with(coordinator, {"--certificate-file", certificate, "--key-file", "FILE"}),
        with(host, {"--certificate-file", certificate, "--key-file", "FILE"})};
    const std::vector<Words> lists = {with(coordinator, {"--access-file", "FILE"}),
                                      with(host, {"--access-file", "FILE"})};
    check_refused(machine, here.path("missing"), secrets);
    const std::string open = here.write("open", here.read("key.pem"));
    REQUIRE(chmod(open.c_str(), 0644) == 0);
    check_refused(machine, open, secrets);
    check_refused(machine, open, lists);
    const std::string damaged = here.write("damaged", "no secret");
    REQUIRE(chmod(damaged.c_str(), 0600) == 0);
    for (size_t i = 0; i < secrets.size(); ++i) {
        // What is wrong with a pair is said of its field, without the name of the file.
        const bool of_pair = i + 2 >= secrets.size();
        if (!of_pair) check_refused(machine, damaged, {secrets[i]});
    }
    check_refused(machine, damaged, lists);
    CHECK(machine.run(with(coordinator, {"--certificate-file", damaged, "--key-file", key}))
              .exit_code == 2);
    CHECK(machine.run(with(coordinator, {"--certificate-file", certificate, "--key-file", damaged}))
              .exit_code == 2);
    // What others may read.
    check_refused(machine, here.path("missing"),
                  {{"submit", "echo", "--coordinator", "p2c2r://127.0.0.1:1", "--ca-file", "FILE"},
                   {"exec", "echo", "--data", "FILE"},
                   {"exec", "echo", "--params", "@FILE"},
                   {"exec", "echo", "--requests", "FILE"},
                   {"coordinator", "--config", "FILE"},
                   {"demo", "upscale", "FILE", "--out", here.path("out")}});
    // Never over another file.
    check_refused(machine, key, {{"keys", "new", "FILE"}, {"token", "x", "--out", "FILE"}});
}

TEST_CASE("bad files: a host or a newcomer whose own key is open to others ends in the same way") {
    const Workplace here;
    const Machine machine(here, "home");
    REQUIRE(machine.run({"keys", "show"}).exit_code == 0);
    const std::string own = here.path("home/identity.pem");
    REQUIRE(chmod(own.c_str(), 0644) == 0);
    REQUIRE(machine.run({"keys", "show"}).exit_code == 2);
    check_refused(machine, own,
                  {{"host", "--port", "0", "--no-peer", "--no-invite", "--device", "native",
                    "--listen-address", "127.0.0.1"}});
    CHECK_FALSE(here.has("home/host"));  // it did not start
    REQUIRE_FALSE(p2c2r::cli::make_private_directory(here.path("home/host")));
    const std::string key = here.path("home/host/key.pem");
    REQUIRE(
        machine
            .run({"keys", "new", key, "--certificate-file", here.path("home/host/certificate.pem")})
            .exit_code == 0);
    REQUIRE(chmod(key.c_str(), 0644) == 0);
    check_refused(machine, key,
                  {{"host", "--port", "0", "--no-peer", "--no-invite", "--device", "native",
                    "--listen-address", "127.0.0.1"}});
    const Ran help = here.run({"--help"});
    CHECK(help.out.find("2 wrong usage, or a file that cannot be used") != std::string::npos);
}

TEST_CASE("bad files: of a damaged host folder it is said which file, and how to go on") {
    const Workplace here;
    { Hosting host(here); }
    const Machine machine(here, "hosting");
    const auto refused = [&] {
        const Ran ran = machine.run({"host", "--port", "0", "--no-peer", "--no-invite", "--device",
                                     "native", "--listen-address", "127.0.0.1"});
        CHECK_MESSAGE(ran.exit_code == 2, ran.error);
        return ran.error;
    };
    const std::string key = here.read("hosting/host/key.pem");
    const std::string certificate = here.read("hosting/host/certificate.pem");
    const std::string list = here.read("hosting/host/access.json");
    std::filesystem::remove(here.path("hosting/host/key.pem"));
    CHECK(refused().find("the key '" + here.path("hosting/host/key.pem") + "' is missing") !=
          std::string::npos);
    CHECK_FALSE(here.has("hosting/host/key.pem"));
    REQUIRE(chmod(here.write("hosting/host/key.pem", key).c_str(), 0600) == 0);
    here.write("hosting/host/certificate.pem", "junk");
    CHECK(refused().find("'" + here.path("hosting/host/certificate.pem") +
                         "' holds no certificate in PEM form") != std::string::npos);
    here.write("hosting/host/certificate.pem", certificate);
    here.write("hosting/host/access.json", list.substr(0, list.size() / 2));
    CHECK(refused().find("put a whole copy of it back, or move it away") != std::string::npos);
}

TEST_CASE("bad files: what was joined and cannot be told is named with its place, and no default") {
    const Workplace here;
    const Machine machine(here, "home");
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("home")));
    const std::string joined = here.path("home/joined.json");
    const Words submit = {"submit", "echo"};
    const struct {
        const char* text;
        const char* fault;
    } rows[] = {
        {"", "joined: the JSON ends too early"},
        {"{}", "it is no list"},
        {"[5]", "joined[0] is no object"},
        {R"([{"urls": ["p2c2r://a"], "pin": 5}])", "joined[0].pin is no text"},
        {R"([{"urls": [1, 2]}])", "joined[0].urls is no list of texts"},
        {R"([{"urls": "p2c2r://a"}])", "joined[0].urls is no list of texts"},
        {R"([{"urls": ["p2c2r://a"]}, {"urls": []}])", "joined[1].urls names no place"},
        {R"([{"urls": ["p2c2r://a", ""]}])", "joined[0].urls names no place"},
        {R"([{"name": "x"}])", "joined[0].urls names no place"},
        {R"([{"urls": ["p2c2r://a"], "gamer": 1}])", "joined[0].gamer is not true or false"},
        {R"([{"urls": ["p2c2r://a"], "given_hosts": 1}])", "joined[0].given_hosts is no list"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        here.write("home/joined.json", row.text);
        const Ran ran = machine.run(submit);
        CHECK(ran.exit_code == 2);
        CHECK_MESSAGE(ran.error.find(row.fault) != std::string::npos, ran.error);
        CHECK(ran.error.find(joined) != std::string::npos);
        CHECK(ran.error.find("delete it and join again") != std::string::npos);
    }
    check_refused(machine, joined,
                  {submit,
                   {"status"},
                   {"peer", "--device", "native"},
                   {"bench", "this-machine", "--small", "--uplink-mbps", "10"}});
    // It is there, and nobody can read it: whoever the tests run as.
    REQUIRE(unlink(joined.c_str()) == 0);
    REQUIRE(symlink("joined.json", joined.c_str()) == 0);
    check_refused(machine, joined, {submit, {"status"}});
    REQUIRE(unlink(joined.c_str()) == 0);
    REQUIRE(mkdir(joined.c_str(), 0700) == 0);
    check_refused(machine, joined, {submit, {"status"}});
}
