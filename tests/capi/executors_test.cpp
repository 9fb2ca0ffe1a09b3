// What executors of the host may do, and what becomes of what they should not.
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

p2c2r_status run_once(p2c2r_client* client, const char* type, std::string* text = nullptr,
                      std::string* field = nullptr) {
    const Task task(type, "input", 5);
    const Result result = fetch(client, submit(client, task.desc));
    size_t size = 0;
    if (text) *text = p2c2r_result_text(result.get(), P2C2R_TEXT_MESSAGE, &size);
    if (field) *field = p2c2r_result_text(result.get(), P2C2R_TEXT_FIELD, &size);
    return p2c2r_result_status(result.get());
}

p2c2r_status give(p2c2r_job* job, const std::string& text) {
    void* out = nullptr;
    const p2c2r_status status = p2c2r_job_output_alloc(job, text.size(), &out);
    if (status == P2C2R_OK) std::memcpy(out, text.data(), text.size());
    return status;
}

}  // namespace

TEST_CASE("what an executor returns is input: no output and unlisted numbers are E_EXECUTOR") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    for (const uint32_t flags : {0u, uint32_t{P2C2R_EXECUTOR_SHORT}}) {
        CAPTURE(flags);
        HostExecutor executor;
        p2c2r_status returned = P2C2R_OK;
        executor.run = [&](p2c2r_job*) { return returned; };
        executor.add(runtime.get(), "wrong", flags);
        std::string text;
        CHECK(run_once(client.get(), "wrong", &text) == P2C2R_E_EXECUTOR);
        CHECK(text.find("without an output") != std::string::npos);
        for (const p2c2r_status status : {2, 4711, -31, -2147483647}) {
            returned = status;
            CHECK(run_once(client.get(), "wrong") == P2C2R_E_EXECUTOR);
        }
        returned = P2C2R_E_LIMIT;
        CHECK(run_once(client.get(), "wrong") == P2C2R_E_LIMIT);
        CHECK(p2c2r_runtime_remove_executor(runtime.get(), "wrong", 10'000) == P2C2R_OK);
        CHECK(executor.destroyed == 1);
    }
}

TEST_CASE("an executor tells the field and the reason of its error") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    executor.run = [](p2c2r_job* job) {
        p2c2r_job_explain(job, "speed", "speed is 9, it must be at most 8");
        return P2C2R_E_PARAMS;
    };
    executor.add(runtime.get(), "picky");
    std::string text;
    std::string field;
    CHECK(run_once(client.get(), "picky", &text, &field) == P2C2R_E_PARAMS);
    CHECK(field == "speed");
    CHECK(text == "speed is 9, it must be at most 8");
}

TEST_CASE("a job shows its input and params and takes bytes and fields as its output") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    executor.run = [](p2c2r_job* job) -> p2c2r_status {
        size_t size = 0;
        const void* input = p2c2r_job_input(job, 0, &size);
        CHECK(size == 100'000);
        CHECK(reinterpret_cast<uintptr_t>(input) % 64 == 0);
        CHECK(p2c2r_job_input(job, 1, &size) == nullptr);
        CHECK(size == 0);
        const void* packed = p2c2r_job_params(job, P2C2R_FORMAT_MSGPACK, &size);
        CHECK(packed != nullptr);
        const auto* text =
            static_cast<const char*>(p2c2r_job_params(job, P2C2R_FORMAT_JSON, &size));
        CHECK(std::string(text, size) == "{\"speed\":8}");
        CHECK(text[size] == '\0');
        CHECK(std::string(p2c2r_job_task_type(job)) == "measure");
        CHECK(p2c2r_job_left_us(job) > 0);
        CHECK(p2c2r_job_left_us(job) <= 5'000'000);
        CHECK(p2c2r_job_state(job) == 0);
        void* out = nullptr;
        CHECK(p2c2r_job_output_alloc(job, (64u << 20) + 1, &out) == P2C2R_E_SIZE);
        CHECK(p2c2r_job_output_alloc(job, 1000, &out) == P2C2R_OK);
        CHECK(reinterpret_cast<uintptr_t>(out) % 64 == 0);
        CHECK(std::string(static_cast<char*>(out), 1000) == std::string(1000, '\0'));
        static_cast<char*>(out)[999] = 'z';
        const std::string no_map = "[1]";
        CHECK(p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, no_map.data(), no_map.size()) < 0);
        const std::string fields = "{\"algorithm_used\":\"own\",\"n\":1}";
        CHECK(p2c2r_job_output_fields(job, P2C2R_FORMAT_JSON, fields.data(), fields.size()) ==
              P2C2R_OK);
        return P2C2R_OK;
    };
    executor.add(runtime.get(), "measure");
    const std::string input(100'000, 'i');
    const std::string params = "{\"speed\": 8}";
    Task task("measure", input.data(), input.size());
    task.desc.params = params.data();
    task.desc.params_size = params.size();
    task.desc.params_format = P2C2R_FORMAT_JSON;
    const Result result = fetch(client.get(), submit(client.get(), task.desc));
    CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
    const std::string data = data_of(result.get());
    CHECK(data.size() == 1000);
    CHECK(data.back() == 'z');
    CHECK(json_of(result.get()) == "{\"algorithm_used\":\"own\",\"n\":1}");
    size_t size = 0;
    CHECK(std::string(p2c2r_result_text(result.get(), P2C2R_TEXT_ALGORITHM, &size)) == "own");
    CHECK(size == 3);
}

TEST_CASE("params that a stranger's peer sent as no map are told as NULL") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    executor.run = [](p2c2r_job* job) {
        size_t size = 0;
        CHECK(p2c2r_job_params(job, P2C2R_FORMAT_MSGPACK, &size) != nullptr);
        CHECK(size == 1);  // the empty map
        CHECK(std::string(static_cast<const char*>(
                  p2c2r_job_params(job, P2C2R_FORMAT_JSON, &size))) == "{}");
        CHECK(p2c2r_job_params(job, 5, &size) == nullptr);
        return give(job, "ok");
    };
    executor.add(runtime.get(), "no_params");
    CHECK(run_once(client.get(), "no_params") == P2C2R_OK);
}

TEST_CASE("adopted output is not copied and released once when the result has gone") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    alignas(64) static char own[4096];
    static std::atomic<int> released;
    released = 0;
    executor.run = [](p2c2r_job* job) -> p2c2r_status {
        const p2c2r_bytes bytes = {own, sizeof own, [](void*, const void*, size_t) { ++released; },
                                   nullptr};
        return p2c2r_job_output_adopt(job, &bytes);
    };
    executor.add(runtime.get(), "adopts");
    const Task task("adopts");
    Result result = fetch(client.get(), submit(client.get(), task.desc));
    size_t size = 0;
    CHECK(p2c2r_result_data(result.get(), &size) == own);
    CHECK(size == sizeof own);
    CHECK(released == 0);
    result.reset();
    CHECK(released == 1);
}

// ---- PENDING ----------------------------------------------------------------------------------

TEST_CASE("a pending job is finished from another thread and a second finish is E_STATE") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    for (const uint32_t flags : {0u, uint32_t{P2C2R_EXECUTOR_SHORT}}) {
        CAPTURE(flags);
        HostExecutor executor;
        std::vector<std::thread> finishers;
        std::atomic<int> refused{0};
        executor.run = [&](p2c2r_job* job) {
            p2c2r_job_retain(job);
            finishers.emplace_back([job, &refused] {
                CHECK(give(job, "late") == P2C2R_OK);
                CHECK(p2c2r_job_finish(job, P2C2R_PENDING) == P2C2R_E_ARGUMENT);
                CHECK(p2c2r_job_finish(job, P2C2R_OK) == P2C2R_OK);
                if (p2c2r_job_finish(job, P2C2R_OK) == P2C2R_E_STATE) ++refused;
                void* out = nullptr;
                CHECK(p2c2r_job_output_alloc(job, 1, &out) == P2C2R_E_STATE);
                // Still readable: the reference is ours.
                size_t size = 0;
                CHECK(p2c2r_job_input(job, 0, &size) != nullptr);
                p2c2r_job_release(job);
            });
            return P2C2R_PENDING;
        };
        executor.add(runtime.get(), "later", flags);
        for (int i = 0; i < 50; ++i) CHECK(run_once(client.get(), "later") == P2C2R_OK);
        for (std::thread& thread : finishers) thread.join();
        CHECK(refused == 50);
        CHECK(p2c2r_runtime_remove_executor(runtime.get(), "later", 10'000) == P2C2R_OK);
    }
}

TEST_CASE("finish inside run and inside cancel is fine and decides how the job ends") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    for (const uint32_t flags : {0u, uint32_t{P2C2R_EXECUTOR_SHORT}}) {
        CAPTURE(flags);
        HostExecutor inside;
        p2c2r_status returned = P2C2R_PENDING;
        inside.run = [&](p2c2r_job* job) {
            CHECK(give(job, "inside") == P2C2R_OK);
            CHECK(p2c2r_job_finish(job, P2C2R_OK) == P2C2R_OK);
            return returned;
        };
        inside.add(runtime.get(), "inside", flags);
        CHECK(run_once(client.get(), "inside") == P2C2R_OK);
        returned = P2C2R_E_LIMIT;  // a contradiction: what was finished counts
        CHECK(run_once(client.get(), "inside") == P2C2R_OK);
        CHECK(p2c2r_runtime_remove_executor(runtime.get(), "inside", 10'000) == P2C2R_OK);

        HostExecutor in_cancel;
        std::atomic<bool> started{false};
        std::atomic<p2c2r_status> said{1};
        in_cancel.run = [&](p2c2r_job*) {
            started = true;
            return P2C2R_PENDING;
        };
        in_cancel.cancel = [&](p2c2r_job* job) {
            CHECK((p2c2r_job_state(job) & P2C2R_JOB_CANCELLED) != 0);
            said = p2c2r_job_finish(job, P2C2R_E_CANCELLED);
        };
        in_cancel.add(runtime.get(), "in_cancel", flags);
        const Task task("in_cancel");
        const p2c2r_task id = submit(client.get(), task.desc);
        CHECK(turn_until(runtime.get(), [&] { return started.load(); }));
        CHECK(p2c2r_client_cancel(client.get(), id) == P2C2R_OK);
        const Result result = fetch(client.get(), id);
        CHECK(p2c2r_result_status(result.get()) == P2C2R_E_CANCELLED);
        CHECK(turn_until(runtime.get(), [&] { return said != 1; }));
        CHECK(said == P2C2R_OK);
        CHECK(p2c2r_runtime_remove_executor(runtime.get(), "in_cancel", 10'000) == P2C2R_OK);
    }
}

TEST_CASE("a job that outlives its peer is an orphan whose finish is E_STALE") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    std::atomic<p2c2r_job*> kept{nullptr};
    executor.run = [&](p2c2r_job* job) {
        // The coordinator tries again elsewhere; only the peer's own job is kept.
        if (kept != nullptr) return P2C2R_E_LIMIT;
        p2c2r_job_retain(job);
        kept = job;
        return P2C2R_PENDING;
    };
    executor.add(runtime.get(), "kept");
    const Coordinator coordinator = make_coordinator(runtime.get());
    Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("kept");
    task.desc.place = P2C2R_PLACE_REMOTE;
    const p2c2r_task id = submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return kept != nullptr; }));
    peer.reset();  // does not wait for a PENDING job
    CHECK((p2c2r_job_state(kept) & P2C2R_JOB_ORPHAN) != 0);
    CHECK(p2c2r_job_finish(kept, P2C2R_OK) == P2C2R_E_STALE);
    CHECK(p2c2r_job_finish(kept, P2C2R_OK) == P2C2R_E_STALE);
    p2c2r_job_release(kept);
    CHECK(p2c2r_result_status(fetch(client.get(), id).get()) < 0);
}

TEST_CASE("a retained job outlives its runtime and can still be read and released") {
    std::atomic<p2c2r_job*> kept{nullptr};
    HostExecutor executor;
    executor.run = [&](p2c2r_job* job) {
        p2c2r_job_retain(job);
        kept = job;
        return P2C2R_PENDING;
    };
    {
        const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
        executor.add(runtime.get(), "kept");
        const Client client = make_client(runtime.get());
        const Task task("kept", "payload", 7);
        submit(client.get(), task.desc);
        CHECK(turn_until(runtime.get(), [&] { return kept != nullptr; }));
    }
    CHECK(executor.destroyed == 1);
    size_t size = 0;
    CHECK(std::string(static_cast<const char*>(p2c2r_job_input(kept, 0, &size)), 7) == "payload");
    CHECK((p2c2r_job_state(kept) & P2C2R_JOB_ORPHAN) != 0);
    CHECK(p2c2r_job_finish(kept, P2C2R_OK) == P2C2R_E_STALE);
    p2c2r_job_release(kept);
}

// ---- coming and going -------------------------------------------------------------------------

TEST_CASE("destroying a peer waits for the code inside run") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    std::atomic<bool> inside{false};
    std::atomic<bool> left{false};
    executor.run = [&](p2c2r_job* job) {
        inside = true;
        while (!(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED)) std::this_thread::yield();
        for (int i = 0; i < 1000; ++i) std::this_thread::yield();
        left = true;
        return give(job, "too late");
    };
    executor.add(runtime.get(), "stubborn");
    const Coordinator coordinator = make_coordinator(runtime.get());
    Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    Task task("stubborn");
    task.desc.place = P2C2R_PLACE_REMOTE;
    submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return inside.load(); }));
    peer.reset();
    CHECK(left);
}

TEST_CASE("a type has one executor and its alias counts as the same type") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    executor.run = [](p2c2r_job* job) { return give(job, "x"); };
    const auto add = [&](const char* name) {
        const p2c2r_executor_desc desc = executor.desc(name);
        return p2c2r_runtime_add_executor(runtime.get(), &desc, nullptr);
    };
    CHECK(add("echo") == P2C2R_E_EXISTS);
    CHECK(add("frame_upscale") == P2C2R_E_EXISTS);  // upscale is built in
    CHECK(add("mine") == P2C2R_OK);
    CHECK(add("mine") == P2C2R_E_EXISTS);
    CHECK(add("") == P2C2R_E_ARGUMENT);
    CHECK(add(nullptr) == P2C2R_E_ARGUMENT);
    p2c2r_executor_desc desc = executor.desc("other");
    desc.run = nullptr;
    p2c2r_error why = {};
    CHECK(p2c2r_runtime_add_executor(runtime.get(), &desc, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "run");
    desc = executor.desc("other", 64);
    CHECK(p2c2r_runtime_add_executor(runtime.get(), &desc, &why) == P2C2R_E_ARGUMENT);
    CHECK(executor.destroyed == 0);
    CHECK(p2c2r_runtime_remove_executor(runtime.get(), "mine", 0) == P2C2R_OK);
    CHECK(executor.destroyed == 1);
    CHECK(p2c2r_runtime_remove_executor(runtime.get(), "mine", 0) == P2C2R_E_STALE);
    CHECK(p2c2r_runtime_remove_executor(runtime.get(), nullptr, 0) == P2C2R_E_ARGUMENT);
    CHECK(add("mine") == P2C2R_OK);
}

TEST_CASE("an executor is removed when its last job has ended and not before") {
    HostExecutor executor;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    std::atomic<p2c2r_job*> pending{nullptr};
    executor.run = [&](p2c2r_job* job) {
        pending = job;
        return P2C2R_PENDING;
    };
    executor.add(runtime.get(), "leaving");
    const Task task("leaving");
    const p2c2r_task id = submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return pending != nullptr; }));
    CHECK(p2c2r_runtime_remove_executor(runtime.get(), "leaving", 1) == P2C2R_E_TIMEOUT);
    CHECK(executor.destroyed == 0);
    // Nothing new starts.
    CHECK(run_once(client.get(), "leaving") == P2C2R_E_TASK_TYPE);
    CHECK(give(pending, "done") == P2C2R_OK);
    CHECK(p2c2r_job_finish(pending, P2C2R_OK) == P2C2R_OK);
    CHECK(p2c2r_runtime_remove_executor(runtime.get(), "leaving", 10'000) == P2C2R_OK);
    CHECK(executor.destroyed == 1);
    CHECK(p2c2r_result_status(fetch(client.get(), id).get()) == P2C2R_OK);
}

TEST_CASE("without worker threads only lent threads run jobs") {
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.worker_threads = P2C2R_NONE;
    HostExecutor executor;
    const Runtime runtime = make_runtime(config);
    const Client client = make_client(runtime.get());
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id ran_on;
    executor.run = [&](p2c2r_job* job) {
        ran_on = std::this_thread::get_id();
        return give(job, "lent");
    };
    executor.add(runtime.get(), "lent");
    CHECK(p2c2r_runtime_work(runtime.get(), 0, 0) == P2C2R_E_AGAIN);
    const Task task("lent");
    const p2c2r_task id = submit(client.get(), task.desc);
    CHECK(p2c2r_runtime_work(runtime.get(), 1, 10'000) == P2C2R_OK);
    CHECK(data_of(fetch(client.get(), id).get()) == "lent");
    CHECK(ran_on == here);
    // A task run without any role uses the calling thread too.
    p2c2r_result* result = nullptr;
    REQUIRE(p2c2r_runtime_call(runtime.get(), "exec", "{\"task_type\":\"lent\"}", nullptr, 10'000,
                               &result, nullptr) == P2C2R_OK);
    const Result owned(result);
    CHECK(data_of(result) == "lent");
}

TEST_CASE(
    "a declared type that is not here yet is unsupported and the answer names what there is") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Client alone = make_client(runtime.get());
    const Client connected = make_client(runtime.get(), coordinator.get());
    REQUIRE(p2c2r_client_connect(connected.get(), 10'000, nullptr) == P2C2R_OK);
    // The coordinator names the types it has met, this machine all its executors.
    struct Row {
        p2c2r_client* client;
        int32_t place;
        const char* named;
    };
    for (const Row& row : {Row{alone.get(), P2C2R_PLACE_AUTO, "upscale"},
                           Row{alone.get(), P2C2R_PLACE_LOCAL, "upscale"},
                           Row{connected.get(), P2C2R_PLACE_LOCAL, "upscale"},
                           Row{connected.get(), P2C2R_PLACE_AUTO, "there is: "}}) {
        CAPTURE(row.place);
        for (const std::string type : {"compression", "hash", "custom", "nobody"}) {
            CAPTURE(type);
            Task task(type.c_str());
            task.desc.place = row.place;
            const Result result = fetch(row.client, submit(row.client, task.desc));
            CHECK(p2c2r_result_status(result.get()) ==
                  (type == "nobody" ? P2C2R_E_TASK_TYPE : P2C2R_E_UNSUPPORTED));
            const std::string said = p2c2r_result_text(result.get(), P2C2R_TEXT_MESSAGE, nullptr);
            CHECK(said.find(row.named) != std::string::npos);
            CHECK(std::string(p2c2r_result_text(result.get(), P2C2R_TEXT_FIELD, nullptr)) ==
                  "task_type");
        }
    }
}

TEST_CASE("a task computes on no more threads than the runtime was given") {
    const auto threads = [](uint32_t worker_threads) {
        auto config = runtime_config(P2C2R_RUN_THREAD);
        config.worker_threads = worker_threads;
        config.gpu = P2C2R_GPU_OFF;
        const Runtime runtime = make_runtime(config);
        p2c2r_result* answer = nullptr;
        REQUIRE(p2c2r_runtime_call(runtime.get(), "devices", nullptr, nullptr, 10'000, &answer,
                                   nullptr) == P2C2R_OK);
        const Result owned(answer);
        size_t size = 0;
        const void* text = p2c2r_result_fields(answer, P2C2R_FORMAT_JSON, &size);
        const std::string fields(static_cast<const char*>(text), size);
        const size_t at = fields.find("\"threads\":");
        REQUIRE_MESSAGE(at != std::string::npos, fields);
        return std::stoul(fields.substr(at + 10));
    };
    const size_t processors = threads(0);
    CHECK(processors >= 1);
    CHECK(threads(1) == 1);
    CHECK(threads(P2C2R_NONE) == 1);  // the thread that calls p2c2r_runtime_work
    CHECK(threads(1024) == processors);
}

TEST_CASE("exec runs a task here and its failure is a result") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        const Runtime runtime = make_runtime(mode);
        static std::atomic<int> released;
        released = 0;
        const auto exec = [&](const char* args, p2c2r_error& why, p2c2r_status& status) {
            const p2c2r_bytes input = {"abc", 3, [](void*, const void*, size_t) { ++released; },
                                       nullptr};
            p2c2r_result* result = nullptr;
            status = p2c2r_runtime_call(runtime.get(), "exec", args, &input, 10'000, &result, &why);
            return Result(result);
        };
        p2c2r_error why = {};
        p2c2r_status status = 0;
        const Result echo = exec("{\"task_type\":\"echo\"}", why, status);
        REQUIRE(status == P2C2R_OK);
        CHECK(data_of(echo.get()) == "abc");
        CHECK(released == 1);
        const Result failed = exec("{\"task_type\":\"frame_upscale\",\"params\":{}}", why, status);
        REQUIRE(status == P2C2R_OK);
        CHECK(p2c2r_result_status(failed.get()) == P2C2R_E_PARAMS);
        CHECK(released == 2);
        exec("{\"task_type\":\"nobody\"}", why, status);
        CHECK(status == P2C2R_E_TASK_TYPE);
        CHECK(std::string(why.text).find("echo") != std::string::npos);
        exec("{\"task_type\":\"hash\"}", why, status);
        CHECK(status == P2C2R_E_UNSUPPORTED);
        CHECK(std::string(why.text).find("ai_pathfinding, echo, physics, raytracing") !=
              std::string::npos);
        exec("{\"task_type\":\"echo\",\"extra\":1}", why, status);
        CHECK(status == P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == "extra");
        exec("{}", why, status);
        CHECK(status == P2C2R_E_ARGUMENT);
        CHECK(released == 2);
    }
}

TEST_CASE("at most parallel_max jobs of an executor run at once") {
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.worker_threads = 4;
    HostExecutor executor;
    const Runtime runtime = make_runtime(config);
    const Client client = make_client(runtime.get());
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    executor.run = [&](p2c2r_job* job) {
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        for (int i = 0; i < 200; ++i) std::this_thread::yield();
        --inside;
        return give(job, "x");
    };
    p2c2r_executor_desc desc = executor.desc("narrow");
    desc.parallel_max = 2;
    REQUIRE(p2c2r_runtime_add_executor(runtime.get(), &desc, nullptr) == P2C2R_OK);
    std::vector<p2c2r_task> tasks;
    for (int i = 0; i < 50; ++i) {
        const Task task("narrow");
        tasks.push_back(submit(client.get(), task.desc));
    }
    for (const p2c2r_task task : tasks) fetch(client.get(), task);
    CHECK(most >= 1);
    CHECK(most <= 2);
}

TEST_CASE(
    "a peer on a named device offers what that device runs and whatever the host adds later") {
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.gpu = P2C2R_GPU_INDEX;
    p2c2r_runtime* made = nullptr;
    if (p2c2r_runtime_create(&config, &made, nullptr) != P2C2R_OK) {
        MESSAGE("skipped: there is no Vulkan device here");
        return;
    }
    HostExecutor executor;
    executor.run = [](p2c2r_job* job) { return give(job, "mine"); };
    const Runtime runtime(made);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const auto create = [&](const char* task_types, p2c2r_error& why) {
        auto capabilities = sized<p2c2r_capabilities>();
        capabilities.task_types = task_types;
        auto wanted = sized<p2c2r_peer_config>();
        wanted.local = coordinator.get();
        wanted.capabilities = &capabilities;
        p2c2r_peer* peer = nullptr;
        p2c2r_peer_create(runtime.get(), &wanted, &peer, &why);
        return Peer(peer);
    };
    const auto offered = [](const Peer& peer) {
        auto capabilities = sized<p2c2r_capabilities>();
        REQUIRE(p2c2r_peer_capabilities(peer.get(), &capabilities) == P2C2R_OK);
        return std::string(capabilities.task_types);
    };
    const auto offers = [&](const Peer& peer, const std::string& task_type) {
        return ("," + offered(peer) + ",").find("," + task_type + ",") != std::string::npos;
    };
    p2c2r_error why = {};
    CHECK_FALSE(create("upscale,echo", why));
    CHECK(why.status == P2C2R_E_UNSUPPORTED);
    CHECK(std::string(why.field) == "task_types");
    CHECK(std::string(why.text).find("'echo' has no GPU form") != std::string::npos);
    const Peer listed = create("upscale", why);
    REQUIRE(listed);
    CHECK(offered(listed) == "upscale");
    const Peer all = create(nullptr, why);
    REQUIRE(all);
    CHECK(offers(all, "upscale"));
    CHECK(offers(all, "ai_pathfinding"));
    CHECK_FALSE(offers(all, "echo"));
    CHECK_FALSE(offers(all, "mine"));
    REQUIRE(p2c2r_peer_start(all.get(), nullptr) == P2C2R_OK);
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    executor.add(runtime.get(), "mine");
    CHECK(offers(all, "mine"));
    CHECK(offers(all, "upscale"));
    CHECK_FALSE(offers(all, "echo"));
    CHECK(offered(listed) == "upscale");
    // The coordinator hears of it with a heartbeat at the latest; until then nobody there runs it.
    Task task("mine");
    task.desc.place = P2C2R_PLACE_REMOTE;
    CHECK(turn_until(runtime.get(), [&] {
        const Result result = fetch(client.get(), submit(client.get(), task.desc));
        auto info = sized<p2c2r_result_info>();
        p2c2r_result_info_get(result.get(), &info);
        return info.status == P2C2R_OK && info.source == P2C2R_SOURCE_PEER;
    }));
}
