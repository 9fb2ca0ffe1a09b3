// The layers of ray tracing with everything that can be wrong with their params.
#include <doctest/doctest.h>

#include "bad_scenes.h"

using namespace p2c2r;
using namespace p2c2r::test;

TEST_CASE("bad params of the layers of ray tracing are errors that say what or defined results") {
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    {
        test::RequestBench bench("rt_shadows");
        const std::string light = R"("lights":[{"position":[3,9,4]}])";
        const BadRow rows[] = {
            {"nothing at all", "{}", {}, bad, "resolution", "required"},
            {"no lights", with(kSphere), {}, fine, "", ""},
            {"a light at a sphere's centre",
             with(kSphere, R"("lights":[{"position":[0,1,0]}])"),
             {},
             fine,
             "",
             ""},
            {"half of one pixel",
             R"({"resolution":[1,1],"half_resolution":true,)" + kCamera + R"(,"objects":[]})",
             {},
             fine,
             "",
             ""},
            {"a tile of the whole beside half of it",
             with(kSphere, R"("half_resolution":true,"tile":[0,0,8,6])"),
             {},
             bad,
             "tile",
             "4 x 3"},
            {"a lone output format",
             with(kSphere, R"("output_format":"raw")"),
             {},
             bad,
             "output_format",
             "not a parameter"},
            {"another number of lights before",
             with(kSphere, light + R"(,"previous":{"lights":[]})"),
             {},
             bad,
             "previous.lights",
             "are 0, now they are 1"},
            {"a camera that saw nothing before",
             with(kSphere, light + R"(,"previous":{"camera":{"position":[0,0,0],
                 "direction":[0,0,0]}})"),
             {},
             bad,
             "previous.camera.direction",
             "length"},
            {"nothing different before",
             with(kSphere, light + R"(,"previous":{})"),
             {},
             fine,
             "",
             ""},
            {"another scene before",
             with(kSphere, light + R"(,"previous":{"objects":[]})"),
             {},
             fine,
             "",
             ""},
            {"what was not asked before",
             with(kSphere, light + R"(,"previous":{"tile":1})"),
             {},
             bad,
             "previous.tile",
             "not a parameter"},
        };
        bench.check(rows);
    }
    {
        test::RequestBench bench("rt_reflections");
        const BadRow rows[] = {
            {"nothing at all", "{}", {}, bad, "resolution", "required"},
            {"no mirrors", with(kSphere), {}, fine, "", ""},
            {"a mirror around the eye",
             with(R"({"type":"sphere","position":[0,1,5],"radius":2,"material":"mirror"})"),
             {},
             fine,
             "",
             ""},
            {"layers of it",
             with(kSphere, R"("layers":["color"])"),
             {},
             bad,
             "layers",
             "not a parameter"},
        };
        bench.check(rows);
    }
    test::RequestBench bench("rt_global_illumination");
    const auto probes = [](const std::string& fields, const std::string& more = "") {
        return R"({"objects":[)" + kSphere + R"(],"probes":{)" + fields + "}" + more + "}";
    };
    const std::string place = R"("min":[0,0,0],"max":[1,1,1],)";
    const BadRow rows[] = {
        {"nothing at all", "{}", {}, bad, "probes", "required"},
        {"a grid of none",
         probes(place + R"("counts":[0,1,1])"),
         {},
         bad,
         "probes.counts[0]",
         "is 0"},
        {"a grid of too many",
         probes(place + R"("counts":[32,32,33])"),
         {},
         Status::kLimit,
         "probes.counts",
         "33792"},
        {"a grid beyond 64 bits",
         probes(place + R"("counts":[32768,32768,32768])"),
         {},
         Status::kLimit,
         "probes.counts",
         "35184372088832"},
        {"all probes at one place",
         probes(R"("min":[0,1,0],"max":[0,1,0],"counts":[2,2,1])", R"(,"rays_per_side":2)"),
         {},
         fine,
         "",
         ""},
        {"a grid from right to left",
         probes(R"("min":[1,2,1],"max":[-1,0,0],"counts":[2,2,2])", R"(,"rays_per_side":2)"),
         {},
         fine,
         "",
         ""},
        {"no rays",
         probes(place + R"("counts":[1,1,1])", R"(,"rays_per_side":0)"),
         {},
         bad,
         "rays_per_side",
         "is 0"},
        {"a ray too many",
         probes(place + R"("counts":[1,1,1])", R"(,"rays_per_side":1025)"),
         {},
         bad,
         "rays_per_side",
         "1025"},
        {"one ray of a side",
         probes(R"("min":[0,3,0],"max":[0,3,0],"counts":[1,1,1])", R"(,"rays_per_side":1)"),
         {},
         fine,
         "",
         ""},
        {"a camera",
         probes(place + R"("counts":[1,1,1])", "," + kCamera),
         {},
         bad,
         "camera",
         "not a parameter"},
        {"a camera before",
         probes(place + R"("counts":[1,1,1])", R"(,"previous":{)" + kCamera + "}"),
         {},
         bad,
         "previous.camera",
         "not a parameter"},
    };
    bench.check(rows);
}

TEST_CASE("bad params of rt_shadows and rt_reflections at every place and at random") {
    json params = good_picture();
    params["half_resolution"] = true;
    params["resolution"] = {15, 11};
    params["previous"] = {{"camera", kCameraParams},
                          {"lights", kLights},
                          {"ambient", 0.2},
                          {"background", {0, 0, 0}},
                          {"objects", json::array({kObjects[1]})}};
    json shadows = params;
    shadows.erase("jpeg_quality");
    shadows.erase("transfer");
    test::RequestBench shadow_bench("rt_shadows");
    test::try_everything(shadow_bench, {{shadows, {}}}, kPartners);
    test::RequestBench bench("rt_reflections");
    test::try_everything(bench, {{params, {}}}, kPartners);
}

TEST_CASE("bad params of rt_global_illumination at every place and at random") {
    test::RequestBench bench("rt_global_illumination");
    json params = json::parse(R"({"probes":{"min":[-1,0,-1],"max":[1,2,1],"counts":[2,1,1]},
        "rays_per_side":2,"max_bounces":1,"seed":9,"ambient":0.25,"background":[0,0.5,1]})");
    params["objects"] = kObjects;
    params["lights"] = kLights;
    params["previous"] = {{"lights", kLights}, {"ambient", 0.5}};
    test::try_everything(bench, {{params, {}}}, kPartners);
}
