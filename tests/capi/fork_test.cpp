// After fork, in the child, older handles answer E_STATE and are not touched; new ones work.
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

using namespace capi_test;

namespace {

// Runs `body` in a child; it gives the number of the check that failed, or 0.
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(body());
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("in a child every call on an older handle is E_STATE and the parent goes on") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    const Client client = make_client(runtime.get(), coordinator.get());
    connect_with_peers(runtime.get(), client.get(), 1);
    const Task task("echo", "x", 1);
    const Result result = fetch(client.get(), submit(client.get(), task.desc));
    const int failed = in_child([&] {
        p2c2r_task id = 0;
        p2c2r_result* none = nullptr;
        auto stats = sized<p2c2r_client_stats>();
        size_t size = 1;
        if (p2c2r_client_submit(client.get(), &task.desc, &id, nullptr) != P2C2R_E_STATE) return 1;
        if (p2c2r_client_stats_get(client.get(), &stats) != P2C2R_E_STATE) return 2;
        if (p2c2r_client_get_result(client.get(), 1, 0, &none) != P2C2R_E_STATE) return 3;
        if (p2c2r_client_destroy(client.get()) != P2C2R_E_STATE) return 4;
        if (p2c2r_peer_pause(peer.get()) != P2C2R_E_STATE) return 5;
        if (p2c2r_peer_destroy(peer.get()) != P2C2R_E_STATE) return 6;
        if (p2c2r_coordinator_destroy(coordinator.get()) != P2C2R_E_STATE) return 7;
        if (p2c2r_runtime_dispatch(runtime.get(), 0, 0, nullptr) != P2C2R_E_STATE) return 8;
        if (p2c2r_runtime_destroy(runtime.get()) != P2C2R_E_STATE) return 9;
        if (p2c2r_result_status(result.get()) != P2C2R_E_STATE) return 10;
        if (p2c2r_result_data(result.get(), &size) != nullptr || size != 0) return 11;
        if (p2c2r_result_retain(result.get()) != nullptr) return 12;
        p2c2r_result_release(result.get());
        return 0;
    });
    CHECK(failed == 0);
    CHECK(data_of(fetch(client.get(), submit(client.get(), task.desc)).get()) == "x");
    CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
}

TEST_CASE("a child makes a runtime of its own") {
    const Runtime parent = make_runtime(P2C2R_RUN_THREAD);
    const int failed = in_child([&] {
        auto config = runtime_config(P2C2R_RUN_MANUAL);
        config.worker_threads = P2C2R_NONE;
        p2c2r_runtime* runtime = nullptr;
        if (p2c2r_runtime_create(&config, &runtime, nullptr) != P2C2R_OK) return 1;
        const auto client_config = sized<p2c2r_client_config>();
        p2c2r_client* client = nullptr;
        if (p2c2r_client_create(runtime, &client_config, &client, nullptr) != P2C2R_OK) return 2;
        const Task task("echo", "child", 5);
        p2c2r_result* result = nullptr;
        if (p2c2r_client_submit_and_wait(client, &task.desc, &result, nullptr) != P2C2R_OK)
            return 3;
        if (data_of(result) != "child") return 4;
        p2c2r_result_release(result);
        if (p2c2r_client_destroy(client) != P2C2R_OK) return 5;
        return p2c2r_runtime_destroy(runtime) == P2C2R_OK ? 0 : 6;
    });
    CHECK(failed == 0);
}
