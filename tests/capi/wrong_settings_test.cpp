// What a runtime, its roles and its questions are told that cannot be: each is refused by name.
#include <set>

#include "world.h"

using namespace capi_test;

TEST_CASE("wrong settings of a runtime are named") {
    const auto refused = [](const char* field, p2c2r_status expected,
                            const std::function<void(p2c2r_runtime_config&)>& spoil) {
        CAPTURE(field);
        auto config = runtime_config(P2C2R_RUN_THREAD);
        spoil(config);
        p2c2r_runtime* runtime = nullptr;
        p2c2r_error why = {};
        CHECK(p2c2r_runtime_create(&config, &runtime, &why) == expected);
        CHECK(std::string(why.field) == field);
        CHECK(runtime == nullptr);
    };
    refused("abi_version", P2C2R_E_VERSION, [](auto& config) { config.abi_version = 0; });
    refused("run_mode", P2C2R_E_ARGUMENT, [](auto& config) { config.run_mode = 2; });
    refused("deliver", P2C2R_E_ARGUMENT, [](auto& config) { config.deliver = 9; });
    refused("log_level", P2C2R_E_ARGUMENT, [](auto& config) { config.log_level = 6; });
    refused("gpu", P2C2R_E_ARGUMENT, [](auto& config) { config.gpu = -1; });
    refused("worker_threads", P2C2R_E_ARGUMENT, [](auto& config) { config.worker_threads = 5000; });
    refused("no_such_key", P2C2R_E_ARGUMENT,
            [](auto& config) { config.options = "{\"no_such_key\": 1}"; });
    refused("worker_niceness", P2C2R_E_ARGUMENT,
            [](auto& config) { config.options = "{\"worker_niceness\": 99}"; });
    refused("options", P2C2R_E_ARGUMENT, [](auto& config) { config.options = "{"; });
    p2c2r_runtime* runtime = nullptr;
    CHECK(p2c2r_runtime_create(nullptr, &runtime, nullptr) == P2C2R_E_ARGUMENT);
    const auto config = runtime_config(P2C2R_RUN_THREAD);
    CHECK(p2c2r_runtime_create(&config, nullptr, nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("addresses of coordinators are judged part by part") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const auto status_of = [&](const char* url, const char* options) {
        auto config = sized<p2c2r_client_config>();
        config.coordinator_url = url;
        config.options = options;
        p2c2r_client* made = nullptr;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_client_create(runtime.get(), &config, &made, &why);
        const Client client(made);
        CHECK((status == P2C2R_OK) == (made != nullptr));
        if (status != P2C2R_OK) CHECK(std::string(why.text) != "");
        return status;
    };
    const std::string long_host(254, 'a');
    CHECK(status_of("p2c2r+plain://127.0.0.1:8765", nullptr) == P2C2R_OK);
    CHECK(status_of("p2c2r+plain://localhost", nullptr) == P2C2R_OK);
    CHECK(status_of("p2c2r+plain://[::1]:99", nullptr) == P2C2R_OK);
    // Nobody says whom to believe there.
    CHECK(status_of("p2c2r://127.0.0.1", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://192.0.2.1", nullptr) == P2C2R_E_DENIED);
    CHECK(status_of("p2c2r+plain://127.0.0.1.example.org", nullptr) == P2C2R_E_DENIED);
    CHECK(status_of("p2c2r+plain://192.0.2.1", "{\"allow_plaintext\": true}") == P2C2R_OK);
    CHECK(status_of("p2c2r+plain://192.0.2.1", "{\"allow_plaintex\": true}") == P2C2R_E_ARGUMENT);
    CHECK(status_of("http://127.0.0.1", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://127.0.0.1:0", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://127.0.0.1:65536", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://127.0.0.1:80a", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://[::1", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://[::1]x", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of("p2c2r+plain://user@127.0.0.1", nullptr) == P2C2R_E_ARGUMENT);
    CHECK(status_of(("p2c2r+plain://" + long_host).c_str(), nullptr) == P2C2R_E_ARGUMENT);
}

TEST_CASE("a coordinator in plaintext on a public address is refused unless forced by its flag") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    auto config = sized<p2c2r_coordinator_config>();
    config.listen_port = P2C2R_ANY;
    config.listen_address = "0.0.0.0";
    p2c2r_coordinator* made = nullptr;
    p2c2r_error why = {};
    p2c2r_status status = p2c2r_coordinator_create(runtime.get(), &config, &made, &why);
    if (status == P2C2R_OK) {
        status = p2c2r_coordinator_start(made, &why);
        CHECK(p2c2r_coordinator_destroy(made) == P2C2R_OK);
    }
    CHECK(status == P2C2R_E_DENIED);
    config.flags = P2C2R_COORDINATOR_PLAINTEXT_ANYWHERE;
    REQUIRE(p2c2r_coordinator_create(runtime.get(), &config, &made, &why) == P2C2R_OK);
    const Coordinator coordinator(made);
    CHECK(p2c2r_coordinator_start(made, &why) == P2C2R_OK);
}

TEST_CASE("a coordinator whose port is taken says address and port") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator first = make_coordinator(runtime.get(), P2C2R_ANY);
    uint32_t port = 0;
    REQUIRE(p2c2r_coordinator_port(first.get(), &port, nullptr) == P2C2R_OK);
    auto config = sized<p2c2r_coordinator_config>();
    config.listen_port = port;
    p2c2r_coordinator* made = nullptr;
    REQUIRE(p2c2r_coordinator_create(runtime.get(), &config, &made, nullptr) == P2C2R_OK);
    const Coordinator second(made);
    p2c2r_error why = {};
    CHECK(p2c2r_coordinator_start(second.get(), &why) < 0);
    CHECK(std::string(why.text).find("127.0.0.1") != std::string::npos);
    CHECK(std::string(why.text).find(std::to_string(port)) != std::string::npos);
}

// ---- order and place --------------------------------------------------------------------------

TEST_CASE("what needs a manual runtime is E_STATE in one with a thread") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    int32_t fd = -1;
    int32_t timeout_ms = -1;
    CHECK(p2c2r_runtime_poll(runtime.get(), 0) == P2C2R_E_STATE);
    CHECK(p2c2r_runtime_backend(runtime.get(), &fd, &timeout_ms) == P2C2R_E_STATE);
}

TEST_CASE("a runtime with roles is not destroyed and a closed one takes no new ones") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    Coordinator coordinator = make_coordinator(runtime.get());
    Client client = make_client(runtime.get(), coordinator.get());
    CHECK(p2c2r_runtime_destroy(runtime.get()) == P2C2R_E_STATE);
    CHECK(p2c2r_runtime_close(runtime.get(), 10'000) == P2C2R_OK);
    // What close destroyed is gone.
    CHECK(p2c2r_client_destroy(client.release()) == P2C2R_E_STALE);
    CHECK(p2c2r_coordinator_destroy(coordinator.release()) == P2C2R_E_STALE);
    const auto config = sized<p2c2r_client_config>();
    p2c2r_client* late = nullptr;
    CHECK(p2c2r_client_create(runtime.get(), &config, &late, nullptr) == P2C2R_E_CLOSED);
    CHECK(p2c2r_runtime_close(runtime.get(), 0) == P2C2R_OK);
}

TEST_CASE("a coordinator of another runtime is refused") {
    const Runtime one = make_runtime(P2C2R_RUN_THREAD);
    const Runtime other = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(one.get());
    auto config = sized<p2c2r_client_config>();
    config.local = coordinator.get();
    p2c2r_client* client = nullptr;
    p2c2r_error why = {};
    CHECK(p2c2r_client_create(other.get(), &config, &client, &why) == P2C2R_E_ARGUMENT);
    CHECK(std::string(why.field) == "local");
}

TEST_CASE("questions with unknown names say which there are") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const Coordinator coordinator = make_coordinator(runtime.get());
    p2c2r_result* result = nullptr;
    p2c2r_error why = {};
    CHECK(p2c2r_runtime_call(runtime.get(), "nonsense", nullptr, nullptr, 0, &result, &why) ==
          P2C2R_E_UNSUPPORTED);
    CHECK(std::string(why.text).find("task_types") != std::string::npos);
    why = {};
    CHECK(p2c2r_coordinator_call(coordinator.get(), "nonsense", nullptr, 0, &result, &why) ==
          P2C2R_E_UNSUPPORTED);
    CHECK(std::string(why.text).find("status") != std::string::npos);
    CHECK(p2c2r_coordinator_call(coordinator.get(), "status", "[]", 0, &result, &why) ==
          P2C2R_E_ARGUMENT);
    CHECK(result == nullptr);
}

TEST_CASE("the worth of a task is told and a number out of range is named") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const auto ask = [&](const std::string& up_mbps, std::string& text) {
        const std::string arguments =
            R"({"bytes_up": 141667, "bytes_down": 0, "local_us": 40000, "remote_us": 4000, "rtt_us": 0,)"
            R"( "down_mbps": 50, "up_mbps": )" +
            up_mbps + "}";
        p2c2r_result* result = nullptr;
        p2c2r_error why = {};
        const p2c2r_status status = p2c2r_runtime_call(runtime.get(), "worth", arguments.c_str(),
                                                       nullptr, 0, &result, &why);
        text = std::string(why.field) + ": " + why.text;
        if (status != P2C2R_OK) return status;
        size_t size = 0;
        const void* fields = p2c2r_result_fields(result, P2C2R_FORMAT_JSON, &size);
        text.assign(static_cast<const char*>(fields), size);
        p2c2r_result_release(result);
        return status;
    };
    std::string text;
    CHECK(ask("10", text) == P2C2R_OK);
    CHECK(text.find("keep here: 60 a second take 68 Mbit/s up, the link has 10") !=
          std::string::npos);
    CHECK(ask("0", text) == P2C2R_E_ARGUMENT);
    CHECK(text.find("up_mbps") == 0);
}

TEST_CASE("what a link carries of a layer is told and what cannot be is named") {
    const Runtime runtime = make_runtime(P2C2R_RUN_THREAD);
    const auto ask = [&](const char* arguments, std::string& text) {
        p2c2r_result* result = nullptr;
        p2c2r_error why = {};
        const p2c2r_status status =
            p2c2r_runtime_call(runtime.get(), "fit_layer", arguments, nullptr, 0, &result, &why);
        text = status == P2C2R_OK ? json_of(result) : why.field;
        p2c2r_result_release(result);
        return status;
    };
    std::string text;
    CHECK(ask(R"({"bytes_up": 2000, "area_bytes_down": 115200, "down_mbps": 20})", text) ==
          P2C2R_OK);
    CHECK(text.find(R"("divisor":2)") != std::string::npos);
    CHECK(text.find("1/2 resolution, 60 a second: 0.96 of 3 Mbit/s up, 14 of 14 down") !=
          std::string::npos);
    CHECK(ask(R"({"area_bytes_down": 115200, "qualities": [1, 0.25]})", text) == P2C2R_OK);
    CHECK(text.find(R"("quality":1)") != std::string::npos);
    const char* wrong[][2] = {{R"({})", "area_bytes_down"},
                              {R"({"area_bytes_down": 1, "divisor": 3})", "divisor"},
                              {R"({"area_bytes_down": 1, "qualities": [0.5, 1]})", "qualities"},
                              {R"({"area_bytes_down": 1, "qualities": []})", "qualities"},
                              {R"({"area_bytes_down": 1, "share": 2})", "share"},
                              {R"({"area_bytes_down": 1, "luck": 2})", "luck"}};
    for (const auto& row : wrong) {
        CAPTURE(row[0]);
        const auto& [arguments, field] = row;
        CHECK(ask(arguments, text) == P2C2R_E_ARGUMENT);
        CHECK(text == field);
    }
}
