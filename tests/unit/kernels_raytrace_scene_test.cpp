// Scenes are built once, however many tasks ask for one, and a task that is cancelled meanwhile
// leaves nothing behind.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "exec/job_control.h"
#include "kernels/raytrace_task.h"
#include "model/value_json.h"
#include "model/value_writer.h"

using namespace p2c2r;
using namespace p2c2r::kernels;

namespace {

constexpr const char* kView =
    R"({"camera":{"position":[0,1,5],"direction":[0,0,-1]},"resolution":[4,4]})";

// A mesh of so many triangles as the data of a task; numbers as bytes or as numbers. `flat`: all
// triangles are the same one.
Bytes mesh_scene(uint32_t triangles, bool as_bytes = true, bool flat = false) {
    std::vector<float> places;
    std::vector<uint32_t> corners;
    for (uint32_t i = 0; i < triangles; ++i) {
        const uint32_t at = flat ? 0 : i;
        for (uint32_t corner = 0; corner < 3; ++corner) {
            places.push_back(static_cast<float>(at % 100 + corner % 2));
            places.push_back(static_cast<float>(at * 37 % 64 + corner / 2));
            places.push_back(static_cast<float>(at / 100));
            corners.push_back(i * 3 + corner);
        }
    }
    ValueWriter writer;
    writer.map(1).key("objects").array(1).map(3).key("type").text("mesh");
    const auto put = [&](const char* name, const auto& list, const auto& number) {
        writer.key(name);
        const auto count = static_cast<uint32_t>(list.size());
        if (as_bytes) {
            writer.bytes({reinterpret_cast<const uint8_t*>(list.data()), size_t{count} * 4});
            return;
        }
        writer.array(count);
        for (const auto each : list) number(each);
    };
    put("vertices", places, [&](float place) { writer.number32(place); });
    put("indices", corners, [&](uint32_t corner) { writer.integer(corner); });
    return writer.take();
}

Result<RaytraceRequest> read(const Bytes& scene, RtSceneCache& scenes,
                             const std::function<bool()>& stop = {}) {
    const Result<Bytes> params = json_to_value(kView);
    REQUIRE(params.ok());
    return read_raytrace_request(RaytraceKind::kPicture, params->span(), scene.span(), scenes,
                                 stop);
}

// How often a whole reading looks whether it shall stop.
uint64_t looks_of(const Bytes& scene) {
    RtSceneCache scenes;
    uint64_t looks = 0;
    const Result<RaytraceRequest> request = read(scene, scenes, [&] { return ++looks == 0; });
    REQUIRE_MESSAGE(request.ok(), request.error().text);
    return looks;
}

// Until a task waits for the scene of another one. The deadline is there only so that a task which
// never waits is a failure and no test without an end.
bool somebody_waits(const RtSceneCache& scenes) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (scenes.waiting() == 0) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

std::shared_ptr<const RtScene> found(const Result<std::shared_ptr<const RtScene>>& scene) {
    REQUIRE(scene.ok());
    return *scene;
}

}  // namespace

TEST_CASE("reading a scene looks whether to stop the more often the more triangles it has") {
    for (const bool as_bytes : {true, false}) {
        CAPTURE(as_bytes);
        const uint64_t small = looks_of(mesh_scene(10'000, as_bytes));
        const uint64_t large = looks_of(mesh_scene(40'000, as_bytes));
        CHECK(small >= 10);  // some 10 ms of work
        CHECK(large >= small * 4);
    }
    // Where all lie in one place and the heuristic finds nothing, too.
    CHECK(looks_of(mesh_scene(40'000, true, true)) >= 40);
}

TEST_CASE("a task that is cancelled at any look ends as cancelled and leaves no claim or scene") {
    for (const bool flat : {false, true}) {
        const Bytes scene = mesh_scene(8'000, false, flat);
        const uint64_t all = looks_of(scene);
        RtSceneCache scenes;
        for (uint64_t at = 1; at <= all; ++at) {
            CAPTURE(at);
            uint64_t looks = 0;
            const Result<RaytraceRequest> stopped =
                read(scene, scenes, [&] { return ++looks >= at; });
            REQUIRE(!stopped.ok());
            CHECK(stopped.error().status == Status::kCancelled);
            CHECK(stopped.error().field.empty());
            CHECK(looks == at);  // having said yes once is enough
            REQUIRE(scenes.claims() == 0);
        }
        // The next one finds nothing half built, and builds it.
        uint64_t looks = 0;
        const Result<RaytraceRequest> request = read(scene, scenes, [&] { return ++looks == 0; });
        REQUIRE(request.ok());
        CHECK(looks == all);
        RtSceneCache fresh;
        const Result<RaytraceRequest> other = read(scene, fresh);
        REQUIRE(other.ok());
        CHECK(request->scene->prims == other->scene->prims);
        CHECK(request->scene->nodes == other->scene->nodes);
    }
}

TEST_CASE(
    "the scene of before, which a change is told against, is left when its task is cancelled") {
    const Result<Bytes> list = json_to_value(kView);
    REQUIRE(list.ok());
    const Bytes before = mesh_scene(8'000);
    ValueWriter writer;
    writer.map(3);
    for (const auto& [key, value] : Value(list->span()).fields()) writer.value(key).value(value);
    writer.key("previous").value(Value(before.span()));
    const Bytes params = writer.take();
    const Result<Bytes> now = json_to_value(R"({"objects":[],"lights":[]})");
    RtSceneCache scenes;
    uint64_t looks = 0;
    const auto ask = [&](RtSceneCache& seen, uint64_t look_to_stop) {
        looks = 0;
        return read_raytrace_request(RaytraceKind::kShadows, params.span(), now->span(), seen,
                                     [&] { return ++looks >= look_to_stop; });
    };
    REQUIRE(ask(scenes, UINT64_MAX).ok());
    const uint64_t all = looks;
    RtSceneCache empty;
    const Result<RaytraceRequest> stopped = ask(empty, all);
    REQUIRE(!stopped.ok());
    CHECK(stopped.error().status == Status::kCancelled);
    CHECK(empty.claims() == 0);
}

TEST_CASE("tasks that ask for the same new scene wait for the first of them to build it") {
    RtSceneCache scenes;
    const Digest256 digest{1};
    const Digest256 other{2};
    REQUIRE_FALSE(found(scenes.find_or_claim(digest)));
    std::shared_ptr<const RtScene> second;
    std::thread waits([&] { second = *scenes.find_or_claim(digest); });
    CHECK_FALSE(found(scenes.find_or_claim(other)));  // another scene waits for nobody
    const auto built = std::make_shared<const RtScene>();
    scenes.add(digest, built);
    waits.join();
    CHECK(second == built);
    CHECK(found(scenes.find_or_claim(digest)) == built);
    // Who could not build it leaves it to the next one.
    std::thread takes_over([&] { CHECK_FALSE(*scenes.find_or_claim(other)); });
    scenes.give_up(other);
    takes_over.join();
    scenes.add(other, built);
    CHECK(found(scenes.find_or_claim(other)) == built);
}

TEST_CASE("a task that waits for the scene of a cancelled one builds it itself") {
    const Bytes scene = mesh_scene(8'000);
    RtSceneCache scenes;
    Result<RaytraceRequest> second = make_error(Status::kState, "not read");
    std::thread waits;
    uint64_t looks = 0;
    // The first one is cancelled in the middle, when the second waits for it.
    const Result<RaytraceRequest> first = read(scene, scenes, [&] {
        ++looks;
        if (scenes.claims() == 0) return false;
        if (!waits.joinable()) waits = std::thread([&] { second = read(scene, scenes); });
        CHECK_MESSAGE(somebody_waits(scenes), "the second task has not waited for the first");
        return true;
    });
    waits.join();
    CHECK(looks > 0);
    REQUIRE(!first.ok());
    CHECK(first.error().status == Status::kCancelled);
    REQUIRE(second.ok());
    CHECK(second->scene->prims_count == 8'000);
    CHECK(scenes.claims() == 0);
}

TEST_CASE("a task that is cancelled while it waits for a scene ends, and the builder goes on") {
    const auto scenes = std::make_shared<RtSceneCache>();
    RaytraceExecutor executor(RaytraceKind::kPicture, nullptr, nullptr, scenes, 1);
    exec::Job* const job = exec::JobControl::make();
    job->task_type = "raytracing";
    job->params = *json_to_value(kView);
    job->data = mesh_scene(100);
    // Somebody builds this very scene: the digest is that of the objects' bytes.
    const Digest256 digest = sha256(Value(job->data.span()).find("objects")->encoded());
    REQUIRE_FALSE(found(scenes->find_or_claim(digest)));
    Status status = Status::kOk;
    std::thread works([&] { status = exec::JobControl::run(*job, executor); });
    CHECK_MESSAGE(somebody_waits(*scenes), "the task has not waited for the scene");
    job->request_cancel();
    executor.cancel(*job);
    works.join();
    CHECK(status == Status::kCancelled);
    CHECK(scenes->claims() == 1);
    job->release();
}
