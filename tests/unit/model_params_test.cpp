#include "model/params_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/stop_looks.h"
#include "model/value_json.h"
#include "model/value_writer.h"

using namespace p2c2r;

namespace {

// Params written as JSON, which keeps the cases readable.
Bytes params(std::string_view json) {
    Result<Bytes> bytes = json_to_value(json);
    REQUIRE_MESSAGE(bytes.ok(), (bytes ? "" : bytes.error().text));
    return *bytes;
}

// The error after `read` has read its fields, as "STATUS field: text", or "ok".
template <class Read>
std::string after(std::string_view json, Read&& read) {
    const Bytes bytes = params(json);
    ParamsReader reader(bytes.span());
    read(reader);
    const bool good = reader.ok();
    const Result<Done> result = reader.finish();
    if (result) return "ok";
    CHECK((good || !reader.ok()));
    return std::string(status_name(result.error().status)) + " " + result.error().field + ": " +
           result.error().text;
}

}  // namespace

TEST_CASE("params: fields are read with their values and absent ones with their defaults") {
    const Bytes bytes = params(
        R"({"width": 640, "scale": 2, "ratio": 1.5, "exact": true, "name": "n", "quality": "fast",
            "blob": {"$bytes": "AQI="}, "size": [3, 4.0], "point": [1, 2.5, -1e3], "any": null,
            "list": [1, 2], "camera": {}})");
    ParamsReader reader(bytes.span());
    CHECK(reader.integer("width", 1, 8192) == 640);
    CHECK(reader.integer("height", 1, 8192, 360) == 360);
    CHECK(reader.number("scale", 0, 10) == 2.0);
    CHECK(reader.number("ratio", 0, 10) == 1.5);
    CHECK(reader.number("gamma", 0, 10, 2.2) == 2.2);
    CHECK(reader.boolean("exact"));
    CHECK_FALSE(reader.boolean("other", false));
    CHECK(reader.text("name", 10) == "n");
    CHECK(reader.text("title", 10, "none") == "none");
    CHECK(reader.choice("quality", {"fast", "balanced"}, "balanced") == "fast");
    CHECK(reader.choice("algorithm", {"a", "b"}, "b") == "b");
    CHECK(reader.bytes("blob", 2).size() == 2);
    CHECK(reader.bytes("mask", 2, false).empty());
    int64_t size[2] = {0, 0};
    CHECK(reader.integers("size", size, 1, 4));
    CHECK(size[1] == 4);
    double point[3] = {};
    CHECK(reader.numbers("point", point, -1000, 1000));
    CHECK(point[2] == -1000);
    double up[3] = {0, 1, 0};
    CHECK_FALSE(reader.numbers("up", up, -1, 1, false));
    CHECK(up[1] == 1);
    CHECK(reader.value("any")->is(ValueKind::kNil));
    CHECK_FALSE(reader.value("nothing").has_value());
    CHECK(reader.array("list", 2)->count() == 2);
    CHECK(reader.map("camera")->count() == 0);
    CHECK(reader.maps("objects", 5, false).size() == 0);
    CHECK(reader.has("list"));
    CHECK_FALSE(reader.has("objects"));
    CHECK(reader.ok());
    CHECK(reader.finish().ok());
}

TEST_CASE("params: where a field is missing, one with nearly its name is told") {
    using R = ParamsReader;
    const auto missing = [](const std::string& there, const char* name) {
        return after(R"({")" + there + R"(": 1})", [name](R& r) { r.integer(name, 1, 8); });
    };
    CHECK(missing("widht", "width") ==
          "E_PARAMS width: width is required; is 'widht' meant for it?");
    CHECK(missing("timestp", "timestep").ends_with("; is 'timestp' meant for it?"));
    CHECK(missing("gird_sise", "grid_size").ends_with("; is 'gird_sise' meant for it?"));
    // Two that there are, an empty one, others that are longer or shorter.
    for (const std::string& other :
         {std::string("max"), std::string(), std::string("minimum"), std::string(5000, 'm')}) {
        CHECK(missing(other, "min") == "E_PARAMS min: min is required");
    }
    CHECK(missing(std::string(39, 'a'), std::string(40, 'a').c_str()).ends_with(" is required"));
    // What was read is known.
    CHECK(after(R"({"rows": 1})", [](R& r) {
              r.integer("rows", 1, 8);
              r.integer("row", 1, 8);
          }) == "E_PARAMS row: row is required");
}

TEST_CASE("params: what is wrong is told with field and value and what is allowed") {
    using R = ParamsReader;
    CHECK(after("{}", [](R& r) { r.integer("w", 1, 8); }) == "E_PARAMS w: w is required");
    CHECK(after(R"({"w": 0})", [](R& r) { CHECK(r.integer("w", 1, 8) == 1); }) ==
          "E_PARAMS w: w is 0, allowed are 1 to 8");
    CHECK(after(R"({"w": 9})", [](R& r) { CHECK(r.integer("w", 1, 8, 5) == 5); }) ==
          "E_PARAMS w: w is 9, allowed are 1 to 8");
    CHECK(after(R"({"w": 18446744073709551615})", [](R& r) { r.integer("w", 1, 8); }) ==
          "E_PARAMS w: w is 18446744073709551615, allowed are 1 to 8");
    CHECK(after(R"({"w": 2.5})", [](R& r) { r.integer("w", 1, 8); }) ==
          "E_PARAMS w: w is 2.5, expected an integer; allowed are 1 to 8");
    CHECK(after(R"({"w": "2"})", [](R& r) { r.integer("w", 1, 8); }) ==
          "E_PARAMS w: w is a text, expected an integer");
    CHECK(after(R"({"s": 1e9})", [](R& r) { CHECK(r.number("s", 0.5, 10) == 0.5); }) ==
          "E_PARAMS s: s is 1e+09, allowed are 0.5 to 10");
    CHECK(after(R"({"s": null})", [](R& r) { r.number("s", 0, 1); }) ==
          "E_PARAMS s: s is nil, expected a number");
    CHECK(after(R"({"b": 1})", [](R& r) { CHECK(r.boolean("b", true)); }) ==
          "E_PARAMS b: b is an integer, expected a boolean");
    CHECK(after(R"({"t": "four"})", [](R& r) { CHECK(r.text("t", 3, "x") == "x"); }) ==
          "E_PARAMS t: t has 4 bytes, the limit is 3");
    CHECK(after(R"({"t": []})", [](R& r) { r.text("t", 3); }) ==
          "E_PARAMS t: t is an array, expected a text");
    CHECK(after(R"({"q": "best"})", [](R& r) {
              r.choice("q", {"fast", "quality"});
          }) == "E_PARAMS q: q is 'best', allowed are fast, quality");
    CHECK(after(R"({"q": 3})", [](R& r) {
              r.choice("q", {"fast", "quality"});
          }) == "E_PARAMS q: q is an integer, expected one of fast, quality");
    CHECK(after("{\"q\": \"" + std::string(100, 'q') + "\"}", [](R& r) {
              r.choice("q", {"fast"});
          }) == "E_PARAMS q: q is a text of 100 bytes, allowed are fast");
    CHECK(after(R"({"d": {"$bytes": "AQID"}})", [](R& r) { CHECK(r.bytes("d", 2).empty()); }) ==
          "E_PARAMS d: d has 3 bytes, the limit is 2");
    CHECK(after(R"({"d": "x"})", [](R& r) { r.bytes("d", 2); }) ==
          "E_PARAMS d: d is a text, expected bytes");
    int64_t pair[2] = {7, 7};
    CHECK(after(R"({"p": [1]})", [&](R& r) { r.integers("p", pair, 0, 9); }) ==
          "E_PARAMS p: p has 1 items, expected an array of 2 integers");
    CHECK(after(R"({"p": 5})", [&](R& r) { r.integers("p", pair, 0, 9); }) ==
          "E_PARAMS p: p is an integer, expected an array of 2 integers");
    CHECK(after(R"({"p": [1, 10]})", [&](R& r) { r.integers("p", pair, 0, 9); }) ==
          "E_PARAMS p[1]: p[1] is 10, allowed are 0 to 9");
    CHECK(after(R"({"p": [1, "x"]})", [&](R& r) { r.integers("p", pair, 0, 9); }) ==
          "E_PARAMS p[1]: p[1] is a text, expected an integer");
    CHECK(after(R"({"a": [1, 2, 3]})", [](R& r) { CHECK_FALSE(r.array("a", 2).has_value()); }) ==
          "E_LIMIT a: a has 3 items, the limit is 2");
    CHECK(after(R"({"a": {}})", [](R& r) { r.array("a", 2); }) ==
          "E_PARAMS a: a is a map, expected an array");
    CHECK(after(R"({"m": []})", [](R& r) { r.map("m"); }) ==
          "E_PARAMS m: m is an array, expected a map");
    CHECK(after(R"({"c": 1})", [](R& r) { r.fail("c", "is busy", Status::kUnsupported); }) ==
          "E_UNSUPPORTED c: c is busy");
}

TEST_CASE("params: a field that nobody asked for is named") {
    CHECK(after(R"({"width": 1, "wdith": 2})", [](ParamsReader& r) { r.integer("width", 0, 9); }) ==
          "E_PARAMS wdith: wdith is not a parameter here");
    CHECK(after("{\"" + std::string(500, 'n') + "\": 2}", [](ParamsReader&) {}) ==
          "E_PARAMS params: params has a field with a name of 500 bytes, which is not a parameter "
          "here");
    std::string many = "{";
    for (int i = 0; i < 65; ++i) many += (i ? ",\"f" : "\"f") + std::to_string(i) + "\":1";
    CHECK(after(many + "}", [](ParamsReader&) {}) ==
          "E_LIMIT params: params has 65 fields, the limit is 64");
}

TEST_CASE("params: the first error sticks") {
    CHECK(after(R"({"a": 1, "b": 2, "c": 3})", [](ParamsReader& r) {
              r.integer("b", 0, 1);
              r.integer("a", 0, 0);
              r.text("c", 1);
          }) == "E_PARAMS b: b is 2, allowed are 0 to 1");
}

TEST_CASE("params: errors inside nested maps carry the whole path") {
    const auto read = [](ParamsReader& reader) {
        if (const auto camera = reader.map("camera", false)) {
            ParamsReader inner(*camera, reader, "camera");
            double position[3];
            inner.numbers("position", position, -10, 10);
            inner.done();
        }
        double mass = 0;
        for (ParamsReader object : reader.maps("objects", 3, false)) {
            mass += object.number("mass", 0, 100);
            object.done();
        }
        return mass;
    };
    CHECK(after(R"({"camera": {"position": [1, 2, 3]}, "objects": [{"mass": 1}, {"mass": 2}]})",
                [&](ParamsReader& r) { CHECK(read(r) == 3); }) == "ok");
    CHECK(after(R"({"objects": []})", read) == "ok");
    CHECK(after(R"({"camera": {"position": [1, 2, 30]}})", read) ==
          "E_PARAMS camera.position[2]: camera.position[2] is 30, allowed are -10 to 10");
    CHECK(after(R"({"camera": {"position": [1, 2, 3], "fov": 1}})", read) ==
          "E_PARAMS camera.fov: camera.fov is not a parameter here");
    CHECK(after(R"({"objects": [{"mass": 1}, {"mass": -1}]})", read) ==
          "E_PARAMS objects[1].mass: objects[1].mass is -1, allowed are 0 to 100");
    CHECK(after(R"({"objects": [{"mass": 1}, {}]})", read) ==
          "E_PARAMS objects[1].mass: objects[1].mass is required");
    CHECK(after(R"({"objects": [{"mass": 1}, 5]})", read) ==
          "E_PARAMS objects[1]: objects[1] is an integer, expected a map");
    CHECK(after(R"({"objects": [{}, {}, {}, {}]})", read) ==
          "E_LIMIT objects: objects has 4 items, the limit is 3");
}

TEST_CASE("params: bytes that are no map are an error and every read has a stand-in") {
    const std::vector<uint8_t> broken = {0xdd, 0xff, 0, 0, 0};
    ParamsReader reader(broken);
    CHECK_FALSE(reader.ok());
    CHECK(reader.integer("width", 1, 8, 4) == 4);
    CHECK(reader.integer("height", 1, 8) == 1);
    CHECK(reader.text("name", 8).empty());
    CHECK(reader.maps("objects", 8).size() == 0);
    const Result<Done> result = reader.finish();
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().status == Status::kParams);
    CHECK(result.error().field == "params");
    CHECK(result.error().text ==
          "params: an array of 4278190080 items does not fit into the 0 bytes that remain at byte "
          "0");
    // What is wrong inside has the name of its field.
    const std::vector<uint8_t> infinite = {0x81, 0xa4, 'm', 'a', 's', 's', 0xca, 0x7f, 0x80, 0, 0};
    const Result<Done> named = ParamsReader(infinite).finish();
    REQUIRE_FALSE(named.ok());
    CHECK(named.error().field == "mass");
    CHECK(named.error().text == "mass: a float is not a number or infinite at byte 6");
    ParamsReader empty({});
    CHECK(empty.integer("width", 1, 8, 4) == 4);
    CHECK(empty.finish().ok());
}

TEST_CASE("params: reading large params ends at any look that says so") {
    // Two maps of a list, the second of them large.
    ValueWriter writer;
    writer.map(2).key("name").text("n").key("objects").array(2);
    writer.map(1).key("size").integer(1);
    writer.map(1).key("numbers").array(300'000);
    for (uint32_t i = 0; i < 300'000; ++i) writer.integer(1'000'000 + i);
    const Bytes bytes = writer.take();
    uint64_t count = 0;
    const auto read = [&](uint64_t look_to_stop) {
        count = 0;
        StopLooks looks([&] { return ++count >= look_to_stop; });
        ParamsReader reader(bytes.span(), &looks);
        CHECK((reader.text("name", 8, "") == "n" || !reader.ok()));
        uint32_t maps = 0;
        for (ParamsReader object : reader.maps("objects", 8)) {
            ++maps;
            object.value("size");
            object.value("numbers");
            object.done();
        }
        CHECK(maps <= 2);
        const Result<Done> result = reader.finish();
        if (result) CHECK(maps == 2);
        return result ? Status::kOk : result.error().status;
    };
    CHECK(read(UINT64_MAX) == Status::kOk);
    const uint64_t all = count;
    CHECK(all >= 8);  // the scan, and walks over the list and the map
    for (uint64_t at = 1; at <= all; ++at) CHECK(read(at) == Status::kCancelled);
}

TEST_CASE("params: the bytes of a field alone are found without a walk") {
    const Bytes bytes = params(R"({"a": [1, [2, 3]], "b": "text"})");
    ParamsReader reader(bytes.span());
    const std::span<const uint8_t> list = reader.encoded("a");
    const std::span<const uint8_t> walked = reader.value("a")->encoded();
    CHECK(list.data() == walked.data());
    CHECK(list.size() == walked.size());
    CHECK(reader.encoded("b").size() == 5);
    CHECK(reader.encoded("c").empty());
}

TEST_CASE("stop looks: work is counted, and a yes is for good") {
    uint64_t count = 0;
    bool answer = false;
    StopLooks looks([&] {
        ++count;
        return answer;
    });
    CHECK_FALSE(looks.after(StopLooks::kNsPerLook - 1));
    CHECK(count == 0);
    CHECK_FALSE(looks.after(1));
    CHECK(count == 1);
    CHECK_FALSE(looks.after(100 * StopLooks::kNsPerLook));
    CHECK(count == 2);
    answer = true;
    CHECK(looks.now());
    answer = false;
    CHECK(looks.after(0));
    CHECK(looks.now());
    CHECK(looks.stopped());
    CHECK(count == 3);
    CHECK_FALSE(StopLooks().now());
}
