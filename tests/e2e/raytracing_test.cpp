// Models and scenes through the real program.
#include <doctest/doctest.h>

#include <string>

#include "cli/model_import.h"
#include "cli/picture.h"
#include "support/program.h"

using namespace p2c2r::test;
using namespace p2c2r::cli;
using nlohmann::json;

namespace {

std::string failure_of(const Result<std::vector<ModelPart>>& result) {
    return result ? "" : result.failure().text;
}

// A triangle and, moved, scaled and turned, a second one; places and indices in a data URI.
json small_gltf() {
    return json::parse(R"({"asset":{"version":"2.0"},"scene":0,"scenes":[{"nodes":[0,1]}],
        "nodes":[{"mesh":0},{"translation":[10,0,0],"children":[2]},
                 {"mesh":0,"scale":[2,2,2],"rotation":[0,0,0.70710678,0.70710678]}],
        "meshes":[{"primitives":[{"attributes":{"POSITION":0},"indices":1,"material":0}]}],
        "materials":[{"pbrMetallicRoughness":{"baseColorFactor":[0.25,0.5,1,1],
                                              "metallicFactor":1,"roughnessFactor":0}}],
        "accessors":[{"bufferView":0,"componentType":5126,"count":3,"type":"VEC3"},
                     {"bufferView":1,"componentType":5123,"count":3,"type":"SCALAR"}],
        "bufferViews":[{"buffer":0,"byteLength":36},{"buffer":0,"byteOffset":36,"byteLength":6}],
        "buffers":[{"byteLength":42,"uri":"data:application/octet-stream;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAAAAABAAIA"}]})");
}

}  // namespace

TEST_CASE("model import: an OBJ with polygons and materials and negative numbers") {
    Workplace here;
    here.write("m.mtl", "newmtl shiny one\nKd 0.5 0.25 1\nillum 3\nnewmtl lamp\nKe 1 1 0\n");
    const std::string path = here.write("m.obj",
                                        "# a square and a triangle\nmtllib m.mtl\n"
                                        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0 # corner\r\n"
                                        "usemtl shiny one\nf 1/1 2/2/2 3//3 4\n"
                                        "usemtl lamp\nv 0 0 5\nf -1 1 2\n");
    const Result<std::vector<ModelPart>> parts = import_model(path);
    REQUIRE_MESSAGE(parts, failure_of(parts));
    REQUIRE(parts->size() == 2);
    const ModelPart& lamp = (*parts)[0];  // by name
    CHECK(lamp.material == "emissive");
    CHECK(lamp.color == std::array<double, 3>{1, 1, 0});
    CHECK(lamp.vertices == std::vector<float>{0, 0, 5, 0, 0, 0, 1, 0, 0});
    const ModelPart& square = (*parts)[1];
    CHECK(square.material == "mirror");
    CHECK(square.indices == std::vector<uint32_t>{0, 1, 2, 0, 2, 3});
    CHECK(square.vertices.size() == 12);
}

TEST_CASE("model import: a broken OBJ names file and line") {
    Workplace here;
    const auto failure = [&](const std::string& text) {
        return failure_of(import_model(here.write("bad.obj", text)));
    };
    CHECK(failure("v 0 0 0\nv 1 x 0\n").find("line 2") != std::string::npos);
    CHECK(failure("v 0 0 0\nf 1 2 3\n").find("'2' is none of the 1") != std::string::npos);
    CHECK(failure("v 0 0 0\nf 1 1 -2\n").find("'-2'") != std::string::npos);
    CHECK(failure("v 0 0 0\nf 1 1\n").find("three corners") != std::string::npos);
    CHECK(failure("v 0 0 0\n").find("no faces") != std::string::npos);
    CHECK(failure("").find("no faces") != std::string::npos);
}

TEST_CASE("model import: glTF nodes place their meshes") {
    Workplace here;
    const auto parts = import_model(here.write("m.gltf", small_gltf().dump()));
    REQUIRE_MESSAGE(parts, failure_of(parts));
    REQUIRE(parts->size() == 2);
    CHECK((*parts)[0].vertices == std::vector<float>{0, 0, 0, 1, 0, 0, 0, 1, 0});
    CHECK((*parts)[0].material == "mirror");
    CHECK((*parts)[0].color == std::array<double, 3>{0.25, 0.5, 1});
    // Turned by a quarter around z, twice as large, ten to the right.
    const std::vector<float> expected{10, 0, 0, 10, 2, 0, 8, 0, 0};
    REQUIRE((*parts)[1].vertices.size() == 9);
    for (size_t i = 0; i < 9; ++i) {
        CHECK((*parts)[1].vertices[i] == doctest::Approx(expected[i]).epsilon(1e-6));
    }
}

TEST_CASE("model import: a broken glTF is refused whatever is wrong with it") {
    Workplace here;
    const auto failure = [&](const char* place, const json& value) {
        json file = small_gltf();
        file[json::json_pointer(place)] = value;
        return failure_of(import_model(here.write("bad.gltf", file.dump())));
    };
    CHECK(failure("/asset/version", "1.0").find("glTF 1.0") != std::string::npos);
    CHECK(failure("/extensionsRequired", {"KHR_draco_mesh_compression"}).find("draco") !=
          std::string::npos);
    CHECK(failure("/scene", 3).find("scene 3") != std::string::npos);
    CHECK(failure("/scenes/0/nodes/0", 9).find("node 9") != std::string::npos);
    CHECK(failure("/nodes/0/children", {0}).find("nested") != std::string::npos);
    CHECK(failure("/nodes/0/mesh", 7).find("mesh 7") != std::string::npos);
    CHECK(failure("/accessors/0/count", 400).find("beyond") != std::string::npos);
    CHECK(failure("/accessors/0/count", -1) != "");
    CHECK(failure("/accessors/0/byteOffset", 40).find("beyond") != std::string::npos);
    CHECK(failure("/accessors/0/type", "VEC2").find("places") != std::string::npos);
    CHECK(failure("/accessors/1/componentType", 5126).find("indices") != std::string::npos);
    CHECK(failure("/accessors/1/bufferView", 5) != "");
    CHECK(failure("/bufferViews/1/byteStride", 1000).find("beyond") != std::string::npos);
    CHECK(failure("/bufferViews/1/byteOffset", 12).find("none of 3") != std::string::npos);
    CHECK(failure("/buffers/0/byteLength", 43).find("42 bytes") != std::string::npos);
    CHECK(failure("/buffers/0/uri", "../secret.bin").find("own directory") != std::string::npos);
    CHECK(failure("/buffers/0/uri", "/etc/hostname").find("own directory") != std::string::npos);
    CHECK(failure("/meshes/0/primitives/0/attributes", json::object()) != "");
    CHECK(failure_of(import_model(here.write("bad.gltf", "{"))).find("no glTF") !=
          std::string::npos);
    const std::string cut = std::string("glTF\2\0\0\0\x20\0\0\0\xff\xff\0\0JSON", 20);
    CHECK(failure_of(import_model(here.write("bad.glb", cut))).find("cut") != std::string::npos);
    CHECK(failure_of(import_model(here.path("none.gltf"))) != "");
    CHECK(failure_of(import_model(here.path("model.fbx"))).find(".obj") != std::string::npos);
}

TEST_CASE("model import: a file is read once, however the buffers of a glTF spell its name") {
    Workplace here;
    json file = small_gltf();
    here.write("my m.bin", std::string(42, '\0'));
    file["buffers"] = json::array();
    const char* const kSpellings[] = {"my m.bin", "my%20m.bin", "./my%20m.bin", "a/../my m.bin",
                                      ".//a/b/../%2e%2E/my%20%6D.bin"};
    for (const char* uri : kSpellings) {
        file["buffers"].push_back({{"byteLength", 42}, {"uri", uri}});
    }
    const std::string path = here.write("m.gltf", file.dump());
    std::vector<std::string> names;
    const auto parts = import_gltf(path, [&](const std::string& model, const std::string& name) {
        names.push_back(name);
        return read_beside(model, name);
    });
    REQUIRE_MESSAGE(parts, failure_of(parts));
    CHECK(parts->size() == 2);
    CHECK(names == std::vector<std::string>{"my m.bin"});
    CHECK(failure_of(import_model(path)) == "");
}

TEST_CASE("model import: names of files stay inside the model's directory, by their letters") {
    CHECK(name_beside("m.bin") == "m.bin");
    CHECK(name_beside("./a//b/./../c..d/m.bin/") == "a/c..d/m.bin");
    CHECK(name_beside("a%2F..%2F..%2Fm.bin") == "a%2F..%2F..%2Fm.bin");  // a file of that name
    using namespace std::string_view_literals;
    for (const std::string_view outside :
         {""sv, "."sv, ".."sv, "a/.."sv, "../m.bin"sv, "a/../../a/m.bin"sv, "/m.bin"sv,
          "a\\..\\b"sv, "C:m.bin"sv, "http://host/m.bin"sv, "m.bin\0.png"sv}) {
        CAPTURE(outside);
        CHECK_FALSE(name_beside(outside));
    }
    Workplace here;
    json file = small_gltf();
    here.write("secret.bin", std::string(42, '\0'));
    for (const char* uri : {"%2e%2e/secret.bin", "a/..%2F../secret.bin", "%2Fetc/hostname",
                            "secret.bin%00", "%2E%2e%5csecret.bin"}) {
        CAPTURE(uri);
        file["buffers"][0]["uri"] = uri;
        const auto parts = import_model(here.write("m.gltf", file.dump()));
        CHECK(failure_of(parts).find("own directory") != std::string::npos);
    }
}

TEST_CASE("model import: many primitives of the same accessors take no more than their triangles") {
    Workplace here;
    json file = small_gltf();
    // 6 000 places, of which each primitive uses three, and 999 indices, all 0.
    const size_t places = 6'000;
    std::string bytes(places * 12 + 999, '\0');
    here.write("m.bin", bytes);
    file["buffers"] = {{{"byteLength", bytes.size()}, {"uri", "m.bin"}},
                       {{"byteLength", bytes.size()}, {"uri", "m.bin"}}};
    file["bufferViews"] = {{{"buffer", 0}, {"byteLength", places * 12}},
                           {{"buffer", 1}, {"byteOffset", places * 12}, {"byteLength", 999}}};
    file["accessors"] = {
        {{"bufferView", 0}, {"componentType", 5126}, {"count", places}, {"type", "VEC3"}},
        {{"bufferView", 1}, {"componentType", 5121}, {"count", 999}, {"type", "SCALAR"}}};
    file["scenes"][0]["nodes"] = {0};
    const json primitive = {{"attributes", {{"POSITION", 0}}}, {"indices", 1}};
    const auto with = [&](size_t primitives, const json& one) {
        file["meshes"][0]["primitives"] = json::array();
        for (size_t i = 0; i < primitives; ++i) file["meshes"][0]["primitives"].push_back(one);
        return import_model(here.write("m.gltf", file.dump()));
    };
    const auto parts = with(200, primitive);
    REQUIRE_MESSAGE(parts, failure_of(parts));
    REQUIRE(parts->size() == 200);
    for (const ModelPart& part : *parts) {
        CHECK(part.vertices.size() == 3);  // one place, used 999 times
        CHECK(part.indices == std::vector<uint32_t>(999, 0));
    }
    // 3 149 times 333 triangles are one primitive too many.
    CHECK(failure_of(with(3'148, primitive)).empty());
    CHECK(failure_of(with(3'149, primitive)).find("1048576 triangles") != std::string::npos);
    json plain = primitive;
    plain.erase("indices");
    CHECK(failure_of(with(600, plain)).find("1048576 triangles") != std::string::npos);
    // Those without a triangle are counted, too.
    json points = primitive;
    points["mode"] = 0;
    file["scenes"][0]["nodes"] = std::vector<size_t>(100, 0);
    CHECK(failure_of(with(700, points)).find("too many parts") != std::string::npos);
}

TEST_CASE("demo raytracing: the bands of two peers are the picture that exec makes") {
    Workplace here;
    const std::string model = here.write("m.gltf", small_gltf().dump());
    const Ran ran = here.run({"demo", "raytracing", model, "--out", here.path("out"), "--samples",
                              "2", "--resolution", "64x40", "--device", "native"});
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    const auto size = picture_size(here.read("out/raytracing.png"));
    REQUIRE(size);
    CHECK(size->width == 64);
    CHECK(size->height == 40);
    const Ran exec =
        here.run({"exec", "--type", "raytracing", "--params", "@" + here.path("out/scene.json"),
                  "--out", here.path("whole.png"), "--device", "native", "--quiet"});
    CAPTURE(exec.error);
    REQUIRE(exec.exit_code == 0);
    CHECK(here.read("whole.png").starts_with("\x89PNG"));
    SessionOptions options;
    options.device.kind = DeviceChoice::Kind::kNative;
    Result<std::unique_ptr<Session>> session = Session::open(options);
    REQUIRE(session);
    const auto bands = decode_picture(**session, here.read("out/raytracing.png"));
    const auto whole = decode_picture(**session, here.read("whole.png"));
    REQUIRE(bands);
    REQUIRE(whole);
    CHECK(bands->pixels == whole->pixels);
    const std::string none = here.path("none");
    CHECK(here.run({"demo", "raytracing", none + ".obj", "--out", none}).exit_code == 2);
    CHECK(here.run({"demo", "raytracing", "--resolution", "0x4", "--out", none}).exit_code == 2);
    CHECK_FALSE(here.has("none"));
}
