// Results that stay: named by later tasks, fetched when they are wanted, and gone with a word.
#include <cstring>

#include "world.h"

using namespace capi_test;

namespace {

// A coordinator that keeps so many bytes of contents, a peer, and a client.
struct ResidentWorld {
    explicit ResidentWorld(int32_t mode = P2C2R_RUN_THREAD, const char* options = nullptr)
        : runtime(make_runtime(mode)) {
        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_NONE;
        config.options = options;
        p2c2r_coordinator* made = nullptr;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_coordinator_create(runtime.get(), &config, &made, &why) == P2C2R_OK,
                        why.text);
        coordinator.reset(made);
        peer = make_peer(runtime.get(), coordinator.get());
        client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
    }
    Result run(const std::string& data, uint32_t flags, int32_t place = P2C2R_PLACE_AUTO) {
        Task task("echo", data.data(), data.size());
        task.desc.flags = flags;
        task.desc.place = place;
        return fetch(client.get(), submit(client.get(), task.desc));
    }
    Result run(p2c2r_content content, uint32_t flags) {
        auto desc = sized<p2c2r_task_desc>();
        desc.task_type = "echo";
        desc.content = content;
        desc.flags = flags;
        return fetch(client.get(), submit(client.get(), desc));
    }
    p2c2r_content put(const Result& result) {
        p2c2r_content content = 0;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(
            p2c2r_client_put_result(client.get(), result.get(), &content, &why) == P2C2R_OK,
            why.text);
        return content;
    }
    std::string get(p2c2r_content content, p2c2r_status expected = P2C2R_OK) {
        p2c2r_result* result = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_client_get_content(client.get(), content, 5000, &result, &why) == expected);
        const Result owned(result);
        CHECK((result != nullptr) == (expected == P2C2R_OK));
        return result ? data_of(result) : std::string(why.field);
    }
    static uint64_t stayed(const Result& result) {
        auto info = sized<p2c2r_result_info>();
        REQUIRE(p2c2r_result_info_get(result.get(), &info) == P2C2R_OK);
        return info.resident_size;
    }

    Runtime runtime;
    Coordinator coordinator;
    Peer peer;
    Client client;
};

}  // namespace

TEST_CASE("residents: a result stays, the next task goes on from it, and its bytes can be had") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        ResidentWorld world(mode);
        const std::string scene(900'000, 's');
        const Result first = world.run(scene, P2C2R_TASK_RESIDENT);
        REQUIRE(p2c2r_result_status(first.get()) == P2C2R_OK);
        size_t size = 7;
        CHECK(p2c2r_result_data(first.get(), &size) == nullptr);
        CHECK(size == 0);
        CHECK(ResidentWorld::stayed(first) == scene.size());
        const p2c2r_content content = world.put(first);
        const Result second = world.run(content, P2C2R_TASK_RESIDENT);
        CHECK(ResidentWorld::stayed(second) == scene.size());
        uint8_t digests[2][32] = {};
        CHECK(p2c2r_result_digest(first.get(), digests[0]) == P2C2R_OK);
        CHECK(p2c2r_result_digest(second.get(), digests[1]) == P2C2R_OK);
        CHECK(std::memcmp(digests[0], digests[1], 32) == 0);
        CHECK(data_of(world.run(world.put(second), 0).get()) == scene);
        CHECK(world.get(content) == scene);
        CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_OK);
        CHECK(world.get(content, P2C2R_E_STALE) == "content");
    }
}

TEST_CASE("residents: what this machine computes comes whole and can be put as well") {
    ResidentWorld world;
    const std::string text(100'000, 't');
    const Result here = world.run(text, P2C2R_TASK_RESIDENT, P2C2R_PLACE_LOCAL);
    CHECK(data_of(here.get()) == text);
    CHECK(ResidentWorld::stayed(here) == 0);
    const p2c2r_content content = world.put(here);
    CHECK(world.get(content) == text);
    CHECK(data_of(world.run(content, 0).get()) == text);
}

TEST_CASE("residents: one that had to give way is E_CONTENT, for a task and for who asks") {
    ResidentWorld world(P2C2R_RUN_THREAD, R"({"content_bytes_max": 300000})");
    const p2c2r_content gone = world.put(world.run(std::string(100'000, 'a'), P2C2R_TASK_RESIDENT));
    for (const char fill : {'b', 'c'}) {
        CHECK(ResidentWorld::stayed(world.run(std::string(100'000, fill), P2C2R_TASK_RESIDENT)) ==
              100'000);
    }
    CHECK(world.get(gone, P2C2R_E_CONTENT) == "digest");
    const Result told = world.run(gone, 0);
    CHECK(p2c2r_result_status(told.get()) == P2C2R_E_CONTENT);
    CHECK(std::string(p2c2r_result_text(told.get(), P2C2R_TEXT_FIELD, nullptr)) == "content");
}

TEST_CASE("residents: what is wrong with one is told") {
    ResidentWorld world;
    const Result good = world.run("text", P2C2R_TASK_RESIDENT);
    p2c2r_client* const client = world.client.get();
    p2c2r_content content = 7;
    p2c2r_error why = {};
    CHECK(p2c2r_client_put_result(client, nullptr, &content, &why) == P2C2R_E_ARGUMENT);
    CHECK(content == 0);
    CHECK(std::string(why.field) == "result");
    CHECK(p2c2r_client_put_result(client, good.get(), nullptr, &why) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_client_put_result(nullptr, good.get(), &content, &why) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_client_get_content(client, 0, 10, nullptr, &why) == P2C2R_E_ARGUMENT);
    CHECK(world.get(0, P2C2R_E_STALE) == "content");
    Task unknown("nobody_runs_this");
    const Result failed = fetch(client, submit(client, unknown.desc));
    CHECK(p2c2r_client_put_result(client, failed.get(), &content, &why) == P2C2R_E_STATE);
    // The result may go before the content does.
    const p2c2r_content kept = world.put(world.run("kept", P2C2R_TASK_RESIDENT));
    CHECK(world.get(kept) == "kept");
    // Patches fit what stayed as they fit anything.
    auto desc = sized<p2c2r_task_desc>();
    desc.task_type = "echo";
    desc.content = kept;
    const p2c2r_patch patch = {1, "E", 1};
    desc.patches = &patch;
    desc.patch_count = 1;
    CHECK(data_of(fetch(client, submit(client, desc)).get()) == "kEpt");
    const p2c2r_patch beyond = {4, "E", 1};
    desc.patches = &beyond;
    p2c2r_task task = 0;
    CHECK(p2c2r_client_submit(client, &desc, &task, &why) == P2C2R_E_SIZE);
    // It cannot be used where it is not.
    desc.patches = &patch;
    desc.place = P2C2R_PLACE_LOCAL;
    CHECK(p2c2r_result_status(fetch(client, submit(client, desc)).get()) == P2C2R_E_CONTENT);
}

TEST_CASE("residents: what answers a frame does not stay") {
    ResidentWorld world;
    auto config = sized<p2c2r_frames_config>();
    config.budget_us = 16'000;
    p2c2r_frames* frames = nullptr;
    p2c2r_error why = {};
    REQUIRE(p2c2r_frames_create(world.client.get(), &config, &frames, &why) == P2C2R_OK);
    Task task("echo", "x", 1);
    task.desc.flags = P2C2R_TASK_RESIDENT;
    CHECK(p2c2r_frames_push(frames, &task.desc, nullptr, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "flags");
    CHECK(p2c2r_frames_destroy(frames) == P2C2R_OK);
}

TEST_CASE("residents: a task that is cut does not stay and what stays is not cut") {
    ResidentWorld world;
    const Result first = world.run(std::string(9'000, 'x'), P2C2R_TASK_RESIDENT);
    auto desc = sized<p2c2r_task_desc>();
    desc.task_type = "upscale";
    desc.split = P2C2R_SPLIT_AUTO;
    desc.flags = P2C2R_TASK_RESIDENT;
    p2c2r_task task = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit(world.client.get(), &desc, &task, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "split");
    desc.flags = 0;
    desc.content = world.put(first);
    desc.split = 2;
    CHECK(p2c2r_client_submit(world.client.get(), &desc, &task, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "split");
    // It goes whole: that it is no picture is another matter.
    desc.split = P2C2R_SPLIT_AUTO;
    const Result whole = fetch(world.client.get(), submit(world.client.get(), desc));
    CHECK(p2c2r_result_status(whole.get()) == P2C2R_E_PARAMS);
    auto stats = sized<p2c2r_client_stats>();
    CHECK(p2c2r_client_stats_get(world.client.get(), &stats) == P2C2R_OK);
    CHECK(stats.cut == 0);
}
