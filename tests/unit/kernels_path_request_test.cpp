// Params of `ai_pathfinding`: what they mean, and that each mistake names its field.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "kernels/path_request.h"
#include "model/value_json.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

Result<PathRequest> read(const std::string& json, std::vector<uint8_t> data = {}) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE_MESSAGE(params.ok(), params.error().text);
    return read_path_request(params->span(), data);
}

// "#." rows of the grid, for comparisons.
std::string picture(const PathGrid& grid) {
    std::string text;
    for (int32_t y = 0; y < static_cast<int32_t>(grid.height()); ++y) {
        for (int32_t x = 0; x < static_cast<int32_t>(grid.width()); ++x) {
            text += grid.blocked({x, y}) ? '#' : static_cast<char>('0' + grid.cost({x, y}));
        }
        text += '\n';
    }
    return text;
}

}  // namespace

TEST_CASE("path request: width and height and obstacles are a grid with the defaults") {
    const auto request = read(
        R"({"width":3,"height":2,"start":[0,0],"goal":[2,1],
            "obstacles":[[1,0],[-1,0],[3,5],[2.0,0]]})");
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    CHECK(picture(request->grid) == "1##\n111\n");
    CHECK(request->rule == PathRule::kFour);
    CHECK(request->algorithm == PathAlgorithm::kAstar);
    CHECK(request->output == PathOutput::kPaths);
    CHECK(request->max_nodes >= 1ull << 62);
    CHECK(!request->many);
    REQUIRE(request->agents.size() == 1);
    CHECK(request->agents[0].start == PathCell{0, 0});
    CHECK(request->agents[0].goal == PathCell{2, 1});
}

TEST_CASE("path request: rows of text and bytes and bits are the same grid") {
    const auto rows = read(R"({"grid":[".@G2","T..9"],"start":[0,0],"goal":[0,0]})");
    REQUIRE_MESSAGE(rows.ok(), rows.error().text);
    CHECK(picture(rows->grid) == "1#12\n#119\n");
    CHECK(rows->grid.weighted());

    const std::vector<uint8_t> bytes{1, 0, 1, 2, 0, 1, 1, 9};
    const std::string ends = R"("width":4,"height":2,"start":[0,0],"goal":[0,0])";
    const auto data = read("{" + ends + "}", bytes);
    REQUIRE_MESSAGE(data.ok(), data.error().text);
    CHECK(picture(data->grid) == picture(rows->grid));
    const auto inside = read("{" + ends + R"(,"grid":{"$bytes":"AQABAgABAQk="}})");
    REQUIRE_MESSAGE(inside.ok(), inside.error().text);
    CHECK(picture(inside->grid) == picture(rows->grid));

    // One bit a cell, 1 blocked, lowest first; what lies behind the last cell of a row counts not.
    const auto bits = read("{" + ends + "}", {0xF2, 0x01});
    REQUIRE_MESSAGE(bits.ok(), bits.error().text);
    CHECK(picture(bits->grid) == "1#11\n#111\n");
    CHECK(!bits->grid.weighted());
    // With walls on top.
    const auto more = read("{" + ends + R"(,"obstacles":[[3,1]]})", bytes);
    REQUIRE(more.ok());
    CHECK(picture(more->grid) == "1#12\n#11#\n");
    // One column: bits and bytes have the same size, and bytes are the default.
    const std::string column = R"("width":1,"height":3,"start":[0,0],"goal":[0,0])";
    CHECK(picture(read("{" + column + "}", {1, 0, 3})->grid) == "1\n#\n3\n");
    CHECK(picture(read("{" + column + R"(,"grid_format":"bits"})", {1, 0, 0})->grid) ==
          "#\n1\n1\n");
}

TEST_CASE("path request: rules and algorithms and outputs") {
    const auto with = [](const std::string& words) {
        const auto request =
            read(R"({"width":9,"height":9,"start":[0,0],"goal":[1,1],)" + words + "}");
        REQUIRE_MESSAGE(request.ok(), request.error().text);
        return *request;
    };
    CHECK(with(R"("diagonal":true)").rule == PathRule::kOctile);
    CHECK(with(R"("diagonal":true,"cut_corners":true)").rule == PathRule::kOctileCuts);
    CHECK(with(R"("diagonal":false,"cut_corners":true)").rule == PathRule::kFour);
    CHECK(with(R"("algorithm":"dijkstra")").algorithm == PathAlgorithm::kDijkstra);
    CHECK(with(R"("algorithm":"jps")").algorithm == PathAlgorithm::kJps);
    CHECK(with(R"("algorithm":"jps")").grid.columns().view().blocked(9, 0));
    CHECK(with(R"("algorithm":"flow_field")").algorithm == PathAlgorithm::kFlowField);
    CHECK(with(R"("output":"packed")").output == PathOutput::kPacked);
    CHECK(with(R"("max_nodes":17)").max_nodes == 17);
    const auto field = read(R"({"width":9,"height":9,"goal":[1,2],"output":"field"})");
    REQUIRE(field.ok());
    CHECK(field->algorithm == PathAlgorithm::kFlowField);
    CHECK(field->field_goal == PathCell{1, 2});
}

TEST_CASE("path request: agents share a goal or have their own") {
    const auto request =
        read(R"({"width":9,"height":9,"goal":[8,8],"agents":[[1,2],[3,4,5,6],[0,0]]})");
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    CHECK(request->many);
    REQUIRE(request->agents.size() == 3);
    CHECK(request->agents[0].start == PathCell{1, 2});
    CHECK(request->agents[0].goal == PathCell{8, 8});
    CHECK(request->agents[1].start == PathCell{3, 4});
    CHECK(request->agents[1].goal == PathCell{5, 6});
    CHECK(read(R"({"width":9,"height":9,"agents":[[3,4,5,6]]})").ok());
}

TEST_CASE("path request: each mistake names its field") {
    const std::string size = R"("width":4,"height":3)";
    const std::string ends = R"("start":[0,0],"goal":[3,2])";
    const std::string good = size + "," + ends;
    struct Case {
        std::string params;
        std::vector<uint8_t> data;
        Status status;
        const char* field;
        const char* part;  // of the text
    };
    const auto bad = Status::kParams;
    const Case cases[] = {
        {"", {}, bad, "width", "required"},
        {ends, {}, bad, "width", "required"},
        {R"("width":4,)" + ends, {}, bad, "height", "required"},
        {R"("width":0,"height":3,)" + ends, {}, bad, "width", "is 0"},
        {R"("width":4097,"height":3,)" + ends, {}, bad, "width", "4097"},
        {R"("width":4,"height":-3,)" + ends, {}, bad, "height", "-3"},
        {R"("width":4.5,"height":3,)" + ends, {}, bad, "width", "4.5"},
        {R"("width":"4","height":3,)" + ends, {}, bad, "width", "text"},
        {size + R"(,"goal":[0,0])", {}, bad, "start", "required"},
        {size + R"(,"start":[0,0])", {}, bad, "goal", "required"},
        {size + R"(,"start":[4,0],"goal":[0,0])", {}, bad, "start", "[4, 0]"},
        {size + R"(,"start":[0,0],"goal":[0,-1])", {}, bad, "goal", "[0, -1]"},
        {size + R"(,"start":[0],"goal":[0,1])", {}, bad, "start", "1 items"},
        {size + R"(,"start":[0,0,0],"goal":[0,1])", {}, bad, "start", "3 items"},
        {size + R"(,"start":[0.5,0],"goal":[0,1])", {}, bad, "start[0]", "float"},
        {size + R"(,"start":"a","goal":[0,1])", {}, bad, "start", "text"},
        {size + R"(,"start":[9223372036854775807,0],"goal":[0,1])", {}, bad, "start", "outside"},
        {good + R"(,"diagonal":1)", {}, bad, "diagonal", "integer"},
        {good + R"(,"cut_corners":"no")", {}, bad, "cut_corners", "text"},
        {good + R"(,"algorithm":"bfs")", {}, bad, "algorithm", "bfs"},
        {good + R"(,"output":"image")", {}, bad, "output", "image"},
        {good + R"(,"max_nodes":0)", {}, bad, "max_nodes", "is 0"},
        {good + R"(,"max_nodes":-5)", {}, bad, "max_nodes", "-5"},
        {good + R"(,"speed":5)", {}, bad, "speed", "not a parameter"},
        {good + R"(,"obstacles":5)", {}, bad, "obstacles", "integer"},
        {good + R"(,"obstacles":[[1,1],[1]])", {}, bad, "obstacles[1]", "2 integers"},
        {good + R"(,"obstacles":[[1,"x"]])", {}, bad, "obstacles[0]", "2 integers"},
        {good + R"(,"grid":7)", {}, bad, "grid", "integer"},
        {good + R"(,"grid":[])", {}, bad, "grid", "0 rows"},
        {good + R"(,"grid":[""])", {}, bad, "grid[0]", "0 cells"},
        {good + R"(,"grid":["....","...","...."])", {}, bad, "grid[1]", "3 cells"},
        {good + R"(,"grid":["....",5,"...."])", {}, bad, "grid[1]", "integer"},
        {good + R"(,"grid":["....","...."])", {}, bad, "grid", "4 x 2"},
        {R"("grid":["...."],"grid_format":"bits",)" + ends, {}, bad, "grid_format", "rows of text"},
        {good + R"(,"grid_format":"bits")", {}, bad, "grid_format", "no grid"},
        {good + R"(,"grid_format":"words")", {1}, bad, "grid_format", "words"},
        {good, {1, 2, 3, 4}, Status::kSize, "data", "4 bytes; 4 x 3 cells are 12"},
        {good + R"(,"grid_format":"bytes")", {1, 2, 3}, Status::kSize, "data", "3 bytes"},
        {good + R"(,"grid":{"$bytes":"AAA="})", {}, Status::kSize, "grid", "2 bytes"},
        {good + R"(,"grid":["...."])", {1}, bad, "grid", "beside 1 bytes"},
        {ends, {1, 2, 3}, bad, "width", "required"},
        {size + R"(,"goal":[0,0],"agents":[])", {}, bad, "agents", "empty"},
        {size + R"(,"goal":[0,0],"agents":3)", {}, bad, "agents", "integer"},
        {size + R"(,"agents":[[0,0]])", {}, bad, "agents[0]", "no goal"},
        {size + R"(,"goal":[0,0],"agents":[[0,0],[0,3]])", {}, bad, "agents[1]", "[0, 3]"},
        {size + R"(,"agents":[[0,0,4,0]])", {}, bad, "agents[0]", "goal at [4, 0]"},
        {size + R"(,"goal":[0,0],"agents":[[0,0,1]])", {}, bad, "agents[0]", "neither"},
        {size + R"(,"goal":[0,0],"agents":["a"])", {}, bad, "agents[0]", "neither"},
        {good + R"(,"agents":[[0,0]])", {}, bad, "start", "beside agents"},
        {good + R"(,"output":"field")", {}, bad, "start", "field"},
        {size + R"(,"output":"field")", {}, bad, "goal", "required"},
        {size + R"(,"goal":[0,0],"output":"field","agents":[[0,0]])", {}, bad, "agents", "field"},
        {size + R"(,"goal":[0,0],"output":"field","algorithm":"jps")",
         {},
         bad,
         "algorithm",
         "flow_field"},
        {R"("grid":["12"],"algorithm":"jps","start":[0,0],"goal":[1,0])",
         {},
         bad,
         "algorithm",
         "one cost"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.params);
        const auto request = read("{" + row.params + "}", row.data);
        REQUIRE(!request.ok());
        CHECK(request.error().status == row.status);
        CHECK(request.error().field == row.field);
        CHECK_MESSAGE(request.error().text.find(row.part) != std::string::npos,
                      request.error().text);
    }
    CHECK(read("{" + good + "}").ok());
}

TEST_CASE("path request: one agent too many is over the limit") {
    const auto agents = [](uint32_t count) {
        std::string json = R"({"width":2,"height":2,"goal":[0,0],"agents":[[1,1])";
        for (uint32_t i = 1; i < count; ++i) json += ",[1,1]";
        return read(json + "]}");
    };
    CHECK(agents(kPathAgentsMax).ok());
    const auto beyond = agents(kPathAgentsMax + 1);
    REQUIRE(!beyond.ok());
    CHECK(beyond.error().status == Status::kLimit);
    CHECK(beyond.error().field == "agents");
}

TEST_CASE("path request: not MessagePack at all") {
    const std::vector<uint8_t> nonsense{0xc1, 0xff};
    const auto request = read_path_request(nonsense, {});
    REQUIRE(!request.ok());
    CHECK(request.error().field == "params");
}
