// What `exec` and `submit` say to whoever watches: once, about the right thing, and readable on a
// terminal.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/message.h"
#include "cli/text_table.h"
#include "support/lagging_relay_posix.h"
#include "support/program.h"
#include "support/raw_socket_posix.h"

using namespace p2c2r::test;
using namespace p2c2r::cli;

namespace {

bool words_say(const Ran& ran, const std::string& text) {
    return ran.error.find(text) != std::string::npos;
}

size_t times_in(const std::string& text, const std::string& part) {
    size_t count = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

// A terminal of so many columns that nobody sits at; what a program writes to it.
class WatchedTerminal {
  public:
    explicit WatchedTerminal(unsigned short columns)
        : own_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
        REQUIRE(own_ >= 0);
        REQUIRE(grantpt(own_) == 0);
        REQUIRE(unlockpt(own_) == 0);
        name_ = ptsname(own_);
        // Held, so that the end of the program is not the end of the terminal.
        other_ = open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(other_ >= 0);
        winsize size{};
        size.ws_row = 25;
        size.ws_col = columns;
        REQUIRE(ioctl(other_, TIOCSWINSZ, &size) == 0);
    }
    ~WatchedTerminal() {
        close(own_);
        close(other_);
    }
    WatchedTerminal(const WatchedTerminal&) = delete;
    WatchedTerminal& operator=(const WatchedTerminal&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::string written() const {
        std::string text;
        for (pollfd wait{own_, POLLIN, 0}; poll(&wait, 1, 0) > 0;) {
            char block[4096];
            const ssize_t got = read(own_, block, sizeof block);
            if (got <= 0) break;
            text.append(block, static_cast<size_t>(got));
        }
        return text;
    }

  private:
    int own_;
    int other_ = -1;
    std::string name_;
};

// What stands on each line at last: from the beginning of the line, and behind what clears it.
std::vector<std::string> shown_lines(const std::string& written) {
    std::vector<std::string> lines;
    for (std::string& line : lines_of(written)) {
        if (line.ends_with('\r')) line.pop_back();
        constexpr std::string_view kClear = "\r\x1b[K";
        if (const size_t at = line.rfind(kClear); at != std::string::npos) {
            line.erase(0, at + kClear.size());
        }
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

}  // namespace

TEST_CASE("exec: a misspelt parameter is named, also where it leaves another one missing") {
    const Workplace here;
    const auto exec = [&](const std::string& type, const std::string& params) {
        std::vector<std::string> words = {"exec", type, "--params", params, "--device", "native"};
        if (type == "upscale") words.insert(words.end(), {"--data", photograph()});
        return here.run(words);
    };
    const Ran upscale = exec("upscale", R"({"scael":2})");
    CHECK(upscale.exit_code == 1);
    CHECK_MESSAGE(words_say(upscale, "E_PARAMS: scael is not a parameter here\n"), upscale.error);
    CHECK(
        words_say(exec("upscale", R"({"jpeg_quality":80})"), "E_PARAMS: output_res is missing; "));
    const Ran paths = exec("ai_pathfinding", R"({"widht":8,"height":8,"agents":[]})");
    CHECK_MESSAGE(words_say(paths, " is required; is 'widht' meant for it?\n"), paths.error);
    const Ran physics = exec("physics", R"({"timestep":0.01,"objcets":[]})");
    CHECK_MESSAGE(words_say(physics, " is required; is 'objcets' meant for it?\n"), physics.error);
    const Ran picture = exec("raytracing", R"({"resolutoin":[8,8],"scene":{}})");
    CHECK_MESSAGE(words_say(picture, " is required; is 'resolutoin' meant for it?\n"),
                  picture.error);
    // What is not alike is not taken for it.
    const Ran other = exec("raytracing", R"({"wind":1})");
    CHECK_FALSE(words_say(other, "wind"));
}

TEST_CASE("exec: frames with one wrong parameter say so once, with a count") {
    const Workplace here;
    const std::string frames = make_frames(here, "frames", 4, 64, 36);
    const Ran ran = here.run({"exec", "upscale", "--data", frames, "--params", R"({"scale":0})",
                              "--out", here.path("out"), "--device", "native"});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 1);
    CHECK(times_in(ran.error, "E_PARAMS: scale is 0, allowed are ") == 1);
    CHECK(words_say(ran, "\n3 more failed for the same reason\n"));
    CHECK(words_say(ran, "4 failed (E_PARAMS 4)"));
}

TEST_CASE("exec: a directory without --out is told before anything is computed") {
    const Workplace here;
    const std::string frames = make_frames(here, "frames", 2, 64, 36);
    const std::string bad = here.write("frames/broken.jpg", "no picture");
    const Ran ran = here.run(
        {"exec", "upscale", "--data", frames, "--params", R"({"scale":2})", "--device", "native"});
    CAPTURE(ran.error);
    CHECK(ran.error.starts_with("3 frames: without --out DIRECTORY their results are not kept\n"));
    CHECK(words_say(ran, "broken.jpg failed: "));
    CHECK_FALSE(words_say(ran, "--out FILE"));
    const Ran one = here.run({"exec", "echo", "--data", bad});
    CHECK(words_say(one, ": 10 bytes of result; --out FILE keeps them\n"));
    const Ran kept = here.run({"exec", "echo", "--data", frames, "--out", here.path("out")});
    CHECK_FALSE(words_say(kept, "without --out"));
}

TEST_CASE("exec: a size beyond the limit is told as it is") {
    const Workplace here;
    const std::string frames = make_frames(here, "frames", 1, 1280, 720);
    const Ran ran = here.run({"exec", "upscale", "--data", frames + "/frame_000.jpg", "--params",
                              R"({"scale":9})", "--device", "native"});
    CHECK(ran.exit_code == 1);
    CHECK_MESSAGE(words_say(ran, "image of 11520 x 6480 passes the limit of 8192 pixels a side"),
                  ran.error);
}

TEST_CASE("submit: the coordinator's cap of a deadline is told as the coordinator's") {
    const Workplace here;
    auto coordinator = here.coordinator({"--task-timeout-ms", "300"});
    LaggingRelay relay(port_of_url(coordinator.url), 200'000);
    const auto far = here.peer("p2c2r+plain://127.0.0.1:" + std::to_string(relay.port()), "far");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    const Ran ran =
        here.run({"submit", "echo", "--remote-only", "--coordinator", coordinator.url, "--data",
                  here.write("data", "some bytes"), "--deadline-ms", "20000"});
    CHECK(ran.exit_code == 1);
    CHECK_MESSAGE(
        words_say(ran,
                  "had no answer within the deadline of 300 ms (the --task-timeout-ms of the "
                  "coordinator, which caps the 20000 ms of --deadline-ms): "),
        ran.error);
    CHECK(words_say(ran, "Only a longer --task-timeout-ms of the coordinator waits longer"));
}

TEST_CASE("submit: what is wrong with a request is told, and nothing of deadlines") {
    const Workplace here;
    auto coordinator = here.coordinator();
    LaggingRelay relay(port_of_url(coordinator.url), 0, 32'000);
    const Ran ran = here.run({"submit", "upscale", "--coordinator",
                              "p2c2r+plain://127.0.0.1:" + std::to_string(relay.port()), "--data",
                              photograph(), "--params", R"({"scale":-1})", "--deadline-ms", "300"});
    CAPTURE(ran.error);
    CHECK(ran.exit_code == 1);
    CHECK(words_say(ran, " failed: E_PARAMS: scale is -1, allowed are "));
    CHECK_FALSE(words_say(ran, "had no answer within"));
}

TEST_CASE("message: lines are broken between words at the terminal's edge") {
    CHECK(broken_at("one two three", 0) == "one two three");
    CHECK(broken_at("one two three", 13) == "one two three");
    CHECK(broken_at("one two three", 12) == "one two\nthree");
    CHECK(broken_at("one two/three/four/five", 12) == "one two/three/four/five");
}

TEST_CASE("exec: on a terminal an error has a line of its own, and none is broken inside a word") {
    const Workplace here;
    const std::string frames = make_frames(here, "frames", 24, 64, 36);
    // The last one: by then the progress has been drawn.
    here.write("frames/zz_broken.jpg", "no picture");
    const WatchedTerminal terminal(62);
    Process program = here.start({"exec", "upscale", "--data", frames, "--params", R"({"scale":2})",
                                  "--out", here.path("out"), "--device", "native"},
                                 terminal.name());
    CHECK(program.wait(kPatienceUs) == 1);
    const std::string written = terminal.written();
    CAPTURE(written);
    bool is_told = false;
    for (const std::string& line : shown_lines(written)) {
        CAPTURE(line);
        CHECK(width_of(line) <= 62);
        is_told = is_told || line.starts_with("zz_broken.jpg failed: ");
    }
    CHECK(is_told);
    CHECK(times_in(written, "24 of 25 in ") == 1);
}
