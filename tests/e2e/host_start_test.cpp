// A host that cannot start leaves everything as it was, and says what was in its way.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "cli/folder_claim_posix.h"
#include "cli/join_code.h"
#include "support/hosting.h"

using namespace p2c2r::test;
using p2c2r::cli::FolderClaim;

namespace {

// Names and bytes of all that is below.
std::string all_below(const Workplace& here, const std::string& name) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(here.path(name))) {
        const std::string path = std::filesystem::relative(entry.path(), here.path("")).string();
        all.push_back(path + "\n" + (entry.is_regular_file() ? here.read(path) : "") + "\n");
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const std::string& each : all) text += each;
    return text;
}

}  // namespace

TEST_CASE(
    "host start: with a port that is taken nothing is left, and the address is the real one") {
    const Workplace here;
    Hosting host(here, {"--no-peer"});
    const auto code = p2c2r::cli::read_join_code(host.code);
    REQUIRE(code);
    const std::string port = std::to_string(code->port);
    const auto fails = [&](const Machine& machine, const std::vector<std::string>& more) {
        std::vector<std::string> words = {"host",     "--port", port,
                                          "--device", "native", "--no-benchmark"};
        words.insert(words.end(), more.begin(), more.end());
        const Ran ran = machine.run(words);
        CHECK(ran.exit_code == 1);
        return ran.error;
    };
    const Machine fresh(here, "above/fresh");
    const std::string error = fails(fresh, {});
    CHECK_MESSAGE((error.find("[::]:" + port + " is in use") != std::string::npos ||
                   error.find("0.0.0.0:" + port + " is in use") != std::string::npos),
                  error);
    const bool has_six = std::filesystem::exists("/proc/net/if_inet6");
    if (has_six) CHECK(error.find("0.0.0.0") == std::string::npos);
    CHECK_FALSE(here.has("above"));

    // What was there is not touched, and what was not is not there.
    std::filesystem::create_directories(here.path("home/host"));
    here.write("home/host/notes.txt", "mine");
    here.write("home/joined.json", "[]");
    const std::string before = all_below(here, "home");
    const Machine old(here, "home");
    CHECK(fails(old, {"--listen-address", "127.0.0.1"}).find("127.0.0.1:" + port + " is in use") !=
          std::string::npos);
    CHECK(all_below(here, "home") == before);

    // Nor is anything of the host that runs by a second start in its own home.
    const std::string running = all_below(here, "hosting/host");
    (void)fails(host.machine, {"--no-peer"});
    CHECK(all_below(here, "hosting/host") == running);
    CHECK(host.machine.run({"accounts"}).exit_code == 0);
    CHECK(host.process.stop(kStopUs) == 0);
}

TEST_CASE("host start: what is found wrong only when the peer starts leaves nothing either") {
    const Workplace here;
    std::filesystem::create_directories(here.path("remembers"));
    here.write("remembers/joined.json", "[]");
    const std::string before = all_below(here, "remembers");
    for (const char* home : {"fresh", "remembers"}) {
        CAPTURE(home);
        const Ran ran = Machine(here, home)
                            .run({"host", "--port", "0", "--listen-address", "127.0.0.1",
                                  "--device", "native", "--no-benchmark", "--hours", "99:00-1"});
        CHECK_MESSAGE(ran.exit_code == 2, ran.error);
        CHECK(ran.error.find("cannot offer this machine: ") != std::string::npos);
    }
    CHECK_FALSE(here.has("fresh"));
    CHECK(all_below(here, "remembers") == before);
}

TEST_CASE("host start: a claim takes back what is new, unless it is kept or another one holds") {
    const Workplace here;
    const std::string path = here.path("a/b");
    const auto make = [&] {
        auto claim = FolderClaim::take(path);
        REQUIRE(claim);
        here.write("a/b/new", "new");
        return std::move(*claim);
    };
    { const FolderClaim claim = make(); }
    CHECK_FALSE(here.has("a"));
    {
        FolderClaim claim = make();
        claim.keep();
    }
    CHECK(here.read("a/b/new") == "new");
    {
        const auto claim = FolderClaim::take(path);
        here.write("a/b/newer", "newer");
        std::filesystem::create_directories(here.path("a/b/full"));
        here.write("a/b/full/of", "what somebody else keeps there");
    }
    CHECK(here.has("a/b/new"));
    CHECK_FALSE(here.has("a/b/newer"));
    CHECK(here.has("a/b/full/of"));
    {
        const auto other = FolderClaim::take(path);
        { const FolderClaim claim = make(); }
        here.write("a/b/newer", "newer");
        { const auto claim = FolderClaim::take(path); }
        CHECK(here.has("a/b/newer"));
    }
}
