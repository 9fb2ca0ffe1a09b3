// Tasks that leave their place to the client, as a game sees it: types that lose over a (fake) slow
// line stay on this machine, one that this machine is slow at is sent.
#include <chrono>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// A gamer's runtime and a helper's, in one process, with an executor "layer" that is slow here.
struct Places {
    static constexpr size_t kMaskSize = 200'000;
    HostExecutor slow, fast, mask;
    Runtime helper_runtime = make_runtime(P2C2R_RUN_THREAD);
    Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Coordinator coordinator = nullptr;
    Peer peer;
    Client client;
    std::string last_data;  // of one()
    uint64_t last_received = 0;

    explicit Places(const char* options) {
        const auto takes = [](int ms) {
            return [ms](p2c2r_job* job) -> p2c2r_status {
                std::this_thread::sleep_for(std::chrono::milliseconds(ms));
                void* out = nullptr;
                return p2c2r_job_output_alloc(job, 16, &out);
            };
        };
        slow.run = takes(400);
        fast.run = takes(1);
        slow.add(runtime.get(), "layer");
        fast.add(helper_runtime.get(), "layer");
        mask.run = [](p2c2r_job* job) -> p2c2r_status {
            void* out = nullptr;
            const p2c2r_status status = p2c2r_job_output_alloc(job, kMaskSize, &out);
            if (status == P2C2R_OK) std::memset(out, 0x5a, kMaskSize);
            return status;
        };
        mask.add(helper_runtime.get(), "mask");
        auto listening = sized<p2c2r_coordinator_config>();
        listening.listen_port = P2C2R_ANY;
        listening.options = R"({"local_execution": false})";
        p2c2r_coordinator* made = nullptr;
        REQUIRE(p2c2r_coordinator_create(helper_runtime.get(), &listening, &made, nullptr) ==
                P2C2R_OK);
        coordinator.reset(made);
        REQUIRE(p2c2r_coordinator_start(made, nullptr) == P2C2R_OK);
        peer = make_peer(helper_runtime.get(), made);
        uint32_t port = 0;
        REQUIRE(p2c2r_coordinator_port(made, &port, nullptr) == P2C2R_OK);
        const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
        auto config = sized<p2c2r_client_config>();
        config.coordinator_url = url.c_str();
        config.options = options;
        p2c2r_client* client_made = nullptr;
        REQUIRE(p2c2r_client_create(runtime.get(), &config, &client_made, nullptr) == P2C2R_OK);
        client.reset(client_made);
        connect_with_peers(runtime.get(), client_made, 1);
    }
    // Who computed one of this type.
    int32_t one(const char* type, const char* params, const std::string& bytes = {}) {
        const Task task(type, bytes.data(), bytes.size());
        p2c2r_task_desc desc = task.desc;
        desc.params = params;
        desc.params_size = std::strlen(params);
        desc.params_format = P2C2R_FORMAT_JSON;
        desc.deadline_us = kLongUs;
        // Each is to be computed: where is the question.
        desc.flags = P2C2R_TASK_NO_CACHE;
        p2c2r_result* result = nullptr;
        REQUIRE(p2c2r_client_submit_and_wait(client.get(), &desc, &result, nullptr) == P2C2R_OK);
        const Result owned(result);
        last_data = data_of(result);
        auto info = sized<p2c2r_result_info>();
        REQUIRE(p2c2r_result_info_get(result, &info) == P2C2R_OK);
        last_received = info.bytes_received;
        size_t size = 0;
        CHECK_MESSAGE(info.status == P2C2R_OK,
                      p2c2r_result_text(result, P2C2R_TEXT_MESSAGE, &size));
        return info.source;
    }
    std::string placement() {
        p2c2r_result* result = nullptr;
        REQUIRE(p2c2r_client_call(client.get(), "placement", nullptr, 1000, &result, nullptr) ==
                P2C2R_OK);
        const Result owned(result);
        return json_of(result);
    }
    p2c2r_client_stats stats() {
        auto stats = sized<p2c2r_client_stats>();
        REQUIRE(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
        return stats;
    }
};

constexpr const char* kPath =
    R"({"start": [0, 0], "goal": [3, 3], "width": 8, "height": 8, "obstacles": [[1, 1]]})";
constexpr const char* kUpscale =
    R"({"input_res": [4, 4], "output_res": [8, 8], "algorithm": "bicubic"})";

}  // namespace

TEST_CASE("places: what loses over a slow line stays here, what this machine is slow at is sent") {
    Places places(R"({"fake_lag_ms": 40})");
    // Nothing is known: to the helpers. A trial tells that this machine is slower than the line.
    while (places.stats().trials < 1) CHECK(places.one("layer", "{}") == P2C2R_SOURCE_PEER);
    for (int i = 0; i < 3; ++i) CHECK(places.one("layer", "{}") == P2C2R_SOURCE_PEER);
    // Those are asked for until they have settled; the bound is for a hang.
    const std::string pixels(4 * 4 * 3, '\x40');
    int32_t path = P2C2R_SOURCE_NONE;
    int32_t upscale = P2C2R_SOURCE_NONE;
    for (int i = 0; i < 200 && path != P2C2R_SOURCE_LOCAL; ++i) {
        path = places.one("ai_pathfinding", kPath);
    }
    for (int i = 0; i < 200 && upscale != P2C2R_SOURCE_LOCAL; ++i) {
        upscale = places.one("upscale", kUpscale, pixels);
    }
    CHECK(path == P2C2R_SOURCE_LOCAL);
    CHECK(upscale == P2C2R_SOURCE_LOCAL);
    CHECK(places.stats().kept_here >= 2);
    const std::string told = places.placement();
    CAPTURE(told);
    CHECK(told.find("keep here: done in ") != std::string::npos);
    CHECK(told.find("send: ") != std::string::npos);
    CHECK(told.find(R"("rtt_from":"tasks")") != std::string::npos);
}

TEST_CASE("places: a client that is told so sends everything") {
    Places places(R"({"fake_lag_ms": 20, "place_by_worth": false})");
    for (int i = 0; i < 12; ++i) {
        CHECK(places.one("ai_pathfinding", kPath) == P2C2R_SOURCE_PEER);
    }
    const std::string told = places.placement();
    CAPTURE(told);
    CHECK(told.find(R"("place_by_worth":false)") != std::string::npos);
    CHECK(told.find(R"("types")") == std::string::npos);  // it has weighed nothing
    CHECK(places.stats().trials == 0);
}

#ifdef P2C2R_HAS_ZSTD
TEST_CASE("places: over a slow line results come in fewer bytes unless the client is told not to") {
    const auto bytes_in = [](const char* options) {
        Places places(options);
        const uint64_t before = places.stats().bytes_received;
        CHECK(places.one("mask", "{}") == P2C2R_SOURCE_PEER);
        CHECK(places.last_data == std::string(Places::kMaskSize, '\x5a'));
        const uint64_t all = places.stats().bytes_received - before;
        CHECK(places.last_received > 0);
        CHECK(places.last_received < all);
        return all;
    };
    CHECK(bytes_in(R"({"fake_lag_ms": 20})") < Places::kMaskSize / 50);
    CHECK(bytes_in(R"({"fake_lag_ms": 20, "checksum": true})") < Places::kMaskSize / 50);
    CHECK(bytes_in(R"({"fake_lag_ms": 20, "code_results": false})") > Places::kMaskSize);
}
#endif
