// Where functions of the host run, how many of them, and what they may not call meanwhile.
#include <thread>

#include "world.h"

using namespace capi_test;

TEST_CASE("dispatch runs at most as many functions as it is allowed and in order") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    static std::vector<p2c2r_task> order;
    order.clear();
    std::vector<p2c2r_task> submitted;
    for (int i = 0; i < 150; ++i) {
        Task task("echo", "x", 1);
        task.desc.done = [](void*, p2c2r_task id, p2c2r_result* result) {
            order.push_back(id);
            p2c2r_result_release(result);
        };
        submitted.push_back(submit(client.get(), task.desc));
    }
    auto stats = sized<p2c2r_client_stats>();
    while (stats.results_waiting < 150) p2c2r_client_stats_get(client.get(), &stats);
    uint32_t run = 0;
    CHECK(p2c2r_runtime_dispatch(runtime.get(), 7, 0, &run) == P2C2R_OK);
    CHECK(run == 7);
    CHECK(order.size() == 7);
    CHECK(p2c2r_client_dispatch(client.get(), 100, 0, &run) == P2C2R_OK);
    CHECK(run == 100);
    CHECK(p2c2r_runtime_dispatch(runtime.get(), 0, 0, &run) == P2C2R_OK);
    CHECK(run == 43);
    CHECK(order == submitted);
}

TEST_CASE("calls that may wait are E_STATE inside a host function") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    struct Seen {
        p2c2r_runtime* runtime;
        p2c2r_client* client;
        std::vector<p2c2r_status> statuses;
        std::atomic<bool> done{false};

        void look() {
            p2c2r_result* result = nullptr;
            const Task task("echo");
            p2c2r_task id = 1;
            statuses = {
                p2c2r_client_get_result(client, 1, 0, &result),
                p2c2r_client_wait(client, &id, 1, 0, nullptr),
                p2c2r_client_submit_and_wait(client, &task.desc, &result, nullptr),
                p2c2r_client_connect(client, 0, nullptr),
                p2c2r_client_call(client, "status", nullptr, 0, &result, nullptr),
                p2c2r_client_dispatch(client, 0, 0, nullptr),
                p2c2r_client_destroy(client),
                p2c2r_runtime_dispatch(runtime, 0, 0, nullptr),
                p2c2r_runtime_poll(runtime, 0),
                p2c2r_runtime_work(runtime, 0, 0),
                p2c2r_runtime_call(runtime, "task_types", nullptr, nullptr, 0, &result, nullptr),
                p2c2r_runtime_remove_executor(runtime, "echo", 0),
                p2c2r_runtime_close(runtime, 0),
                p2c2r_runtime_destroy(runtime),
            };
            done = true;
        }
        void check() {
            for (size_t i = 0; i < statuses.size(); ++i) {
                CAPTURE(i);
                CHECK(statuses[i] == P2C2R_E_STATE);
            }
            statuses.clear();
        }
    } seen{runtime.get(), client.get(), {}};

    // In done on the dispatching thread.
    Task task("echo", "x", 1);
    task.desc.user = &seen;
    task.desc.done = [](void* user, p2c2r_task, p2c2r_result* result) {
        static_cast<Seen*>(user)->look();
        p2c2r_result_release(result);
    };
    submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return seen.done.load(); }));
    seen.check();

    // In run on a worker thread, and in a short run on the loop's thread.
    for (const uint32_t flags : {0u, uint32_t{P2C2R_EXECUTOR_SHORT}}) {
        HostExecutor executor;
        executor.run = [&](p2c2r_job* job) {
            seen.look();
            void* out = nullptr;
            return p2c2r_job_output_alloc(job, 0, &out);
        };
        const char* name = flags ? "short_one" : "long_one";
        executor.add(runtime.get(), name, flags);
        const Task local(name);
        fetch(client.get(), submit(client.get(), local.desc));
        seen.check();
        CHECK(p2c2r_runtime_remove_executor(runtime.get(), name, 10'000) == P2C2R_OK);
    }
}

TEST_CASE("a second dispatch while one runs is E_BUSY") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    struct Meeting {
        p2c2r_runtime* runtime;
        p2c2r_status other = P2C2R_OK;
        bool done = false;
    } meeting{runtime.get()};
    Task task("echo", "x", 1);
    task.desc.user = &meeting;
    task.desc.done = [](void* user, p2c2r_task, p2c2r_result* result) {
        Meeting& met = *static_cast<Meeting*>(user);
        p2c2r_result_release(result);
        std::thread other(
            [&met] { met.other = p2c2r_runtime_dispatch(met.runtime, 0, 0, nullptr); });
        other.join();
        met.done = true;
    };
    submit(client.get(), task.desc);
    CHECK(turn_until(runtime.get(), [&] { return meeting.done; }));
    CHECK(meeting.other == P2C2R_E_BUSY);
}
