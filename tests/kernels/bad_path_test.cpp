// `ai_pathfinding` with everything that can be wrong with its params and its grid.
#include <doctest/doctest.h>

#include "kernels/path_request.h"
#include "request_sweep.h"

using namespace p2c2r;
using test::BadRow;
using json = nlohmann::json;

namespace {

Bytes bytes_of(std::initializer_list<uint8_t> values) {
    return Bytes::copy(std::vector<uint8_t>(values));
}

}  // namespace

TEST_CASE("bad params and grids of ai_pathfinding are errors that say what or defined results") {
    test::RequestBench bench("ai_pathfinding");
    const auto bad = Status::kParams;
    const auto fine = Status::kOk;
    const std::string size = R"("width":4,"height":3)";
    // A wall at [1, 0] and all around [3, 2].
    const std::string walls = R"("grid":[".#..","...#","..#."])";
    const auto go = [&](const std::string& start, const std::string& goal,
                        const std::string& algorithm) {
        return "{" + walls + R"(,"start":)" + start + R"(,"goal":)" + goal + R"(,"algorithm":")" +
               algorithm + R"("})";
    };
    std::vector<BadRow> rows{
        {"nothing at all", "{}", {}, bad, "width", "required"},
        {"no height", R"({"width":4,"start":[0,0],"goal":[0,0]})", {}, bad, "height", "required"},
        {"no width",
         R"({"width":0,"height":3,"start":[0,0],"goal":[0,0]})",
         {},
         bad,
         "width",
         "is 0"},
        {"too wide",
         R"({"width":4097,"height":3,"start":[0,0],"goal":[0,0]})",
         {},
         bad,
         "width",
         "4097"},
        {"one cell", R"({"width":1,"height":1,"start":[0,0],"goal":[0,0]})", {}, fine, "", ""},
        {"one row",
         R"({"width":4096,"height":1,"start":[0,0],"goal":[4095,0],
            "algorithm":"flow_field","output":"packed"})",
         {},
         fine,
         "",
         ""},
        {"one column",
         R"({"width":1,"height":4096,"goal":[0,0],"output":"field"})",
         {},
         fine,
         "",
         ""},
        {"start without goal", "{" + size + R"(,"start":[0,0]})", {}, bad, "goal", "required"},
        {"bytes short", "{" + size + R"(,"start":[0,0],"goal":[0,0]})", bytes_of({1, 1}),
         Status::kSize, "data", "2 bytes"},
        {"bytes long", "{" + size + R"(,"start":[0,0],"goal":[0,0]})",
         Bytes::copy(std::vector<uint8_t>(13)), Status::kSize, "data", "13 bytes"},
        {"all blocked", "{" + size + R"(,"start":[0,0],"goal":[0,0],"grid_format":"bytes"})",
         Bytes::copy(std::vector<uint8_t>(12)), fine, "", ""},
        {"all blocked for a field", "{" + size + R"(,"goal":[0,0],"output":"field"})",
         Bytes::copy(std::vector<uint8_t>(12)), fine, "", ""},
        {"no agents", "{" + size + R"(,"goal":[0,0],"agents":[]})", {}, bad, "agents", "empty"},
        {"an agent outside",
         "{" + size + R"(,"goal":[0,0],"agents":[[0,0],[4,0]]})",
         {},
         bad,
         "agents[1]",
         "[4, 0]"},
        {"agents at one place",
         "{" + walls + R"(,"goal":[0,2],"agents":[[0,0],[0,0],[0,0]],"algorithm":"flow_field"})",
         {},
         fine,
         "",
         ""},
        {"agents with goals of their own, in walls too",
         "{" + walls + R"(,"agents":[[0,0,1,0],[1,0,0,0],[0,0,3,2],[2,0,0,0]],
            "algorithm":"flow_field"})",
         {},
         fine,
         "",
         ""},
        {"obstacles everywhere and outside",
         "{" + size + R"(,"goal":[3,2],"obstacles":[[0,0],[0,0],[-5,9],[9223372036854775807,0],
            [3,2]],"output":"field"})",
         {},
         fine,
         "",
         ""},
        {"one node",
         "{" + walls + R"(,"start":[0,0],"goal":[2,0],"max_nodes":1,
            "algorithm":"flow_field"})",
         {},
         fine,
         "",
         ""},
        {"no nodes",
         "{" + walls + R"(,"start":[0,0],"goal":[2,0],"max_nodes":0})",
         {},
         bad,
         "max_nodes",
         "is 0"},
        {"jps where cells differ",
         R"({"grid":["12"],"start":[0,0],"goal":[1,0],
            "algorithm":"jps"})",
         {},
         bad,
         "algorithm",
         "one cost"},
        {"a field beside a start",
         "{" + size + R"(,"start":[0,0],"goal":[0,0],
            "output":"field"})",
         {},
         bad,
         "start",
         "field"},
        {"rows of unequal length",
         R"({"grid":["..","."],"start":[0,0],"goal":[0,0]})",
         {},
         bad,
         "grid[1]",
         "1 cells"},
    };
    struct Ends {
        const char* what;
        const char* start;
        const char* goal;
        const char* field;  // of the error, or ""
        const char* reason;
    };
    const Ends ends[] = {
        {"from a wall", "[1,0]", "[0,0]", "", "start_blocked"},
        {"into a wall", "[0,0]", "[1,0]", "", "goal_blocked"},
        {"from a wall into itself", "[1,0]", "[1,0]", "", "start_blocked"},
        {"into a closed cell", "[0,0]", "[3,2]", "", "unreachable"},
        {"out of a closed cell", "[3,2]", "[0,0]", "", "unreachable"},
        {"to itself", "[0,0]", "[0,0]", "", ""},
        {"from outside", "[4,0]", "[0,0]", "start", ""},
        {"from before the first column", "[-1,0]", "[0,0]", "start", ""},
        {"to the outside", "[0,0]", "[0,3]", "goal", ""},
        {"from where no grid can be", "[9223372036854775807,-9223372036854775808]", "[0,0]",
         "start", ""},
    };
    for (const char* algorithm : {"astar", "dijkstra", "jps", "flow_field"}) {
        for (const Ends& row : ends) {
            INFO(std::string(row.what) << " by " << std::string(algorithm));
            const std::string params = go(row.start, row.goal, algorithm);
            const bool outside = *row.field != 0;
            const test::RequestAnswer answer = bench.run(params, {});
            CHECK(answer.status == (outside ? bad : fine));
            CHECK(answer.field == row.field);
            if (outside) {
                CHECK(answer.error.find("outside the grid of 4 x 3") != std::string::npos);
            } else {
                CHECK(answer.info.value("reason", "") == row.reason);
                CHECK((answer.info["distance"] == -1) == (*row.reason != 0));
            }
        }
    }
    bench.check(rows);
}

TEST_CASE("bad params of ai_pathfinding at every place and at random") {
    test::RequestBench bench("ai_pathfinding");
    const json crowd = json::parse(R"({"grid":["..#..","2.3#.",".....","##.9."],"width":5,
        "height":4,"diagonal":true,"cut_corners":true,"algorithm":"flow_field","output":"paths",
        "max_nodes":50,"obstacles":[[0,1],[4,4]],"goal":[4,3],"agents":[[0,0],[4,0,0,2]]})");
    const json field = json::parse(R"({"width":5,"height":3,"grid_format":"bits","diagonal":true,
        "goal":[1,1],"output":"field","algorithm":"flow_field"})");
    const json single = json::parse(R"({"width":9,"height":7,"start":[0,0],"goal":[8,6],
        "algorithm":"jps","obstacles":[[3,3],[4,4]],"output":"packed","diagonal":true})");
    // A grid is wrong together with its size, and an agent or a goal together with the grid.
    const test::Partners partners{
        {"width", {"grid", "data", "start", "goal", "agents"}},
        {"height", {"grid", "data", "start", "goal", "agents"}},
        {"grid", {"width", "height", "goal", "agents", "grid_format"}},
        {"grid_format", {"data"}},
        {"output", {"algorithm", "start", "agents"}},
        {"algorithm", {"output"}},
        {"goal", {"agents", "start"}},
        {"agents", {"start", "goal"}},
        {"start", {"goal"}},
    };
    test::try_everything(bench, {{crowd, {}}, {field, bytes_of({0x04, 0x00, 0x10})}, {single, {}}},
                         partners);
}
