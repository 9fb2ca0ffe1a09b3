// A stream of frames: for each pull there is an answer, the best one, and it says what it is. The
// clock decides nothing here: executors answer when the test lets them.
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// A client whose tasks of type "frame" are answered by this process's executor: at once, or when
// `open` says so.
struct FrameWorld {
    explicit FrameWorld(int32_t mode, p2c2r_frames_config config = sized<p2c2r_frames_config>(),
                        bool with_peer = true)
        : runtime(make_runtime(mode)) {
        executor.run = [this](p2c2r_job* job) -> p2c2r_status {
            while (!open && !(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED)) {
                std::this_thread::yield();
            }
            size_t size = 0;
            const void* input = p2c2r_job_input(job, 0, &size);
            void* out = nullptr;
            const p2c2r_status status = p2c2r_job_output_alloc(job, size, &out);
            if (size > 0) std::memcpy(out, input, size);
            return fails ? P2C2R_E_LIMIT : status;
        };
        executor.add(runtime.get(), "frame");
        if (with_peer) {
            coordinator = make_coordinator(runtime.get());
            peer = make_peer(runtime.get(), coordinator.get());
            client = make_client(runtime.get(), coordinator.get());
            connect_with_peers(runtime.get(), client.get(), 1);
        } else {
            client = make_client(runtime.get());
        }
        p2c2r_frames* made = nullptr;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_frames_create(client.get(), &config, &made, &why) == P2C2R_OK,
                        why.text);
        frames.reset(made);
    }
    ~FrameWorld() { open = true; }

    uint64_t push(const std::string& payload, int32_t place = P2C2R_PLACE_AUTO,
                  uint64_t deadline_us = 5'000'000) {
        Task task("frame", payload.data(), payload.size());
        task.desc.place = place;
        task.desc.deadline_us = deadline_us;
        uint64_t frame = 0;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_frames_push(frames.get(), &task.desc, &frame, &why) == P2C2R_OK,
                        why.text);
        return frame;
    }
    p2c2r_answer pull(uint64_t frame, uint32_t budget_us) {
        auto answer = sized<p2c2r_answer>();
        REQUIRE(p2c2r_frames_pull(frames.get(), frame, budget_us, &answer) == P2C2R_OK);
        owned.reset(answer.result);
        CHECK(answer.frame == frame);
        CHECK((answer.source == P2C2R_SOURCE_NONE) == (answer.result == nullptr));
        return answer;
    }

    HostExecutor executor;
    std::atomic<bool> open{true};
    std::atomic<bool> fails{false};
    Runtime runtime;
    Coordinator coordinator;
    Peer peer;
    Client client;
    Frames frames;
    Result owned;
};

constexpr uint32_t kLongBudgetUs = 30'000'000;
constexpr uint32_t kShortBudgetUs = 2'000;

p2c2r_status P2C2R_CALL give_host_bytes(void* user, uint64_t frame, uint32_t left_us,
                                        p2c2r_bytes* out) {
    (void)left_us;
    *static_cast<uint64_t*>(user) = frame;
    out->data = "host";
    out->size = 4;
    return P2C2R_OK;
}

}  // namespace

TEST_CASE("a frame is answered by a peer when its answer is there in time") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        FrameWorld world(mode);
        for (int i = 1; i <= 5; ++i) {
            const uint64_t frame = world.push("frame " + std::to_string(i), P2C2R_PLACE_REMOTE);
            CHECK(frame == static_cast<uint64_t>(i));
            const p2c2r_answer answer = world.pull(frame, kLongBudgetUs);
            CHECK(answer.source == P2C2R_SOURCE_PEER);
            CHECK(answer.answers_frame == frame);
            CHECK(data_of(answer.result) == "frame " + std::to_string(i));
        }
    }
}

TEST_CASE("without a coordinator this machine is the one that answers") {
    FrameWorld world(P2C2R_RUN_THREAD, sized<p2c2r_frames_config>(), false);
    const uint64_t frame = world.push("local");
    const p2c2r_answer answer = world.pull(frame, kLongBudgetUs);
    CHECK(answer.source == P2C2R_SOURCE_LOCAL);
    CHECK(data_of(answer.result) == "local");
}

TEST_CASE("a pull without an answer in time returns the previous one and counts the late one") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        FrameWorld world(mode);
        world.pull(world.push("first"), kLongBudgetUs);
        world.open = false;
        const uint64_t second = world.push("second");
        p2c2r_answer answer = world.pull(second, kShortBudgetUs);
        CHECK(answer.source == P2C2R_SOURCE_PREVIOUS);
        CHECK(answer.answers_frame == 1);
        CHECK(data_of(answer.result) == "first");
        CHECK(answer.late_count == 0);
        world.open = true;
        const uint64_t third = world.push("third");
        answer = world.pull(third, kLongBudgetUs);
        CHECK(answer.answers_frame == third);
        // The second frame's answer has come by now or comes with one of these.
        const auto late = [&] {
            return world.pull(world.push("again"), kLongBudgetUs).late_count == 1;
        };
        CHECK(turn_until(world.runtime.get(), late));
    }
}

TEST_CASE("a task that fails after its frame's pull is no late answer") {
    FrameWorld world(P2C2R_RUN_THREAD);
    world.open = false;
    CHECK(world.pull(world.push("slow", P2C2R_PLACE_LOCAL), kShortBudgetUs).source ==
          P2C2R_SOURCE_NONE);
    world.fails = true;
    world.open = true;
    REQUIRE(turn_until(world.runtime.get(), [&] {
        auto stats = sized<p2c2r_client_stats>();
        p2c2r_client_stats_get(world.client.get(), &stats);
        return stats.failed == 1 && stats.results_waiting == 1;
    }));
    world.fails = false;
    const p2c2r_answer answer = world.pull(world.push("quick"), kLongBudgetUs);
    CHECK(answer.late_count == 0);
    auto stats = sized<p2c2r_client_stats>();
    REQUIRE(p2c2r_client_stats_get(world.client.get(), &stats) == P2C2R_OK);
    CHECK(stats.results_waiting == 0);  // it was taken note of
}

TEST_CASE("a second thread that pulls the same frames is told to wait its turn") {
    FrameWorld world(P2C2R_RUN_THREAD);
    world.open = false;
    const uint64_t frame = world.push("slow", P2C2R_PLACE_LOCAL);
    std::thread first([&] {
        auto answer = sized<p2c2r_answer>();
        p2c2r_status said = P2C2R_E_BUSY;
        while (said == P2C2R_E_BUSY) {
            said = p2c2r_frames_pull(world.frames.get(), frame, kLongBudgetUs, &answer);
        }
        CHECK(said == P2C2R_OK);
        CHECK(answer.source == P2C2R_SOURCE_LOCAL);
        p2c2r_result_release(answer.result);
    });
    // Until the first is inside, this pull may be the one that holds the frames, for a moment.
    p2c2r_status status = P2C2R_OK;
    while (status == P2C2R_OK) {
        auto answer = sized<p2c2r_answer>();
        status = p2c2r_frames_pull(world.frames.get(), 1000, 1, &answer);
        if (status == P2C2R_E_ARGUMENT) status = P2C2R_OK;  // there is no such frame
    }
    CHECK(status == P2C2R_E_BUSY);
    world.open = true;
    first.join();
}

TEST_CASE("a previous answer that is too old is none") {
    auto config = sized<p2c2r_frames_config>();
    config.age_max = 2;
    FrameWorld world(P2C2R_RUN_THREAD, config);
    world.pull(world.push("first"), kLongBudgetUs);
    world.open = false;
    CHECK(world.pull(world.push("2"), kShortBudgetUs).source == P2C2R_SOURCE_PREVIOUS);
    CHECK(world.pull(world.push("3"), kShortBudgetUs).source == P2C2R_SOURCE_PREVIOUS);
    CHECK(world.pull(world.push("4"), kShortBudgetUs).source == P2C2R_SOURCE_NONE);
}

TEST_CASE("the host's function is the last answer before none") {
    uint64_t asked = 0;
    auto config = sized<p2c2r_frames_config>();
    config.flags = P2C2R_FRAMES_NO_PREVIOUS | P2C2R_FRAMES_NO_LOCAL;
    config.fallback = give_host_bytes;
    config.user = &asked;
    FrameWorld world(P2C2R_RUN_THREAD, config);
    const p2c2r_answer own = world.pull(world.push("first"), kLongBudgetUs);
    CHECK(own.source == P2C2R_SOURCE_PEER);
    CHECK(asked == 0);
    world.open = false;
    const p2c2r_answer answer = world.pull(world.push("second"), kShortBudgetUs);
    CHECK(answer.source == P2C2R_SOURCE_HOST);
    CHECK(asked == 2);
    CHECK(data_of(answer.result) == "host");
}

TEST_CASE("a failed task is as good as no answer") {
    FrameWorld world(P2C2R_RUN_THREAD);
    world.pull(world.push("first"), kLongBudgetUs);
    world.fails = true;
    const p2c2r_answer answer = world.pull(world.push("second", P2C2R_PLACE_LOCAL), kLongBudgetUs);
    CHECK(answer.source == P2C2R_SOURCE_PREVIOUS);
    CHECK(answer.answers_frame == 1);
}

TEST_CASE("pull answers a frame again and one that was dropped with what there is") {
    auto config = sized<p2c2r_frames_config>();
    config.pipeline_max = 2;
    config.age_max = 100;
    FrameWorld world(P2C2R_RUN_THREAD, config);
    world.pull(world.push("1"), kLongBudgetUs);
    CHECK(world.pull(1, kLongBudgetUs).source == P2C2R_SOURCE_PREVIOUS);
    world.open = false;
    const uint64_t dropped = world.push("2");
    for (int i = 0; i < 4; ++i) world.push("more");
    CHECK(world.pull(dropped, kLongBudgetUs).answers_frame == 1);  // at once: its task is gone
    auto answer = sized<p2c2r_answer>();
    CHECK(p2c2r_frames_pull(world.frames.get(), 0, 0, &answer) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_frames_pull(world.frames.get(), 1000, 0, &answer) == P2C2R_E_ARGUMENT);
    CHECK(p2c2r_frames_pull(world.frames.get(), 1, 0, nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("a task that wants to be told or to keep memory is not for frames") {
    FrameWorld world(P2C2R_RUN_THREAD);
    Task task("frame", "x", 1);
    task.desc.done = [](void*, p2c2r_task, p2c2r_result* result) { p2c2r_result_release(result); };
    p2c2r_error why = {};
    CHECK(p2c2r_frames_push(world.frames.get(), &task.desc, nullptr, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "done");
    char output[4];
    task.desc.done = nullptr;
    task.desc.output = output;
    task.desc.output_size = sizeof output;
    CHECK(p2c2r_frames_push(world.frames.get(), &task.desc, nullptr, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "output");
}

TEST_CASE("answers that come slowly advise fast and quick ones advise quality") {
    auto config = sized<p2c2r_frames_config>();
    config.window = 3;
    FrameWorld world(P2C2R_RUN_THREAD, config);
    p2c2r_answer answer = {};
    // Each answer takes far less than 16 ms on any machine that is not stopped; should one be, the
    // window forgets it.
    const auto quick = [&] {
        answer = world.pull(world.push("quick"), kLongBudgetUs);
        return answer.quality_next == P2C2R_QUALITY_QUALITY;
    };
    CHECK(turn_until(world.runtime.get(), quick));
    answer = world.pull(world.push("quick"), kLongBudgetUs);
    CHECK(answer.quality == P2C2R_QUALITY_QUALITY);
    world.open = false;
    for (int i = 0; i < 3; ++i) answer = world.pull(world.push("slow"), 40'000);
    CHECK(answer.quality_next == P2C2R_QUALITY_FAST);
    CHECK(answer.quality == P2C2R_QUALITY_QUALITY);  // of the previous answer
}

TEST_CASE("a local answer says its quality while the remote one comes late") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        // Helpers wait until they are let; this machine, whose params say so, does not.
        const Runtime runtime = make_runtime(mode);
        std::atomic<bool> open{false};
        HostExecutor executor;
        executor.run = [&](p2c2r_job* job) -> p2c2r_status {
            size_t size = 0;
            const void* params = p2c2r_job_params(job, P2C2R_FORMAT_JSON, &size);
            const std::string text(static_cast<const char*>(params), size);
            const bool is_fast = text.find("fast") != std::string::npos;
            while (!is_fast && !open && !(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED)) {
                std::this_thread::yield();
            }
            void* out = nullptr;
            const p2c2r_status status = p2c2r_job_output_alloc(job, 4, &out);
            std::memcpy(out, is_fast ? "fast" : "full", 4);
            return status;
        };
        executor.add(runtime.get(), "frame");
        const Coordinator coordinator = make_coordinator(runtime.get());
        const Peer peer = make_peer(runtime.get(), coordinator.get());
        const Client client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
        auto config = sized<p2c2r_frames_config>();
        config.age_max = 64;
        p2c2r_frames* made = nullptr;
        REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
        const Frames frames(made);
        Task task("frame", "x", 1);
        task.desc.params_format = P2C2R_FORMAT_JSON;
        task.desc.params = R"({"quality": "full"})";
        task.desc.params_size = std::strlen(static_cast<const char*>(task.desc.params));
        task.desc.deadline_us = 30'000'000;
        p2c2r_frame_form form = sized<p2c2r_frame_form>();
        form.quality = P2C2R_QUALITY_FAST;
        form.params = R"({"quality": "fast"})";
        form.params_size = std::strlen(static_cast<const char*>(form.params));
        uint64_t frame = 0;
        p2c2r_error why = {};
        REQUIRE_MESSAGE(p2c2r_frames_push_forms(made, &task.desc, P2C2R_QUALITY_QUALITY, &form, 1,
                                                &frame, &why) == P2C2R_OK,
                        why.text);
        auto answer = sized<p2c2r_answer>();
        // The remote one never comes in time, so this lasts as long as its budget.
        REQUIRE(p2c2r_frames_pull(made, frame, 500'000, &answer) == P2C2R_OK);
        Result owned(answer.result);
        REQUIRE(answer.source == P2C2R_SOURCE_LOCAL);
        CHECK(answer.quality == P2C2R_QUALITY_FAST);
        CHECK(answer.answers_frame == frame);
        CHECK(answer.age_us > 0);
        CHECK(answer.late_count == 0);
        CHECK(data_of(answer.result) == "fast");
        open = true;
        // It is of use still: an earlier frame's, of the quality that was asked.
        const auto late = [&] {
            const Task failing("nobody_has_this");
            REQUIRE(p2c2r_frames_push(made, &failing.desc, &frame, nullptr) == P2C2R_OK);
            REQUIRE(p2c2r_frames_pull(made, frame, 1'000, &answer) == P2C2R_OK);
            owned.reset(answer.result);
            return answer.late_count == 1;
        };
        REQUIRE(turn_until(runtime.get(), late));
        if (answer.source == P2C2R_SOURCE_PREVIOUS) {
            CHECK(answer.answers_frame == 1);
            CHECK(answer.quality == P2C2R_QUALITY_QUALITY);
            CHECK(data_of(answer.result) == "full");
        }
    }
}

TEST_CASE("forms that are wrong are refused by name") {
    FrameWorld world(P2C2R_RUN_THREAD);
    const Task task("frame", "x", 1);
    p2c2r_error why = {};
    const auto refused = [&](const char* field, int32_t quality,
                             std::vector<p2c2r_frame_form> forms, p2c2r_status status,
                             bool is_null = false) {
        CAPTURE(field);
        uint64_t frame = 7;
        CHECK(p2c2r_frames_push_forms(world.frames.get(), &task.desc, quality,
                                      is_null ? nullptr : forms.data(),
                                      static_cast<uint32_t>(forms.size()), &frame, &why) == status);
        CHECK(std::string(why.field) == field);
        CHECK(frame == 0);
    };
    auto form = sized<p2c2r_frame_form>();
    form.quality = P2C2R_QUALITY_FAST;
    refused("quality", 9, {}, P2C2R_E_ARGUMENT);
    refused("forms", 0, {form}, P2C2R_E_ARGUMENT, true);
    refused("count", 0, std::vector<p2c2r_frame_form>(9, form), P2C2R_E_ARGUMENT);
    refused("quality", 0, {form, form}, P2C2R_E_ARGUMENT);
    auto wrong = form;
    wrong.quality = 0;
    refused("quality", 0, {wrong}, P2C2R_E_ARGUMENT);
    wrong = form;
    wrong.params = "\xc1";
    wrong.params_size = 1;
    refused("params", 0, {wrong}, P2C2R_E_PARAMS);
    wrong = form;
    wrong.quality = P2C2R_QUALITY_BALANCED;
    wrong.struct_size += 8;
    refused("struct_size", 0, {form, wrong}, P2C2R_E_ARGUMENT);
    CHECK(p2c2r_frames_push_forms(world.frames.get(), &task.desc, P2C2R_QUALITY_FAST, &form, 1,
                                  nullptr, &why) == P2C2R_OK);  // instead of the task's own
}

TEST_CASE("frames whose tasks take longer than a budget are answered each by an earlier one") {
    FrameWorld world(P2C2R_RUN_THREAD);
    world.pull(world.push("1"), kLongBudgetUs);
    world.open = false;
    std::vector<uint64_t> frames;
    for (int i = 2; i <= 5; ++i) {
        frames.push_back(world.push(std::to_string(i), P2C2R_PLACE_REMOTE, 0));
        CHECK(world.pull(frames.back(), 1).source == P2C2R_SOURCE_PREVIOUS);
    }
    // All four are in flight still, beyond the end of their pulls.
    auto stats = sized<p2c2r_client_stats>();
    REQUIRE(p2c2r_client_stats_get(world.client.get(), &stats) == P2C2R_OK);
    CHECK(stats.tasks_pending + stats.results_waiting == frames.size());
    world.open = true;
    CHECK(turn_until(world.runtime.get(), [&] {
        const uint64_t next = world.push("next", P2C2R_PLACE_REMOTE);
        return world.pull(next, kLongBudgetUs).answers_frame == next;
    }));
}

TEST_CASE("a client with frames is not destroyed and closing the runtime ends both") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Client client = make_client(runtime.get());
    const auto config = sized<p2c2r_frames_config>();
    p2c2r_frames* made = nullptr;
    REQUIRE(p2c2r_frames_create(client.get(), &config, &made, nullptr) == P2C2R_OK);
    CHECK(p2c2r_client_destroy(client.get()) == P2C2R_E_STATE);
    CHECK(p2c2r_runtime_close(runtime.get(), 10'000) == P2C2R_OK);
    CHECK(p2c2r_frames_destroy(made) == P2C2R_E_STALE);
    CHECK(p2c2r_client_destroy(client.release()) == P2C2R_E_STALE);
}

TEST_CASE("step without capture or output size is E_STATE") {
    FrameWorld world(P2C2R_RUN_THREAD);
    auto answer = sized<p2c2r_answer>();
    CHECK(p2c2r_frames_step(world.frames.get(), 0, &answer) == P2C2R_E_STATE);
}
