// The ray-tracing executors as a runner sees them: a job in, bytes and a map out.
#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <vector>

#include "codec/image.h"
#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/kernels.h"
#include "kernels/layer_delta.h"
#include "kernels/raytrace_probes.h"
#include "model/value_json.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

struct Outcome {
    Status status;
    exec::Output output;
    std::string info;  // as JSON

    [[nodiscard]] std::vector<uint8_t> data() const {
        return {output.data.data(), output.data.data() + output.data.size()};
    }
};

class Bench {
  public:
    explicit Bench(DeviceChoice device = DeviceChoice::kNative) {
        KernelOptions options;
        options.device = device;
        const Result<BuiltinDevices> added = add_builtin_executors(registry_, options);
        present_ = added.ok();
    }
    [[nodiscard]] bool present() const { return present_; }

    Outcome run(const std::string& type, const std::string& params, const std::string& data = "",
                bool cancel = false) {
        exec::Job* job = exec::JobControl::make();
        job->task_type = type;
        job->params = json_to_value(params).value();
        if (!data.empty()) job->data = json_to_value(data).value();
        if (cancel) job->request_cancel();
        Outcome outcome;
        outcome.status = exec::JobControl::run(*job, *registry_.find(type));
        outcome.output = std::move(job->output);
        job->release();
        outcome.info = value_to_json(outcome.output.info.span()).value();
        return outcome;
    }

  private:
    exec::Registry registry_;
    bool present_ = false;
};

// A sphere of radius 1 on a floor, a light above to the right.
constexpr const char* kScene =
    R"("objects":[{"type":"sphere","position":[0,1,0],"radius":1,"material":"mirror"},
        {"type":"plane","position":[0,0,0],"normal":[0,1,0],"color":[0.5,0.5,0.5]}],
       "lights":[{"position":[3,6,2],"intensity":0.5}],"ambient":0.25,"background":[0,0,1])";
constexpr const char* kView =
    R"("resolution":[33,20],"camera":{"position":[0,2,8],"direction":[0,-0.15,-1],"fov_deg":40})";

std::string task(const std::string& fields = "") {
    return std::string("{") + kView + "," + kScene + (fields.empty() ? "" : ",") + fields + "}";
}

uint32_t word_at(const std::vector<uint8_t>& bytes, size_t at) {
    return uint32_t{bytes[at]} | uint32_t{bytes[at + 1]} << 8 | uint32_t{bytes[at + 2]} << 16 |
           uint32_t{bytes[at + 3]} << 24;
}

}  // namespace

TEST_CASE("a picture says what it is and png holds the bytes of raw") {
    Bench bench;
    const Outcome raw = bench.run("raytracing", task(R"("output_format":"raw")"));
    REQUIRE_MESSAGE(raw.status == Status::kOk, raw.output.error);
    CHECK(raw.info == R"({"algorithm_used":"path","channels":3,"device":"native",)"
                      R"("output_format":"raw","output_res":[33,20],"sample_count":1,)"
                      R"("sample_first":0})");
    REQUIRE(raw.output.data.size() == 33 * 20 * 3);
    CHECK(raw.output.memory_peak > 0);
    // The sky above, the floor below.
    CHECK(raw.output.data.data()[2] == 255);
    CHECK(raw.output.data.data()[0] == 0);
    CHECK(raw.output.data.data()[33 * 19 * 3] == raw.output.data.data()[33 * 19 * 3 + 1]);
    const Outcome png = bench.run("raytracing", task());
    REQUIRE(png.status == Status::kOk);
    const Result<codec::Image> image = codec::decode_image(png.output.data.span());
    REQUIRE(image.ok());
    CHECK(std::vector<uint8_t>(image->pixels.data(), image->pixels.data() + image->pixels.size()) ==
          raw.data());
    const Outcome jpeg = bench.run("raytracing", task(R"("output_format":"jpeg")"));
    CHECK(codec::recognise_format(jpeg.output.data.span()) == codec::ImageFormat::kJpeg);
    CHECK(bench.run("raytracing", task(), "", true).status == Status::kCancelled);
}

TEST_CASE("sums of sample ranges add up to the whole picture") {
    Bench bench;
    const auto sums = [&](const std::string& range) {
        const Outcome outcome = bench.run(
            "raytracing", task(R"("samples_per_pixel":8,"output_format":"sums")" + range));
        REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.output.error);
        return outcome.data();
    };
    const std::vector<uint8_t> whole = sums("");
    const std::vector<uint8_t> first = sums(R"(,"sample_count":3)");
    const std::vector<uint8_t> rest = sums(R"(,"sample_first":3)");
    const Outcome picture =
        bench.run("raytracing", task(R"("samples_per_pixel":8,"output_format":"raw")"));
    REQUIRE(whole.size() == 33 * 20 * 12);
    for (size_t i = 0; i < whole.size() / 4; ++i) {
        const uint32_t sum = word_at(whole, i * 4);
        REQUIRE(word_at(first, i * 4) + word_at(rest, i * 4) == sum);
        REQUIRE((2 * sum + 257 * 8) / (514 * 8) == picture.output.data.data()[i]);
    }
}

TEST_CASE("layers hold the object and the distance and the normal of pixel centres") {
    Bench bench;
    const Outcome outcome = bench.run("raytracing", task(R"("samples_per_pixel":4,"sample_first":2,
                              "layers":["color","hit_id","depth","normal"])"));
    REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.output.error);
    const size_t pixels = 33 * 20;
    CHECK(outcome.info == R"({"algorithm_used":"path","layers":{)"
                          R"("color":{"format":"u8x3","offset":0,"size":1980},)"
                          R"("depth":{"format":"f32","offset":4620,"size":2640},)"
                          R"("hit_id":{"format":"u32","offset":1980,"size":2640},)"
                          R"("normal":{"format":"s8x3","offset":7260,"size":1980}},)"
                          R"("output_res":[33,20],"sample_count":2,"sample_first":2})");
    const std::vector<uint8_t> data = outcome.data();
    REQUIRE(data.size() == pixels * 14);
    const auto id = [&](size_t pixel) { return word_at(data, pixels * 3 + pixel * 4); };
    const auto depth = [&](size_t pixel) {
        return std::bit_cast<float>(word_at(data, pixels * 7 + pixel * 4));
    };
    const auto normal = [&](size_t pixel, size_t axis) {
        return static_cast<int8_t>(data[pixels * 11 + pixel * 3 + axis]);
    };
    CHECK(id(0) == 0);
    CHECK(depth(0) == 0.0f);
    const size_t floor_pixel = 33 * 19 + 16;
    CHECK(id(floor_pixel) == 2);
    CHECK(normal(floor_pixel, 0) == 0);
    CHECK(normal(floor_pixel, 1) == 127);
    const size_t middle = 33 * 10 + 16;
    CHECK(id(middle) == 1);
    CHECK(depth(middle) == doctest::Approx(7.07).epsilon(0.01));
    CHECK(normal(middle, 2) > 120);
}

TEST_CASE("a shadow mask has a bit for each pixel that the light does not reach") {
    Bench bench;
    const Outcome mask = bench.run("rt_shadows", task());
    REQUIRE_MESSAGE(mask.status == Status::kOk, mask.output.error);
    CHECK(mask.info == R"({"algorithm_used":"path","layers":{"shadow":)"
                       R"({"format":"bits","offset":0,"size":100}},"lights":1,)"
                       R"("output_res":[33,20]})");
    const std::vector<uint8_t> bits = mask.data();
    REQUIRE(bits.size() == 5 * 20);
    // On the floor a pixel is as dark as ambient light alone exactly where its bit is set.
    const Outcome picture =
        bench.run("raytracing", task(R"("layers":["color","hit_id"],"output_format":"raw")"));
    const std::vector<uint8_t> data = picture.data();
    int shadowed = 0;
    for (size_t pixel = 0; pixel < 33 * 20; ++pixel) {
        const bool bit = bits[pixel / 33 * 5 + pixel % 33 / 8] >> (pixel % 33 % 8) & 1;
        const uint32_t id = word_at(data, 33 * 20 * 3 + pixel * 4);
        if (id == 0) CHECK(!bit);
        if (id != 2) continue;
        CHECK(bit == (data[pixel * 3] == 32));
        shadowed += bit ? 1 : 0;
    }
    CHECK(shadowed > 5);
    const Outcome half = bench.run("rt_shadows", task(R"("half_resolution":true)"));
    REQUIRE(half.status == Status::kOk);
    CHECK(half.output.data.size() == 3 * 10);
    CHECK(half.info.find("[17,10]") != std::string::npos);
}

TEST_CASE("reflections show what mirrors show and nothing elsewhere") {
    Bench bench;
    const Outcome layer = bench.run("rt_reflections", task(R"("output_format":"raw")"));
    REQUIRE_MESSAGE(layer.status == Status::kOk, layer.output.error);
    const Outcome picture =
        bench.run("raytracing", task(R"("layers":["color","hit_id"],"output_format":"raw")"));
    const std::vector<uint8_t> data = picture.data();
    for (size_t pixel = 0; pixel < 33 * 20; ++pixel) {
        const bool mirror = word_at(data, 33 * 20 * 3 + pixel * 4) == 1;
        for (size_t i = pixel * 3; i < pixel * 3 + 3; ++i) {
            REQUIRE(layer.output.data.data()[i] == (mirror ? data[i] : 0));
        }
    }
}

TEST_CASE("probes see the sky above them and the floor below") {
    Bench bench;
    const std::string params =
        std::string(R"({"probes":{"min":[5,1,0],"max":[9,2,0],"counts":[3,2,1]},)") +
        R"("rays_per_side":128,)" + kScene + "}";
    const Outcome outcome = bench.run("rt_global_illumination", params);
    REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.output.error);
    CHECK(outcome.info == R"({"algorithm_used":"path","counts":[3,2,1],"layers":{"probes":)"
                          R"({"format":"u8x3","offset":0,"size":108}}})");
    const std::vector<uint8_t> data = outcome.data();
    REQUIRE(data.size() == 3 * 2 * 18);
    for (size_t probe = 0; probe < 6; ++probe) {
        const uint8_t* const up = data.data() + probe * 18 + 2 * 3;
        const uint8_t* const down = data.data() + probe * 18 + 3 * 3;
        CHECK(up[0] == 0);
        CHECK(up[2] == 255);
        CHECK(down[0] > 32);  // more than ambient light
        CHECK(down[0] == down[2]);
    }
}

TEST_CASE("directions of probes are spread as the light that a surface receives") {
    for (const uint32_t count : {1u, 64u, 1024u}) {
        const std::vector<float> directions = make_probe_directions(count);
        REQUIRE(directions.size() == count * 3);
        double sum[3] = {};
        for (size_t i = 0; i < directions.size(); ++i) sum[i % 3] += directions[i];
        if (count < 1000) continue;
        // The mean cosine of a cosine-weighted half sphere is 2/3.
        CHECK(sum[2] / count == doctest::Approx(2.0 / 3).epsilon(0.005));
        CHECK(sum[0] / count == doctest::Approx(0).epsilon(0.01));
        CHECK(sum[1] / count == doctest::Approx(0).epsilon(0.01));
    }
}

TEST_CASE("a delta depends on its request alone, not on what was computed before it") {
    const auto asked = [](const char* transfer) {
        return task(std::string(R"("output_format":"raw","transfer":")") + transfer +
                    R"(","previous":{}, "max_bounces":2)");
    };
    Bench used;
    REQUIRE(used.run("rt_reflections", asked("linear")).status == Status::kOk);
    Bench fresh;
    const Outcome again = used.run("rt_reflections", asked("srgb"));
    const Outcome first = fresh.run("rt_reflections", asked("srgb"));
    REQUIRE_MESSAGE(again.status == Status::kOk, again.output.error);
    CHECK(again.data() == first.data());
    CHECK(again.info == first.info);
}

TEST_CASE("a delta makes of the previous layer the present one") {
    Bench bench;
    const std::string moved = R"("previous":{"camera":{"position":[0,2,8.25],
        "direction":[0,-0.15,-1],"fov_deg":40}})";
    const std::string before = std::string(R"({"resolution":[33,20],"camera":{"position":)") +
                               R"([0,2,8.25],"direction":[0,-0.15,-1],"fov_deg":40},)" + kScene +
                               "}";
    const std::vector<uint8_t> now = bench.run("rt_shadows", task()).data();
    std::vector<uint8_t> layer = bench.run("rt_shadows", before).data();
    REQUIRE(layer != now);
    for (int round = 0; round < 2; ++round) {
        const Outcome delta = bench.run("rt_shadows", task(moved));
        REQUIRE_MESSAGE(delta.status == Status::kOk, delta.output.error);
        CHECK(delta.info.find(R"("delta":true,"full_size":100)") != std::string::npos);
        std::vector<uint8_t> patched = layer;
        REQUIRE(apply_layer_delta(delta.output.data.span(), patched).ok());
        CHECK(patched == now);
        CHECK(delta.output.data.size() < now.size());
    }
    // The same with the scene as data.
    const Outcome resident = bench.run("rt_shadows", std::string("{") + kView + "," + moved + "}",
                                       std::string("{") + kScene + "}");
    REQUIRE_MESSAGE(resident.status == Status::kOk, resident.output.error);
    std::vector<uint8_t> patched = layer;
    REQUIRE(apply_layer_delta(resident.output.data.span(), patched).ok());
    CHECK(patched == now);
    // Nothing moved: nothing is sent, and the layer made last is known.
    const Outcome still = bench.run("rt_shadows", task(R"("previous":{})"));
    REQUIRE(still.status == Status::kOk);
    CHECK(still.output.data.empty());
    const Outcome other = bench.run(
        "rt_shadows", task(R"("previous":{"lights":[{"position":[3,6,2]},{"position":[0,9,0]}]})"));
    CHECK(other.status == Status::kParams);
    CHECK(other.output.field == "previous.lights");
    CHECK(bench.run("rt_shadows", task(R"("previous":{"tile":[0,0,1,1]})")).output.field ==
          "previous.tile");
    CHECK(bench.run("raytracing", task(R"("previous":{})")).output.field == "previous");
}

TEST_CASE("random layers come back from their deltas and damaged deltas are refused") {
    Prng prng(test::seed());
    for (int round = 0; round < 300; ++round) {
        std::vector<uint8_t> before(prng.below(400));
        for (uint8_t& byte : before) byte = static_cast<uint8_t>(prng.below(3));
        std::vector<uint8_t> after = before;
        for (uint64_t i = prng.below(20); i > 0 && !after.empty(); --i) {
            after[prng.below(after.size())] = static_cast<uint8_t>(prng.next());
        }
        const std::vector<uint8_t> delta = make_layer_delta(before, after);
        std::vector<uint8_t> layer = before;
        REQUIRE(apply_layer_delta(delta, layer).ok());
        REQUIRE(layer == after);
        // Whatever happens to it, nothing is written outside.
        std::vector<uint8_t> damaged = delta;
        for (uint8_t& byte : damaged) {
            if (prng.below(4) == 0) byte = static_cast<uint8_t>(prng.next());
        }
        damaged.resize(damaged.size() - prng.below(damaged.size() / 2 + 1));
        (void)apply_layer_delta(damaged, layer);
    }
    std::vector<uint8_t> layer(10);
    const uint8_t too_far[] = {9, 2, 1, 1};
    CHECK(apply_layer_delta(too_far, layer).error().status == Status::kSize);
    const uint8_t cut[] = {0, 2, 1};
    CHECK(apply_layer_delta(cut, layer).error().status == Status::kSize);
}

TEST_CASE("mistakes in requests for probes name their field") {
    Bench bench;
    const auto field = [&](const std::string& fields) {
        const Outcome outcome =
            bench.run("rt_global_illumination", "{" + fields + "," + kScene + "}");
        CHECK(outcome.status != Status::kOk);
        return outcome.output.field;
    };
    CHECK(field(R"("seed":1)") == "probes");
    CHECK(field(R"("probes":{"max":[1,1,1],"counts":[1,1,1]})") == "probes.min");
    CHECK(field(R"("probes":{"min":[0,0,0],"max":[1,1,1],"counts":[0,1,1]})") ==
          "probes.counts[0]");
    CHECK(field(R"("probes":{"min":[0,0,0],"max":[1,1,1],"counts":[1000,33,1]})") ==
          "probes.counts");
    CHECK(
        field(R"("rays_per_side":1025,"probes":{"min":[0,0,0],"max":[1,1,1],"counts":[1,1,1]})") ==
        "rays_per_side");
    CHECK(field(R"("resolution":[4,4],"probes":{"min":[0,0,0],"max":[1,1,1],"counts":[1,1,1]})") ==
          "resolution");
}

TEST_CASE("all four types give the same bytes on a named Vulkan device") {
    Bench vulkan(DeviceChoice::kVulkan);
    if (!vulkan.present()) {
        MESSAGE("skipped: there is no Vulkan device");
        return;
    }
    Bench native;
    const std::string probes =
        std::string(R"({"probes":{"min":[-2,0.5,-2],"max":[2,2,2],"counts":[2,2,2]},)") +
        R"("rays_per_side":16,)" + kScene + "}";
    const std::pair<const char*, std::string> tasks[] = {
        {"raytracing", task(R"("samples_per_pixel":3,"output_format":"raw")")},
        {"raytracing", task(R"("layers":["hit_id","depth","normal"])")},
        {"rt_shadows", task()},
        {"rt_reflections", task(R"("output_format":"raw")")},
        {"rt_global_illumination", probes},
    };
    for (const auto& [type, params] : tasks) {
        const Outcome a = native.run(type, params);
        const Outcome b = vulkan.run(type, params);
        REQUIRE_MESSAGE(a.status == Status::kOk, a.output.error);
        REQUIRE_MESSAGE(b.status == Status::kOk, b.output.error);
        CHECK(a.data() == b.data());
    }
}
