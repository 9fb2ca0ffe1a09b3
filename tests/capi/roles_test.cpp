// All roles through the C interface, in one process, with and without sockets.
#include "world.h"

using namespace capi_test;

namespace {

void echo_some(p2c2r_client* client, int32_t place) {
    const std::string payload = "sixty-four bytes of payload, which is what the benchmark uses..";
    for (int i = 0; i < 20; ++i) {
        Task task("echo", payload.data(), payload.size());
        task.desc.place = place;
        const Result result = fetch(client, submit(client, task.desc));
        CHECK(p2c2r_result_status(result.get()) == P2C2R_OK);
        CHECK(data_of(result.get()) == payload);
    }
}

}  // namespace

TEST_CASE("all roles live in one process without a socket and a task goes through them") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        CAPTURE(mode);
        const Runtime runtime = make_runtime(mode);
        const Coordinator coordinator = make_coordinator(runtime.get());
        const Peer peer = make_peer(runtime.get(), coordinator.get());
        const Client client = make_client(runtime.get(), coordinator.get());
        connect_with_peers(runtime.get(), client.get(), 1);
        echo_some(client.get(), P2C2R_PLACE_REMOTE);
        auto stats = sized<p2c2r_coordinator_stats>();
        REQUIRE(p2c2r_coordinator_stats_get(coordinator.get(), &stats) == P2C2R_OK);
        CHECK(stats.completed_tasks == 20);
        CHECK(stats.failed_tasks == 0);
    }
}

TEST_CASE("a task crosses sockets on loopback from a client to a peer and back") {
    for (const int32_t mode : {P2C2R_RUN_THREAD, P2C2R_RUN_MANUAL}) {
        CAPTURE(mode);
        const Runtime runtime = make_runtime(mode);
        const Coordinator coordinator = make_coordinator(runtime.get(), P2C2R_ANY);
        uint32_t port = 0;
        REQUIRE(p2c2r_coordinator_port(coordinator.get(), &port, nullptr) == P2C2R_OK);
        REQUIRE(port > 0);
        const std::string url = "p2c2r+plain://127.0.0.1:" + std::to_string(port);
        const Peer peer = make_peer(runtime.get(), nullptr, url.c_str());
        const Client client = make_client(runtime.get(), nullptr, url.c_str());
        connect_with_peers(runtime.get(), client.get(), 1);
        echo_some(client.get(), P2C2R_PLACE_REMOTE);
    }
}

TEST_CASE("a client without a coordinator computes on this machine") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Client client = make_client(runtime.get());
    echo_some(client.get(), P2C2R_PLACE_AUTO);
    auto stats = sized<p2c2r_client_stats>();
    REQUIRE(p2c2r_client_stats_get(client.get(), &stats) == P2C2R_OK);
    CHECK(stats.local == 20);
    CHECK(p2c2r_client_connect(client.get(), 10, nullptr) == P2C2R_E_STATE);
}

TEST_CASE(
    "options: a fake bad network makes a client as late as it says, inside a process as well") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    const Peer peer = make_peer(runtime.get(), coordinator.get());
    auto config = sized<p2c2r_client_config>();
    config.local = coordinator.get();
    config.options = R"({"fake_lag_ms": 30, "fake_jitter_ms": 0.5})";
    p2c2r_client* made = nullptr;
    REQUIRE(p2c2r_client_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Client client(made);
    const Task task("echo", "late", 4);
    p2c2r_result* answer = nullptr;
    REQUIRE(p2c2r_client_submit_and_wait(client.get(), &task.desc, &answer, nullptr) == P2C2R_OK);
    const Result owned(answer);
    auto info = sized<p2c2r_result_info>();
    REQUIRE(p2c2r_result_info_get(answer, &info) == P2C2R_OK);
    CHECK(info.status == P2C2R_OK);
    CHECK(info.total_us >= 60'000);
    // What it cannot be is said with its name.
    const struct {
        const char* options;
        const char* field;
    } wrong[] = {{R"({"fake_lag_ms": -1})", "fake_lag_ms"},
                 {R"({"fake_jitter_ms": "much"})", "fake_jitter_ms"},
                 {R"({"fake_loss_percent": 51})", "fake_loss_percent"},
                 {R"({"fake_up_kbps": 1.5})", "fake_up_kbps"},
                 {R"({"fake_down_kbps": -5})", "fake_down_kbps"},
                 {R"({"fake_luck": 1})", "fake_luck"}};
    for (const auto& row : wrong) {
        config.options = row.options;
        p2c2r_error why = {};
        CHECK(p2c2r_client_create(runtime.get(), &config, &made, &why) == P2C2R_E_ARGUMENT);
        CHECK(std::string(why.field) == row.field);
    }
}
