// A full disk while results are written: told clearly, and nothing that was there before is lost.
#include <doctest/doctest.h>

#include "cli/files.h"
#include "support/hosting.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;

TEST_CASE("disk full: a result that does not fit ends the run, the others and the old file stay") {
    Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("in")));
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("out")));
    SmallDisk disk(here.path("out"), 256 * 1024);
    if (!disk.mounted()) {
        MESSAGE("skipped: a small disk can be mounted by root only");
        return;
    }
    here.write("in/a", std::string(1000, 'a'));
    here.write("in/b", std::string(300 * 1024, 'b'));  // more than there is room for
    here.write("in/c", std::string(2000, 'c'));
    here.write("out/b", "what was there before");
    const Ran ran = here.run({"exec", "echo", "--data", here.path("in"), "--out", here.path("out"),
                              "--quiet", "--in-flight", "1"});
    CHECK(ran.exit_code == 1);
    CHECK(ran.error.find("out/b: No space left on device") != std::string::npos);
    CHECK(ran.error.find("was computed") != std::string::npos);
    CHECK(here.read("out/a") == std::string(1000, 'a'));
    CHECK(ran.error.find("1 of 3 results kept") != std::string::npos);
    CHECK_FALSE(here.has("out/c"));
    CHECK(ran.error.find("failed: E_CANCELLED") == std::string::npos);
    CHECK(here.read("out/b") == "what was there before");
    const auto names = p2c2r::cli::list_files(here.path("out"));
    REQUIRE(names);
    CHECK(*names == std::vector<std::string>{"a", "b"});  // no half-written file is left
}

TEST_CASE("disk full: result lines that cannot be kept in the file come out on standard output") {
    Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("out")));
    SmallDisk disk(here.path("out"), 64 * 1024);
    if (!disk.mounted()) {
        MESSAGE("skipped: a small disk can be mounted by root only");
        return;
    }
    const std::string data = here.write("in.bin", std::string(100 * 1024, 'x'));
    const std::string requests =
        here.write("requests.jsonl", "{\"id\": 1, \"data\": \"" + data + "\"}\n");
    const Ran ran =
        here.run({"exec", "echo", "--requests", requests, "--out", here.path("out/r.jsonl")});
    CHECK(ran.exit_code == 1);
    CHECK(ran.error.find("No space left on device") != std::string::npos);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 1);
    CHECK(nlohmann::json::parse(lines[0])["id"] == 1);
    CHECK_FALSE(here.has("out/r.jsonl"));
}

TEST_CASE("disk full: what was to come out on standard output and did not is an error") {
    const Workplace here;
    const Hosting host(here);
    const auto into_full = [&](const std::string& command) {
        const std::string line =
            std::string("exec '") + P2C2R_PROGRAM + "' " + command + " >/dev/full";
        return here.run_other("/bin/sh", {"-c", line}, host.machine.environment);
    };
    for (const char* command : {"accounts", "status", "keys show", "devices"}) {
        CAPTURE(command);
        const Ran ran = into_full(command);
        CHECK(ran.exit_code == 1);
        CHECK_MESSAGE(
            ran.error.find("standard output: No space left on device") != std::string::npos,
            ran.error);
    }
    // It flushes by itself, and then the reason is lost.
    const Ran invite = into_full("invite --no-qr");
    CHECK(invite.exit_code == 1);
    CHECK_MESSAGE(invite.error.find("standard output: not all of it") != std::string::npos,
                  invite.error);
    // Shown once, and not seen: it is there, and can be ended.
    const Ran token = into_full("token farm");
    CHECK(token.exit_code == 1);
    CHECK_MESSAGE(token.error.find("No space left on device; the token was made, and nobody has "
                                   "it: `p2c2r revoke farm` ends it") != std::string::npos,
                  token.error);
    CHECK(host.machine.run({"revoke", "farm"}).exit_code == 0);
}

TEST_CASE("disk full: who is revoked is out at once, and the admin hears that it is not kept yet") {
    const Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("hosting")));
    const SmallDisk disk(here.path("hosting"), 256 * 1024);
    if (!disk.mounted()) {
        MESSAGE("skipped: a small disk can be mounted by root only");
        return;
    }
    Hosting host(here, {"--no-peer"});
    const Machine laptop(here, "laptop");
    REQUIRE(laptop.run({"join", host.another_code({"--friend"}), "--name", "laptop"}).exit_code ==
            0);
    const auto is_kept = [&] {
        const auto list = nlohmann::json::parse(here.read("hosting/host/access.json"));
        for (const auto& account : list["accounts"]) {
            if (account["name"] == "laptop") return account["revoked_ms"] != 0;
        }
        return false;
    };
    std::FILE* fill = std::fopen(here.path("hosting/fill").c_str(), "wb");
    REQUIRE(fill != nullptr);
    std::setvbuf(fill, nullptr, _IONBF, 0);
    const std::string zeros(4096, '0');
    while (std::fwrite(zeros.data(), 1, zeros.size(), fill) == zeros.size()) {
    }
    std::fclose(fill);
    const Ran revoked = host.machine.run({"revoke", "laptop"});
    CHECK(revoked.exit_code == 1);
    CHECK(revoked.out.starts_with("'laptop' is out for good, "));
    CHECK_MESSAGE(revoked.error.find("warning: this is not on the coordinator's disk yet: ") !=
                      std::string::npos,
                  revoked.error);
    CHECK(revoked.error.find("the disk is full. It holds while the coordinator runs; a restart "
                             "before it is written would undo it") != std::string::npos);
    const Ran sends = laptop.run({"submit", "echo", "--data", photograph()});
    CHECK(sends.exit_code == 3);
    CHECK(sends.error.find("'laptop' was revoked") != std::string::npos);
    CHECK_FALSE(is_kept());
    CHECK(
        host.machine.run({"accounts"}).error.find("warning: what was revoked or withdrawn last") !=
        std::string::npos);
    // What lets somebody in is refused meanwhile.
    const Ran token = host.machine.run({"token", "farm"});
    CHECK(token.exit_code == 1);
    CHECK(token.error.find("the disk is full") != std::string::npos);

    REQUIRE(std::remove(here.path("hosting/fill").c_str()) == 0);
    const Ran again = host.machine.run({"revoke", "laptop"});
    CHECK_MESSAGE(again.exit_code == 0, again.error);
    CHECK(is_kept());
    CHECK(host.machine.run({"accounts"}).error.empty());
    CHECK(host.process.stop(kStopUs) == 0);
}
