// The demonstrations of the task types: their pictures hold what they should, by small checks of
// their own.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>

#include "cli/layer_colors.h"
#include "cli/picture.h"
#include "cli/probe_light.h"
#include "cli/test_card.h"
#include "support/program.h"

using namespace p2c2r::test;
using namespace p2c2r::cli;
using nlohmann::json;

namespace {

Picture decoded(const std::string& file) {
    SessionOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    REQUIRE(session);
    const Result<Picture> picture = decode_picture(**session, file);
    REQUIRE(picture);
    return *picture;
}

size_t colors_of(const Picture& picture) {
    std::set<std::array<uint8_t, 3>> colors;
    for (size_t at = 0; at < picture.pixels.size(); at += 3) {
        colors.insert({picture.pixels[at], picture.pixels[at + 1], picture.pixels[at + 2]});
    }
    return colors.size();
}

std::array<int, 3> pixel_at(const Picture& picture, size_t x, size_t y) {
    const uint8_t* const pixel = &picture.pixels[(y * picture.width + x) * 3];
    return {pixel[0], pixel[1], pixel[2]};
}

// A camera at the height of 2 that looks along -z, its picture 80 x 60, and a ball before it.
constexpr uint32_t kWidth = 80, kHeight = 60;
constexpr double kBall[3] = {0, 1, -6};
constexpr double kLight[3] = {4, 5, -3};

json ball_scene(const char* material) {
    return {{"camera", {{"position", {0, 2, 0}}, {"direction", {0, 0, -1}}, {"fov_deg", 60}}},
            {"resolution", {kWidth, kHeight}},
            {"samples_per_pixel", 1},
            {"background", {1, 0, 0}},
            {"objects",
             {{{"type", "sphere"}, {"position", kBall}, {"radius", 1}, {"material", material}}}},
            {"lights", {{{"position", kLight}}}}};
}

// Towards the centre of a pixel, by the words of the task: square pixels, fov from below to above.
std::array<double, 3> view(uint32_t x, uint32_t y) {
    const double step = 2 * std::tan(3.14159265358979 / 6) / kHeight;
    const std::array<double, 3> at{(x + 0.5 - kWidth / 2.0) * step,
                                   (kHeight / 2.0 - y - 0.5) * step, -1};
    const double length = std::sqrt(at[0] * at[0] + at[1] * at[1] + 1);
    return {at[0] / length, at[1] / length, at[2] / length};
}

// How far the ball is from `from`; 0: missed.
double to_ball(const std::array<double, 3>& from, const std::array<double, 3>& direction) {
    double along = 0, square = 0;
    for (size_t i = 0; i < 3; ++i) {
        along += (kBall[i] - from[i]) * direction[i];
        square += (kBall[i] - from[i]) * (kBall[i] - from[i]);
    }
    const double inside = 1 - square + along * along;
    if (inside < 0 || along < std::sqrt(inside) + 1e-3) return 0;
    return along - std::sqrt(inside);
}

// Of the ball on a floor at y = 0.
bool in_shadow(uint32_t x, uint32_t y) {
    const std::array<double, 3> direction = view(x, y);
    std::array<double, 3> point{0, 2, 0};
    double distance = to_ball(point, direction);
    const bool ball = distance > 0;
    if (!ball && direction[1] >= 0) return false;
    if (!ball) distance = -2 / direction[1];
    for (size_t i = 0; i < 3; ++i) point[i] += direction[i] * distance;
    std::array<double, 3> towards{};
    double length = 0, facing = 0;
    for (size_t i = 0; i < 3; ++i) {
        towards[i] = kLight[i] - point[i];
        length += towards[i] * towards[i];
        facing += towards[i] * (point[i] - kBall[i]);
    }
    if (ball) return facing < 0;
    for (double& part : towards) part /= std::sqrt(length);
    return to_ball(point, towards) > 0;
}

}  // namespace

TEST_CASE("demo: a type that is none of them is an error that lists those there are") {
    Workplace here;
    const Ran ran = here.run({"demo", "rt_caustics", "--out", here.path("o")});
    CHECK(ran.exit_code == 2);
    CHECK_FALSE(here.has("o"));
    const Ran help = here.run({"demo", "--help"});
    for (const char* name : {"upscale", "raytracing", "rt_shadows", "rt_reflections",
                             "rt_global_illumination", "physics", "ai_pathfinding", "stream"}) {
        CAPTURE(name);
        CHECK(ran.error.find(name) != std::string::npos);
        CHECK(help.out.find(name) != std::string::npos);
    }
    const std::string out = here.path("o");
    CHECK(here.run({"demo", "rt_shadows", here.path("none.json"), "--out", out}).exit_code == 2);
    CHECK(here.run({"demo", "rt_shadows", "--device", "abacus", "--out", out}).exit_code == 2);
    CHECK_FALSE(here.has("o"));
}

TEST_CASE("demo upscale: the sheet and each algorithm's result as exec makes it") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 1, 320, 180);
    const Ran ran = here.run({"demo", "upscaling", frames + "/frame_000.jpg", "--out",
                              here.path("out"), "--device", "native"});
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    const Picture sheet = decoded(here.read("out/upscale.png"));
    CHECK(sheet.width == 3 * 480 + 4 * 12);
    CHECK(sheet.height == 12 + 36 + 2 * (24 + 360 + 12));
    const Picture input = decoded(here.read("out/input.png"));
    CHECK(input.width == 160);
    CHECK(input.height == 90);
    std::set<std::string> results;
    for (const std::string algorithm : {"bicubic", "lanczos", "edge"}) {
        const Picture result = decoded(here.read("out/" + algorithm + ".png"));
        CHECK(result.width == 320);
        CHECK(result.height == 180);
        CHECK(colors_of(result) > 1000);
        results.insert(std::string(result.pixels.begin(), result.pixels.end()));
    }
    CHECK(results.size() == 3);
    const json params = {{"algorithm", "edge"}, {"output_res", {320, 180}}};
    const Ran exec =
        here.run({"exec", "--type", "upscale", "--data", here.path("out/input.png"), "--params",
                  params.dump(), "--out", here.path("edge.png"), "--device", "native", "--quiet"});
    REQUIRE(exec.exit_code == 0);
    CHECK(decoded(here.read("edge.png")).pixels == decoded(here.read("out/edge.png")).pixels);
    CHECK(colors_of(test_card(160, 90)) > 100);
}

TEST_CASE("demo rt_shadows: the mask is the shadow that a plain check finds") {
    Workplace here;
    json scene = ball_scene("diffuse");
    scene["objects"].push_back({{"type", "plane"}, {"position", {0, 0, 0}}, {"normal", {0, 1, 0}}});
    const Ran ran = here.run({"demo", "rt_shadows", here.write("s.json", scene.dump()), "--out",
                              here.path("out"), "--device", "native"});
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    const Picture mask = decoded(here.read("out/shadow_light_1.png"));
    REQUIRE(mask.width == kWidth);
    REQUIRE(mask.height == kHeight);
    uint32_t shadowed = 0, differ = 0;
    for (uint32_t y = 0; y < kHeight; ++y) {
        for (uint32_t x = 0; x < kWidth; ++x) {
            const bool expected = in_shadow(x, y);
            shadowed += expected;
            differ += expected != (pixel_at(mask, x, y)[0] == 0);
        }
    }
    CHECK(shadowed > 150);
    CHECK(differ <= 2);  // where a ray only just touches
    const Picture sheet = decoded(here.read("out/rt_shadows.png"));
    CHECK(sheet.width == 2 * (kWidth / 2 + 12) + 12);
    CHECK(colors_of(sheet) > 20);
    // The G-buffer that it wrote is a task for exec too.
    CHECK(ran.out.find("from a G-buffer") != std::string::npos);
    const Ran exec =
        here.run({"exec", "--type", "rt_shadows", "--data", here.path("out/gbuffer.bin"),
                  "--params", "@" + here.path("out/gbuffer.json"), "--out", here.path("mask.bin"),
                  "--device", "native", "--quiet"});
    CAPTURE(exec.error);
    REQUIRE(exec.exit_code == 0);
    const std::string bits = here.read("mask.bin");
    CHECK(bits.size() == (kWidth / 2 + 7) / 8 * (kHeight / 2));
    CHECK(bits.find_first_not_of('\0') != std::string::npos);
    scene["lights"] = json::array();
    const std::string dark = here.write("s.json", scene.dump());
    CHECK(here.run({"demo", "rt_shadows", dark, "--out", here.path("dark")}).exit_code == 2);
    CHECK_FALSE(here.has("dark"));
}

TEST_CASE("demo rt_reflections: a mirror shows what is around it and all else is black") {
    Workplace here;
    const std::string scene = here.write("s.json", ball_scene("mirror").dump());
    const Ran ran = here.run(
        {"demo", "rt_reflections", scene, "--out", here.path("out"), "--device", "native"});
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    const Picture layer = decoded(here.read("out/reflections.png"));
    REQUIRE(layer.width == kWidth);
    uint32_t on_ball = 0, differ = 0;
    for (uint32_t y = 0; y < kHeight; ++y) {
        for (uint32_t x = 0; x < kWidth; ++x) {
            const bool ball = to_ball({0, 2, 0}, view(x, y)) > 0;
            on_ball += ball;
            differ += pixel_at(layer, x, y) != std::array<int, 3>{ball ? 255 : 0, 0, 0};
        }
    }
    CHECK(on_ball > 100);
    CHECK(differ <= 2);
    CHECK(here.read("out/rt_reflections.png").starts_with("\x89PNG"));
}

TEST_CASE("demo rt_global_illumination: probes carry the walls' colours into the room") {
    Workplace here;
    const Ran ran = here.run({"demo", "rt_global_illumination", "--out", here.path("out"),
                              "--resolution", "160x120", "--samples", "1", "--device", "native"});
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    const Picture sheet = decoded(here.read("out/rt_global_illumination.png"));
    CHECK(sheet.width == 2 * (80 + 12) + 12);
    CHECK(sheet.height == 12 + 36 + 2 * (24 + 60 + 12));
    // Panels: direct light in the first, with the probes' in the last.
    const Picture direct = cut_out(sheet, 12, 12 + 36 + 24, 80, 60);
    const Picture lit = decoded(here.read("out/composite.png"));
    REQUIRE(lit.pixels.size() == direct.pixels.size());
    for (size_t i = 0; i < lit.pixels.size(); ++i) REQUIRE(lit.pixels[i] >= direct.pixels[i]);
    // The back wall is white. Direct light leaves it so; the red wall on the left and the green one
    // on the right do not.
    const auto tint = [](const Picture& picture, size_t x) {
        int sum = 0;
        for (size_t y = 20; y < 26; ++y) {
            sum += pixel_at(picture, x, y)[0] - pixel_at(picture, x, y)[1];
        }
        return sum;
    };
    CHECK(std::abs(tint(direct, 22) - tint(direct, 58)) <= 12);
    CHECK(tint(lit, 22) > tint(lit, 58) + 30);
    const json probeless = ball_scene("diffuse");
    const Ran none =
        here.run({"demo", "rt_global_illumination", here.write("s.json", probeless.dump())});
    CHECK(none.exit_code == 2);
    CHECK(none.error.find("probes") != std::string::npos);
}

TEST_CASE("demo raytracing: layers beside the picture, a model of one's own too") {
    Workplace here;
    const std::string model =
        here.write("m.obj", "v -1 0 0\nv 1 0 0\nv 0 2 0\nv 0 1 1\nf 1 2 3\nf 1 2 4\n");
    for (const char* type :
         {"ray_tracing", "rt_shadows", "rt_reflections", "rt_global_illumination"}) {
        CAPTURE(type);
        const Ran ran = here.run({"demo", type, model, "--out", here.path(type), "--resolution",
                                  "64x48", "--samples", "1", "--device", "native"});
        CAPTURE(ran.error);
        REQUIRE(ran.exit_code == 0);
    }
    const Picture sheet = decoded(here.read("ray_tracing/layers.png"));
    CHECK(sheet.width == 2 * (64 + 12) + 12);
    const Picture ids = cut_out(sheet, 64 + 2 * 12, 12 + 36 + 24, 64, 48);
    CHECK(colors_of(ids) == 3);  // the model, the floor, nothing
}

TEST_CASE("layer colors: nothing is black, numbers differ, near is brighter than far") {
    const Picture ids = id_colors({0, 1, 2, 1}, 2, 2);
    CHECK(pixel_at(ids, 0, 0) == std::array<int, 3>{0, 0, 0});
    CHECK(pixel_at(ids, 1, 0) == pixel_at(ids, 1, 1));
    CHECK(pixel_at(ids, 1, 0) != pixel_at(ids, 0, 1));
    const Picture depths = depth_colors({0, 2, 4, 4000}, 2, 2);
    CHECK(pixel_at(depths, 0, 0) == std::array<int, 3>{0, 0, 0});
    CHECK(pixel_at(depths, 1, 0)[1] > pixel_at(depths, 0, 1)[1]);
    CHECK(pixel_at(depths, 0, 1)[1] > pixel_at(depths, 1, 1)[1]);
    const Picture normals = normal_colors({0, 0, 0, 127, 0, -127}, 2, 1);
    CHECK(pixel_at(normals, 0, 0) == std::array<int, 3>{0, 0, 0});
    CHECK(pixel_at(normals, 1, 0) == std::array<int, 3>{255, 128, 0});
}

TEST_CASE(
    "probe light: between probes, from the side that is faced, without those that see nothing") {
    const json probes = {{"min", {0, 0, 0}}, {"max", {2, 0, 0}}, {"counts", {3, 1, 1}}};
    std::vector<uint8_t> bytes(3 * 18);
    for (size_t side = 0; side < 6; ++side) {
        bytes[side * 3] = static_cast<uint8_t>(50 * side);  // red of the first probe
        bytes[18 + side * 3] = 250;                         // and of the second; the third is blind
    }
    const ProbeLight light(probes, bytes);
    CHECK(light.count() == 3);
    CHECK(light.place(2)[0] == 2);
    CHECK(light.at({0, 5, 0}, {0, 1, 0})[0] == doctest::Approx(100 / 255.0));
    CHECK(light.at({0, 5, 0}, {0, -1, 0})[0] == doctest::Approx(150 / 255.0));
    CHECK(light.at({0.5, 0, 0}, {0, 1, 0})[0] == doctest::Approx(175 / 255.0));
    CHECK(light.at({1.9, 0, 0}, {0, 1, 0})[0] == doctest::Approx(250 / 255.0));
    CHECK(light.at({9, 0, 0}, {0, 1, 0})[0] == 0);
    const double half = std::sqrt(0.5);
    CHECK(light.at({0, 0, 0}, {0, half, half})[0] == doctest::Approx(150 / 255.0));
}
