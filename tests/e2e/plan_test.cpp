// `p2c2r plan`: what is worth sending, told from frames computed here and a link that is given.
#include <doctest/doctest.h>

#include <algorithm>

#include "support/program.h"

using namespace p2c2r::test;
using nlohmann::json;

namespace {

json plan_of(const Workplace& here, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"plan", "--small", "--json"});
    const Ran ran = here.run(arguments);
    CAPTURE(ran.error);
    REQUIRE(ran.exit_code == 0);
    return json::parse(ran.out);
}

}  // namespace

TEST_CASE("plan: a narrow uplink keeps whole frames here and says what they take") {
    const Workplace here;
    const json plan = plan_of(here, {"--type", "upscale", "--up-mbps", "0.01", "--rate", "30"});
    REQUIRE(plan["frames"].size() > 0);
    for (const json& frame : plan["frames"]) {
        CAPTURE(frame.dump());
        CHECK(frame["send"] == false);
        CHECK(frame["limit"] == "uplink");
        const std::string text = frame["text"];
        CHECK(text.find("keep here: 30 a second take ") == 0);
        CHECK(text.find(" Mbit/s up, the link has 0.01") != std::string::npos);
        CHECK(frame["bytes_up"] > 0);
        CHECK(frame["bytes_down"] > 0);
    }
}

TEST_CASE("plan: no frame is sent to a helper that is slower, over any link") {
    const Workplace here;
    const json plan =
        plan_of(here, {"--type", "rt_shadows", "--helper-speed", "0.001", "--up-mbps", "100000",
                       "--down-mbps", "100000", "--rtt-ms", "0", "--rate", "1000"});
    for (const json& frame : plan["frames"]) {
        CAPTURE(frame.dump());
        CHECK(frame["send"] == false);
        CHECK(frame["limit"] == "helper");
    }
}

TEST_CASE("plan: a layer is made as fine and as frequent as the link carries") {
    const Workplace here;
    const json wide = plan_of(here, {"--type", "rt_shadows"});
    const json narrow = plan_of(here, {"--type", "rt_shadows", "--down-mbps", "0.2"});
    for (const json* plan : {&wide, &narrow}) {
        REQUIRE((*plan)["frames"].size() > 0);
        for (const json& frame : (*plan)["frames"]) {
            CAPTURE(frame.dump());
            const double most = std::min(15.0, (*plan)["down_mbps"].get<double>() * 0.7);
            CHECK((!frame["fit"]["fits"] || frame["fit"]["down_mbps"] <= most));
            CHECK(frame["fit"]["down_mbps"] < frame["bytes_down"].get<double>() * 60 * 8e-6 + 0.01);
        }
    }
    const auto pixels_per_s = [](const json& plan) {
        const json& fit = plan["frames"][0]["fit"];
        const double width = 1 / fit["divisor"].get<double>();
        return width * width * fit["rate"].get<double>();
    };
    CHECK(pixels_per_s(narrow) < pixels_per_s(wide));
    CHECK_FALSE(plan_of(here, {"--type", "ai_pathfinding"})["frames"][0].contains("fit"));
}

TEST_CASE("plan: without a price an hour costs nothing and with one it is told") {
    const Workplace here;
    const json free =
        plan_of(here, {"--type", "ai_pathfinding", "--price-per-compute-second", "0"});
    for (const json& frame : free["frames"]) CHECK(frame["price_per_hour"] == 0);
    const Ran table = here.run({"plan", "--small", "--type", "ai_pathfinding"});
    CHECK(table.exit_code == 0);
    CHECK(table.out.find("verdict") != std::string::npos);
    CHECK(table.out.find("$0.01 an hour pay 1 ms a frame") != std::string::npos);
}

TEST_CASE("plan: numbers that no link or helper has are named with what is allowed") {
    const Workplace here;
    CHECK(here.run({"plan", "--help"}).exit_code == 0);
    const Ran link = here.run({"plan", "--up-mbps", "0"});
    CHECK(link.exit_code == 2);
    CHECK(link.error.find("--up-mbps 0 is not within 0.001 and 1e+06") != std::string::npos);
    CHECK(here.run({"plan", "--helper-speed", "-1"}).exit_code == 2);
    CHECK(here.run({"plan", "--fee", "1"}).exit_code == 2);
    const Ran type = here.run({"plan", "--small", "--type", "dance"});
    CHECK(type.exit_code == 2);
    CHECK(type.error.find("'dance' has no frame") != std::string::npos);
}
