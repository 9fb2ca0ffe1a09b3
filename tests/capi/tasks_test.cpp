// A task that was accepted ends exactly once, told in one way, whatever the host does meanwhile.
#include <map>
#include <mutex>
#include <thread>

#include "world.h"

using namespace capi_test;

namespace {

// Counts how often each task was told.
struct Tally {
    std::mutex mutex;
    std::map<p2c2r_task, int> told;
    std::map<p2c2r_task, p2c2r_status> status;

    static void P2C2R_CALL done(void* user, p2c2r_task task, p2c2r_result* result) {
        Tally& tally = *static_cast<Tally*>(user);
        const std::lock_guard lock(tally.mutex);
        ++tally.told[task];
        tally.status[task] = p2c2r_result_status(result);
        p2c2r_result_release(result);
    }
    size_t size() {
        const std::lock_guard lock(mutex);
        return told.size();
    }
    void check_once(size_t expected) {
        const std::lock_guard lock(mutex);
        CHECK(told.size() == expected);
        for (const auto& [task, count] : told) CHECK(count == 1);
    }
};

// A world whose peer runs "slow", which waits until it is cancelled or told to go on.
struct SlowWorld {
    explicit SlowWorld(int32_t mode) : runtime(make_runtime(mode)) {
        executor.run = [this](p2c2r_job* job) -> p2c2r_status {
            ++started;
            while (!(p2c2r_job_state(job) & P2C2R_JOB_CANCELLED) && !go_on) {
                std::this_thread::yield();
            }
            if (p2c2r_job_state(job) & P2C2R_JOB_CANCELLED) ++cancelled;
            void* out = nullptr;
            return p2c2r_job_output_alloc(job, 4, &out);
        };
        executor.add(runtime.get(), "slow");
        coordinator = make_coordinator(runtime.get());
        peer = make_peer(runtime.get(), coordinator.get());
        client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
    }
    ~SlowWorld() { go_on = true; }

    HostExecutor executor;
    std::atomic<int> started{0};
    std::atomic<int> cancelled{0};
    std::atomic<bool> go_on{false};
    Runtime runtime;
    Coordinator coordinator;
    Peer peer;
    Client client;
};

}  // namespace

TEST_CASE("each of many tasks is told exactly once through done") {
    for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
        for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
            CAPTURE(deliver);
            CAPTURE(mode);
            const Runtime runtime = make_runtime(mode);
            const Coordinator coordinator = make_coordinator(runtime.get());
            const Peer peer = make_peer(runtime.get(), coordinator.get());
            const Client client = make_client(runtime.get(), coordinator.get(), nullptr, deliver);
            connect_with_peers(runtime.get(), client.get(), 1);
            Tally tally;
            constexpr size_t kTasks = 3000;
            for (size_t i = 0; i < kTasks; ++i) {
                Task task("echo", "payload", 7);
                task.desc.done = Tally::done;
                task.desc.user = &tally;
                submit(client.get(), task.desc);
            }
            CHECK(turn_until(runtime.get(), [&] { return tally.size() == kTasks; }));
            tally.check_once(kTasks);
            for (const auto& [task, status] : tally.status) CHECK(status == P2C2R_OK);
        }
    }
}

TEST_CASE("many threads submit at once and each task is told exactly once") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client =
        make_client(runtime.get(), coordinator.get(), nullptr, P2C2R_DELIVER_ON_LOOP);
    connect_with_peers(runtime.get(), client.get(), 1);
    Tally tally;
    constexpr int kThreads = 4;
    constexpr int kEach = 500;
    std::atomic<int> accepted{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < kEach;) {
                Task task("echo", "payload", 7);
                task.desc.done = Tally::done;
                task.desc.user = &tally;
                p2c2r_task id = 0;
                if (p2c2r_client_submit(client.get(), &task.desc, &id, nullptr) == P2C2R_OK) {
                    ++accepted;
                    ++j;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(turn_until(runtime.get(), [&] { return tally.size() == size_t{kThreads * kEach}; }));
    CHECK(accepted == kThreads * kEach);
    tally.check_once(kThreads * kEach);
}

TEST_CASE("done may submit the next task and the chain goes on") {
    for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
        for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
            const Runtime runtime = make_runtime(mode);
            auto config = sized<p2c2r_client_config>();
            config.tasks_max = 1;  // the place of the task that is being told is free again
            config.deliver = deliver;
            p2c2r_client* made = nullptr;
            REQUIRE(p2c2r_client_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
            const Client client(made);
            struct Chain {
                p2c2r_client* client;
                std::atomic<int> links{0};
                static void P2C2R_CALL done(void* user, p2c2r_task, p2c2r_result* result) {
                    Chain& chain = *static_cast<Chain*>(user);
                    p2c2r_result_release(result);
                    if (++chain.links < 100) chain.go();
                }
                void go() {
                    Task task("echo", "x", 1);
                    task.desc.done = done;
                    task.desc.user = this;
                    p2c2r_task id = 0;
                    CHECK(p2c2r_client_submit(client, &task.desc, &id, nullptr) == P2C2R_OK);
                }
            } chain{client.get()};
            chain.go();
            CHECK(turn_until(runtime.get(), [&] { return chain.links == 100; }));
        }
    }
}

TEST_CASE("poll is PENDING then OK once and stale afterwards") {
    SlowWorld world(P2C2R_RUN_THREAD);
    const Task task("slow");
    const p2c2r_task id = submit(world.client.get(), task.desc);
    p2c2r_result* result = nullptr;
    CHECK(p2c2r_client_poll(world.client.get(), id, &result) == P2C2R_PENDING);
    CHECK(p2c2r_client_get_result(world.client.get(), id, 1000, &result) == P2C2R_PENDING);
    CHECK(result == nullptr);
    world.go_on = true;
    uint32_t which = 77;
    const p2c2r_task tasks[] = {id};
    CHECK(p2c2r_client_wait(world.client.get(), tasks, 1, kLongUs, &which) == P2C2R_OK);
    CHECK(which == 0);
    REQUIRE(p2c2r_client_poll(world.client.get(), id, &result) == P2C2R_OK);
    const Result owned(result);
    CHECK(p2c2r_result_status(result) == P2C2R_OK);
    CHECK(p2c2r_client_poll(world.client.get(), id, &result) == P2C2R_E_STALE);
    CHECK(p2c2r_client_cancel(world.client.get(), id) == P2C2R_E_STALE);
    CHECK(p2c2r_client_forget(world.client.get(), id) == P2C2R_E_STALE);
    CHECK(p2c2r_client_wait(world.client.get(), tasks, 1, 0, nullptr) == P2C2R_E_STALE);
    CHECK(p2c2r_client_poll(world.client.get(), 12345678, &result) == P2C2R_E_STALE);
    CHECK(p2c2r_client_poll(world.client.get(), 0, &result) == P2C2R_E_STALE);
}

TEST_CASE("a task with done is not for poll and its kin") {
    SlowWorld world(P2C2R_RUN_THREAD);
    Tally tally;
    Task task("slow");
    task.desc.done = Tally::done;
    task.desc.user = &tally;
    const p2c2r_task id = submit(world.client.get(), task.desc);
    p2c2r_result* result = nullptr;
    CHECK(p2c2r_client_poll(world.client.get(), id, &result) == P2C2R_E_STATE);
    CHECK(p2c2r_client_get_result(world.client.get(), id, 10, &result) == P2C2R_E_STATE);
    CHECK(p2c2r_client_wait(world.client.get(), &id, 1, 10, nullptr) == P2C2R_E_STATE);
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit_and_wait(world.client.get(), &task.desc, &result, &why) ==
          P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "done");
    world.go_on = true;
    CHECK(turn_until(world.runtime.get(), [&] { return tally.size() == 1; }));
}

TEST_CASE("of two pollers one gets the result and the other E_STALE") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    for (int round = 0; round < 200; ++round) {
        const Task task("echo", "x", 1);
        const p2c2r_task id = submit(client.get(), task.desc);
        std::atomic<int> got{0};
        std::atomic<int> stale{0};
        const auto poll = [&] {
            for (;;) {
                p2c2r_result* result = nullptr;
                const p2c2r_status status = p2c2r_client_poll(client.get(), id, &result);
                if (status == P2C2R_PENDING) continue;
                if (status == P2C2R_OK) {
                    ++got;
                    p2c2r_result_release(result);
                } else if (status == P2C2R_E_STALE) {
                    ++stale;
                }
                return;
            }
        };
        std::thread other(poll);
        poll();
        other.join();
        CHECK(got == 1);
        CHECK(stale == 1);
    }
}

TEST_CASE("cancel reaches the executor and the task still ends once as E_CANCELLED") {
    SlowWorld world(P2C2R_RUN_THREAD);
    const Task task("slow");
    const p2c2r_task id = submit(world.client.get(), task.desc);
    CHECK(turn_until(world.runtime.get(), [&] { return world.started == 1; }));
    CHECK(p2c2r_client_cancel(world.client.get(), id) == P2C2R_OK);
    const Result result = fetch(world.client.get(), id);
    CHECK(p2c2r_result_status(result.get()) == P2C2R_E_CANCELLED);
    CHECK(turn_until(world.runtime.get(), [&] { return world.cancelled == 1; }));
}

TEST_CASE("forget is never told and frees a result that waits") {
    SlowWorld world(P2C2R_RUN_THREAD);
    Tally tally;
    Task told("slow");
    told.desc.done = Tally::done;
    told.desc.user = &tally;
    const p2c2r_task forgotten = submit(world.client.get(), told.desc);
    CHECK(p2c2r_client_forget(world.client.get(), forgotten) == P2C2R_OK);
    CHECK(p2c2r_client_forget(world.client.get(), forgotten) == P2C2R_E_STALE);
    const Task waits("echo", "x", 1);
    const p2c2r_task waiting = submit(world.client.get(), waits.desc);
    CHECK(p2c2r_client_wait(world.client.get(), &waiting, 1, kLongUs, nullptr) == P2C2R_OK);
    CHECK(p2c2r_client_forget(world.client.get(), waiting) == P2C2R_OK);
    p2c2r_result* result = nullptr;
    CHECK(p2c2r_client_poll(world.client.get(), waiting, &result) == P2C2R_E_STALE);
    // Whatever ends meanwhile, dispatch tells nothing.
    const p2c2r_task after = submit(world.client.get(), waits.desc);
    fetch(world.client.get(), after);
    CHECK(turn_until(world.runtime.get(), [&] {
        auto stats = sized<p2c2r_client_stats>();
        p2c2r_client_stats_get(world.client.get(), &stats);
        return stats.tasks_pending == 0 && stats.results_waiting == 0;
    }));
    uint32_t run = 0;
    CHECK(p2c2r_runtime_dispatch(world.runtime.get(), 0, 0, &run) == P2C2R_OK);
    CHECK(run == 0);
    CHECK(tally.size() == 0);
}

TEST_CASE("keep leaves one of several tasks and stops the others where they run") {
    SlowWorld world(P2C2R_RUN_THREAD);
    p2c2r_client* const client = world.client.get();
    const Task slow("slow");
    const p2c2r_task running[] = {submit(client, slow.desc), submit(client, slow.desc)};
    CHECK(turn_until(world.runtime.get(), [&] { return world.started == 2; }));
    const Task echo("echo", "kept", 4);
    const p2c2r_task tasks[] = {running[0], submit(client, echo.desc), running[1],
                                submit(client, echo.desc), running[0]};
    uint32_t which = 0;
    CHECK(p2c2r_client_wait(client, tasks, 2, kLongUs, &which) == P2C2R_OK);
    CHECK(which == 1);
    p2c2r_error why = {};
    CHECK(p2c2r_client_keep(client, tasks[1], tasks, 5, &why) == P2C2R_OK);
    CHECK(turn_until(world.runtime.get(), [&] { return world.cancelled == 2; }));
    p2c2r_result* result = nullptr;
    for (const size_t gone : {0, 2, 3}) {
        CHECK(p2c2r_client_poll(client, tasks[gone], &result) == P2C2R_E_STALE);
    }
    CHECK(data_of(fetch(client, tasks[1]).get()) == "kept");
    // Once more, with the one that was fetched and nothing but stale ones.
    CHECK(p2c2r_client_keep(client, tasks[1], tasks, 5, &why) == P2C2R_OK);
    CHECK(p2c2r_client_keep(client, 0, nullptr, 0, &why) == P2C2R_OK);
    CHECK(p2c2r_client_keep(client, 0, nullptr, 1, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "tasks");
    const p2c2r_task none_wanted = submit(client, echo.desc);
    CHECK(p2c2r_client_keep(client, 0, &none_wanted, 1, &why) == P2C2R_OK);
    CHECK(p2c2r_client_poll(client, none_wanted, &result) == P2C2R_E_STALE);
}

TEST_CASE("keep refuses tasks that must be told how they end and has done nothing then") {
    SlowWorld world(P2C2R_RUN_THREAD);
    p2c2r_client* const client = world.client.get();
    Tally tally;
    Task told("slow");
    told.desc.done = Tally::done;
    told.desc.user = &tally;
    char memory[8];
    Task received("slow");
    received.desc.output = memory;
    received.desc.output_size = sizeof memory;
    const Task slow("slow");
    const p2c2r_task plain = submit(client, slow.desc);
    p2c2r_error why = {};
    const p2c2r_task others[] = {submit(client, told.desc), submit(client, received.desc)};
    for (const p2c2r_task other : others) {
        const p2c2r_task tasks[] = {plain, other};
        CHECK(p2c2r_client_keep(client, 0, tasks, 2, &why) == P2C2R_E_STATE);
        CHECK(std::string(why.field) == "tasks");
        p2c2r_result* result = nullptr;
        CHECK(p2c2r_client_poll(client, plain, &result) == P2C2R_PENDING);
        // It may be the one that is kept.
        CHECK(p2c2r_client_keep(client, other, &other, 1, &why) == P2C2R_OK);
    }
    world.go_on = true;
    fetch(client, plain);
    fetch(client, others[1]);
}

TEST_CASE("a task that ended but was not told yet can be forgotten in the last moment") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    Tally tally;
    Task task("echo", "x", 1);
    task.desc.done = Tally::done;
    task.desc.user = &tally;
    const p2c2r_task id = submit(client.get(), task.desc);
    auto stats = sized<p2c2r_client_stats>();
    while (stats.results_waiting == 0) p2c2r_client_stats_get(client.get(), &stats);
    CHECK(p2c2r_client_cancel(client.get(), id) == P2C2R_E_STALE);  // it has ended
    CHECK(p2c2r_client_forget(client.get(), id) == P2C2R_OK);
    uint32_t run = 0;
    CHECK(p2c2r_client_dispatch(client.get(), 0, 0, &run) == P2C2R_OK);
    CHECK(tally.size() == 0);
}

TEST_CASE("a budget ends dispatch early and nothing is lost") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    Tally tally;
    for (int i = 0; i < 100; ++i) {
        Task task("echo", "x", 1);
        task.desc.user = &tally;
        task.desc.done = [](void* user, p2c2r_task id, p2c2r_result* result) {
            const uint64_t until = p2c2r_now_us() + 2;  // longer than the whole budget
            while (p2c2r_now_us() < until) {
            }
            Tally::done(user, id, result);
        };
        submit(client.get(), task.desc);
    }
    auto stats = sized<p2c2r_client_stats>();
    while (stats.results_waiting < 100) p2c2r_client_stats_get(client.get(), &stats);
    uint32_t run = 0;
    CHECK(p2c2r_runtime_dispatch(runtime.get(), 0, 1, &run) == P2C2R_OK);
    CHECK(run == 1);
    CHECK(p2c2r_runtime_dispatch(runtime.get(), 0, 0, &run) == P2C2R_OK);
    CHECK(run == 99);
    tally.check_once(100);
}

TEST_CASE("more tasks than tasks_max are E_BUSY with a hint and taken again later") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    auto config = sized<p2c2r_client_config>();
    config.tasks_max = 3;
    p2c2r_client* made = nullptr;
    REQUIRE(p2c2r_client_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Client client(made);
    const Task task("echo", "x", 1);
    std::vector<p2c2r_task> tasks;
    for (int i = 0; i < 3; ++i) tasks.push_back(submit(client.get(), task.desc));
    p2c2r_task id = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == P2C2R_E_BUSY);
    CHECK(why.retry_after_ms > 0);
    CHECK(std::string(why.field) == "tasks_max");
    fetch(client.get(), tasks[0]);
    CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == P2C2R_OK);
    fetch(client.get(), tasks[1]);
    fetch(client.get(), tasks[2]);
    fetch(client.get(), id);
}

TEST_CASE("while a coordinator refuses tasks the client answers most of them itself") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        SlowWorld world(mode);
        auto config = sized<p2c2r_coordinator_config>();
        config.listen_port = P2C2R_NONE;
        config.options = R"({"limit_operator":true,"gamer_in_flight_max":1,"gamer_queued_max":1})";
        p2c2r_coordinator* made = nullptr;
        REQUIRE(p2c2r_coordinator_create(world.runtime.get(), &config, &made, nullptr) == P2C2R_OK);
        const Coordinator strict(made);
        REQUIRE(p2c2r_coordinator_start(made, nullptr) == P2C2R_OK);
        const Peer peer = make_peer(world.runtime.get(), made);
        const Client client = make_client(world.runtime.get(), made);
        connect_with_peers(world.runtime.get(), client.get(), 1);
        Task task("slow");
        task.desc.place = P2C2R_PLACE_REMOTE;
        uint64_t refused = 0;
        for (int i = 0; i < 300; ++i) {
            const p2c2r_task id = submit(client.get(), task.desc);
            if (i < 2) continue;  // these two are taken
            const Result result = fetch(client.get(), id);
            refused += p2c2r_result_status(result.get()) == P2C2R_E_BUSY;
            auto info = sized<p2c2r_result_info>();
            CHECK(p2c2r_result_info_get(result.get(), &info) == P2C2R_OK);
            CHECK(info.retry_after_ms > 0);
        }
        CHECK(refused == 298);
        auto stats = sized<p2c2r_client_stats>();
        CHECK(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
        CHECK(stats.held_back > 0);
        CHECK(stats.held_back < 298);
        world.go_on = true;
    }
}

TEST_CASE("more payload bytes than bytes_max are E_BUSY while others are pending") {
    SlowWorld world(P2C2R_RUN_THREAD);
    auto config = sized<p2c2r_client_config>();
    config.bytes_max = 1000;
    p2c2r_client* made = nullptr;
    REQUIRE(p2c2r_client_create(world.runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Client client(made);
    const std::string payload(900, 'x');
    const Task task("slow", payload.data(), payload.size());
    const p2c2r_task first = submit(client.get(), task.desc);
    p2c2r_task id = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, &why) == P2C2R_E_BUSY);
    CHECK(std::string(why.field) == "bytes_max");
    world.go_on = true;
    fetch(client.get(), first);
}

TEST_CASE("submit_many accepts a prefix and says what is wrong with the next") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    p2c2r_bytes data = {"abc", 3, nullptr, nullptr};
    std::vector<p2c2r_task_desc> descs(5, sized<p2c2r_task_desc>());
    for (auto& desc : descs) {
        desc.task_type = "echo";
        desc.data = &data;
    }
    descs[3].priority = 1000;
    p2c2r_task tasks[5] = {};
    uint32_t accepted = 0;
    p2c2r_error why = {};
    CHECK(p2c2r_client_submit_many(client.get(), descs.data(), 5, tasks, &accepted, &why) ==
          P2C2R_E_ARGUMENT);
    CHECK(accepted == 3);
    CHECK(std::string(why.field) == "priority");
    for (uint32_t i = 0; i < accepted; ++i)
        CHECK(data_of(fetch(client.get(), tasks[i]).get()) == "abc");
    CHECK(p2c2r_client_submit_many(client.get(), nullptr, 0, nullptr, &accepted, nullptr) ==
          P2C2R_OK);
    CHECK(accepted == 0);
}

TEST_CASE("a task whose memory is borrowed cannot be forgotten before it has ended") {
    SlowWorld world(P2C2R_RUN_THREAD);
    char output[8];
    Task task("slow");
    task.desc.output = output;
    task.desc.output_size = sizeof output;
    const p2c2r_task id = submit(world.client.get(), task.desc);
    CHECK(p2c2r_client_forget(world.client.get(), id) == P2C2R_E_STATE);
    CHECK(p2c2r_client_cancel(world.client.get(), id) == P2C2R_OK);
    fetch(world.client.get(), id);
}

TEST_CASE("a task waits for those it depends on and fails when one of them did") {
    HostExecutor fails;
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    fails.run = [](p2c2r_job*) { return P2C2R_E_LIMIT; };
    fails.add(runtime.get(), "fails");
    const Client client = make_client(runtime.get());
    const Task good("echo", "x", 1);
    const Task bad("fails");
    const p2c2r_task first = submit(client.get(), good.desc);
    Task second("echo", "y", 1);
    second.desc.depends_on = &first;
    second.desc.depends_count = 1;
    const p2c2r_task after_good = submit(client.get(), second.desc);
    const p2c2r_task failing = submit(client.get(), bad.desc);
    second.desc.depends_on = &failing;
    const p2c2r_task after_bad = submit(client.get(), second.desc);
    CHECK(p2c2r_result_status(fetch(client.get(), after_good).get()) == P2C2R_OK);
    CHECK(p2c2r_result_status(fetch(client.get(), after_bad).get()) == P2C2R_E_STATE);
    CHECK(p2c2r_result_status(fetch(client.get(), failing).get()) == P2C2R_E_LIMIT);
    fetch(client.get(), first);
}

TEST_CASE("a deadline ends a task though nobody answers") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        SlowWorld world(mode);
        Task task("slow");
        task.desc.deadline_us = 20'000;
        task.desc.place = P2C2R_PLACE_REMOTE;
        const Result result = fetch(world.client.get(), submit(world.client.get(), task.desc));
        CHECK(p2c2r_result_status(result.get()) == P2C2R_E_DEADLINE);
    }
}

TEST_CASE("a deadline of any length is none that has passed") {
    for (const int32_t place : {P2C2R_PLACE_REMOTE, P2C2R_PLACE_LOCAL}) {
        CAPTURE(place);
        SlowWorld world(P2C2R_RUN_THREAD);
        world.go_on = true;
        Task task("slow");
        task.desc.deadline_us = P2C2R_FOREVER;
        task.desc.place = place;
        const Result result = fetch(world.client.get(), submit(world.client.get(), task.desc));
        CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
    }
}

TEST_CASE("destroying a client ends its tasks and runs each done here before it returns") {
    for (const int32_t deliver : {P2C2R_DELIVER_ON_DISPATCH, P2C2R_DELIVER_ON_LOOP}) {
        for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
            CAPTURE(mode);
            SlowWorld world(mode);
            Client client =
                make_client(world.runtime.get(), world.coordinator.get(), nullptr, deliver);
            connect_with_peers(world.runtime.get(), client.get(), 1);
            Tally tally;
            for (int i = 0; i < 50; ++i) {
                Task task("slow");
                task.desc.done = Tally::done;
                task.desc.user = &tally;
                submit(client.get(), task.desc);
                const Task unwatched("slow");
                submit(client.get(), unwatched.desc);
            }
            client.reset();
            tally.check_once(50);
            for (const auto& [task, status] : tally.status) CHECK(status == P2C2R_E_CLOSED);
        }
    }
}
