// Frames that are cut for several peers: one answer each, and its parts are told in pull as they
// come. The clock decides nothing here: jobs run when the test lets them.
#include <set>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// Balls that fall on each other: a task that can be cut.
std::string colliding_balls(int more) {
    std::string list;
    for (int i = 0; i < 24 + more; ++i) {
        list += (i == 0 ? "" : ",") + std::string(R"({"position":[)") + std::to_string(i % 5) +
                "," + std::to_string(2 + i % 7) + "," + std::to_string(i % 3) + "]}";
    }
    return R"({"num_steps":4,"objects":[)" + list + "]}";
}

// What one frame's parts were told as.
struct CutFrame {
    std::set<uint32_t> indices;
    std::set<uint64_t> names;
    std::thread::id thread;
    uint32_t count = 0;
    uint64_t units = 0;
    p2c2r_status inside = P2C2R_OK;
    p2c2r_frames* frames = nullptr;

    static void P2C2R_CALL part(void* user, p2c2r_task frame, const p2c2r_part* part,
                                const p2c2r_result* result) {
        CutFrame& it = *static_cast<CutFrame*>(user);
        CHECK(part->struct_size == sizeof *part);
        CHECK(p2c2r_result_status(result) == P2C2R_OK);
        CHECK(it.indices.insert(part->index).second);  // once
        it.names.insert(frame);
        it.thread = std::this_thread::get_id();
        it.count = part->count;
        it.units += part->unit_count;
        auto answer = sized<p2c2r_answer>();
        it.inside = p2c2r_frames_pull(it.frames, frame, 1, &answer);
    }
};

constexpr uint32_t kPatientUs = 30'000'000;
constexpr uint32_t kBriefUs = 2'000;
constexpr int32_t kCuts = 4;

// `turns`: jobs run on threads of the library, else one by one when the test says so.
struct CutWorld {
    explicit CutWorld(int32_t mode, bool turns, p2c2r_frames_config config,
                      int32_t deliver = P2C2R_DELIVER_ON_DISPATCH)
        : runtime(make(mode, turns)), coordinator(make_coordinator(runtime.get())) {
        for (Peer& peer : peers) peer = make_peer(runtime.get(), coordinator.get());
        client = make_client(runtime.get(), coordinator.get(), nullptr, deliver);
        connect_with_peers(runtime.get(), client.get(), 2);
        p2c2r_frames* made = nullptr;
        REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
        frames.reset(made);
    }
    explicit CutWorld(int32_t mode, bool turns = false)
        : CutWorld(mode, turns, sized<p2c2r_frames_config>()) {}
    static Runtime make(int32_t mode, bool turns) {
        p2c2r_runtime_config config = runtime_config(mode);
        if (!turns) config.worker_threads = P2C2R_NONE;
        return make_runtime(config);
    }

    p2c2r_task_desc desc(int32_t split, CutFrame* frame = nullptr, int more = 0) {
        params = colliding_balls(more);
        auto desc = sized<p2c2r_task_desc>();
        desc.task_type = "physics";
        desc.params_format = P2C2R_FORMAT_JSON;
        desc.params = params.data();
        desc.params_size = params.size();
        desc.deadline_us = kPatientUs;
        desc.flags = P2C2R_TASK_NO_CACHE;
        desc.place = P2C2R_PLACE_REMOTE;
        desc.split = split;
        if (frame) {
            frame->frames = frames.get();
            desc.part = CutFrame::part;
            desc.user = frame;
        }
        return desc;
    }
    uint64_t push(const p2c2r_task_desc& desc) {
        uint64_t frame = 0;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_frames_push(frames.get(), &desc, &frame, &why) == P2C2R_OK, why.text);
        return frame;
    }
    p2c2r_answer pull(uint64_t frame, uint32_t budget_us) {
        auto answer = sized<p2c2r_answer>();
        REQUIRE(p2c2r_frames_pull(frames.get(), frame, budget_us, &answer) == P2C2R_OK);
        owned.reset(answer.result);
        CHECK(answer.frame == frame);
        return answer;
    }
    p2c2r_client_stats stats() {
        auto stats = sized<p2c2r_client_stats>();
        CHECK(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
        return stats;
    }
    // Lets one job run after the other until so many parts have come to the client.
    void let_come(uint64_t parts) {
        while (stats().parts < parts) {
            const uint64_t before = stats().parts;
            REQUIRE(turn_until(runtime.get(), [&] {
                return p2c2r_runtime_work(runtime.get(), 1, 0) == P2C2R_OK;
            }));
            REQUIRE(turn_until(runtime.get(), [&] { return stats().parts > before; }));
        }
        CHECK(stats().parts == parts);
    }
    // A frame that is answered, so that its pull returns at once.
    uint64_t push_answered() {
        const uint64_t frame = push(desc(0));
        REQUIRE(turn_until(runtime.get(), [&] {
            p2c2r_runtime_work(runtime.get(), 1, 0);
            return stats().results_waiting > 0;
        }));
        CHECK(pull(frame, kPatientUs).source == P2C2R_SOURCE_PEER);
        return frame;
    }

    std::string params;
    Runtime runtime;
    Coordinator coordinator;
    Peer peers[2];
    Client client;
    Frames frames;
    Result owned;
};

}  // namespace

TEST_CASE("a frame that is cut is answered with the whole and its parts are told in pull") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
            CAPTURE(mode);
            CAPTURE(deliver);
            CutWorld world(mode, true, sized<p2c2r_frames_config>(), deliver);
            p2c2r_answer answer = world.pull(world.push(world.desc(0)), kPatientUs);
            CHECK(answer.parts == 0);
            CHECK(answer.parts_came == 0);
            const Result whole = std::move(world.owned);
            uint64_t frame = 0;
            for (const int32_t split : {kCuts, 4096}) {
                CAPTURE(split);
                CutFrame cut;
                p2c2r_task_desc desc = world.desc(split, &cut);
                desc.split_by = "bodies";
                frame = world.push(desc);
                uint32_t run = 0;
                p2c2r_runtime_dispatch(world.runtime.get(), 0, 0, &run);
                CHECK(cut.indices.empty());  // dispatch is not where they are told
                answer = world.pull(frame, kPatientUs);
                CHECK(answer.source == P2C2R_SOURCE_PEER);
                CHECK(answer.answers_frame == frame);
                CHECK(answer.late_count == 0);
                CHECK(json_of(answer.result) == json_of(whole.get()));
                CHECK(data_of(answer.result) == data_of(whole.get()));
                CHECK(cut.indices.size() == answer.parts);
                CHECK(cut.count == answer.parts);
                CHECK(answer.parts_came == answer.parts);
                CHECK(answer.parts > 1);
                CHECK(cut.units == 24);
                CHECK(cut.names == std::set<uint64_t>{frame});
                CHECK(cut.thread == std::this_thread::get_id());
                CHECK(cut.inside == P2C2R_E_STATE);  // part is a host function
            }
            // Without a function they are counted alike.
            answer = world.pull(world.push(world.desc(kCuts)), kPatientUs);
            CHECK(answer.parts == kCuts);
            CHECK(answer.parts_came == kCuts);
            CHECK(world.stats().cut == 3);
        }
    }
}

TEST_CASE("parts are told that came before a pull of their frame returned and none later") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        auto config = sized<p2c2r_frames_config>();
        config.age_max = 64;
        CutWorld world(mode, false, config);
        CutFrame first, second;
        const uint64_t done = world.push_answered();
        const uint64_t one = world.push(world.desc(kCuts, &first));
        world.let_come(1);
        // In a pull of another frame, too.
        REQUIRE(turn_until(world.runtime.get(), [&] {
            world.pull(done, kBriefUs);
            return !first.indices.empty();
        }));
        const uint64_t two = world.push(world.desc(kCuts, &second, 1));
        p2c2r_answer answer = world.pull(one, kBriefUs);
        CHECK(answer.source == P2C2R_SOURCE_PREVIOUS);
        CHECK(answer.answers_frame == done);
        CHECK(answer.parts == kCuts);
        CHECK(answer.parts_came == 1);
        CHECK(answer.late_count == 0);
        world.let_come(2 * kCuts);
        // The whole of the first comes late, and nothing of it is told.
        answer = world.pull(two, kPatientUs);
        CHECK(answer.source == P2C2R_SOURCE_PEER);
        CHECK(answer.answers_frame == two);
        CHECK(answer.parts_came == kCuts);
        CHECK(second.indices.size() == kCuts);
        CHECK(second.names == std::set<uint64_t>{two});
        CHECK(first.indices.size() == 1);
        CHECK(first.names == std::set<uint64_t>{one});
        REQUIRE(turn_until(world.runtime.get(), [&] {
            answer = world.pull(two, kBriefUs);
            return answer.late_count == 1;
        }));
        answer = world.pull(one, kBriefUs);
        CHECK(answer.parts_came <= 1);
        CHECK(first.indices.size() == 1);
    }
}

TEST_CASE("each part is told once where one thread pushes and another one pulls") {
    CutWorld world(P2C2R_RUN_THREAD, true);
    constexpr uint64_t kFrames = 60;
    CutFrame cut[kFrames];
    std::atomic<uint64_t> pushed{0};
    std::atomic<uint64_t> pulled{0};
    const p2c2r_task_desc desc = world.desc(kCuts);
    std::thread pusher([&] {
        for (CutFrame& one : cut) {
            while (pushed - pulled >= 4) std::this_thread::yield();
            p2c2r_task_desc mine = desc;
            one.frames = world.frames.get();
            mine.part = CutFrame::part;
            mine.user = &one;
            CHECK(p2c2r_frames_push(world.frames.get(), &mine, nullptr, nullptr) == P2C2R_OK);
            ++pushed;
        }
    });
    for (uint64_t frame = 1; frame <= kFrames; ++frame) {
        while (pushed < frame) std::this_thread::yield();
        const p2c2r_answer answer = world.pull(frame, kPatientUs);
        CHECK(answer.source == P2C2R_SOURCE_PEER);
        CHECK(answer.answers_frame == frame);
        CHECK(answer.parts_came == kCuts);
        pulled = frame;
    }
    pusher.join();
    for (uint64_t frame = 1; frame <= kFrames; ++frame) {
        CHECK(cut[frame - 1].indices.size() == kCuts);
        CHECK(cut[frame - 1].names == std::set<uint64_t>{frame});
    }
}

TEST_CASE("the whole of a cut frame that comes late answers a later frame") {
    auto config = sized<p2c2r_frames_config>();
    config.age_max = 64;
    CutWorld world(P2C2R_RUN_MANUAL, false, config);
    const uint64_t late = world.push(world.desc(kCuts));
    CHECK(world.pull(late, kBriefUs).source == P2C2R_SOURCE_NONE);
    world.let_come(kCuts);
    const uint64_t next = world.push(world.desc(kCuts, nullptr, 1));
    REQUIRE(turn_until(world.runtime.get(),
                       [&] { return world.pull(next, kBriefUs).source != P2C2R_SOURCE_NONE; }));
    const p2c2r_answer answer = world.pull(next, kBriefUs);
    CHECK(answer.source == P2C2R_SOURCE_PREVIOUS);
    CHECK(answer.answers_frame == late);
    CHECK(answer.late_count == 1);
    CHECK(answer.parts == 0);  // of the frame that was pulled none has come
}

TEST_CASE("no part is told of a frame that was dropped or forgotten and all of it is released") {
    for (const bool destroys : {false, true}) {
        CAPTURE(destroys);
        auto config = sized<p2c2r_frames_config>();
        config.pipeline_max = 1;
        CutWorld world(P2C2R_RUN_MANUAL, false, config);
        uint64_t frame = world.push_answered();
        CutFrame cut;
        world.push(world.desc(kCuts, &cut));
        world.let_come(1);
        for (int i = 0; i < 3; ++i) p2c2r_runtime_poll(world.runtime.get(), 0);
        if (destroys) {
            world.frames.reset();
        } else {
            frame = world.push(world.desc(0));
        }
        REQUIRE(turn_until(world.runtime.get(), [&] {
            p2c2r_runtime_work(world.runtime.get(), 1, 0);
            return world.stats().tasks_pending == 0;
        }));
        CHECK(world.stats().cancelled == 1);
        if (!destroys) CHECK(world.pull(frame, kPatientUs).parts_came == 0);
        CHECK(cut.indices.empty());
        CHECK(world.stats().results_waiting == 0);
        CHECK(world.stats().tasks_pending == 0);
    }
}

TEST_CASE("a runtime that is closed takes its cut frames along") {
    CutWorld world(P2C2R_RUN_THREAD);
    CutFrame cut;
    world.push(world.desc(kCuts, &cut));
    world.let_come(1);
    CHECK(p2c2r_runtime_close(world.runtime.get(), 10'000) == P2C2R_OK);
    CHECK(cut.indices.empty());
    CHECK(p2c2r_frames_destroy(world.frames.release()) == P2C2R_E_STALE);
    world.client.release();
    world.coordinator.release();
    for (Peer& peer : world.peers) peer.release();
}

TEST_CASE("this machine answers a cut frame with the whole when no part is there in time") {
    p2c2r_runtime_config there = runtime_config(P2C2R_RUN_THREAD);
    there.worker_threads = P2C2R_NONE;
    const Runtime servers = make_runtime(there);
    const Coordinator coordinator = make_coordinator(servers.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const Peer peers[] = {make_peer(servers.get(), coordinator.get()),
                          make_peer(servers.get(), coordinator.get())};
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    auto config = sized<p2c2r_client_config>();
    config.coordinator_url = url.c_str();
    config.options = R"({"place_by_worth": false})";
    p2c2r_client* raw = nullptr;
    REQUIRE(p2c2r_client_create(runtime.get(), &config, &raw, nullptr) == P2C2R_OK);
    const Client client(raw);
    connect_with_peers(runtime.get(), client.get(), 2);
    p2c2r_frames* made = nullptr;
    auto frames_config = sized<p2c2r_frames_config>();
    frames_config.age_max = 64;
    REQUIRE(p2c2r_frames_create(client.get(), &frames_config, &made, nullptr) == P2C2R_OK);
    const Frames frames(made);
    const std::string params = colliding_balls(0);
    auto desc = sized<p2c2r_task_desc>();
    desc.task_type = "physics";
    desc.params_format = P2C2R_FORMAT_JSON;
    desc.params = params.data();
    desc.params_size = params.size();
    desc.deadline_us = kPatientUs;
    desc.split = kCuts;
    const std::string fewer = R"({"num_steps":1,"objects":[{"position":[0,1,0]}]})";
    auto form = sized<p2c2r_frame_form>();
    form.quality = P2C2R_QUALITY_FAST;
    form.params = fewer.data();
    form.params_size = fewer.size();
    uint64_t frame = 0;
    auto answer = sized<p2c2r_answer>();
    Result owned;
    // The parts never come in time, so a pull lasts as long as its budget. Where the machine stalls
    // a local run may not begin in time either; then the next frame's does.
    REQUIRE(turn_until(runtime.get(), [&] {
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_frames_push_forms(made, &desc, P2C2R_QUALITY_QUALITY, &form, 1,
                                                &frame, &why) == P2C2R_OK,
                        why.text);
        REQUIRE(p2c2r_frames_pull(made, frame, 500'000, &answer) == P2C2R_OK);
        owned.reset(answer.result);
        CHECK(answer.parts_came == 0);
        CHECK(answer.late_count == 0);
        return answer.source == P2C2R_SOURCE_LOCAL;
    }));
    // The whole is of use still.
    REQUIRE(turn_until(runtime.get(), [&] {
        p2c2r_runtime_work(servers.get(), 1, 0);
        REQUIRE(p2c2r_frames_pull(made, frame, kBriefUs, &answer) == P2C2R_OK);
        owned.reset(answer.result);
        return owned && answer.answers_frame == frame && answer.quality == P2C2R_QUALITY_QUALITY;
    }));
    CHECK(answer.source != P2C2R_SOURCE_LOCAL);
    auto stats = sized<p2c2r_client_stats>();
    REQUIRE(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
    CHECK(stats.cut >= 1);
    CHECK(stats.parts >= kCuts);
}

TEST_CASE("a part that fails leaves its frame an earlier answer") {
    CutWorld world(P2C2R_RUN_THREAD, true);
    const uint64_t good = world.push(world.desc(kCuts));
    CHECK(world.pull(good, kPatientUs).source == P2C2R_SOURCE_PEER);
    p2c2r_task_desc desc = world.desc(kCuts);
    world.params.replace(world.params.rfind("[3"), 2, "[\"x\"");
    desc.params = world.params.data();
    desc.params_size = world.params.size();
    const p2c2r_answer answer = world.pull(world.push(desc), kPatientUs);
    CHECK(answer.source == P2C2R_SOURCE_PREVIOUS);
    CHECK(answer.answers_frame == good);
    CHECK(world.stats().failed == 1);
}

TEST_CASE("a frame is refused for how it is to be cut as any task is") {
    CutWorld world(P2C2R_RUN_THREAD, true);
    CutFrame cut;
    p2c2r_error why = {};
    const auto refused = [&](const p2c2r_task_desc& desc, const char* field) {
        uint64_t frame = 1;
        const p2c2r_status status = p2c2r_frames_push(world.frames.get(), &desc, &frame, &why);
        CHECK_MESSAGE(std::string(why.field) == field, why.text);
        CHECK(frame == 0);
        return status;
    };
    CHECK(refused(world.desc(-2), "split") == P2C2R_E_ARGUMENT);
    CHECK(refused(world.desc(4097, &cut), "split") == P2C2R_E_ARGUMENT);
    p2c2r_task_desc desc = world.desc(0);
    desc.split_by = "bodies";
    CHECK(refused(desc, "split_by") == P2C2R_E_ARGUMENT);
    desc = world.desc(2, &cut);
    desc.split_by = "rows";
    CHECK(refused(desc, "split_by") == P2C2R_E_UNSUPPORTED);
    desc = world.desc(2, &cut);
    desc.flags = P2C2R_TASK_RESIDENT;
    CHECK(refused(desc, "flags") == P2C2R_E_ARGUMENT);
    desc = world.desc(2, &cut);
    desc.task_type = "echo";
    CHECK(refused(desc, "split") == P2C2R_E_UNSUPPORTED);
    // Where it may stay whole it does, and no part is told.
    for (const int32_t split : {P2C2R_SPLIT_NEVER, P2C2R_SPLIT_AUTO}) {
        desc.split = split;
        const p2c2r_answer answer = world.pull(world.push(desc), kPatientUs);
        CHECK(answer.source == P2C2R_SOURCE_PEER);
        CHECK(answer.parts == 0);
    }
    CHECK(cut.indices.empty());
}
