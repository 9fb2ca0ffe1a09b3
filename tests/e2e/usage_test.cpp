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

TEST_CASE("usage: the name of a file that failed moves nothing in a terminal") {
    const Workplace here;
    const std::string file = here.write("c\x1b[31mred.jpg", "no picture");
    const Ran ran =
        here.run({"exec", "upscale", "--data", file, "--out", here.path("out.png"), "--quiet"});
    CHECK(ran.exit_code != 0);
    CHECK_MESSAGE(ran.error.find("c\\x1b[31mred.jpg failed") != std::string::npos, ran.error);
    CHECK(ran.error.find('\x1b') == std::string::npos);
}
