// Files that tasks read and write: names, what may be read, and what must not be written over.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

bool tells(const Ran& ran, const std::string& text) {
    return ran.error.find(text) != std::string::npos;
}

// A pipe that nobody writes to, and a file of 64 MiB and one byte, of holes.
struct Unreadable {
    const std::string pipe;
    const std::string large;
    explicit Unreadable(const Workplace& here)
        : pipe(here.path("pipe")), large(here.write("large", "")) {
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        std::filesystem::resize_file(large, (uint64_t{64} << 20) + 1);
    }
};

}  // namespace

TEST_CASE(
    "task files: a name that is not UTF-8 is in the report, and what cannot take it says so") {
    const Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("in")));
    here.write("in/\xff\xfe.jpg", "a");
    here.write("in/b.jpg", "b");
    const Ran ran = here.run({"exec", "echo", "--data", here.path("in"), "--out", here.path("out"),
                              "--json", "--stream-report", here.path("report.json")});
    CHECK_MESSAGE(ran.exit_code == 0, ran.error);
    CHECK(here.read("out/\xff\xfe.jpg") == "a");
    const json report = json::parse(here.read("report.json"));
    CHECK(report.at("count") == 2);
    CHECK(report.at("tasks")[0].at("name") == "b.jpg");
    CHECK(report.at("tasks")[1].at("name") == "\xef\xbf\xbd\xef\xbf\xbd.jpg");
    const auto lines = lines_of(ran.out);
    REQUIRE(lines.size() == 2);
    CHECK(json::parse(lines[1]).at("id") == "\xef\xbf\xbd\xef\xbf\xbd.jpg");

    const Ran keys = Machine(here, "home\xff").run({"keys", "show"});
    CHECK_MESSAGE(keys.exit_code == 2, keys.error);
    CHECK(tells(keys, "not UTF-8"));
}

TEST_CASE("task files: two frames whose results would go to one file are refused by their names") {
    const Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("in")));
    here.write("in/a.jpg", "a");
    here.write("in/a.png", "b");
    const std::string out = here.path("out");
    const auto run = [&](const std::string& params) {
        return here.run({"exec", "upscale", "--data", here.path("in"), "--out", out, "--params",
                         params, "--quiet"});
    };
    const Ran same = run(R"({"output_res": [8, 8], "output_format": "png"})");
    CHECK_MESSAGE(same.exit_code == 2, same.error);
    CHECK(tells(same, "a.jpg and a.png would both go to a file 'a.png'"));
    CHECK_FALSE(here.has("out"));
    CHECK(run(R"({"output_res": [8, 8]})").exit_code == 1);  // they go to two; none is a picture
}

TEST_CASE("task files: --out that leads to what is read is refused and that stays as it is") {
    const Workplace here;
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("in")));
    REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("linked")));
    const std::string a = here.write("in/a.raw", "source");
    const std::string in = here.path("in");
    REQUIRE(symlink("in", here.path("link").c_str()) == 0);
    REQUIRE(symlink(a.c_str(), here.path("file_link").c_str()) == 0);
    REQUIRE(link(a.c_str(), here.path("hard_link").c_str()) == 0);
    REQUIRE(symlink(a.c_str(), here.path("linked/a.raw").c_str()) == 0);
    const std::string lines =
        here.write("lines.jsonl", "{\"id\": \"a.raw\", \"data\": \"" + a + "\"}\n");
    const auto refused = [&](const std::vector<std::string>& words) {
        std::vector<std::string> command = {"exec", "echo"};
        command.insert(command.end(), words.begin(), words.end());
        const Ran ran = here.run(command);
        CAPTURE(words.back());
        CHECK_MESSAGE(ran.exit_code == 2, ran.error);
        CHECK(tells(ran, words.back()));
        CHECK(here.read("in/a.raw") == "source");
    };
    for (const std::string& out : {in, in + "/", here.path("link"), here.path("linked")}) {
        refused({"--data", in, "--out", out});
    }
    for (const std::string& out :
         {a, here.path("file_link"), here.path("hard_link"), here.path("link/a.raw")}) {
        refused({"--data", a, "--out", out});
        refused({"--data", a, "--stream-report", out});
    }
    refused({"--requests", lines, "--out", lines});
    refused({"--requests", lines, "--out", in});
    CHECK(here.run({"exec", "echo", "--data", in, "--out", here.path("other")}).exit_code == 0);
}

TEST_CASE("task files: data that is no regular file or larger than a task takes is not read") {
    const Workplace here;
    const Unreadable files(here);
    const struct {
        std::string file;
        const char* why;
    } rows[] = {{files.pipe, "not a regular file"},
                {"/dev/zero", "not a regular file"},
                {files.large, "has 67108865 bytes; a task takes at most 67108864 (64 MiB)"}};
    for (const auto& row : rows) {
        CAPTURE(row.file);
        const Ran data = here.run({"exec", "echo", "--data", row.file});
        CHECK_MESSAGE(data.exit_code == 2, data.error);
        CHECK(tells(data, row.why));
        const std::string lines =
            here.write("lines.jsonl", "{\"id\": 1, \"data\": \"" + row.file + "\"}\n{\"id\": 2}\n");
        const Ran requests = here.run({"exec", "echo", "--requests", lines});
        CHECK_MESSAGE(requests.exit_code == 1, requests.error);
        CHECK(tells(requests, row.why));
        CHECK(requests.out.find("\"id\":2") != std::string::npos);
    }
}

TEST_CASE("task files: params and requests larger than 64 MiB, or no regular file, are refused") {
    const Workplace here;
    const Unreadable files(here);
    const struct {
        std::string file;
        std::string why;
    } rows[] = {{files.pipe, "cannot read " + files.pipe + ": it is not a regular file"},
                {"/dev/zero", "cannot read /dev/zero: it is not a regular file"},
                {here.path(""), ": Is a directory"},
                {files.large, files.large + " has 67108865 bytes; "}};
    for (const auto& row : rows) {
        CAPTURE(row.file);
        const Ran params = here.run({"exec", "echo", "--params", "@" + row.file});
        CHECK_MESSAGE(params.exit_code == 2, params.error);
        CHECK(tells(params, row.why));
        const Ran requests = here.run({"exec", "echo", "--requests", row.file});
        CHECK_MESSAGE(requests.exit_code == 2, requests.error);
        CHECK(tells(requests, row.why));
    }
    CHECK(tells(here.run({"exec", "echo", "--requests", files.large}),
                "--requests: " + files.large +
                    " has 67108865 bytes; --requests takes at most 67108864 (64 MiB)"));
}

TEST_CASE("task files: --out that cannot be written is refused before anything is sent") {
    const Workplace here;
    const std::string data = here.write("data", "x");
    const std::string nowhere = here.path("missing/file");
    // Nobody listens there: what is sent would end with exit code 3.
    const auto run = [&](const std::string& option, const std::string& path) {
        return here.run({"submit", "echo", "--coordinator", "p2c2r+plain://127.0.0.1:1",
                         "--connect-timeout-ms", "300", "--data", data, option, path});
    };
    for (const char* option : {"--out", "--stream-report"}) {
        for (const std::string& path : {nowhere, data + "/file", std::string()}) {
            CAPTURE(path);
            const Ran ran = run(option, path);
            CHECK_MESSAGE(ran.exit_code == 2, ran.error);
            CHECK(
                tells(ran, std::string(option) + (path.empty() ? " is empty" : ": cannot write")));
        }
    }
    const std::string lines = here.write("lines.jsonl", "{}\n");
    const Ran under_file = here.run({"submit", "echo", "--coordinator", "p2c2r+plain://127.0.0.1:1",
                                     "--requests", lines, "--out", data + "/folder"});
    CHECK_MESSAGE(under_file.exit_code == 2, under_file.error);
    if (geteuid() != 0) {  // who may write everywhere
        REQUIRE_FALSE(p2c2r::cli::make_directories(here.path("closed")));
        REQUIRE(chmod(here.path("closed").c_str(), 0500) == 0);
        CHECK(run("--out", here.path("closed/file")).exit_code == 2);
    }
    CHECK(run("--out", here.path("file")).exit_code == 3);
}
