// Services of a machine that has joined, or hosts: installed without a new code, and removed.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;

namespace {

// A user whose systemctl notes what it was told, and answers `exit_code`.
struct User {
    const Workplace& here;
    std::vector<std::string> environment;

    User(const Workplace& at, int exit_code) : here(at) {
        REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("bin")));
        REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("home")));
        const std::string tool =
            here.write("bin/systemctl", "#!/bin/sh\necho \"$@\" >> '" + here.path("told") +
                                            "'\nexit " + std::to_string(exit_code) + "\n");
        REQUIRE(chmod(tool.c_str(), 0755) == 0);
        environment = {"PATH=" + here.path("bin") + ":/usr/bin:/bin",
                       "HOME=" + here.path("home"),
                       "XDG_CONFIG_HOME=" + here.path("config"),
                       "P2C2R_HOME=" + here.path("home"),
                       "DISPLAY=",
                       "WAYLAND_DISPLAY="};
    }
    [[nodiscard]] Ran run(const std::vector<std::string>& arguments) const {
        return here.run(arguments, environment);
    }
    void has_joined(const char* roles) const {
        here.write("home/joined.json",
                   std::string("[{\"name\": \"pc\", \"urls\": [\"p2c2r://192.0.2.7:8765\"], ") +
                       "\"pin\": \"" + std::string(64, 'a') + "\", " + roles + "}]");
    }
};

}  // namespace

TEST_CASE("service: a machine that has joined is made a service without a code, and no other") {
    const Workplace here;
    const User user(here, 0);
    const Ran alone = user.run({"join", "--service"});
    CHECK(alone.exit_code == 2);
    CHECK(alone.error.find("this machine has joined no coordinator yet") != std::string::npos);
    user.has_joined("\"gamer\": true, \"peer\": false");
    const Ran sends = user.run({"join", "--service"});
    CHECK(sends.exit_code == 2);
    CHECK(sends.error.find("p2c2r://192.0.2.7:8765, which was joined last, lets this machine send "
                           "and not help") != std::string::npos);
    CHECK_FALSE(here.has("config"));

    user.has_joined("\"gamer\": true, \"peer\": true");
    const Ran made = user.run({"join", "--service", "--mode", "idle"});
    CHECK_MESSAGE(made.exit_code == 0, made.error);
    const std::string file = "config/systemd/user/p2c2r-peer.service";
    REQUIRE(here.has(file));
    CHECK(here.read(file).find("P2C2R_MODE=idle") != std::string::npos);
    CHECK(made.out.find("joined already: p2c2r://192.0.2.7:8765 as pc") != std::string::npos);

    const Ran both = user.run({"join", "--service", "--remove-service"});
    CHECK(both.exit_code == 2);
    const Ran removed = user.run({"join", "--remove-service"});
    CHECK_MESSAGE(removed.exit_code == 0, removed.error);
    CHECK(removed.out == "stopped and disabled p2c2r-peer\nremoved " + here.path(file) + "\n");
    CHECK_FALSE(here.has(file));
    CHECK(here.has("home/joined.json"));
    CHECK(lines_of(here.read("told")) ==
          std::vector<std::string>{"--user daemon-reload", "--user enable --now p2c2r-peer.service",
                                   "--user disable --now p2c2r-peer.service",
                                   "--user daemon-reload"});
    const Ran none = user.run({"join", "--remove-service"});
    CHECK(none.exit_code == 1);
    CHECK(none.error.find("there is no service 'p2c2r-peer' of this user: ") != std::string::npos);
}

TEST_CASE("service: what it could not begin with is refused, and nothing is written") {
    const Workplace here;
    const User user(here, 0);
    user.has_joined("\"gamer\": true, \"peer\": true");
    using Words = std::vector<std::string>;
    const auto refused = [&](const Words& words, const std::string& said) {
        CAPTURE(said);
        const Ran ran = user.run(words);
        CHECK(ran.exit_code == 2);
        CHECK_MESSAGE(ran.error.find(said) != std::string::npos, ran.error);
        CHECK_FALSE(here.has("config"));
        CHECK_FALSE(here.has("told"));
    };
    refused({"join", "--service", "--mode", "foo"}, "--mode is 'foo', allowed are ");
    refused({"join", "--service", "--mode", "schedule", "--hours", "25"}, "hours");
    refused({"host", "--service", "--mode", "foo"}, "--mode is 'foo', allowed are ");
    refused({"host", "--service", "--hours", "25"}, "hours");
    refused({"host", "--service", "--listen-address", "nonsense"},
            "--listen-address: 'nonsense' is no IPv4 or IPv6 address");
    refused({"host", "--service", "--listen-address", "::1", "--key-file", "k.pem"},
            "--certificate-file and --key-file go together");
    refused({"host", "--service", "--prometheus-port", "9100"}, "--plaintext-anywhere");
    // Without a helper its owner's wishes are nobody's.
    CHECK(user.run({"host", "--service", "--no-peer", "--listen-address", "::1"}).exit_code == 0);
    CHECK(here.has("config/systemd/user/p2c2r-host.service"));
}

TEST_CASE("service: a host's is removed, also where systemctl does not answer, which is said") {
    const Workplace here;
    const User user(here, 1);
    CHECK(user.run({"host", "--remove-service"}).exit_code == 1);
    CHECK_FALSE(here.has("config"));
    CHECK(user.run({"host", "--service", "--port", "9000"}).exit_code == 1);
    const std::string file = "config/systemd/user/p2c2r-host.service";
    REQUIRE(here.has(file));
    REQUIRE_FALSE(
        p2c2r::cli::make_directories(here.path("config/systemd/user/default.target.wants")));
    const std::string link = "config/systemd/user/default.target.wants/p2c2r-host.service";
    here.write(link, "as enabled");
    const Ran removed = user.run({"host", "--remove-service"});
    CHECK(removed.exit_code == 1);
    CHECK(removed.out.find("removed " + here.path(file)) == 0);
    CHECK(removed.out.find("stopped") == std::string::npos);
    CHECK(removed.error.find("was not stopped: systemctl --user does not answer here") !=
          std::string::npos);
    CHECK_FALSE(here.has(file));
    CHECK_FALSE(here.has(link));
}
