// Layers from a G-buffer as a game gives it: its own depths and normals in place of primary rays.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/prng.h"
#include "kernels/raytrace_answers.h"
#include "support/gbuffer_planes.h"

using namespace p2c2r;
using namespace p2c2r::kernels;
using namespace p2c2r::test;

TEST_CASE("the layers of raytracing are a G-buffer as they are, and give the scene's masks") {
    LayerBench bench;
    const json scene = straight_scene();
    json asked = scene;
    asked["layers"] = {"color", "depth", "normal"};
    const LayerAnswer seen = bench.run("raytracing", asked);
    REQUIRE_MESSAGE(seen.status == Status::kOk, seen.error);
    json task = with_gbuffer(scene, seen.info["layers"]["depth"], seen.info["layers"]["normal"]);
    task["gbuffer"]["bias"] = 0;
    const Plane mask = bench.made("rt_shadows", task, seen.data);
    CHECK(mask == bench.made("rt_shadows", scene));
    CHECK(std::count(mask.begin(), mask.end(), 0) < ptrdiff_t(mask.size()));
    // The same for a tile: planes hold its pixels alone.
    json tile = asked;
    tile["tile"] = {9, 5, 41, 23};
    const LayerAnswer part = bench.run("raytracing", tile);
    json part_task =
        with_gbuffer(scene, part.info["layers"]["depth"], part.info["layers"]["normal"]);
    part_task["gbuffer"]["bias"] = 0;
    part_task["tile"] = tile["tile"];
    json part_scene = scene;
    part_scene["tile"] = tile["tile"];
    CHECK(bench.made("rt_shadows", part_task, part.data) == bench.made("rt_shadows", part_scene));
}

TEST_CASE("a reflection from a G-buffer is that of the scene where its planes are exact") {
    LayerBench bench;
    json scene = straight_scene();
    scene["output_format"] = "raw";
    const Planes planes = planes_of(bench, straight_scene());
    Plane mirrors;
    for (const uint32_t id : planes.ids) mirrors.push_back(id == 3 ? 255 : 0);
    json task = with_gbuffer(scene, f32_plane(planes.depths), s8x3_plane(planes));
    task["gbuffer"]["bias"] = 0;
    task["gbuffer"]["reflectivity"] = {{"format", "u8"}, {"data", bytes_of(mirrors)}};
    const Plane layer = bench.made("rt_reflections", task);
    CHECK(layer == bench.made("rt_reflections", scene));
    CHECK(std::count(layer.begin(), layer.end(), 0) < ptrdiff_t(layer.size() / 2));
    // At no bounces a mirror shows ambient light, as in a scene.
    task["max_bounces"] = scene["max_bounces"] = 0;
    CHECK(bench.made("rt_reflections", task) == bench.made("rt_reflections", scene));
    // Half the strength for all pixels: half the light, the sky stays black.
    task["ambient"] = 0.5;
    task["gbuffer"]["reflectivity"] = 0.5;
    const Plane half = bench.made("rt_reflections", task);
    for (size_t i = 0; i < planes.ids.size(); ++i) {
        REQUIRE(half[i * 3] == (planes.ids[i] == 0 ? 0 : 64));  // 0.25 * 255, rounded
    }
}

TEST_CASE("quantised G-buffers of random scenes agree with the scene in most pixels") {
    LayerBench bench;
    // Always the same scenes: in one among hundreds the camera looks along a surface, and then a
    // hundred times as many pixels differ.
    Prng prng(1);
    double masks[3] = {};
    double colors[3] = {};
    constexpr int kRounds = 40;
    for (int round = 0; round < kRounds; ++round) {
        const Bytes drawn = draw_raytrace_params(prng, 64, 48, 24);
        json scene = json::from_msgpack(drawn.data(), drawn.data() + drawn.size());
        for (json& object : scene["objects"]) {
            object["material"] = "diffuse";
            object.erase("ior");
            object.erase("emission");
        }
        scene["lights"] = {{{"position", {5, 7, 6}}, {"intensity", 0.5}}};
        scene["samples_per_pixel"] = 1;
        scene["max_bounces"] = 3;
        const Planes planes = planes_of(bench, scene);
        json mirrors = scene;
        for (json& object : mirrors["objects"]) {
            object["material"] = "mirror";
            object["color"] = {1, 1, 1};
        }
        mirrors["output_format"] = "raw";
        const Plane mask = mask_pixels(bench.made("rt_shadows", scene), 64, 48);
        const Plane layer = bench.made("rt_reflections", mirrors);
        const json depths[] = {f32_plane(planes.depths), f32_plane(planes.depths),
                               log16_plane(planes.depths, 0.125, 1048576)};
        const json normals[] = {s8x3_plane(planes), octahedral_plane(planes, 4),
                                octahedral_plane(planes, 2)};
        for (int form = 0; form < 3; ++form) {
            const Plane found = mask_pixels(
                bench.made("rt_shadows", with_gbuffer(scene, depths[form], normals[form])), 64, 48);
            masks[form] += share_of_hits(found, mask, 1, planes, 1) / kRounds;
            const Plane shown =
                bench.made("rt_reflections", with_gbuffer(mirrors, depths[form], normals[form]));
            colors[form] += share_of_hits(shown, layer, 3, planes, 13) / kRounds;
        }
    }
    // Of these scenes 0.052, 0.052 and 0.143 % of masks, 0.097, 0.090 and 0.127 % of colours. A bit
    // less of a normal of 8 bits, or of the upper byte of one of 16, gives 0.27 % and more of
    // masks.
    constexpr double kMasksMost[] = {0.0012, 0.0012, 0.0031};
    constexpr double kColorsMost[] = {0.0022, 0.0020, 0.0028};
    for (int form = 0; form < 3; ++form) {
        CAPTURE(form);
        CHECK(masks[form] < kMasksMost[form]);
        CHECK(colors[form] < kColorsMost[form]);
    }
}

TEST_CASE("where a G-buffer has no depth there is no shadow and no reflection and no light") {
    LayerBench bench;
    json scene = straight_scene(9, 5);
    scene["output_format"] = "raw";
    json normals = {{"format", "s8x3"}, {"data", bytes_of(Plane(45 * 3, 0))}};
    const json task = with_gbuffer(scene, f32_plane(std::vector<float>(45, 0)), normals);
    json shadows = task;
    shadows.erase("output_format");
    CHECK(bench.made("rt_shadows", shadows) == Plane(2 * 2 * 5, 0));
    CHECK(bench.made("rt_reflections", task) == Plane(45 * 3, 0));
    CHECK(bench.made("rt_global_illumination", task) == Plane(45 * 3, 0));
}

TEST_CASE("under an even sky every surface of a G-buffer receives the sky") {
    LayerBench bench;
    json scene = straight_scene(16, 16);
    scene["objects"] = json::array();
    scene["background"] = {0.2, 0.4, 1};
    scene["output_format"] = "raw";
    Planes planes;
    planes.depths.assign(256, 5);
    for (int i = 0; i < 256; ++i) planes.normals.push_back({double(i % 16 - 8), 3, double(i / 16)});
    const json task = with_gbuffer(scene, f32_plane(planes.depths), octahedral_plane(planes, 2));
    const LayerAnswer light = bench.run("rt_global_illumination", task);
    REQUIRE_MESSAGE(light.status == Status::kOk, light.error);
    for (size_t i = 0; i < light.data.size(); i += 3) {
        REQUIRE(light.data[i] == 51);
        REQUIRE(light.data[i + 1] == 102);
        REQUIRE(light.data[i + 2] == 255);
    }
    CHECK(light.info == json::parse(R"({"algorithm_used":"path","channels":3,"device":"native",
        "output_format":"raw","output_res":[16,16],"sample_count":1,"sample_first":0})"));
}

TEST_CASE("the light on a G-buffer is that of a probe at its place facing its way") {
    LayerBench bench;
    json scene = straight_scene(1, 1);
    for (json& object : scene["objects"]) object["material"] = "diffuse";
    scene["camera"] = {{"position", {-1, 2, 3}}, {"direction", {0, 0, -1}}};
    scene["background"] = {0.4, 0.4, 0.4};
    json probes = scene;
    for (const char* name : {"camera", "resolution"}) probes.erase(name);
    probes["probes"] = {{"min", {-1, 2, 1}}, {"max", {-1, 2, 1}}, {"counts", {1, 1, 1}}};
    probes["rays_per_side"] = 1024;
    const Plane sides = bench.made("rt_global_illumination", probes);
    scene["samples_per_pixel"] = 1024;
    scene["output_format"] = "raw";
    const double axes[6][3] = {{127, 0, 0},  {-127, 0, 0}, {0, 127, 0},
                               {0, -127, 0}, {0, 0, 127},  {0, 0, -127}};
    for (size_t side = 0; side < 6; ++side) {
        Planes planes;
        planes.normals.push_back({axes[side][0], axes[side][1], axes[side][2]});
        json task = with_gbuffer(scene, f32_plane({2}), s8x3_plane(planes));
        task["gbuffer"]["bias"] = 0;
        const Plane found = bench.made("rt_global_illumination", task);
        CAPTURE(side);
        for (size_t i = 0; i < 3; ++i) CHECK(std::abs(found[i] - sides[side * 3 + i]) <= 5);
    }
}

TEST_CASE("depths of 16 bits in even steps are as good where near and far are close") {
    LayerBench bench;
    json scene = straight_scene();
    // In place of a plane that goes on to the horizon.
    scene["objects"][2] = {{"type", "box"}, {"min", {-6, -1, -6}}, {"max", {6, 0, 6}}};
    const Planes planes = planes_of(bench, scene);
    const Plane mask = mask_pixels(bench.made("rt_shadows", scene), 67, 41);
    const json task = with_gbuffer(scene, u16_plane(planes.depths, 4, 20), s8x3_plane(planes));
    const Plane found = mask_pixels(bench.made("rt_shadows", task), 67, 41);
    CHECK(share_of_hits(found, mask, 1, planes, 1) < 0.01);
    CHECK(std::count(mask.begin(), mask.end(), 1) > 20);
}

TEST_CASE("depth along the camera's direction and a jitter move the place as they say") {
    LayerBench bench;
    const json scene = straight_scene(33, 17);
    const Planes planes = planes_of(bench, scene);
    json depth = f32_plane(linear_depths(planes, 33, 17, 40));
    depth["along"] = "direction";
    const Plane mask = bench.made("rt_shadows", scene);
    const Plane found = bench.made("rt_shadows", with_gbuffer(scene, depth, s8x3_plane(planes)));
    CHECK(share_of_different(mask_pixels(found, 33, 17), mask_pixels(mask, 33, 17), 1) < 0.01);
    // Half the resolution shows the pixel at the top left of each four: a quarter of a large pixel
    // from its centre.
    const json whole = straight_scene(66, 34);
    const Planes fine = planes_of(bench, whole);
    const Plane fine_mask = mask_pixels(bench.made("rt_shadows", whole), 66, 34);
    Planes quarter;
    Plane expected;
    for (size_t i = 0; i < 33 * 17; ++i) {
        const size_t at = i / 33 * 2 * 66 + i % 33 * 2;
        quarter.depths.push_back(fine.depths[at]);
        quarter.normals.push_back(fine.normals[at]);
        expected.push_back(fine_mask[at]);
    }
    json half = with_gbuffer(whole, f32_plane(quarter.depths), s8x3_plane(quarter));
    half["half_resolution"] = true;
    half["gbuffer"]["jitter"] = {-0.25, -0.25};
    const Plane halved = mask_pixels(bench.made("rt_shadows", half), 33, 17);
    CHECK(share_of_different(halved, expected, 1) < 0.01);
    half["gbuffer"]["jitter"] = {0.25, 0.25};
    const Plane off = mask_pixels(bench.made("rt_shadows", half), 33, 17);
    CHECK(share_of_different(off, expected, 1) > share_of_different(halved, expected, 1));
}

TEST_CASE("a wall beside a wide view does not shadow itself, however its linear depth is rounded") {
    LayerBench bench;
    // Seen by rays that are up to 11 times as long as their part along the camera's direction.
    json scene = json::parse(R"({"camera":{"position":[0,0,5],"direction":[0.966,0,-0.259],
        "fov_deg":170},"resolution":[65,65],"lights":[{"position":[0,0,20]}],
        "objects":[{"type":"box","min":[-20,-20,-1],"max":[20,20,0]}]})");
    const Planes planes = planes_of(bench, scene);
    CHECK(std::count(planes.ids.begin(), planes.ids.end(), 1u) > 1000);
    json depth = u16_plane(linear_depths(planes, 65, 65, 170), 0.125, 1000);
    depth["along"] = "direction";
    json task = with_gbuffer(scene, depth, s8x3_plane(planes));
    task["gbuffer"]["bias"] = 0;
    const Plane mask = mask_pixels(bench.made("rt_shadows", task), 65, 65);
    CHECK(std::count(mask.begin(), mask.end(), 1) == 0);
}

TEST_CASE("what changed on a G-buffer since other lights is a delta of the whole") {
    LayerBench bench;
    const json scene = straight_scene();
    const Planes planes = planes_of(bench, scene);
    json task = with_gbuffer(scene, f32_plane(planes.depths), s8x3_plane(planes));
    const size_t whole = bench.made("rt_shadows", task).size();
    task["previous"] = {{"lights", scene["lights"]}};
    task["lights"][0]["position"] = {3, 6, 2.1};
    const LayerAnswer delta = bench.run("rt_shadows", task);
    REQUIRE_MESSAGE(delta.status == Status::kOk, delta.error);
    CHECK(delta.info["full_size"] == whole);
    CHECK(!delta.data.empty());
    CHECK(delta.data.size() < whole / 2);
    // Another G-buffer is another layer, though all else was seen before.
    json next = task;
    std::vector<float> nearer = planes.depths;
    for (float& depth : nearer) depth *= 0.75f;
    next["gbuffer"]["depth"] = f32_plane(nearer);
    next["previous"] = {{"lights", task["lights"]}};
    const LayerAnswer moved = bench.run("rt_shadows", next);
    REQUIRE_MESSAGE(moved.status == Status::kOk, moved.error);
    CHECK(moved.data.empty());  // the same lights before: nothing has changed on this G-buffer
}
