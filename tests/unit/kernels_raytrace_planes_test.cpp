// What is made of the planes of a G-buffer before a ray starts: every value of 16 bits, and how
// often work on large planes looks whether to stop.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/prng.h"
#include "kernels/raytrace_request.h"
#include "kernels/raytrace_walk.h"
#include "model/value_json.h"
#include "support/gbuffer_planes.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

// The depths of all values of 16 bits, as the words of a frame hold them.
std::vector<float> depths_of_all(RtGbuffer::Depth format, double near, double far) {
    std::vector<uint8_t> depth;
    for (uint32_t value = 0; value < 65536; ++value) test::put_word(depth, value, 2);
    const std::vector<uint8_t> normal(65536 * 3, 100);
    RtGbuffer gbuffer;
    gbuffer.depth = depth;
    gbuffer.normal = normal;
    gbuffer.depth_format = format;
    gbuffer.range[0] = near;
    gbuffer.range[1] = far;
    RtFrame frame(kRtFrameWords);
    StopLooks nobody;
    REQUIRE(append_rt_gbuffer(gbuffer, {0, 0, 256}, frame, nobody));
    std::vector<float> depths;
    for (size_t i = 0; i < 65536; ++i) {
        const size_t at = kRtFrameWords + kRtGbufferPixels + i * kRtGbufferWords;
        depths.push_back(std::bit_cast<float>(frame[at]));
    }
    return depths;
}

void check_depths(const std::vector<float>& depths, const std::function<double(uint32_t)>& said) {
    CHECK(depths[0] == 0);
    double worst = 0;
    for (uint32_t value = 1; value < 65536; ++value) {
        worst = std::max(worst, std::fabs(depths[value] / said(value) - 1));
    }
    CHECK(worst < 1e-7);  // of a float; a step is 1e-5 and more
}

double signed_part(uint32_t word, int at, int bits) {
    const auto value = static_cast<int32_t>(word << (32 - at - bits)) >> (32 - bits);
    const double most = (1 << (bits - 1)) - 1;
    return std::max(value / most, -1.0);
}

// As README.md says it.
std::array<double, 3> octahedral(uint32_t word, int bits) {
    const double u = signed_part(word, 0, bits);
    const double v = signed_part(word, bits, bits);
    const auto sign = [](double part) { return part < 0 ? -1.0 : 1.0; };
    std::array<double, 3> n{u, v, 1 - std::fabs(u) - std::fabs(v)};
    if (n[2] < 0) {
        n[0] = (1 - std::fabs(v)) * sign(u);
        n[1] = (1 - std::fabs(u)) * sign(v);
    }
    return n;
}

void check_normal(uint32_t format, uint32_t word, const std::array<double, 3>& said) {
    const double length = std::hypot(said[0], said[1], said[2]);
    const RtVec3 found = rt_gbuffer_normal(format, word);
    const double off =
        std::max({std::fabs(found.x - said[0] / length), std::fabs(found.y - said[1] / length),
                  std::fabs(found.z - said[2] / length)});
    REQUIRE_MESSAGE(off < 2e-7, word);
}

// A G-buffer of so many rows of 1024 pixels that fills a task's data.
struct LargeTask {
    explicit LargeTask(uint32_t rows) {
        const size_t pixels = size_t{rows} * 1024;
        std::vector<uint8_t> planes(pixels * 7, 100);
        for (size_t i = 0; i < pixels; ++i) planes[i * 4 + 3] = 0x40;
        data = Bytes::copy(planes);
        params = *json_to_value(
            R"({"camera":{"position":[0,1,5],"direction":[0,0,-1]},"objects":[],
                "resolution":[1024,)" +
            std::to_string(rows) +
            R"(],"gbuffer":{"depth":{"format":"f32","offset":0},
                "normal":{"format":"s8x3","offset":)" +
            std::to_string(pixels * 4) + R"(}},"previous":{"ambient":0.5}})");
    }
    [[nodiscard]] Result<RaytraceRequest> read(const std::function<bool()>& stop) const {
        RtSceneCache scenes;
        return read_raytrace_request(RaytraceKind::kShadows, params.span(), data.span(), scenes,
                                     stop);
    }

    Bytes params, data;
};

// `work` stops at whichever look it is told to; how often a whole one looks.
uint64_t check_looks(const std::function<bool(const std::function<bool()>& stop)>& work) {
    uint64_t all = 0;
    CHECK(work([&] { return ++all == 0; }));
    for (uint64_t at = 1; at <= all; ++at) {
        CAPTURE(at);
        uint64_t looks = 0;
        CHECK_FALSE(work([&] { return ++looks >= at; }));
        CHECK(looks == at);  // having said yes once is enough
    }
    return all;
}

}  // namespace

TEST_CASE("every value of 16 bits is the depth that the formats say") {
    check_depths(depths_of_all(RtGbuffer::Depth::kU16, 0.5, 100),
                 [](uint32_t value) { return 0.5 + (value - 1) * 99.5 / 65534; });
    check_depths(depths_of_all(RtGbuffer::Depth::kLog16, 0.125, 1048576),
                 [](uint32_t value) { return 0.125 * std::pow(8388608, (value - 1) / 65536.0); });
}

TEST_CASE("normals are the directions that their formats say") {
    for (uint32_t word = 0; word < 65536; ++word) {
        check_normal(kRtNormalOct16, word, octahedral(word, 8));
    }
    Prng prng(test::seed());
    for (int round = 0; round < 20'000; ++round) {
        const auto word = static_cast<uint32_t>(prng.next());
        check_normal(kRtNormalOct32, word, octahedral(word, 16));
        check_normal(
            kRtNormalS8x3, word | 1,
            {signed_part(word | 1, 0, 8), signed_part(word, 8, 8), signed_part(word, 16, 8)});
    }
}

TEST_CASE("judging a large G-buffer looks whether to stop and ends as cancelled at any look") {
    const auto looks_of = [](uint32_t rows) {
        const LargeTask task(rows);
        return check_looks([&](const std::function<bool()>& stop) {
            const Result<RaytraceRequest> request = task.read(stop);
            if (!request) CHECK(request.error().status == Status::kCancelled);
            return request.ok();
        });
    };
    const uint64_t small = looks_of(256);
    CHECK(small >= 4);  // a quarter of a million pixels, a millisecond
    CHECK(looks_of(1024) >= small + 12);
}

TEST_CASE("hashing a large G-buffer and making words of it look whether to stop") {
    const LargeTask task(1024);
    const Result<RaytraceRequest> request = task.read({});
    REQUIRE(request.ok());
    const uint64_t hashing = check_looks([&](const std::function<bool()>& stop) {
        StopLooks looks(stop);
        return request->gbuffer->digest(looks).has_value();
    });
    CHECK(hashing >= 20);  // of 7 MB
    const uint64_t making = check_looks([&](const std::function<bool()>& stop) {
        StopLooks looks(stop);
        RtFrame frame = request->frame;
        return append_rt_gbuffer(*request->gbuffer, {0, 0, 1024}, frame, looks);
    });
    CHECK(making >= 16);
}
