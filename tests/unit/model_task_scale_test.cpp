#include "model/task_scale.h"

#include <doctest/doctest.h>

#include "model/value_json.h"

using namespace p2c2r;

namespace {

uint64_t pixels_of(const char* json) {
    const Result<Bytes> params = json_to_value(json);
    REQUIRE(params.ok());
    return pixels_asked_for(params->span());
}

}  // namespace

TEST_CASE("task scale: the pixels of what is asked for are read by their names") {
    CHECK(pixels_of(R"({"camera": {}, "resolution": [1280, 720]})") == 1280 * 720);
    CHECK(pixels_of(R"({"resolution": [1280, 720], "half_resolution": true})") == 640 * 360);
    CHECK(pixels_of(R"({"half_resolution": false, "resolution": [8, 4]})") == 32);
    CHECK(pixels_of(R"({"input_res": [4, 4], "output_res": [8, 8]})") == 64);
    CHECK(pixels_of(R"({"output_width": 10, "output_height": 6, "input_width": 5})") == 60);
    CHECK(pixels_of(R"({"width": 30, "height": 20, "start": [0, 0]})") == 600);
}

TEST_CASE("task scale: params that say nothing of pixels or what is no params have none") {
    CHECK(pixels_asked_for({}) == 0);
    CHECK(pixels_of("{}") == 0);
    CHECK(pixels_of("[1, 2]") == 0);
    CHECK(pixels_of(R"({"width": 30})") == 0);
    CHECK(pixels_of(R"({"width": -30, "height": -20})") == 0);
    CHECK(pixels_of(R"({"resolution": [1280]})") == 0);
    CHECK(pixels_of(R"({"resolution": "fine"})") == 0);
    CHECK(pixels_of(R"({"resolution": [4000000000, 4000000000]})") == 0);
    CHECK(pixels_of(R"({"data": {"resolution": [8, 8]}})") == 0);
    const uint8_t cut[] = {0x81, 0xaa, 'r', 'e', 's'};
    CHECK(pixels_asked_for(cut) == 0);
    const std::string large =
        R"({"resolution": [8, 8], "text": ")" + std::string(20'000, 'x') + R"("})";
    CHECK(pixels_of(large.c_str()) == 0);
}
