// `p2c2r exec`: forms of input and output, digests, errors, exit codes.
#include <doctest/doctest.h>

#include <array>

#include "cli/files.h"
#include "cli/picture.h"
#include "cli/run_tasks.h"
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

TEST_CASE("exec: a list of requests ends with a line that counts them, unless it is to be quiet") {
    Workplace here;
    const std::string data = here.write("in.bin", "abc");
    const std::string requests =
        here.write("requests.jsonl", "{\"data\": \"" + data + "\"}\nnot json\n{\"data\": \"" +
                                         here.path("none") + "\"}\n[1]\n{}\n");
    const Ran ran = here.run({"exec", "echo", "--requests", requests});
    CHECK(ran.exit_code == 1);
    CAPTURE(ran.error);
    const auto lines = lines_of(ran.error);
    REQUIRE_FALSE(lines.empty());
    CHECK(lines.back().starts_with("2 of 5 in "));
    CHECK(lines.back().find(" s: 2 here; 0 late, 3 failed (E_ARGUMENT 2, E_IO 1), ") !=
          std::string::npos);
    CHECK(lines_of(ran.out).size() == 5);  // and nothing else
    const Ran quiet = here.run({"exec", "echo", "--requests", requests, "--quiet"});
    CHECK(quiet.out == ran.out);
    CHECK(lines_of(quiet.error).size() == 3);  // the failures themselves
    CHECK(quiet.error.find(" of 5") == std::string::npos);
}

TEST_CASE("exec: the summary says where tasks were computed and how the others failed") {
    p2c2r::cli::StreamSummary summary;
    summary.wall_us = 2'000'000;
    const auto add = [&](int32_t status, int32_t source, size_t count) {
        for (size_t i = 0; i < count; ++i) {
            p2c2r::cli::TaskRecord record;
            record.status = status;
            record.source = source;
            record.total_us = 10'000;
            summary.tasks.push_back(record);
            summary.succeeded += status == P2C2R_OK ? 1 : 0;
        }
    };
    add(P2C2R_OK, P2C2R_SOURCE_LOCAL, 1);
    add(P2C2R_OK, P2C2R_SOURCE_PEER, 4);
    add(P2C2R_OK, P2C2R_SOURCE_CACHE, 2);
    add(P2C2R_OK, P2C2R_SOURCE_COORDINATOR, 3);
    summary.late = 1;
    const std::string good = p2c2r::cli::summary_text(summary);
    CHECK(good ==
          "10 of 10 in 2.0 s: 4 by peers, 3 by the coordinator, 2 known from before, 1 here; "
          "1 late, 0 failed, 5.0 a second; end to end p50 10.0 p95 10.0 p99 10.0 ms");
    summary = {};
    add(P2C2R_E_DEADLINE, P2C2R_SOURCE_NONE, 2);
    CHECK(p2c2r::cli::summary_text(summary) == "0 of 2 in 0.0 s; 0 late, 2 failed (E_DEADLINE 2)");
}

TEST_CASE("exec: --out of several results is a directory, made if need be, and never a file") {
    Workplace here;
    const std::string data = here.write("in.bin", "abc");
    const std::string line = "\"data\": \"" + data + "\"}\n";
    const std::string two =
        here.write("two.jsonl", "{\"id\": \"a\", " + line + "{\"id\": \"b\", " + line);
    const std::string one = here.write("one.jsonl", "{\"id\": \"a\", " + line);
    for (const char* out : {"deep/made", "ends/"}) {
        CAPTURE(out);
        const Ran ran = here.run({"exec", "echo", "--requests", two, "--out", here.path(out)});
        CHECK_MESSAGE(ran.exit_code == 0, ran.error);
        CHECK(here.read(std::string(out) + "/a.bin") == "abc");
        CHECK(here.read(std::string(out) + "/b.bin") == "abc");
        CHECK(lines_of(ran.out).size() == 2);
    }
    // A list of one is a list.
    CHECK(here.run({"exec", "echo", "--requests", one, "--out", here.path("single")}).exit_code ==
          0);
    CHECK(here.read("single/a.bin") == "abc");
    const std::string file = here.write("file", "what was there before");
    const std::string frames = make_frames(here, "frames", 1, 16, 16);
    for (const auto& list : {std::vector<std::string>{"--requests", two},
                             std::vector<std::string>{"--data", frames}}) {
        std::vector<std::string> words = {"exec", "echo", "--out", file};
        words.insert(words.end(), list.begin(), list.end());
        const Ran refused = here.run(words);
        CHECK(refused.exit_code == 2);
        CHECK(refused.error.find("--out " + file + " is a file; the results of") !=
              std::string::npos);
    }
    CHECK(here.read("file") == "what was there before");
}

TEST_CASE("exec: two requests whose results would go to one file are refused before any is run") {
    Workplace here;
    const std::string data = here.write("in.bin", "abc");
    const auto line = [&](const std::string& id) {
        return "{" + (id.empty() ? "" : "\"id\": \"" + id + "\", ") + "\"data\": \"" + data +
               "\"}\n";
    };
    const auto run = [&](const std::string& requests) {
        return here.run({"exec", "echo", "--requests", here.write("r.jsonl", requests), "--out",
                         here.path("out")});
    };
    for (const auto& [first, second] : std::initializer_list<std::pair<const char*, const char*>>{
             {"a", "a"}, {"a", "a.bin"}, {"result_2", ""}, {"a/b", "result_1"}}) {
        const Ran same = run(line(first) + line(second));
        CHECK(same.exit_code == 2);
        CHECK_MESSAGE(
            same.error.find("line 1 and line 2 would both go to a file '") != std::string::npos,
            same.error);
        CHECK_FALSE(p2c2r::cli::is_there(here.path("out")));
    }
    CHECK(run(line("a") + line("b") + line("") + line("")).exit_code == 0);
    CHECK(here.read("out/result_4.bin") == "abc");
}

TEST_CASE("exec: --out - is one result on standard output, and nothing else") {
    Workplace here;
    const std::string bytes("\0binary\n\xff", 9);
    const std::string data = here.write("in.bin", bytes);
    const Ran ran = here.run({"exec", "echo", "--data", data, "--out", "-"});
    CHECK_MESSAGE(ran.exit_code == 0, ran.error);
    CHECK(ran.out == bytes);
    const std::string request = "{\"id\": 1, \"data\": \"" + data + "\"}\n";
    const Ran listed =
        here.run({"exec", "echo", "--requests", here.write("one.jsonl", request), "--out", "-"});
    CHECK(listed.exit_code == 0);
    CHECK(listed.out == bytes);
    CHECK(listed.error.starts_with("1 of 1 in "));
    const Ran map =
        here.run({"exec", "ai_pathfinding", "--params",
                  R"({"start": [0, 0], "goal": [2, 0], "width": 3, "height": 1})", "--out", "-"});
    CHECK_MESSAGE(map.exit_code == 0, map.error);
    CHECK(json::parse(map.out)["distance"] == 2);
    const Ran failed = here.run({"exec", "make_coffee", "--out", "-"});
    CHECK(failed.exit_code == 1);
    CHECK(failed.out.empty());
    const Ran full = here.run_other(
        "/bin/sh",
        {"-c", "exec \"$0\" exec echo --data \"$1\" --out - > /dev/full", P2C2R_PROGRAM, data});
    CHECK(full.exit_code == 1);
    CHECK(full.error.find("standard output: No space left on device") != std::string::npos);
    const Ran several = here.run(
        {"exec", "echo", "--requests", here.write("two.jsonl", request + request), "--out", "-"});
    CHECK(several.exit_code == 2);
    CHECK(several.out.empty());
    CHECK(several.error.find("--out - writes one result to standard output; these are 2") !=
          std::string::npos);
    for (const char* more : {"--json", "--digest"}) {
        CHECK(here.run({"exec", "echo", "--data", data, "--out", "-", more}).exit_code == 2);
    }
    CHECK_FALSE(here.has("-"));
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
