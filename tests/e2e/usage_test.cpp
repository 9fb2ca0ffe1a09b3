// What is said of a command line that is wrong: which word, where, and what there is instead.
#include <doctest/doctest.h>

#include "support/program.h"

using namespace p2c2r::test;
using Words = std::vector<std::string>;

namespace {

void check_usage(const Words& words, const std::string& said) {
    const Workplace here;
    CAPTURE(said);
    const Ran ran = here.run(words);
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK_MESSAGE(ran.error.find(said) != std::string::npos, ran.error);
    CHECK(ran.error.find('\x1b') == std::string::npos);
}

}  // namespace

TEST_CASE("usage: a command that is not there is named, with the nearest or all there are") {
    check_usage({"hots"}, "p2c2r: there is no command 'hots': did you mean host?\n");
    check_usage({"bogus"}, "p2c2r: there is no command 'bogus'; there are host, join, ");
    check_usage({"keys", "shwo"}, "p2c2r keys: there is no command 'shwo': did you mean show?\n");
    check_usage({"keys"}, "p2c2r keys: a command is missing; there are new, renew, show\n");
    check_usage({"b\x1b[31mogus"}, "there is no command 'b\\x1b[31mogus'");
}

TEST_CASE("usage: words too many are told in their order, with the command's name") {
    check_usage({"status", "one", "two"}, "p2c2r status: 'one' 'two' are not expected here\n");
    check_usage({"status", "--bo\x1bgus"}, "p2c2r status: '--bo\\x1bgus' is not expected here\n");
}

TEST_CASE("usage: a count is a whole number, and what was given is told") {
    for (const char* count : {"-1", "+1", "1.5", "", "x", "18446744073709551616"}) {
        check_usage({"invite", "--valid-hours", count},
                    std::string("'") + count + "' is not a whole number from 0 on");
    }
    for (const char* count : {"-3", "0", "nan", "inf"}) {
        check_usage({"bench", "this-machine", "--uplink-mbps", count},
                    "is not above 0, up to 1000000 Mbit/s");
    }
}

TEST_CASE("usage: a wrong value of any option is exit code 2, before anything is done") {
    const Workplace here;
    const std::vector<std::string> nowhere = {"P2C2R_HOME=" + here.path("home"),
                                              "P2C2R_COORDINATOR_URL=p2c2r+plain://127.0.0.1:1"};
    struct Row {
        Words command;
        const char* option;
        Words wrong;
    };
    const Words kNoCount = {"foo", "-7", "", "99999999999999999999"};
    const Words kNoNumber = {"foo", "", "1x", "nan"};
    const Row rows[] = {
        {{"exec", "echo"}, "--split", {"foo", "", "ROWS", "bodies"}},
        {{"exec", "echo", "--parts", "2"}, "--split", {"foo", "", "bodies"}},
        {{"exec", "echo"}, "--parts", {"2"}},  // a type that is not split
        {{"exec", "echo"}, "--parts", {"foo", "0", "-1", "4097"}},
        {{"exec", "echo"}, "--threads", {"foo", "1025", "4294967297"}},
        {{"exec", "echo"}, "--device", {"foo", "vulkan:x", ""}},
        {{"exec", "echo"}, "--deadline-ms", {"0", "86400001", "foo"}},
        {{"exec", "echo"}, "--priority", {"128", "-129", "foo", "1.5"}},
        {{"exec", "echo"}, "--rate", {"0", "-1", "nan", "inf", "100001", "foo"}},
        {{"exec", "echo"}, "--in-flight", {"0", "4097", "foo"}},
        {{"exec", "echo"}, "--params", {"foo", "[]", "@", "@missing", ""}},
        {{"exec", "echo"}, "--requests", {"missing", ""}},
        {{"exec", "echo"}, "--data", {"missing", ""}},
        {{"submit", "echo"}, "--connect-timeout-ms", {"foo", "86400001", "4294967296"}},
        {{"submit", "echo"}, "--circle", {"foo", ""}},
        {{"submit", "echo"}, "--server-pin", {"foo", ""}},
        {{"submit", "echo"}, "--coordinator", {"foo", "http://x", "p2c2r://", "p2c2r://x:99999"}},
        {{"status"}, "--connect-timeout-ms", {"foo", "86400001", "4294967296"}},
        {{"bench", "failover"}, "--rounds", kNoCount},
        {{"bench", "failover"}, "--row", {"foo", ""}},
        {{"bench", "failover"}, "--seconds", {"foo", "1", "3601"}},
        {{"bench", "overload"}, "--seconds", {"foo", "0", "3601"}},
        {{"bench", "split"}, "--rounds", {"foo", "0", "1001"}},
        {{"bench", "fairness"}, "--seconds", {"foo", "0", "3601"}},
        {{"bench", "owner"}, "--rounds", {"foo", "0", "100001"}},
        {{"bench", "owner"}, "--duty-seconds", {"foo", "0", "3601"}},
        {{"bench", "this-machine"}, "--fps", {"0", "1001", "foo"}},
        {{"bench", "gain"}, "--seconds", kNoNumber},
        {{"plan"}, "--rtt-ms", {"-1", "60001", "nan", "foo"}},
        {{"invite"}, "--valid-hours", {"foo", "0", "721"}},
        {{"host"}, "--valid-hours", {"foo", "0", "721"}},
        {{"peer"}, "--gpu-duty-cap", {"0", "101", "foo"}},
        {{"peer"}, "--mode", {"foo", ""}},
        {{"peer"}, "--hours", {"foo", "25:00-26:00"}},
        {{"coordinator"}, "--port", {"foo", "-1", "65536"}},
        {{"demo", "physics"}, "--spheres", {"foo", "0", "2001"}},
        {{"demo", "stream"}, "--rate", {"foo", "0", "nan"}},
        {{"demo", "camera"}, "--frames", {"foo", "1", "301"}},
        {{"demo", "stream"}, "--vulkan-device", {"foo", ""}},
        {{"demo", "stream"}, "--out", {photograph()}},
        {{"demo", "physics"}, "--out", {photograph()}},
        {{"bench", "owner"}, "--device", {"foo", ""}},
    };
    for (const Row& row : rows) {
        for (const std::string& wrong : row.wrong) {
            Words words = row.command;
            words.insert(words.end(), {row.option, wrong});
            std::string line;
            for (const std::string& word : words) line += word + " ";
            CAPTURE(line);
            const Ran ran = here.run(words, nowhere);
            CHECK_MESSAGE(ran.exit_code == 2, ran.error);
            CHECK(ran.error.starts_with("p2c2r "));
        }
    }
}

TEST_CASE("usage: the name of a file that failed moves nothing in a terminal") {
    const Workplace here;
    const std::string file = here.write("c\x1b[31mred.jpg", "no picture");
    const Ran ran =
        here.run({"exec", "upscale", "--data", file, "--out", here.path("out.png"), "--quiet"});
    CHECK(ran.exit_code != 0);
    CHECK_MESSAGE(ran.error.find("c\\x1b[31mred.jpg failed") != std::string::npos, ran.error);
    CHECK(ran.error.find('\x1b') == std::string::npos);
}
