// RUN_MANUAL: the host turns the loop, from one thread or several, or lets a loop of its own do it.
#include <poll.h>

#include <thread>

#include "world.h"

using namespace capi_test;

TEST_CASE("manual mode works all roles in one thread and starts no other") {
    auto config = runtime_config(P2C2R_RUN_MANUAL);
    config.worker_threads = P2C2R_NONE;
    static std::atomic<int> threads;
    threads = 0;
    config.thread = [](void*, const char*, int32_t starts) { threads += starts; };
    const Runtime runtime = make_runtime(config);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    const std::thread::id here = std::this_thread::get_id();
    static int done;
    done = 0;
    static std::thread::id where;
    for (int i = 0; i < 100; ++i) {
        Task task("echo", "manual", 6);
        task.desc.place = P2C2R_PLACE_REMOTE;
        task.desc.done = [](void*, p2c2r_task, p2c2r_result* result) {
            CHECK(data_of(result) == "manual");
            where = std::this_thread::get_id();
            ++done;
            p2c2r_result_release(result);
        };
        submit(client.get(), task.desc);
    }
    while (done < 100) REQUIRE(p2c2r_runtime_poll(runtime.get(), 100) == P2C2R_OK);
    CHECK(where == here);
    CHECK(threads == 0);
}

TEST_CASE("a poll ends when it has brought an answer that needed no waiting") {
    const Runtime runtime = make_runtime(P2C2R_RUN_MANUAL);
    const Client client = make_client(runtime.get(), nullptr);
    Task task("echo", "at once", 7);
    task.desc.deadline_us = 40'000'000;
    const p2c2r_task id = submit(client.get(), task.desc);
    const uint64_t began = p2c2r_now_us();
    p2c2r_result* result = nullptr;
    while (p2c2r_client_poll(client.get(), id, &result) == P2C2R_PENDING) {
        REQUIRE(p2c2r_runtime_poll(runtime.get(), 60'000) == P2C2R_OK);
    }
    CHECK(data_of(Result(result).get()) == "at once");
    CHECK(p2c2r_now_us() - began < 8'000'000);  // and not with the loop's next timer
}

TEST_CASE("a foreign loop waits on the descriptor and for the time it is told") {
    const Runtime runtime = make_runtime(P2C2R_RUN_MANUAL);
    const Coordinator coordinator = make_coordinator(runtime.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
    const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
    const Peer peer = make_peer(runtime.get(), nullptr, url.c_str());
    const Client client = make_client(runtime.get(), nullptr, url.c_str());
    connect_with_peers(runtime.get(), client.get(), 1);
    const Task task("echo", "foreign", 7);
    const p2c2r_task id = submit(client.get(), task.desc);
    p2c2r_result* result = nullptr;
    const uint64_t until = p2c2r_now_us() + kLongUs;
    while (p2c2r_client_poll(client.get(), id, &result) == P2C2R_PENDING) {
        REQUIRE(p2c2r_now_us() < until);
        int32_t fd = -1;
        int32_t timeout_ms = 0;
        REQUIRE(p2c2r_runtime_backend(runtime.get(), &fd, &timeout_ms) == P2C2R_OK);
        REQUIRE(fd >= 0);
        pollfd wait = {fd, POLLIN, 0};
        poll(&wait, 1, timeout_ms);
        REQUIRE(p2c2r_runtime_poll(runtime.get(), 0) == P2C2R_OK);
    }
    const Result owned(result);
    CHECK(data_of(result) == "foreign");
}

TEST_CASE("a submission from another thread makes the descriptor of a waiting host readable") {
    const Runtime runtime = make_runtime(P2C2R_RUN_MANUAL);
    const Client client = make_client(runtime.get());
    p2c2r_runtime_poll(runtime.get(), 0);
    int32_t fd = -1;
    int32_t timeout_ms = 0;
    REQUIRE(p2c2r_runtime_backend(runtime.get(), &fd, &timeout_ms) == P2C2R_OK);
    p2c2r_task id = 0;
    std::thread other([&] {
        const Task task("echo", "x", 1);
        CHECK(p2c2r_client_submit(client.get(), &task.desc, &id, nullptr) == P2C2R_OK);
    });
    pollfd wait = {fd, POLLIN, 0};
    CHECK(poll(&wait, 1, 30'000) == 1);
    other.join();
    p2c2r_result* result = nullptr;
    REQUIRE(turn_until(runtime.get(),
                       [&] { return p2c2r_client_poll(client.get(), id, &result) == P2C2R_OK; }));
    p2c2r_result_release(result);
}

TEST_CASE("waiting threads and a polling thread share the loop and none starves") {
    const Runtime runtime = make_runtime(P2C2R_RUN_MANUAL);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    std::atomic<bool> stop{false};
    std::thread poller([&] {
        while (!stop) p2c2r_runtime_poll(runtime.get(), 1000);
    });
    std::vector<std::thread> waiters;
    std::atomic<int> good{0};
    for (int i = 0; i < 3; ++i) {
        waiters.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                const Task task("echo", "shared", 6);
                p2c2r_result* result = nullptr;
                if (p2c2r_client_submit_and_wait(client.get(), &task.desc, &result, nullptr) ==
                        P2C2R_OK &&
                    p2c2r_result_status(result) == P2C2R_OK) {
                    ++good;
                }
                p2c2r_result_release(result);
                auto stats = sized<p2c2r_client_stats>();
                CHECK(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
            }
        });
    }
    for (std::thread& waiter : waiters) waiter.join();
    stop = true;
    p2c2r_runtime_wake(runtime.get());
    poller.join();
    CHECK(good == 150);
}

TEST_CASE("a second poll while one runs is E_BUSY and wake ends a long one") {
    const Runtime runtime = make_runtime(P2C2R_RUN_MANUAL);
    std::atomic<bool> polling{false};
    std::thread poller([&] {
        polling = true;
        p2c2r_status status;
        do {  // the other thread may be inside dispatch just now
            status = p2c2r_runtime_poll(runtime.get(), 3'600'000);
        } while (status == P2C2R_E_BUSY);
        CHECK(status == P2C2R_OK);
        polling = false;
    });
    const uint64_t until = p2c2r_now_us() + kLongUs;
    p2c2r_status second = P2C2R_OK;
    while (second != P2C2R_E_BUSY && p2c2r_now_us() < until) {
        if (polling) second = p2c2r_runtime_dispatch(runtime.get(), 0, 0, nullptr);
    }
    CHECK(second == P2C2R_E_BUSY);
    while (polling && p2c2r_now_us() < until) p2c2r_runtime_wake(runtime.get());
    poller.join();
}

TEST_CASE("notify is told when something waits for dispatch") {
    struct Bell {
        std::atomic<int> rung{0};
    } bell;
    auto config = runtime_config(P2C2R_RUN_THREAD);
    config.notify = [](void* user) { ++static_cast<Bell*>(user)->rung; };
    config.user = &bell;
    const Runtime runtime = make_runtime(config);
    const Client client = make_client(runtime.get());
    static std::atomic<bool> told;
    told = false;
    Task task("echo", "x", 1);
    task.desc.done = [](void*, p2c2r_task, p2c2r_result* result) {
        told = true;
        p2c2r_result_release(result);
    };
    submit(client.get(), task.desc);
    const uint64_t until = p2c2r_now_us() + kLongUs;
    while (bell.rung == 0 && p2c2r_now_us() < until) std::this_thread::yield();
    CHECK(bell.rung > 0);
    CHECK(!told);
    uint32_t run = 0;
    CHECK(p2c2r_runtime_dispatch(runtime.get(), 0, 0, &run) == P2C2R_OK);
    CHECK(told);
}
