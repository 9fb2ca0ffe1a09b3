// What the program does at a terminal: lines fit into it, and a code that is typed is not shown.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "support/hosting.h"

using namespace p2c2r::test;

namespace {

// A terminal whose other end is this test.
struct Terminal {
    int master = ::posix_openpt(O_RDWR | O_NOCTTY);
    int held = -1;  // so that it stays as it was left
    std::string name;

    Terminal() {
        REQUIRE(master >= 0);
        REQUIRE(::grantpt(master) == 0);
        REQUIRE(::unlockpt(master) == 0);
        name = ::ptsname(master);
        held = ::open(name.c_str(), O_RDWR | O_NOCTTY);
        REQUIRE(held >= 0);
        REQUIRE(::fcntl(master, F_SETFL, O_NONBLOCK) == 0);
        struct winsize size = {};
        size.ws_col = 80;
        size.ws_row = 24;
        REQUIRE(::ioctl(master, TIOCSWINSZ, &size) == 0);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal() {
        ::close(held);
        ::close(master);
    }
    [[nodiscard]] bool shows() const {
        termios now = {};
        REQUIRE(::tcgetattr(held, &now) == 0);
        return (now.c_lflag & ECHO) != 0;
    }
    // Returns once the terminal has it: the keys after it stop and start what is shown, in their
    // turn, and of those this end is told. A write alone only hands it to the kernel.
    void type(const std::string& text) const {
        const std::string keys = text + "\x13\x11";
        set_packets(1);
        REQUIRE(::write(master, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
        const auto started = [&] {
            char told = 0;
            return ::read(master, &told, 1) == 1 && (told & TIOCPKT_START) != 0;
        };
        REQUIRE(wait_until(started));
        set_packets(0);
    }
    void set_packets(int on) const { REQUIRE(::ioctl(master, TIOCPKT, &on) == 0); }
    // Bytes that were typed and that nobody has read.
    [[nodiscard]] int unread() const {
        termios now = {};
        REQUIRE(::tcgetattr(held, &now) == 0);
        termios single = now;
        single.c_lflag &= ~static_cast<tcflag_t>(ICANON);  // else only whole lines count
        REQUIRE(::tcsetattr(held, TCSANOW, &single) == 0);
        int count = -1;
        REQUIRE(::ioctl(held, FIONREAD, &count) == 0);
        REQUIRE(::tcsetattr(held, TCSANOW, &now) == 0);
        return count;
    }
    [[nodiscard]] std::string shown() const {
        std::string text;
        char piece[4096];
        for (ssize_t got = 0; (got = ::read(master, piece, sizeof piece)) > 0;) {
            text.append(piece, static_cast<size_t>(got));
        }
        return text;
    }
    // The program with this terminal as `stream` ("<" or ">").
    [[nodiscard]] std::vector<std::string> command(const std::string& stream,
                                                   const std::string& words) const {
        return {"-c", "exec '" + std::string(P2C2R_PROGRAM) + "' " + words + " " + stream + "'" +
                          name + "'"};
    }
};

}  // namespace

TEST_CASE("terminal: the tables of accounts and open invitations fit into its lines") {
    const Workplace here;
    const Hosting host(here, {"--no-peer"});
    const std::string name = "a-machine-with-a-name-that-is-long-enough-for-the-whole-line";
    (void)host.another_code({"--name", name, "--friend", "--owner", name});
    REQUIRE(host.machine.run({"token", name, "--friend", "--owner", name}).exit_code == 0);
    for (const char* words : {"accounts", "invite --list"}) {
        CAPTURE(words);
        const Terminal terminal;
        const Ran ran =
            here.run_other("/bin/sh", terminal.command(">", words), host.machine.environment);
        CHECK_MESSAGE(ran.exit_code == 0, ran.error);
        const std::string text = terminal.shown();
        CHECK(text.find("\u2026") != std::string::npos);
        for (const std::string& line : lines_of(text)) {
            size_t width = 0;
            for (const char c : line)
                width += c != '\r' && (static_cast<uint8_t>(c) & 0xc0) != 0x80;
            CHECK_MESSAGE(width <= 80, line);
        }
    }
}

TEST_CASE("terminal: a join code that is typed is not shown, and what is typed after it is") {
    const Workplace here;
    const Hosting host(here, {"--no-peer"});
    const Machine laptop(here, "laptop");
    const Terminal terminal;
    p2c2r::cli::Process::Options options;
    options.environment = laptop.environment;
    options.error_file = here.path("typed.log");
    const auto start = [&] {
        auto process = p2c2r::cli::Process::start(
            "/bin/sh", terminal.command("<", "join - --no-benchmark --name laptop"), options);
        REQUIRE(process);
        REQUIRE(wait_until([&] { return !terminal.shows(); }));
        return std::move(*process);
    };
    p2c2r::cli::Process joins = start();
    terminal.type(host.code + "\n");
    CHECK(joins.wait(kPatienceUs) == 0);
    CHECK(here.read("typed.log").find("join code (it is not shown): ") != std::string::npos);
    CHECK(terminal.shown().find("P2C2R") == std::string::npos);
    CHECK(terminal.shows());
    // Ended from elsewhere, or by the keyboard.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        p2c2r::cli::Process ended = start();
        terminal.type("P2C2R:AB");
        ended.signal(number);
        CHECK(ended.wait(kPatienceUs) == 128 + number);
        CHECK(terminal.shows());
        CHECK(terminal.unread() == 0);
    }
    CHECK(terminal.shown().find("P2C2R") == std::string::npos);
}
