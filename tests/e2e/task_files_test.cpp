// Files that tasks read and write: names, what may be read, and what must not be written over.
#include <doctest/doctest.h>

#include "cli/files.h"
#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

bool says(const Ran& ran, const std::string& text) {
    return ran.error.find(text) != std::string::npos;
}

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
    CHECK(says(keys, "not UTF-8"));
}
