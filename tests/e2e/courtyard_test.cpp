// The game example in a real window (of a virtual screen): its effects show, and are the same
// whoever computes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;

namespace {

constexpr const char* kScreen = "/usr/bin/xvfb-run";

std::string courtyard_program() {
    return p2c2r::cli::join_path(P2C2R_EXAMPLES, "courtyard");
}

bool can_play() {
    return p2c2r::cli::is_there(courtyard_program()) && p2c2r::cli::is_there(kScreen);
}

constexpr const char* kMoves = "5:right,22:up,26:space,50:none";

// Rolls right, then against a block, shoots, and takes a picture of the last frame.
Ran play(const Workplace& here, const std::string& picture,
         const std::vector<std::string>& more = {}, const std::string& keys = kMoves) {
    std::vector<std::string> arguments = {"-a", "-s", "-screen 0 640x480x24", courtyard_program()};
    for (const char* word : {"--steady", "--width", "640", "--height", "360", "--view-scale", "1",
                             "--layer-width", "320", "--layer-height", "180", "--frames", "60"}) {
        arguments.emplace_back(word);
    }
    arguments.insert(arguments.end(),
                     {"--keys", keys, "--screenshots", "60:" + here.path(picture)});
    arguments.insert(arguments.end(), more.begin(), more.end());
    // When its own clean-up fails, what was run is not to blame: once more.
    constexpr int kScreenNotCleared = 5;
    Ran ran = here.run_other(kScreen, arguments, {"PATH=/usr/bin:/bin"});
    if (ran.exit_code != kScreenNotCleared) return ran;
    return here.run_other(kScreen, arguments, {"PATH=/usr/bin:/bin"});
}

// A few frames of it without effects and without any screen.
Ran play_unseen(const Workplace& here, const std::vector<std::string>& more,
                const std::string& driver = "dummy") {
    std::vector<std::string> arguments = {"--off", "--width", "320", "--height", "180"};
    if (std::find(more.begin(), more.end(), "--frames") == more.end()) {
        arguments.insert(arguments.end(), {"--frames", "3"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    return here.run_other(courtyard_program(), arguments, {"SDL_VIDEODRIVER=" + driver});
}

// Pixels of a bitmap of 24 bits, three bytes each, without the corner where the text is.
std::string pixels_below_text(const std::string& bitmap) {
    const auto number = [&](size_t at) {
        uint32_t value = 0;
        for (size_t i = 0; i < 4; ++i) {
            value |= static_cast<uint32_t>(static_cast<uint8_t>(bitmap[at + i])) << (8 * i);
        }
        return value;
    };
    REQUIRE(bitmap.size() > 54);
    const size_t width = number(18);
    const size_t height = number(22);
    REQUIRE(width == 640);
    REQUIRE(height == 360);
    // Rows run from the bottom up: the last ones are the text's.
    return bitmap.substr(number(10), width * 3 * (height - 125));
}

// The share of pixels whose brightness differs by more than 30 of 255, darker and brighter ones.
std::pair<double, double> change(const std::string& from, const std::string& to) {
    REQUIRE(from.size() == to.size());
    size_t darker = 0;
    size_t brighter = 0;
    for (size_t i = 0; i + 2 < from.size(); i += 3) {
        int difference = 0;
        for (size_t c = 0; c < 3; ++c) {
            difference += static_cast<uint8_t>(to[i + c]) - static_cast<uint8_t>(from[i + c]);
        }
        darker += difference < -90 ? 1 : 0;
        brighter += difference > 90 ? 1 : 0;
    }
    const double all = static_cast<double>(from.size()) / 3;
    return {static_cast<double>(darker) / all, static_cast<double>(brighter) / all};
}

}  // namespace

TEST_CASE("courtyard: effects show when they are on, and each by itself") {
    if (!can_play()) {
        MESSAGE("skipped: SDL 2, SDL_ttf or Xvfb are not installed");
        return;
    }
    Workplace here;
    const Ran off = play(here, "off.bmp", {"--off"});
    REQUIRE_MESSAGE(off.exit_code == 0, off.error);
    CHECK(off.out.find("shadows      off, 0 answers") != std::string::npos);
    CHECK(off.out.find("up 0.00 down 0.00") != std::string::npos);
    const Ran on = play(here, "on.bmp");
    REQUIRE_MESSAGE(on.exit_code == 0, on.error);
    for (const char* effect :
         {"shadows      on, 30 ", "reflections  on, 15 ", "paths        on, 2 "}) {
        CHECK_MESSAGE(on.out.find(effect) != std::string::npos, on.out);
    }
    CHECK(on.out.find("from peer; ") == std::string::npos);  // no trouble
    const auto [darker, brighter] =
        change(pixels_below_text(here.read("off.bmp")), pixels_below_text(here.read("on.bmp")));
    CHECK(darker > 0.03);      // shadows
    CHECK(brighter > 0.0003);  // the sky in the mirror ball, debris over shadow
    // A key at a frame switches one of them: without shadows less is dark.
    const Ran three = play(here, "three.bmp", {}, std::string("2:1,") + kMoves);
    REQUIRE(three.exit_code == 0);
    const auto [darker_three, brighter_three] =
        change(pixels_below_text(here.read("off.bmp")), pixels_below_text(here.read("three.bmp")));
    CHECK(darker_three < darker / 2);
    CHECK(brighter_three > 0.0003);
}

TEST_CASE("courtyard: the picture is the same whether this process or a peer elsewhere computes") {
    if (!can_play()) {
        MESSAGE("skipped: SDL 2, SDL_ttf or Xvfb are not installed");
        return;
    }
    Workplace here;
    auto coordinator = here.coordinator();
    auto peer = here.peer(coordinator.url, "helper");
    REQUIRE(wait_for_peers(here, coordinator.url, 1));
    const Ran alone = play(here, "alone.bmp");
    // Over a line, on which an answer takes longer than a frame.
    const Ran away =
        play(here, "away.bmp", {"--url", coordinator.url, "--network", R"({"fake_lag_ms": 10})"});
    REQUIRE_MESSAGE(alone.exit_code == 0, alone.error);
    REQUIRE_MESSAGE(away.exit_code == 0, away.error);
    CHECK(here.read("alone.bmp") == here.read("away.bmp"));
    CHECK(status_of(here, coordinator.url)["completed_tasks"] > 45);
    CHECK(status_of(here, coordinator.url)["failed_tasks"] == 0);
}

TEST_CASE("courtyard: what cannot be used is said") {
    if (!can_play()) {
        MESSAGE("skipped: SDL 2, SDL_ttf or Xvfb are not installed");
        return;
    }
    Workplace here;
    const char* const nowhere = "p2c2r://127.0.0.1:1";
    const struct {
        std::vector<std::string> words;
        const char* says;
    } rows[] = {
        {{"--frames", "x"}, "--frames"},
        {{"--bogus"}, "--bogus"},
        {{"--pin", "12"}, "--pin requires --url"},
        {{"--url", nowhere, "--pin", "12"}, "--pin: 64 hexadecimal digits are wanted"},
        {{"--url", nowhere}, "--pin: "},
        {{"--url", "http://x"}, "--url: 'http://x' begins neither"},
        {{"--network", "{"}, "--network: "},
        {{"--network", R"({"fake_lag": 3})"}, "--network: "},
        {{"--keys", "30up"}, "--keys: '30up' is not FRAME:KEY, with a frame from 1 up"},
        {{"--keys", "5:up,x:up"}, "--keys: 'x:up' is not FRAME:KEY"},
        {{"--keys", "0:up"}, "--keys: '0:up' is not FRAME:KEY"},
        {{"--keys", "5:"}, "--keys: '5:' is not FRAME:KEY"},
        {{"--keys", "5:upp"}, "--keys: there is no key 'upp'; there are up, down, "},
        {{"--keys", "5:up,"}, "--keys: ends with a comma"},
        {{"--screenshots", "off.bmp"}, "--screenshots: 'off.bmp' is not FRAME:FILE"},
        {{"--screenshots", "9:x.jpg"}, "--screenshots: 'x.jpg' ends neither in .bmp nor in .png"},
        {{"--screenshots", "9:x.bmp", "--frames", "8"}, "frame 9 comes after the last one, 8"},
    };
    for (const auto& row : rows) {
        const Ran ran = here.run_other(courtyard_program(), row.words, {});
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 2);
        CHECK(ran.error.find(row.says) != std::string::npos);
    }
    const Ran picture = play(here, "none/there.bmp", {"--off"});
    CHECK(picture.exit_code == 1);
    CHECK(picture.error.find("none/there.bmp") != std::string::npos);
}

TEST_CASE("courtyard: without a display there is no game, unless one unseen is asked for") {
    if (!p2c2r::cli::is_there(courtyard_program())) {
        MESSAGE("skipped: SDL 2 or SDL_ttf are not installed");
        return;
    }
    Workplace here;
    const struct {
        std::vector<std::string> environment;
        const char* says;
    } rows[] = {
        {{"DISPLAY=", "SDL_VIDEODRIVER="}, "courtyard: no window: there is no display"},
        {{"DISPLAY=:none", "SDL_VIDEODRIVER="}, "courtyard: no window: the display ':none'"},
        {{"DISPLAY=:none", "SDL_VIDEODRIVER=x11"}, "courtyard: no window: "},
    };
    for (const auto& row : rows) {
        std::vector<std::string> environment = row.environment;
        environment.emplace_back("WAYLAND_DISPLAY=none");
        const Ran ran = here.run_other(courtyard_program(), {"--frames", "1"}, environment);
        CAPTURE(ran.error);
        CHECK(ran.exit_code == 3);
        CHECK(ran.error.find(row.says) != std::string::npos);
        CHECK(ran.error.find("to play unseen: xvfb-run") != std::string::npos);
        CHECK(ran.out.empty());
    }
    for (const char* driver : {"dummy", "offscreen"}) {
        const Ran ran = play_unseen(here, {}, driver);
        CHECK_MESSAGE(ran.exit_code == 0, ran.error);
        CHECK(ran.out.find("3 frames in ") == 0);
    }
}

TEST_CASE("courtyard: a picture is of the kind that its name says") {
    if (!p2c2r::cli::is_there(courtyard_program())) {
        MESSAGE("skipped: SDL 2 or SDL_ttf are not installed");
        return;
    }
    Workplace here;
    const Ran ran = play_unseen(
        here, {"--screenshots", "1:" + here.path("one.bmp") + ",1:" + here.path("one.PNG")});
    REQUIRE_MESSAGE(ran.exit_code == 0, ran.error);
    const std::string bitmap = here.read("one.bmp");
    CHECK(bitmap.substr(0, 2) == "BM");
    CHECK(here.read("one.PNG").substr(0, 8) == "\x89PNG\r\n\x1a\n");
    // Both have the same pixels: rows from the bottom up as blue, green, red, or as they are read.
    const Ran decoded =
        here.run({"exec", "--type", "upscale", "--data", here.path("one.PNG"), "--params",
                  R"({"scale": 1, "quality": "fast", "output_format": "raw"})", "--out",
                  here.path("one.raw")});
    REQUIRE_MESSAGE(decoded.exit_code == 0, decoded.error);
    const std::string pixels = here.read("one.raw");
    constexpr size_t kWidth = 320;
    constexpr size_t kHeight = 180;
    constexpr size_t kHeader = 54;
    REQUIRE(pixels.size() == kWidth * kHeight * 3);
    REQUIRE(bitmap.size() == kHeader + pixels.size());
    size_t different = 0;
    for (size_t i = 0; i < pixels.size(); ++i) {
        const size_t row = kHeight - 1 - i / (kWidth * 3);
        const size_t pixel = i % (kWidth * 3) / 3;
        different += pixels[i] != bitmap[kHeader + (row * kWidth + pixel) * 3 + 2 - i % 3] ? 1 : 0;
    }
    CHECK(different == 0);
}

TEST_CASE("courtyard: a coordinator that is not there or refuses is said, and the game goes on") {
    if (!p2c2r::cli::is_there(courtyard_program())) {
        MESSAGE("skipped: SDL 2 or SDL_ttf are not installed");
        return;
    }
    Workplace here;
    const std::string nobody = "p2c2r+plain://127.0.0.1:1";
    for (const char* frames : {"1", "3"}) {
        const Ran ran = play_unseen(here, {"--url", nobody, "--frames", frames});
        CHECK(ran.exit_code == 3);
        const std::string says = "courtyard: no coordinator at " + nobody +
                                 ": connection refused; the game goes on without it\n";
        CHECK_MESSAGE(ran.error.find(says) != std::string::npos, ran.error);
        CHECK(ran.error.find(nobody) == ran.error.rfind(nobody));  // once
        CHECK(ran.out.find(std::string(frames) + (*frames == '1' ? " frame in " : " frames in ")) ==
              0);
        CHECK(ran.out.find("the coordinator was not reached in the whole run") !=
              std::string::npos);
    }
    auto guarded = here.coordinator({"--access-file", here.path("access.json")});
    const Ran refused = play_unseen(here, {"--url", guarded.url});
    CHECK(refused.exit_code == 3);
    const std::string says = "courtyard: the coordinator at " + guarded.url + " refused: ";
    CHECK_MESSAGE(refused.error.find(says) != std::string::npos, refused.error);
    CHECK(refused.out.find("3 frames in ") == 0);
}

TEST_CASE("courtyard: a coordinator that is lost later is no error") {
    if (!p2c2r::cli::is_there(courtyard_program())) {
        MESSAGE("skipped: SDL 2 or SDL_ttf are not installed");
        return;
    }
    Workplace here;
    auto coordinator = here.coordinator();
    p2c2r::cli::Process::Options options;
    options.output_file = here.path("game.out");
    options.error_file = here.path("game.err");
    options.environment = {"SDL_VIDEODRIVER=dummy"};
    auto game = p2c2r::cli::Process::start(courtyard_program(),
                                           {"--off", "--width", "320", "--height", "180",
                                            "--view-scale", "8", "--url", coordinator.url},
                                           options);
    REQUIRE(game);
    REQUIRE(wait_until([&] { return status_of(here, coordinator.url)["clients"] == 2; }));
    CHECK(coordinator.process.stop(kStopUs) == 0);
    const std::string says = "courtyard: lost the coordinator at " + coordinator.url + ": ";
    CHECK(wait_until([&] { return here.read("game.err").find(says) != std::string::npos; }));
    CHECK(game->stop(kStopUs) == 0);
    CHECK(here.read("game.out").find("not reached") == std::string::npos);
}
