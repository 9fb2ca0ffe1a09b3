// The `upscale` and `echo` executors as a runner sees them: a job in, bytes and a map out.
#include <doctest/doctest.h>

#include <cfenv>
#include <cstdlib>
#include <string>
#include <vector>

#include "codec/image.h"
#include "core/crypto.h"
#include "core/prng.h"
#include "exec/job_control.h"
#include "kernels/conformance.h"
#include "kernels/kernels.h"
#include "kernels/upscale_request.h"
#include "model/value_json.h"
#include "support/seed.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

codec::Image make_image(uint32_t width, uint32_t height, uint32_t channels) {
    Prng prng(width * 7919 + height);
    Buffer pixels = Buffer::allocate(size_t{width} * height * channels);
    for (size_t i = 0; i < pixels.capacity(); ++i) {
        pixels.data()[i] = static_cast<uint8_t>(prng.next());
    }
    const size_t size = pixels.capacity();
    return {width, height, channels, std::move(pixels).freeze(size)};
}

Bytes encoded(const codec::Image& image, codec::ImageFormat format) {
    Result<Bytes> file = codec::encode_image(image, format, 90);
    REQUIRE(file.ok());
    return *file;
}

std::vector<uint8_t> vector_of(const Bytes& bytes) {
    return {bytes.data(), bytes.data() + bytes.size()};
}

struct Outcome {
    Status status;
    exec::Output output;
    std::string info;  // as JSON
};

// One registry with the built-in types, and jobs on it.
class Bench {
  public:
    explicit Bench(const KernelOptions& options = native()) {
        const Result<BuiltinDevices> added = add_builtin_executors(registry_, options);
        REQUIRE_MESSAGE(added.ok(), added.error().text);
        devices_ = *added;
    }
    static KernelOptions native() {
        KernelOptions options;
        options.device = DeviceChoice::kNative;
        return options;
    }
    [[nodiscard]] const BuiltinDevices& devices() const { return devices_; }

    Outcome run(const std::string& type, const std::string& params, const Bytes& data,
                bool cancel = false) {
        const Result<Bytes> value = json_to_value(params);
        REQUIRE_MESSAGE(value.ok(), value.error().text);
        return run(type, *value, data, cancel);
    }

    Outcome run(const std::string& type, const Bytes& params, const Bytes& data,
                bool cancel = false) {
        exec::Job* job = exec::JobControl::make();
        job->task_type = type;
        job->params = params;
        job->data = data;
        if (cancel) job->request_cancel();
        const std::shared_ptr<exec::Executor> executor = registry_.find(type);
        REQUIRE(executor);
        Outcome outcome;
        outcome.status = exec::JobControl::run(*job, *executor);
        CHECK(job->output_set == (outcome.status == Status::kOk));
        outcome.output = std::move(job->output);
        job->release();
        const Result<std::string> info = value_to_json(outcome.output.info.span());
        REQUIRE(info.ok());
        outcome.info = *info;
        return outcome;
    }

  private:
    exec::Registry registry_;
    BuiltinDevices devices_;
};

}  // namespace

TEST_CASE("echo gives back the very bytes without a copy") {
    Bench bench;
    const Bytes data = Bytes::copy("twelve bytes");
    const Outcome outcome = bench.run("echo", R"({"anything":[1,2]})", data);
    CHECK(outcome.status == Status::kOk);
    CHECK(outcome.output.data.data() == data.data());
    CHECK(outcome.output.data.size() == 12);
    CHECK(outcome.output.info.empty());
    CHECK(bench.run("echo", "{}", Bytes()).status == Status::kOk);
}

TEST_CASE("upscale answers in the input's format and says what it did") {
    Bench bench;
    const codec::Image image = make_image(20, 10, 3);
    struct Case {
        codec::ImageFormat format;
        const char* name;
    };
    for (const Case& row :
         {Case{codec::ImageFormat::kJpeg, "jpeg"}, Case{codec::ImageFormat::kPng, "png"},
          Case{codec::ImageFormat::kRaw, "raw"}}) {
        const Outcome outcome = bench.run(
            "upscale", R"({"input_res":[20,10],"output_res":[30,15]})", encoded(image, row.format));
        CAPTURE(outcome.output.error);
        REQUIRE(outcome.status == Status::kOk);
        CHECK(outcome.info == std::string(R"({"algorithm_used":"lanczos","channels":3,)") +
                                  R"("device":"native","output_format":")" + row.name +
                                  R"(","output_res":[30,15]})");
        CHECK(codec::recognise_format(outcome.output.data.span()) == row.format);
        CHECK(outcome.output.memory_peak == 20 * 10 * 3 + 30 * 15 * 3);
    }
}

TEST_CASE("png and raw results hold the same pixels and jpeg others like them") {
    Bench bench;
    const Bytes data = encoded(make_image(24, 18, 4), codec::ImageFormat::kPng);
    const auto result = [&](const std::string& format) {
        const Outcome outcome =
            bench.run("upscale", R"({"scale":2,"output_format":")" + format + "\"}", data);
        REQUIRE(outcome.status == Status::kOk);
        return outcome;
    };
    const Outcome raw = result("raw");
    CHECK(raw.output.data.size() == 48 * 36 * 4);
    const Result<codec::Image> png = codec::decode_image(result("png").output.data.span());
    REQUIRE(png.ok());
    CHECK(vector_of(png->pixels) == vector_of(raw.output.data));
    const Outcome jpeg = result("jpeg");
    CHECK(jpeg.info.find(R"("channels":3)") != std::string::npos);
    CHECK(codec::read_image_header(jpeg.output.data.span())->width == 48);
}

TEST_CASE("jpeg quality reaches the encoder") {
    Bench bench;
    const Bytes data = encoded(make_image(64, 64, 3), codec::ImageFormat::kPng);
    const auto size = [&](const std::string& quality) {
        return bench
            .run("upscale", R"({"scale":1,"output_format":"jpeg","jpeg_quality":)" + quality + "}",
                 data)
            .output.data.size();
    };
    CHECK(size("10") < size("60"));
    CHECK(size("60") < size("100"));
}

TEST_CASE("raw pixels know their channels by their size") {
    Bench bench;
    for (const uint32_t channels : {3u, 4u}) {
        const Bytes data = make_image(9, 7, channels).pixels;
        const Outcome outcome =
            bench.run("upscale", R"({"input_res":[9,7],"output_res":[18,14]})", data);
        REQUIRE(outcome.status == Status::kOk);
        CHECK(outcome.output.data.size() == 18 * 14 * channels);
    }
}

TEST_CASE("the executor computes what the kernel computes for both algorithms") {
    Bench bench;
    for (const UpscaleAnswer& answer : upscale_answers()) {
        const std::string params = "{\"input_res\":[" + std::to_string(answer.input_width) + "," +
                                   std::to_string(answer.input_height) + "],\"output_res\":[" +
                                   std::to_string(answer.output_width) + "," +
                                   std::to_string(answer.output_height) + "],\"algorithm\":\"" +
                                   filter_name(answer.filter) + "\"}";
        const Outcome outcome =
            bench.run("upscale", params, Bytes::copy(make_answer_input(answer)));
        REQUIRE_MESSAGE(outcome.status == Status::kOk, outcome.output.error);
        CHECK(to_hex(sha256(outcome.output.data.span())) == answer.sha256);
    }
}

TEST_CASE("bad pictures are errors that name the field and nothing is lost") {
    Bench bench;
    const codec::Image image = make_image(20, 10, 3);
    const Bytes jpeg = encoded(image, codec::ImageFormat::kJpeg);
    const Bytes png = encoded(image, codec::ImageFormat::kPng);
    std::vector<uint8_t> huge = vector_of(jpeg);
    for (size_t i = 2; i + 9 < huge.size(); ++i) {
        if (huge[i] != 0xFF || huge[i + 1] != 0xC0) continue;
        huge[i + 5] = huge[i + 7] = 20000 >> 8;
        huge[i + 6] = huge[i + 8] = 20000 & 255;
        break;
    }
    struct Case {
        const char* what;
        const char* params;
        Bytes data;
        Status status;
        const char* field;
        const char* part;
    };
    const Case cases[] = {
        {"no data", R"({"output_res":[5,5]})", Bytes(), Status::kParams, "input_res", "0 bytes"},
        {"raw without a size", R"({"output_res":[5,5]})", image.pixels, Status::kParams,
         "input_res", "600 bytes"},
        {"raw of another size", R"({"input_res":[21,10],"output_res":[5,5]})", image.pixels,
         Status::kSize, "data", "630 bytes"},
        {"raw with wrong channels", R"({"input_res":[20,10],"channels":4,"output_res":[5,5]})",
         image.pixels, Status::kSize, "data", "800 bytes"},
        {"raw above the limit", R"({"input_res":[8192,8192],"output_res":[5,5]})", image.pixels,
         Status::kLimit, "data", "67108864"},
        {"cut jpeg", R"({"output_res":[5,5]})", jpeg.slice(0, jpeg.size() / 2), Status::kParams,
         "data", "JPEG"},
        {"cut png", R"({"output_res":[5,5]})", png.slice(0, png.size() / 2), Status::kParams,
         "data", "PNG"},
        {"huge jpeg", R"({"output_res":[5,5]})", Bytes::copy(huge), Status::kLimit, "data",
         "20000 x 20000"},
        {"input_res differs", R"({"input_res":[20,11],"output_res":[5,5]})", jpeg, Status::kParams,
         "input_res", "20 x 10"},
        {"channels differ", R"({"channels":4,"output_res":[5,5]})", png, Status::kParams,
         "channels", "the image has 3"},
        {"output too large", R"({"output_res":[8192,4096]})", png, Status::kLimit, "output_res",
         "33554432"},
    };
    for (const Case& row : cases) {
        CAPTURE(row.what);
        const Outcome outcome = bench.run("upscale", row.params, row.data);
        CHECK(outcome.status == row.status);
        CHECK(outcome.output.field == row.field);
        CHECK_MESSAGE(outcome.output.error.find(row.part) != std::string::npos,
                      outcome.output.error);
        CHECK(outcome.output.data.empty());
    }
    CHECK(bench.run("upscale", R"({"output_res":[5,5]})", png).status == Status::kOk);
}

TEST_CASE("a cancelled job ends as cancelled") {
    Bench bench;
    const Bytes png = encoded(make_image(20, 10, 3), codec::ImageFormat::kPng);
    const Outcome outcome = bench.run("upscale", R"({"output_res":[5,5]})", png, true);
    CHECK(outcome.status == Status::kCancelled);
    CHECK(outcome.output.data.empty());
}

TEST_CASE("the host's floating-point settings change nothing and are left as they were") {
    Bench bench;
    const Bytes png = encoded(make_image(37, 23, 3), codec::ImageFormat::kPng);
    const Bytes odd = encoded(make_image(25, 45, 3), codec::ImageFormat::kPng);
    // Read before the settings change: how JSON numbers are read is not what this is about.
    std::vector<Bytes> params;
    for (const char* json :
         {R"({"scale":1.3,"output_format":"raw"})", R"({"scale":1.1,"output_format":"raw"})",
          R"({"scale":0.7,"output_format":"jpeg"})"}) {
        params.push_back(*json_to_value(json));
    }
    const auto digests = [&] {
        std::string all;
        for (const Bytes& data : {png, odd}) {
            for (const Bytes& each : params) {
                const Outcome outcome = bench.run("upscale", each, data);
                REQUIRE(outcome.status == Status::kOk);
                all += outcome.info + to_hex(sha256(outcome.output.data.span()));
            }
        }
        return all;
    };
    const std::string expected = digests();
    for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
        REQUIRE(std::fesetround(mode) == 0);
        const std::string found = digests();
        const int mode_after = std::fegetround();
        std::fesetround(FE_TONEAREST);
        CHECK(found == expected);
        CHECK(mode_after == mode);
    }
}

TEST_CASE("picture memory comes from the hook and all of it goes back") {
    struct Count {
        int64_t live = 0;
        int64_t taken = 0;
    } count;
    MemoryHook hook;
    hook.user = &count;
    hook.allocate = [](void* user, size_t size, size_t align) -> void* {
        ++static_cast<Count*>(user)->live;
        ++static_cast<Count*>(user)->taken;
        return std::aligned_alloc(align, size);
    };
    hook.deallocate = [](void* user, void* data, size_t, size_t) {
        --static_cast<Count*>(user)->live;
        std::free(data);
    };
    {
        KernelOptions options = Bench::native();
        options.memory = &hook;
        Bench bench(options);
        const Bytes png = encoded(make_image(20, 10, 3), codec::ImageFormat::kPng);
        const Outcome outcome = bench.run("upscale", R"({"output_res":[40,20]})", png);
        CHECK(outcome.status == Status::kOk);
        CHECK(count.taken == 3);  // decoded, resized, encoded
        CHECK(count.live == 1);   // the result
    }
    CHECK(count.live == 0);
}

TEST_CASE("without a Vulkan loader a named device is refused and automatic choice computes") {
    KernelOptions options;
    options.vulkan.loader = "/nonexistent/libvulkan-none.so";
    Bench bench(options);
    CHECK(bench.devices().name == "native");
    CHECK(bench.devices().list.empty());
    CHECK(bench.devices().none_because.find("libvulkan-none.so") != std::string::npos);
    const Bytes png = encoded(make_image(4, 4, 3), codec::ImageFormat::kPng);
    CHECK(bench.run("upscale", R"({"scale":2})", png).status == Status::kOk);

    options.device = DeviceChoice::kVulkan;
    exec::Registry registry;
    const Result<BuiltinDevices> named = add_builtin_executors(registry, options);
    REQUIRE(!named.ok());
    CHECK(named.error().status == Status::kNoDevice);
    CHECK(named.error().text.find("libvulkan-none.so") != std::string::npos);
    CHECK(registry.task_types().empty());

    options.device = DeviceChoice::kNative;
    CHECK(add_builtin_executors(registry, options).ok());
    CHECK(registry.task_types() == std::vector<std::string>{"echo", "physics", "upscale"});
}

TEST_CASE("a named Vulkan device computes and types without a GPU form say so") {
    KernelOptions options;
    options.device = DeviceChoice::kVulkan;
    exec::Registry probe;
    const Result<BuiltinDevices> present = add_builtin_executors(probe, options);
    if (!present) {
        MESSAGE("skipped: " << present.error().text);
        return;
    }
    REQUIRE(!present->list.empty());
    for (size_t i = 0; i < present->list.size(); ++i) {
        options.vulkan_index = static_cast<uint32_t>(i);
        Bench bench(options);
        const std::string name = "vulkan:" + std::to_string(i);
        CHECK(bench.devices().name == name);
        CHECK(bench.devices().used == i);
        const std::vector<RefusedType> refused = refused_types(bench.devices());
        REQUIRE(refused.size() == 1);
        CHECK(refused[0].task_type == "echo");
        const Bytes png = encoded(make_image(31, 17, 3), codec::ImageFormat::kPng);
        const Outcome gpu = bench.run("upscale", R"({"output_res":[50,40]})", png);
        REQUIRE_MESSAGE(gpu.status == Status::kOk, gpu.output.error);
        CHECK(gpu.info.find("\"device\":\"" + name + "\"") != std::string::npos);
        Bench native;
        const Outcome cpu = native.run("upscale", R"({"output_res":[50,40]})", png);
        CHECK(vector_of(gpu.output.data) == vector_of(cpu.output.data));
        CHECK(bench.run("upscale", R"({"scale":2})", png, true).status == Status::kCancelled);

        const Outcome echo = bench.run("echo", "{}", png);
        CHECK(echo.status == Status::kUnsupported);
        CHECK(echo.output.error.find("'echo' has no GPU form") != std::string::npos);
        CHECK(echo.output.error.find(name) != std::string::npos);
    }
    // By uuid, and where no device has it.
    options.vulkan_uuid = present->list[0].uuid;
    CHECK(Bench(options).devices().used == 0u);
    options.vulkan_uuid->fill(0xEE);
    exec::Registry registry;
    const Result<BuiltinDevices> none = add_builtin_executors(registry, options);
    REQUIRE(!none.ok());
    CHECK(none.error().status == Status::kNoDevice);
    options.vulkan_uuid.reset();
    options.vulkan_index = 99;
    const Result<BuiltinDevices> beyond = add_builtin_executors(registry, options);
    REQUIRE(!beyond.ok());
    CHECK(beyond.error().text.find("99") != std::string::npos);
}

TEST_CASE("automatic choice never takes a software device") {
    Bench bench{KernelOptions{}};
    if (bench.devices().used) CHECK(!bench.devices().list[*bench.devices().used].software);
    bool real = false;
    for (const gpu::DeviceInfo& info : bench.devices().list) real = real || !info.software;
    CHECK(bench.devices().used.has_value() == real);
}
