// Inputs that stay: put once, referred to by tasks, changed for one of them, and dropped.
#include <algorithm>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// Memory that the library borrows, and how often it was given back.
struct Lent {
    std::string text;
    std::atomic<int> released{0};

    p2c2r_bytes bytes() {
        return {text.data(), text.size(),
                [](void* user, const void*, size_t) { ++static_cast<Lent*>(user)->released; },
                this};
    }
};

struct World {
    explicit World(int32_t mode = P2C2R_RUN_THREAD) : runtime(make_runtime(mode)) {
        coordinator = make_coordinator(runtime.get());
        peer = make_peer(runtime.get(), coordinator.get());
        client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
    }
    p2c2r_content put(const p2c2r_bytes& bytes) {
        p2c2r_content content = 0;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_client_put(client.get(), &bytes, &content, &why) == P2C2R_OK,
                        why.text);
        REQUIRE(content != 0);
        return content;
    }
    p2c2r_content put(const std::string& text) {
        return put(p2c2r_bytes{text.data(), text.size(), nullptr, nullptr});
    }
    std::string answer(const p2c2r_task_desc& desc) {
        const Result result = fetch(client.get(), submit(client.get(), desc));
        INFO(p2c2r_result_text(result.get(), P2C2R_TEXT_MESSAGE, nullptr));
        REQUIRE(p2c2r_result_status(result.get()) == P2C2R_OK);
        return data_of(result.get());
    }
    uint64_t sent() {
        auto stats = sized<p2c2r_client_stats>();
        p2c2r_client_stats_get(client.get(), &stats);
        return stats.bytes_sent;
    }
    uint64_t taken() {
        auto stats = sized<p2c2r_peer_stats>();
        p2c2r_peer_stats_get(peer.get(), &stats);
        return stats.bytes_in;
    }

    Runtime runtime;
    Coordinator coordinator;
    Peer peer;
    Client client;
};

p2c2r_task_desc task_of(p2c2r_content content, const char* type = "echo") {
    auto desc = sized<p2c2r_task_desc>();
    desc.task_type = type;
    desc.content = content;
    return desc;
}

std::string packed(const std::string& json) {
    size_t size = 0;
    p2c2r_params_from_json(json.data(), json.size(), nullptr, &size, nullptr);
    std::string out(size, '\0');
    REQUIRE(p2c2r_params_from_json(json.data(), json.size(), out.data(), &size, nullptr) ==
            P2C2R_OK);
    return out;
}

}  // namespace

TEST_CASE("contents: tasks refer to one and change it for themselves") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        World world(mode);
        const std::string level(300'000, 'l');
        const p2c2r_content content = world.put(level);
        CHECK(world.answer(task_of(content)) == level);
        p2c2r_task_desc changed = task_of(content);
        const p2c2r_patch patches[] = {{1, "one", 3}, {299'999, "e", 1}, {2, "N", 1}};
        changed.patches = patches;
        changed.patch_count = 3;
        CHECK(world.answer(changed) ==
              std::string(level).replace(1, 3, "oNe").replace(299'999, 1, "e"));
        CHECK(world.answer(task_of(content)) == level);
        const uint64_t before = world.sent();
        for (int i = 0; i < 10; ++i) CHECK(world.answer(task_of(content)) == level);
        CHECK(world.sent() - before < 10 * 200);
        // On this machine only, too.
        p2c2r_task_desc here = changed;
        here.place = P2C2R_PLACE_LOCAL;
        CHECK(world.answer(here).substr(0, 6) == "loNell");
    }
}

TEST_CASE("contents: what is wrong with one is told with its field") {
    World world;
    const p2c2r_content content = world.put("0123456789");
    p2c2r_error why = {};
    const auto refused = [&](const p2c2r_task_desc& desc, p2c2r_status expected) {
        p2c2r_task task = 0;
        CHECK(p2c2r_client_submit(world.client.get(), &desc, &task, &why) == expected);
        CHECK(task == 0);
        return std::string(why.field);
    };
    p2c2r_task_desc both = task_of(content);
    const p2c2r_bytes data = {"x", 1, nullptr, nullptr};
    both.data = &data;
    CHECK(refused(both, P2C2R_E_ARGUMENT) == "content");
    CHECK(refused(task_of(content + 1), P2C2R_E_STALE) == "content");
    p2c2r_patch patch = {8, "abc", 3};
    p2c2r_task_desc beyond = task_of(content);
    beyond.patches = &patch;
    beyond.patch_count = 1;
    CHECK(refused(beyond, P2C2R_E_SIZE) == "patches");
    CHECK(std::string(why.text) == "patches[0] replaces 3 bytes at 8 of a content of 10");
    patch = {0, nullptr, 3};
    CHECK(refused(beyond, P2C2R_E_ARGUMENT) == "patches");
    beyond.patch_count = SIZE_MAX;
    CHECK(refused(beyond, P2C2R_E_SIZE) == "patch_count");
    p2c2r_task_desc alone = sized<p2c2r_task_desc>();
    alone.task_type = "echo";
    alone.patches = &patch;
    alone.patch_count = 1;
    CHECK(refused(alone, P2C2R_E_ARGUMENT) == "patches");
    p2c2r_task_desc missing = task_of(content);
    missing.patch_count = 1;
    CHECK(refused(missing, P2C2R_E_ARGUMENT) == "patches");
    p2c2r_content out = 7;
    CHECK(p2c2r_client_put(world.client.get(), nullptr, &out, &why) == P2C2R_E_ARGUMENT);
    CHECK(out == 0);
    const p2c2r_bytes nowhere = {nullptr, 5, nullptr, nullptr};
    CHECK(p2c2r_client_put(world.client.get(), &nowhere, &out, &why) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_client_drop(world.client.get(), 0) == P2C2R_E_STALE);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_OK);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_E_STALE);
    CHECK(refused(task_of(content), P2C2R_E_STALE) == "content");
}

TEST_CASE("contents: equal bytes are one content that is dropped as often as it was put") {
    World world;
    Lent first{std::string(100'000, 'l')};
    Lent second{std::string(100'000, 'l')};
    const p2c2r_content content = world.put(first.bytes());
    CHECK(world.put(second.bytes()) == content);
    CHECK(second.released == 1);
    CHECK(world.put(first.text) == content);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_OK);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_OK);
    CHECK(first.released == 0);
    CHECK(world.answer(task_of(content)) == first.text);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_OK);
    CHECK(p2c2r_client_drop(world.client.get(), content) == P2C2R_E_STALE);
    world.client.reset();
    world.peer.reset();
    world.coordinator.reset();
    world.runtime.reset();
    CHECK(first.released == 1);
}

TEST_CASE("contents: one that is dropped serves the tasks that were submitted before") {
    World world;
    HostExecutor executor;
    std::atomic<bool> go_on{false};
    executor.run = [&](p2c2r_job* job) -> p2c2r_status {
        while (!go_on) std::this_thread::yield();
        size_t size = 0;
        const void* data = p2c2r_job_input(job, 0, &size);
        void* out = nullptr;
        const p2c2r_status status = p2c2r_job_output_alloc(job, size, &out);
        if (size > 0) std::memcpy(out, data, size);
        return status;
    };
    executor.add(world.runtime.get(), "slow");
    const Client client = make_client(world.runtime.get(), world.coordinator.get());
    const std::string level(100'000, 'l');
    const p2c2r_bytes bytes = {level.data(), level.size(), nullptr, nullptr};
    p2c2r_content content = 0;
    REQUIRE(p2c2r_client_put(client.get(), &bytes, &content, nullptr) == P2C2R_OK);
    p2c2r_task_desc desc = task_of(content, "slow");
    desc.place = P2C2R_PLACE_LOCAL;
    const p2c2r_task task = submit(client.get(), desc);
    CHECK(p2c2r_client_drop(client.get(), content) == P2C2R_OK);
    go_on = true;
    CHECK(data_of(fetch(client.get(), task).get()) == level);
}

namespace {

// 3 000 spheres under one light; more than 100 KB packed.
std::string scene_with_light(const std::string& position) {
    std::string objects;
    for (int i = 0; i < 3'000; ++i) {
        objects += (i > 0 ? "," : "") + std::string(R"({"type":"sphere","position":[)") +
                   std::to_string(i % 60) + "," + std::to_string(i / 60) + "," +
                   std::to_string(i % 7) + R"(],"radius":0.4})";
    }
    return packed(R"({"ambient":0.2,"lights":[{"position":)" + position +
                  R"(,"intensity":1}],"objects":[)" + objects + "]}");
}

std::string camera_at(int frame) {
    return packed(R"({"resolution":[16,9],"camera":{"position":[)" + std::to_string(frame) +
                  R"(,20,-40],"direction":[0.1,0,1]}})");
}

constexpr int kFrames = 10;
constexpr uint64_t kFrameBytes = 1'000;  // what one may cost each link

}  // namespace

TEST_CASE("contents: a moving camera over a scene that stays costs less than 1 KB a frame") {
    World world;
    const std::string scene = scene_with_light("[30,20,-60]");
    CHECK(scene.size() > 100'000);
    const p2c2r_content content = world.put(scene);
    const auto frame = [&](const char* type, int number, bool by_content) {
        const std::string camera = camera_at(number);
        const p2c2r_bytes data = {scene.data(), scene.size(), nullptr, nullptr};
        p2c2r_task_desc desc = by_content ? task_of(content, type) : sized<p2c2r_task_desc>();
        desc.task_type = type;
        desc.params = camera.data();
        desc.params_size = camera.size();
        desc.deadline_us = kLongUs;
        if (!by_content) desc.data = &data;
        return world.answer(desc);
    };
    for (const char* type : {"raytracing", "rt_shadows", "rt_reflections"}) {
        CAPTURE(type);
        const std::string first = frame(type, 0, true);
        CHECK(first == frame(type, 0, false));
        const uint64_t sent = world.sent();
        const uint64_t taken = world.taken();
        std::string last;
        for (int i = 1; i <= kFrames; ++i) last = frame(type, i, true);
        const uint64_t up = world.sent() - sent;
        const uint64_t on = world.taken() - taken;
        CHECK(up < kFrames * kFrameBytes);
        CHECK(on < kFrames * kFrameBytes);
        MESSAGE(std::string(type) << ": a scene of " << scene.size() << " bytes; a frame costs "
                                  << up / kFrames << " bytes up, " << on / kFrames
                                  << " to the peer");
        // Nothing mirrors here, so its reflections are black from everywhere.
        if (std::string(type) != "rt_reflections") CHECK(last != first);
        CHECK(last == frame(type, kFrames, false));
    }
}

TEST_CASE(
    "contents: a light that moves in a scene that stays is a delta of less than 1 KB a frame") {
    World world;
    // Floats with a fraction all take as many bytes, so that the scene keeps its size.
    const auto scene_at = [](int frame) {
        return scene_with_light("[" + std::to_string(frame) + ".1,20.1,-60.1]");
    };
    const std::string scene = scene_at(0);
    const p2c2r_content content = world.put(scene);
    const auto frame = [&](int number, bool by_patch) {
        const std::string camera = camera_at(number);
        const std::string changed = scene_at(number);
        REQUIRE(changed.size() == scene.size());
        const auto from = std::mismatch(scene.begin(), scene.end(), changed.begin()).first;
        const auto to = std::mismatch(scene.rbegin(), scene.rend(), changed.rbegin()).first.base();
        const auto offset = static_cast<size_t>(from - scene.begin());
        const size_t size = from == scene.end() ? 0 : static_cast<size_t>(to - from);
        const p2c2r_patch patch = {offset, changed.data() + offset, size};
        const p2c2r_bytes data = {changed.data(), changed.size(), nullptr, nullptr};
        auto desc = by_patch ? task_of(content, "raytracing") : sized<p2c2r_task_desc>();
        desc.task_type = "raytracing";
        desc.params = camera.data();
        desc.params_size = camera.size();
        desc.deadline_us = kLongUs;
        if (by_patch) {
            desc.patches = &patch;
            desc.patch_count = 1;
        } else {
            desc.data = &data;
        }
        return world.answer(desc);
    };
    CHECK(frame(0, true) == frame(0, false));
    const uint64_t sent = world.sent();
    const uint64_t taken = world.taken();
    std::string last;
    for (int i = 1; i <= kFrames; ++i) last = frame(i, true);
    const uint64_t up = world.sent() - sent;
    const uint64_t on = world.taken() - taken;
    CHECK(up < kFrames * kFrameBytes);
    CHECK(on < kFrames * kFrameBytes);
    MESSAGE("a frame with a delta costs " << up / kFrames << " bytes up, " << on / kFrames
                                          << " to the peer");
    CHECK(last == frame(kFrames, false));
}
