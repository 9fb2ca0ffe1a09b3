// Results: what they show, that they live on their own, and that their digest is the contract's.
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

std::string hex(const uint8_t* digest) {
    static const char* digits = "0123456789abcdef";
    std::string text;
    for (int i = 0; i < 32; ++i) {
        text += digits[digest[i] >> 4];
        text += digits[digest[i] & 15];
    }
    return text;
}

Result exec(p2c2r_runtime* runtime, const std::string& args, const void* data, size_t size) {
    const p2c2r_bytes input = {data, size, nullptr, nullptr};
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    REQUIRE_MESSAGE(p2c2r_runtime_call(runtime, "exec", args.c_str(), &input, 30'000, &result,
                                       &why) == P2C2R_OK,
                    why.text);
    return Result(result);
}

std::vector<uint8_t> gradient(uint32_t width, uint32_t height, uint32_t channels) {
    std::vector<uint8_t> pixels(size_t{width} * height * channels);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 7 + i / 97);
    return pixels;
}

}  // namespace

TEST_CASE("a result says its numbers and texts") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("echo", "x", 1);
    task.desc.place = P2C2R_PLACE_REMOTE;
    const p2c2r_task id = submit(client.get(), task.desc);
    const Result result = fetch(client.get(), id);
    auto info = sized<p2c2r_result_info>();
    REQUIRE(p2c2r_result_info_get(result.get(), &info) == P2C2R_OK);
    CHECK(info.status == P2C2R_OK);
    CHECK(info.source == P2C2R_SOURCE_PEER);
    CHECK(info.attempts == 1);
    CHECK(info.total_us >= info.processing_us);
    size_t size = 0;
    char expected[17];
    std::snprintf(expected, sizeof expected, "%016llx", static_cast<unsigned long long>(id));
    CHECK(std::string(p2c2r_result_text(result.get(), P2C2R_TEXT_TASK_ID, &size)) == expected);
    CHECK(size == 16);
    CHECK(std::string(p2c2r_result_text(result.get(), P2C2R_TEXT_TASK_TYPE, nullptr)) == "echo");
    CHECK(std::string(p2c2r_result_text(result.get(), 99, &size)) == "");
    CHECK(size == 0);
    auto image = sized<p2c2r_image>();
    CHECK(p2c2r_result_image(result.get(), &image) == P2C2R_E_STATE);
}

TEST_CASE("a result outlives client and runtime and is freed on any thread") {
    p2c2r_result* kept = nullptr;
    {
        const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
        const Client client = make_client(runtime.get());
        const std::string payload(10'000, 'k');
        const Task task("echo", payload.data(), payload.size());
        Result result = fetch(client.get(), submit(client.get(), task.desc));
        kept = p2c2r_result_retain(result.get());
        CHECK(kept == result.get());
    }
    CHECK(data_of(kept) == std::string(10'000, 'k'));
    std::thread other([&] {
        CHECK(p2c2r_result_status(kept) == P2C2R_OK);
        p2c2r_result_release(kept);
    });
    other.join();
}

TEST_CASE("bytes of a result are 64-byte aligned whatever way they came") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Peer peer = make_peer(runtime.get(), nullptr, url.c_str());
    const Client client = make_client(runtime.get(), nullptr, url.c_str());
    connect_with_peers(runtime.get(), client.get(), 1);
    for (const size_t size : {1u, 63u, 64u, 4095u, 4096u, 5000u, 262144u, 262145u, 3000000u}) {
        CAPTURE(size);
        std::string payload(size, 'a');
        for (size_t i = 0; i < size; i += 13) payload[i] = static_cast<char>(i);
        Task task("echo", payload.data(), payload.size());
        task.desc.place = P2C2R_PLACE_REMOTE;
        const Result result = fetch(client.get(), submit(client.get(), task.desc));
        REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
        size_t got = 0;
        const void* data = p2c2r_result_data(result.get(), &got);
        CHECK(reinterpret_cast<uintptr_t>(data) % 64 == 0);
        CHECK(data_of(result.get()) == payload);
    }
}

TEST_CASE("small results keep their bytes however many come after them and when all else is gone") {
    std::vector<Result> kept;
    std::vector<std::string> sent;
    {
        const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
        const Coordinator coordinator = make_coordinator(runtime.get());
        const Peer peer = make_peer(runtime.get(), coordinator.get());
        const Client client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
        for (const int32_t place : {P2C2R_PLACE_REMOTE, P2C2R_PLACE_LOCAL}) {
            for (const size_t size :
                 {0u, 1u, 64u, 127u, 128u, 129u, 191u, 192u, 193u, 1024u, 1025u}) {
                for (int again = 0; again < 4; ++again) {
                    sent.push_back(std::string(size, static_cast<char>('a' + sent.size() % 26)));
                    Task task("echo", sent.back().data(), size);
                    task.desc.place = place;
                    kept.push_back(fetch(client.get(), submit(client.get(), task.desc)));
                }
            }
        }
    }
    for (size_t i = 0; i < kept.size(); ++i) {
        CAPTURE(i);
        CHECK(p2c2r_result_status(kept[i].get()) == P2C2R_OK);
        CHECK(data_of(kept[i].get()) == sent[i]);
        size_t size = 0;
        const void* data = p2c2r_result_data(kept[i].get(), &size);
        CHECK(reinterpret_cast<uintptr_t>(data) % 64 == 0);
    }
}

TEST_CASE("several threads ask one result for its forms at once") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const std::vector<uint8_t> pixels = gradient(16, 16, 3);
    const Result result = exec(
        runtime.get(),
        "{\"task_type\":\"upscale\",\"params\":{\"input_res\":[16,16],\"output_res\":[32,32]}}",
        pixels.data(), pixels.size());
    REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                p2c2r_result* mine = p2c2r_result_retain(result.get());
                CHECK(json_of(mine).find("algorithm_used") != std::string::npos);
                size_t size = 0;
                CHECK(std::string(p2c2r_result_text(mine, P2C2R_TEXT_ALGORITHM, &size)) ==
                      "lanczos");
                p2c2r_result_release(mine);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

TEST_CASE("the digest of an image is that of its raw pixels in every lossless form") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const std::vector<uint8_t> pixels = gradient(20, 10, 4);
    const auto upscaled = [&](const std::string& format) {
        return exec(runtime.get(),
                    "{\"task_type\":\"upscale\",\"params\":{\"input_res\":[20,10],\"channels\":4,"
                    "\"output_res\":[41,23],\"output_format\":\"" +
                        format + "\"}}",
                    pixels.data(), pixels.size());
    };
    const Result raw = upscaled("raw");
    const Result png = upscaled("png");
    const Result jpeg = upscaled("jpeg");
    uint8_t of_raw[32];
    uint8_t of_png[32];
    uint8_t of_jpeg[32];
    REQUIRE(p2c2r_result_digest(raw.get(), of_raw) == P2C2R_OK);
    REQUIRE(p2c2r_result_digest(png.get(), of_png) == P2C2R_OK);
    REQUIRE(p2c2r_result_digest(jpeg.get(), of_jpeg) == P2C2R_OK);
    CHECK(hex(of_raw) == hex(of_png));
    CHECK(hex(of_raw) != hex(of_jpeg));  // JPEG has other pixels

    auto view = sized<p2c2r_image>();
    REQUIRE(p2c2r_result_image(raw.get(), &view) == P2C2R_OK);
    CHECK(view.format == P2C2R_PIXEL_RGBA8);
    CHECK(view.width == 41);
    CHECK(view.height == 23);
    CHECK(view.stride == 41 * 4);
    CHECK(view.bytes.size == 41 * 23 * 4);
    CHECK(!view.bytes.release);
    REQUIRE(p2c2r_result_image(png.get(), &view) == P2C2R_OK);
    CHECK(view.format == P2C2R_PIXEL_PNG);
    CHECK(view.width == 41);
    REQUIRE(p2c2r_result_image(jpeg.get(), &view) == P2C2R_OK);
    CHECK(view.format == P2C2R_PIXEL_JPEG);
}

TEST_CASE("the digest of other results is over canonical fields and data") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    executor.run = [](p2c2r_job* job) -> p2c2r_status {
        // Keys in either order are the same map.
        static std::atomic<int> turn{0};
        const std::string fields = turn++ % 2 == 0 ? "{\"a\":1,\"b\":2}" : "{\"b\":2,\"a\":1}";
        void* out = nullptr;
        p2c2r_job_output_alloc(job, 3, &out);
        std::memcpy(out, "xyz", 3);
        return p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields.data(), fields.size());
    };
    executor.add(runtime.get(), "fields");
    uint8_t first[32];
    uint8_t second[32];
    const Result one = exec(runtime.get(), "{\"task_type\":\"fields\"}", nullptr, 0);
    const Result two = exec(runtime.get(), "{\"task_type\":\"fields\"}", nullptr, 0);
    REQUIRE(p2c2r_result_digest(one.get(), first) == P2C2R_OK);
    REQUIRE(p2c2r_result_digest(two.get(), second) == P2C2R_OK);
    CHECK(hex(first) == hex(second));
    // SHA-256 of 82 a1 61 01 a1 62 02 "xyz", by another implementation.
    CHECK(hex(first) == "4011ae22106395b3d137f3e916d7fdc5cb6d4da184c5b9ba5f4b3281cdd698af");
    // No fields: the empty map, then the data.
    const Result echo = exec(runtime.get(), "{\"task_type\":\"echo\"}", "abc", 3);
    REQUIRE(p2c2r_result_digest(echo.get(), first) == P2C2R_OK);
    CHECK(hex(first) == "c859a028b07317054d1a389f69a54f4346bcfec69ca42ad832644fc5460d15ed");
}

TEST_CASE("a failed result has no digest and no image but a reason") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Result failed = exec(
        runtime.get(), "{\"task_type\":\"upscale\",\"params\":{\"quality\":\"best\"}}", "x", 1);
    CHECK(p2c2r_result_status(failed.get()) < 0);
    uint8_t digest[32];
    auto image = sized<p2c2r_image>();
    CHECK(p2c2r_result_digest(failed.get(), digest) == P2C2R_E_STATE);
    CHECK(p2c2r_result_image(failed.get(), &image) == P2C2R_E_STATE);
    CHECK(p2c2r_result_digest(failed.get(), nullptr) == P2C2R_E_ARGUMENT);
    CHECK(std::string(p2c2r_result_text(failed.get(), P2C2R_TEXT_MESSAGE, nullptr)) != "");
    CHECK(std::string(p2c2r_result_text(failed.get(), P2C2R_TEXT_FIELD, nullptr)) != "");
}

TEST_CASE("params go from JSON to MessagePack and back and say how much room they need") {
    const std::string json =
        "{\"name\":\"x\",\"list\":[1,2.5,null,true],\"raw\":{\"$bytes\":\"AAEC\"}}";
    size_t need = 0;
    CHECK(p2c2r_params_from_json(json.data(), json.size(), nullptr, &need, nullptr) ==
          P2C2R_E_SIZE);
    REQUIRE(need > 0);
    std::vector<uint8_t> packed(need);
    size_t room = need - 1;
    CHECK(p2c2r_params_from_json(json.data(), json.size(), packed.data(), &room, nullptr) ==
          P2C2R_E_SIZE);
    CHECK(room == need);
    REQUIRE(p2c2r_params_from_json(json.data(), json.size(), packed.data(), &room, nullptr) ==
            P2C2R_OK);
    std::string back(1000, '\0');
    room = back.size();
    REQUIRE(p2c2r_params_to_json(packed.data(), packed.size(), back.data(), &room, nullptr) ==
            P2C2R_OK);
    back.resize(room);
    CHECK(back == json);
    p2c2r_error why = {};
    CHECK(p2c2r_params_from_json("{", 1, nullptr, &need, &why) < 0);
    CHECK(std::string(why.text) != "");
    CHECK(p2c2r_params_from_json(nullptr, 0, nullptr, &need, nullptr) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_params_from_json("{}", 2, nullptr, nullptr, nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("the digest of fields is the same whatever device computed them") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    HostExecutor executor;
    std::string fields;
    executor.run = [&](p2c2r_job* job) {
        return p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields.data(), fields.size());
    };
    executor.add(runtime.get(), "mine");
    const auto digest_of = [&](const std::string& answer) {
        fields = answer;
        const Result result = exec(runtime.get(), "{\"task_type\":\"mine\"}", "", 0);
        REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
        uint8_t digest[32];
        REQUIRE(p2c2r_result_digest(result.get(), digest) == P2C2R_OK);
        return hex(digest);
    };
    const std::string expected = digest_of("{\"steps\":3}");
    CHECK(digest_of("{\"device\":\"native\",\"steps\":3}") == expected);
    CHECK(digest_of("{\"steps\":3,\"device\":\"vulkan:0\"}") == expected);
    CHECK(digest_of("{\"steps\":4,\"device\":\"native\"}") != expected);
    CHECK(digest_of("{\"inner\":{\"device\":1}}") != digest_of("{\"inner\":{\"device\":2}}"));
}
