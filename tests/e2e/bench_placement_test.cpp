// `p2c2r bench placement` is the simulator beside the program.
#include <doctest/doctest.h>

#include <filesystem>

#include "support/program.h"

using namespace p2c2r::test;

TEST_CASE("bench placement: its options, output and exit code are those of the simulator") {
    const Workplace here;
#ifdef P2C2R_SIM
    const std::vector<std::vector<std::string>> asked = {
        {"--peers", "50", "--tasks", "300", "--seed", "7", "--json"},
        {"--speeds-told", "--peers", "40", "--tasks", "200"},
        {"--peers"},
        {"--bogus"},
        {"frames"},
    };
    for (const std::vector<std::string>& options : asked) {
        std::vector<std::string> words = {"placement"};
        words.insert(words.end(), options.begin(), options.end());
        const Ran simulator = here.run_other(P2C2R_SIM, words);
        words.insert(words.begin(), "bench");
        const Ran program = here.run(words);
        CAPTURE(options.front());
        CHECK(program.out == simulator.out);
        CHECK(program.error == simulator.error);
        CHECK(program.exit_code == simulator.exit_code);
        CHECK((program.exit_code == 0) == (options.size() > 2));
    }
#else
    MESSAGE("skipped: there is no simulator in this build");
#endif
}

TEST_CASE("bench placement: where no simulator stands beside the program it says what makes one") {
    const Workplace here;
    const std::string alone = here.path("p2c2r");
    std::filesystem::copy_file(P2C2R_PROGRAM, alone);
    const Ran ran = here.run_other(alone, {"bench", "placement", "--json"});
    CHECK(ran.exit_code == 2);
    CHECK(ran.out.empty());
    CHECK_MESSAGE(ran.error.starts_with("p2c2r bench placement: there is no " + alone + "_sim: "),
                  ran.error);
    CHECK(ran.error.find("cmake --build build --target p2c2r_sim") != std::string::npos);
    const Ran help = here.run_other(alone, {"bench", "placement", "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("p2c2r_sim placement: --peers N (1000), ") != std::string::npos);
}
