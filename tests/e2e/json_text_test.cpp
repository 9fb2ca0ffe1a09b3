// JSON of params and request lines: what is wrong is an error with its place.
#include <doctest/doctest.h>

#include "cli/json_text.h"
#include "cli/task_request.h"
#include "support/program.h"

using namespace p2c2r::cli;
using nlohmann::json;

namespace {

std::string error_of(const std::string& text) {
    return read_json(text, "params").error;
}

}  // namespace

TEST_CASE("params: a number that is not finite is an error that names its place") {
    const struct {
        const char* text;
        const char* error;
    } rows[] = {
        {R"({"camera": {"position": [0, 1e999, 0]}})",
         "params.camera.position[1]: 1e999 is no finite number"},
        {R"({"camera": {"position": [0, 0], "fov_deg": -1e999}})",
         "params.camera.fov_deg: -1e999 is no finite number"},
        {R"({"objects": [{"radius": 1}, {"position": [0, 1, NaN]}]})",
         "params.objects[1].position[2]: NaN is no finite number"},
        {R"({"objects": [{"radius": nan}]})", "params.objects[0].radius: nan is no finite number"},
        {R"({"a": [[1, 2], [[]], [3, -Infinity]]})",
         "params.a[2][1]: -Infinity is no finite number"},
        {R"({"a": {}, "scale":Infinity})", "params.scale: Infinity is no finite number"},
        {R"({"a": +inf})", "params.a: +inf is no finite number"},
        {"NaN", "params: NaN is no finite number"},
        {"[NaN]", "params[0]: NaN is no finite number"},
        {R"({"a": 123456789012345678901234567890e300})",
         "params.a: 123456789012345678901234567890e300 is no finite number"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(error_of(row.text) == row.error);
        // By the options of the program and, with its number, in a line of requests.
        TaskOptions options;
        options.type = "raytracing";
        options.params = row.text;
        const auto input = read_task_input(options);
        REQUIRE_FALSE(input);
        CHECK(input.failure().exit_code == kExitUsage);
        CHECK(input.failure().text == std::string("--params: ") + row.error);
        CHECK(parse_request_line(row.text, 3).error == std::string("line 3: ") + row.error);
    }
}

TEST_CASE("params: what is no JSON is an error that names its place and what stands there") {
    const struct {
        const char* text;
        const char* error;
    } rows[] = {
        {"", "params: the JSON ends too early"},
        {"{oops", "params: no JSON at character 2, 'oops'"},
        {R"({"a": [1, tru]})", "params.a[1]: no JSON at character 14, 'tru'"},
        {R"({"a": 01})", "params.a: no JSON at character 8, '01'"},
        {R"({"a": {"b": [1, 2)", "params.a.b[2]: the JSON ends too early"},
        {R"({"a": 1} x)", "params: no JSON at character 10, 'x'"},
        {"{\"a\": \"\xff\"}", "params.a: no JSON at character 8"},
        {R"({"a": 1, "b": nano})", "params.b: no JSON at character 16, 'nano'"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(error_of(row.text) == row.error);
    }
    const std::string long_word = "{\"a\": x" + std::string(5000, 'y') + "}";
    CHECK(error_of(long_word).size() < 120);
}

TEST_CASE("params: a key that is given twice is refused by its name and place at any depth") {
    CHECK(error_of(R"({"a": 1, "b": 2, "a": 1})") == "params gives the key 'a' twice");
    CHECK(error_of(R"({"x": [0, {"a": 1, "a": 2}]})") == "params.x[1] gives the key 'a' twice");
    CHECK(error_of(R"({"a": {"a": 1}, "a": 2})") == "params gives the key 'a' twice");
    CHECK(error_of(R"({"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]})").empty());
}

TEST_CASE("params: JSON without an error is what it says") {
    const std::string text =
        R"( {"a": [1, -2, 2.5, 1e-999, null, true, "x\u00e9"], "b": {"": [[], {}]}, "c": 1e308} )";
    const JsonText read = read_json(text, "params");
    CHECK(read.error.empty());
    CHECK(read.value == json::parse(text));
    CHECK(read_json("7", "params").value == 7);
}

TEST_CASE("request lines: an error names the place in the params and the line keeps its id") {
    const TaskRequest inner =
        parse_request_line(R"({"id": 7, "input": {"gravity": [0, NaN, 0]}})", 2);
    CHECK(inner.error == "line 2: params.gravity[1]: NaN is no finite number");
    CHECK(inner.id == 7);
}

TEST_CASE("params: what is nested deeper than params may be is refused, however deep it is") {
    const auto nested = [](const std::string& open, size_t depth, const std::string& close) {
        std::string text;
        for (size_t i = 0; i < depth; ++i) text += open;
        text += "1";
        for (size_t i = 0; i < depth; ++i) text += close;
        return text;
    };
    for (const auto& [open, close] : {std::pair("{\"a\":", "}"), std::pair("[", "]")}) {
        CHECK(error_of(nested(open, 16, close)).empty());
        for (const size_t depth : {size_t{17}, size_t{300'000}}) {
            CHECK(error_of(nested(open, depth, close)) == "params: nested more than 16 deep");
        }
        CHECK(error_of(nested(open, 300'000, "")) == "params: nested more than 16 deep");
    }
    // Params in an `input` map may be as deep as without it.
    CHECK(parse_request_line("{\"input\":" + nested("{\"a\":", 16, "}") + "}", 1).error.empty());

    p2c2r::test::Workplace here;
    const std::string deep = nested("{\"a\":", 300'000, "}");
    const std::string file = here.write("deep.json", deep);
    const std::string lines = here.write("deep.jsonl", deep + "\n{\"id\": 2, \"payload\": 1}\n");
    for (const char* command : {"exec", "submit"}) {
        const p2c2r::test::Ran ran = here.run({command, "echo", "--params", "@" + file});
        CHECK(ran.exit_code == kExitUsage);
        CHECK_MESSAGE(ran.error.find("nested more than 16 deep") != std::string::npos, ran.error);
    }
    // One bad line fails by itself.
    const p2c2r::test::Ran ran = here.run({"exec", "echo", "--requests", lines});
    CHECK(ran.exit_code == kExitSomeFailed);
    CHECK_MESSAGE(ran.error.find("nested more than 17 deep") != std::string::npos, ran.error);
    CHECK(ran.out.find("\"id\":2") != std::string::npos);
    // Also settings.
    const std::string toml = here.write("deep.toml", "a = " + nested("[", 300'000, "]"));
    const p2c2r::test::Ran daemon = here.run({"coordinator", "--config", toml});
    CHECK_MESSAGE(daemon.exit_code == kExitUsage, daemon.error.substr(0, 300));
    // Scenes and models.
    const std::string model =
        here.write("deep.gltf", R"({"asset": {"version": "2.0"}, "extensionsRequired": )" +
                                    nested("[", 300'000, "]") + "}");
    for (const std::string& scene : {file, model}) {
        const p2c2r::test::Ran demo =
            here.run({"demo", "raytracing", scene, "--out", here.path("out")});
        CHECK_MESSAGE(demo.exit_code == kExitUsage, demo.error);
        CHECK_MESSAGE(demo.error.find(" deep") != std::string::npos, demo.error);
    }
}

TEST_CASE("exec and submit: a number that is not finite is wrong usage with its place") {
    p2c2r::test::Workplace here;
    const std::string params = R"({"camera": {"position": [0, 1e999, 0]}})";
    const std::string file = here.write("params.json", params);
    for (const char* command : {"exec", "submit"}) {
        for (const std::string& given : {params, "@" + file}) {
            CAPTURE(command);
            const p2c2r::test::Ran ran = here.run({command, "raytracing", "--params", given});
            CAPTURE(ran.error);
            CHECK(ran.exit_code == kExitUsage);
            CHECK(ran.error.find("params.camera.position[1]: 1e999 is no finite number") !=
                  std::string::npos);
        }
    }
}
