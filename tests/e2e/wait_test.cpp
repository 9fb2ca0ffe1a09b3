// Waiting and processes: what the daemons and benches stand on.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "cli/files.h"
#include "cli/wait_posix.h"
#include "support/program.h"

using namespace p2c2r::cli;
using p2c2r::test::kPatienceUs;
using p2c2r::test::Workplace;

TEST_CASE("waker: no wake-up between two threads is lost") {
    // Each side waits for the other's step; one lost wake-up would leave both asleep until the
    // limit.
    constexpr int kSteps = 20000;
    Waker here, there;
    std::atomic<int> step{0};
    std::atomic<bool> stuck{false};
    const auto play = [&](Waker& own, Waker& other, int parity) {
        for (int mine = parity; mine < kSteps; mine += 2) {
            const uint64_t until_us = p2c2r_now_us() + kPatienceUs / 4;
            while (step.load() != mine && !stuck.load()) {
                own.wait(kPatienceUs / 4, nullptr);
                if (p2c2r_now_us() > until_us) stuck = true;
            }
            step.store(mine + 1);
            other.wake();
        }
    };
    std::thread other(play, std::ref(there), std::ref(here), 1);
    play(here, there, 0);
    other.join();
    CHECK_FALSE(stuck.load());
    CHECK(step.load() == kSteps);
}

TEST_CASE("stop signals: one that came before the wait is news and later ones count") {
    StopSignals signals;
    Waker waker;
    std::raise(SIGTERM);
    waker.wait(UINT64_MAX, &signals);  // would never return if it were missed
    CHECK(signals.count() == 1);
    CHECK(signals.last() == SIGTERM);
    std::raise(SIGINT);
    waker.wait(UINT64_MAX, &signals);
    CHECK(signals.count() == 2);
    CHECK(signals.last() == SIGINT);
}

TEST_CASE("processes of the program: exit codes and lines and the end of their standard input") {
    Process::Options options;
    auto shell = [&](const std::string& script) {
        auto process = Process::start("/bin/sh", {"-c", script}, options);
        REQUIRE(process);
        return std::move(*process);
    };
    CHECK(shell("exit 7").wait(kPatienceUs) == 7);
    Process killed = shell("exec cat /dev/zero >/dev/null");
    CHECK(killed.running());
    CHECK(killed.wait(1000) == -1);  // it still runs
    killed.kill_now();
    CHECK(killed.wait(kPatienceUs) == 128 + SIGKILL);
    Process speaking = shell("echo one; echo two; echo half");
    CHECK(*speaking.read_line(kPatienceUs) == "one");
    CHECK(*speaking.read_line_with("ha", kPatienceUs) == "lf");
    CHECK_FALSE(speaking.read_line(kPatienceUs));
    options.ends_with_us = true;
    Process listening = shell("cat; exit 5");
    CHECK(listening.running());
    listening.close_input();
    CHECK(listening.wait(kPatienceUs) == 5);
    CHECK_FALSE(Process::start("/nonexistent/program", {}, {}));
}

TEST_CASE("files: a write replaces as a whole and a failed one leaves the old file alone") {
    Workplace here;
    const std::string path = here.write("a.txt", "old");
    CHECK_FALSE(write_file(path, std::string_view("new")));
    CHECK(here.read("a.txt") == "new");
    const Outcome failure = write_file(here.path("no/such/place"), std::string_view("x"));
    REQUIRE(failure);
    CHECK(failure->text.find("No such file or directory") != std::string::npos);
    CHECK_FALSE(make_directories(here.path("d/e")));
    CHECK(write_file(here.path("d"), std::string_view("x")));  // a directory has that name
    CHECK(list_files(here.path("."))->size() == 1);            // no temporary file is left
    CHECK_FALSE(read_file(here.path("none")));
    CHECK_FALSE(read_file(here.path("d")));
    CHECK(make_directories(path));  // a file has that name
}

TEST_CASE("files: a write keeps a file's mode and a link and goes into what is no file") {
    namespace fs = std::filesystem;
    Workplace here;
    const std::string file = here.write("real", "old");
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    const std::string link = here.path("link");
    fs::create_symlink("real", link);
    CHECK_FALSE(write_file(link, std::string_view("new")));
    CHECK(fs::is_symlink(link));
    CHECK(here.read("real") == "new");
    CHECK(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    // A pipe: whoever reads it gets the bytes, and it is there afterwards.
    const std::string pipe = here.path("pipe");
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    std::string got;
    std::thread reader([&] {
        const Result<std::string> read = read_file(pipe);
        if (read) got = *read;
    });
    CHECK_FALSE(write_file(pipe, std::string_view("through")));
    reader.join();
    CHECK(got == "through");
    CHECK(fs::is_fifo(pipe));
    const Outcome full = write_file("/dev/full", std::string_view("x"));
    REQUIRE(full);
    CHECK(full->text.find("No space left on device") != std::string::npos);
    CHECK(fs::is_character_file("/dev/full"));
    // One that must not be written; root may write anything.
    if (geteuid() == 0) return;
    fs::permissions(file, fs::perms::owner_read);
    CHECK(write_file(file, std::string_view("x")));
    CHECK(here.read("real") == "new");
}

TEST_CASE("files: what is private is closed to others from the beginning, or refused") {
    Workplace here;
    const mode_t before = umask(0);
    CHECK_FALSE(make_private_directory(here.path("new/private")));
    umask(before);
    struct stat about {};
    REQUIRE(stat(here.path("new/private").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0700);
    CHECK_FALSE(make_private_directory(here.path("new/private")));  // it is there
    const std::string token = here.write("token", "secret");
    CHECK(make_private_directory(token));  // a file has that name
    REQUIRE(chmod(token.c_str(), 0644) == 0);
    const auto open = read_private_file(token);
    REQUIRE_FALSE(open);
    CHECK(open.failure().text.find("mode 0644") != std::string::npos);
    REQUIRE(chmod(token.c_str(), 0600) == 0);
    CHECK(*read_private_file(token) == "secret");
    CHECK_FALSE(read_private_file(here.path("new")));
    CHECK_FALSE(read_private_file(here.path("none")));
}
