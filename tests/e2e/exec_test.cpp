// `p2c2r exec`: forms of input and output, digests, errors, exit codes.
#include <doctest/doctest.h>

#include <array>

#include "cli/files.h"
#include "cli/picture.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

constexpr const char* kSmall = R"({"output_res": [480, 270]})";

bool is_digest_line(const std::string& line, const std::string& device) {
    return line.size() == 7 + 64 + 1 + device.size() && line.starts_with("sha256 ") &&
           line.find_first_not_of("0123456789abcdef", 7) == 71 && line.ends_with(" " + device);
}

}  // namespace

TEST_CASE("exec: help and version exist and wrong usage is exit code 2") {
    Workplace here;
    for (const char* command :
         {"coordinator", "peer", "submit", "exec", "status", "devices", "demo", "bench", "plan"}) {
        CAPTURE(command);
        const Ran ran = here.run({command, "--help"});
        CHECK(ran.exit_code == 0);
        CHECK(ran.out.find("--help") != std::string::npos);
    }
    CHECK(here.run({"--version"}).out.starts_with("0."));
    CHECK(here.run({}).exit_code == 2);
    CHECK(here.run({"dance"}).exit_code == 2);
    CHECK(here.run({"exec"}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--colour"}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--data", here.path("none")}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--params", "[1]"}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--params", "@" + here.path("none")}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--priority", "200"}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--device", "abacus"}).exit_code == 2);
    CHECK(here.run({"exec", "echo", "--requests", here.path("none")}).exit_code == 2);
}

TEST_CASE("exec: the type may stand by position or behind --type and the result is the file") {
    Workplace here;
    const std::string data = here.write("in.bin", "some bytes");
    for (const auto& form : {std::vector<std::string>{"exec", "echo"},
                             std::vector<std::string>{"exec", "--type", "echo"}}) {
        std::vector<std::string> arguments = form;
        arguments.insert(arguments.end(), {"--data", data, "--out", here.path("out.bin")});
        const Ran ran = here.run(arguments);
        CHECK(ran.exit_code == 0);
        CHECK(here.read("out.bin") == "some bytes");
    }
}

TEST_CASE("exec: an image is written in the format of the ending of --out") {
    Workplace here;
    for (const char* name : {"out.png", "out.jpg", "out.raw"}) {
        CAPTURE(name);
        const Ran ran = here.run({"exec", "upscale", "--data", photograph(), "--params", kSmall,
                                  "--out", here.path(name), "--device", "native"});
        CHECK(ran.exit_code == 0);
        CAPTURE(ran.error);
        REQUIRE(here.has(name));
        const std::string bytes = here.read(name);
        if (std::string(name) == "out.raw") {
            CHECK(bytes.size() == 480 * 270 * 3);
        } else {
            const auto size = p2c2r::cli::picture_size(bytes);
            REQUIRE(size);
            CHECK(size->width == 480);
            CHECK(size->height == 270);
        }
    }
    CHECK(here.read("out.png").starts_with("\x89PNG"));
    CHECK(here.read("out.jpg").starts_with("\xff\xd8"));
}

TEST_CASE("exec: the digest is of the pixels before encoding whatever is written") {
    Workplace here;
    const std::vector<std::string> task = {"exec",     "--type", "upscale",  "--data", photograph(),
                                           "--params", kSmall,   "--device", "native", "--digest"};
    const Ran alone = here.run(task);
    REQUIRE(alone.exit_code == 0);
    REQUIRE(lines_of(alone.out).size() == 1);
    CHECK(is_digest_line(lines_of(alone.out)[0], "native"));
    for (const char* name : {"a.jpg", "a.png", "a.raw"}) {
        CAPTURE(name);
        std::vector<std::string> arguments = task;
        arguments.insert(arguments.end(), {"--out", here.path(name)});
        const Ran ran = here.run(arguments);
        CHECK(ran.exit_code == 0);
        CHECK(ran.out == alone.out);
        CHECK(here.has(name));
    }
    // Another size is another picture: the line does depend on what was computed.
    const Ran other = here.run({"exec", "upscale", "--data", photograph(), "--params",
                                R"({"output_res": [482, 270]})", "--device", "native", "--digest"});
    CHECK(other.exit_code == 0);
    CHECK(other.out != alone.out);
}

TEST_CASE("exec: a directory gives files of the same names and digests in name order") {
    Workplace here;
    const std::string frames = make_frames(here, "frames", 5, 160, 90);
    here.write("frames/notes.txt", "no frame");
    const Ran ran = here.run({"exec", "upscale", "--data", frames, "--params", kSmall, "--out",
                              here.path("out"), "--device", "native", "--digest"});
    CHECK(ran.exit_code == 0);
    const auto names = p2c2r::cli::list_files(here.path("out"));
    REQUIRE(names);
    CHECK(*names == std::vector<std::string>{"frame_000.jpg", "frame_001.jpg", "frame_002.jpg",
                                             "frame_003.jpg", "frame_004.jpg"});
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 5);
    for (size_t index = 0; index < lines.size(); ++index) {
        const Ran one =
            here.run({"exec", "upscale", "--data", p2c2r::cli::join_path(frames, (*names)[index]),
                      "--params", kSmall, "--device", "native", "--digest"});
        CHECK(one.out == lines[index] + "\n");
    }
}

TEST_CASE("exec: request lines come back in order with their ids and a bad line harms no other") {
    Workplace here;
    const std::string data = here.write("in.bin", "abc");
    const std::string requests =
        here.write("requests.jsonl", "{\"id\": 1, \"data\": \"" + data + "\"}\n" + "not json\n\n" +
                                         "{\"id\": {\"deep\": [2]}, \"data\": \"" + data + "\"}\n" +
                                         "{\"id\": \"gone\", \"data\": \"" + here.path("none") +
                                         "\"}\n{\"data\": \"" + data + "\"}\n");
    const Ran ran = here.run({"exec", "echo", "--requests", requests});
    CHECK(ran.exit_code == 1);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 5);
    CHECK(json::parse(lines[0])["id"] == 1);
    CHECK(json::parse(lines[0])["data"] == json({{"$bytes", "YWJj"}}));
    const json bad = json::parse(lines[1]);
    CHECK(bad["id"].is_null());
    CHECK(bad["status"] == "E_ARGUMENT");
    CHECK(bad["error"].get<std::string>().find("line 2") != std::string::npos);
    CHECK(json::parse(lines[2])["id"] == json({{"deep", {2}}}));
    CHECK(json::parse(lines[3])["status"] == "E_IO");
    CHECK_FALSE(json::parse(lines[4]).contains("id"));
    const Ran to_file =
        here.run({"exec", "echo", "--requests", requests, "--out", here.path("results.jsonl")});
    CHECK(to_file.exit_code == 1);
    CHECK(to_file.out.empty());
    CHECK(here.read("results.jsonl") == ran.out);
}

TEST_CASE("exec: unknown types and wrong params are errors that name them") {
    Workplace here;
    const Ran type = here.run({"exec", "make_coffee"});
    CHECK(type.exit_code == 1);
    CHECK(type.error.find("make_coffee") != std::string::npos);
    const std::vector<std::array<const char*, 2>> wrong = {
        {R"({"output_res": [0, 270]})", "output_res"},
        {R"({"output_res": "big"})", "output_res"},
        {R"({"output_res": [480, 270], "algorithm": "magic"})", "algorithm"},
        {R"({"output_res": [480, 270], "quality": "best"})", "quality"},
        {R"({"output_res": [480, 270], "jpeg_quality": 300})", "jpeg_quality"},
        {R"({"output_res": [480, 270], "input_res": [5, 5]})", "input_res"}};
    for (const auto& row : wrong) {
        const char* const params = row[0];
        CAPTURE(params);
        const Ran ran = here.run({"exec", "upscale", "--data", photograph(), "--params", params,
                                  "--device", "native", "--json"});
        CHECK(ran.exit_code == 1);
        const json line = json::parse(ran.out);
        CHECK(line["status"].get<std::string>().starts_with("E_"));
        CHECK(line["error"].get<std::string>().find(row[1]) != std::string::npos);
    }
}

TEST_CASE("exec: broken pictures are clear errors and a whole one beside them still succeeds") {
    Workplace here;
    const auto files = pictures_broken_and_whole();
    std::string requests;
    for (const auto& [name, bytes] : files) {
        requests +=
            json({{"id", name}, {"data", here.write(name, bytes)}, {"output_res", {320, 180}}})
                .dump() +
            "\n";
    }
    const Ran ran =
        here.run({"exec", "upscale", "--requests", here.write("requests.jsonl", requests), "--out",
                  here.path("out") + "/", "--device", "native"});
    CHECK(ran.exit_code == 1);
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == files.size());
    for (size_t index = 0; index + 1 < lines.size(); ++index) {
        CAPTURE(lines[index]);
        const json line = json::parse(lines[index]);
        CHECK(line["id"] == files[index].first);
        REQUIRE(line.contains("status"));
        CHECK(line["error"].get<std::string>().size() > 20);
    }
    CHECK(lines[1].find("20000") != std::string::npos);
    CHECK_FALSE(json::parse(lines.back()).contains("status"));
    CHECK(here.has("out/whole.jpg"));
}

TEST_CASE("exec: without a Vulkan driver the device is missing by name and native works") {
    Workplace here;
    const std::vector<std::string> nothing = {"VK_ICD_FILENAMES=/nonexistent.json",
                                              "VK_DRIVER_FILES=/nonexistent.json"};
    const std::vector<std::string> task = {"exec",     "upscale", "--data",   photograph(),
                                           "--params", kSmall,    "--digest", "--device"};
    auto with = [&](const char* device) {
        std::vector<std::string> arguments = task;
        arguments.emplace_back(device);
        return here.run(arguments, nothing);
    };
    const Ran vulkan = with("vulkan");
    CHECK(vulkan.exit_code == 3);
    CHECK(vulkan.out.empty());
    CHECK(vulkan.error.find("E_NO_DEVICE") != std::string::npos);
    CHECK(with("auto").exit_code == 0);
    CHECK(with("native").exit_code == 0);
    CHECK(here.run({"devices"}, nothing).exit_code == 0);
}

TEST_CASE("exec: a type without a GPU form on vulkan is an error that says so") {
    Workplace here;
    if (!has_vulkan_device(here)) {
        MESSAGE("skipped: no Vulkan device on this machine");
        return;
    }
    const Ran ran = here.run({"exec", "echo", "--device", "vulkan"});
    CHECK(ran.exit_code != 0);
    CHECK(ran.error.find("GPU") != std::string::npos);
}
